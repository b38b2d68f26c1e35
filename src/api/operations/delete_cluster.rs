//! DeleteCluster.

use macro_rules_attribute::apply;

use crate::api::constraints::{CLUSTER_ID, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::{CLIENT_TOKEN, OperationModel};
use crate::api::shapes::with_identifier;
use crate::types::{ClientToken, ClusterArn, ClusterStatus, Timestamp};

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "delete-cluster",
    method: "DELETE",
    path: "/cluster/{identifier}",
    query: &[CLIENT_TOKEN],
    takes_client_token: true,
    is_about_streams: false,
};

/// The input of DeleteCluster.
#[apply(input)]
pub struct DeleteClusterInput {
    /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
    pub identifier: String,
    /// The idempotency token: 1 to 128 printable ASCII characters. SDKs fill in a UUID if it is absent.
    pub client_token: Option<ClientToken>,
}

/// The output of DeleteCluster.
#[apply(output)]
pub struct DeleteClusterOutput {
    /// The cluster's ARN. On the wire, the identifier stands beside it.
    #[serde(flatten, with = "with_identifier")]
    pub arn: ClusterArn,
    /// The status after the call.
    pub status: ClusterStatus,
    /// The time of creation.
    pub creation_time: Timestamp,
}

impl Validate for DeleteClusterInput {
    fn collect(&self, violations: &mut Violations) {
        violations.identifier("identifier", &self.identifier, &CLUSTER_ID);
        violations.token(self.client_token.as_ref());
    }
}
