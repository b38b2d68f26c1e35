//! The steps of a small world: which are possible in a state, and the state after each.

use std::sync::Arc;

use crate::api::Operation;
use crate::control::Machine;
use crate::control::authorization::Caller;
use crate::control::environment::Environment;
use crate::control::message::{Delivery, Effect, Input, Message, Timer};
use crate::control::records::Disk;
use crate::sim::{Change, DEFAULT_EPOCH};
use crate::types::{Account, ClientId, Identifier, Instant, NodeId};

use super::SmallWorld;
use super::state::{ModelNode, ModelState, Packet, PacketBody, Pending, digest_of};

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transition {
    /// A node handles an event and carries out its effects, and may crash meanwhile.
    Take(ModelEvent, Option<Cut>),
    /// The packet at this index is lost.
    Lose(usize),
    /// The packet at this index is duplicated.
    Duplicate(usize),
    /// The node at this index crashes and restarts.
    Crash(usize),
}

/// An event that a node handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModelEvent {
    /// The packet at this index arrives.
    Packet(usize),
    /// The timer at this index fires.
    Timer(usize),
}

/// A crash while a node carries out its effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// The write that it interrupts, counted from 1.
    pub(super) write: u32,
    /// Whether that write is durable. The effects behind it never happen.
    pub(super) kept: bool,
}

/// The most writes that one input causes.
const MOST_WRITES: u32 = 3;

impl SmallWorld {
    /// The possible steps in `state`, within the bounds.
    pub(super) fn steps(&self, state: &ModelState, steps: &mut Vec<Transition>) {
        if state.broken.is_some() {
            return;
        }
        let (bounds, spent) = (&self.bounds, &state.spent);
        let may_crash = spent.crashes < bounds.crashes;
        let cuts = (1..=MOST_WRITES).flat_map(|write| [true, false].map(|kept| Some(Cut { write, kept })));
        let cuts = cuts.filter(|_| may_crash);
        for index in 0..state.packets.len() {
            // Equal packets lead to equal states: only the first of them is explored.
            let digest = state.packets[index].digest();
            if state.packets[..index].iter().any(|packet| packet.digest() == digest) {
                continue;
            }
            let event = ModelEvent::Packet(index);
            steps.extend([None].into_iter().chain(cuts.clone()).map(|cut| Transition::Take(event, cut)));
            steps.extend((spent.losses < bounds.losses).then_some(Transition::Lose(index)));
            steps.extend((spent.duplicates < bounds.duplicates).then_some(Transition::Duplicate(index)));
        }
        for (index, pending) in state.timers.iter().enumerate() {
            let is_spent = match &pending.timer {
                Timer::Deadline { .. } => spent.deadlines >= bounds.deadlines,
                timer => is_repeat(timer) && spent.repeats[pending.node] >= bounds.repeats,
            };
            if is_spent {
                continue;
            }
            let event = ModelEvent::Timer(index);
            steps.extend([None].into_iter().chain(cuts.clone()).map(|cut| Transition::Take(event, cut)));
        }
        steps.extend((0..state.nodes.len()).filter(|_| may_crash).map(Transition::Crash));
    }

    /// The state after `step`; `None` if the step is impossible, or changes nothing.
    pub(super) fn after(&self, state: &ModelState, step: Transition) -> Option<ModelState> {
        let mut changes = Vec::new();
        let mut next = self.happen(state, step, &mut changes)?;
        next.drop_stale();
        self.judge(&mut next, &changes);
        Some(next)
    }

    /// The state after `step`, before invariants are judged and stale answers dropped.
    pub(super) fn happen(
        &self,
        state: &ModelState,
        step: Transition,
        changes: &mut Vec<Change>,
    ) -> Option<ModelState> {
        let mut next = state.clone();
        match step {
            Transition::Take(ModelEvent::Packet(index), cut) => {
                let packet = next.packets.remove(index);
                let node = next.node_index(packet.to)?;
                let input = self.input(&mut next, packet.body);
                if let (NodeId::ControlPlane(region), Input::Request { delivery, caller, request, .. }) =
                    (packet.to, &input)
                {
                    let (delivery, caller, request) = (*delivery, *caller, request.clone());
                    changes.push(Change::Arrived { region, caller, delivery, request });
                }
                self.take(&mut next, node, input, cut, changes)?;
            }
            Transition::Take(ModelEvent::Timer(index), cut) => {
                let Pending { node, timer, .. } = next.timers.remove(index);
                next.spent.repeats[node] =
                    next.spent.repeats[node].saturating_add(u8::from(is_repeat(&timer)));
                let is_deadline = matches!(timer, Timer::Deadline { .. });
                next.spent.deadlines = next.spent.deadlines.saturating_add(u8::from(is_deadline));
                let before = next.nodes[node].digest;
                let has_acted = self.take(&mut next, node, Input::Timer(timer), cut, changes)?;
                // A timer that changes nothing now is out of date, and would change nothing later either.
                if !has_acted && next.nodes[node].digest == before {
                    return None;
                }
            }
            Transition::Lose(index) => {
                let lost = next.packets.remove(index);
                // A client whose request is lost would wait for ever: it goes on to its next call.
                if let PacketBody::Request { caller, .. } = lost.body {
                    self.call(&mut next, caller);
                }
                next.spent.losses += 1;
            }
            Transition::Duplicate(index) => {
                let mut copied = next.packets[index].clone();
                // A client whose request is lost would wait for ever: it goes on to its next call.
                if let PacketBody::Request { copy, .. } = &mut copied.body {
                    *copy += 1;
                }
                next.packets.push(copied);
                next.spent.duplicates += 1;
            }
            Transition::Crash(index) => self.crash(&mut next, index, changes),
        }
        Some(next)
    }

    /// Sends the next call of `caller`, if it has one.
    pub(super) fn call(&self, state: &mut ModelState, caller: usize) {
        let call = state.callers[caller].begun;
        state.callers[caller].waits = false;
        if call < self.calls[caller].len() {
            state.callers[caller].begun += 1;
            let (label, to) = (state.label(), state.nodes[caller].id);
            state.packets.push(Packet { label, to, body: PacketBody::Request { caller, call, copy: 0 } });
        }
    }

    fn input(&self, state: &mut ModelState, body: PacketBody) -> Input {
        match body {
            PacketBody::Message { from, message } => Input::Message { from, message: Box::new(message) },
            PacketBody::Request { caller, call, copy } => {
                state.callers[caller].waits |= state.callers[caller].begun == call + 1;
                let request = self.calls[caller][call].clone();
                Input::Request {
                    delivery: delivery(caller, call, copy, request.operation()),
                    caller: Caller { account: Account::DEFAULT, principal: None },
                    lacks_role: false,
                    request,
                    fresh: Identifier::new([caller as u64 + 1, call as u64 + 1]),
                }
            }
        }
    }

    /// Lets a node handle an input and carries out its effects up to `cut`. Returns whether there were any; `None` if
    /// the node makes fewer writes than the cut demands.
    fn take(
        &self,
        state: &mut ModelState,
        index: usize,
        input: Input,
        cut: Option<Cut>,
        changes: &mut Vec<Change>,
    ) -> Option<bool> {
        let mut effects = Vec::new();
        let node = &mut state.nodes[index];
        Arc::make_mut(&mut node.machine).handle(Instant::START, DEFAULT_EPOCH, input, &mut effects);
        let has_effects = effects.iter().any(|effect| {
            !matches!(
                effect,
                Effect::Note(_) | Effect::Denied(_) | Effect::KeyRefused(_) | Effect::Covered(_)
            )
        });
        let mut writes = 0;
        let mut effects = effects.into_iter();
        let mut forgotten = Vec::new();
        for effect in effects.by_ref() {
            if let Effect::Persist(commit) = effect {
                writes += 1;
                let here = cut.filter(|cut| cut.write == writes);
                if here.is_some_and(|cut| !cut.kept) {
                    forgotten.push(Change::Forgot { node: state.nodes[index].id, commit });
                    break;
                }
                let node = &mut state.nodes[index];
                let disk = Arc::make_mut(&mut node.disk);
                let replaced = disk.write(&commit.batch, self.assumptions.token_window);
                changes.push(Change::Wrote { node: node.id, commit, replaced });
                if here.is_some() {
                    break;
                }
            } else {
                self.carry_out(state, index, effect, changes);
            }
        }
        let Some(cut) = cut else {
            let node = &mut state.nodes[index];
            node.digest = digest_of(&node.machine.knowledge());
            if writes > 0 {
                node.disk_digest = digest_of(&node.disk);
            }
            return Some(has_effects);
        };
        if writes < cut.write {
            return None;
        }
        forgotten.extend(effects.filter_map(|effect| match effect {
            Effect::Persist(commit) => Some(Change::Forgot { node: state.nodes[index].id, commit }),
            _ => None,
        }));
        changes.extend(forgotten);
        self.crash(state, index, changes);
        Some(true)
    }

    fn carry_out(&self, state: &mut ModelState, index: usize, effect: Effect, changes: &mut Vec<Change>) {
        match effect {
            Effect::Persist(_)
            | Effect::Note(_)
            | Effect::Checked(_)
            | Effect::Denied(_)
            | Effect::KeyRefused(_)
            | Effect::Covered(_) => {}
            // The answer of a witness node does not depend on when the request arrives. So the request arrives at once,
            // and only the answer is in flight: this covers every order with half of the packets.
            Effect::Send { to, message } if matches!(*message, Message::CheckWitness { .. }) => {
                let (from, witness) = (state.nodes[index].id, state.node_index(to));
                if let Some(witness) = witness {
                    self.take(state, witness, Input::Message { from, message }, None, changes);
                }
            }
            Effect::Send { to, message } => {
                let (label, from) = (state.label(), state.nodes[index].id);
                let body = PacketBody::Message { from, message: Message::clone(&message) };
                state.packets.push(Packet { label, to, body });
            }
            Effect::SetTimer { after, timer } => {
                let label = state.label();
                state.timers.retain(|known| known.node != index || !is_replaced(&known.timer, &timer));
                state.timers.push(Pending { label, node: index, after, timer });
            }
            Effect::Reply { delivery, result } => {
                let (caller, call) = (delivery.client.0 as usize, delivery.call as usize);
                let NodeId::ControlPlane(region) = state.nodes[index].id else { return };
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

    /// Crashes a node and restarts it with the storage that its disk holds.
    fn crash(&self, state: &mut ModelState, index: usize, changes: &mut Vec<Change>) {
        state.spent.crashes += 1;
        state.timers.retain(|pending| pending.node != index);
        let ModelNode { id, machine, disk, disk_digest, life, .. } = &mut state.nodes[index];
        *life += 1;
        *disk_digest = digest_of(disk);
        let memory = Box::new(machine.storage().clone());
        changes.push(Change::Crashed { node: *id, memory, disk: Box::new(Disk::clone(disk)) });
        changes.push(Change::Restarted(*id));
        let assumptions = self.assumptions.clone();
        let restarted =
            Machine::new(*id, assumptions, Arc::default(), Arc::default(), self.mutants, disk.replay());
        *machine = Arc::new(restarted);
        // The request died with the node. Its client gives it up.
        if state.callers.get(index).is_some_and(|caller| caller.waits) {
            self.call(state, index);
        }
        self.take(state, index, Input::Start(Environment::default()), None, changes);
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
        state.memory = digest_of(&checker.memory(is_read));
        state.checker = checker;
        state.broken = verdict.err().map(Arc::new);
    }
}

/// The delivery by which a call is known.
fn delivery(caller: usize, call: usize, copy: u16, operation: Operation) -> Delivery {
    let (client, slot) = (ClientId(caller as _), caller as u32);
    Delivery { client, slot, call: call as u64, attempt: 1, copy, operation }
}

/// Whether the timer only retries a request. Nodes retry without end, so that the search must bound it.
pub(super) fn is_repeat(timer: &Timer) -> bool {
    timer.is_retry() || matches!(timer, Timer::Recheck { .. })
}

/// Whether `new` makes the timer `known` void: a proposer ignores the timers of earlier rounds.
fn is_replaced(known: &Timer, new: &Timer) -> bool {
    match (known, new) {
        (
            Timer::Propose { account, serial, .. },
            Timer::Propose { account: new_account, serial: new_serial, .. },
        ) => (account, serial) == (new_account, new_serial),
        _ => known == new,
    }
}
