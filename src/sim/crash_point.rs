//! Crashes aimed by meaning: at what a node handles, sends or writes.

use crate::api::{Operation, Tags};
use crate::control::attached::{Attached, Stream};
use crate::control::cluster::Cluster;
use crate::control::message::Commit;

use super::fault::MessageMatch;

/// When a crash falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// At once.
    Now,
    /// When the node comes to this point for the so-manieth time from now on, counted from 1.
    At(Point, u32),
}

impl CrashPoint {
    /// When the node is about to handle the `nth` such message.
    #[must_use]
    pub fn before_handling(what: MessageMatch, nth: u32) -> CrashPoint {
        CrashPoint::At(Point::BeforeHandling(what), nth)
    }

    /// When the node has begun its `nth` write, whatever it is.
    #[must_use]
    pub fn during_persist(nth: u32) -> CrashPoint {
        CrashPoint::At(Point::Persisting(Written::Anything), nth)
    }

    /// When the node's `nth` write, whatever it is, is durable.
    #[must_use]
    pub fn after_persist(nth: u32) -> CrashPoint {
        CrashPoint::At(Point::AfterPersisting(Written::Anything), nth)
    }
}

/// A point in what a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// It is about to handle such a message, which is lost.
    BeforeHandling(MessageMatch),
    /// It is about to send such a message, which is not sent.
    BeforeSending(MessageMatch),
    /// It has sent such a message, and done nothing behind it.
    AfterSending(MessageMatch),
    /// It is about to make such a write, which is not begun.
    BeforePersisting(Written),
    /// It has begun such a write, which is not finished.
    Persisting(Written),
    /// Such a write is durable, and nothing behind it has left.
    AfterPersisting(Written),
}

/// What a write is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Anything.
    Anything,
    /// A write that is made while a call of this operation is carried out.
    For(Operation),
    /// A write of a cluster's record, or its removal.
    Cluster,
    /// A write that remembers a client token.
    Token,
    /// A write of a link register's acceptor.
    Link,
    /// A write that makes, changes or removes a stream.
    Stream,
    /// A write that attaches, changes or removes a cluster's policy.
    Policy,
    /// A write that changes a cluster's tags.
    Tags,
}

/// Something that a node does, and that a crash may be waiting for.
#[derive(Clone, Copy, Debug)]
pub(super) enum NodeActivity<'a> {
    /// A message is about to be handled.
    Handles(MessageMatch),
    /// A message is about to be sent.
    Sends(MessageMatch),
    /// A message was sent.
    Sent(MessageMatch),
    /// A write is about to be made, for a call of the operation if one is carried out.
    Persists(Stage, &'a Commit, Option<Operation>),
}

/// How far a write is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not begun.
    Undo,
    /// Begun.
    During,
    /// Durable.
    After,
}

impl Written {
    /// The writes that are told apart by what they hold, and how each is written.
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

/// How many policies there have been, and whether there is one.
fn policies(cluster: Option<&Cluster>) -> (u64, bool) {
    let attached: Option<&Attached> = cluster.and_then(|cluster| cluster.attached.as_deref());
    attached.map_or((0, false), |attached| (attached.policies, attached.policy.is_some()))
}

fn tags(cluster: Option<&Cluster>) -> Option<&Tags> {
    cluster.and_then(|cluster| cluster.tags.as_ref())
}

impl Point {
    /// Whether a node that does `doing` is there.
    pub(super) fn is_met_by(self, doing: NodeActivity<'_>) -> bool {
        match (self, doing) {
            (Point::BeforeHandling(what), NodeActivity::Handles(that))
            | (Point::BeforeSending(what), NodeActivity::Sends(that))
            | (Point::AfterSending(what), NodeActivity::Sent(that)) => what.includes(that),
            (Point::BeforePersisting(written), NodeActivity::Persists(Stage::Undo, commit, operation))
            | (Point::Persisting(written), NodeActivity::Persists(Stage::During, commit, operation))
            | (Point::AfterPersisting(written), NodeActivity::Persists(Stage::After, commit, operation)) => {
                written.includes(commit, operation)
            }
            _ => false,
        }
    }
}
