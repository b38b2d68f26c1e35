//! Faults as data: what can go wrong in a world, said in values that can be scheduled, printed, generated and
//! removed.

use std::fmt;
use std::time::Duration;

use crate::api::{Error, Operation};
use crate::control::authorization::IamAction;
use crate::control::environment::ExternalEvent;
use crate::control::message::{DelayRange, MessageKind};
use crate::region::Region;
use crate::types::{ClientId, NodeId};

pub use super::crash_point::{CrashPoint, Point, Written};

/// Something that goes wrong, or is put right.
///
/// Each kind says when it *acts*: a fault that never does tests nothing, and a run tells of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Several at once, in order. Each acts, or not, by itself.
    All(Vec<Fault>),
    /// Messages that match are treated as the rule says. It acts when it decides of a message: one that matches, that
    /// it does not skip, that its rate does not spare, and of which no rule before it decided.
    Rule(Rule),
    /// Rules between these two parties, in either direction, end; with no parties, all rules end, what was held is
    /// released, and every denial and injected error ends. It acts when there is such a rule that may yet apply (one
    /// that has applied `times` times may not), or, with no parties, any of the others.
    Heal(Option<(NodeMatch, NodeMatch)>),
    /// Messages that a rule holds back go on their way. It acts when there is such a message.
    Release,
    /// A node stops: what it had in memory is lost. A client stops: its calls end unknown and are not tried again,
    /// what the network has of them goes on its way, and no answer reaches it; its later calls are those of its next
    /// life. It acts when it stops a node that is up, or a client with a call in flight.
    Crash {
        /// Which.
        node: NodeId,
        /// When.
        moment: CrashPoint,
        /// What becomes of a write that is not finished; drawn if not said.
        unfinished: Option<Unfinished>,
    },
    /// A node starts again with what its storage holds. It acts when the node was stopped.
    Restart(NodeId),
    /// A Region's control plane and witness node stop together. It acts when one of them was up, or said that nobody
    /// listens.
    Outage(Region),
    /// A Region's wall clock goes wrong by so many seconds. It acts when a request that stamps a creation time comes
    /// while the clock is wrong; put right by 0 seconds, when the clock was wrong.
    Skew {
        /// Whose clock.
        region: Region,
        /// By how much: ahead, if positive.
        seconds: i64,
    },
    /// An action is denied in a Region, or allowed again. A denial acts when something is refused by it; permission
    /// acts when the action was denied.
    Deny {
        /// Where it is checked.
        region: Region,
        /// What.
        action: IamAction,
        /// Denied, or allowed again.
        denied: bool,
    },
    /// Something comes over the clusters of a Region. Its control plane, if it is down, does not hear of an event, and
    /// meets a fact when it starts.
    /// It acts when a cluster changes by it, or has a key that it disables, now or later; keys are enabled also when
    /// they were disabled, whether a cluster had any or not.
    ExternalEvent {
        /// Whose clusters.
        region: Region,
        /// What.
        event: ExternalEvent,
    },
    /// Requests are answered with an error before the control plane sees them. It acts when one is.
    Refuse {
        /// By which Region's control plane.
        region: Region,
        /// Which; `None` is all.
        operation: Option<Operation>,
        /// With what.
        error: Error,
        /// How many of them.
        times: u32,
    },
}

impl Fault {
    /// A node stops at once.
    #[must_use]
    pub fn crash(node: NodeId) -> Fault {
        Fault::Crash { node, moment: CrashPoint::Now, unfinished: None }
    }

    /// A node stops when its `nth` write from now on, counted from 1, is durable and nothing behind it has left.
    #[must_use]
    pub fn crash_after_persist(node: NodeId, nth: u32) -> Fault {
        Fault::Crash { node, moment: CrashPoint::after_persist(nth), unfinished: None }
    }

    /// The faults that it consists of, none of which consists of several.
    pub fn parts(&self) -> Box<dyn Iterator<Item = &Fault> + '_> {
        match self {
            Fault::All(faults) => Box::new(faults.iter().flat_map(Fault::parts)),
            fault => Box::new(std::iter::once(fault)),
        }
    }

    /// Keys the draws of every rule in it.
    pub fn set_key(&mut self, key: u64) {
        match self {
            Fault::All(faults) => faults.iter_mut().for_each(|fault| fault.set_key(key)),
            Fault::Rule(rule) => rule.key = key,
            _ => {}
        }
    }

    /// Every message between two Regions is lost, in both directions, until healed. `key` is what its draws are
    /// keyed by: unlike that of any other rule.
    #[must_use]
    pub fn partition(one: Region, other: Region, key: u64) -> Fault {
        Fault::Rule(Rule { key, ..Rule::cut(NodeMatch::Region(one), NodeMatch::Region(other), true) })
    }
}

/// What becomes of a write that a crash interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// It reached the disk.
    Kept,
    /// It did not.
    Lost,
}

/// How messages that match a pattern are treated.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What the rule's draws are keyed by: its step's key, so that other steps do not change them.
    pub key: u64,
    /// Who sends.
    pub from: NodeMatch,
    /// To whom.
    pub to: NodeMatch,
    /// What is sent.
    pub what: MessageMatch,
    /// Also in the other direction.
    pub both_ways: bool,
    /// How many matching messages are let through first.
    pub skip: u32,
    /// How many messages it applies to; `None` is all.
    pub times: Option<u32>,
    /// In how many of a hundred messages it applies, drawn for each.
    pub percent: Option<u8>,
    /// What is done.
    pub action: RuleAction,
}

impl Rule {
    /// Every message is lost. Its draws, of which it makes none, are not keyed yet.
    #[must_use]
    pub fn cut(from: NodeMatch, to: NodeMatch, both_ways: bool) -> Rule {
        Rule {
            key: 0,
            from,
            to,
            what: MessageMatch::Anything,
            both_ways,
            skip: 0,
            times: None,
            percent: None,
            action: RuleAction::Drop,
        }
    }

    /// Whether it is about such a message. How many it skips, and how many it applies to, is another question.
    #[must_use]
    pub fn matches(&self, from: NodeId, to: NodeId, what: MessageMatch) -> bool {
        let forth = self.from.includes(from) && self.to.includes(to);
        let back = self.both_ways && self.from.includes(to) && self.to.includes(from);
        (forth || back) && self.what.includes(what)
    }
}

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleAction {
    /// It never arrives.
    Drop,
    /// It takes longer by so much; a drawn amount reorders messages.
    Delay(DelayRange),
    /// It arrives, and so many copies of it, each a drawn while later.
    Duplicate(u16),
    /// It waits until released.
    Hold,
    /// The link takes so many times as long as usual.
    Slow(u32),
}

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeMatch {
    /// Anybody.
    Any,
    /// A client.
    Client(ClientId),
    /// Both nodes of a Region.
    Region(Region),
    /// The control plane of a Region.
    ControlPlane(Region),
    /// The witness node of a Region.
    Witness(Region),
}

impl NodeMatch {
    /// Whether `node` is (one of) this party.
    #[must_use]
    pub fn includes(self, node: NodeId) -> bool {
        match self {
            NodeMatch::Any => true,
            NodeMatch::Client(client) => node == NodeId::Client(client),
            NodeMatch::Region(region) => node.region() == Some(region),
            NodeMatch::ControlPlane(region) => node == NodeId::ControlPlane(region),
            NodeMatch::Witness(region) => node == NodeId::Witness(region),
        }
    }
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageMatch {
    /// Anything.
    Anything,
    /// A request: of one operation, or any.
    Request(Option<Operation>),
    /// The answer to a request: of one operation, or any.
    Response(Option<Operation>),
    /// A message between nodes of one kind.
    Message(MessageKind),
}

impl MessageMatch {
    /// Whether a message of kind `other`, always fully said, is one of these.
    #[must_use]
    pub fn includes(self, other: MessageMatch) -> bool {
        match (self, other) {
            (MessageMatch::Anything, _) => true,
            (MessageMatch::Request(None), MessageMatch::Request(_))
            | (MessageMatch::Response(None), MessageMatch::Response(_)) => true,
            (mine, other) => mine == other,
        }
    }
}

impl fmt::Display for MessageMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MessageMatch::Anything => f.write_str("anything"),
            MessageMatch::Request(None) => f.write_str("a request"),
            MessageMatch::Response(None) => f.write_str("an answer"),
            MessageMatch::Request(Some(operation)) => write!(f, "{operation}"),
            MessageMatch::Response(Some(operation)) => write!(f, "the answer to {operation}"),
            MessageMatch::Message(kind) => f.write_str(kind.name()),
        }
    }
}

/// How much later than the original the copies of a duplicated message arrive, at most.
pub(super) const DUPLICATE_WITHIN: Duration = Duration::from_secs(2);
