//! PutClusterPolicy.

use std::sync::Arc;

use macro_rules_attribute::apply;

use crate::api::constraints::{CLUSTER_ID, POLICY, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::OperationModel;
use crate::types::ClientToken;

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "put-cluster-policy",
    method: "POST",
    path: "/cluster/{identifier}/policy",
    query: &[],
    takes_client_token: true,
    is_about_streams: false,
};

/// The input of PutClusterPolicy.
#[apply(input)]
pub struct PutClusterPolicyInput {
    /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
    pub identifier: String,
    /// The resource policy as JSON text: 1 to 20,480 characters. Required.
    pub policy: Option<Arc<str>>,
    /// Whether to accept a policy that would deny the caller PutClusterPolicy and DeleteClusterPolicy.
    pub bypass_policy_lockout_safety_check: Option<bool>,
    /// The policy version that the call replaces. If the current version differs, the call fails with
    /// ConflictException.
    pub expected_policy_version: Option<String>,
    /// The idempotency token: 1 to 128 printable ASCII characters. SDKs fill in a UUID if it is absent.
    pub client_token: Option<ClientToken>,
}

/// The output of PutClusterPolicy.
#[apply(output)]
pub struct PutClusterPolicyOutput {
    /// The version of the policy: an opaque text that changes with every write.
    pub policy_version: String,
}

impl Validate for PutClusterPolicyInput {
    fn collect(&self, violations: &mut Violations) {
        violations.identifier("identifier", &self.identifier, &CLUSTER_ID);
        violations.required("policy", self.policy.as_deref(), &POLICY);
        violations.token(self.client_token.as_ref());
    }
}
