//! DeleteClusterPolicy.

use macro_rules_attribute::apply;

use crate::api::constraints::{CLUSTER_ID, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::{CLIENT_TOKEN, OperationModel, QueryKind};
use crate::types::ClientToken;

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "delete-cluster-policy",
    method: "DELETE",
    path: "/cluster/{identifier}/policy",
    query: &[("expected-policy-version", "expectedPolicyVersion", QueryKind::Text), CLIENT_TOKEN],
    takes_client_token: true,
    is_about_streams: false,
};

/// The input of DeleteClusterPolicy.
#[apply(input)]
pub struct DeleteClusterPolicyInput {
    /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
    pub identifier: String,
    /// The policy version that the call deletes. If the current version differs, the call fails with
    /// ConflictException.
    pub expected_policy_version: Option<String>,
    /// The idempotency token: 1 to 128 printable ASCII characters. SDKs fill in a UUID if it is absent.
    pub client_token: Option<ClientToken>,
}

/// The output of DeleteClusterPolicy.
#[apply(output)]
pub struct DeleteClusterPolicyOutput {
    /// The version of the deleted policy.
    pub policy_version: String,
}

impl Validate for DeleteClusterPolicyInput {
    fn collect(&self, violations: &mut Violations) {
        violations.identifier("identifier", &self.identifier, &CLUSTER_ID);
        violations.token(self.client_token.as_ref());
    }
}
