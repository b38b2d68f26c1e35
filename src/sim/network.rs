//! The simulated network: latencies between Regions, the rules that decide about messages, and held messages.
//!
//! The first rule that applies to a message decides about it. Every draw is keyed by the message and the rule, never by
//! the rest of the traffic, so that one message more does not change the fate of the others.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::api::{Operation, Request};
use crate::control::authorization::Caller;
use crate::control::message::{Delivery, Message, Reply};
use crate::region::Region;
use crate::rng::{self, Purpose, mix};
use crate::types::NodeId;

use super::fault::{DUPLICATE_WITHIN, FaultId, FaultLog, MessageMatch, NodeMatch, Rule, RuleAction};
use super::latency::round_trip;

/// A message on its way.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    /// The sender.
    pub(super) from: NodeId,
    /// The recipient.
    pub(super) to: NodeId,
    /// The key of the draws about the message.
    pub(super) key: u64,
    /// The content.
    pub(super) payload: Payload,
}

/// The content of a message.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    /// A request, sent by a client to a control plane once per attempt.
    Request {
        /// The attempt and the copy.
        delivery: Delivery,
        /// The caller's account and principal.
        caller: Caller,
        /// The request, shared by all attempts.
        request: Arc<Request>,
    },
    /// The answer to a request, sent by a control plane or, for an injected error, in front of it.
    Response {
        /// The attempt that is answered.
        delivery: Delivery,
        /// The answer.
        result: Reply,
        /// The operation of the request, for rules and the trace.
        operation: Operation,
    },
    /// A connection reset, sent by the host of a control plane whose process is down. This delivery was
    /// not carried out, though earlier attempts may have been.
    Reset(Delivery),
    /// A message between two nodes, boxed to keep envelopes small.
    Message(Box<Message>),
}

// The key covers the content: it is the fingerprint of a message between nodes, or that of a delivery, whose request
// and whose answer are events of their own.
impl Hash for Envelope {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Envelope { from, to, key, payload: _ } = self;
        (from, to, key).hash(state);
    }
}

impl Payload {
    /// The exact kind, as rules and crash points match it.
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

impl Payload {
    /// The attempt that a request or an answer belongs to.
    pub(super) fn delivery(&self) -> Option<Delivery> {
        match self {
            Payload::Request { delivery, .. }
            | Payload::Response { delivery, .. }
            | Payload::Reset(delivery) => Some(*delivery),
            Payload::Message(_) => None,
        }
    }

    /// The name of the content, as in `CreateCluster.response`.
    pub(super) fn name(&self) -> String {
        match self {
            Payload::Request { request, .. } => request.operation().to_string(),
            Payload::Response { operation, .. } => format!("{operation}.response"),
            Payload::Reset(_) => "connection reset".to_owned(),
            Payload::Message(message) => message.kind().name().to_owned(),
        }
    }
}

/// The fate of a message on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It arrives after this latency.
    Arrives(Duration),
    /// It arrives after this latency, followed by this many copies.
    Copied(Duration, u16),
    /// It is lost.
    Lost,
    /// It waits until it is released.
    Held,
}

/// The model of message latency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Half of the measured round trip between the two Regions (`latency.rs`), and up to a tenth of that as jitter.
    Measured,
    /// Drawn uniformly from a range for each message, regardless of the Regions.
    Even(crate::control::message::DelayRange),
}

/// The state of the network: rules, and held messages.
#[derive(Clone, Debug)]
pub(super) struct Network {
    seed: u64,
    latency: Latency,
    rules: Vec<(FaultId, Rule)>,
    held: Vec<Envelope>,
}

impl Network {
    /// Makes every later draw with `seed`.
    pub(super) fn draw_anew(&mut self, seed: u64) {
        self.seed = seed;
    }

    pub(super) fn new(seed: u64, latency: Latency) -> Network {
        Network { seed, latency, rules: Vec::new(), held: Vec::new() }
    }

    pub(super) fn add(&mut self, fault: FaultId, rule: Rule) {
        self.rules.push((fault, rule));
    }

    /// The rules that can still apply, oldest first.
    pub(super) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|(_, rule)| rule).filter(|rule| rule.times != Some(0))
    }

    /// Removes the rules between two ends, or all; `false` if none of them could still apply.
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

    /// Removes the rules that hold messages, and returns the held messages in the order in which they were sent.
    pub(super) fn release(&mut self) -> Vec<Envelope> {
        self.rules.retain(|(_, rule)| rule.action != RuleAction::Hold);
        std::mem::take(&mut self.held)
    }

    pub(super) fn hold(&mut self, envelope: Envelope) {
        self.held.push(envelope);
    }

    /// Decides the fate of a message from Region `from` to Region `to`.
    pub(super) fn fate(
        &mut self,
        envelope: &Envelope,
        from: Region,
        to: Region,
        fault_log: &mut FaultLog,
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
        fault_log.record_acted(*fault);
        rule.fate(seed, envelope, usual)
    }

    /// The time between the arrival of a message and of its `copy`-th copy.
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
