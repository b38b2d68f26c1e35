//! The durable record of a cluster, the graph its status moves along, and how the API shows it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::api::{
    ClusterSummary, CreateClusterOutput, DeleteClusterOutput, EncryptionDetails, EncryptionStatus,
    EncryptionType, GetClusterOutput, MetricGroup, MetricGroupResponse, MultiRegionOutput, Request, Tags,
    UpdateClusterOutput,
};
use crate::region::Region;
use crate::types::{Account, ClusterArn, ClusterStatus, Identifier, Timestamp};

use super::attached::{Attached, Stream};
use super::register::RegisterKey;

/// The place of a cluster in the order of creation of its account's clusters in its Region, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Serial(pub u64);

impl Serial {
    /// Its place in a list, from 0.
    pub(super) fn index(self) -> usize {
        self.0.saturating_sub(1) as usize
    }
}

/// A cluster as a control plane's storage knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub arn: ClusterArn,
    /// Its place in the order of creation: the key it is stored under, and what pages are cut by.
    pub serial: Serial,
    /// Its status.
    pub status: ClusterStatus,
    /// How often the record was written; a timer set for an older version does nothing.
    pub version: u32,
    /// When it was created, by the Region's wall clock.
    pub creation_time: Timestamp,
    /// Whether it refuses to be deleted.
    pub deletion_protection: bool,
    /// The customer managed key, if it is not encrypted with a key that AWS owns.
    pub kms_key: Option<Arc<str>>,
    /// Its tags, if it has any.
    pub tags: Option<Tags>,
    /// What else is attached to it, if anything ever was.
    pub attached: Option<Arc<Attached>>,
    /// Whether statement statistics are published.
    pub statement_statistics: bool,
    /// Whether its key is in use, or being put to use, or cannot be used.
    pub encryption: EncryptionStatus,
    /// What makes it a multi-Region cluster. Never changes between present and absent.
    pub multi_region: Option<Box<MultiRegion>>,
    /// The call that is carried out on it and that the link register has yet to allow.
    pub intent: Option<Arc<Intent>>,
}

/// What makes a cluster a multi-Region cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiRegion {
    /// The witness Region.
    pub witness: Region,
    /// The peer that this cluster declares.
    pub peer: Option<ClusterArn>,
    /// Whether the link register is known to say that both sides declared each other.
    pub linked: bool,
    /// Whether this side asked to leave a linked pair. (Assumption `unpeer_active`.)
    pub leaving: bool,
}

/// A call written down before the link register is asked, so that it is finished even after a crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Who called.
    pub account: Account,
    /// The UpdateCluster or DeleteCluster call.
    pub request: Arc<Request>,
}

impl Cluster {
    /// The register that this cluster's declaration is written to.
    #[must_use]
    pub fn register(&self) -> Option<RegisterKey> {
        let multi_region = self.multi_region.as_deref()?;
        Some(RegisterKey::new(self.arn, multi_region.peer?, multi_region.witness))
    }

    /// Whether nothing that is attached differs from what `other` has: what was not written anew is shared.
    #[must_use]
    pub fn shares_attached(&self, other: &Cluster) -> bool {
        match (&self.attached, &other.attached) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Its streams.
    #[must_use]
    pub fn streams(&self) -> &[Stream] {
        self.attached.as_deref().map_or(&[], |attached| &attached.streams)
    }

    /// Its stream called `identifier`.
    #[must_use]
    pub fn stream(&self, identifier: Identifier) -> Option<&Stream> {
        self.attached.as_deref()?.stream(identifier)
    }

    /// The peer, once the two are linked.
    #[must_use]
    pub fn linked_peer(&self) -> Option<ClusterArn> {
        self.multi_region.as_deref().filter(|multi_region| multi_region.linked)?.peer
    }

    /// The status that an ordinary update leads back to, if the key can be used.
    #[must_use]
    pub fn settled_status(&self) -> ClusterStatus {
        match &self.multi_region {
            Some(multi_region) if !multi_region.linked => ClusterStatus::PendingSetup,
            _ => ClusterStatus::Active,
        }
    }

    /// The cluster as GetCluster shows it.
    ///
    /// `multiRegionProperties.clusters` holds the cluster's own ARN first, then the declared peer's, and the whole
    /// member is absent from a single-Region cluster.
    #[must_use]
    pub fn describe(&self) -> GetClusterOutput {
        GetClusterOutput {
            arn: self.arn,
            status: self.status,
            creation_time: self.creation_time,
            deletion_protection_enabled: self.deletion_protection,
            multi_region_properties: self.properties(),
            tags: self.tags.clone(),
            encryption_details: Some(self.encryption()),
            metric_groups: self.metric_groups(),
        }
    }

    /// The cluster as CreateCluster answers it.
    #[must_use]
    pub fn created(&self) -> CreateClusterOutput {
        CreateClusterOutput {
            arn: self.arn,
            status: self.status,
            creation_time: self.creation_time,
            multi_region_properties: self.properties(),
            encryption_details: Some(self.encryption()),
            deletion_protection_enabled: self.deletion_protection,
            metric_groups: self.metric_groups(),
        }
    }

    /// The cluster as UpdateCluster answers it.
    #[must_use]
    pub fn updated(&self) -> UpdateClusterOutput {
        UpdateClusterOutput { arn: self.arn, status: self.status, creation_time: self.creation_time }
    }

    /// The cluster as DeleteCluster answers it.
    #[must_use]
    pub fn deleted(&self) -> DeleteClusterOutput {
        DeleteClusterOutput { arn: self.arn, status: self.status, creation_time: self.creation_time }
    }

    /// The cluster as ListClusters shows it: no status, no tags.
    #[must_use]
    pub fn summary(&self) -> ClusterSummary {
        ClusterSummary { arn: self.arn }
    }
}

/// Whether the documented graph leads from `from` to `to`; `None` is a cluster that does not exist (yet, or any
/// more).
///
/// User Guide, "Cluster lifecycle" and the multi-Region CLI pages. An update may answer from any settled status and
/// leads back; a cluster of a multi-Region pair goes through CREATING when it is linked and through PENDING_DELETE
/// when it is deleted. Where ACTIVE is reached, it is IDLE instead as long as the key cannot be used.
#[must_use]
pub fn may_become(from: Option<ClusterStatus>, to: Option<ClusterStatus>) -> bool {
    use ClusterStatus::*;
    match (from, to) {
        (None, Some(to)) => matches!(to, Creating | PendingSetup),
        (Some(from), None) => matches!(from, Deleting | Deleted),
        (Some(from), Some(to)) => {
            from == to
                || match from {
                    Creating => matches!(to, Active | Idle | Failed),
                    Active => matches!(to, Updating | Idle | PendingDelete | Deleting),
                    Idle => matches!(to, Active | Inactive | Updating | PendingDelete | Deleting),
                    Inactive => matches!(to, Active | Updating | PendingDelete | Deleting),
                    Updating => matches!(to, Active | Idle | PendingSetup | PendingDelete | Deleting),
                    PendingSetup => matches!(to, Updating | Creating | PendingDelete | Deleting),
                    PendingDelete => matches!(to, Deleting),
                    Deleting => matches!(to, Deleted),
                    Failed => matches!(to, PendingDelete | Deleting),
                    Deleted => false,
                }
        }
        (None, None) => true,
    }
}

impl Cluster {
    fn encryption(&self) -> EncryptionDetails {
        EncryptionDetails {
            encryption_type: match self.kms_key {
                Some(_) => EncryptionType::CustomerManagedKmsKey,
                None => EncryptionType::AwsOwnedKmsKey,
            },
            kms_key_arn: self.kms_key.clone(),
            encryption_status: self.encryption,
        }
    }

    fn properties(&self) -> Option<Box<MultiRegionOutput>> {
        let multi_region = self.multi_region.as_deref()?;
        let peer = multi_region.peer.filter(|_| !multi_region.leaving);
        let clusters = std::iter::once(self.arn).chain(peer).collect();
        Some(Box::new(MultiRegionOutput { witness_region: multi_region.witness, clusters }))
    }

    fn metric_groups(&self) -> Option<Box<[MetricGroupResponse]>> {
        let group = MetricGroupResponse { metric_group: MetricGroup::StatementStatistics };
        self.statement_statistics.then(|| Box::from([group]))
    }
}
