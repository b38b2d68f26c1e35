//! How a world moves: one event at a time.

use std::sync::Arc;
use std::time::Duration;

use crate::api::Request;
use crate::control::authorization::Caller;
use crate::control::cluster::Serial;
use crate::control::message::{Delivery, Effect, Input, Message, Reply};
use crate::control::storage::TokenKey;
use crate::goal::Goal;
use crate::region::Region;
use crate::rng::{self, Purpose, mix};
use crate::types::{Account, ClientId, Identifier, Instant, NodeId, Timestamp};

use super::client::{self, Call, CallId, Next, Outcome};
use super::coverage::Mark;
use super::crash_point::NodeActivity;
use super::fault::MessageMatch;
use super::fault_log::Lasting;
use super::network::{Envelope, Fate, Payload};
use super::node::{Node, NodeState};
use super::trace::TraceEvent;
use super::{Alarm, Change, Event, World, kind_of};

impl World {
    /// Lets the next event happen; `false` if there is none.
    pub fn step(&mut self) -> bool {
        self.changes.clear();
        let Some((at, event)) = self.queue.pop() else { return false };
        self.now = at;
        self.fetch_ahead();
        match event {
            Event::Deliver(place) => {
                let envelope = self.under_way.remove(place);
                self.deliver(envelope);
            }
            Event::Fire(place) => self.fire(place),
            Event::Retry(place) => {
                self.pending_retries -= 1;
                self.fire(place);
            }
            Event::Synced { node, life } => self.synced(usize::from(node), life),
            Event::ClientTimer(slot) => {
                self.pending_wakes -= 1;
                self.wake(slot);
            }
            Event::Fault(place) => {
                let (first, fault, words) = self.planned.remove(place);
                self.note(&TraceEvent::Remark(&words));
                self.act(&mut first.clone(), fault);
            }
            Event::Wake => {}
        }
        true
    }

    /// Lets everything happen up to and including `moment`.
    ///
    /// A caller who looks at [`World::changes`] uses [`World::wake_at`] and [`World::step`] instead.
    pub fn run_until(&mut self, moment: Instant) {
        self.wake_at(moment);
        while self.queue.peek_time().is_some_and(|at| at <= moment) {
            self.step();
        }
    }

    /// Whether the world is quiet: nothing is left to happen but the repetition of questions, and what these could
    /// bring about has not come for longer than the longest pause between two of them, twice.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.is_idle() && (self.pending_retries == 0 || self.now.since(self.last_news) >= self.quiet_after())
    }

    /// How long nothing may have come of repeated questions before nothing will.
    ///
    /// A round that gets what it asks for makes five writes, one after the other: its own promise, an acceptor's, its
    /// own acceptance, an acceptor's, and the cluster's record. Each takes up to two disk times where the disk is busy
    /// with another, so a round takes up to ten. Two proposers whose rounds overlap get nothing and step back for
    /// drawn pauses; since these are drawn, no wait is the longest for certain. 150 disk times are room for fifteen
    /// rounds in a row.
    fn quiet_after(&self) -> Duration {
        QUIET_AFTER.max(self.options.disk.saturating_mul(150))
    }

    pub(super) fn schedule(&mut self, at: Instant, event: Event) {
        self.queue.push(at.max(self.now), event);
    }

    /// The node called `id`; it comes to be now if nobody ever spoke to it.
    pub(super) fn place(&mut self, id: NodeId) -> usize {
        let (region, kind) = kind_of(id);
        let place = &mut self.places[region.index()][kind];
        if let Some(place) = *place {
            return usize::from(place);
        }
        *place = Some(self.nodes.len() as u16);
        let node = Node::new(id, &self.options);
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    #[inline(always)]
    pub(super) fn note(&mut self, happening: &TraceEvent<'_>) {
        self.trace.record(self.now, happening, &self.names, &self.options.clients);
    }

    pub(super) fn send_attempt(&mut self, id: CallId) {
        let ongoing = self.calls.get_mut(id).expect("only a call that goes on is sent");
        ongoing.begin_attempt(self.now);
        let (client, attempt) = (ongoing.client, ongoing.attempt);
        let delivery = ongoing.delivery(id.slot, 0);
        let request = ongoing.call.request.clone();
        let to = NodeId::ControlPlane(ongoing.call.region);
        if attempt > 1 {
            let happening = TraceEvent::Retried(NodeId::Client(client), &ongoing.call, attempt);
            self.trace.record(self.now, &happening, &self.names, &self.options.clients);
        }
        let principal = ongoing.call.principal;
        let key = mix(delivery.digest(), REQUEST);
        let options = &self.options.clients[client.0 as usize];
        let caller = Caller { account: options.account, principal: principal.or(options.principal) };
        let payload = Payload::Request { delivery, caller, request };
        self.send(Envelope { from: NodeId::Client(client), to, key, payload });
        self.sleep(id);
    }

    /// Puts a message on its link.
    pub(super) fn send(&mut self, envelope: Envelope) {
        let (from, to) = (self.home(envelope.from), self.home(envelope.to));
        let latency = match self.network.fate(&envelope, from, to, &mut self.deeds) {
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
            Fate::Lost => return self.note(&TraceEvent::Lost(&envelope, "lost")),
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
        let place = self.under_way.insert(envelope);
        self.schedule(at, Event::Deliver(place));
    }

    fn deliver(&mut self, envelope: Envelope) {
        if let NodeId::Client(_) = envelope.to {
            return self.deliver_to_client(envelope);
        }
        let place = self.place(envelope.to);
        let node = &mut self.nodes[place];
        if node.state != NodeState::Up {
            let refused = node.state == NodeState::Down;
            self.note(&TraceEvent::Lost(&envelope, "nobody there"));
            if let (true, Payload::Request { delivery, .. }) = (refused, &envelope.payload) {
                let key = mix(envelope.key, RESET);
                let payload = Payload::Reset(*delivery);
                self.send(Envelope { from: envelope.to, to: envelope.from, key, payload });
            }
            return;
        }
        if let Some(fall) = self.fire_trigger(place, |_| NodeActivity::Handles(envelope.payload.what())) {
            self.note(&TraceEvent::Lost(&envelope, "crashed"));
            self.crash(place, fall);
            return;
        }
        self.note(&TraceEvent::Arrived(&envelope));
        let input = match envelope.payload {
            Payload::Message(message) => Input::Message { from: envelope.from, message },
            Payload::Request { delivery, caller, request } => {
                let region = envelope.to.region().expect("requests go to control planes");
                let arrived = Change::Arrived { region, caller, delivery, request: request.clone() };
                self.changes.push(arrived);
                if let Some(error) = self.refusal(region, request.operation()) {
                    self.changes.push(Change::Injected(delivery));
                    self.note(&TraceEvent::Refused(envelope.to, request.operation(), &error));
                    return self.reply(place, delivery, Err(error));
                }
                self.cover(place, &request);
                let fresh = self.fresh_identifier(&delivery);
                let stamp = self.wall_clock(place);
                if matches!(*request, Request::CreateCluster(_) | Request::CreateStream(_)) {
                    self.deeds.met(Lasting::Skew(region));
                }
                self.nodes[place].unanswered += 1;
                let lacks_role = self.lacks_role(caller.account);
                Input::Request { delivery, caller, lacks_role, request, fresh, stamp }
            }
            Payload::Response { .. } | Payload::Reset(_) => unreachable!("answers go to clients"),
        };
        self.feed(place, input);
    }

    fn deliver_to_client(&mut self, envelope: Envelope) {
        let (seed, now) = (self.options.seed, self.now);
        if self.is_orphan(&envelope) {
            return self.note(&TraceEvent::Lost(&envelope, "nobody there"));
        }
        self.note(&TraceEvent::Arrived(&envelope));
        let (delivery, result) = match envelope.payload {
            Payload::Response { delivery, result, .. } => (delivery, Some(result)),
            Payload::Reset(delivery) => (delivery, None),
            Payload::Request { .. } | Payload::Message(_) => unreachable!("only answers go to clients"),
        };
        let id = CallId { slot: delivery.slot, key: delivery.call };
        let Some(ongoing) = self.calls.get_mut(id) else { return };
        let next = match result {
            Some(result) => ongoing.answered(seed, now, delivery, result),
            None => ongoing.reset(seed, now, delivery),
        };
        self.go_on(id, next);
    }

    pub(super) fn go_on(&mut self, id: CallId, next: Next) {
        let ongoing = self.calls.get(id).expect("a call that has just moved");
        let client = ongoing.client;
        match next {
            Next::Send => self.send_attempt(id),
            Next::Sleep => self.sleep(id),
            Next::Late => self.reached.insert(Goal::AnswerLate),
            Next::End => {
                let outcome = ongoing.outcome.as_ref().expect("a call that has ended");
                let happening = TraceEvent::Ended(NodeId::Client(client), &ongoing.call, outcome);
                self.trace.record(self.now, &happening, &self.names, &self.options.clients);
                if matches!(outcome, Outcome::Unknown) {
                    self.reached.extend(self.fate(&ongoing.call, client));
                }
                self.calls.ended();
                self.changes.push(Change::Ended(id));
                self.finished.push_back(id);
            }
        }
    }

    /// What became of a call of which its client knows nothing; `None` if it could change nothing.
    fn fate(&self, call: &Call, client: ClientId) -> Option<Goal> {
        let token = call.request.client_token()?.clone();
        let account = self.options.clients[client.0 as usize].account;
        let operation = self.options.assumptions.token_per_operation.then(|| call.request.operation());
        let key = TokenKey { account, operation, token };
        let has_happened = self.storage(call.region).is_some_and(|storage| storage.token(&key).is_some());
        Some(if has_happened { Goal::UnknownHappened } else { Goal::UnknownHadNot })
    }

    /// Wakes the call at the time that it wants, unless something wakes its slot before.
    fn sleep(&mut self, id: CallId) {
        if let Some(wakes) = self.calls.set_alarm(id) {
            self.pending_wakes += 1;
            self.schedule(wakes, Event::ClientTimer(id.slot));
        }
    }

    /// An alarm goes off: the call in the slot does something, or goes on sleeping.
    fn wake(&mut self, slot: u32) {
        self.calls.alarm_went_off(slot, self.now);
        let Some((id, ongoing)) = self.calls.in_slot(slot).filter(|(_, ongoing)| ongoing.outcome.is_none())
        else {
            return;
        };
        if ongoing.wakes > self.now {
            return self.sleep(id);
        }
        let next = ongoing.wake(self.options.seed, self.now);
        self.go_on(id, next);
    }

    fn fire(&mut self, place: u32) {
        let Alarm { node: place, life, key, timer } = self.timers.remove(place);
        let node = &self.nodes[usize::from(place)];
        if node.life == life && node.state == NodeState::Up {
            self.note(&TraceEvent::Fired(node.id, key));
            self.feed(usize::from(place), Input::Timer(timer));
        }
    }

    /// Gives a node its input and carries out what it wants done; `false` if that is nothing.
    pub(super) fn feed(&mut self, place: usize, input: Input) -> bool {
        let mut effects = std::mem::take(&mut self.effects);
        self.nodes[place].handle(self.now, input, &mut effects);
        let is_moved = !effects.is_empty();
        for effect in effects.drain(..) {
            self.carry_out(place, effect);
        }
        self.effects = effects;
        is_moved
    }

    /// Whether an answer comes to a life of its client that is over.
    fn is_orphan(&self, envelope: &Envelope) -> bool {
        let (Payload::Response { delivery, .. } | Payload::Reset(delivery)) = &envelope.payload else {
            return false;
        };
        let id = CallId { slot: delivery.slot, key: delivery.call };
        self.calls.get(id).is_some_and(|ongoing| ongoing.doing == client::ClientActivity::Abandoned)
    }

    /// Does what a node wants done; whatever it wants to persist is durable already.
    pub(super) fn perform(&mut self, place: usize, effect: Effect) {
        let node = &self.nodes[place];
        let (id, life) = (node.id, node.life);
        match effect {
            Effect::Persist(commit) => self.wrote(place, commit),
            Effect::Send { to, message } => self.send_message(place, to, message),
            Effect::Reply { delivery, result } => {
                let node = &mut self.nodes[place];
                node.unanswered = node.unanswered.saturating_sub(1);
                self.reply(place, delivery, result);
            }
            Effect::SetTimer { after, timer } => {
                let key = timer.key();
                let draw = rng::key(&[id.digest(), u64::from(life), key]);
                let pause = rng::between(self.options.seed, Purpose::Timer, draw, after.min, after.max);
                let alarm = self.timers.insert(Alarm { node: place as u16, life, key, timer });
                let is_retry = timer.is_retry();
                self.pending_retries += usize::from(is_retry);
                let event = if is_retry { Event::Retry(alarm) } else { Event::Fire(alarm) };
                self.schedule(self.now.after(pause), event);
            }
            Effect::Note(note) => self.note(&TraceEvent::Noted(id, *note)),
            Effect::Checked(checked) => self.changes.push(Change::Checked(checked)),
            Effect::Denied(action) => {
                self.coverage.insert(Mark::Denied(action));
                let region = id.region().expect("a client denies nothing");
                self.deeds.met(Lasting::Denial(region, action));
            }
            Effect::Reached(goal) => self.reached.insert(goal),
        }
    }

    fn send_message(&mut self, place: usize, to: NodeId, message: Box<Message>) {
        let from = self.nodes[place].id;
        let key = rng::key(&[from.digest(), to.digest(), message.key()]);
        let what = MessageMatch::Message(message.kind());
        if let Some(fall) = self.fire_trigger(place, |_| NodeActivity::Sends(what)) {
            self.crash(place, fall);
            return;
        }
        self.send(Envelope { from, to, key, payload: Payload::Message(message) });
        if let Some(fall) = self.fire_trigger(place, |_| NodeActivity::Sent(what)) {
            self.crash(place, fall);
        }
    }

    fn reply(&mut self, place: usize, delivery: Delivery, result: Reply) {
        let from = self.nodes[place].id;
        let id = CallId { slot: delivery.slot, key: delivery.call };
        // A client that has gone away gets no answer, and nobody is told anything.
        let Some(ongoing) = self.calls.get(id) else { return self.changes.push(Change::Unheard(delivery)) };
        let request = ongoing.call.request.clone();
        let account = self.options.clients[delivery.client.0 as usize].account;
        let region = from.region().expect("control planes reply");
        let what = MessageMatch::Response(Some(request.operation()));
        if let Some(fall) = self.fire_trigger(place, |_| NodeActivity::Sends(what)) {
            self.crash(place, fall);
            return;
        }
        let sum = match &result {
            Ok(response) => response.key(),
            Err(error) => error.key(),
        };
        self.note(&TraceEvent::Answered(from, delivery, sum));
        let key = mix(delivery.digest(), RESPONSE);
        let payload = Payload::Response { delivery, result: result.clone(), operation: request.operation() };
        self.changes.push(Change::Replied { region, delivery, account, request, result });
        self.send(Envelope { from, to: NodeId::Client(delivery.client), key, payload });
        if let Some(fall) = self.fire_trigger(place, |_| NodeActivity::Sent(what)) {
            self.crash(place, fall);
        }
    }

    /// An identifier of its own for each delivery; the first names the cluster that the call is to create.
    fn fresh_identifier(&mut self, delivery: &Delivery) -> Identifier {
        let word = delivery.digest();
        let half = |half: u64| rng::draw(self.options.seed, Purpose::Identifier, word.wrapping_add(half));
        let identifier = Identifier::new([half(1), half(2)]);
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

    fn cover(&mut self, place: usize, request: &Request) {
        // The ARN of a stream begins with its cluster's.
        let by_arn =
            || request.resource_arn()?.split_once(":cluster/").map(|(_, rest)| rest.split('/').next());
        let named = request.identifier().or_else(|| by_arn().flatten()).and_then(Identifier::parse);
        let cluster = named.and_then(|identifier| self.nodes[place].durable().cluster(identifier));
        self.coverage.reach(request.operation(), cluster.map(|cluster| cluster.status), self.faults);
    }

    /// Whether the account has no service-linked role: it gets one with its first cluster, wherever that is.
    fn lacks_role(&self, account: Account) -> bool {
        let has_cluster = |node: &Node| node.durable().next_serial(account) > Serial(1);
        !self.options.assumptions.service_linked_role && !self.nodes.iter().any(has_cluster)
    }

    fn wall_clock(&self, place: usize) -> Timestamp {
        let seconds = self.options.epoch.0 + self.now.0 / 1_000_000_000;
        Timestamp(seconds.saturating_add_signed(self.nodes[place].skew))
    }

    fn refusal(
        &mut self,
        region: Region,
        operation: crate::api::Operation,
    ) -> Option<Arc<crate::api::Error>> {
        let place = self.refusals.iter().position(|refusal| {
            refusal.region == region && refusal.operation.is_none_or(|refused| refused == operation)
        })?;
        let refusal = &mut self.refusals[place];
        self.deeds.did(refusal.fault);
        refusal.times -= 1;
        let error = refusal.error.clone();
        if refusal.times == 0 {
            self.refusals.remove(place);
        }
        Some(error)
    }

    pub(super) fn home(&self, node: NodeId) -> Region {
        match node {
            NodeId::Client(client) => self.options.clients[client.0 as usize].home,
            NodeId::ControlPlane(region) | NodeId::Witness(region) => region,
        }
    }
}

impl Envelope {
    /// The `copy`-th copy of the message, with draws of its own.
    fn copy(&self, copy: u16) -> Envelope {
        let mut copied = self.clone();
        copied.key = mix(self.key, u64::from(copy));
        if let Payload::Request { delivery, .. } = &mut copied.payload {
            delivery.copy = copy;
        }
        copied
    }
}

/// The longest pause between two repetitions of a question is half a minute; this is two of them and a little.
const QUIET_AFTER: Duration = Duration::from_secs(65);

const REQUEST: u64 = 1;
const RESPONSE: u64 = 2;
const RESET: u64 = 3;
