//! GetStream.

use std::sync::Arc;

use crate::api::{Error, GetStreamInput, Response};
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};

impl Handler for GetStreamInput {
    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let (cluster, stream) =
            plane.find_stream(ctx.caller.account, &self.cluster_identifier, &self.stream_identifier)?;
        let mut output = stream.describe(cluster.arn);
        planted!(plane.mutants, ClusterTagsShownOfStream => output.tags.clone_from(&cluster.tags));
        planted!(plane.mutants, StreamHasClusterArn => output.arn = cluster.arn.to_string());
        let response = Response::GetStream(Box::new(output));
        turn.answer(ctx.delivery, Arc::new(response))
    }
}
