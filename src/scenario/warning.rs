//! Warnings of a run: steps that tested less than they seem to, because a fault never acted, a call was left out, or
//! the moment of a fault had passed.
//!
//! Each [`Fault`] documents when it acts. The reader finds the warnings that need no run.

use crate::control::environment::ExternalEvent;
use crate::sim::World;
use crate::sim::fault::{
    Crash, CrashPoint, Deny, Fault, FaultId, Heal, InjectedEvent, Outage, Refuse, Restart, Skew,
};
use crate::sim::trace::time;
use crate::types::{Instant, NodeId};

use super::diagnostic::{Diagnostic, Span};
use super::write_fault::{self, node};
use super::{Action, Scenario, SetUp, Step};

/// A step that tested less than it seems to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The command of the step.
    pub span: Span,
    /// The reason.
    pub reason: WarningReason,
}

/// The reason why a step tested less than it seems to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WarningReason {
    /// The fault never acted: no message, write or call met it. The number is the index among the faults of the
    /// command.
    Idle(usize),
    /// The fault was planned for a moment that had passed, at this time; it was injected at once.
    Passed(Instant),
    /// The call was left out, because a reference in it had no value: a text about it.
    LeftOut(String),
}

/// The faults that a run has injected or planned so far, each with its step.
#[derive(Debug, Default)]
pub(super) struct Injected<'a>(Vec<(FaultId, Span, &'a Fault)>);

impl<'a> Injected<'a> {
    /// Notes that the step at `span` injects or plans `fault` next.
    pub(super) fn note(&mut self, world: &World, span: Span, fault: &'a Fault) {
        self.0.push((world.next_fault(), span, fault));
    }

    /// A warning for each fault that has not acted.
    pub(super) fn idle(&self, world: &World) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (first, span, fault) in &self.0 {
            let parts = (0..fault.parts().count()).filter(|part| !world.has_acted(first.plus(*part)));
            warnings.extend(parts.map(|part| Warning { span: *span, reason: WarningReason::Idle(part) }));
        }
        warnings
    }
}

impl Warning {
    /// The warning as a diagnostic of the file from which `scenario` was read.
    #[must_use]
    pub fn diagnostic(&self, scenario: &Scenario) -> Diagnostic {
        let step = scenario.blocks.iter().flatten().find(|step| step.span == self.span);
        match &self.reason {
            WarningReason::Idle(part) => idle(&scenario.set_up, step, *part, self.span),
            WarningReason::Passed(now) => {
                let message = format!("this moment has passed: it was {} already", time(*now).trim());
                Diagnostic::new(message, self.span).help(
                    "the fault was injected at once: give a later moment, or a time from then on, as in +250ms"
                        .to_owned(),
                )
            }
            WarningReason::LeftOut(missing) => {
                let message = format!("this call was left out: {missing}");
                Diagnostic::new(message, self.span).help("`if-missing=skip` allows it".to_owned())
            }
        }
        .warning()
    }
}

fn idle(set_up: &SetUp, step: Option<&Step>, part: usize, span: Span) -> Diagnostic {
    let fault = match step.map(|step| &step.action) {
        Some(Action::Fault(fault) | Action::FaultAt(_, fault)) => fault,
        _ => return Diagnostic::new("this fault never acted", span),
    };
    let Some(idle) = fault.parts().nth(part) else { return Diagnostic::new("this fault never acted", span) };
    let mistake = Diagnostic::new(format!("this fault never acted: {}", reason(set_up, idle)), span);
    if fault.parts().count() == 1 {
        return mistake;
    }
    let mut words = String::new();
    write_fault::write(set_up, &Fault::All(vec![idle.clone()]), &mut words);
    mistake.label(format!("of several, `{words}`"))
}

/// The reason why `fault` could not act.
fn reason(set_up: &SetUp, fault: &Fault) -> String {
    let region = |region| write_fault::region(set_up, region);
    match fault {
        Fault::All(_) => unreachable!("a part of a fault does not consist of several"),
        Fault::Rule(_) => "it matched no message".to_owned(),
        Fault::Heal(Heal { between: Some(_) }) => {
            "no rule that could still apply was on this link".to_owned()
        }
        Fault::Heal(Heal { between: None }) => "there was nothing to heal".to_owned(),
        Fault::Release(_) => "nothing was held back".to_owned(),
        Fault::Crash(Crash { node: client @ NodeId::Client(_), .. }) => {
            format!("no call of {} was in flight", node(set_up, *client))
        }
        Fault::Crash(Crash { node: id, moment: CrashPoint::Now, .. }) => {
            format!("{} was down", node(set_up, *id))
        }
        Fault::Crash(_) => "its moment never came".to_owned(),
        Fault::Restart(Restart { node: id }) => format!("{} was running", node(set_up, *id)),
        Fault::Outage(Outage { region: of }) => format!("every node of {} was down", region(*of)),
        Fault::Skew(Skew { seconds: 0, region: of }) => format!("the clock of {} was right", region(*of)),
        Fault::Skew(Skew { region: of, .. }) => format!("nothing was created in {} meanwhile", region(*of)),
        Fault::Deny(Deny { denied: true, region: of, action }) => {
            format!("nothing was refused in {} for want of {}", region(*of), action.name())
        }
        Fault::Deny(Deny { denied: false, region: of, action }) => {
            format!("{} was not denied in {}", action.name(), region(*of))
        }
        Fault::ExternalEvent(InjectedEvent { region: of, event }) => match event {
            ExternalEvent::Idle => format!("no cluster in {} was ACTIVE or IDLE", region(*of)),
            ExternalEvent::Connect => format!("no cluster in {} was IDLE or INACTIVE", region(*of)),
            ExternalEvent::DisableKeys => format!("no cluster in {} had a key of its own", region(*of)),
            ExternalEvent::EnableKeys => format!("no key in {} was disabled", region(*of)),
        },
        Fault::Refuse(Refuse { region: of, operation: Some(operation), .. }) => {
            format!("no request for {operation} came to {}", region(*of))
        }
        Fault::Refuse(Refuse { region: of, operation: None, .. }) => {
            format!("no request came to {}", region(*of))
        }
    }
}
