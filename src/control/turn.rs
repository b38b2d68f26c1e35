//! One turn of a node: the time of its input, and the effects that it answers with.

use std::sync::Arc;

use crate::api::{Error, Response};
use crate::control::authorization::{Checked, IamAction};
use crate::control::message::{Commit, DelayRange, Delivery, Effect, Message, Note, Reply, Timer};
use crate::control::mutant::{Mutants, planted};
use crate::coverage_mark::CoverageMark;
use crate::types::{Instant, NodeId, Timestamp};

/// The handling of one input. Effects are added in the order in which the driver must carry them out; nothing else
/// adds any.
pub(in crate::control) struct Turn<'a> {
    now: Instant,
    stamp: Timestamp,
    mutants: Mutants,
    effects: &'a mut Vec<Effect>,
}

impl<'a> Turn<'a> {
    pub(in crate::control) fn new(
        now: Instant,
        stamp: Timestamp,
        mutants: Mutants,
        effects: &'a mut Vec<Effect>,
    ) -> Turn<'a> {
        Turn { now, stamp, mutants, effects }
    }

    /// The time of the input. All of a turn happens at this time.
    pub(in crate::control) fn now(&self) -> Instant {
        self.now
    }

    /// The Region's wall clock at the input, for the times that the API shows.
    pub(in crate::control) fn stamp(&self) -> Timestamp {
        self.stamp
    }

    /// The planted bugs of the node.
    pub(in crate::control) fn mutants(&self) -> Mutants {
        self.mutants
    }

    /// Emits a write, which memory holds already. Replies and messages that are emitted after it wait for it.
    pub(in crate::control) fn persist(&mut self, commit: Box<Commit>) {
        self.effects.push(Effect::Persist(commit));
    }

    /// Sends `message` to another node.
    pub(in crate::control) fn send(&mut self, to: NodeId, message: Message) {
        self.effects.push(Effect::Send { to, message: Box::new(message) });
    }

    /// Answers one request with a success.
    pub(in crate::control) fn answer(
        &mut self,
        delivery: Delivery,
        response: Arc<Response>,
    ) -> Result<(), Error> {
        self.reply(&[delivery], Ok(response));
        Ok(())
    }

    /// Answers every delivery with the same result. Persists emitted before are durable when the answers leave.
    pub(in crate::control) fn reply(&mut self, deliveries: &[Delivery], result: Reply) {
        // A wait that was resumed after a restart, and that no retry has joined: the caller is gone.
        let Some((last, others)) = deliveries.split_last() else { return };
        let first = self.effects.len();
        let copies = others.iter().map(|delivery| (*delivery, result.clone()));
        self.effects.extend(copies.map(|(delivery, result)| Effect::Reply { delivery, result }));
        self.effects.push(Effect::Reply { delivery: *last, result });
        planted!(self.mutants, JoinerNotAnswered => self.effects.truncate(first + 1));
        planted!(self.mutants, ReplyBeforePersist =>
            let replies = self.effects.len() - first; self.effects.rotate_right(replies));
    }

    /// Returns `timer` to this node as an input after a delay from `after`.
    pub(in crate::control) fn set_timer(&mut self, after: DelayRange, timer: Timer) {
        self.effects.push(Effect::SetTimer { after, timer });
    }

    /// Records an event for the trace.
    pub(in crate::control) fn note(&mut self, note: Note) {
        self.effects.push(Effect::Note(Box::new(note)));
    }

    /// Reports that a situation worth searching for was met. Coverage only.
    pub(in crate::control) fn cover(&mut self, mark: CoverageMark) {
        self.effects.push(Effect::Covered(mark));
    }

    /// Reports `mark` if its situation `is_met`.
    pub(in crate::control) fn cover_if(&mut self, is_met: bool, mark: CoverageMark) {
        if is_met {
            self.cover(mark);
        }
    }

    /// Reports an authorization check with its decision.
    pub(in crate::control) fn report_checked(&mut self, checked: Checked) {
        self.effects.push(Effect::Checked(Box::new(checked)));
    }

    /// Reports that an action was denied.
    pub(in crate::control) fn report_denied(&mut self, action: IamAction) {
        self.effects.push(Effect::Denied(action));
    }

    /// Reports that a call was refused because it selects this key, which is disabled.
    pub(in crate::control) fn report_key_refused(&mut self, arn: Arc<str>) {
        self.effects.push(Effect::KeyRefused(arn));
    }

    /// Takes the last write back, for a planted bug that keeps it in memory only.
    pub(in crate::control) fn drop_last_persist(&mut self) {
        self.effects.pop_if(|effect| matches!(effect, Effect::Persist(_)));
    }
}
