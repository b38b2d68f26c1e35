//! GetVpcEndpointServiceName.

use crate::api::{GetVpcEndpointServiceNameInput, GetVpcEndpointServiceNameOutput};
use crate::check::cells::is_reached;
use crate::check::open::OpenCall;

use super::{RequestSpecification, ResponseSpecification};

impl RequestSpecification for GetVpcEndpointServiceNameInput {
    fn required(&self) -> &'static [&'static str] {
        &["identifier"]
    }
}

impl ResponseSpecification for GetVpcEndpointServiceNameOutput {
    fn is_about(&self, call: &OpenCall) -> bool {
        is_reached(call, self)
    }
}
