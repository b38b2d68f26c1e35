//! UpdateCluster.

use std::sync::Arc;

use macro_rules_attribute::apply;

use crate::api::constraints::{CLUSTER_ID, KMS_KEY, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::OperationModel;
use crate::api::shapes::{MetricGroupRequest, MultiRegionProperties, structure, structures, with_identifier};
use crate::types::{ClientToken, ClusterArn, ClusterStatus, Timestamp};

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "update-cluster",
    method: "POST",
    path: "/cluster/{identifier}",
    query: &[],
    takes_client_token: true,
    is_about_streams: false,
};

/// The input of UpdateCluster.
#[apply(input)]
pub struct UpdateClusterInput {
    /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
    pub identifier: String,
    /// Whether DeleteCluster is rejected; unchanged if absent.
    pub deletion_protection_enabled: Option<bool>,
    /// A KMS key, as its ARN, id or alias, or `AWS_OWNED_KMS_KEY`: 1 to 2048 characters.
    pub kms_encryption_key: Option<Arc<str>>,
    /// The idempotency token: 1 to 128 printable ASCII characters. SDKs fill in a UUID if it is absent.
    pub client_token: Option<ClientToken>,
    /// The new witness Region and the new peer; both unchanged if absent.
    #[serde(deserialize_with = "structure")]
    pub multi_region_properties: Option<Box<MultiRegionProperties>>,
    /// The metric groups to publish instead of the current ones: at most 20, without duplicates.
    #[serde(deserialize_with = "structures")]
    pub metric_groups: Option<Box<[MetricGroupRequest]>>,
}

/// The output of UpdateCluster.
#[apply(output)]
pub struct UpdateClusterOutput {
    /// The cluster's ARN. On the wire, the identifier stands beside it.
    #[serde(flatten, with = "with_identifier")]
    pub arn: ClusterArn,
    /// The status after the call.
    pub status: ClusterStatus,
    /// The time of creation.
    pub creation_time: Timestamp,
}

impl Validate for UpdateClusterInput {
    fn collect(&self, violations: &mut Violations) {
        violations.identifier("identifier", &self.identifier, &CLUSTER_ID);
        violations.optional("kmsEncryptionKey", self.kms_encryption_key.as_deref(), &KMS_KEY);
        violations.token(self.client_token.as_ref());
        violations.properties(self.multi_region_properties.as_deref());
        violations.metric_groups(self.metric_groups.as_deref());
    }
}
