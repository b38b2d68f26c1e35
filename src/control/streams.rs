//! CreateStream, GetStream, ListStreams and DeleteStream.

use std::sync::Arc;

use crate::api::{
    CreateStreamInput, DeleteStreamInput, Error, GetStreamInput, ListStreamsInput, ListStreamsOutput,
    Operation, Response, StreamStatus,
};
use crate::coverage_mark::CoverageMark;
use crate::types::{Account, ClusterStatus, Identifier, Instant};

use super::attached::{MAX_STREAMS, Stream};
use super::cluster::{Cluster, Serial};
use super::message::{DelayRange, Effect, Timer};
use super::mutant::Mutant;
use super::{ControlPlane, RequestContext, errors};

/// The page size without `maxResults` (API model).
const DEFAULT_PAGE: usize = 10;

impl ControlPlane {
    /// Handles CreateStream: an ACTIVE cluster without another call on it.
    pub(super) fn create_stream(
        &mut self,
        now: Instant,
        ctx: &RequestContext,
        input: &CreateStreamInput,
        out: &mut Vec<Effect>,
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
            out.push(Effect::Covered(CoverageMark::StreamLimitReached));
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
        let token = self.token_write(now, ctx.account, &ctx.request, &response);
        self.set_stream_timer(&cluster, &stream, out);
        self.write_attached(ctx, &cluster, token, out, |attached| {
            attached.numbered = number;
            attached.streams.push(stream);
        });
        self.keep_in_memory(Mutant::StreamInMemory, out);
        self.reply(&[ctx.delivery], Ok(response), out);
        Ok(())
    }

    /// Handles GetStream.
    pub(super) fn get_stream(
        &self,
        ctx: &RequestContext,
        input: &GetStreamInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let (cluster, stream) =
            self.find_stream(ctx.account, &input.cluster_identifier, &input.stream_identifier)?;
        let mut output = stream.describe(cluster.arn);
        if self.mutants.has(Mutant::ClusterTagsShownOfStream) {
            output.tags.clone_from(&cluster.tags);
        }
        let response = Response::GetStream(Box::new(output));
        self.reply(&[ctx.delivery], Ok(Arc::new(response)), out);
        Ok(())
    }

    /// Handles ListStreams: one page, in the order of creation.
    pub(super) fn list_streams(
        &self,
        ctx: &RequestContext,
        input: &ListStreamsInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let cluster = self.find(ctx.account, &input.cluster_identifier)?;
        let size = input.max_results.map_or(DEFAULT_PAGE, |size| size as usize);
        let seal = |last| self.page_seal(ctx.account, cluster.serial.0 << 32 | last);
        let after = match &input.next_token {
            Some(token) => super::read::read_sealed(Operation::ListStreams, token, seal)?,
            None => 0,
        };
        let mut rest = cluster.streams().iter().filter(|stream| u64::from(stream.number) > after);
        let page: Vec<_> = rest.by_ref().take(size).collect();
        let last = page.last().filter(|_| rest.next().is_some()).map(|last| u64::from(last.number));
        let next_token = last.map(|last| super::read::sealed(last, seal));
        let streams = page.into_iter().map(|stream| stream.summary(cluster.arn)).collect();
        let response = Response::ListStreams(ListStreamsOutput { next_token, streams });
        self.reply(&[ctx.delivery], Ok(Arc::new(response)), out);
        Ok(())
    }

    /// Handles DeleteStream. A second deletion changes nothing and answers the same.
    pub(super) fn delete_stream(
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

    /// Ends a stream's transient status: the stream takes the status that follows, or is removed.
    pub(super) fn finish_stream_transition(
        &mut self,
        account: Account,
        serial: Serial,
        number: u32,
        to: Option<StreamStatus>,
        out: &mut Vec<Effect>,
    ) {
        let Some(cluster) = self.storage.at(account, serial).cloned() else { return };
        let stream = cluster.streams().iter().find(|stream| stream.number == number);
        // The stream was deleted while it was being created, for example: its work was abandoned.
        let Some(mut stream) = stream.filter(|stream| self.next_status(stream).1 == to).cloned() else {
            return;
        };
        if let Some(status) = to {
            stream.status = status;
            self.set_stream_timer(&cluster, &stream, out);
        }
        self.write_cluster(&cluster, None, None, out, |record| {
            let attached = Arc::make_mut(record.attached.get_or_insert_default());
            match to {
                Some(status) => {
                    let streams = attached.streams.iter_mut();
                    streams.filter(|it| it.number == number).for_each(|it| it.status = status);
                }
                None => attached.streams.retain(|it| it.number != number),
            }
        });
    }

    /// Sets the timer that leads out of the stream's transient status, if it is in one.
    pub(super) fn set_stream_timer(&self, cluster: &Cluster, stream: &Stream, out: &mut Vec<Effect>) {
        if stream.is_transient() {
            let (after, to) = self.next_status(stream);
            let (account, serial, number) = (cluster.arn.account, cluster.serial, stream.number);
            out.push(Effect::SetTimer { after, timer: Timer::Stream { account, serial, number, to } });
        }
    }

    /// The status that follows a transient one, and the delay until then.
    fn next_status(&self, stream: &Stream) -> (DelayRange, Option<StreamStatus>) {
        let assumed = &*self.assumptions;
        let visible = assumed.deleted_visible;
        match stream.status {
            StreamStatus::Creating if assumed.stream_fails => {
                (assumed.stream_time, Some(StreamStatus::Failed))
            }
            StreamStatus::Creating => (assumed.stream_time, Some(StreamStatus::Active)),
            StreamStatus::Deleting if !visible.is_zero() => {
                (assumed.delete_time, Some(StreamStatus::Deleted))
            }
            StreamStatus::Deleted => (DelayRange { min: visible, max: visible }, None),
            _ => (assumed.delete_time, None),
        }
    }

    fn find_stream(
        &self,
        account: Account,
        cluster: &str,
        stream: &str,
    ) -> Result<(&Arc<Cluster>, &Stream), Error> {
        let cluster = self.find(account, cluster)?;
        let found = Identifier::parse(stream).and_then(|stream| cluster.stream(stream));
        found.map(|found| (cluster, found)).ok_or_else(|| errors::no_such_stream(cluster, stream))
    }
}
