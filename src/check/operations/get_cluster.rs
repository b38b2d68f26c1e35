//! GetCluster.

use crate::api::{EncryptionType, GetClusterInput, GetClusterOutput, MultiRegionOutput};
use crate::check::keys;
use crate::check::open::OpenCall;
use crate::check::responses::is_subject;
use crate::check::visible::{Fact, shown_properties};
use crate::control::assumptions::Assumptions;
use crate::control::records::Cluster;
use crate::types::{ClusterArn, ClusterStatus};

use super::{RequestSpecification, ResponseSpecification, ShownMembers};

impl RequestSpecification for GetClusterInput {
    fn required(&self) -> &'static [&'static str] {
        &["identifier"]
    }
}

impl ResponseSpecification for GetClusterOutput {
    fn is_about(&self, call: &OpenCall) -> bool {
        is_subject(call, self.arn)
    }

    fn properties(&self) -> Option<(&MultiRegionOutput, ClusterArn)> {
        Some((self.multi_region_properties.as_deref()?, self.arn))
    }

    fn agrees_with(&self, record: &Cluster, assumed: &Assumptions) -> Option<bool> {
        use ClusterStatus::{Creating, PendingSetup};
        let encryption = self.encryption_details.as_ref();
        let encryption = encryption.map(|details| (details.encryption_type, details.encryption_status));
        let owner = match record.kms_key {
            Some(_) => EncryptionType::CustomerManagedKmsKey,
            None => EncryptionType::AwsOwnedKmsKey,
        };
        // Two assumptions let a read show another status for a while, but none of a deletion and none instead of one.
        let may_flap =
            !assumed.status_flaps.is_zero() && !is_of_deletion(self.status) && !is_of_deletion(record.status);
        let may_be_creating = !assumed.creating_before_setup.is_zero()
            && (self.status, record.status) == (Creating, PendingSetup);
        let is_shown = self.status == record.status || may_flap || may_be_creating;
        let is_named = keys::is_named(self.encryption_details.as_ref(), record, assumed);
        Some(is_shown && is_named && encryption == Some((owner, record.encryption)))
    }

    fn shows(&self) -> Option<ShownMembers> {
        let mut facts = vec![
            Fact::Created(self.creation_time),
            Fact::Protection(self.deletion_protection_enabled),
            Fact::Key(keys::customer_key(self.encryption_details.as_ref())),
            Fact::MetricGroups(self.metric_groups.is_some()),
            Fact::Deleted(is_of_deletion(self.status)),
        ];
        facts.extend(shown_properties(self.multi_region_properties.as_deref(), self.arn));
        Some(ShownMembers { facts, tags: Some(self.tags.clone().unwrap_or_default()) })
    }
}

fn is_of_deletion(status: ClusterStatus) -> bool {
    matches!(status, ClusterStatus::PendingDelete | ClusterStatus::Deleting | ClusterStatus::Deleted)
}
