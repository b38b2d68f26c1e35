//! The history of a world: its events, each with the events that it depends on.
//!
//! A world keeps a history only after [`World::keep_history`](super::World::keep_history), and goes the same way with
//! one as without. The causes of an event are what *happened before* it (L. Lamport, "Time, Clocks, and the Ordering of
//! Events in a Distributed System", CACM 21, 1978), with one difference: two events of one node are not ordered by time
//! alone. An event depends on an earlier one of its node only through what the earlier one left there, the record of
//! the same cluster, token, register or call (`subjects.rs`). So the causes of a failure are few, although a node has
//! done much before it.
//!
//! | event | causes |
//! |---|---|
//! | a message arrives | its sending, and what the node keeps about its subjects |
//! | a timer fires | the event in which it was set, and the loss of the messages that it waited for |
//! | a write becomes durable | the input that decided on it, and the records that it replaces |
//! | an answer or a message leaves | the input, and the writes that it waited for |
//! | a message is lost, copied or held; a node crashes | the fault that did it |
//! | a client tries again, or gives up | what became of the attempt before |
//! | a client calls | the answers that brought what the request names |

mod record;
mod subjects;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::api::{Error, Operation, Request};
use crate::control::message::{Commit, Delivery, Message, Reply};
use crate::map::FixedMap;
use crate::region::Region;
use crate::types::{ClientId, Identifier, Instant, NodeId};

use super::fault::{Fault, FaultId};
use super::trace::TraceEventKind;

use subjects::LatestEvents;

/// The position of an event in its history, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EventId(pub u32);

impl EventId {
    /// The position as an index.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The events of a world, the messages and calls that they are about, and the causes of each.
#[derive(Clone, Debug, Default)]
pub struct History {
    events: Vec<HistoryEvent>,
    messages: Vec<HistoryMessage>,
    calls: Vec<HistoryCall>,
    /// The names of nodes and clients, in the order in which they appear.
    nodes: FixedMap<NodeId, String>,
    /// The names of clusters, in the order in which they appear.
    clusters: FixedMap<Identifier, String>,
    /// The position in `messages` of the message with this key.
    message_indices: FixedMap<u64, usize>,
    /// The position in `calls` of the latest call of this client with this key.
    call_indices: FixedMap<(ClientId, u64), usize>,
    /// The latest event about each subject at each node.
    latest: LatestEvents,
    /// The events that changed the number of clusters of each node: lists and quotas read all of them.
    numbers: FixedMap<NodeId, Vec<EventId>>,
    /// The causes of what the world does now: the input that a node handles, and the writes that came of it.
    context: Vec<EventId>,
    /// The faults that acted since the last event.
    acted: Vec<EventId>,
    /// The faults that planned the crash which comes next.
    crash_causes: Vec<EventId>,
    /// The event of each fault, by [`FaultId`].
    faults: FixedMap<FaultId, EventId>,
    /// The steps of the scenario that planned a fault.
    planned: FixedMap<FaultId, usize>,
    /// The causes of each timer that is set, by its slot.
    timers: FixedMap<u32, Vec<EventId>>,
    /// The causes of each effect in the outbox of a node.
    outboxes: FixedMap<NodeId, VecDeque<Waiting>>,
    /// Where in the scenario's text the step stands that runs now.
    step: Option<usize>,
    /// The step that planned the fault that happens now.
    planned_step: Option<usize>,
    /// The time of the latest general repair.
    repaired_at: Option<Instant>,
    /// The time at which each step of the scenario began, by its position in the text.
    steps: FixedMap<usize, Instant>,
    /// The position of the first event of the world's latest step.
    latest_step: usize,
}

/// An effect in an outbox.
#[derive(Clone, Debug)]
struct Waiting {
    causes: Vec<EventId>,
    is_write: bool,
}

/// An event with its causes.
#[derive(Clone, Debug)]
pub struct HistoryEvent {
    /// The virtual time.
    pub at: Instant,
    /// [`Trace::events`](super::trace::Trace::events) after the event.
    pub hashed: u64,
    /// The kind of event.
    pub kind: TraceEventKind,
    /// The first event of the same step of the world: an input, for those that follow from it at once.
    pub input: EventId,
    /// The node or client that it happened at: of a message, the sender until it arrives. `None` is the whole world.
    pub actor: Option<NodeId>,
    /// The line of the trace, without time and actor.
    pub text: String,
    /// The events that it depends on directly, in order.
    pub causes: Vec<EventId>,
    /// Where in the scenario's text the step stands that made it, in bytes.
    pub step: Option<usize>,
    /// The position of its message in [`History::messages`].
    pub message: Option<usize>,
    /// The position of its call in [`History::calls`].
    pub call: Option<usize>,
    /// The clusters that it is about.
    pub clusters: Vec<Identifier>,
    /// The operation that it is about.
    pub operation: Option<Operation>,
    /// What was sent, answered, written or injected.
    pub content: HistoryContent,
}

/// What an event sent, answered, wrote or injected.
#[derive(Clone, Debug)]
pub enum HistoryContent {
    /// Nothing but what the text says.
    None,
    /// A request.
    Request(Arc<Request>),
    /// An answer.
    Reply(Reply),
    /// An error of a call that ended, or an injected one.
    Error(Arc<Error>),
    /// A message between nodes.
    Message(Box<Message>),
    /// A write.
    Commit(Box<Commit>),
    /// A fault.
    Fault(Box<Fault>),
}

/// A message, or a copy of one.
#[derive(Clone, Debug)]
pub struct HistoryMessage {
    /// The name of its content, as in `Prepare` or `CreateCluster.response`.
    pub kind: String,
    /// The sender.
    pub from: NodeId,
    /// The recipient.
    pub to: NodeId,
    /// The event that sent it.
    pub sent: EventId,
    /// The event that ended its way; `None` while it is on it.
    pub end: Option<EventId>,
    /// What has become of it.
    pub fate: MessageFate,
    /// The message that it is a copy of.
    pub copy_of: Option<usize>,
}

/// What has become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum MessageFate {
    /// It is on its way.
    InFlight,
    /// It arrived.
    Arrived,
    /// It was lost.
    Lost,
    /// A rule holds it.
    Held,
}

/// A call of a client.
#[derive(Clone, Debug)]
pub struct HistoryCall {
    /// The client.
    pub client: ClientId,
    /// The Region that is called.
    pub region: Region,
    /// The operation.
    pub operation: Operation,
    /// The name that the scenario gave to it.
    pub alias: Option<Arc<str>>,
    /// The event in which it began.
    pub begin: EventId,
    /// The event in which it ended; `None` while it goes on.
    pub end: Option<EventId>,
}

impl History {
    /// The events, in order.
    #[must_use]
    pub fn events(&self) -> &[HistoryEvent] {
        &self.events
    }

    /// The event `id`.
    #[must_use]
    pub fn event(&self, id: EventId) -> &HistoryEvent {
        &self.events[id.index()]
    }

    /// The nodes and clients that take part, with their names, in the order in which they appear.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &str)> {
        self.nodes.iter().map(|(node, name)| (*node, name.as_str()))
    }

    /// The name of a node or client; that of the whole world is `·`.
    #[must_use]
    pub fn node_name(&self, node: Option<NodeId>) -> &str {
        node.and_then(|node| self.nodes.get(&node)).map_or("·", String::as_str)
    }

    /// The clusters that events are about, with their names, in the order in which they appear.
    pub fn clusters(&self) -> impl Iterator<Item = (Identifier, &str)> {
        self.clusters.iter().map(|(identifier, name)| (*identifier, name.as_str()))
    }

    /// The name of a cluster that an event is about, or the beginning of its identifier.
    #[must_use]
    pub fn cluster_name(&self, cluster: Identifier) -> String {
        self.clusters.get(&cluster).cloned().unwrap_or_else(|| format!("{cluster:.8}"))
    }

    /// The messages, in the order in which they were sent.
    #[must_use]
    pub fn messages(&self) -> &[HistoryMessage] {
        &self.messages
    }

    /// The calls, in the order of their beginning.
    #[must_use]
    pub fn calls(&self) -> &[HistoryCall] {
        &self.calls
    }

    /// The time of the latest general repair, if there was one.
    #[must_use]
    pub fn repaired_at(&self) -> Option<Instant> {
        self.repaired_at
    }

    /// The steps of the scenario that began, by their position in its text in bytes, with their times.
    #[must_use]
    pub fn steps(&self) -> &FixedMap<usize, Instant> {
        &self.steps
    }

    /// The events of the world's latest step, in order.
    pub fn latest_step(&self) -> impl Iterator<Item = EventId> {
        (self.latest_step..self.events.len()).map(|index| EventId(index as u32))
    }

    /// The position of the call that a delivery belongs to.
    #[must_use]
    pub fn call_of(&self, delivery: Delivery) -> Option<usize> {
        self.call_indices.get(&(delivery.client, delivery.call)).copied()
    }

    /// The latest events about a cluster: at each node, and in the program that calls.
    #[must_use]
    pub fn latest_about(&self, cluster: Identifier) -> Vec<EventId> {
        self.latest.about_cluster(cluster)
    }

    /// Every event that changed the number of clusters of a node.
    #[must_use]
    pub fn changes_of_number(&self) -> Vec<EventId> {
        self.numbers.values().flatten().copied().collect()
    }

    /// The latest events about the calls that have not ended: what they wait for.
    #[must_use]
    pub fn latest_about_open_calls(&self) -> Vec<EventId> {
        let open = self.call_indices.iter().filter(|(_, position)| self.calls[**position].end.is_none());
        open.flat_map(|((client, key), _)| self.latest.about_call(*client, *key)).collect()
    }

    /// The latest crash or restart of each node that had one.
    #[must_use]
    pub fn latest_lives(&self) -> Vec<EventId> {
        self.latest.about_lives()
    }

    /// Every event that one of `of` depends on, directly or through others, and `of` themselves, in order.
    #[must_use]
    pub fn cone(&self, of: &[EventId]) -> Vec<EventId> {
        let mut is_in = vec![false; self.events.len()];
        of.iter().for_each(|id| is_in[id.index()] = true);
        // A cause is always earlier, so that one pass from the latest event back meets every one.
        for index in (0..self.events.len()).rev() {
            if is_in[index] {
                self.events[index].causes.iter().for_each(|cause| is_in[cause.index()] = true);
            }
        }
        let ids = (0..self.events.len() as u32).map(EventId);
        ids.filter(|id| is_in[id.index()]).collect()
    }
}
