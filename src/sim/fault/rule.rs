//! Network rules: messages that are dropped, delayed, duplicated, held or slowed. A partition is a rule that drops all.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use crate::control::message::DelayRange;
use crate::rng::{self, Purpose, mix};
use crate::sim::World;
use crate::sim::network::{Envelope, Fate};
use crate::types::{ClientId, NodeId};

use super::{Fault, FaultBehaviour, FaultId, FaultKind, Heal, MessageMatch, NodeMatch, Release, is_drawn};

/// A network rule: a pattern of messages, and the action that the network takes for them. It stays until it is healed.
///
/// The first rule that applies to a message decides about it, in the order in which the rules were injected. A rule
/// acts when it decides about a message: the message matches, the rule neither skips it nor spares it by its rate, and
/// no earlier rule decided about it.
///
/// ```
/// use dsql_sim::prelude::*;
///
/// // Half of the requests of any client to one control plane are lost, once ten have passed.
/// let node = NodeId::ControlPlane(Region::EU_WEST_1);
/// let rule = Fault::drop(NodeMatch::Any, node).requests().skip(10).percent(50);
/// let request = MessageMatch::Request(Some(Operation::GetCluster));
/// assert!(rule.matches(NodeId::Client(ClientId(0)), node, request));
///
/// let mut sim = Simulation::new(Options::new(42));
/// sim.inject(rule)?;
/// # Ok::<(), Violation>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a rule does nothing until it is injected"]
pub struct Rule {
    /// The key of the rule's draws: that of its step in a scenario, so that other steps do not change the draws. A
    /// [`Simulation`](crate::Simulation) replaces 0 by a key of its own making.
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

// The key is that of the step, which is computed from this hash.
impl Hash for Rule {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Rule { key: _, from, to, what, both_ways, skip, times, percent, action } = self;
        (from, to, what, both_ways, skip, times, percent, action).hash(state);
    }
}

impl Rule {
    /// A rule that drops every message between two ends. Its key is 0, which is harmless: without a rate and with
    /// [`RuleAction::Drop`] a rule draws nothing.
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

    /// Whether the rule drops every message on its link.
    #[must_use]
    pub fn is_partition(&self) -> bool {
        let is_general =
            self.what == MessageMatch::Anything && self.times.is_none() && self.percent.is_none();
        is_general && self.action == RuleAction::Drop
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleAction {
    /// The message is lost. Its sender gets no notice, as on a real network.
    Drop,
    /// The message takes longer by an amount drawn from the range. A wide range reorders messages, because each draws
    /// its own amount.
    Delay(DelayRange),
    /// The message arrives, followed by this many copies, each up to 2 s later (drawn). A copy of a request is
    /// delivered as the same attempt: the control plane must recognize it.
    Duplicate(u16),
    /// The network keeps the message until [`Release`](super::Release) or a general [`Heal`] sends it on.
    Hold,
    /// The message takes this many times its usual latency: a congested link, which keeps the order of messages
    /// mostly intact.
    Slow(u32),
}

impl FaultBehaviour for Rule {
    fn inject(&self, world: &mut World, id: FaultId) -> bool {
        world.network.add(id, self.clone());
        false
    }

    fn kind(&self) -> Option<FaultKind> {
        Some(match self.action {
            RuleAction::Drop if self.is_partition() => FaultKind::Partition,
            RuleAction::Drop => FaultKind::Drop,
            RuleAction::Delay(_) => FaultKind::Delay,
            RuleAction::Duplicate(_) => FaultKind::Duplicate,
            RuleAction::Hold => FaultKind::Hold,
            RuleAction::Slow(_) => FaultKind::Slow,
        })
    }

    fn end(&self) -> Option<Fault> {
        Some(match self.action {
            // Healing the link would remove the rule, and the messages held so far would stay held.
            RuleAction::Hold => Fault::Release(Release),
            _ => Fault::Heal(Heal { between: Some((self.from, self.to)) }),
        })
    }

    fn weaker(&self) -> Vec<Fault> {
        let mut all = Vec::new();
        let mut add = |change: &dyn Fn(&mut Rule)| {
            let mut weaker = self.clone();
            change(&mut weaker);
            all.push(Fault::Rule(weaker));
        };
        if self.action == RuleAction::Drop {
            let second = Duration::from_secs(1);
            add(&|rule| rule.action = RuleAction::Delay(DelayRange { min: second, max: second }));
        }
        if self.times != Some(1) {
            add(&|rule| rule.times = Some(1));
        }
        if self.both_ways {
            add(&|rule| rule.both_ways = false);
        }
        if self.skip > 0 {
            add(&|rule| rule.skip = 0);
        }
        if self.percent.is_some() {
            add(&|rule| rule.percent = None);
        }
        if let Some(action) = self.action.weaker() {
            add(&|rule| rule.action = action);
        }
        all
    }

    fn with_client(&self, client: ClientId) -> Option<Fault> {
        let (from, to) = (self.from.with_client(client), self.to.with_client(client));
        Some(Fault::Rule(Rule { from, to, ..self.clone() }))
    }
}

impl RuleAction {
    /// A weaker action of the same kind.
    fn weaker(self) -> Option<RuleAction> {
        match self {
            RuleAction::Duplicate(copies) if copies > 1 => Some(RuleAction::Duplicate(1)),
            RuleAction::Slow(factor) if factor > 3 => Some(RuleAction::Slow(3)),
            RuleAction::Delay(span) if span.min != span.max => {
                Some(RuleAction::Delay(DelayRange { min: span.max, max: span.max }))
            }
            RuleAction::Drop
            | RuleAction::Hold
            | RuleAction::Duplicate(_)
            | RuleAction::Slow(_)
            | RuleAction::Delay(_) => None,
        }
    }
}

impl Rule {
    /// Whether the rule decides about a message. A matching message counts against `skip`, or against `times` if the
    /// rule applies.
    pub(in crate::sim) fn applies(&mut self, seed: u64, envelope: &Envelope, what: MessageMatch) -> bool {
        if !self.matches(envelope.from, envelope.to, what) || self.times == Some(0) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if !is_drawn(seed, self.percent, self.key, envelope.key) {
            return false;
        }
        self.times = self.times.map(|times| times - 1);
        true
    }

    /// The fate of a message about which the rule decides, and which would arrive after `usual` without it.
    pub(in crate::sim) fn fate(&self, seed: u64, envelope: &Envelope, usual: Duration) -> Fate {
        match self.action {
            RuleAction::Drop => Fate::Lost,
            RuleAction::Hold => Fate::Held,
            RuleAction::Duplicate(copies) => Fate::Copied(usual, copies),
            RuleAction::Slow(factor) => Fate::Arrives(usual.saturating_mul(factor)),
            RuleAction::Delay(span) => {
                let key = mix(self.key, envelope.key);
                Fate::Arrives(usual + rng::between(seed, Purpose::Amount, key, span.min, span.max))
            }
        }
    }
}

/// The longest time between a duplicated message and one of its copies.
pub(in crate::sim) const DUPLICATE_WITHIN: Duration = Duration::from_secs(2);
