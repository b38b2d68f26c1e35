//! DeleteStream. A second deletion changes nothing and answers the same.

use std::sync::Arc;

use crate::api::{DeleteStreamInput, Error, Response, StreamStatus};
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};

impl Handler for DeleteStreamInput {
    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let (cluster, stream) =
            plane.find_stream(ctx.caller.account, &self.cluster_identifier, &self.stream_identifier)?;
        let (cluster, mut stream) = (cluster.clone(), stream.clone());
        let mut is_in_creation = stream.status == StreamStatus::Creating;
        planted!(plane.mutants, StreamDeletedInCreation => is_in_creation = false);
        if is_in_creation {
            return Err(errors::stream_in_creation(&cluster, &stream));
        }
        let mut is_gone = stream.status == StreamStatus::Deleted;
        planted!(plane.mutants, DeletedStreamDeletedAgain => is_gone = false);
        let is_deleting = stream.status == StreamStatus::Deleting || is_gone;
        // A stream that is being deleted keeps its status and its timer: the second call only repeats the answer.
        if !is_deleting {
            stream.enter(StreamStatus::Deleting, None, ctx.stamp);
        }
        planted!(plane.mutants, StreamRestamped => stream.creation_time = ctx.stamp);
        let response = Arc::new(Response::DeleteStream(Box::new(stream.deleted(cluster.arn))));
        let token = ctx.token_write(turn, &response);
        planted!(plane.mutants, StreamDeletionNotWritten => return turn.answer(ctx.delivery, response));
        if !is_deleting {
            plane.set_stream_timer(turn, &cluster, &stream);
        }
        plane.write_attached(turn, ctx, &cluster, token, |attached| {
            let streams = attached.streams.iter_mut();
            streams.filter(|it| it.number == stream.number).for_each(|it| *it = stream.clone());
        });
        turn.answer(ctx.delivery, response)
    }
}
