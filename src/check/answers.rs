//! Invariants about answers: a call that is answered with success is durable, and is answered in time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::api::{Request, Response};
use crate::control::message::{Commit, Delivery, Reply};
use crate::region::Region;
use crate::types::Instant;

use super::denied::Unsettled;
use super::invariant::{CheckContext, Invariant};
use super::open::OpenCall;
use super::{CheckResult, WorldView};

/// The answers that callers received, as far as later events are compared with them.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    /// Calls that were answered with success, oldest first, as long as a write that was begun before the answer may
    /// still be under way: a crash can undo no older one.
    recent: VecDeque<(Instant, Delivery)>,
    unsettled: Unsettled,
}

impl Answers {
    /// A write became durable.
    pub(super) fn wrote(&mut self, ctx: &mut CheckContext<'_>, commit: &Commit) {
        self.unsettled.wrote(ctx, commit);
    }

    /// The answer to a call that changes something leaves when the call's write is durable. That is a write made for
    /// it, or the earlier one with which its token was recorded.
    pub(super) fn acknowledged_was_written(
        ctx: &mut CheckContext<'_>,
        call: &OpenCall,
        is_recorded: impl FnOnce() -> bool,
    ) -> CheckResult {
        if call.has_written || !call.request.operation().changes() {
            return Ok(());
        }
        ctx.ensure(is_recorded(), Invariant::AcknowledgedIsDurable, || {
            let of = call.subject().map_or_else(String::new, |subject| format!(" of {subject}"));
            let operation = call.request.operation();
            format!("{operation}{of} was answered with success, and nothing durable was written for it")
        })
    }

    /// A request is answered.
    pub(super) fn replied(
        &mut self,
        ctx: &mut CheckContext<'_>,
        region: Region,
        delivery: Delivery,
        request: &Arc<Request>,
        result: &Reply,
    ) -> CheckResult {
        self.unsettled.replied(ctx, region, delivery, request, result)?;
        match result {
            Err(_) => Ok(()),
            // A listing changes nothing that a crash could undo; it is compared with the clusters that exist instead.
            Ok(response) => {
                if !matches!(**response, Response::ListClusters(_) | Response::ListStreams(_)) {
                    self.acknowledge(ctx.view, delivery);
                }
                Ok(())
            }
        }
    }

    /// A reply waits in the outbox until every write before it is durable, so a write that a crash loses belongs to
    /// no acknowledged call.
    pub(super) fn acknowledged_is_durable(&self, ctx: &mut CheckContext<'_>, commit: &Commit) -> CheckResult {
        // A write without a call is a step of the work on a cluster, which a restarted control plane repeats.
        let Some(cause) = commit.cause else { return Ok(()) };
        let is_acknowledged = self.recent.iter().any(|(_, delivery)| *delivery == cause);
        ctx.ensure(!is_acknowledged, Invariant::AcknowledgedIsDurable, || {
            let cluster = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
            let name = cluster.map_or_else(|| "a cluster".to_owned(), |cluster| cluster.arn.to_string());
            format!("a call about {name} was answered with success, and a crash has undone it")
        })
    }

    fn acknowledge(&mut self, view: &dyn WorldView, delivery: Delivery) {
        let (now, longest) = (view.now(), view.longest_write());
        self.recent.push_back((now, delivery));
        while self.recent.pop_front_if(|(at, _)| at.after(longest) < now).is_some() {}
    }
}

/// A reply waits in the outbox until every write before it is durable, so no write becomes durable for a call that is
/// answered already.
pub(super) fn acknowledged_after_writing(
    ctx: &mut CheckContext<'_>,
    call: Option<&OpenCall>,
    commit: &Commit,
) -> CheckResult {
    ctx.ensure(call.is_some(), Invariant::AcknowledgedIsDurable, || {
        let cluster = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
        let name = cluster.map_or_else(|| "a cluster".to_owned(), |cluster| cluster.arn.to_string());
        format!("a call about {name} was answered before what was written for it was durable")
    })
}

/// A call waits for other Regions and then for the link register. Each wait has a deadline, which begins anew when a
/// restarted control plane resumes the call. A timer is set once the writes before it are durable, like an answer
/// that leaves.
pub(super) fn answered_in_time(ctx: &mut CheckContext<'_>, call: &OpenCall) -> CheckResult {
    let view = ctx.view;
    // Ten writes are more than any call makes, a millisecond more than all rounding: no correct answer is called
    // late.
    let writes = view.longest_write().saturating_mul(10);
    let longest = view.assumptions().remote_deadline.saturating_mul(2).saturating_add(writes);
    let is_late = view.now().since(call.arrived.at) > longest.saturating_add(Duration::from_millis(1));
    ctx.ensure(!is_late, Invariant::NothingStuck, || {
        let (operation, region) = (call.request.operation(), call.region);
        format!("{operation} was answered in {region} after its deadlines had passed")
    })
}
