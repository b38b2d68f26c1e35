//! The kinds of fault that coverage distinguishes.
//!
//! A fault counts from its injection until the general repair at the end of a run, even after it was healed: a link
//! that was cut or a node that crashed has left the clusters in states that are worth covering. Before the first fault
//! the kind is `none`.

use crate::control::environment::ExternalEvent;
use crate::sim::fault::{Fault, MessageMatch, Rule, RuleAction};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A kind of fault, as coverage distinguishes them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FaultKind { $($(#[doc = $doc])+ $variant,)+ }

        impl FaultKind {
            /// Every kind.
            pub const ALL: &[FaultKind] = &[$(FaultKind::$variant),+];

            /// The name in tables.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(FaultKind::$variant => $name),+ }
            }
        }
    };
}

kinds! {
    /// No fault has been injected yet.
    None = "none",
    /// A rule drops some messages: of a kind, a number of them, or a percentage.
    Drop = "drop",
    /// A rule drops every message on a link.
    Partition = "partition",
    /// A rule delays messages.
    Delay = "delay",
    /// A rule duplicates messages.
    Duplicate = "duplicate",
    /// A rule holds messages until they are released.
    Hold = "hold",
    /// A rule multiplies the latency of a link.
    Slow = "slow",
    /// A node crashes, or will at a crash point.
    Crash = "crash",
    /// Both nodes of a Region stop with their hosts.
    Outage = "outage",
    /// A Region's wall clock is skewed.
    Skew = "skew",
    /// An action is denied to every caller in a Region.
    Deny = "deny",
    /// Requests get an injected error in front of the control plane.
    Refuse = "throttle",
    /// Clusters become idle, or their keys become inaccessible.
    ExternalEvent = "external-event",
}

/// The set of kinds that count at the moment, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct FaultKinds(pub(super) u16);

impl FaultKinds {
    /// The set before the first fault: the kind `none` alone.
    pub(in crate::sim) const NONE: FaultKinds = FaultKinds(1 << FaultKind::None as u32);

    /// Adds the kind of `fault`, unless it is a repair.
    pub(in crate::sim) fn count(&mut self, fault: &Fault) {
        if let Some(kind) = kind_of(fault) {
            self.0 = (self.0 & !FaultKinds::NONE.0) | 1 << kind as u32;
        }
    }
}

fn kind_of(fault: &Fault) -> Option<FaultKind> {
    match fault {
        Fault::Rule(rule) => Some(kind_of_rule(rule)),
        Fault::Crash { .. } => Some(FaultKind::Crash),
        Fault::Outage(_) => Some(FaultKind::Outage),
        Fault::Skew { seconds, .. } => (*seconds != 0).then_some(FaultKind::Skew),
        Fault::ExternalEvent { event, .. } => {
            matches!(event, ExternalEvent::Doze | ExternalEvent::DisableKeys)
                .then_some(FaultKind::ExternalEvent)
        }
        Fault::Deny { denied, .. } => denied.then_some(FaultKind::Deny),
        Fault::Refuse { .. } => Some(FaultKind::Refuse),
        Fault::All(_) | Fault::Heal(_) | Fault::Release | Fault::Restart(_) => None,
    }
}

fn kind_of_rule(rule: &Rule) -> FaultKind {
    match rule.action {
        RuleAction::Drop
            if rule.what == MessageMatch::Anything && rule.times.is_none() && rule.percent.is_none() =>
        {
            FaultKind::Partition
        }
        RuleAction::Drop => FaultKind::Drop,
        RuleAction::Delay(_) => FaultKind::Delay,
        RuleAction::Duplicate(_) => FaultKind::Duplicate,
        RuleAction::Hold => FaultKind::Hold,
        RuleAction::Slow(_) => FaultKind::Slow,
    }
}
