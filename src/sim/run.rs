//! The event loop: takes the next event from the queue and delivers it to a node or a client.

use std::time::Duration;

use rand::Rng;

use crate::api::Request;
use crate::control::authorization::Caller;
use crate::control::message::{Delivery, Effect, Input, Message, Reply};
use crate::control::records::{Serial, TokenKey};
use crate::coverage_mark::CoverageMark;
use crate::region::Region;
use crate::rng::{self, Purpose, mix};
use crate::types::{Account, ClientId, Identifier, Instant, NodeId, Timestamp};

use super::client::{Call, CallId, Next, Outcome};
use super::coverage::CoverageBin;
use super::fault::{MessageMatch, NodeActivity};
use super::network::{Envelope, Fate, Payload};
use super::node::{Node, NodeState};
use super::trace::{LossReason, TraceEvent, Unhashed};
use super::{Alarm, Change, Event, World, kind_of};

impl World {
    /// Processes the next event; `false` if there is none.
    pub fn step(&mut self) -> bool {
        self.changes.clear();
        let Some((at, event)) = self.queue.pop() else { return false };
        self.now = at;
        if let Some(history) = self.trace.history_mut() {
            history.begin_step();
        }
        match event {
            Event::Deliver(slot) => {
                let envelope = self.in_flight.remove(slot as usize);
                self.deliver(envelope);
            }
            Event::Fire(slot) => self.fire_timer(slot),
            Event::Retry(slot) => {
                self.pending_retries -= 1;
                self.fire_timer(slot);
            }
            Event::Synced { node, life } => self.finish_sync(usize::from(node), life),
            Event::ClientTimer(slot) => {
                self.pending_wakes -= 1;
                self.wake_call(slot);
            }
            Event::Fault(slot) => {
                let (first, fault, text) = self.planned.remove(slot as usize);
                if let Some(history) = self.trace.history_mut() {
                    history.begin_planned(first);
                }
                self.note(&TraceEvent::FaultInjected(&fault, Unhashed(&text)));
                self.apply_fault(first, &fault);
            }
            Event::Wake => {}
        }
        true
    }

    /// Processes every event up to and including `moment`.
    ///
    /// Only the changes of the last event remain in [`World::changes`]. A caller that checks them uses
    /// [`World::wake_at`] and [`World::step`] instead.
    pub fn run_until(&mut self, moment: Instant) {
        self.wake_at(moment);
        while self.queue.peek_time().is_some_and(|at| at <= moment) {
            self.step();
        }
    }

    /// Whether the world has come to rest: it is idle, and the remaining retries have changed nothing for longer than
    /// twice the longest pause between two of them.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.is_idle()
            && (self.pending_retries == 0 || self.now.since(self.last_progress) >= self.quiet_after())
    }

    /// The time without progress after which retries are taken to be futile.
    ///
    /// A successful round makes five writes, one after the other: the proposer's own promise, an acceptor's promise,
    /// the proposer's own acceptance, an acceptor's acceptance, and the cluster's record. Each takes up to two disk
    /// times where the disk is busy with another write, so a round takes up to ten. Two proposers whose rounds overlap
    /// both fail and back off for drawn pauses, so no bound is certain. 150 disk times leave room for fifteen rounds in
    /// a row.
    fn quiet_after(&self) -> Duration {
        QUIET_AFTER.max(self.options.disk.saturating_mul(150))
    }

    pub(super) fn schedule(&mut self, at: Instant, event: Event) {
        self.queue.push(at.max(self.now), event);
    }

    /// The index of the node `id` in `self.nodes`. A node that does not exist yet is created, up and with an empty
    /// disk.
    pub(super) fn node_index(&mut self, id: NodeId) -> usize {
        let (region, kind) = kind_of(id);
        let known = &mut self.node_indices[region.index()][kind];
        if let Some(index) = *known {
            return usize::from(index);
        }
        *known = Some(self.nodes.len() as u16);
        let node = Node::new(id, &self.options);
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    #[inline(always)]
    pub(super) fn note(&mut self, event: &TraceEvent<'_>) {
        if let Some(history) = self.trace.history_mut() {
            history.acted(self.fault_log.take_acted());
        }
        self.trace.record(self.now, event, &self.names, &self.options.clients);
    }

    pub(super) fn send_attempt(&mut self, id: CallId) {
        let ongoing = self.calls.get_mut(id).expect("only a call that goes on is sent");
        ongoing.begin_attempt(self.now);
        let (client, attempt) = (ongoing.client, ongoing.attempt);
        let delivery = ongoing.delivery(id.slot, 0);
        let request = ongoing.call.request.clone();
        let to = NodeId::ControlPlane(ongoing.call.region);
        if attempt > 1 {
            let event = TraceEvent::Retried(client, &ongoing.call, attempt);
            self.trace.record(self.now, &event, &self.names, &self.options.clients);
        }
        let principal = ongoing.call.principal;
        let key = rng::fingerprint(&(delivery, REQUEST));
        let options = &self.options.clients[client.0 as usize];
        let caller = Caller { account: options.account, principal: principal.or(options.principal) };
        let payload = Payload::Request { delivery, caller, request };
        self.send(Envelope { from: NodeId::Client(client), to, key, payload });
        self.schedule_wake(id);
    }

    /// Hands a message to the network, which delivers, duplicates, holds or loses it.
    pub(super) fn send(&mut self, envelope: Envelope) {
        let (from, to) = (self.region_of(envelope.from), self.region_of(envelope.to));
        let latency = match self.network.fate(&envelope, from, to, &mut self.fault_log) {
            Fate::Arrives(latency) => latency,
            Fate::Copied(latency, copies) => {
                self.note(&TraceEvent::Copied(&envelope, copies));
                for copy in 1..=copies {
                    let later = latency + self.network.copy_delay(&envelope, copy);
                    let copied = envelope.copy(copy);
                    self.deliver_at(self.now.after(later), copied);
                }
                latency
            }
            Fate::Lost => return self.note(&TraceEvent::Lost(&envelope, LossReason::Dropped)),
            Fate::Held => {
                self.note(&TraceEvent::Held(&envelope));
                return self.network.hold(envelope);
            }
        };
        let at = self.now.after(latency);
        self.note(&TraceEvent::Sent(&envelope, at));
        self.deliver_at(at, envelope);
    }

    fn deliver_at(&mut self, at: Instant, envelope: Envelope) {
        let slot = self.in_flight.insert(envelope) as u32;
        self.schedule(at, Event::Deliver(slot));
    }

    fn deliver(&mut self, envelope: Envelope) {
        if let NodeId::Client(_) = envelope.to {
            return self.deliver_to_client(envelope);
        }
        let index = self.node_index(envelope.to);
        let node = &mut self.nodes[index];
        if node.state != NodeState::Up {
            // With its process down, the host still refuses connections, and the client learns at once that the attempt
            // failed. With the host down, or between nodes, only a time-out tells.
            let is_reset = node.state == NodeState::Down;
            self.note(&TraceEvent::Lost(&envelope, LossReason::NodeDown));
            if let (true, Payload::Request { delivery, .. }) = (is_reset, &envelope.payload) {
                let key = mix(envelope.key, RESET);
                let payload = Payload::Reset(*delivery);
                self.send(Envelope { from: envelope.to, to: envelope.from, key, payload });
            }
            return;
        }
        if let Some(crash) = self.fire_trigger(index, || NodeActivity::Handles(envelope.payload.what())) {
            self.note(&TraceEvent::Lost(&envelope, LossReason::NodeCrashed));
            self.crash(index, crash);
            return;
        }
        self.note(&TraceEvent::Arrived(&envelope));
        let input = match envelope.payload {
            Payload::Message(message) => Input::Message { from: envelope.from, message },
            Payload::Request { delivery, caller, request } => {
                let region = envelope.to.region().expect("requests go to control planes");
                let arrived = Change::Arrived { region, caller, delivery, request: request.clone() };
                self.changes.push(arrived);
                // The front end answers: the control plane must not see the request, nor may it count as unanswered.
                if let Some(error) = self.take_injected_error(region, request.operation(), envelope.key) {
                    self.changes.push(Change::Injected(delivery));
                    self.note(&TraceEvent::Injected(envelope.to, request.operation(), &error));
                    return self.reply(index, delivery, Err(error));
                }
                self.cover_request(index, &request);
                let fresh = self.fresh_identifier(&delivery);
                if matches!(*request, Request::CreateCluster(_) | Request::CreateStream(_)) {
                    self.meet_skew(region);
                }
                self.meet_broken_role(region, &request);
                self.nodes[index].unanswered += 1;
                let lacks_role = self.lacks_role(caller.account);
                Input::Request { delivery, caller, lacks_role, request, fresh }
            }
            Payload::Response { .. } | Payload::Reset(_) => unreachable!("answers go to clients"),
        };
        self.feed(index, input);
    }

    fn deliver_to_client(&mut self, envelope: Envelope) {
        let (seed, now) = (self.options.seed, self.now);
        // The answer belongs to a process that no longer exists; a later life of the client must not see it.
        if self.is_for_crashed_client(&envelope) {
            return self.note(&TraceEvent::Lost(&envelope, LossReason::ClientCrashed));
        }
        self.note(&TraceEvent::Arrived(&envelope));
        let (delivery, result) = match envelope.payload {
            Payload::Response { delivery, result, .. } => (delivery, Some(result)),
            Payload::Reset(delivery) => (delivery, None),
            Payload::Request { .. } | Payload::Message(_) => unreachable!("only answers go to clients"),
        };
        let id = CallId { slot: delivery.slot, key: delivery.call };
        // A call that was taken from the world, or whose slot another call uses now, no longer cares.
        let Some(ongoing) = self.calls.get_mut(id) else { return };
        let next = match result {
            Some(result) => ongoing.answered(seed, now, delivery, result),
            None => ongoing.reset(seed, now, delivery),
        };
        self.apply_next(id, next);
    }

    pub(super) fn apply_next(&mut self, id: CallId, next: Next) {
        let ongoing = self.calls.get(id).expect("a call that has just moved");
        let client = ongoing.client;
        match next {
            Next::Send => self.send_attempt(id),
            Next::Wait => self.schedule_wake(id),
            Next::Late => self.covered |= CoverageMark::AnswerLate,
            Next::End => {
                let outcome = ongoing.outcome.as_ref().expect("a call that has ended");
                let event = TraceEvent::Ended(client, &ongoing.call, outcome);
                self.trace.record(self.now, &event, &self.names, &self.options.clients);
                if matches!(outcome, Outcome::Unknown) {
                    self.covered.extend(self.unknown_call_mark(&ongoing.call, client));
                }
                self.calls.ended();
                self.changes.push(Change::Ended(id));
                self.finished.push_back(id);
            }
        }
    }

    /// The coverage mark for a call with unknown outcome: whether the control plane carried it out. `None` if the call
    /// could not have changed anything.
    fn unknown_call_mark(&self, call: &Call, client: ClientId) -> Option<CoverageMark> {
        let token = call.request.client_token()?.clone();
        let account = self.options.clients[client.0 as usize].account;
        let operation = self.options.assumptions.token_per_operation.then(|| call.request.operation());
        let key = TokenKey { account, operation, token };
        let has_happened = self.storage(call.region).is_some_and(|storage| storage.token(&key).is_some());
        Some(if has_happened { CoverageMark::UnknownHappened } else { CoverageMark::UnknownHadNot })
    }

    /// Schedules the call's time-out or pause, unless an earlier event is already scheduled for its slot.
    fn schedule_wake(&mut self, id: CallId) {
        if let Some(wake_at) = self.calls.set_alarm(id) {
            self.pending_wakes += 1;
            self.schedule(wake_at, Event::ClientTimer(id.slot));
        }
    }

    /// Processes a client timer. The call in the slot may have ended, or may have moved its time-out since the timer
    /// was set; timers are never cancelled, only checked when they fire.
    fn wake_call(&mut self, slot: u32) {
        self.calls.alarm_went_off(slot, self.now);
        let Some((id, ongoing)) = self.calls.in_slot(slot).filter(|(_, ongoing)| ongoing.outcome.is_none())
        else {
            return;
        };
        if ongoing.wake_at > self.now {
            return self.schedule_wake(id);
        }
        let next = ongoing.wake(self.options.seed, self.now);
        self.apply_next(id, next);
    }

    fn fire_timer(&mut self, slot: u32) {
        let Alarm { node: index, life, key, timer } = self.timers.remove(slot as usize);
        if let Some(history) = self.trace.history_mut() {
            history.timer_fires(slot);
        }
        let node = &self.nodes[usize::from(index)];
        // A timer set before a crash belongs to lost memory: the node sets its timers anew when it starts.
        if node.life == life && node.state == NodeState::Up {
            self.note(&TraceEvent::Fired(node.id, key));
            self.feed(usize::from(index), Input::Timer(timer));
        }
    }

    /// Gives a node an input and carries out its effects; `false` if there are none.
    pub(super) fn feed(&mut self, index: usize, input: Input) -> bool {
        let mut effects = std::mem::take(&mut self.effects);
        let stamp = self.wall_clock(self.region_of(self.nodes[index].id));
        self.nodes[index].machine.handle(self.now, stamp, input, &mut effects);
        let is_moved = !effects.is_empty();
        for effect in effects.drain(..) {
            self.carry_out(index, effect);
        }
        self.effects = effects;
        is_moved
    }

    /// Whether the answer belongs to a call that a crash of its client abandoned.
    fn is_for_crashed_client(&self, envelope: &Envelope) -> bool {
        let (Payload::Response { delivery, .. } | Payload::Reset(delivery)) = &envelope.payload else {
            return false;
        };
        let id = CallId { slot: delivery.slot, key: delivery.call };
        self.calls.is_abandoned(id)
    }

    /// Carries out an effect of a node. Every write that the node decided on before it is durable by now, so an answer
    /// or a message never reports a change that a crash could still undo.
    pub(super) fn perform(&mut self, index: usize, effect: Effect) {
        let node = &self.nodes[index];
        let (id, life) = (node.id, node.life);
        match effect {
            Effect::Persist(commit) => self.apply_write(index, commit),
            Effect::Send { to, message } => self.send_message(index, to, message),
            Effect::Reply { delivery, result } => {
                let node = &mut self.nodes[index];
                node.unanswered = node.unanswered.saturating_sub(1);
                self.reply(index, delivery, result);
            }
            Effect::SetTimer { after, timer } => {
                let key = rng::fingerprint(&(id, life, &timer));
                let pause = rng::between(self.options.seed, Purpose::Timer, key, after.min, after.max);
                let alarm = self.timers.insert(Alarm { node: index as u16, life, key, timer }) as u32;
                if let Some(history) = self.trace.history_mut() {
                    history.timer_set(alarm);
                }
                // A world that has only retries left is idle, so they are counted apart.
                let is_retry = timer.is_retry();
                self.pending_retries += usize::from(is_retry);
                let event = if is_retry { Event::Retry(alarm) } else { Event::Fire(alarm) };
                self.schedule(self.now.after(pause), event);
            }
            Effect::Note(note) => self.note(&TraceEvent::Noted(id, *note)),
            Effect::Checked(checked) => self.changes.push(Change::Checked(checked)),
            Effect::KeyRefused(arn) => {
                let region = id.region().expect("a client refuses nothing");
                self.meet_disabled_key(region, &arn);
            }
            Effect::Denied(action) => {
                self.coverage.insert(CoverageBin::Denied(action));
                let region = id.region().expect("a client denies nothing");
                self.meet_denial(region, action);
            }
            Effect::Covered(mark) => self.covered |= mark,
        }
    }

    fn send_message(&mut self, index: usize, to: NodeId, message: Box<Message>) {
        let from = self.nodes[index].id;
        let key = rng::fingerprint(&(from, to, &*message));
        let what = MessageMatch::Message(message.kind());
        if let Some(crash) = self.fire_trigger(index, || NodeActivity::Sends(what)) {
            self.crash(index, crash);
            return;
        }
        self.send(Envelope { from, to, key, payload: Payload::Message(message) });
        if let Some(crash) = self.fire_trigger(index, || NodeActivity::Sent(what)) {
            self.crash(index, crash);
        }
    }

    fn reply(&mut self, index: usize, delivery: Delivery, result: Reply) {
        let from = self.nodes[index].id;
        let id = CallId { slot: delivery.slot, key: delivery.call };
        let what = MessageMatch::Response(Some(delivery.operation));
        if let Some(crash) = self.fire_trigger(index, || NodeActivity::Sends(what)) {
            self.crash(index, crash);
            return;
        }
        self.note(&TraceEvent::Replied(from, delivery, &result));
        let key = rng::fingerprint(&(delivery, RESPONSE));
        let payload = Payload::Response { delivery, result: result.clone(), operation: delivery.operation };
        // The answer to a call that its caller has taken from the world is sent all the same: a world that forgets its
        // calls goes the way of one that keeps them.
        self.changes.push(match self.calls.get(id) {
            None => Change::Unheard(delivery),
            Some(ongoing) => Change::Replied {
                region: from.region().expect("control planes reply"),
                delivery,
                account: self.options.clients[delivery.client.0 as usize].account,
                request: ongoing.call.request.clone(),
                result,
            },
        });
        self.send(Envelope { from, to: NodeId::Client(delivery.client), key, payload });
        if let Some(crash) = self.fire_trigger(index, || NodeActivity::Sent(what)) {
            self.crash(index, crash);
        }
    }

    /// A fresh identifier for a delivery. Every attempt and copy draws its own, because each may become the one that
    /// creates the cluster; all are named after the call's alias.
    fn fresh_identifier(&mut self, delivery: &Delivery) -> Identifier {
        let mut drawn = rng::stream(self.options.seed, Purpose::Identifier, rng::fingerprint(delivery));
        let identifier = Identifier::new([drawn.next_u64(), drawn.next_u64()]);
        let id = CallId { slot: delivery.slot, key: delivery.call };
        if let Some(alias) = self.calls.get(id).and_then(|ongoing| ongoing.call.alias.clone()) {
            let name = match (delivery.attempt, delivery.copy) {
                (1, 0) => alias,
                (attempt, 0) => format!("{alias}.{attempt}").into(),
                (attempt, copy) => format!("{alias}.{attempt}.{copy}").into(),
            };
            self.names.name_cluster(identifier, name);
        }
        identifier
    }

    fn cover_request(&mut self, index: usize, request: &Request) {
        // The ARN of a stream begins with the ARN of its cluster.
        let by_arn =
            || request.resource_arn()?.split_once(":cluster/").map(|(_, rest)| rest.split('/').next());
        let named = request.identifier().or_else(|| by_arn().flatten()).and_then(Identifier::parse);
        let cluster = named.and_then(|identifier| self.nodes[index].machine.storage().cluster(identifier));
        self.coverage.reach(request.operation(), cluster.map(|cluster| cluster.status), self.faults);
    }

    /// Whether the account has no service-linked role. It gets one with its first cluster in any Region, and keeps it.
    fn lacks_role(&self, account: Account) -> bool {
        let has_cluster = |node: &Node| node.machine.storage().next_serial(account) > Serial(1);
        !self.options.assumptions.service_linked_role && !self.nodes.iter().any(has_cluster)
    }

    /// What the wall clock of `region` says.
    pub(crate) fn wall_clock(&self, region: Region) -> Timestamp {
        let millis = self.options.epoch.0 + self.now.0 / 1_000_000;
        Timestamp(millis.saturating_add_signed(self.skew_of(region).saturating_mul(1000)))
    }

    pub(super) fn region_of(&self, node: NodeId) -> Region {
        match node {
            NodeId::Client(client) => self.options.clients[client.0 as usize].home,
            NodeId::ControlPlane(region) | NodeId::Witness(region) => region,
        }
    }
}

impl Envelope {
    /// The key of the `copy`-th copy.
    pub(super) fn key_of_copy(&self, copy: u16) -> u64 {
        mix(self.key, u64::from(copy))
    }

    /// The `copy`-th copy of the message, with a key and draws of its own.
    fn copy(&self, copy: u16) -> Envelope {
        let mut copied = self.clone();
        copied.key = self.key_of_copy(copy);
        if let Payload::Request { delivery, .. } = &mut copied.payload {
            delivery.copy = copy;
        }
        copied
    }
}

/// Twice the longest pause between two retries of a node (30 s), and a margin.
const QUIET_AFTER: Duration = Duration::from_secs(65);

const REQUEST: u64 = 1;
const RESPONSE: u64 = 2;
const RESET: u64 = 3;
