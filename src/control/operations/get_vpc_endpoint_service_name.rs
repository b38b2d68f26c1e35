//! GetVpcEndpointServiceName: the PrivateLink service of the cluster's cell. Each Region has one cell.

use std::sync::Arc;

use crate::api::{Error, GetVpcEndpointServiceNameInput, GetVpcEndpointServiceNameOutput, Response};
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};
use crate::rng::fingerprint;

impl Handler for GetVpcEndpointServiceNameInput {
    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let cluster = plane.find(ctx.caller.account, &self.identifier)?;
        let (region, identifier) = (plane.region, cluster.arn.identifier);
        let mut number = fingerprint(&region);
        planted!(plane.mutants, ServiceOfEachCluster => number = fingerprint(&identifier));
        let letters = std::iter::repeat_with(|| {
            let letter = b"abcdefghijklmnopqrstuvwxyz234567"[(number % 32) as usize];
            number /= 32;
            char::from(letter)
        });
        let cell: String = letters.take(4).collect();
        let output = GetVpcEndpointServiceNameOutput {
            service_name: format!("com.amazonaws.{region}.dsql-{cell}"),
            cluster_vpc_endpoint: Some(format!("{identifier}.dsql-{cell}.{region}.on.aws")),
        };
        turn.answer(ctx.delivery, Arc::new(Response::GetVpcEndpointServiceName(output)))
    }
}
