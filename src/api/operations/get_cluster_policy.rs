//! GetClusterPolicy.

use macro_rules_attribute::apply;

use crate::api::constraints::{CLUSTER_ID, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::OperationModel;

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "get-cluster-policy",
    method: "GET",
    path: "/cluster/{identifier}/policy",
    query: &[],
    takes_client_token: false,
    is_about_streams: false,
};

/// The input of GetClusterPolicy.
#[apply(input)]
pub struct GetClusterPolicyInput {
    /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
    pub identifier: String,
}

/// The output of GetClusterPolicy.
#[apply(output)]
pub struct GetClusterPolicyOutput {
    /// The resource policy, byte for byte as it was written.
    pub policy: String,
    /// The version of the policy: an opaque text that changes with every write.
    pub policy_version: String,
}

impl Validate for GetClusterPolicyInput {
    fn collect(&self, violations: &mut Violations) {
        violations.identifier("identifier", &self.identifier, &CLUSTER_ID);
    }
}
