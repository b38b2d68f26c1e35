//! Faults that read as a sentence: `Fault::drop(node, client).response_of(Operation::CreateCluster).times(1)`.

use std::time::Duration;

use crate::api::{Error, Operation};
use crate::control::authorization::IamAction;
use crate::control::message::{DelayRange, MessageKind};
use crate::region::Region;
use crate::types::{ClientId, NodeId};

use super::{
    Crash, CrashPoint, Deny, Fault, Heal, MessageMatch, NodeMatch, Point, Refuse, Release, Rule, RuleAction,
    Skew, Unfinished, Written,
};

/// Constructors.
///
/// Those of network rules return a [`Rule`], which applies to every message from the one end to the other until it is
/// healed, unless its methods say otherwise. The ends are nodes, clients or whole Regions.
impl Fault {
    /// A rule that loses messages.
    ///
    /// ```
    /// use dsql_sim::prelude::*;
    ///
    /// # fn main() -> Result<(), CallError> {
    /// let mut sim = Simulation::new(Options::new(42));
    /// let ops = sim.client("ops").id();
    /// sim.inject(Fault::drop(Region::US_EAST_1, ops).response_of(Operation::CreateCluster).times(1))?;
    /// let lost = sim.client("ops").create_cluster(Region::US_EAST_1).attempts(1).send();
    /// assert_eq!(lost, Err(CallError::Unknown));
    /// assert_eq!(sim.world().clusters(Region::US_EAST_1).count(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn drop(from: impl Into<NodeMatch>, to: impl Into<NodeMatch>) -> Rule {
        Rule::cut(from.into(), to.into(), false)
    }

    /// A rule that delays messages by a time from `least` to `most`, drawn for each.
    pub fn delay(
        from: impl Into<NodeMatch>,
        to: impl Into<NodeMatch>,
        least: Duration,
        most: Duration,
    ) -> Rule {
        Rule { action: RuleAction::Delay(DelayRange { min: least, max: most }), ..Fault::drop(from, to) }
    }

    /// A rule that delivers each message, and then this many `copies` of it.
    pub fn duplicate(from: impl Into<NodeMatch>, to: impl Into<NodeMatch>, copies: u16) -> Rule {
        Rule { action: RuleAction::Duplicate(copies), ..Fault::drop(from, to) }
    }

    /// A rule that keeps messages until [`Fault::release`].
    pub fn hold(from: impl Into<NodeMatch>, to: impl Into<NodeMatch>) -> Rule {
        Rule { action: RuleAction::Hold, ..Fault::drop(from, to) }
    }

    /// A rule that multiplies the latency of messages by `factor`.
    pub fn slow(from: impl Into<NodeMatch>, to: impl Into<NodeMatch>, factor: u32) -> Rule {
        Rule { action: RuleAction::Slow(factor), ..Fault::drop(from, to) }
    }

    /// A partition between two Regions: a rule that loses every message, in both directions.
    pub fn partition(one: Region, other: Region) -> Rule {
        Fault::drop(one, other).both_ways()
    }

    /// A crash of a node or a client: now, unless a method of [`Crash`] says when. The world draws which of the writes
    /// in progress reach the disk, unless a method says so.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use dsql_sim::prelude::*;
    ///
    /// # fn main() -> Result<(), CallError> {
    /// let mut sim = Simulation::new(Options::new(42));
    /// let node = NodeId::ControlPlane(Region::US_EAST_1);
    /// sim.inject(Fault::crash(node).after_persist(Operation::CreateCluster))?;
    /// sim.inject_in(Duration::from_secs(2), Fault::restart(node));
    /// // The cluster is stored and not answered; the client's next attempt gets the same cluster.
    /// let created = sim.client("ops").create_cluster(Region::US_EAST_1).send()?;
    /// assert!(sim.cluster(created.arn).is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn crash(node: impl Into<NodeId>) -> Crash {
        Crash { node: node.into(), moment: CrashPoint::Now, unfinished: None }
    }

    /// Sends held messages on, and ends the rules that hold them.
    #[must_use]
    pub fn release() -> Fault {
        Fault::Release(Release)
    }

    /// Ends every rule, denial and injected error. Nodes that are down stay down, and clocks stay wrong.
    #[must_use]
    pub fn heal_all() -> Fault {
        Fault::Heal(Heal { between: None })
    }

    /// Sets a Region's wall clock ahead, or back if `seconds` is negative. 0 repairs it.
    #[must_use]
    pub fn skew(region: Region, seconds: i64) -> Fault {
        Fault::Skew(Skew { region, seconds })
    }

    /// Denies an action to every caller in a Region.
    #[must_use]
    pub fn deny(region: Region, action: IamAction) -> Fault {
        Fault::Deny(Deny { region, action, denied: true })
    }

    /// Ends the denial of an action.
    #[must_use]
    pub fn allow(region: Region, action: IamAction) -> Fault {
        Fault::Deny(Deny { region, action, denied: false })
    }

    /// Answers the next requests for an operation, or for any with `None`, with `error`; `times` of them.
    pub fn refuse(
        region: Region,
        operation: impl Into<Option<Operation>>,
        error: Error,
        times: u32,
    ) -> Refuse {
        Refuse { key: 0, region, operation: operation.into(), error, times, percent: None }
    }
}

impl Refuse {
    /// Refuses this percentage of the requests, drawn for each.
    pub fn percent(self, percent: u8) -> Refuse {
        Refuse { percent: Some(percent), ..self }
    }
}

/// Conditions. Each returns the rule with the condition added.
impl Rule {
    /// Applies to requests for `operation` only.
    pub fn request_of(self, operation: Operation) -> Rule {
        Rule { what: MessageMatch::Request(Some(operation)), ..self }
    }

    /// Applies to requests only.
    pub fn requests(self) -> Rule {
        Rule { what: MessageMatch::Request(None), ..self }
    }

    /// Applies to responses to `operation` only.
    pub fn response_of(self, operation: Operation) -> Rule {
        Rule { what: MessageMatch::Response(Some(operation)), ..self }
    }

    /// Applies to responses only.
    pub fn responses(self) -> Rule {
        Rule { what: MessageMatch::Response(None), ..self }
    }

    /// Applies to one kind of message between nodes only.
    pub fn message(self, kind: MessageKind) -> Rule {
        Rule { what: MessageMatch::Message(kind), ..self }
    }

    /// Applies in the opposite direction as well.
    pub fn both_ways(self) -> Rule {
        Rule { both_ways: true, ..self }
    }

    /// Lets the first `messages` matching messages pass.
    pub fn skip(self, messages: u32) -> Rule {
        Rule { skip: messages, ..self }
    }

    /// Applies to this many messages.
    pub fn times(self, messages: u32) -> Rule {
        Rule { times: Some(messages), ..self }
    }

    /// Applies to this percentage of the messages, drawn for each.
    pub fn percent(self, percent: u8) -> Rule {
        Rule { percent: Some(percent), ..self }
    }
}

/// Moments and outcomes. A point is that of the first matching step unless [`nth`](Crash::nth) says which.
impl Crash {
    /// Before the node handles a matching message, which is lost.
    pub fn before_handling(self, what: impl Into<MessageMatch>) -> Crash {
        self.at(Point::BeforeHandling(what.into()))
    }

    /// Before the node sends a matching message. Everything that was written before is durable.
    pub fn before_sending(self, what: impl Into<MessageMatch>) -> Crash {
        self.at(Point::BeforeSending(what.into()))
    }

    /// After the node has sent a matching message.
    pub fn after_sending(self, what: impl Into<MessageMatch>) -> Crash {
        self.at(Point::AfterSending(what.into()))
    }

    /// Before the node begins a matching write, which is lost.
    pub fn before_persist(self, written: impl Into<Written>) -> Crash {
        self.at(Point::BeforePersisting(written.into()))
    }

    /// During a matching write.
    pub fn during_persist(self, written: impl Into<Written>) -> Crash {
        self.at(Point::Persisting(written.into()))
    }

    /// After a matching write is durable and before its caller gets an answer.
    pub fn after_persist(self, written: impl Into<Written>) -> Crash {
        self.at(Point::AfterPersisting(written.into()))
    }

    /// When the point is reached for the n-th time from now on, counted from 1. A crash now has no other time.
    pub fn nth(self, nth: u32) -> Crash {
        let moment = match self.moment {
            CrashPoint::Now => CrashPoint::Now,
            CrashPoint::At(point, _) => CrashPoint::At(point, nth),
        };
        Crash { moment, ..self }
    }

    /// Every write that was begun reaches the disk.
    pub fn keeping_unfinished(self) -> Crash {
        Crash { unfinished: Some(Unfinished::Kept), ..self }
    }

    /// No unfinished write reaches the disk.
    pub fn losing_unfinished(self) -> Crash {
        Crash { unfinished: Some(Unfinished::Lost), ..self }
    }

    fn at(self, point: Point) -> Crash {
        Crash { moment: CrashPoint::At(point, 1), ..self }
    }
}

impl From<Crash> for Fault {
    fn from(crash: Crash) -> Fault {
        Fault::Crash(crash)
    }
}

impl From<Rule> for Fault {
    fn from(rule: Rule) -> Fault {
        Fault::Rule(rule)
    }
}

impl From<Refuse> for Fault {
    fn from(refuse: Refuse) -> Fault {
        Fault::Refuse(refuse)
    }
}

impl From<Region> for NodeMatch {
    fn from(region: Region) -> NodeMatch {
        NodeMatch::Region(region)
    }
}

impl From<ClientId> for NodeMatch {
    fn from(client: ClientId) -> NodeMatch {
        NodeMatch::Client(client)
    }
}

impl From<ClientId> for NodeId {
    fn from(client: ClientId) -> NodeId {
        NodeId::Client(client)
    }
}

impl From<MessageKind> for MessageMatch {
    fn from(kind: MessageKind) -> MessageMatch {
        MessageMatch::Message(kind)
    }
}

impl From<Operation> for Written {
    fn from(operation: Operation) -> Written {
        Written::For(operation)
    }
}
