//! What in a run tested less than its scenario says: faults that never acted, calls that were left out, moments that
//! had passed.
//!
//! When a fault acts is said with each [`Fault`]. What can be seen without running is found by whoever reads the file.

use crate::control::environment::ExternalEvent;
use crate::sim::World;
use crate::sim::fault::{CrashPoint, Fault};
use crate::sim::fault_log::FaultId;
use crate::sim::trace::time;
use crate::types::{Instant, NodeId};

use super::diagnostic::{Diagnostic, Span};
use super::write_fault::{self, Spelling, node};
use super::{Action, Scenario, SetUp, Step};

/// Something in a run that tested less than the scenario says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The step.
    pub span: Span,
    /// What was the matter with it.
    pub reason: WarningReason,
}

/// What is the matter with a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WarningReason {
    /// Of its faults, this one never acted.
    Idle(usize),
    /// It was to happen at a moment that had passed.
    Passed(Instant),
    /// It was left out, for this had no value.
    LeftOut(String),
}

/// The faults that a run has injected or planned so far.
#[derive(Debug, Default)]
pub(super) struct Injected<'a>(Vec<(FaultId, Span, &'a Fault)>);

impl<'a> Injected<'a> {
    /// `fault` is what is injected or planned next, by the step at `span`.
    pub(super) fn note(&mut self, world: &World, span: Span, fault: &'a Fault) {
        self.0.push((world.next_fault(), span, fault));
    }

    /// Those that have not acted.
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
    /// The warning in words, for whoever draws it in the file that `scenario` was read from.
    #[must_use]
    pub fn diagnostic(&self, scenario: &Scenario) -> Diagnostic {
        let step = scenario.blocks.iter().flatten().find(|step| step.span == self.span);
        match &self.reason {
            WarningReason::Idle(part) => idle(&scenario.set_up, step, *part, self.span),
            WarningReason::Passed(now) => {
                let message = format!("this moment has passed: it was {} already", time(*now).trim());
                Diagnostic::new(message, self.span).help(
                    "the fault happened at once: give a later moment, or one from then on, as in +250ms"
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
    let mistake = Diagnostic::new(format!("this fault never acted: {}", why(set_up, idle)), span);
    if fault.parts().count() == 1 {
        return mistake;
    }
    let mut words = String::new();
    write_fault::write(set_up, &Fault::All(vec![idle.clone()]), Spelling::Current, &mut words);
    mistake.label(format!("of several, `{words}`"))
}

/// What was missing for `fault` to act.
fn why(set_up: &SetUp, fault: &Fault) -> String {
    let region = |region| write_fault::region(set_up, region);
    match fault {
        Fault::All(_) => unreachable!("a part of a fault does not consist of several"),
        Fault::Rule(_) => "it decided of no message".to_owned(),
        Fault::Heal(Some(_)) => "no rule that could still apply was on this link".to_owned(),
        Fault::Heal(None) => "there was nothing to heal".to_owned(),
        Fault::Release => "nothing was held back".to_owned(),
        Fault::Crash { node: client @ NodeId::Client(_), .. } => {
            format!("no call of {} was in flight", node(set_up, *client))
        }
        Fault::Crash { node: id, moment: CrashPoint::Now, .. } => format!("{} was down", node(set_up, *id)),
        Fault::Crash { .. } => "its moment never came".to_owned(),
        Fault::Restart(id) => format!("{} was running", node(set_up, *id)),
        Fault::Outage(of) => format!("all of {} was dark", region(*of)),
        Fault::Skew { seconds: 0, region: of } => format!("the clock of {} was right", region(*of)),
        Fault::Skew { region: of, .. } => format!("nothing was created in {} meanwhile", region(*of)),
        Fault::Deny { denied: true, region: of, action } => {
            format!("nothing was refused in {} for want of {}", region(*of), action.name())
        }
        Fault::Deny { denied: false, region: of, action } => {
            format!("{} was not denied in {}", action.name(), region(*of))
        }
        Fault::ExternalEvent { region: of, event } => match event {
            ExternalEvent::Doze => format!("no cluster in {} was ACTIVE or IDLE", region(*of)),
            ExternalEvent::Wake => format!("no cluster in {} was IDLE or INACTIVE", region(*of)),
            ExternalEvent::DisableKeys => format!("no cluster in {} had a key of its own", region(*of)),
            ExternalEvent::EnableKeys => format!("no key in {} was disabled", region(*of)),
        },
        Fault::Refuse { region: of, operation: Some(operation), .. } => {
            format!("no request for {operation} came to {}", region(*of))
        }
        Fault::Refuse { region: of, operation: None, .. } => format!("no request came to {}", region(*of)),
    }
}
