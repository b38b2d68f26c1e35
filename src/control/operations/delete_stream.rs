//! DeleteStream.

use std::sync::Arc;

use crate::api::{DeleteStreamInput, Error, Response, StreamStatus};
use crate::control::mutant::Mutant;
use crate::control::operations::{Handler, Resource};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};

impl Handler for DeleteStreamInput {
    fn resource(&self) -> Resource<'_> {
        Resource::Stream(&self.cluster_identifier, &self.stream_identifier)
    }

    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        plane.delete_stream(turn, ctx, self)
    }
}

impl ControlPlane {
    /// Handles DeleteStream. A second deletion changes nothing and answers the same.
    fn delete_stream(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        input: &DeleteStreamInput,
    ) -> Result<(), Error> {
        let (cluster, stream) =
            self.find_stream(ctx.caller.account, &input.cluster_identifier, &input.stream_identifier)?;
        let (cluster, mut stream) = (cluster.clone(), stream.clone());
        if stream.status == StreamStatus::Creating && !self.mutants.has(Mutant::StreamDeletedInCreation) {
            return Err(errors::stream_in_creation(&cluster, &stream));
        }
        let is_gone = stream.status == StreamStatus::Deleted;
        let is_gone = is_gone && !self.mutants.has(Mutant::DeletedStreamDeletedAgain);
        let is_deleting = stream.status == StreamStatus::Deleting || is_gone;
        // A stream that is being deleted keeps its status and its timer: the second call only repeats the answer.
        if !is_deleting {
            stream.status = StreamStatus::Deleting;
        }
        if self.mutants.has(Mutant::StreamRestamped) {
            stream.creation_time = ctx.stamp;
        }
        let response = Arc::new(Response::DeleteStream(Box::new(stream.deleted(cluster.arn))));
        let token = ctx.token_write(turn, &response);
        if !is_deleting {
            self.set_stream_timer(turn, &cluster, &stream);
        }
        if !self.mutants.has(Mutant::StreamDeletionNotWritten) {
            self.write_attached(turn, ctx, &cluster, token, |attached| {
                attached
                    .streams
                    .iter_mut()
                    .filter(|it| it.number == stream.number)
                    .for_each(|it| *it = stream.clone());
            });
        }
        turn.reply(&[ctx.delivery], Ok(response));
        Ok(())
    }
}
