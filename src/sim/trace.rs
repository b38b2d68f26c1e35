//! The trace: everything that happens, hashed as it happens, and put into words only when somebody looks.
//!
//! The hash covers every event, whatever the level; the level only decides which events are also written down. How a
//! line reads is decided here and nowhere else.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::api::{Error, Operation, StreamStatus, Tags};
use crate::control::attached::{Attached, Stream};
use crate::control::message::{Commit, Delivery, Note};
use crate::control::register::LinkOutcome as Link;
use crate::rng::{self, key_of_bytes, mix};
use crate::types::{Identifier, Instant, NodeId, Timestamp};

use super::client::{Call, ClientOptions, Names, Outcome};
use super::crash_point::{NodeActivity, Stage};
use super::network::{Envelope, Payload};

/// How much of the trace is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TraceLevel {
    /// Nothing: only the hash is kept.
    #[default]
    None,
    /// Calls and how they end, changes of status, links, faults and lost messages.
    Milestones,
    /// Every message too.
    Messages,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(super) enum TraceEvent<'a> {
    /// A client begins a call, whose request sums up to the number.
    Invoked(NodeId, &'a Call, u64),
    /// A client tries again.
    Retried(NodeId, &'a Call, u16),
    /// A call has ended.
    Ended(NodeId, &'a Call, &'a Outcome),
    /// A message leaves, to arrive at the time.
    Sent(&'a Envelope, Instant),
    /// A message is handled.
    Arrived(&'a Envelope),
    /// A message is lost: on the way, or because nobody is there.
    Lost(&'a Envelope, &'static str),
    /// A message arrives so many times more.
    Copied(&'a Envelope, u16),
    /// A message is held back.
    Held(&'a Envelope),
    /// A control plane answers, with what sums up to the number.
    Answered(NodeId, Delivery, u64),
    /// A write is durable.
    Wrote(NodeId, &'a Commit),
    /// A write that was not finished is lost in a crash.
    Forgot(NodeId, &'a Commit),
    /// A node says what it did.
    Noted(NodeId, Note),
    /// A node or a client stops; why, if it was aimed at.
    Crashed(NodeId, Option<&'a str>),
    /// A node starts again.
    Restarted(NodeId),
    /// A timer fires.
    Fired(NodeId, u64),
    /// A scheduled fault begins, or a scenario wants something said.
    Remark(&'a str),
    /// A request is answered with an injected error.
    Refused(NodeId, Operation, &'a Error),
    /// Something is done to the world from outside.
    Told(&'a str),
}

/// The trace of a world.
#[derive(Clone, Debug)]
pub struct Trace {
    level: TraceLevel,
    hash: u64,
    events: u64,
    lines: Vec<String>,
}

impl Trace {
    pub(super) fn new(level: TraceLevel) -> Trace {
        Trace { level, hash: 0, events: 0, lines: Vec::new() }
    }

    /// The hash of everything that happened so far.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How many things happened so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The lines written down so far.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Whether anything is written down.
    pub(super) fn is_written(&self) -> bool {
        self.level > TraceLevel::None
    }

    /// Takes away the lines written down so far.
    pub(super) fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    // Inlined, so that a happening that is only hashed is never built.
    #[inline(always)]
    pub(super) fn record(
        &mut self,
        now: Instant,
        happening: &TraceEvent<'_>,
        names: &Names,
        who: &[ClientOptions],
    ) {
        // What is sent arrives, or is lost, held back or late, and counts then; so does what is done from outside, by
        // what it leads to.
        if !matches!(happening, TraceEvent::Sent(..) | TraceEvent::Refused(..) | TraceEvent::Told(_)) {
            self.events += 1;
            self.hash = mix(self.hash, happening.words(now.0));
        }
        if self.level > TraceLevel::None && happening.level() <= self.level {
            self.write_down(now, happening, &Words { names, clients: who });
        }
    }

    #[cold]
    fn write_down(&mut self, now: Instant, happening: &TraceEvent<'_>, words: &Words<'_>) {
        if let Some(text) = happening.text(words) {
            let actor = words.node(happening.actor());
            self.lines.push(format!("{} {actor:<10} {text}", time(now)));
        }
    }
}

/// A moment, in seconds to the millisecond.
#[must_use]
pub fn time(moment: Instant) -> String {
    let millis = moment.0 / 1_000_000;
    format!("{:>4}.{:03}", millis / 1000, millis % 1000)
}

impl TraceEvent<'_> {
    fn level(&self) -> TraceLevel {
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
    fn words(&self, hash: u64) -> u64 {
        match self {
            TraceEvent::Invoked(who, call, fingerprint) => {
                fold(hash, [1, who.digest(), call.region.index() as u64, call.key, *fingerprint])
            }
            TraceEvent::Retried(who, call, attempt) => {
                fold(hash, [2, who.digest(), call.key, u64::from(*attempt)])
            }
            TraceEvent::Ended(who, call, outcome) => {
                // What an answer says was hashed when it was given.
                let word = match outcome {
                    Outcome::Ok(_) => 0,
                    Outcome::Unknown => 1,
                    Outcome::TimedOut(_) => 2,
                    Outcome::Gone => 3,
                    Outcome::Failed(_) => 4,
                };
                fold(hash, [3, who.digest(), call.key, word])
            }
            TraceEvent::Sent(..) | TraceEvent::Refused(..) | TraceEvent::Told(_) => hash,
            TraceEvent::Arrived(envelope) => fold(hash, [5, envelope.digest()]),
            TraceEvent::Lost(envelope, why) => fold(hash, [6, envelope.digest(), why.len() as u64]),
            TraceEvent::Copied(envelope, copies) => fold(hash, [7, envelope.digest(), u64::from(*copies)]),
            TraceEvent::Held(envelope) => fold(hash, [8, envelope.digest()]),
            TraceEvent::Answered(node, delivery, sum) => {
                fold(hash, [4, node.digest(), delivery.digest(), *sum])
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

    /// At whose side it happened.
    fn actor(&self) -> Option<NodeId> {
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
            TraceEvent::Remark(_) | TraceEvent::Told(_) => None,
        }
    }

    fn text(&self, words: &Words<'_>) -> Option<String> {
        Some(match self {
            TraceEvent::Invoked(_, call, _) => format!("calls {}", words.call(call)),
            TraceEvent::Retried(_, call, attempt) => format!("calls {}, attempt {attempt}", words.call(call)),
            TraceEvent::Ended(_, call, outcome) => {
                format!("{} {}", call.request.operation(), words.outcome(call, outcome))
            }
            TraceEvent::Sent(envelope, at) => {
                format!("sends {}, to arrive at {}", words.to(envelope), time(*at).trim())
            }
            TraceEvent::Arrived(envelope) => {
                format!("gets {} from {}", words.payload(envelope), words.node(Some(envelope.from)))
            }
            TraceEvent::Lost(envelope, why) => format!("sends {} ✗ {why}", words.to(envelope)),
            TraceEvent::Copied(envelope, copies) => {
                format!("sends {}, duplicated {copies}×", words.to(envelope))
            }
            TraceEvent::Held(envelope) => format!("sends {}, held back", words.to(envelope)),
            TraceEvent::Wrote(_, commit) => words.commit(commit)?,
            TraceEvent::Forgot(_, commit) => match &commit.batch.cluster {
                None if commit.batch.register.is_some() => "loses the write of a link register".to_owned(),
                _ => format!("loses the write of {}", words.commit(commit)?),
            },
            TraceEvent::Noted(_, note) => words.note(note),
            TraceEvent::Crashed(_, None) => "crashes".to_owned(),
            TraceEvent::Crashed(_, Some(why)) => format!("crashes {why}"),
            TraceEvent::Refused(_, operation, error) => {
                format!("answers {operation} {}, injected", error.name())
            }
            TraceEvent::Restarted(_) => "starts again".to_owned(),
            TraceEvent::Answered(..) | TraceEvent::Fired(..) => return None,
            TraceEvent::Remark(text) | TraceEvent::Told(text) => (*text).to_owned(),
        })
    }
}

/// Whether a write changed a cluster's status, made a cluster, or removed one.
fn is_milestone(commit: &Commit) -> bool {
    let after = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
    after.map(|record| record.status) != commit.before.cluster.as_ref().map(|record| record.status)
        || moved_stream(commit).is_some()
}

/// The stream that a write creates, moves on or removes, with its status before and after.
fn moved_stream(commit: &Commit) -> Option<(u32, Option<StreamStatus>, Option<StreamStatus>)> {
    let (_, _, after) = commit.batch.cluster.as_ref()?;
    let (old, new) = (commit.before.cluster.as_ref()?.streams(), after.as_ref()?.streams());
    let status = |streams: &[Stream], number| {
        streams.iter().find(|stream: &&Stream| stream.number == number).map(|stream| stream.status)
    };
    let numbers = new.iter().chain(old).map(|stream| stream.number);
    numbers.map(|number| (number, status(old, number), status(new, number))).find(|(_, from, to)| from != to)
}

/// Puts things into words, with the names that a scenario gave them.
pub(super) struct Words<'a> {
    pub(super) names: &'a Names,
    pub(super) clients: &'a [ClientOptions],
}

impl Words<'_> {
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
                (None, Operation::ListClusters) => format!("ok {} clusters", response.listed()),
                (None, _) => "ok".to_owned(),
            },
            Outcome::Failed(error) => {
                let message = self.names.in_text(error.message());
                format!("failed {} {} {message:?}", error.http_status(), error.name())
            }
            Outcome::Gone => "ok: no such cluster".to_owned(),
            Outcome::Unknown => "unknown: no answer".to_owned(),
            Outcome::TimedOut(sight) => format!("timed out: saw {sight}"),
        }
    }

    /// Why a node crashes that does `doing`.
    pub(super) fn reason(&self, doing: NodeActivity<'_>) -> String {
        match doing {
            NodeActivity::Handles(what) => format!("before handling {what}"),
            NodeActivity::Sends(what) => format!("before sending {what}"),
            NodeActivity::Sent(what) => format!("after sending {what}"),
            NodeActivity::Persists(stage, commit, operation) => {
                let when = match stage {
                    Stage::Undo => "before",
                    Stage::During => "while",
                    Stage::After => "after",
                };
                format!("{when} persisting {}", self.written(commit, operation))
            }
        }
    }

    /// What a write is about: a call and its cluster, as far as there are such.
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
                format!("{} is written, still {}", self.names.cluster(after.arn.identifier), after.status)
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
                let word = match outcome {
                    Link::Open => "no link yet",
                    Link::Linked => "linked",
                    Link::Dissolved => "dissolved",
                };
                format!("{cluster_name} and {}: {word}", peer.unwrap_or_default())
            }
        }
    }
}

impl Envelope {
    /// A number for the hash: the sender's key says what it is about, the ends say where it goes.
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
    /// A number for the hash: what is written, of the parts that others can see.
    fn digest(&self) -> u64 {
        let mut word = self.cause.map_or(0, |cause| cause.digest());
        if let Some((_, serial, record)) = &self.batch.cluster {
            word = mix(word, serial.0);
            if let Some(record) = record {
                let peer = record
                    .multi_region
                    .as_deref()
                    .and_then(|it| it.peer)
                    .map_or(0, |arn| arn.identifier.digest());
                let linked = record.multi_region.as_deref().is_some_and(|it| it.linked);
                let Timestamp(created) = record.creation_time;
                word = fold(word, [record.arn.identifier.digest(), record.status as u64]);
                word = fold(word, [u64::from(record.version), created, peer, u64::from(linked)]);
                word = mix(
                    word,
                    u64::from(record.deletion_protection) | u64::from(record.intent.is_some()) << 1,
                );
                // What a cluster is created with is in its request, which counts already.
                if let Some(before) = &self.before.cluster {
                    if before.tags != record.tags {
                        word = mix(word, record.tags.as_ref().map_or(0, tags_word));
                    }
                    if !before.shares_attached(record) {
                        word = record
                            .attached
                            .as_ref()
                            .map_or(word, |attached| mix(word, attached_word(attached)));
                    }
                }
            }
        }
        if let Some(register) = &self.batch.register {
            let (register, acceptor) = &**register;
            let (ballot, value) =
                acceptor.accepted.map_or((0, 0), |(ballot, value)| (ballot.digest(), value.digest()));
            word = fold(word, [register.digest(), acceptor.promised.digest(), ballot, value]);
        }
        word
    }
}

fn tags_word(tags: &Tags) -> u64 {
    let words =
        tags.iter().map(|(key, value)| mix(key_of_bytes(key.as_bytes()), key_of_bytes(value.as_bytes())));
    words.fold(1, mix)
}

fn attached_word(attached: &Arc<Attached>) -> u64 {
    let word = fold(attached.policies, [u64::from(attached.policy.is_some())]);
    let streams = attached
        .streams
        .iter()
        .map(|stream| fold(tags_word(&stream.tags), [stream.identifier.digest(), stream.status as u64]));
    streams.fold(word, mix)
}

/// Folds the words of one happening; what happened before is folded in more thoroughly, once per happening.
fn fold<const N: usize>(state: u64, words: [u64; N]) -> u64 {
    words.into_iter().fold(state, rng::fold)
}
