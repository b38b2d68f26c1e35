//! Warnings of a run: steps that tested less than they seem to, because a fault never acted, a call was left out, or
//! the moment of a fault had passed.
//!
//! Each [`Fault`] documents when it acts. The reader finds the warnings that need no run.

use crate::sim::World;
use crate::sim::fault::{Fault, FaultId};
use crate::sim::trace::time;
use crate::types::Instant;

use super::diagnostic::{Diagnostic, Span};
use super::verbs;
use super::write::fault_text;
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
    let mistake = Diagnostic::new(format!("this fault never acted: {}", verbs::idle(idle, set_up)), span);
    if fault.parts().count() == 1 {
        return mistake;
    }
    let words = fault_text(set_up, &Fault::All(vec![idle.clone()]));
    mistake.label(format!("of several, `{words}`"))
}
