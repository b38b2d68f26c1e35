//! How a world records its history: the causes of each event, and what later events may depend on.

use crate::api::{Operation, Response};
use crate::control::message::{Commit, Delivery, Effect, Note};
use crate::sim::client::Outcome;
use crate::sim::fault::{Fault, FaultId};
use crate::sim::network::{Envelope, Payload};
use crate::sim::trace::{LossReason, TraceEvent, TraceEventKind, TraceFormatter};
use crate::types::{ClientId, Identifier, Instant, NodeId};

use super::subjects::{self, HistorySubject};
use super::{
    EventId, History, HistoryCall, HistoryContent, HistoryEvent, HistoryMessage, MessageFate, Waiting,
};

/// The hooks of the world, in the order in which they matter to a step.
impl History {
    /// The world begins a step, or a call from outside.
    pub(in crate::sim) fn begin_step(&mut self) {
        self.context.clear();
        self.latest_step = self.events.len();
    }

    /// The scenario's step at this position of its text runs from `now` on.
    pub(in crate::sim) fn at_step(&mut self, position: usize, now: Instant) {
        self.step = Some(position);
        self.steps.entry(position).or_insert(now);
    }

    /// The fault is planned by the scenario's step that runs now.
    pub(in crate::sim) fn plan(&mut self, fault: FaultId) {
        self.planned.extend(self.step.map(|position| (fault, position)));
    }

    /// A planned fault happens: its event belongs to the step that planned it.
    pub(in crate::sim) fn begin_planned(&mut self, fault: FaultId) {
        self.planned_step = self.planned.get(&fault).copied();
    }

    /// The world carries out an intervention, which the latest event announced: `fault`, whose parts have these
    /// identifiers, or a general repair.
    pub(in crate::sim) fn intervene(&mut self, fault: Option<(FaultId, &Fault)>) {
        let latest = self.events.len().checked_sub(1).map(|index| EventId(index as u32));
        let is_announced = |id: &EventId| {
            matches!(self.event(*id).kind, TraceEventKind::FaultInjected | TraceEventKind::Remark)
        };
        self.context = latest.filter(is_announced).into_iter().collect();
        if fault.is_none() {
            self.repaired_at = latest.map(|id| self.event(id).at);
        }
        let (Some(event), Some((first, fault))) = (self.context.first().copied(), fault) else { return };
        self.events[event.index()].content = HistoryContent::Fault(Box::new(fault.clone()));
        self.faults.extend((0..fault.parts().count()).map(|part| (first.plus(part), event)));
    }

    /// These faults have acted since the latest event.
    pub(in crate::sim) fn acted(&mut self, faults: Vec<FaultId>) {
        self.acted.extend(faults.iter().filter_map(|fault| self.faults.get(fault)));
    }

    /// The crash that these faults planned comes next, after the event in whose middle it falls.
    pub(in crate::sim) fn crash_is_due(&mut self, faults: Vec<FaultId>) {
        self.crash_causes.extend(faults.iter().filter_map(|fault| self.faults.get(fault)));
    }

    /// A node set the timer in this slot.
    pub(in crate::sim) fn timer_set(&mut self, slot: u32) {
        self.timers.insert(slot, self.context.clone());
    }

    /// The timer in this slot goes off.
    pub(in crate::sim) fn timer_fires(&mut self, slot: u32) {
        self.context = self.timers.swap_remove(&slot).unwrap_or_default();
    }

    /// An effect joins the outbox of a node. A write is decided on now: whatever the node does next sees it.
    pub(in crate::sim) fn queued(&mut self, node: NodeId, effect: &Effect) {
        let mut causes = self.context.clone();
        let is_write = matches!(effect, Effect::Persist(_));
        if let Effect::Persist(commit) = effect {
            causes.extend(self.read(Some(node), &subjects::changed_by(commit)));
            if let Some(decided) = self.context.first().copied() {
                self.leave(Some(node), subjects::of_commit(commit), decided);
            }
        }
        self.outboxes.entry(node).or_default().push_back(Waiting { causes, is_write });
    }

    /// An effect leaves the outbox of a node. It depends on the writes of the same input before it.
    pub(in crate::sim) fn dequeued(&mut self, node: NodeId) {
        let waiting = self.outboxes.entry(node).or_default().pop_front();
        self.context = waiting.map(|waiting| waiting.causes).unwrap_or_default();
    }

    /// A crash leaves nothing but writes in the outbox of a node.
    pub(in crate::sim) fn outbox_stopped(&mut self, node: NodeId) {
        self.outboxes.entry(node).or_default().retain(|waiting| waiting.is_write);
    }

    /// Adds an event.
    pub(in crate::sim) fn record(
        &mut self,
        at: Instant,
        hashed: u64,
        event: &TraceEvent<'_>,
        formatter: &TraceFormatter<'_>,
    ) {
        let id = EventId(self.events.len() as u32);
        let mut causes = self.causes(event);
        causes.append(&mut self.acted);
        if let TraceEvent::Crashed(..) = event {
            causes.append(&mut self.crash_causes);
        }
        causes.sort_unstable();
        causes.dedup();
        let message = self.follow_message(id, event);
        let call = self.follow_call(id, event);
        let clusters = clusters(event);
        self.name(event, &clusters, formatter);
        self.events.push(HistoryEvent {
            at,
            hashed,
            kind: event.into(),
            input: EventId(self.latest_step as u32),
            actor: event.actor(),
            text: event.full_text(formatter),
            causes,
            step: match event {
                TraceEvent::FaultInjected(..) => self.planned_step,
                TraceEvent::Invoked(..) | TraceEvent::Remark(_) => self.step,
                _ => None,
            },
            message,
            call,
            clusters,
            operation: call.map(|call| self.calls[call].operation),
            content: content(event),
        });
        self.remember(id, event);
    }
}

impl History {
    /// Keeps the names of the nodes and clusters of an event.
    fn name(&mut self, event: &TraceEvent<'_>, clusters: &[Identifier], formatter: &TraceFormatter<'_>) {
        let recipient = event.envelope().map(|envelope| envelope.to);
        for node in event.actor().into_iter().chain(recipient) {
            self.nodes.entry(node).or_insert_with(|| formatter.node(Some(node)));
        }
        for cluster in clusters {
            self.clusters.entry(*cluster).or_insert_with(|| formatter.names.cluster(*cluster));
        }
    }

    /// The latest events about these subjects.
    fn read(&self, node: Option<NodeId>, subjects: &[HistorySubject]) -> Vec<EventId> {
        subjects.iter().filter_map(|subject| self.latest.get(node, subject)).collect()
    }

    /// `event` is the latest about these subjects.
    fn leave(&mut self, node: Option<NodeId>, subjects: Vec<HistorySubject>, event: EventId) {
        subjects.into_iter().for_each(|subject| self.latest.set(node, subject, event));
    }

    fn life(&self, node: NodeId) -> Option<EventId> {
        self.latest.get(Some(node), &HistorySubject::Life)
    }

    /// The events that `event` depends on directly, but for faults.
    fn causes(&self, event: &TraceEvent<'_>) -> Vec<EventId> {
        let mut causes = self.context.clone();
        match event {
            // An intervention comes from outside.
            TraceEvent::Remark(_) | TraceEvent::FaultInjected(..) => causes.clear(),
            TraceEvent::Invoked(..) | TraceEvent::Retried(..) | TraceEvent::Ended(..) => {
                causes.extend(self.causes_of_client(event));
            }
            TraceEvent::Sent(envelope, _) | TraceEvent::Copied(envelope, _) | TraceEvent::Held(envelope) => {
                causes.extend(self.sending_of(envelope));
                causes.extend(self.read_by_sender(envelope));
            }
            TraceEvent::Lost(envelope, reason) => {
                causes.extend(self.sending_of(envelope));
                match reason {
                    LossReason::Dropped => causes.extend(self.read_by_sender(envelope)),
                    LossReason::NodeDown | LossReason::ClientCrashed => causes.extend(self.life(envelope.to)),
                    LossReason::NodeCrashed => {}
                }
            }
            TraceEvent::Arrived(envelope) => {
                causes.extend(self.sending_of(envelope));
                causes.extend(self.life(envelope.to));
                causes.extend(self.read(Some(envelope.to), &read_by_recipient(envelope)));
                if envelope.is_list() {
                    causes.extend(self.numbers.get(&envelope.to).into_iter().flatten());
                }
            }
            TraceEvent::Replied(node, delivery, result) => {
                let mut subjects = vec![HistorySubject::call(*delivery)];
                match result {
                    Ok(response) => {
                        subjects.extend(response.cluster().map(HistorySubject::Cluster));
                    }
                    Err(error) if error.name() == "ServiceQuotaExceededException" => {
                        causes.extend(self.numbers.get(node).into_iter().flatten());
                    }
                    Err(_) => {}
                }
                causes.extend(self.read(Some(*node), &subjects));
            }
            TraceEvent::Forgot(node, _) | TraceEvent::Restarted(node) => causes.extend(self.life(*node)),
            TraceEvent::Noted(node, Note::Replayed(delivery) | Note::Joined(delivery)) => {
                causes.extend(self.read(Some(*node), &[HistorySubject::call(*delivery)]));
            }
            TraceEvent::Noted(..)
            | TraceEvent::Wrote(..)
            | TraceEvent::Crashed(..)
            | TraceEvent::Fired(..)
            | TraceEvent::Injected(..) => {}
        }
        causes
    }

    /// What an event of a client depends on, besides the answer that it follows from.
    fn causes_of_client(&self, event: &TraceEvent<'_>) -> Vec<EventId> {
        match event {
            TraceEvent::Invoked(_, _, request) => {
                let mut named = subjects::of_request(request);
                named.extend(request.next_token().cloned().map(HistorySubject::Page));
                self.read(None, &named)
            }
            TraceEvent::Retried(client, call, _) | TraceEvent::Ended(client, call, _) => {
                let mut causes = self.read(None, &[HistorySubject::Call(*client, call.key)]);
                // A call that ends at its time-out ends because of what became of its last attempt.
                if self.context.is_empty() {
                    causes.extend(self.read(None, &[HistorySubject::FateOfCall(*client, call.key)]));
                }
                causes
            }
            _ => Vec::new(),
        }
    }

    /// The event that sent a message, or held it.
    fn sending_of(&self, envelope: &Envelope) -> Option<EventId> {
        let message = *self.message_indices.get(&envelope.key)?;
        Some(self.messages[message].sent)
    }

    fn read_by_sender(&self, envelope: &Envelope) -> Vec<EventId> {
        match &envelope.payload {
            Payload::Message(message) => {
                let mut causes = self.read(Some(envelope.from), &subjects::read_on_sending(message));
                // A timer sends again what got no answer: the loss is the reason.
                causes.extend(self.read(None, &[subjects::fate_of_message(message)]));
                causes
            }
            Payload::Request { delivery, .. } => self.read(None, &[HistorySubject::call(*delivery)]),
            Payload::Response { .. } | Payload::Reset(_) => Vec::new(),
        }
    }

    /// Keeps what later events may depend on.
    fn remember(&mut self, id: EventId, event: &TraceEvent<'_>) {
        match event {
            TraceEvent::Invoked(client, call, request) => {
                let token = request.client_token().cloned().map(HistorySubject::Token);
                self.leave(
                    None,
                    token.into_iter().chain([HistorySubject::Call(*client, call.key)]).collect(),
                    id,
                );
                self.context = vec![id];
            }
            TraceEvent::Retried(client, call, _) => {
                self.leave(None, vec![HistorySubject::Call(*client, call.key)], id);
                self.context = vec![id];
            }
            TraceEvent::Ended(client, call, outcome) => {
                let token = call.request.client_token().cloned().map(HistorySubject::Token);
                self.leave(
                    None,
                    token.into_iter().chain([HistorySubject::Call(*client, call.key)]).collect(),
                    id,
                );
                let page =
                    answer(outcome).and_then(|it| it.to_json().get("nextToken")?.as_str().map(str::to_owned));
                self.leave(None, page.map(HistorySubject::Page).into_iter().collect(), id);
                // The first answer that names a cluster tells the program of it.
                if let Some(cluster) = answer(outcome).and_then(Response::cluster) {
                    self.latest.set_if_new(None, HistorySubject::Cluster(cluster), id);
                }
            }
            TraceEvent::Sent(envelope, _)
            | TraceEvent::Lost(envelope, _)
            | TraceEvent::Held(envelope)
            | TraceEvent::Arrived(envelope) => self.remember_message(id, event, envelope),
            TraceEvent::Replied(_, delivery, _) => {
                self.leave(None, vec![HistorySubject::fate(*delivery)], id)
            }
            TraceEvent::Wrote(node, commit) => self.settle(*node, commit, id),
            TraceEvent::Forgot(node, commit) => self.leave(Some(*node), subjects::of_commit(commit), id),
            TraceEvent::Crashed(node, _) => {
                self.latest.crash(*node, id);
                self.outbox_stopped(*node);
                self.context = vec![id];
            }
            TraceEvent::Restarted(node) => {
                self.leave(Some(*node), vec![HistorySubject::Life], id);
                self.context = vec![id];
            }
            TraceEvent::Fired(..) | TraceEvent::FaultInjected(..) => self.context = vec![id],
            TraceEvent::Copied(..)
            | TraceEvent::Noted(..)
            | TraceEvent::Injected(..)
            | TraceEvent::Remark(_) => {}
        }
    }

    /// Keeps what a message leaves behind at its sender or recipient.
    fn remember_message(&mut self, id: EventId, event: &TraceEvent<'_>, envelope: &Envelope) {
        match event {
            TraceEvent::Arrived(_) => {
                self.leave(Some(envelope.to), left_by_arrival(envelope), id);
                self.context = vec![id];
            }
            // The crash or the reset that follows belongs to it.
            TraceEvent::Lost(
                _,
                LossReason::NodeDown | LossReason::NodeCrashed | LossReason::ClientCrashed,
            ) => {
                self.context = vec![id];
            }
            TraceEvent::Sent(..) => {
                if let Payload::Message(message) = &envelope.payload {
                    self.leave(Some(envelope.from), Vec::from_iter(subjects::state_of_message(message)), id);
                }
            }
            _ => {}
        }
        self.leave_fate(envelope, id);
    }

    /// A write is durable: effects of the same input that wait behind it depend on it.
    fn settle(&mut self, node: NodeId, commit: &Commit, id: EventId) {
        self.leave(Some(node), subjects::of_commit(commit), id);
        if subjects::changes_number(commit) {
            self.numbers.entry(node).or_default().push(id);
        }
        let Some(input) = self.context.first().copied() else { return };
        let waiting = self.outboxes.entry(node).or_default();
        waiting.iter_mut().filter(|it| it.causes.first() == Some(&input)).for_each(|it| it.causes.push(id));
    }

    /// Keeps what has become of a message: a call or a round that gets no answer goes on because of it.
    fn leave_fate(&mut self, envelope: &Envelope, id: EventId) {
        let kind = self.events[id.index()].kind;
        let fate = match &envelope.payload {
            Payload::Request { delivery, .. }
            | Payload::Response { delivery, .. }
            | Payload::Reset(delivery) => HistorySubject::fate(*delivery),
            // What arrives needs no second attempt.
            Payload::Message(message) if matches!(kind, TraceEventKind::Lost | TraceEventKind::Held) => {
                subjects::fate_of_message(message)
            }
            Payload::Message(_) => return,
        };
        self.latest.set(None, fate, id);
    }

    /// Follows the way of a message, and returns its position.
    fn follow_message(&mut self, id: EventId, event: &TraceEvent<'_>) -> Option<usize> {
        let (envelope, fate) = match event {
            TraceEvent::Sent(envelope, _) | TraceEvent::Copied(envelope, _) => {
                (envelope, MessageFate::InFlight)
            }
            TraceEvent::Held(envelope) => (envelope, MessageFate::Held),
            TraceEvent::Lost(envelope, _) => (envelope, MessageFate::Lost),
            TraceEvent::Arrived(envelope) => (envelope, MessageFate::Arrived),
            _ => return None,
        };
        let position = self.message(id, envelope, envelope.key, None);
        if let TraceEvent::Copied(_, copies) = event {
            for copy in 1..=*copies {
                self.message(id, envelope, envelope.key_of_copy(copy), Some(position));
            }
        }
        let message = &mut self.messages[position];
        message.fate = fate;
        match fate {
            MessageFate::InFlight => message.sent = id,
            MessageFate::Held => {}
            MessageFate::Arrived | MessageFate::Lost => message.end = Some(id),
        }
        Some(position)
    }

    /// The position of the message with `key`, which begins with `id` if it is new.
    fn message(&mut self, id: EventId, envelope: &Envelope, key: u64, copy_of: Option<usize>) -> usize {
        let next = self.messages.len();
        let position = *self.message_indices.entry(key).or_insert(next);
        // A message whose way has ended may be sent again with the same content, and has a way of its own.
        if position < next && self.messages[position].end.is_none() {
            return position;
        }
        let message = HistoryMessage {
            kind: envelope.payload.name(),
            from: envelope.from,
            to: envelope.to,
            sent: id,
            end: None,
            fate: MessageFate::InFlight,
            copy_of,
        };
        self.messages.push(message);
        self.message_indices.insert(key, next);
        next
    }

    /// Follows a call, and returns its position.
    fn follow_call(&mut self, id: EventId, event: &TraceEvent<'_>) -> Option<usize> {
        if let TraceEvent::Invoked(client, call, request) = event {
            let position = self.calls.len();
            self.call_indices.insert((*client, call.key), position);
            self.calls.push(HistoryCall {
                client: *client,
                region: call.region,
                operation: request.operation(),
                alias: call.alias.clone(),
                begin: id,
                end: None,
            });
            return Some(position);
        }
        let position = *self.call_indices.get(&call_of(event)?)?;
        if let TraceEvent::Ended(..) = event {
            self.calls[position].end = Some(id);
        }
        Some(position)
    }
}

impl Envelope {
    fn is_list(&self) -> bool {
        matches!(&self.payload, Payload::Request { request, .. } if request.operation() == Operation::ListClusters)
    }
}

/// The client and the key of the call that an event is about.
fn call_of(event: &TraceEvent<'_>) -> Option<(ClientId, u64)> {
    let of = |delivery: &Delivery| Some((delivery.client, delivery.call));
    match event {
        TraceEvent::Invoked(client, call, _)
        | TraceEvent::Retried(client, call, _)
        | TraceEvent::Ended(client, call, _) => Some((*client, call.key)),
        TraceEvent::Sent(envelope, _)
        | TraceEvent::Arrived(envelope)
        | TraceEvent::Lost(envelope, _)
        | TraceEvent::Copied(envelope, _)
        | TraceEvent::Held(envelope) => of(&envelope.payload.delivery()?),
        TraceEvent::Replied(_, delivery, _)
        | TraceEvent::Noted(_, Note::Replayed(delivery) | Note::Joined(delivery)) => of(delivery),
        TraceEvent::Wrote(_, commit) | TraceEvent::Forgot(_, commit) => of(commit.cause.as_ref()?),
        TraceEvent::Noted(_, Note::Chosen { .. })
        | TraceEvent::Crashed(..)
        | TraceEvent::Restarted(_)
        | TraceEvent::Fired(..)
        | TraceEvent::FaultInjected(..)
        | TraceEvent::Injected(..)
        | TraceEvent::Remark(_) => None,
    }
}

/// What a node reads when a message arrives.
fn read_by_recipient(envelope: &Envelope) -> Vec<HistorySubject> {
    match &envelope.payload {
        Payload::Request { request, .. } => subjects::of_request(request),
        Payload::Message(message) => subjects::read_on_arrival(message),
        Payload::Response { .. } | Payload::Reset(_) => Vec::new(),
    }
}

/// What a message leaves at its recipient.
fn left_by_arrival(envelope: &Envelope) -> Vec<HistorySubject> {
    match &envelope.payload {
        // A second attempt may join the first by their token.
        Payload::Request { delivery, request, .. } => {
            let token = request.client_token().cloned().map(HistorySubject::Token);
            token.into_iter().chain([HistorySubject::call(*delivery)]).collect()
        }
        Payload::Message(message) => Vec::from_iter(subjects::state_of_message(message)),
        Payload::Response { .. } | Payload::Reset(_) => Vec::new(),
    }
}

fn answer(outcome: &Outcome) -> Option<&Response> {
    match outcome {
        Outcome::Ok(response) => Some(response),
        _ => None,
    }
}

/// The clusters that an event is about.
fn clusters(event: &TraceEvent<'_>) -> Vec<Identifier> {
    let mut clusters = match event {
        TraceEvent::Invoked(_, _, request) => subjects::named_in(&request.to_json()),
        TraceEvent::Retried(_, call, _) => subjects::named_in(&call.request.to_json()),
        TraceEvent::Ended(_, call, outcome) => {
            let named = subjects::named_in(&call.request.to_json());
            named.into_iter().chain(answer(outcome).and_then(Response::cluster)).collect()
        }
        TraceEvent::Sent(envelope, _)
        | TraceEvent::Arrived(envelope)
        | TraceEvent::Lost(envelope, _)
        | TraceEvent::Copied(envelope, _)
        | TraceEvent::Held(envelope) => match &envelope.payload {
            Payload::Request { request, .. } => subjects::named_in(&request.to_json()),
            Payload::Response { result, .. } => {
                Vec::from_iter(result.as_ref().ok().and_then(|it| it.cluster()))
            }
            Payload::Message(message) => subjects::clusters_of_message(message),
            Payload::Reset(_) => Vec::new(),
        },
        TraceEvent::Replied(_, _, result) => Vec::from_iter(result.as_ref().ok().and_then(|it| it.cluster())),
        TraceEvent::Wrote(_, commit) | TraceEvent::Forgot(_, commit) => subjects::clusters_of(commit),
        TraceEvent::Noted(_, Note::Chosen { register, .. }) => {
            register.pair().map(|arn| arn.identifier).to_vec()
        }
        TraceEvent::Noted(..)
        | TraceEvent::Crashed(..)
        | TraceEvent::Restarted(_)
        | TraceEvent::Fired(..)
        | TraceEvent::FaultInjected(..)
        | TraceEvent::Injected(..)
        | TraceEvent::Remark(_) => Vec::new(),
    };
    clusters.sort_unstable();
    clusters.dedup();
    clusters
}

fn content(event: &TraceEvent<'_>) -> HistoryContent {
    match event {
        TraceEvent::Invoked(_, _, request) => HistoryContent::Request((*request).clone().into()),
        TraceEvent::Ended(_, _, outcome) => match outcome {
            Outcome::Ok(response) => HistoryContent::Reply(Ok(response.clone())),
            Outcome::Failed(error) => HistoryContent::Error(error.clone()),
            Outcome::Gone | Outcome::Unknown | Outcome::TimedOut(_) => HistoryContent::None,
        },
        // The content of a message is that of its sending or, if it never left, of its loss.
        TraceEvent::Sent(envelope, _)
        | TraceEvent::Lost(envelope, _)
        | TraceEvent::Arrived(envelope)
        | TraceEvent::Copied(envelope, _)
        | TraceEvent::Held(envelope) => match &envelope.payload {
            Payload::Message(message) => HistoryContent::Message(message.clone()),
            Payload::Request { request, .. } => HistoryContent::Request(request.clone()),
            Payload::Response { result, .. } => HistoryContent::Reply(result.clone()),
            Payload::Reset(_) => HistoryContent::None,
        },
        TraceEvent::Replied(_, _, result) => HistoryContent::Reply((*result).clone()),
        TraceEvent::Wrote(_, commit) | TraceEvent::Forgot(_, commit) => {
            HistoryContent::Commit(Box::new((*commit).clone()))
        }
        TraceEvent::Injected(_, _, error) => HistoryContent::Error((*error).clone().into()),
        // The intervention that the last two announce adds its fault.
        TraceEvent::Retried(..)
        | TraceEvent::Noted(..)
        | TraceEvent::Crashed(..)
        | TraceEvent::Restarted(_)
        | TraceEvent::Fired(..)
        | TraceEvent::FaultInjected(..)
        | TraceEvent::Remark(_) => HistoryContent::None,
    }
}
