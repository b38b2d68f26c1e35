//! The search: visits every state of a small world in breadth-first order, so that a counterexample has few steps.

use std::sync::atomic::{AtomicU64, Ordering};

use stateright::{Checker as _, HasDiscoveries, Model, Property};
use strum::EnumCount;

use crate::check::{CheckCounts, Invariant, Violation};
use crate::control::mutant::Mutants;

use super::state::ModelState;
use super::step::Transition;
use super::{Bounds, SmallWorld, Workload};

/// The result of a search.
#[derive(Clone, Debug)]
pub struct Explored {
    /// The number of distinct states.
    pub states: u64,
    /// The number of steps taken, to a new state or to a known one.
    pub visits: u64,
    /// The number of steps from the first state to the farthest.
    pub depth: u64,
    /// How often each invariant of [`Invariant`] was judged, in its order.
    pub exercised: CheckCounts,
    /// The violation that was found. The search stops there, so that the counts are not those of all states.
    pub counterexample: Option<Counterexample>,
}

/// A shortest path to a violation.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// The invariant that is violated, with a message.
    pub violation: Violation,
    /// The steps as text, one line each.
    pub steps: Vec<String>,
    pub(super) workload: Workload,
    pub(super) mutants: Mutants,
    pub(super) path: Vec<ExploredStep>,
}

/// A step of a path, with the states around it.
#[derive(Clone, Debug)]
pub(super) struct ExploredStep {
    pub(super) before: ModelState,
    pub(super) step: Transition,
    /// The state after it, before any stale answer is dropped.
    pub(super) after: ModelState,
}

/// Explores `workload` within `bounds`, with `mutants` planted.
#[must_use]
pub fn explore(workload: Workload, mutants: Mutants, bounds: Bounds) -> Explored {
    let (small, start) = SmallWorld::of(workload, mutants, bounds);
    let start = match start {
        Ok(start) => start,
        Err(violation) => {
            let counterexample = Some(small.counterexample(workload, violation, Vec::new()));
            let exercised = small.tally.exercised();
            return Explored { states: 0, visits: 0, depth: 0, exercised, counterexample };
        }
    };
    // With one thread, the order of the search and so the counterexample are the same in every run.
    let search = Exploration { small, start };
    let done = search.checker().finish_when(HasDiscoveries::Any).threads(1).spawn_bfs().join();
    let small = &done.model().small;
    let found = [AFTER_STEPS, AT_QUIESCENCE].into_iter().find_map(|property| done.discovery(property));
    let (states, visits) = (done.unique_state_count() as u64, done.state_count() as u64);
    let depth = done.max_depth() as u64;
    let counterexample = found.map(|path| {
        let path = path.into_vec();
        let violation = small.violation(&path);
        small.counterexample(workload, violation, path)
    });
    Explored { states, visits, depth, exercised: small.tally.exercised(), counterexample }
}

const AFTER_STEPS: &str = "every invariant holds after every step";
const AT_QUIESCENCE: &str = "a world at quiescence converges";

/// A small world and the first state of its search.
struct Exploration {
    small: SmallWorld,
    start: ModelState,
}

impl Model for Exploration {
    type State = ModelState;
    type Action = Transition;

    fn init_states(&self) -> Vec<ModelState> {
        vec![self.start.clone()]
    }

    fn actions(&self, state: &ModelState, steps: &mut Vec<Transition>) {
        self.small.steps(state, steps);
    }

    fn next_state(&self, state: &ModelState, step: Transition) -> Option<ModelState> {
        self.small.after(state, step)
    }

    fn properties(&self) -> Vec<Property<Exploration>> {
        vec![
            Property::always(AFTER_STEPS, |_, state: &ModelState| state.broken.is_none()),
            Property::always(AT_QUIESCENCE, |search: &Exploration, state: &ModelState| {
                !state.packets.is_empty()
                    || state.broken.is_some()
                    || search.small.run_to_quiescence(state).is_ok()
            }),
        ]
    }
}

impl SmallWorld {
    /// The violation in the last state of `path`.
    fn violation(&self, path: &[(ModelState, Option<Transition>)]) -> Violation {
        let (last, _) = path.last().expect("a path has a first state");
        let broken = last.broken.as_deref().cloned();
        broken.or_else(|| self.run_to_quiescence(last).err()).expect("the path ends in a violation")
    }

    /// The violation with all steps to it. They include the lead-in, which a scenario of the counterexample must
    /// repeat.
    fn counterexample(
        &self,
        workload: Workload,
        violation: Violation,
        path: Vec<(ModelState, Option<Transition>)>,
    ) -> Counterexample {
        let explored = path.into_iter().filter_map(|(before, step)| self.path_step(before, step?));
        let path: Vec<ExploredStep> = self.lead_in.iter().cloned().chain(explored).collect();
        let steps = path.iter().map(|it| it.before.describe(it.step)).collect();
        Counterexample { violation, steps, workload, mutants: self.mutants, path }
    }

    /// The step with the state after it, before invariants are judged and stale answers dropped.
    pub(super) fn path_step(&self, before: ModelState, step: Transition) -> Option<ExploredStep> {
        let after = self.happen(&before, step, &mut Vec::new())?;
        Some(ExploredStep { before, step, after })
    }
}

/// Counts how often each invariant is judged. Atomic, because `stateright` shares the model.
#[derive(Debug)]
pub(super) struct ExploreTally([AtomicU64; Invariant::COUNT]);

impl ExploreTally {
    /// Adds the difference of two counts.
    pub(super) fn add(&self, before: &CheckCounts, after: &CheckCounts) {
        for ((tally, before), after) in self.0.iter().zip(before).zip(after) {
            tally.fetch_add(after - before, Ordering::Relaxed);
        }
    }

    fn exercised(&self) -> CheckCounts {
        std::array::from_fn(|index| self.0[index].load(Ordering::Relaxed))
    }
}

impl Default for ExploreTally {
    fn default() -> ExploreTally {
        ExploreTally(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}
