//! A run as one document: every event with its causes, what it carries, and what stands in the storage of its node
//! after it. It is the JSON of `report --format json`, and the data of the page.
//!
//! Times are nanoseconds of virtual time. An event, a lane, a message and a call are named by their position in the
//! list of their kind, from 0.

mod content;
mod spans;

use serde::Serialize;
use serde_json::Value;

use crate::check::Invariant;
use crate::map::FixedMap;
use crate::scenario::run::{Failure, Report};
use crate::sim::history::{EventId, History, HistoryEvent, MessageFate};
use crate::sim::trace::TraceEventKind;
use crate::types::NodeId;

use super::explanation::Explanation;

pub use spans::{Band, Down, StatusSpan};

/// A run with everything that happened in it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RunDocument {
    /// The version of this form.
    pub format: u32,
    /// The version of dsql-sim.
    pub version: &'static str,
    /// The path of the scenario, or the name of what was run.
    pub file: String,
    /// The text of the scenario.
    pub text: String,
    /// The seed of the run.
    pub seed: u64,
    /// The hash of everything that happened: 16 hexadecimal digits.
    pub hash: String,
    /// The virtual time at the end.
    pub end: u64,
    /// The opening comment of the scenario: what it claims.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub claim: String,
    /// The failure that ended the run; left out if it passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureRecord>,
    /// Why the run failed, in sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub explanation: Vec<SentenceRecord>,
    /// The calls and clusters that waited at the end, and for what, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<String>,
    /// The command that makes the same run again.
    pub reproduce: String,
    /// The causal cone of the failure: the events that it needs, ascending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cone: Vec<EventId>,
    /// The clients, control planes and witness nodes.
    pub lanes: Vec<Lane>,
    /// The events, in order.
    pub events: Vec<EventRecord>,
    /// The messages, in the order in which they were sent.
    pub messages: Vec<MessageRecord>,
    /// The calls, in the order of their beginning.
    pub calls: Vec<CallRecord>,
    /// The faults that last, each from its beginning to its end.
    pub bands: Vec<Band>,
    /// The times at which a node was down.
    pub downs: Vec<Down>,
    /// The statuses of clusters, each from the write that set it to the next.
    pub statuses: Vec<StatusSpan>,
    /// How likely the failure was from each event on; left out unless it was computed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub probability: Vec<ProbabilityRecord>,
}

/// A failure.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FailureRecord {
    /// The name of the invariant, or `expectation`.
    pub invariant: String,
    /// What the invariant demands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// What was seen instead.
    pub message: String,
    /// The virtual time.
    pub at: u64,
    /// The event that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
    /// The line of the scenario, counted from 1; left out if the run failed after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// A sentence of an explanation.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SentenceRecord {
    /// The sentence.
    pub text: String,
    /// The event that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventId>,
}

/// A lane of the diagram.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Lane {
    /// The name in the trace.
    pub name: String,
    /// What it is.
    pub kind: LaneKind,
    /// The Region of a node; left out for a client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<&'static str>,
}

/// What a lane is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum LaneKind {
    /// A client.
    Client,
    /// The control plane of a Region.
    ControlPlane,
    /// The witness node of a Region.
    Witness,
}

/// An event.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EventRecord {
    /// The virtual time.
    pub at: u64,
    /// The lane; left out if the event is about the whole world.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lane: Option<usize>,
    /// The kind of event.
    pub kind: TraceEventKind,
    /// The line of the trace, without time and lane.
    pub text: String,
    /// The line of the scenario that made it, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The events that it depends on directly, ascending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<EventId>,
    /// The message that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<usize>,
    /// The call that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<usize>,
    /// The names of the clusters that it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<String>,
    /// The operation that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'static str>,
    /// What was sent, answered or injected, as JSON.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub content: Value,
    /// The records that became durable.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub writes: Vec<WriteRecord>,
}

/// A record that became durable, or its removal.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WriteRecord {
    /// `clusters`, `tokens` or `registers`.
    pub table: &'static str,
    /// The key in the table: a name for people.
    pub key: String,
    /// The record; left out if it was removed.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub value: Value,
}

/// A message.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MessageRecord {
    /// The name of its content.
    pub kind: String,
    /// The lane of the sender.
    pub from: usize,
    /// The lane of the recipient.
    pub to: usize,
    /// The event that sent it.
    pub sent: EventId,
    /// The event that ended its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<EventId>,
    /// What has become of it.
    pub fate: MessageFate,
    /// The message that it is a copy of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<usize>,
}

/// A call.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CallRecord {
    /// The lane of the client.
    pub client: usize,
    /// The Region that is called.
    pub region: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// The name in the scenario.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The event in which it began.
    pub begin: EventId,
    /// The event in which it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<EventId>,
    /// The outcome, as the trace has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

/// How often futures that were drawn anew from an event on failed in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProbabilityRecord {
    /// The event.
    pub event: EventId,
    /// The number of futures that failed.
    pub failed: u32,
    /// The number of futures.
    pub of: u32,
}

/// What a document says about its run that the run does not know.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// The path of the scenario, or the name of what was run.
    pub file: &'a str,
    /// The text of the scenario.
    pub text: &'a str,
    /// The command that makes the same run again.
    pub reproduce: &'a str,
}

impl RunDocument {
    /// The document of `report`, which must have kept its history; `None` if it has not.
    #[must_use]
    pub fn new(
        heading: Heading<'_>,
        report: &Report,
        failure: Option<&Failure>,
        explanation: Option<&Explanation>,
    ) -> Option<RunDocument> {
        let history = report.history.as_deref()?;
        let lanes = Lanes::of(history);
        let ends: Vec<usize> = heading.text.match_indices('\n').map(|(position, _)| position).collect();
        let line = |position: usize| ends.partition_point(|end| *end < position) + 1;
        Some(RunDocument {
            format: 1,
            version: env!("CARGO_PKG_VERSION"),
            file: heading.file.to_owned(),
            text: heading.text.to_owned(),
            seed: report.seed,
            hash: format!("{:016x}", report.hash),
            end: report.end.0,
            claim: claim(heading.text),
            failure: failure.map(|failure| FailureRecord {
                invariant: failure.invariant.clone(),
                rule: Invariant::named(&failure.invariant).map(Invariant::sentence),
                message: failure.message.clone(),
                at: failure.at.0,
                event: explanation.and_then(|explanation| explanation.event),
                line: failure.span.map(|span| line(span.start)),
            }),
            explanation: explanation.map(sentences).unwrap_or_default(),
            waits: report.waits.clone(),
            reproduce: heading.reproduce.to_owned(),
            cone: explanation.map(|explanation| explanation.cone.clone()).unwrap_or_default(),
            lanes: lanes.records(history),
            events: history.events().iter().map(|event| lanes.event(history, event, &line)).collect(),
            messages: lanes.messages(history),
            calls: lanes.calls(history),
            bands: spans::bands(history, &lanes.positions),
            downs: spans::downs(history, &lanes.positions),
            statuses: spans::statuses(history, &lanes.positions),
            probability: Vec::new(),
        })
    }
}

fn sentences(explanation: &Explanation) -> Vec<SentenceRecord> {
    let sentences = explanation.sentences.iter();
    let record = |it: &super::sentence::Sentence| SentenceRecord {
        text: it.text.clone(),
        event: it.events.first().copied(),
    };
    sentences.map(record).collect()
}

/// The lane of each node and client.
struct Lanes {
    positions: FixedMap<NodeId, usize>,
}

impl Lanes {
    /// Clients first, then each Region with its control plane and its witness node.
    fn of(history: &History) -> Lanes {
        let mut nodes: Vec<NodeId> = history.nodes().map(|(node, _)| node).collect();
        nodes.sort_by_key(|node| match node {
            NodeId::Client(client) => (None, 0, client.0),
            NodeId::ControlPlane(region) => (Some(region.name()), 0, 0),
            NodeId::Witness(region) => (Some(region.name()), 1, 0),
        });
        Lanes { positions: nodes.into_iter().zip(0..).collect() }
    }

    fn records(&self, history: &History) -> Vec<Lane> {
        let lane = |node: &NodeId| Lane {
            name: history.node_name(Some(*node)).to_owned(),
            kind: match node {
                NodeId::Client(_) => LaneKind::Client,
                NodeId::ControlPlane(_) => LaneKind::ControlPlane,
                NodeId::Witness(_) => LaneKind::Witness,
            },
            region: node.region().map(crate::region::Region::name),
        };
        self.positions.keys().map(lane).collect()
    }

    fn event(&self, history: &History, event: &HistoryEvent, line: &dyn Fn(usize) -> usize) -> EventRecord {
        EventRecord {
            at: event.at.0,
            lane: event.actor.and_then(|node| self.positions.get(&node).copied()),
            kind: event.kind,
            text: event.text.clone(),
            line: event.step.map(line),
            causes: event.causes.clone(),
            message: event.message,
            call: event.call,
            clusters: event.clusters.iter().map(|id| history.cluster_name(*id)).collect(),
            operation: event.operation.map(|operation| operation.name()),
            content: content::json(event, history),
            writes: content::writes(event, history),
        }
    }

    fn messages(&self, history: &History) -> Vec<MessageRecord> {
        let lane = |node| self.positions.get(&node).copied().unwrap_or_default();
        let messages = history.messages().iter();
        messages
            .map(|message| MessageRecord {
                kind: message.kind.clone(),
                from: lane(message.from),
                to: lane(message.to),
                sent: message.sent,
                end: message.end,
                fate: message.fate,
                copy_of: message.copy_of,
            })
            .collect()
    }

    fn calls(&self, history: &History) -> Vec<CallRecord> {
        let calls = history.calls().iter();
        calls
            .map(|call| CallRecord {
                client: self.positions.get(&NodeId::Client(call.client)).copied().unwrap_or_default(),
                region: call.region.name(),
                operation: call.operation.name(),
                alias: call.alias.as_deref().map(str::to_owned),
                begin: call.begin,
                end: call.end,
                outcome: call.end.map(|end| {
                    let text = &history.event(end).text;
                    text.split_once(' ').map_or(text.as_str(), |(_, outcome)| outcome).to_owned()
                }),
            })
            .collect()
    }
}

/// The opening comment of a scenario, without its signs.
fn claim(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with('#'));
    let lines: Vec<&str> = lines.map(|line| line.trim_start_matches('#').trim_start()).collect();
    lines.join("\n").trim().to_owned()
}
