//! The kinds of fault that coverage tells apart.
//!
//! A fault counts from the moment it is injected until everything is put right at the end of a run: a link that was
//! cut and healed, or a node that crashed and came back, has left its marks, and these are what is worth meeting.
//! Before any fault the kind is `none`.

use crate::control::environment::ExternalEvent;
use crate::sim::fault::{Fault, MessageMatch, Rule, RuleAction};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// A kind of fault, as far as coverage tells them apart.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FaultKind { $($(#[doc = $doc])+ $variant,)+ }

        impl FaultKind {
            /// Every kind.
            pub const ALL: &[FaultKind] = &[$(FaultKind::$variant),+];

            /// Its name in tables.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(FaultKind::$variant => $name),+ }
            }
        }
    };
}

kinds! {
    /// No fault so far.
    None = "none",
    /// Some messages are lost.
    Drop = "drop",
    /// Every message on a link is lost.
    Partition = "partition",
    /// Messages come later.
    Delay = "delay",
    /// Messages come more than once.
    Duplicate = "duplicate",
    /// Messages wait until released.
    Hold = "hold",
    /// A link is slower.
    Slow = "slow",
    /// A node stops, or will at its moment.
    Crash = "crash",
    /// Both nodes of a Region stop.
    Outage = "outage",
    /// A Region's wall clock is wrong.
    Skew = "skew",
    /// An action is denied.
    Deny = "deny",
    /// Requests are answered with an error before the control plane sees them.
    Refuse = "throttle",
    /// Clusters go idle, or their keys cannot be used.
    ExternalEvent = "shift",
}

/// The kinds of fault that count at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct FaultKinds(pub(super) u16);

impl FaultKinds {
    /// Before any fault.
    pub(in crate::sim) const NONE: FaultKinds = FaultKinds(1 << FaultKind::None as u32);

    /// From now on `fault` counts, unless it puts something right.
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
