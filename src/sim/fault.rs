//! Faults as data: what can go wrong in a world, said in values that can be scheduled, printed, generated and
//! removed.

use std::time::Duration;

use crate::api::{Error, Operation};
use crate::control::authorization::Action;
use crate::control::message::{MessageKind, Span};
use crate::control::outside::Shift;
use crate::region::Region;
use crate::types::{ClientId, NodeId};

/// Something that goes wrong, or is put right.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Several at once, in order.
    All(Vec<Fault>),
    /// Messages that match are treated as the rule says.
    Rule(Rule),
    /// Rules between these two parties, in either direction, end; with no parties, all rules end, what was held is
    /// released, and every denial and injected error ends.
    Heal(Option<(Party, Party)>),
    /// Messages that a rule holds back go on their way.
    Release,
    /// A node stops: what it had in memory is lost.
    Crash {
        /// Which.
        node: NodeId,
        /// When.
        moment: Moment,
        /// What becomes of a write that is not finished; drawn if not said.
        unfinished: Option<Unfinished>,
    },
    /// A node starts again with what its storage holds.
    Restart(NodeId),
    /// A Region's control plane and witness node stop together.
    Outage(Region),
    /// A Region's wall clock goes wrong by so many seconds.
    Skew {
        /// Whose clock.
        region: Region,
        /// By how much: ahead, if positive.
        seconds: i64,
    },
    /// An action is denied in a Region, or allowed again.
    Deny {
        /// Where it is checked.
        region: Region,
        /// What.
        action: Action,
        /// Denied, or allowed again.
        denied: bool,
    },
    /// Something comes over the clusters of a Region. Its control plane, if it is down, does not hear of an event, and
    /// meets a fact when it starts.
    Shift {
        /// Whose clusters.
        region: Region,
        /// What.
        shift: Shift,
    },
    /// Requests are answered with an error before the control plane sees them.
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
        Fault::Crash { node, moment: Moment::Now, unfinished: None }
    }

    /// A node stops when its `nth` write from now on, counted from 1, is durable and nothing behind it has left.
    #[must_use]
    pub fn crash_after_persist(node: NodeId, nth: u32) -> Fault {
        Fault::Crash { node, moment: Moment::AfterPersist(nth), unfinished: None }
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
        Fault::Rule(Rule { key, ..Rule::cut(Party::Region(one), Party::Region(other), true) })
    }
}

/// When a crash falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// At once.
    Now,
    /// When the node is about to handle the `nth` message of this kind from now on; the message is lost.
    Before(What, u32),
    /// When the node has begun its `nth` write from now on, which is not finished.
    DuringPersist(u32),
    /// When the node's `nth` write from now on is durable, and nothing behind it has left.
    AfterPersist(u32),
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
    pub from: Party,
    /// To whom.
    pub to: Party,
    /// What is sent.
    pub what: What,
    /// Also in the other direction.
    pub both_ways: bool,
    /// How many matching messages are let through first.
    pub skip: u32,
    /// How many messages it applies to; `None` is all.
    pub times: Option<u32>,
    /// In how many of a hundred messages it applies, drawn for each.
    pub percent: Option<u8>,
    /// What is done.
    pub verdict: Verdict,
}

impl Rule {
    /// Every message is lost. Its draws, of which it makes none, are not keyed yet.
    #[must_use]
    pub fn cut(from: Party, to: Party, both_ways: bool) -> Rule {
        Rule {
            key: 0,
            from,
            to,
            what: What::Anything,
            both_ways,
            skip: 0,
            times: None,
            percent: None,
            verdict: Verdict::Drop,
        }
    }
}

/// What happens to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It never arrives.
    Drop,
    /// It takes longer by so much; a drawn amount reorders messages.
    Delay(Span),
    /// It arrives, and so many copies of it, each a drawn while later.
    Duplicate(u16),
    /// It waits until released.
    Hold,
    /// The link takes so many times as long as usual.
    Slow(u32),
}

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
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

impl Party {
    /// Whether `node` is (one of) this party.
    #[must_use]
    pub fn includes(self, node: NodeId) -> bool {
        match self {
            Party::Any => true,
            Party::Client(client) => node == NodeId::Client(client),
            Party::Region(region) => node.region() == Some(region),
            Party::ControlPlane(region) => node == NodeId::ControlPlane(region),
            Party::Witness(region) => node == NodeId::Witness(region),
        }
    }
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Anything.
    Anything,
    /// A request: of one operation, or any.
    Request(Option<Operation>),
    /// The answer to a request: of one operation, or any.
    Response(Option<Operation>),
    /// A message between nodes of one kind.
    Message(MessageKind),
}

impl What {
    /// Whether a message of kind `other`, always fully said, is one of these.
    #[must_use]
    pub fn includes(self, other: What) -> bool {
        match (self, other) {
            (What::Anything, _) => true,
            (What::Request(None), What::Request(_)) | (What::Response(None), What::Response(_)) => true,
            (mine, other) => mine == other,
        }
    }
}

/// How much later than the original the copies of a duplicated message arrive, at most.
pub(super) const DUPLICATE_WITHIN: Duration = Duration::from_secs(2);
