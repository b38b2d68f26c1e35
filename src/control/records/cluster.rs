//! The durable record of a cluster, its status graph, and its form in the API.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::api::{
    ClusterSummary, CreateClusterOutput, DeleteClusterInput, DeleteClusterOutput, EncryptionDetails,
    EncryptionStatus, EncryptionType, GetClusterOutput, MetricGroup, MetricGroupResponse, MultiRegionOutput,
    Request, Tags, UpdateClusterInput, UpdateClusterOutput,
};
use crate::control::assumptions::Assumptions;
use crate::control::keys::aws_owned_key;
use crate::control::peering::RegisterKey;
use crate::control::records::{ClusterPolicy, Stream};
use crate::region::Region;
use crate::types::{Account, ClusterArn, ClusterStatus, Identifier, Instant, Timestamp};

/// The number of a cluster among those of its account and Region, in the order of creation, from 1. It is never used
/// again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Serial(pub u64);

/// The key of a cluster in a Region: its account, and its number there.
pub type ClusterKey = (Account, Serial);

impl Serial {
    /// The cluster's index in a list, from 0.
    pub(in crate::control) fn index(self) -> usize {
        self.0.saturating_sub(1) as usize
    }
}

/// The record of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cluster {
    /// The cluster's ARN, with its Region, account and identifier.
    pub arn: ClusterArn,
    /// The cluster's number in the order of creation: its key in storage, and the position of pages.
    pub serial: Serial,
    /// The status, as the API shows it.
    pub status: ClusterStatus,
    /// The number of status changes so far. A timer that was set for another version has no effect.
    pub version: u32,
    /// The time of creation, by the Region's wall clock.
    pub creation_time: Timestamp,
    /// Whether DeleteCluster is refused.
    pub deletion_protection: bool,
    /// The customer managed key; `None` for a key owned by AWS.
    pub kms_key: Option<Arc<str>>,
    /// The tags; `None` without any.
    pub tags: Option<Tags>,
    /// The policy and the streams; `None` if there never were any.
    pub attached: Option<Arc<Attached>>,
    /// Whether statement statistics are published.
    pub statement_statistics: bool,
    /// The state of the encryption: the key is in use, is being put to use, or cannot be used.
    pub encryption: EncryptionStatus,
    /// The multi-Region properties. A cluster has them for life, or never.
    pub multi_region: Option<Box<MultiRegion>>,
    /// The deferred call on the cluster, which the link register has yet to decide.
    pub intent: Option<Arc<Intent>>,
}

/// The policy and the streams of a cluster, with the counters that outlive them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attached {
    /// The resource policy.
    pub policy: Option<Arc<ClusterPolicy>>,
    /// The policy in force when the present one was put or removed; it stays in force for the policy delay.
    #[serde(default)]
    pub old_policy: Option<Arc<ClusterPolicy>>,
    /// The time when the policy was last put or removed.
    #[serde(default)]
    pub policy_changed: Instant,
    /// The version of the last policy; 0 before the first. It outlives its policy, so that no version comes back.
    #[serde(alias = "policies")]
    pub policy_version: u64,
    /// The streams, in the order of creation.
    pub streams: Vec<Stream>,
    /// The number of streams so far.
    pub numbered: u32,
}

/// The multi-Region properties of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MultiRegion {
    /// The witness Region, which is part of the register's key.
    pub witness: Region,
    /// The peer that this cluster declares.
    pub peer: Option<ClusterArn>,
    /// Whether this control plane knows that the pair is linked. The register may be ahead of it, never behind.
    pub linked: bool,
    /// Whether this side has requested to leave its linked pair (assumption `unpeer_active`).
    pub leaving: bool,
}

/// A deferred call. It is written into the record before the first proposal to the link register, so that a crash
/// cannot lose it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Intent {
    /// The account that called.
    pub account: Account,
    /// The request.
    pub request: DeferredRequest,
}

/// The request of a deferred call. Only these two operations depend on the link register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeferredRequest {
    /// An update that takes the declaration of a peer back.
    UpdateCluster(UpdateClusterInput),
    /// The deletion of a cluster that has declared a peer.
    DeleteCluster(DeleteClusterInput),
}

// A deferred request has the fingerprint of the request that it is.
impl Hash for DeferredRequest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_request().hash(state);
    }
}

impl DeferredRequest {
    /// The request, as it came.
    #[must_use]
    pub fn to_request(&self) -> Request {
        match self {
            DeferredRequest::UpdateCluster(input) => Request::UpdateCluster(input.clone()),
            DeferredRequest::DeleteCluster(input) => Request::DeleteCluster(input.clone()),
        }
    }
}

impl Attached {
    /// The stream with this identifier.
    #[must_use]
    pub fn stream(&self, identifier: Identifier) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.identifier == identifier)
    }
}

impl Cluster {
    /// The cluster's key in storage.
    #[must_use]
    pub fn key(&self) -> ClusterKey {
        (self.arn.account, self.serial)
    }

    /// Whether a deletion of the cluster waits for the link register.
    #[must_use]
    pub fn is_deletion_deferred(&self) -> bool {
        let intent = self.intent.as_deref();
        intent.is_some_and(|intent| matches!(intent.request, DeferredRequest::DeleteCluster(_)))
    }

    /// The update of the cluster that waits for the link register, if one does.
    #[must_use]
    pub fn deferred_update(&self) -> Option<&UpdateClusterInput> {
        match &self.intent.as_deref()?.request {
            DeferredRequest::UpdateCluster(input) => Some(input),
            DeferredRequest::DeleteCluster(_) => None,
        }
    }

    /// The register that the cluster's declaration is written to; `None` without a peer.
    #[must_use]
    pub fn register(&self) -> Option<RegisterKey> {
        let multi_region = self.multi_region.as_deref()?;
        Some(RegisterKey::new(self.arn, multi_region.peer?, multi_region.witness))
    }

    /// Whether policy and streams are the same as those of `other`. Unchanged ones are shared between versions of a
    /// record, so pointers are compared.
    #[must_use]
    pub fn shares_attached(&self, other: &Cluster) -> bool {
        match (&self.attached, &other.attached) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// The streams, in the order of creation.
    #[must_use]
    pub fn streams(&self) -> &[Stream] {
        self.attached.as_deref().map_or(&[], |attached| &attached.streams)
    }

    /// The stream with this identifier.
    #[must_use]
    pub fn stream(&self, identifier: Identifier) -> Option<&Stream> {
        self.attached.as_deref()?.stream(identifier)
    }

    /// The peer, once the pair is linked.
    #[must_use]
    pub fn linked_peer(&self) -> Option<ClusterArn> {
        self.multi_region.as_deref().filter(|multi_region| multi_region.linked)?.peer
    }

    /// The status that an update leads back to, if the key can be used.
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
    pub fn describe(&self, assumed: &Assumptions) -> GetClusterOutput {
        GetClusterOutput {
            arn: self.arn,
            status: self.status,
            creation_time: self.creation_time,
            deletion_protection_enabled: self.deletion_protection,
            multi_region_properties: self.properties(),
            tags: self.tags.clone(),
            encryption_details: Some(self.encryption(assumed)),
            metric_groups: self.metric_groups(),
        }
    }

    /// The response of CreateCluster.
    #[must_use]
    pub fn created(&self, assumed: &Assumptions) -> CreateClusterOutput {
        CreateClusterOutput {
            arn: self.arn,
            status: self.status,
            creation_time: self.creation_time,
            multi_region_properties: self.properties(),
            encryption_details: Some(self.encryption(assumed)),
            deletion_protection_enabled: self.deletion_protection,
            metric_groups: self.metric_groups(),
        }
    }

    /// The response of UpdateCluster.
    #[must_use]
    pub fn updated(&self) -> UpdateClusterOutput {
        UpdateClusterOutput { arn: self.arn, status: self.status, creation_time: self.creation_time }
    }

    /// The response of DeleteCluster.
    #[must_use]
    pub fn deleted(&self) -> DeleteClusterOutput {
        DeleteClusterOutput { arn: self.arn, status: self.status, creation_time: self.creation_time }
    }

    /// The entry of ListClusters: no status, no tags.
    #[must_use]
    pub fn summary(&self) -> ClusterSummary {
        ClusterSummary { arn: self.arn }
    }
}

/// Whether the documented graph allows the status `to` after `from`; `None` is a cluster that does not exist yet, or
/// any more.
///
/// User Guide, "Cluster lifecycle" and the multi-Region CLI pages. An update is accepted in every settled status and
/// leads back; a cluster of a multi-Region pair goes through CREATING when it is linked and through PENDING_DELETE
/// when it is deleted. IDLE takes the part of ACTIVE while the key cannot be used.
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
    fn encryption(&self, assumed: &Assumptions) -> EncryptionDetails {
        let owned = || assumed.aws_owned_key_shown.then(|| aws_owned_key(self.arn.region).into());
        EncryptionDetails {
            encryption_type: match self.kms_key {
                Some(_) => EncryptionType::CustomerManagedKmsKey,
                None => EncryptionType::AwsOwnedKmsKey,
            },
            kms_key_arn: self.kms_key.clone().or_else(owned),
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
