//! GetStream.

use std::sync::Arc;

use crate::api::{Error, GetStreamInput, Response};
use crate::control::mutant::Mutant;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};

impl ControlPlane {
    /// Handles GetStream.
    pub(in crate::control) fn get_stream(
        &self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        input: &GetStreamInput,
    ) -> Result<(), Error> {
        let (cluster, stream) =
            self.find_stream(ctx.account, &input.cluster_identifier, &input.stream_identifier)?;
        let mut output = stream.describe(cluster.arn);
        if self.mutants.has(Mutant::ClusterTagsShownOfStream) {
            output.tags.clone_from(&cluster.tags);
        }
        let response = Response::GetStream(Box::new(output));
        turn.reply(&[ctx.delivery], Ok(Arc::new(response)));
        Ok(())
    }
}
