//! GetCluster.

use macro_rules_attribute::apply;

use crate::api::Tags;
use crate::api::constraints::{CLUSTER_ID, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::OperationModel;
use crate::api::shapes::{EncryptionDetails, MetricGroupResponse, MultiRegionOutput, with_endpoint};
use crate::types::{ClusterArn, ClusterStatus, Timestamp};

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "get-cluster",
    method: "GET",
    path: "/cluster/{identifier}",
    query: &[],
    takes_client_token: false,
    is_about_streams: false,
};

/// The input of GetCluster.
#[apply(input)]
pub struct GetClusterInput {
    /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
    pub identifier: String,
}

/// The output of GetCluster.
#[apply(output)]
pub struct GetClusterOutput {
    /// The cluster's ARN. On the wire, the identifier and the endpoint stand beside it.
    #[serde(flatten, with = "with_endpoint")]
    pub arn: ClusterArn,
    /// The current status.
    pub status: ClusterStatus,
    /// The time of creation.
    pub creation_time: Timestamp,
    /// Whether DeleteCluster is rejected.
    pub deletion_protection_enabled: bool,
    /// The witness Region and the linked clusters; absent for a single-Region cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_region_properties: Option<Box<MultiRegionOutput>>,
    /// The resource's tags; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// The encryption at rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_details: Option<EncryptionDetails>,
    /// The published metric groups; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_groups: Option<Box<[MetricGroupResponse]>>,
}

impl Validate for GetClusterInput {
    fn collect(&self, violations: &mut Violations) {
        violations.identifier("identifier", &self.identifier, &CLUSTER_ID);
    }
}
