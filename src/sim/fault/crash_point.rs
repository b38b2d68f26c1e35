//! Crash points: steps in a node's work at which an injected crash stops it.
//!
//! A crash aimed at "before the reply to UpdateCluster" keeps its meaning when the scenario around it changes; a crash
//! aimed at a time does not.

use crate::api::{Operation, Tags};
use crate::control::message::Commit;
use crate::control::records::{Attached, Cluster, Stream};

use super::MessageMatch;

/// The time of an injected crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CrashPoint {
    /// Immediately. Writes in the outbox are interrupted wherever they are.
    Now,
    /// When the node reaches the point for the n-th time from now on, counted from 1. The count survives a crash and
    /// restart of the node in between.
    At(Point, u32),
}

impl CrashPoint {
    /// Before the node handles the `nth` message that matches.
    #[must_use]
    pub fn before_handling(what: MessageMatch, nth: u32) -> CrashPoint {
        CrashPoint::At(Point::BeforeHandling(what), nth)
    }

    /// During the node's `nth` write of any kind.
    #[must_use]
    pub fn during_persist(nth: u32) -> CrashPoint {
        CrashPoint::At(Point::Persisting(Written::Anything), nth)
    }

    /// After the node's `nth` write of any kind is durable.
    #[must_use]
    pub fn after_persist(nth: u32) -> CrashPoint {
        CrashPoint::At(Point::AfterPersisting(Written::Anything), nth)
    }

    /// A plainer point: the first time instead of a later one, then any message or write instead of a certain one.
    pub(super) fn plainer(self) -> Option<CrashPoint> {
        match self {
            CrashPoint::At(point, nth) if nth > 1 => Some(CrashPoint::At(point, 1)),
            CrashPoint::At(point, nth) => Some(CrashPoint::At(point.plainer()?, nth)),
            CrashPoint::Now => None,
        }
    }
}

/// A point in the work of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// The node has received a matching message and not yet handled it. The message is lost; its sender finds out by a
    /// time-out only.
    BeforeHandling(MessageMatch),
    /// The node is about to send a matching message, which never leaves. Everything that was persisted before it is
    /// durable already: a reply that is lost here reports a change that did happen.
    BeforeSending(MessageMatch),
    /// The node has sent a matching message, which is in flight, and none of the effects after it.
    AfterSending(MessageMatch),
    /// The node has decided on a matching write and not begun it. The write is lost, whatever
    /// [`Unfinished`](super::Unfinished) says.
    BeforePersisting(Written),
    /// The node has begun a matching write and not finished it. `unfinished` decides whether it reaches the disk.
    Persisting(Written),
    /// A matching write is durable and none of the effects after it has left: the caller does not know yet.
    AfterPersisting(Written),
}

/// A pattern for a write to a node's disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Written {
    /// Every write.
    Anything,
    /// A write caused by a request for this operation, including one that had to wait for remote checks. Writes
    /// without a request behind them (a timer's change of status, an acceptor's promise) do not match.
    For(Operation),
    /// A write that creates, changes or removes a cluster's record.
    Cluster,
    /// A write that records a client token with its answer.
    Token,
    /// A write of a link register's acceptor: a promise or an acceptance.
    Link,
    /// A write that creates, changes or removes a stream. It is a write of the cluster's record too.
    Stream,
    /// A write that attaches, replaces or removes a cluster's resource policy.
    Policy,
    /// A write that changes a cluster's tags after its creation.
    Tags,
}

/// A step in a node's work, compared with the points of the crashes that wait for it.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) enum NodeActivity<'a> {
    /// The node is about to handle a message.
    Handles(MessageMatch),
    /// The node is about to send a message.
    Sends(MessageMatch),
    /// The node has sent a message.
    Sent(MessageMatch),
    /// A write is at a stage. The operation is that of the request that caused the write, if one did.
    Persists(Stage, &'a Commit, Option<Operation>),
}

/// The stage of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Stage {
    /// Decided, not begun.
    Before,
    /// Begun, not finished.
    During,
    /// Durable.
    After,
}

impl Written {
    /// The patterns that go by the content of a write, with their spelling in scenario files.
    pub const HOLDINGS: [(&'static str, Written); 6] = [
        ("cluster", Written::Cluster),
        ("token", Written::Token),
        ("link", Written::Link),
        ("stream", Written::Stream),
        ("policy", Written::Policy),
        ("tags", Written::Tags),
    ];

    fn includes(self, commit: &Commit, operation: Option<Operation>) -> bool {
        let before = commit.before.cluster.as_deref();
        let after = commit.batch.cluster.as_ref().and_then(|(_, _, after)| after.as_deref());
        match self {
            Written::Anything => true,
            Written::For(wanted) => operation == Some(wanted),
            Written::Cluster => commit.batch.cluster.is_some(),
            Written::Token => commit.batch.token.is_some(),
            Written::Link => commit.batch.register.is_some(),
            Written::Stream => streams(before) != streams(after),
            Written::Policy => policies(before) != policies(after),
            Written::Tags => tags(before) != tags(after),
        }
    }
}

fn streams(cluster: Option<&Cluster>) -> &[Stream] {
    cluster.map_or(&[], Cluster::streams)
}

/// The version of the last policy and whether it is attached. The policies themselves need not be compared: each has a
/// version of its own.
fn policies(cluster: Option<&Cluster>) -> (u64, bool) {
    let attached: Option<&Attached> = cluster.and_then(|cluster| cluster.attached.as_deref());
    attached.map_or((0, false), |attached| (attached.policy_version, attached.policy.is_some()))
}

fn tags(cluster: Option<&Cluster>) -> Option<&Tags> {
    cluster.and_then(|cluster| cluster.tags.as_ref())
}

impl Point {
    /// The point for any message or write, if this one is for a certain one.
    fn plainer(self) -> Option<Point> {
        let plain = match self {
            Point::BeforeHandling(MessageMatch::Request(Some(_))) => {
                Point::BeforeHandling(MessageMatch::Request(None))
            }
            Point::BeforeSending(MessageMatch::Response(Some(_))) => {
                Point::BeforeSending(MessageMatch::Response(None))
            }
            Point::AfterSending(MessageMatch::Response(Some(_))) => {
                Point::AfterSending(MessageMatch::Response(None))
            }
            Point::BeforePersisting(_) => Point::BeforePersisting(Written::Anything),
            Point::Persisting(_) => Point::Persisting(Written::Anything),
            Point::AfterPersisting(_) => Point::AfterPersisting(Written::Anything),
            point => point,
        };
        (plain != self).then_some(plain)
    }

    /// Whether a node whose next step is `activity` has reached the point.
    pub(in crate::sim) fn is_reached_by(self, activity: NodeActivity<'_>) -> bool {
        match (self, activity) {
            (Point::BeforeHandling(what), NodeActivity::Handles(that))
            | (Point::BeforeSending(what), NodeActivity::Sends(that))
            | (Point::AfterSending(what), NodeActivity::Sent(that)) => what.includes(that),
            (Point::BeforePersisting(written), NodeActivity::Persists(Stage::Before, commit, operation))
            | (Point::Persisting(written), NodeActivity::Persists(Stage::During, commit, operation))
            | (Point::AfterPersisting(written), NodeActivity::Persists(Stage::After, commit, operation)) => {
                written.includes(commit, operation)
            }
            _ => false,
        }
    }
}
