//! CreateCluster.

use std::sync::Arc;

use macro_rules_attribute::apply;

use crate::api::Tags;
use crate::api::constraints::{KMS_KEY, POLICY, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::OperationModel;
use crate::api::shapes::{
    EncryptionDetails, MetricGroupRequest, MetricGroupResponse, MultiRegionOutput, MultiRegionProperties,
    structure, structures, with_endpoint,
};
use crate::types::{ClientToken, ClusterArn, ClusterStatus, Timestamp};

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "create-cluster",
    method: "POST",
    path: "/cluster",
    query: &[],
    takes_client_token: true,
    is_about_streams: false,
};

/// The input of CreateCluster.
#[apply(input)]
pub struct CreateClusterInput {
    /// Whether DeleteCluster is rejected; `true` if absent.
    pub deletion_protection_enabled: Option<bool>,
    /// A KMS key, as its ARN, id or alias, or `AWS_OWNED_KMS_KEY`: 1 to 2048 characters. The key is AWS-owned if
    /// absent.
    pub kms_encryption_key: Option<Arc<str>>,
    /// At most 200 tags. A key has 1 to 128 characters, a value 0 to 256.
    pub tags: Option<Tags>,
    /// The idempotency token: 1 to 128 printable ASCII characters. SDKs fill in a UUID if it is absent.
    pub client_token: Option<ClientToken>,
    /// The witness Region and the peer; absent for a single-Region cluster.
    #[serde(deserialize_with = "structure")]
    pub multi_region_properties: Option<Box<MultiRegionProperties>>,
    /// A resource policy as JSON text: 1 to 20,480 characters.
    pub policy: Option<Arc<str>>,
    /// The metric groups to publish: at most 20, without duplicates.
    #[serde(deserialize_with = "structures")]
    pub metric_groups: Option<Box<[MetricGroupRequest]>>,
    /// Whether to accept a policy that would deny the caller PutClusterPolicy and DeleteClusterPolicy.
    pub bypass_policy_lockout_safety_check: Option<bool>,
}

/// The output of CreateCluster.
#[apply(output)]
pub struct CreateClusterOutput {
    /// The cluster's ARN. On the wire, the identifier and the endpoint stand beside it.
    #[serde(flatten, with = "with_endpoint")]
    pub arn: ClusterArn,
    /// The status after the call.
    pub status: ClusterStatus,
    /// The time of creation.
    pub creation_time: Timestamp,
    /// Whether DeleteCluster is rejected.
    pub deletion_protection_enabled: bool,
    /// The witness Region and the linked clusters; absent for a single-Region cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_region_properties: Option<Box<MultiRegionOutput>>,
    /// The encryption at rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_details: Option<EncryptionDetails>,
    /// The published metric groups; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_groups: Option<Box<[MetricGroupResponse]>>,
}

impl Validate for CreateClusterInput {
    fn collect(&self, violations: &mut Violations) {
        violations.optional("kmsEncryptionKey", self.kms_encryption_key.as_deref(), &KMS_KEY);
        violations.tags(self.tags.as_ref());
        violations.token(self.client_token.as_ref());
        violations.properties(self.multi_region_properties.as_deref());
        violations.optional("policy", self.policy.as_deref(), &POLICY);
        violations.metric_groups(self.metric_groups.as_deref());
    }
}
