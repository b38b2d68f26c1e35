//! The trace: hashes every event of a world, and formats it as a line of text if the level asks for it.
//!
//! The hash covers every event at any level; the level only selects the events that are also written. Two runs with the
//! same hash went the same way. It is the derived [`fingerprint`] of the events: everything that becomes durable and
//! everything that is answered, but no text for people. All text of the trace is written here.
//!
//! Five types report what happens, each to another reader. An event that two of them report has one name.
//!
//! - A `TraceEvent` borrows what one line of the trace is about, for the hash and for people.
//! - A [`Note`] is the part of it that only a node knows.
//! - A [`Change`](super::Change) owns what the checks compare. The checks need more than the trace (memory and disk at
//!   a crash, the records that were replaced) and less (no message on its way). Of 18 and 13 variants they share eight,
//!   with other members in each; one type for both would hash and format by hand what is derived now.
//! - A [`HistoryEvent`](super::history::HistoryEvent) owns what a person asks about a single event, with its causes. It
//!   is made from a `TraceEvent`, in a world that keeps a history.
//! - A [`CoverageMark`](crate::coverage_mark::CoverageMark) is a member of a set, without time or order: it belongs to
//!   the coverage of a run, not to its course.

mod formatter;

use std::hash::{Hash, Hasher};

use crate::api::{Error, Operation, Request};
use crate::control::message::{Commit, Delivery, Note, Reply};
use crate::control::peering::LinkOutcome as Link;
use crate::rng::{fingerprint, mix};
use crate::types::{ClientId, Instant, NodeId};

use super::client::{Call, ClientOptions, Names, Outcome};
use super::escape::one_line;
use super::fault::Fault;
use super::history::History;
use super::log;
use super::network::Envelope;
use super::stream_moves::moved_streams;

pub(super) use formatter::TraceFormatter;

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

/// An event, as the trace records it. Its hash is that of its members, which [`Trace::record`] joins to those before.
#[derive(Clone, Debug, Hash, strum::EnumDiscriminants)]
#[strum_discriminants(
    name(TraceEventKind),
    vis(pub),
    derive(Hash, strum::IntoStaticStr, serde::Serialize),
    cfg_attr(test, derive(schemars::JsonSchema)),
    serde(rename_all = "camelCase"),
    strum(serialize_all = "camelCase"),
    doc = "The kind of an event, as a history distinguishes them."
)]
pub(super) enum TraceEvent<'a> {
    /// A client begins a call with this request.
    Invoked(ClientId, &'a Call, &'a Request),
    /// A client sends another attempt (the number counts from 1).
    Retried(ClientId, &'a Call, u16),
    /// A call ended.
    Ended(ClientId, &'a Call, &'a Outcome),
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
    /// A control plane answered an attempt. The later arrival at the client does not repeat the answer.
    Replied(NodeId, Delivery, &'a Reply),
    /// A write became durable.
    Wrote(NodeId, &'a Commit),
    /// A crash lost an unfinished write.
    Forgot(NodeId, &'a Commit),
    /// A node reports a decision that is otherwise invisible.
    Noted(NodeId, Note),
    /// A node or a client stopped. The text names the crash point, if there was one.
    Crashed(NodeId, Unhashed<Option<&'a str>>),
    /// A node started again.
    Restarted(NodeId),
    /// The timer with this fingerprint fired.
    Fired(NodeId, u64),
    /// A planned fault happened. The text describes it.
    FaultInjected(&'a Fault, Unhashed<&'a str>),
    /// A request got an injected error. Not hashed: the answer is.
    Injected(NodeId, Operation, &'a Error),
    /// A comment on the run, or an intervention from outside. Not hashed: the consequences are.
    Remark(&'a str),
}

/// A text for people, which is no part of the hash of its event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unhashed<T>(pub(super) T);

impl<T> Hash for Unhashed<T> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// The reason for the loss of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// The events with their causes, if they are kept.
    history: Option<Box<History>>,
}

impl Trace {
    pub(super) fn new(level: TraceLevel, seed: u64) -> Trace {
        Trace { level, seed, hash: 0, events: 0, lines: Vec::new(), history: None }
    }

    /// Keeps the events with their causes from now on.
    pub(super) fn keep_history(&mut self) {
        self.history.get_or_insert_default();
    }

    /// Takes the events with their causes, if they are kept. None are kept from then on.
    pub(super) fn take_history(&mut self) -> Option<Box<History>> {
        self.history.take()
    }

    /// The events with their causes, if they are kept.
    #[must_use]
    pub fn history(&self) -> Option<&History> {
        self.history.as_deref()
    }

    #[inline(always)]
    pub(super) fn history_mut(&mut self) -> Option<&mut History> {
        self.history.as_deref_mut()
    }

    /// Shows `seed` in the log from now on.
    pub(super) fn draw_anew(&mut self, seed: u64) {
        self.seed = seed;
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

    /// Whether the texts of events are read: the level writes lines, a history is kept, or a `tracing` subscriber
    /// listens.
    #[inline(always)]
    pub(super) fn is_read(&self) -> bool {
        self.level > TraceLevel::None || self.history.is_some() || log::is_listening()
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
        if !matches!(event, TraceEvent::Sent(..) | TraceEvent::Injected(..) | TraceEvent::Remark(_)) {
            self.events += 1;
            self.hash = mix(self.hash, fingerprint(&(now, event)));
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
            self.lines.push(format!("{} {actor:<10} {}", time(now), one_line(&text)));
        }
        if let Some(history) = &mut self.history {
            history.record(now, self.events, event, formatter);
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
            | TraceEvent::Replied(..)
            | TraceEvent::Fired(..) => TraceLevel::Messages,
            TraceEvent::Wrote(_, commit) if !is_milestone(commit) => TraceLevel::Messages,
            TraceEvent::Noted(_, Note::Chosen { outcome: Link::Open, .. }) => TraceLevel::Messages,
            _ => TraceLevel::Milestones,
        }
    }

    /// The message that the event is about.
    pub(super) fn envelope(&self) -> Option<&Envelope> {
        match self {
            TraceEvent::Sent(envelope, _)
            | TraceEvent::Arrived(envelope)
            | TraceEvent::Lost(envelope, _)
            | TraceEvent::Copied(envelope, _)
            | TraceEvent::Held(envelope) => Some(envelope),
            _ => None,
        }
    }

    /// The node or client that the line is about: the sender of a message until it arrives, then the recipient.
    pub(super) fn actor(&self) -> Option<NodeId> {
        match self {
            TraceEvent::Invoked(client, ..)
            | TraceEvent::Retried(client, ..)
            | TraceEvent::Ended(client, ..) => Some(NodeId::Client(*client)),
            TraceEvent::Sent(envelope, _)
            | TraceEvent::Lost(envelope, _)
            | TraceEvent::Copied(envelope, _)
            | TraceEvent::Held(envelope) => Some(envelope.from),
            TraceEvent::Arrived(envelope) => Some(envelope.to),
            TraceEvent::Replied(node, ..)
            | TraceEvent::Wrote(node, _)
            | TraceEvent::Forgot(node, _)
            | TraceEvent::Noted(node, _)
            | TraceEvent::Crashed(node, _)
            | TraceEvent::Injected(node, ..)
            | TraceEvent::Restarted(node)
            | TraceEvent::Fired(node, _) => Some(*node),
            TraceEvent::Remark(_) | TraceEvent::FaultInjected(..) => None,
        }
    }
}

/// Whether a write creates a cluster, changes its status or a stream's, or removes one. Other writes are too frequent
/// for the milestones.
fn is_milestone(commit: &Commit) -> bool {
    let after = commit.batch.cluster.as_ref().and_then(|(_, _, record)| record.as_ref());
    after.map(|record| record.status) != commit.before.cluster.as_ref().map(|record| record.status)
        || moved_streams(commit).next().is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::api::{
        DeleteClusterInput, EncryptionStatus, Response, StreamStatus, TagMap, TagResourceOutput,
        TargetDefinition,
    };
    use crate::control::peering::{Acceptor, Ballot, RegisterKey};
    use crate::control::records::{
        Batch, Cluster, ClusterPolicy, DeferredRequest, Intent, MultiRegion, Serial, Stream, TokenKey,
        TokenRecord, Undo,
    };
    use crate::region::Region;
    use crate::types::{Account, ClusterArn, ClusterStatus, Identifier, Timestamp};

    const IDENTIFIER: Identifier = Identifier::new([1, 2]);

    fn region() -> Region {
        Region::parse("us-east-1").expect("a Region")
    }

    fn arn() -> ClusterArn {
        ClusterArn { region: region(), account: Account::DEFAULT, identifier: IDENTIFIER }
    }

    fn record() -> Cluster {
        Cluster {
            arn: arn(),
            serial: Serial(1),
            status: ClusterStatus::Active,
            version: 2,
            creation_time: Timestamp(3),
            deletion_protection: true,
            kms_key: None,
            tags: None,
            attached: Some(Arc::default()),
            statement_statistics: false,
            encryption: EncryptionStatus::Enabled,
            multi_region: None,
            intent: None,
        }
    }

    fn stream() -> Stream {
        Stream {
            number: 1,
            identifier: IDENTIFIER,
            status: StreamStatus::Active,
            creation_time: Timestamp(3),
            target: Box::new(TargetDefinition::default()),
            tags: Arc::default(),
            reason: None,
        }
    }

    fn hash_of(batch: Batch) -> u64 {
        let commit = Commit { batch, before: Undo::default(), cause: None };
        fingerprint(&TraceEvent::Wrote(NodeId::ControlPlane(region()), &commit))
    }

    /// The hashes of writes of [`record`], each changed in one way.
    fn hashes(changes: &[fn(&mut Cluster)]) -> BTreeSet<u64> {
        let changed = |change: &fn(&mut Cluster)| {
            let mut cluster = record();
            change(&mut cluster);
            let cluster = Some((Account::DEFAULT, Serial(1), Some(Arc::new(cluster))));
            hash_of(Batch { cluster, ..Batch::default() })
        };
        changes.iter().map(changed).collect()
    }

    #[test]
    fn every_member_of_a_record_that_becomes_durable_is_hashed() {
        let changes: &[fn(&mut Cluster)] = &[
            |_| {},
            |it| it.status = ClusterStatus::Idle,
            |it| it.version = 3,
            |it| it.creation_time = Timestamp(4),
            |it| it.deletion_protection = false,
            |it| it.kms_key = Some("key".into()),
            |it| it.tags = Some(Arc::new(TagMap::from_iter([("team".to_owned(), "x".to_owned())]))),
            |it| it.statement_statistics = true,
            |it| it.encryption = EncryptionStatus::KmsKeyInaccessible,
            |it| {
                let multi_region =
                    MultiRegion { witness: region(), peer: None, linked: false, leaving: false };
                it.multi_region = Some(Box::new(multi_region));
            },
            |it| {
                let request = DeferredRequest::DeleteCluster(DeleteClusterInput::default());
                it.intent = Some(Arc::new(Intent { account: Account::DEFAULT, request }));
            },
            |it| {
                let policy = r#"{ "Version": "2012-10-17", "Statement": [] }"#;
                let policy = ClusterPolicy::parse(policy).expect("a policy");
                Arc::make_mut(it.attached.as_mut().expect("a list")).policy = Some(Arc::new(policy));
            },
            |it| Arc::make_mut(it.attached.as_mut().expect("a list")).streams.push(stream()),
            |it| {
                let stream = Stream { status: StreamStatus::Impaired, ..stream() };
                Arc::make_mut(it.attached.as_mut().expect("a list")).streams.push(stream);
            },
        ];
        assert_eq!(hashes(changes).len(), changes.len());
    }

    #[test]
    fn every_part_of_a_batch_is_hashed() {
        let key = TokenKey { account: Account::DEFAULT, operation: None, token: "t1".into() };
        let response = Arc::new(Response::TagResource(TagResourceOutput {}));
        let record = TokenRecord { fingerprint: Default::default(), response, at: Instant(5) };
        let later = TokenRecord { at: Instant(6), ..record.clone() };
        let register = RegisterKey::new(arn(), arn(), region());
        let promised = Acceptor { promised: Ballot::default().next(region()), accepted: None };
        let batches = [
            Batch::default(),
            Batch { cluster: Some((Account::DEFAULT, Serial(1), None)), ..Batch::default() },
            Batch { token: Some((key.clone(), record)), ..Batch::default() },
            Batch { token: Some((key, later)), ..Batch::default() },
            Batch { register: Some(Box::new((register, Acceptor::default()))), ..Batch::default() },
            Batch { register: Some(Box::new((register, promised))), ..Batch::default() },
        ];
        assert_eq!(batches.map(hash_of).into_iter().collect::<BTreeSet<_>>().len(), 6);
    }

    #[test]
    fn a_text_for_people_is_not_hashed() {
        let node = NodeId::ControlPlane(region());
        let crash = |text| fingerprint(&TraceEvent::Crashed(node, Unhashed(text)));
        assert_eq!(crash(None), crash(Some("before sending Prepare")));
        let outage = Fault::outage(region());
        let fault = |fault, text| fingerprint(&TraceEvent::FaultInjected(fault, Unhashed(text)));
        assert_eq!(fault(&outage, "outage use1"), fault(&outage, "outage us-east-1"));
        assert_ne!(fault(&outage, "outage use1"), fault(&Fault::crash(node).into(), "outage use1"));
    }
}
