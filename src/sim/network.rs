//! The simulated network: directed links with a latency each, and rules that decide what becomes of a message.
//!
//! The first rule that applies to a message decides. Every draw is keyed by the message and by the rule, never by
//! what else is on the network.

use std::sync::Arc;
use std::time::Duration;

use crate::api::{Operation, Request};
use crate::control::authorization::Caller;
use crate::control::message::{Delivery, Message, Reply};
use crate::region::Region;
use crate::rng::{self, Purpose, mix};
use crate::types::NodeId;

use super::fault::{DUPLICATE_WITHIN, MessageMatch, NodeMatch, Rule, RuleAction};
use super::fault_log::{FaultId, FaultLog};
use super::latency::round_trip;

/// A message on its way.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    /// Who sent it.
    pub(super) from: NodeId,
    /// To whom.
    pub(super) to: NodeId,
    /// What draws about it are keyed by.
    pub(super) key: u64,
    /// What it carries.
    pub(super) payload: Payload,
}

/// What an envelope carries.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    /// A client's request.
    Request {
        /// Which.
        delivery: Delivery,
        /// Who calls.
        caller: Caller,
        /// What is asked.
        request: Arc<Request>,
    },
    /// The answer to a request.
    Response {
        /// To which.
        delivery: Delivery,
        /// What it says.
        result: Reply,
        /// What was called.
        operation: Operation,
    },
    /// The word that nobody listens: the control plane's process is down.
    Reset(Delivery),
    /// A message between nodes.
    Message(Box<Message>),
}

impl Payload {
    /// What it is, for rules.
    #[must_use]
    pub(super) fn what(&self) -> MessageMatch {
        match self {
            Payload::Request { request, .. } => MessageMatch::Request(Some(request.operation())),
            Payload::Response { operation, .. } => MessageMatch::Response(Some(*operation)),
            Payload::Reset(_) => MessageMatch::Response(None),
            Payload::Message(message) => MessageMatch::Message(message.kind()),
        }
    }
}

/// What the network does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It arrives after so long.
    Arrives(Duration),
    /// It arrives, and so do copies of it.
    Copied(Duration, u16),
    /// It is lost.
    Lost,
    /// It waits for a release.
    Held,
}

/// How long messages take between Regions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Half of the measured round trip between the two Regions, and up to a tenth more.
    Measured,
    /// Drawn evenly from a range for each message, whatever the Regions.
    Even(crate::control::message::DelayRange),
}

/// The network.
#[derive(Clone, Debug)]
pub(super) struct Network {
    seed: u64,
    latency: Latency,
    rules: Vec<(FaultId, Rule)>,
    held: Vec<Envelope>,
}

impl Network {
    pub(super) fn new(seed: u64, latency: Latency) -> Network {
        Network { seed, latency, rules: Vec::new(), held: Vec::new() }
    }

    pub(super) fn add(&mut self, fault: FaultId, rule: Rule) {
        self.rules.push((fault, rule));
    }

    /// Ends the rules between two parties, or all; `false` if none of them could apply any more.
    pub(super) fn heal(&mut self, between: Option<(NodeMatch, NodeMatch)>) -> bool {
        let is_meant = |rule: &Rule| {
            between.is_none_or(|(one, other)| {
                (rule.from, rule.to) == (one, other) || (rule.from, rule.to) == (other, one)
            })
        };
        let applied = self.rules.iter().any(|(_, rule)| is_meant(rule) && rule.times != Some(0));
        self.rules.retain(|(_, rule)| !is_meant(rule));
        applied
    }

    /// Ends the rules that hold messages back, and gives these back.
    pub(super) fn release(&mut self) -> Vec<Envelope> {
        self.rules.retain(|(_, rule)| rule.action != RuleAction::Hold);
        std::mem::take(&mut self.held)
    }

    pub(super) fn hold(&mut self, envelope: Envelope) {
        self.held.push(envelope);
    }

    /// Decides what becomes of `envelope`, sent by a party in `from` to one in `to`.
    pub(super) fn fate(
        &mut self,
        envelope: &Envelope,
        from: Region,
        to: Region,
        deeds: &mut FaultLog,
    ) -> Fate {
        let usual = self.usual_latency(envelope, from, to);
        if self.rules.is_empty() {
            return Fate::Arrives(usual);
        }
        let what = envelope.payload.what();
        let seed = self.seed;
        let mut rules = self.rules.iter_mut();
        let decides = rules.find_map(|known| known.1.applies(seed, envelope, what).then_some(&*known));
        let Some((fault, rule)) = decides else {
            return Fate::Arrives(usual);
        };
        deeds.did(*fault);
        match rule.action {
            RuleAction::Drop => Fate::Lost,
            RuleAction::Hold => Fate::Held,
            RuleAction::Duplicate(copies) => Fate::Copied(usual, copies),
            RuleAction::Slow(factor) => Fate::Arrives(usual.saturating_mul(factor)),
            RuleAction::Delay(span) => {
                let key = mix(rule.key, envelope.key);
                Fate::Arrives(usual + rng::between(seed, Purpose::Amount, key, span.min, span.max))
            }
        }
    }

    /// How much later than the original the `copy`-th copy of a message arrives.
    pub(super) fn copy_delay(&self, envelope: &Envelope, copy: u16) -> Duration {
        let key = mix(envelope.key, u64::from(copy));
        rng::between(self.seed, Purpose::Amount, key, Duration::ZERO, DUPLICATE_WITHIN)
    }

    fn usual_latency(&self, envelope: &Envelope, from: Region, to: Region) -> Duration {
        match self.latency {
            Latency::Measured => {
                let one_way = round_trip(from, to) / 2;
                one_way + rng::between(self.seed, Purpose::Jitter, envelope.key, Duration::ZERO, one_way / 10)
            }
            Latency::Even(span) => rng::between(self.seed, Purpose::Jitter, envelope.key, span.min, span.max),
        }
    }
}

impl Rule {
    /// Whether the rule applies to a message; counts it if it matches.
    fn applies(&mut self, seed: u64, envelope: &Envelope, what: MessageMatch) -> bool {
        if !self.matches(envelope.from, envelope.to, what) || self.times == Some(0) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let key = mix(self.key, envelope.key);
        if self.percent.is_some_and(|percent| rng::below(seed, Purpose::Rate, key, 100) >= u64::from(percent))
        {
            return false;
        }
        self.times = self.times.map(|times| times - 1);
        true
    }
}
