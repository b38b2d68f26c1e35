//! GetVpcEndpointServiceName.

use crate::api::{GetVpcEndpointServiceNameInput, GetVpcEndpointServiceNameOutput};

use super::{RequestSpecification, ResponseSpecification};

impl RequestSpecification for GetVpcEndpointServiceNameInput {
    fn required(&self) -> &'static [&'static str] {
        &["identifier"]
    }
}

impl ResponseSpecification for GetVpcEndpointServiceNameOutput {}
