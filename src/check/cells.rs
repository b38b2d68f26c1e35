//! PrivateLink: a Region has one cell, so all of its clusters are reached through the same service, each by a host name
//! of its own.

use crate::api::{GetVpcEndpointServiceNameOutput, Response};
use crate::map::FixedMap;
use crate::region::Region;

use super::CheckResult;
use super::invariant::{CheckContext, Invariant};
use super::open::OpenCall;

/// The name of the service in each Region that has answered with one.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells(FixedMap<Region, String>);

impl Cells {
    /// The answers of a Region name one service, which a restart does not change.
    pub(super) fn have_one_service(
        &mut self,
        ctx: &mut CheckContext<'_>,
        call: &OpenCall,
        response: &Response,
    ) -> CheckResult {
        let Response::GetVpcEndpointServiceName(output) = response else { return Ok(()) };
        let known = self.0.entry(call.region).or_insert_with(|| output.service_name.clone());
        ctx.ensure(*known == output.service_name, Invariant::AnswersSayWhatWasWritten, || {
            format!("{} has the services {known} and {}, expected one", call.region, output.service_name)
        })
    }
}

/// Whether the answer names a service of the call's Region, and by it the host of the cluster that the call names.
pub(super) fn is_reached(call: &OpenCall, output: &GetVpcEndpointServiceNameOutput) -> bool {
    let region = call.region;
    let cell = output.service_name.strip_prefix(&format!("com.amazonaws.{region}."));
    let host = cell.zip(call.subject()).map(|(cell, subject)| {
        let identifier = subject.cluster.identifier;
        format!("{identifier}.{cell}.{region}.on.aws")
    });
    host.is_some() && output.cluster_vpc_endpoint == host
}
