//! What is judged by what callers asked for and were answered: their tokens, their refusals, what they may do.

use crate::control::message::{Commit, Reply};
use crate::control::storage::Batch;
use crate::map::FixedMap;
use crate::region::Region;
use crate::types::{Instant, NodeId};

use super::CheckResult;
use super::answers;
use super::authorization::{self, Denied};
use super::invariant::CheckContext;
use super::open::{OpenCall, OpenCalls};
use super::records::Records;
use super::refusals::{self, RefusalContext};
use super::said;
use super::tokens::Tokens;

/// What is recorded and denied, as far as an answer may depend on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Callers {
    pub(super) tokens: Tokens,
    pub(super) denied: Denied,
    /// When control planes started last, those that did again.
    started: FixedMap<Region, Instant>,
    /// The call that was refused last, or answered unheard, and when.
    last: Option<(OpenCall, Instant)>,
}

impl Callers {
    /// Takes note of what a node wrote before anything happens.
    pub(super) fn recall(&mut self, node: NodeId, batch: &Batch) {
        if let (Some(region), Some((key, record))) = (node.region(), &batch.token) {
            self.tokens.recall(region, key, record);
        }
    }

    /// A node has started again.
    pub(super) fn restarted(&mut self, now: Instant, node: NodeId) {
        if let NodeId::ControlPlane(region) = node {
            self.started.insert(region, now);
        }
    }

    /// An answer left for a client that has gone away.
    pub(super) fn unheard(&mut self, now: Instant, call: Option<OpenCall>) {
        self.last = call.map(|call| (call, now)).or(self.last.take());
    }

    /// A write became durable; `call` is what it was made for, if that is open.
    pub(super) fn wrote(
        &mut self,
        judge: &mut CheckContext<'_>,
        records: &Records,
        node: NodeId,
        commit: &Commit,
        call: Option<&OpenCall>,
    ) -> CheckResult {
        let NodeId::ControlPlane(region) = node else { return Ok(()) };
        self.tokens.wrote(judge, region, commit, call)?;
        let Some(call) = call else { return Ok(()) };
        authorization::carried_out(judge, &self.denied, records, commit, call)
    }

    /// A call is answered; `open` are those that are not.
    pub(super) fn replied(
        &mut self,
        judge: &mut CheckContext<'_>,
        records: &Records,
        open: &OpenCalls,
        call: &OpenCall,
        result: &Reply,
    ) -> CheckResult {
        if call.is_injected {
            return Ok(());
        }
        answers::answered_in_time(judge, call)?;
        self.tokens.replied(judge, call, result)?;
        let Callers { tokens, denied, started, last } = self;
        let facts = &RefusalContext { records, open, tokens, denied, started };
        let error = match result {
            Ok(response) => {
                let record = records.named(call).filter(|_| call.is_answered_from_record());
                said::reads_show_what_was_written(judge, record, call, response)?;
                authorization::answered(judge, denied, records, call)?;
                return refusals::no_success_against_a_cause(judge, facts, call);
            }
            Err(error) => error,
        };
        let now = judge.scene.now();
        // Whoever joins a call gets its answer, whatever would have become of his own.
        let first = last.as_ref().filter(|(first, at)| *at == now && call.may_have_joined(first));
        refusals::every_refusal_has_a_cause(judge, facts, call, first.map(|(it, _)| it), error)?;
        if first.is_none() {
            self.last = Some((call.clone(), now));
        }
        Ok(())
    }
}
