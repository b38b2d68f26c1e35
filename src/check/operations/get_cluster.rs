//! GetCluster.

use crate::api::{GetClusterInput, GetClusterOutput, MultiRegionOutput};
use crate::check::open::OpenCall;
use crate::check::responses::is_subject;
use crate::check::visible::{Fact, shown_properties};
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

    fn agrees_with(&self, record: &Cluster) -> Option<bool> {
        let encryption = self.encryption_details.as_ref().map(|details| details.encryption_status);
        Some((self.status, encryption) == (record.status, Some(record.encryption)))
    }

    fn shows(&self) -> Option<ShownMembers> {
        use ClusterStatus::{Deleted, Deleting, PendingDelete};
        let key = self.encryption_details.as_ref().and_then(|it| it.kms_key_arn.clone());
        let mut facts = vec![
            Fact::Created(self.creation_time),
            Fact::Protection(self.deletion_protection_enabled),
            Fact::Key(key),
            Fact::MetricGroups(self.metric_groups.is_some()),
            Fact::Deleted(matches!(self.status, PendingDelete | Deleting | Deleted)),
        ];
        facts.extend(shown_properties(self.multi_region_properties.as_deref(), self.arn));
        Some(ShownMembers { facts, tags: Some(self.tags.clone().unwrap_or_default()) })
    }
}
