//! DeleteStream.

use std::sync::Arc;

use crate::api::{DeleteStreamInput, Error, Response, StreamStatus};
use crate::control::message::Effect;
use crate::control::mutant::Mutant;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::types::Instant;

impl ControlPlane {
    /// Handles DeleteStream. A second deletion changes nothing and answers the same.
    pub(in crate::control) fn delete_stream(
        &mut self,
        now: Instant,
        ctx: &RequestContext,
        input: &DeleteStreamInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let (cluster, stream) =
            self.find_stream(ctx.account, &input.cluster_identifier, &input.stream_identifier)?;
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
        let token = self.token_write(now, ctx.account, &ctx.request, &response);
        if !is_deleting {
            self.set_stream_timer(&cluster, &stream, out);
        }
        if !self.mutants.has(Mutant::StreamDeletionNotWritten) {
            self.write_attached(ctx, &cluster, token, out, |attached| {
                attached
                    .streams
                    .iter_mut()
                    .filter(|it| it.number == stream.number)
                    .for_each(|it| *it = stream.clone());
            });
        }
        self.reply(&[ctx.delivery], Ok(response), out);
        Ok(())
    }
}
