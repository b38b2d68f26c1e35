//! The trace: hashes every event of a world, and formats it as a line of text if the level asks for it.
//!
//! The hash covers every event at any level; the level only selects the events that are also written. Two runs with the
//! same hash went the same way. All text of the trace is written here.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::api::{Error, Operation, StreamStatus, Tags};
use crate::control::message::{Commit, Delivery, Note};
use crate::control::peering::LinkOutcome as Link;
use crate::control::records::{Attached, Stream};
use crate::rng::{self, key_of_bytes, mix};
use crate::types::{Identifier, Instant, NodeId, Timestamp};

use super::client::{Call, ClientOptions, Names, Outcome};
use super::fault::{NodeActivity, Stage};
use super::log;
use super::network::{Envelope, Payload};

/// The detail of the written trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TraceLevel {
    /// No lines; the hash only.
    #[default]
    None,
    /// Calls and their outcomes, changes of status, links, faults, and lost messages.
    Milestones,
    /// Also every message, and every write.
    Messages,
}

/// An event, as the trace records it.
#[derive(Clone, Debug)]
pub(super) enum TraceEvent<'a> {
    /// A client begins a call. The number is the fingerprint of the request.
    Invoked(NodeId, &'a Call, u64),
    /// A client sends another attempt (the number counts from 1).
    Retried(NodeId, &'a Call, u16),
    /// A call ended. The hash takes the kind of the outcome only: the answer was hashed when it was given.
    Ended(NodeId, &'a Call, &'a Outcome),
    /// A message was sent and will arrive at the given time. Not hashed: its arrival is.
    Sent(&'a Envelope, Instant),
    /// A message arrived at a node or client that is up.
    Arrived(&'a Envelope),
    /// A message was lost, on the network or at its destination.
    Lost(&'a Envelope, LossReason),
    /// A rule made this many copies of a message. The original and each copy arrive, or are lost, as events of their
    /// own.
    Copied(&'a Envelope, u16),
    /// A rule holds a message until it is released.
    Held(&'a Envelope),
    /// A control plane answered an attempt. The number is the fingerprint of the answer, which the later arrival at the
    /// client does not repeat.
    Answered(NodeId, Delivery, u64),
    /// A write became durable.
    Wrote(NodeId, &'a Commit),
    /// A crash lost an unfinished write.
    Forgot(NodeId, &'a Commit),
    /// A node reports a decision that is otherwise invisible.
    Noted(NodeId, Note),
    /// A node or a client stopped. The text names the crash point, if there was one, and is not hashed.
    Crashed(NodeId, Option<&'a str>),
    /// A node started again.
    Restarted(NodeId),
    /// A timer with this key fired.
    Fired(NodeId, u64),
    /// A planned fault happened, or a scenario made a remark. The text is hashed.
    Remark(&'a str),
    /// A request got an injected error. Not hashed: the answer is.
    Refused(NodeId, Operation, &'a Error),
    /// An intervention from outside. Not hashed: its consequences are.
    Announced(&'a str),
}

/// The reason for the loss of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LossReason {
    /// A network rule dropped it.
    Dropped,
    /// The destination was down when it arrived.
    NodeDown,
    /// A crash stopped the destination as it was about to handle the message.
    NodeCrashed,
    /// The client that it answers has crashed since the request.
    ClientCrashed,
}

impl LossReason {
    fn text(self) -> &'static str {
        match self {
            LossReason::Dropped => "lost",
            LossReason::NodeDown => "the node is down",
            LossReason::NodeCrashed => "the node crashes",
            LossReason::ClientCrashed => "the client has crashed",
        }
    }

    /// The contribution to the hash. The numbers are fixed, because recorded hashes depend on them.
    fn digest(self) -> u64 {
        match self {
            LossReason::Dropped => 4,
            LossReason::NodeCrashed => 7,
            LossReason::NodeDown | LossReason::ClientCrashed => 12,
        }
    }
}

/// The trace of a world.
#[derive(Clone, Debug)]
pub struct Trace {
    level: TraceLevel,
    /// The seed of the world, by which a log of many worlds tells their events apart.
    seed: u64,
    hash: u64,
    events: u64,
    lines: Vec<String>,
}

impl Trace {
    pub(super) fn new(level: TraceLevel, seed: u64) -> Trace {
        Trace { level, seed, hash: 0, events: 0, lines: Vec::new() }
    }

    /// The hash of all events so far.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The number of hashed events so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The lines written so far.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether the texts of events are read: the level writes lines, or a `tracing` subscriber listens.
    #[inline(always)]
    pub(super) fn is_read(&self) -> bool {
        self.level > TraceLevel::None || log::is_listening()
    }

    /// Takes the lines written so far.
    pub(super) fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    // Inlined, so that the compiler never builds an event that is only hashed.
    #[inline(always)]
    pub(super) fn record(
        &mut self,
        now: Instant,
        event: &TraceEvent<'_>,
        names: &Names,
        clients: &[ClientOptions],
    ) {
        // These three are hashed by their consequences: the arrival or loss of the message, the answer, or whatever an
        // intervention leads to.
        if !matches!(event, TraceEvent::Sent(..) | TraceEvent::Refused(..) | TraceEvent::Announced(_)) {
            self.events += 1;
            self.hash = mix(self.hash, event.fold_into(now.0));
        }
        if self.is_read() {
            self.write_down(now, event, &TraceFormatter { names, clients });
        }
    }

    #[cold]
    fn write_down(&mut self, now: Instant, event: &TraceEvent<'_>, formatter: &TraceFormatter<'_>) {
        if event.level() <= self.level
            && let Some(text) = event.text(formatter)
        {
            let actor = formatter.node(event.actor());
            self.lines.push(format!("{} {actor:<10} {text}", time(now)));
        }
        log::emit(now, self.seed, event, formatter);
    }
}

/// Formats a virtual time in seconds with three decimals, right-aligned to eight characters.
#[must_use]
pub fn time(moment: Instant) -> String {
    let millis = moment.0 / 1_000_000;
    format!("{:>4}.{:03}", millis / 1000, millis % 1000)
}

impl TraceEvent<'_> {
    pub(super) fn level(&self) -> TraceLevel {
        match self {
            TraceEvent::Sent(..)
            | TraceEvent::Arrived(_)
            | TraceEvent::Answered(..)
            | TraceEvent::Fired(..) => TraceLevel::Messages,
            TraceEvent::Wrote(_, commit) if !is_milestone(commit) => TraceLevel::Messages,
            TraceEvent::Noted(_, Note::Chosen { outcome: Link::Open, .. }) => TraceLevel::Messages,
            _ => TraceLevel::Milestones,
        }
    }

    #[inline(always)]
    fn fold_into(&self, hash: u64) -> u64 {
        match self {
            TraceEvent::Invoked(who, call, fingerprint) => {
                fold(hash, [1, who.digest(), call.region.index() as u64, call.key, *fingerprint])
            }
            TraceEvent::Retried(who, call, attempt) => {
                fold(hash, [2, who.digest(), call.key, u64::from(*attempt)])
            }
            TraceEvent::Ended(who, call, outcome) => {
                let kind = match outcome {
                    Outcome::Ok(_) => 0,
                    Outcome::Unknown => 1,
                    Outcome::TimedOut(_) => 2,
                    Outcome::Gone => 3,
                    Outcome::Failed(_) => 4,
                };
                fold(hash, [3, who.digest(), call.key, kind])
            }
            TraceEvent::Sent(..) | TraceEvent::Refused(..) | TraceEvent::Announced(_) => hash,
            TraceEvent::Arrived(envelope) => fold(hash, [5, envelope.digest()]),
            TraceEvent::Lost(envelope, reason) => fold(hash, [6, envelope.digest(), reason.digest()]),
            TraceEvent::Copied(envelope, copies) => fold(hash, [7, envelope.digest(), u64::from(*copies)]),
            TraceEvent::Held(envelope) => fold(hash, [8, envelope.digest()]),
            TraceEvent::Answered(node, delivery, fingerprint) => {
                fold(hash, [4, node.digest(), delivery.digest(), *fingerprint])
            }
            TraceEvent::Wrote(node, commit) => fold(hash, [9, node.digest(), commit.digest()]),
            TraceEvent::Forgot(node, commit) => fold(hash, [10, node.digest(), commit.digest()]),
            TraceEvent::Noted(node, note) => fold(hash, [11, node.digest(), note.digest()]),
            TraceEvent::Crashed(node, _) => fold(hash, [12, node.digest()]),
            TraceEvent::Restarted(node) => fold(hash, [13, node.digest()]),
            TraceEvent::Fired(node, key) => fold(hash, [14, node.digest(), *key]),
            TraceEvent::Remark(text) => fold(hash, [15, crate::rng::key_of_bytes(text.as_bytes())]),
        }
    }

    /// The node or client that the line is about: the sender of a message until it arrives, then the recipient.
    pub(super) fn actor(&self) -> Option<NodeId> {
        match self {
            TraceEvent::Invoked(who, ..) | TraceEvent::Retried(who, ..) | TraceEvent::Ended(who, ..) => {
                Some(*who)
            }
            TraceEvent::Sent(envelope, _)
            | TraceEvent::Lost(envelope, _)
            | TraceEvent::Copied(envelope, _)
            | TraceEvent::Held(envelope) => Some(envelope.from),
            TraceEvent::Arrived(envelope) => Some(envelope.to),
            TraceEvent::Answered(node, ..)
            | TraceEvent::Wrote(node, _)
            | TraceEvent::Forgot(node, _)
            | TraceEvent::Noted(node, _)
            | TraceEvent::Crashed(node, _)
            | TraceEvent::Refused(node, ..)
            | TraceEvent::Restarted(node)
            | TraceEvent::Fired(node, _) => Some(*node),
            TraceEvent::Remark(_) | TraceEvent::Announced(_) => None,
        }
    }

    pub(super) fn text(&self, formatter: &TraceFormatter<'_>) -> Option<String> {
        Some(match self {
            TraceEvent::Invoked(_, call, _) => format!("calls {}", formatter.call(call)),
            TraceEvent::Retried(_, call, attempt) => {
                format!("calls {}, attempt {attempt}", formatter.call(call))
            }
            TraceEvent::Ended(_, call, outcome) => {
                format!("{} {}", call.request.operation(), formatter.outcome(call, outcome))
            }
            TraceEvent::Sent(envelope, at) => {
                format!("sends {}, arriving at {}", formatter.to(envelope), time(*at).trim())
            }
            TraceEvent::Arrived(envelope) => {
                format!(
                    "receives {} from {}",
                    formatter.payload(envelope),
                    formatter.node(Some(envelope.from))
                )
            }
            TraceEvent::Lost(envelope, reason) => {
                format!("sends {} ✗ {}", formatter.to(envelope), reason.text())
            }
            TraceEvent::Copied(envelope, copies) => {
                format!("sends {}, duplicated {copies}×", formatter.to(envelope))
            }
            TraceEvent::Held(envelope) => format!("sends {}, held back", formatter.to(envelope)),
            TraceEvent::Wrote(_, commit) => formatter.commit(commit)?,
            TraceEvent::Forgot(_, commit) => match &commit.batch.cluster {
                None if commit.batch.register.is_some() => {
                    "loses an unfinished write: a link register".to_owned()
                }
                _ => format!("loses an unfinished write: {}", formatter.commit(commit)?),
            },
            TraceEvent::Noted(_, note) => formatter.note(note),
            TraceEvent::Crashed(_, None) => "crashes".to_owned(),
            TraceEvent::Crashed(_, Some(reason)) => format!("crashes {reason}"),
            TraceEvent::Refused(_, operation, error) => {
                format!("answers {operation} with {} (injected)", error.name())
            }
            TraceEvent::Restarted(_) => "restarts".to_owned(),
            // The sending of an answer follows as a line of its own, and a timer shows in its consequences.
            TraceEvent::Answered(..) | TraceEvent::Fired(..) => return None,
            TraceEvent::Remark(text) | TraceEvent::Announced(text) => (*text).to_owned(),
        })
    }
}

/// Whether a write creates a cluster, changes its status or a stream's, or removes one. Other writes are too frequent
/// for the milestones.
fn is_milestone(commit: &Commit) -> bool {
    let after = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
    after.map(|record| record.status) != commit.before.cluster.as_ref().map(|record| record.status)
        || moved_stream(commit).is_some()
}

/// The first stream that a write creates, changes in status or removes, with its status before and after.
fn moved_stream(commit: &Commit) -> Option<(u32, Option<StreamStatus>, Option<StreamStatus>)> {
    let (_, _, after) = commit.batch.cluster.as_ref()?;
    let (old, new) = (commit.before.cluster.as_ref()?.streams(), after.as_ref()?.streams());
    let status = |streams: &[Stream], number| {
        streams.iter().find(|stream: &&Stream| stream.number == number).map(|stream| stream.status)
    };
    let numbers = new.iter().chain(old).map(|stream| stream.number);
    numbers.map(|number| (number, status(old, number), status(new, number))).find(|(_, from, to)| from != to)
}

/// Formats events with the names that a scenario gave to clients, Regions and clusters.
pub(super) struct TraceFormatter<'a> {
    pub(super) names: &'a Names,
    pub(super) clients: &'a [ClientOptions],
}

impl TraceFormatter<'_> {
    pub(super) fn node(&self, node: Option<NodeId>) -> String {
        match node {
            None => "·".to_owned(),
            Some(NodeId::Client(client)) => self.clients[client.0 as usize].name.to_string(),
            Some(NodeId::ControlPlane(region)) => self.names.region(region).to_owned(),
            Some(NodeId::Witness(region)) => format!("{}/witness", self.names.region(region)),
        }
    }

    fn call(&self, call: &Call) -> String {
        let mut text = format!("{} {}", self.names.region(call.region), call.request.operation());
        if let Some(identifier) = call.request.identifier() {
            let name = Identifier::parse(identifier).map(|identifier| self.names.cluster(identifier));
            let _ = write!(text, " {}", name.unwrap_or_else(|| identifier.to_owned()));
        }
        if let Some(alias) = &call.alias {
            let _ = write!(text, " as {alias}");
        }
        text
    }

    fn outcome(&self, call: &Call, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Ok(response) => match (response.status(), call.request.operation()) {
                (Some(status), _) => format!("ok {status}"),
                (None, Operation::ListClusters) => match response.listed() {
                    1 => "ok 1 cluster".to_owned(),
                    count => format!("ok {count} clusters"),
                },
                (None, _) => "ok".to_owned(),
            },
            Outcome::Failed(error) => {
                let message = self.names.in_text(error.message());
                format!("failed {} {} {message:?}", error.http_status(), error.name())
            }
            Outcome::Gone => "ok: no such cluster".to_owned(),
            Outcome::Unknown => "unknown: no answer".to_owned(),
            Outcome::TimedOut(last_seen) => format!("timed out: saw {last_seen}"),
        }
    }

    /// The crash point that a node has reached with `activity`.
    pub(super) fn reason(&self, activity: NodeActivity<'_>) -> String {
        match activity {
            NodeActivity::Handles(what) => format!("before handling {what}"),
            NodeActivity::Sends(what) => format!("before sending {what}"),
            NodeActivity::Sent(what) => format!("after sending {what}"),
            NodeActivity::Persists(stage, commit, operation) => {
                let when = match stage {
                    Stage::Before => "before",
                    Stage::During => "while",
                    Stage::After => "after",
                };
                format!("{when} persisting {}", self.written(commit, operation))
            }
        }
    }

    /// The operation and the cluster of a write, as far as it has them.
    fn written(&self, commit: &Commit, operation: Option<Operation>) -> String {
        let after = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
        let cluster =
            after.or(commit.before.cluster.as_ref()).map(|it| self.names.cluster(it.arn.identifier));
        match (operation, cluster, &commit.batch.register) {
            (Some(operation), Some(cluster), _) => format!("{operation} of {cluster}"),
            (None, Some(cluster), _) => cluster,
            (_, None, Some(register)) => {
                let [one, other] = register.0.pair().map(|arn| self.names.cluster(arn.identifier));
                format!("the link of {one} and {other}")
            }
            (Some(operation), None, None) => operation.to_string(),
            (None, None, None) => "a token".to_owned(),
        }
    }

    fn to(&self, envelope: &Envelope) -> String {
        format!("{} to {}", self.payload(envelope), self.node(Some(envelope.to)))
    }

    fn payload(&self, envelope: &Envelope) -> String {
        match &envelope.payload {
            Payload::Request { request, delivery, .. } => {
                format!("{} (attempt {})", request.operation(), delivery.attempt)
            }
            Payload::Response { operation, delivery, .. } => {
                format!("{operation}.response (attempt {})", delivery.attempt)
            }
            Payload::Reset(_) => "connection reset".to_owned(),
            Payload::Message(message) => message.kind().name().to_owned(),
        }
    }

    fn commit(&self, commit: &Commit) -> Option<String> {
        let Some((_, _, after)) = &commit.batch.cluster else {
            return commit.batch.register.as_ref().map(|_| "writes a link register".to_owned());
        };
        let before = commit.before.cluster.as_ref();
        Some(match (before, after) {
            (None, Some(after)) => format!("{} {}", self.names.cluster(after.arn.identifier), after.status),
            (Some(_), Some(after)) if let Some((number, from, to)) = moved_stream(commit) => {
                let name = |status: StreamStatus| format!("{status:?}").to_uppercase();
                let cluster = self.names.cluster(after.arn.identifier);
                match from {
                    None => format!("{cluster} stream {number} {}", to.map(name).unwrap_or_default()),
                    Some(from) => {
                        format!(
                            "{cluster} stream {number} {} → {}",
                            name(from),
                            to.map_or("gone".to_owned(), name)
                        )
                    }
                }
            }
            (Some(before), Some(after)) if before.status == after.status => {
                format!("{} written, still {}", self.names.cluster(after.arn.identifier), after.status)
            }
            (Some(before), Some(after)) => {
                format!("{} {} → {}", self.names.cluster(after.arn.identifier), before.status, after.status)
            }
            (Some(before), None) => {
                format!("{} {} → gone", self.names.cluster(before.arn.identifier), before.status)
            }
            (None, None) => return None,
        })
    }

    fn note(&self, note: &Note) -> String {
        match note {
            Note::Replayed(_) => "answers from its token table".to_owned(),
            Note::Joined(_) => "joins the call in flight with the same token".to_owned(),
            Note::Chosen { register, cluster, outcome } => {
                let cluster_name = self.names.cluster(cluster.identifier);
                let peer = register.other(*cluster).map(|peer| self.names.cluster(peer.identifier));
                let state = match outcome {
                    Link::Open => "no link yet",
                    Link::Linked => "linked",
                    Link::Dissolved => "dissolved",
                };
                format!("{cluster_name} and {}: {state}", peer.unwrap_or_default())
            }
        }
    }
}

impl Envelope {
    /// The contribution to the hash: the message's key identifies its content, the ends its link.
    pub(super) fn digest(&self) -> u64 {
        fold(self.key, [self.from.digest(), self.to.digest()])
    }
}

impl Note {
    fn digest(&self) -> u64 {
        match self {
            Note::Replayed(delivery) => mix(1, delivery.digest()),
            Note::Joined(delivery) => mix(2, delivery.digest()),
            Note::Chosen { register, cluster, outcome } => {
                fold(3, [register.digest(), cluster.identifier.digest(), *outcome as u64])
            }
        }
    }
}

impl Commit {
    /// The contribution to the hash: the parts of the write that other nodes or clients can see.
    fn digest(&self) -> u64 {
        let mut digest = self.cause.map_or(0, |cause| cause.digest());
        if let Some((_, serial, record)) = &self.batch.cluster {
            digest = mix(digest, serial.0);
            if let Some(record) = record {
                let peer = record
                    .multi_region
                    .as_deref()
                    .and_then(|it| it.peer)
                    .map_or(0, |arn| arn.identifier.digest());
                let linked = record.multi_region.as_deref().is_some_and(|it| it.linked);
                let Timestamp(created) = record.creation_time;
                digest = fold(digest, [record.arn.identifier.digest(), record.status as u64]);
                digest = fold(digest, [u64::from(record.version), created, peer, u64::from(linked)]);
                digest = mix(
                    digest,
                    u64::from(record.deletion_protection) | u64::from(record.intent.is_some()) << 1,
                );
                // The request of a creation was hashed already, and tags and attachments come from it.
                if let Some(before) = &self.before.cluster {
                    if before.tags != record.tags {
                        digest = mix(digest, record.tags.as_ref().map_or(0, tags_digest));
                    }
                    if !before.shares_attached(record) {
                        digest = record
                            .attached
                            .as_ref()
                            .map_or(digest, |attached| mix(digest, attached_digest(attached)));
                    }
                }
            }
        }
        if let Some(register) = &self.batch.register {
            let (register, acceptor) = &**register;
            let (ballot, value) =
                acceptor.accepted.map_or((0, 0), |(ballot, value)| (ballot.digest(), value.digest()));
            digest = fold(digest, [register.digest(), acceptor.promised.digest(), ballot, value]);
        }
        digest
    }
}

fn tags_digest(tags: &Tags) -> u64 {
    let digests =
        tags.iter().map(|(key, value)| mix(key_of_bytes(key.as_bytes()), key_of_bytes(value.as_bytes())));
    digests.fold(1, mix)
}

fn attached_digest(attached: &Arc<Attached>) -> u64 {
    let digest = fold(attached.policies, [u64::from(attached.policy.is_some())]);
    let streams = attached
        .streams
        .iter()
        .map(|stream| fold(tags_digest(&stream.tags), [stream.identifier.digest(), stream.status as u64]));
    streams.fold(digest, mix)
}

/// Folds the numbers of one event quickly. [`Trace::record`] then mixes the result into the hash of the earlier events
/// thoroughly, once per event.
fn fold<const N: usize>(state: u64, parts: [u64; N]) -> u64 {
    parts.into_iter().fold(state, rng::fold)
}
