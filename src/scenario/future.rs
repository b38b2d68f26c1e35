//! Runs of a scenario whose future is drawn anew: each later step happens or is left out, by a draw of its own.
//!
//! - A call or a fault that has not begun happens in every second future. A step that refers to a call which was not
//!   made, or whose answer never came, is left out with it. Repairs, waiting and the convergence stay.
//! - An expectation says nothing about a world in which other calls are made, and would only end its run too soon. So
//!   all of them are left out but the one that failed, which must see the value that it saw.
//! - An expectation about the state of a cluster may see that value just because a call was left out. If such an
//!   expectation failed, the calls stay, and only faults are left out.

use crate::sim::fault::Fault;
use crate::sim::future::{Future, RunMoment, fault_key};
use crate::sim::trace::TraceLevel;
use crate::types::Instant;

use super::diagnostic::Span;
use super::expect::Expectation;
use super::run::{EXPECTATION, Failure, PANIC, Run};
use super::{Action, Scenario, Step, panic};

/// The run that failed, as its futures are compared with it.
#[derive(Clone, Debug)]
pub(crate) struct PastRun {
    /// The seed of the run.
    pub(crate) seed: u64,
    /// The failure.
    pub(crate) failure: Failure,
    /// The moments before the failure, the first of which is the beginning.
    pub(crate) moments: Vec<RunMoment>,
    /// The moments at which each call and each fault of the scenario began.
    pub(crate) steps: Vec<RunMoment>,
    /// The number of events of the trace at the failure.
    pub(crate) events: u64,
    /// The time of the failure.
    pub(crate) end: Instant,
    /// The lines of the trace, with every message.
    pub(crate) lines: Vec<String>,
}

/// The rules about the steps of a future.
#[derive(Clone, Copy, Debug)]
pub(super) struct FutureSteps {
    /// The expectation that failed.
    failed: Option<Span>,
    /// Whether every call stays.
    keeps_calls: bool,
    /// Whether the last call of the file was left out.
    is_last_call_left_out: bool,
}

impl PastRun {
    /// The run of `scenario` with `seed`; `None` if it does not fail.
    pub(crate) fn of(scenario: &Scenario, seed: u64) -> Option<PastRun> {
        let mut run = Run::new(scenario, seed, TraceLevel::Messages);
        run.simulation.draw_future(Future::never());
        let failure = run.failure_of_everything()?;
        let trace = run.world().trace();
        let future = run.simulation.future();
        Some(PastRun {
            seed,
            failure,
            moments: future.map_or(Vec::new(), |future| future.moments().to_vec()),
            steps: future.map_or(Vec::new(), |future| future.steps().to_vec()),
            events: trace.events(),
            end: run.now(),
            lines: trace.lines().to_vec(),
        })
    }

    /// Whether the run fails in the same way if everything behind `after` moments is drawn with `seed`: the same
    /// invariant, the same expectation with the same value, or a panic at the same line of code.
    pub(crate) fn fails_again(&self, scenario: &Scenario, after: u64, seed: u64) -> bool {
        let mut run = Run::new(scenario, self.seed, TraceLevel::None);
        run.simulation.draw_future(Future::new(after, seed));
        let failed = self.failure.span.filter(|_| self.failure.invariant == EXPECTATION);
        let is_about_state = |step: &Step| matches!(step.action, Action::Expect(Expectation::State(..)));
        let mut steps = scenario.blocks.iter().flatten();
        let keeps_calls = steps.any(|step| failed == Some(step.span) && is_about_state(step));
        run.future = Some(FutureSteps { failed, keeps_calls, is_last_call_left_out: false });
        run.failure_of_everything().is_some_and(|failure| is_same(&failure, &self.failure))
    }
}

fn is_same(one: &Failure, other: &Failure) -> bool {
    let first = |failure: &Failure| failure.message.lines().next().unwrap_or_default().to_owned();
    let line_of_code = |failure: &Failure| first(failure).split(' ').next().unwrap_or_default().to_owned();
    one.invariant == other.invariant
        && match &*one.invariant {
            EXPECTATION => one.span == other.span && first(one) == first(other),
            PANIC => line_of_code(one) == line_of_code(other),
            _ => true,
        }
}

impl Run<'_> {
    fn failure_of_everything(&mut self) -> Option<Failure> {
        let done = panic::catch(|| self.everything(&mut Vec::new()));
        done.unwrap_or_else(|words| Err(self.panicked(words))).err()
    }

    /// Whether the steps that come now are those of a drawn future.
    pub(super) fn is_drawn_anew(&self) -> bool {
        self.simulation.future().is_some_and(Future::has_begun)
    }

    /// Whether the step is an expectation that a drawn future does not evaluate.
    pub(super) fn is_unasked(&self, step: &Step) -> bool {
        let (Some(future), Action::Expect(expectation)) = (self.future, &step.action) else { return false };
        let is_about_last = matches!(expectation, Expectation::Answer { call: None, .. });
        self.is_drawn_anew()
            && (future.failed != Some(step.span) || is_about_last && future.is_last_call_left_out)
    }

    /// Whether a drawn future leaves out the call with this key, which would begin now.
    pub(super) fn leaves_out_call(&mut self, key: u64) -> bool {
        let is_drawn = self.simulation.leaves_out(key);
        let Some(future) = &mut self.future else { return false };
        future.is_last_call_left_out = is_drawn && !future.keeps_calls;
        future.is_last_call_left_out
    }

    /// Notes that the last call of the file was left out.
    pub(super) fn note_left_out(&mut self) {
        if let Some(future) = &mut self.future {
            future.is_last_call_left_out = true;
        }
    }

    /// Whether a drawn future leaves out the fault, which would be injected or planned now.
    pub(super) fn leaves_out_fault(&mut self, fault: &Fault) -> bool {
        self.simulation.leaves_out(fault_key(fault)) && !fault.is_repair()
    }
}
