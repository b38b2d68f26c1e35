//! GetVpcEndpointServiceName.

use macro_rules_attribute::apply;

use crate::api::constraints::{CLUSTER_ID, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::OperationModel;

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "get-vpc-endpoint-service-name",
    method: "GET",
    path: "/clusters/{identifier}/vpc-endpoint-service-name",
    query: &[],
    takes_client_token: false,
    is_about_streams: false,
};

/// The input of GetVpcEndpointServiceName.
#[apply(input)]
pub struct GetVpcEndpointServiceNameInput {
    /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
    pub identifier: String,
}

/// The output of GetVpcEndpointServiceName.
#[apply(output)]
pub struct GetVpcEndpointServiceNameOutput {
    /// The name of the PrivateLink service, as in `com.amazonaws.us-east-1.dsql-fnh4`.
    pub service_name: String,
    /// The cluster's host name for connections through PrivateLink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_vpc_endpoint: Option<String>,
}

impl Validate for GetVpcEndpointServiceNameInput {
    fn collect(&self, violations: &mut Violations) {
        violations.identifier("identifier", &self.identifier, &CLUSTER_ID);
    }
}
