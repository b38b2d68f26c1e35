//! CreateStream.

use std::sync::Arc;

use crate::api::{CreateStreamInput, Error, Response, StreamStatus};
use crate::control::mutant::Mutant;
use crate::control::records::{MAX_STREAMS, Stream};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::coverage_mark::CoverageMark;
use crate::types::ClusterStatus;

impl ControlPlane {
    /// Handles CreateStream: an ACTIVE cluster without another call on it.
    pub(in crate::control) fn create_stream(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        input: &CreateStreamInput,
    ) -> Result<(), Error> {
        let cluster = self.find(ctx.account, &input.cluster_identifier)?.clone();
        match cluster.status {
            // The unfinished call may delete the cluster, or write over the stream.
            ClusterStatus::Active if self.is_busy(&cluster) => {
                return Err(errors::busy("create stream of", &cluster));
            }
            ClusterStatus::Active => {}
            ClusterStatus::Idle | ClusterStatus::Inactive if self.mutants.has(Mutant::AsleepGetsStream) => {}
            ClusterStatus::Idle | ClusterStatus::Inactive => return Err(errors::asleep(&cluster)),
            _ => return Err(errors::wrong_state(self.assumptions.wrong_state, "create stream of", &cluster)),
        }
        let streams = cluster.streams();
        if streams.len() >= MAX_STREAMS && !self.mutants.has(Mutant::StreamQuotaIgnored) {
            turn.cover(CoverageMark::StreamLimitReached);
            return Err(errors::stream_limit(&cluster));
        }
        let last = streams.last().map(|stream| stream.identifier);
        let number = cluster.attached.as_ref().map_or(0, |attached| attached.numbered) + 1;
        let with_cluster = self.mutants.has(Mutant::StreamBornWithCluster);
        let stream = Stream {
            number,
            identifier: last.filter(|_| self.mutants.has(Mutant::StreamNameReused)).unwrap_or(ctx.fresh),
            status: StreamStatus::Creating,
            creation_time: if with_cluster { cluster.creation_time } else { ctx.stamp },
            target: input.target_definition.clone().unwrap_or_default(),
            tags: input.tags.clone().unwrap_or_default(),
        };
        let response = Arc::new(Response::CreateStream(Box::new(stream.created(cluster.arn))));
        let token = self.token_write(turn.now(), ctx.account, &ctx.request, &response);
        self.set_stream_timer(turn, &cluster, &stream);
        self.write_attached(turn, ctx, &cluster, token, |attached| {
            attached.numbered = number;
            attached.streams.push(stream);
        });
        self.keep_in_memory(turn, Mutant::StreamInMemory);
        turn.reply(&[ctx.delivery], Ok(response));
        Ok(())
    }
}
