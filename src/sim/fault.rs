//! Faults as data: values that can be scheduled, printed, generated, weakened and removed.
//!
//! [`World::inject`](super::World::inject) carries them out; `fault_log.rs` records which of them acted.

use std::fmt;
use std::time::Duration;

use crate::api::{Error, Operation};
use crate::control::authorization::IamAction;
use crate::control::environment::ExternalEvent;
use crate::control::message::{DelayRange, MessageKind};
use crate::region::Region;
use crate::types::{ClientId, NodeId};

pub use super::crash_point::{CrashPoint, Point, Written};

/// A failure to inject, or a repair.
///
/// The description of each kind says when it *acts*. A fault that never acts tests nothing, however green the run, and
/// a run warns about it.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Several faults at the same moment, injected in order. Each part has a [`FaultId`](super::fault_log::FaultId) of
    /// its own and acts, or does not act, independently of the others.
    All(Vec<Fault>),
    /// Installs a network rule, which stays until it is healed. The rule acts when it decides about a message: the
    /// message matches, the rule neither skips it nor spares it by its rate, and no earlier rule decided about it.
    Rule(Rule),
    /// Removes network rules. With two ends, it removes the rules between exactly these ends, in either direction.
    /// Without ends, it removes every rule, releases held messages, and ends every denial and injected error; nodes
    /// that are down stay down and clocks stay skewed. It acts when it removes a rule that could still apply (a rule
    /// that has applied `times` times could not) or, without ends, any of the others.
    Heal(Option<(NodeMatch, NodeMatch)>),
    /// Removes every rule that holds messages and sends the held messages on, subject to the remaining rules. It acts
    /// when a message was held.
    Release,
    /// Stops a node or a client.
    ///
    /// A node loses its memory, and with it every write that has not reached the disk, except those that `unfinished`
    /// keeps. The host answers later requests with a connection reset, so that clients retry at once. A node crashes
    /// when it reaches `moment`; a client always crashes immediately.
    ///
    /// A client abandons its calls: they end unknown and are not retried. Requests in flight are still delivered and
    /// carried out, and their answers are dropped. The calls that the client makes afterwards belong to its next
    /// process.
    ///
    /// It acts when it stops a node that is up, or a client with a call in flight.
    Crash {
        /// The node or client to stop.
        node: NodeId,
        /// The point in the node's work at which it stops.
        moment: CrashPoint,
        /// Whether writes in progress reach the disk. `None`: the world draws how many of them do.
        unfinished: Option<Unfinished>,
    },
    /// Starts a stopped node with the contents of its disk. For a client it does nothing. It acts when the node was
    /// down.
    Restart(NodeId),
    /// Stops both nodes of a Region, the control plane and the witness node, together with their hosts. In contrast to
    /// a crash, requests to them are not reset but vanish, so that a client waits for its time-out. It acts when it
    /// changes the state of one of the two nodes, be it from crashed to unreachable.
    Outage(Region),
    /// Sets a Region's wall clock ahead or back. Virtual time, and with it every timer, is unaffected; only the
    /// timestamps that the control plane writes are. A skew acts when a request that stamps a creation time arrives
    /// while the clock is wrong. A skew of 0 seconds repairs the clock, and acts when the clock was wrong.
    Skew {
        /// The Region whose clock is set.
        region: Region,
        /// The deviation in seconds: positive is ahead of true time.
        seconds: i64,
    },
    /// Denies an action to every caller in a Region, whatever the policies allow, or ends such a denial. A denial acts
    /// when it refuses a request or a remote check; its end acts when the action was denied.
    Deny {
        /// The Region in which the action is checked.
        region: Region,
        /// The action.
        action: IamAction,
        /// `true` begins the denial, `false` ends it.
        denied: bool,
    },
    /// An event in the environment of a Region's clusters: their connections or their encryption keys.
    ///
    /// A control plane that is down misses an event that has no lasting state (idle, connect). It finds a lasting state
    /// (disabled keys) when it starts again.
    ///
    /// It acts when a cluster changes because of it, now or, for disabled keys, later. Enabling keys also acts when
    /// the keys were disabled and no cluster used one.
    ExternalEvent {
        /// The Region of the clusters.
        region: Region,
        /// The event.
        event: ExternalEvent,
    },
    /// Answers requests with an error in front of the control plane, which never sees them: throttling and internal
    /// errors of the service's front end. It acts when a request gets the error.
    Refuse {
        /// The Region whose control plane the requests are addressed to.
        region: Region,
        /// The operation whose requests are refused; `None` refuses every operation.
        operation: Option<Operation>,
        /// The error to answer with.
        error: Error,
        /// The number of requests to refuse.
        times: u32,
    },
}

impl Fault {
    /// A crash that happens immediately and draws which writes in progress survive.
    #[must_use]
    pub fn crash(node: NodeId) -> Fault {
        Fault::Crash { node, moment: CrashPoint::Now, unfinished: None }
    }

    /// A crash after the node's `nth` write from now on (counted from 1) is durable, before any later effect leaves.
    #[must_use]
    pub fn crash_after_persist(node: NodeId, nth: u32) -> Fault {
        Fault::Crash { node, moment: CrashPoint::after_persist(nth), unfinished: None }
    }

    /// The elementary faults in it, in order: [`Fault::All`] is flattened.
    pub fn parts(&self) -> Box<dyn Iterator<Item = &Fault> + '_> {
        match self {
            Fault::All(faults) => Box::new(faults.iter().flat_map(Fault::parts)),
            fault => Box::new(std::iter::once(fault)),
        }
    }

    /// Sets the key of the draws of every rule in it.
    pub fn set_key(&mut self, key: u64) {
        match self {
            Fault::All(faults) => faults.iter_mut().for_each(|fault| fault.set_key(key)),
            Fault::Rule(rule) => rule.key = key,
            _ => {}
        }
    }

    /// A network partition between two Regions: every message is lost, in both directions, until the rule is healed.
    /// `key` keys the draws of the rule and differs from the key of every other rule.
    #[must_use]
    pub fn partition(one: Region, other: Region, key: u64) -> Fault {
        Fault::Rule(Rule { key, ..Rule::cut(NodeMatch::Region(one), NodeMatch::Region(other), true) })
    }
}

/// The fate of the writes that a crash interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// Every write that was begun reaches the disk. The caller still gets no answer, and a retry must find the result.
    Kept,
    /// No unfinished write reaches the disk. A retry must be able to start over.
    Lost,
}

/// A network rule: a pattern of messages, and the action that the network takes for them.
///
/// The first rule that applies to a message decides about it, in the order in which the rules were injected.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The key of the rule's draws: that of its step in a scenario, so that other steps do not change the draws.
    pub key: u64,
    /// The senders.
    pub from: NodeMatch,
    /// The recipients.
    pub to: NodeMatch,
    /// The kind of message.
    pub what: MessageMatch,
    /// Whether the rule also covers messages in the opposite direction.
    pub both_ways: bool,
    /// The number of matching messages that pass before the rule begins to apply. Counted down as they pass.
    pub skip: u32,
    /// The number of messages that the rule still applies to; `None` is every message.
    pub times: Option<u32>,
    /// The percentage of matching messages that the rule applies to, drawn for each message; `None` is every message.
    pub percent: Option<u8>,
    /// The action for a message that the rule applies to.
    pub action: RuleAction,
}

impl Rule {
    /// A rule that drops every message between two ends. Its key is 0, which is harmless: without a rate and with
    /// [`RuleAction::Drop`] a rule draws nothing.
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

    /// Whether the pattern matches such a message, regardless of `skip`, `times` and `percent`.
    #[must_use]
    pub fn matches(&self, from: NodeId, to: NodeId, what: MessageMatch) -> bool {
        let forth = self.from.includes(from) && self.to.includes(to);
        let back = self.both_ways && self.from.includes(to) && self.to.includes(from);
        (forth || back) && self.what.includes(what)
    }
}

/// The action of a network rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleAction {
    /// The message is lost. Its sender gets no notice, as on a real network.
    Drop,
    /// The message takes longer by an amount drawn from the range. A wide range reorders messages, because each draws
    /// its own amount.
    Delay(DelayRange),
    /// The message arrives, followed by this many copies, each up to 2 s later (drawn). A copy of a request is
    /// delivered as the same attempt: the control plane must recognize it.
    Duplicate(u16),
    /// The network keeps the message until [`Fault::Release`] or a general [`Fault::Heal`] sends it on.
    Hold,
    /// The message takes this many times its usual latency: a congested link, which keeps the order of messages
    /// mostly intact.
    Slow(u32),
}

/// A pattern for one end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeMatch {
    /// Every node and every client.
    Any,
    /// One client.
    Client(ClientId),
    /// The control plane and the witness node of a Region. Clients whose home is that Region are not included.
    Region(Region),
    /// The control plane of a Region.
    ControlPlane(Region),
    /// The witness node of a Region.
    Witness(Region),
}

impl NodeMatch {
    /// Whether the pattern matches `node`.
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

/// A pattern for the kind of a message; with an operation in it, also the exact kind of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageMatch {
    /// Every message.
    Anything,
    /// A request of a client: of one operation, or of any.
    Request(Option<Operation>),
    /// A response to a client: to one operation, or to any. A connection reset matches
    /// only the pattern for any operation.
    Response(Option<Operation>),
    /// A message of one kind between two nodes.
    Message(MessageKind),
}

impl MessageMatch {
    /// Whether the pattern matches a message of the exact kind `other`.
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

/// The longest time between a duplicated message and one of its copies.
pub(super) const DUPLICATE_WITHIN: Duration = Duration::from_secs(2);
