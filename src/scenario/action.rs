//! Actions: what the steps of a scenario do. Each kind is written, run and searched for references in the file of its
//! verb.

use std::sync::Arc;
use std::time::Duration;

use crate::region::Region;
use crate::sim::fault::Fault;

use super::CallStep;
use super::body::names_in;
use super::diagnostic::Span;
use super::expect::Expectation;
use super::run::{Done, Run};
use super::verbs::{advance, at, call, converge, expect, meanwhile, parallel, run, show, write_fault};
use super::write::Writer;

/// A step: an action, and the key of its random draws.
#[derive(Clone, Debug)]
pub struct Step {
    /// The key of all random draws about the step. It depends on the data of its action, not on its spelling, and on
    /// the number of equal steps before it. So the removal of another step leaves the draws of this one as they are,
    /// which is what makes a scenario shrink well.
    pub key: u64,
    /// The command in the file; empty for a scenario that no file holds.
    pub span: Span,
    /// Whether the command stands for several steps, of which this is one.
    pub is_part: bool,
    /// The action.
    pub action: Action,
}

/// The action of a step.
#[derive(Clone, Debug, Hash)]
pub enum Action {
    /// A command of the set-up. The run has nothing to do for it: reading has put its content into
    /// [`SetUp`](super::SetUp).
    SetUp,
    /// A call by a client. The scenario continues when the call has ended, unless [`Action::Parallel`] came before.
    Call(CallStep),
    /// Begins the calls that follow, up to the next action of another kind, together. They all end before that action
    /// runs, or before the block ends.
    Parallel,
    /// A fault that is injected now. The call before it has ended, so the fault meets what the call has left under way.
    Fault(Fault),
    /// A fault that is injected at a later virtual time, in the middle of whatever runs by then. If that moment has
    /// passed, the fault is injected at once, with a warning.
    FaultAt(When, Fault),
    /// Runs the world for this long.
    Advance(Duration),
    /// Runs the world until it is quiet: no call is open and nothing is under way but retries that cannot succeed. The
    /// run fails if that takes longer than this.
    RunUntilQuiet(Duration),
    /// Undoes every fault, runs the world until it is quiet, and checks that it has converged. The named Region stays
    /// dead; the others must converge without it. A run without this action at its end does it all the same.
    Converge(Option<Region>),
    /// Fails the run unless the expectation holds now.
    Expect(Expectation),
    /// Writes the true state of the clusters that these calls created into the trace.
    Show(Vec<Arc<str>>),
}

/// The virtual time at which a planned fault is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// A time since the beginning of the scenario.
    At(Duration),
    /// A time from the step on.
    In(Duration),
    /// A time from the step on that does not end the calls behind [`Action::Parallel`]: it counts from their beginning.
    /// The second time passes between the planning of the fault and its injection.
    Meanwhile(Duration, Duration),
}

impl Action {
    /// Writes the line of the command, without its client and without its end.
    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Action::SetUp => {}
            Action::Call(call) => call::write(call, writer),
            Action::Parallel => parallel::write(writer),
            Action::Fault(fault) => write_fault(fault, writer),
            Action::FaultAt(When::Meanwhile(after, pause), fault) => {
                meanwhile::write(*after, *pause, fault, writer);
            }
            Action::FaultAt(when, fault) => at::write(*when, fault, writer),
            Action::Advance(pause) => advance::write(*pause, writer),
            Action::RunUntilQuiet(limit) => run::write(*limit, writer),
            Action::Converge(except) => converge::write(*except, writer),
            Action::Expect(expectation) => expect::write(expectation, writer),
            Action::Show(names) => show::write(names, writer),
        }
    }

    /// Runs the action, which is that of `step`.
    pub(super) fn run<'a>(&'a self, run: &mut Run<'a>, step: &Step) -> Done {
        match self {
            Action::SetUp => Ok(()),
            Action::Call(call) => call::run(call, run, step),
            Action::Parallel => parallel::run(run),
            Action::Fault(fault) => run.inject(fault, step.span),
            Action::FaultAt(When::Meanwhile(after, pause), fault) => {
                meanwhile::run(*after, *pause, fault, run, step)
            }
            Action::FaultAt(when, fault) => at::run(*when, fault, run, step),
            Action::Advance(pause) => advance::run(*pause, run, step),
            Action::RunUntilQuiet(limit) => run::run(*limit, run, step),
            Action::Converge(except) => converge::run(*except, run, step),
            Action::Expect(expectation) => expect::run(expectation, run, step),
            Action::Show(names) => show::run(names, run),
        }
    }

    /// The names of the calls to whose answers the action refers.
    #[must_use]
    pub fn refers_to(&self) -> Vec<String> {
        match self {
            Action::Call(call) => names_in(&call.input.to_json()),
            Action::Show(names) => names.iter().map(|name| (**name).to_owned()).collect(),
            Action::Expect(expectation) => expect::refers_to(expectation),
            Action::SetUp
            | Action::Parallel
            | Action::Fault(_)
            | Action::FaultAt(..)
            | Action::Advance(_)
            | Action::RunUntilQuiet(_)
            | Action::Converge(_) => Vec::new(),
        }
    }

    /// Whether the action is one of those that [`Action::Parallel`] begins together, or at least does not end them.
    #[must_use]
    pub fn is_together(&self) -> bool {
        matches!(self, Action::Call(_) | Action::FaultAt(When::Meanwhile(..), _) | Action::SetUp)
    }

    /// Whether the action only reads the world, so that a world that has converged still has.
    pub(super) fn only_reads(&self) -> bool {
        matches!(self, Action::Expect(_) | Action::Show(_) | Action::SetUp)
    }
}
