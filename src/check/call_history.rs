//! The history of calls that an answer may depend on, and the checks of each answer against it: its token, its refusal,
//! its permissions.

use crate::control::environment::ExternalEvent;
use crate::control::message::{Commit, Reply};
use crate::control::records::Batch;
use crate::map::FixedMap;
use crate::region::Region;
use crate::types::{Instant, NodeId};

use super::CheckResult;
use super::answers;
use super::authorization::{self, Denied};
use super::cells::Cells;
use super::invariant::CheckContext;
use super::listings::Listings;
use super::open::{OpenCall, OpenCalls};
use super::records::Records;
use super::refusals::{self, RefusalContext};
use super::responses;
use super::tokens::Tokens;

/// The tokens, denials and pages on which an answer may depend.
#[derive(Clone, Debug, Default)]
pub(super) struct CallHistory {
    pub(super) tokens: Tokens,
    pub(super) denied: Denied,
    pub(super) listings: Listings,
    cells: Cells,
    /// The time of the last restart of each control plane that has restarted.
    started: FixedMap<Region, Instant>,
    /// The time at which keys of a Region were last disabled or enabled while its control plane was up.
    keys_changed: FixedMap<Region, Instant>,
    /// The call that was refused last, or whose answer was discarded, and when. A call that joined it gets its answer
    /// at the same moment.
    last: Option<(OpenCall, Instant)>,
}

impl CallHistory {
    /// Takes in a batch that `node` wrote before the world begins.
    pub(super) fn recall(&mut self, node: NodeId, batch: &Batch) {
        self.listings.recall();
        if let (Some(region), Some((key, record))) = (node.region(), &batch.token) {
            self.tokens.recall(region, key, record);
        }
    }

    /// A node restarted.
    pub(super) fn restarted(&mut self, now: Instant, node: NodeId) {
        if let NodeId::ControlPlane(region) = node {
            self.started.insert(region, now);
        }
    }

    /// An event of the environment reached the control plane of `region`.
    pub(super) fn outside(&mut self, now: Instant, region: Region, event: &ExternalEvent) {
        if matches!(event, ExternalEvent::DisableKeys(_) | ExternalEvent::EnableKeys(_)) {
            self.keys_changed.insert(region, now);
        }
    }

    /// A control plane answered a call whose client no longer waits.
    pub(super) fn unheard(&mut self, now: Instant, call: Option<OpenCall>) {
        self.last = call.map(|call| (call, now)).or(self.last.take());
    }

    /// A write became durable; `call` is the open call that it was made for, if any.
    pub(super) fn wrote(
        &mut self,
        ctx: &mut CheckContext<'_>,
        records: &Records,
        node: NodeId,
        commit: &Commit,
        call: Option<&OpenCall>,
    ) -> CheckResult {
        // A witness node has no tokens and carries out no calls.
        let NodeId::ControlPlane(region) = node else { return Ok(()) };
        self.tokens.wrote(ctx, region, commit, call)?;
        let Some(call) = call else { return Ok(()) };
        authorization::carried_out(ctx, &self.denied, records, commit, call)
    }

    /// A control plane answered `call`; `open` are the calls that are not answered yet.
    pub(super) fn replied(
        &mut self,
        ctx: &mut CheckContext<'_>,
        records: &Records,
        open: &OpenCalls,
        call: &OpenCall,
        result: &Reply,
    ) -> CheckResult {
        // An injected error is not an answer of the control plane, which never saw the request.
        if call.is_injected {
            return Ok(());
        }
        answers::answered_in_time(ctx, call)?;
        self.tokens.replied(ctx, call, result)?;
        if let Ok(response) = result {
            self.listings.list_complete(ctx, call, response)?;
            self.cells.have_one_service(ctx, call, response)?;
        }
        let CallHistory { tokens, denied, listings, started, keys_changed, last, .. } = self;
        let facts = &RefusalContext { records, open, tokens, denied, listings, started, keys_changed };
        let error = match result {
            Ok(response) => {
                let record = records.cluster_of(call).filter(|_| call.is_answered_from_record());
                responses::reads_show_what_was_written(ctx, record, call, response)?;
                authorization::answered(ctx, denied, records, call)?;
                return refusals::no_success_against_a_cause(ctx, facts, call);
            }
            Err(error) => error,
        };
        let now = ctx.view.now();
        // A call that joined another gets the other's answer, whatever its own would have been, so a cause in either
        // explains the refusal.
        let first = last.as_ref().filter(|(first, at)| *at == now && call.may_have_joined(first));
        refusals::every_refusal_has_a_cause(ctx, facts, call, first.map(|(it, _)| it), error)?;
        // Kept only for the first of a group: all that joined it are compared with the call that was really decided.
        if first.is_none() {
            self.last = Some((call.clone(), now));
        }
        Ok(())
    }
}
