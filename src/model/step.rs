//! What can happen in a small world, and what comes of it.

use std::sync::Arc;

use crate::control::authorization::Caller;
use crate::control::disk::Disk;
use crate::control::environment::Environment;
use crate::control::message::{Delivery, Effect, Input, Message, Timer};
use crate::sim::{Change, DEFAULT_EPOCH};
use crate::types::{Account, ClientId, Identifier, NodeId};

use super::Small;
use super::state::{Load, ModelMachine, ModelNode, ModelState, Packet, Pending, word_of};

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transition {
    /// A node takes something in, carries out all that it wants done, and may crash meanwhile.
    Take(ModelEvent, Option<Cut>),
    /// What is under way in this place is lost.
    Lose(usize),
    /// What is under way in this place arrives twice.
    Duplicate(usize),
    /// The node in this place crashes and starts again.
    Crash(usize),
}

/// What a node takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModelEvent {
    /// What is under way in this place.
    Packet(usize),
    /// The timer in this place.
    Timer(usize),
}

/// A crash while a node carries out what it wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// During which of its writes, from 1.
    pub(super) write: u32,
    /// Whether that write is durable. What is behind it never happens.
    pub(super) kept: bool,
}

/// No input makes a node write more often than this.
const MOST_WRITES: u32 = 3;

impl Small {
    /// All that can happen in `state`, within the bounds.
    pub(super) fn steps(&self, state: &ModelState, steps: &mut Vec<Transition>) {
        if state.broken.is_some() {
            return;
        }
        let (bounds, spent) = (&self.bounds, &state.spent);
        let may_crash = spent.crashes < bounds.crashes;
        let cuts = (1..=MOST_WRITES).flat_map(|write| [true, false].map(|kept| Some(Cut { write, kept })));
        let cuts = cuts.filter(|_| may_crash);
        for place in 0..state.packets.len() {
            let word = state.packets[place].digest();
            if state.packets[..place].iter().any(|packet| packet.digest() == word) {
                continue;
            }
            let event = ModelEvent::Packet(place);
            steps.extend([None].into_iter().chain(cuts.clone()).map(|cut| Transition::Take(event, cut)));
            steps.extend((spent.losses < bounds.losses).then_some(Transition::Lose(place)));
            steps.extend((spent.duplicates < bounds.duplicates).then_some(Transition::Duplicate(place)));
        }
        for (place, pending) in state.timers.iter().enumerate() {
            let is_spent = match &pending.timer {
                Timer::Deadline { .. } => spent.deadlines >= bounds.deadlines,
                timer => is_repeat(timer) && spent.repeats[pending.place] >= bounds.repeats,
            };
            if is_spent {
                continue;
            }
            let event = ModelEvent::Timer(place);
            steps.extend([None].into_iter().chain(cuts.clone()).map(|cut| Transition::Take(event, cut)));
        }
        steps.extend((0..state.nodes.len()).filter(|_| may_crash).map(Transition::Crash));
    }

    /// What `state` becomes when `step` happens; `None` if it cannot, or if nothing comes of it.
    pub(super) fn after(&self, state: &ModelState, step: Transition) -> Option<ModelState> {
        let mut changes = Vec::new();
        let mut next = self.happen(state, step, &mut changes)?;
        next.forget_stale();
        self.judge(&mut next, &changes);
        Some(next)
    }

    /// The same, but nothing is judged, and everything that was sent is under way.
    pub(super) fn happen(
        &self,
        state: &ModelState,
        step: Transition,
        changes: &mut Vec<Change>,
    ) -> Option<ModelState> {
        let mut next = state.clone();
        match step {
            Transition::Take(ModelEvent::Packet(place), cut) => {
                let packet = next.packets.remove(place);
                let node = next.place(packet.to)?;
                let input = self.input(&mut next, packet.load);
                if let (NodeId::ControlPlane(region), Input::Request { delivery, caller, request, .. }) =
                    (packet.to, &input)
                {
                    let (delivery, caller, request) = (*delivery, *caller, request.clone());
                    changes.push(Change::Arrived { region, caller, delivery, request });
                }
                self.take(&mut next, node, input, cut, changes)?;
            }
            Transition::Take(ModelEvent::Timer(place), cut) => {
                let Pending { place: node, timer, .. } = next.timers.remove(place);
                next.spent.repeats[node] =
                    next.spent.repeats[node].saturating_add(u8::from(is_repeat(&timer)));
                let is_deadline = matches!(timer, Timer::Deadline { .. });
                next.spent.deadlines = next.spent.deadlines.saturating_add(u8::from(is_deadline));
                let before = next.nodes[node].word;
                let did = self.take(&mut next, node, Input::Timer(timer), cut, changes)?;
                // A timer that comes too late does nothing, now or later.
                if !did && next.nodes[node].word == before {
                    return None;
                }
            }
            Transition::Lose(place) => {
                let lost = next.packets.remove(place);
                if let Load::Request { caller, .. } = lost.load {
                    self.call(&mut next, caller);
                }
                next.spent.losses += 1;
            }
            Transition::Duplicate(place) => {
                let mut copied = next.packets[place].clone();
                if let Load::Request { copy, .. } = &mut copied.load {
                    *copy += 1;
                }
                next.packets.push(copied);
                next.spent.duplicates += 1;
            }
            Transition::Crash(place) => self.crash(&mut next, place, changes),
        }
        Some(next)
    }

    /// Lets `caller` make its next call, if it has one.
    pub(super) fn call(&self, state: &mut ModelState, caller: usize) {
        let call = state.callers[caller].begun;
        state.callers[caller].waits = false;
        if call < self.calls[caller].len() {
            state.callers[caller].begun += 1;
            let (label, to) = (state.label(), state.nodes[caller].id);
            state.packets.push(Packet { label, to, load: Load::Request { caller, call, copy: 0 } });
        }
    }

    fn input(&self, state: &mut ModelState, load: Load) -> Input {
        match load {
            Load::Message { from, message } => Input::Message { from, message: Box::new(message) },
            Load::Request { caller, call, copy } => {
                state.callers[caller].waits |= state.callers[caller].begun == call + 1;
                let request = self.calls[caller][call].clone();
                Input::Request {
                    delivery: delivery(caller, call, copy),
                    caller: Caller { account: Account::DEFAULT, principal: None },
                    lacks_role: false,
                    request,
                    fresh: Identifier::new([caller as u64 + 1, call as u64 + 1]),
                    stamp: DEFAULT_EPOCH,
                }
            }
        }
    }

    /// Gives a node its input and carries out what it wants done, up to `cut`; says whether there was anything.
    fn take(
        &self,
        state: &mut ModelState,
        place: usize,
        input: Input,
        cut: Option<Cut>,
        changes: &mut Vec<Change>,
    ) -> Option<bool> {
        let mut effects = Vec::new();
        let node = &mut state.nodes[place];
        Arc::make_mut(&mut node.machine).handle(input, &mut effects);
        let is_anything = effects
            .iter()
            .any(|effect| !matches!(effect, Effect::Note(_) | Effect::Denied(_) | Effect::Reached(_)));
        let mut writes = 0;
        let mut effects = effects.into_iter();
        let mut forgotten = Vec::new();
        for effect in effects.by_ref() {
            if let Effect::Persist(commit) = effect {
                writes += 1;
                let here = cut.filter(|cut| cut.write == writes);
                if here.is_some_and(|cut| !cut.kept) {
                    forgotten.push(Change::Forgot { node: state.nodes[place].id, commit });
                    break;
                }
                let node = &mut state.nodes[place];
                let disk = Arc::make_mut(&mut node.disk);
                let replaced = disk.write(&commit.batch, self.assumptions.token_window);
                changes.push(Change::Wrote { node: node.id, commit, replaced });
                if here.is_some() {
                    break;
                }
            } else {
                self.carry_out(state, place, effect, changes);
            }
        }
        let Some(cut) = cut else {
            let node = &mut state.nodes[place];
            node.word = node.machine.digest();
            if writes > 0 {
                node.disk_word = word_of(&node.disk);
            }
            return Some(is_anything);
        };
        if writes < cut.write {
            return None;
        }
        forgotten.extend(effects.filter_map(|effect| match effect {
            Effect::Persist(commit) => Some(Change::Forgot { node: state.nodes[place].id, commit }),
            _ => None,
        }));
        changes.extend(forgotten);
        self.crash(state, place, changes);
        Some(true)
    }

    fn carry_out(&self, state: &mut ModelState, place: usize, effect: Effect, changes: &mut Vec<Change>) {
        match effect {
            Effect::Persist(_)
            | Effect::Note(_)
            | Effect::Checked(_)
            | Effect::Denied(_)
            | Effect::Reached(_) => {}
            // What a witness node says of an account does not depend on when it is asked: that the answer may be late
            // is enough.
            Effect::Send { to, message } if matches!(*message, Message::CheckWitness { .. }) => {
                let (from, witness) = (state.nodes[place].id, state.place(to));
                if let Some(witness) = witness {
                    self.take(state, witness, Input::Message { from, message }, None, changes);
                }
            }
            Effect::Send { to, message } => {
                let (label, from) = (state.label(), state.nodes[place].id);
                let load = Load::Message { from, message: Message::clone(&message) };
                state.packets.push(Packet { label, to, load });
            }
            Effect::SetTimer { after, timer } => {
                let label = state.label();
                state.timers.retain(|known| known.place != place || !is_replaced(&known.timer, &timer));
                state.timers.push(Pending { label, place, after, timer });
            }
            Effect::Reply { delivery, result } => {
                let (caller, call) = (delivery.client.0 as usize, delivery.call as usize);
                let NodeId::ControlPlane(region) = state.nodes[place].id else { return };
                let request = self.calls[caller][call].clone();
                changes.push(Change::Replied {
                    region,
                    delivery,
                    account: Account::DEFAULT,
                    request,
                    result,
                });
                if state.callers[caller].begun == call + 1 && state.callers[caller].waits {
                    self.call(state, caller);
                }
            }
        }
    }

    /// Stops a node and starts it again with what its disk holds.
    fn crash(&self, state: &mut ModelState, place: usize, changes: &mut Vec<Change>) {
        state.spent.crashes += 1;
        state.timers.retain(|pending| pending.place != place);
        let ModelNode { id, machine, disk, disk_word, life, .. } = &mut state.nodes[place];
        *life += 1;
        *disk_word = word_of(disk);
        let memory = Box::new(machine.storage().clone());
        changes.push(Change::Crashed { node: *id, memory, disk: Box::new(Disk::clone(disk)) });
        changes.push(Change::Restarted(*id));
        *machine = Arc::new(ModelMachine::new(*id, &self.assumptions, self.mutants, disk.replay()));
        if state.callers.get(place).is_some_and(|caller| caller.waits) {
            self.call(state, place);
        }
        self.take(state, place, Input::Start(Environment::default()), None, changes);
    }

    pub(super) fn judge(&self, state: &mut ModelState, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let mut checker = state.checker.clone();
        let before = checker.exercised();
        let verdict = Arc::make_mut(&mut checker).look(state, changes);
        self.tally.add(&before, &checker.exercised());
        let is_read = self.calls.iter().flatten().any(|request| !request.operation().changes());
        state.memory = word_of(&checker.memory(is_read));
        state.checker = checker;
        state.broken = verdict.err().map(Arc::new);
    }
}

/// The name of a call.
fn delivery(caller: usize, call: usize, copy: u16) -> Delivery {
    Delivery { client: ClientId(caller as _), slot: caller as u32, call: call as u64, attempt: 1, copy }
}

/// Whether the timer only repeats a question, of which there is no end.
pub(super) fn is_repeat(timer: &Timer) -> bool {
    timer.is_retry() || matches!(timer, Timer::Recheck { .. })
}

/// Whether a timer that is set means nothing any more when `new` is set: a proposer answers to the timer of its last
/// round only.
fn is_replaced(known: &Timer, new: &Timer) -> bool {
    match (known, new) {
        (
            Timer::Propose { account, serial, .. },
            Timer::Propose { account: new_account, serial: new_serial, .. },
        ) => (account, serial) == (new_account, new_serial),
        _ => known == new,
    }
}
