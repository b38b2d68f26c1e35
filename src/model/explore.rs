//! The search: every state of a small world, the nearest first.

use std::sync::atomic::{AtomicU64, Ordering};

use stateright::{Checker as _, HasDiscoveries, Model, Property};

use crate::check::{CheckCounts, INVARIANTS, Violation};
use crate::control::mutant::Mutants;

use super::state::ModelState;
use super::step::Transition;
use super::{Bounds, Small, Workload};

/// What came of a search.
#[derive(Clone, Debug)]
pub struct Explored {
    /// How many different states there are.
    pub states: u64,
    /// How often a state was come to, be it known or new.
    pub visits: u64,
    /// How many steps the farthest state is from the first.
    pub depth: u64,
    /// How often each invariant of [`INVARIANTS`] was judged.
    pub exercised: CheckCounts,
    /// What did not hold, if something did not; then not all states were seen.
    pub counterexample: Option<Counterexample>,
}

/// How an invariant can be violated, in as few steps as possible.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// What did not hold.
    pub violation: Violation,
    /// What happened, a line each.
    pub steps: Vec<String>,
    pub(super) story: Workload,
    pub(super) mutants: Mutants,
    pub(super) path: Vec<Passage>,
}

/// A step of a path.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    pub(super) before: ModelState,
    pub(super) step: Transition,
    /// What it became, with everything that was sent under way, be it of use or not.
    pub(super) after: ModelState,
}

/// Explores `story`, in which all may happen that `bounds` allow, with `mutants` planted.
#[must_use]
pub fn explore(story: Workload, mutants: Mutants, bounds: Bounds) -> Explored {
    let (small, start) = Small::of(story, mutants, bounds);
    let start = match start {
        Ok(start) => start,
        Err(violation) => {
            let counterexample = Some(small.counterexample(story, violation, Vec::new()));
            let exercised = small.tally.exercised();
            return Explored { states: 0, visits: 0, depth: 0, exercised, counterexample };
        }
    };
    // One thread: the same counterexample in every run.
    let search = Exploration { small, start };
    let done = search.checker().finish_when(HasDiscoveries::Any).threads(1).spawn_bfs().join();
    let small = &done.model().small;
    let found = [STEPS, REST].into_iter().find_map(|property| done.discovery(property));
    let (states, visits) = (done.unique_state_count() as u64, done.state_count() as u64);
    let depth = done.max_depth() as u64;
    let counterexample = found.map(|path| {
        let path = path.into_vec();
        let violation = small.violation(&path);
        small.counterexample(story, violation, path)
    });
    Explored { states, visits, depth, exercised: small.tally.exercised(), counterexample }
}

const STEPS: &str = "every invariant holds after every step";
const REST: &str = "what is at rest converges";

/// A small world and where it begins.
struct Exploration {
    small: Small,
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
            Property::always(STEPS, |_, state: &ModelState| state.broken.is_none()),
            Property::always(REST, |search: &Exploration, state: &ModelState| {
                !state.packets.is_empty() || state.broken.is_some() || search.small.at_rest(state).is_ok()
            }),
        ]
    }
}

impl Small {
    /// What does not hold where `path` ends.
    fn violation(&self, path: &[(ModelState, Option<Transition>)]) -> Violation {
        let (last, _) = path.last().expect("a path has a first state");
        let broken = last.broken.as_deref().cloned();
        broken.or_else(|| self.at_rest(last).err()).expect("the path ends in a violation")
    }

    /// The violation, with the whole way to it: the lead-in, too, has to happen in a scenario of it.
    fn counterexample(
        &self,
        story: Workload,
        violation: Violation,
        path: Vec<(ModelState, Option<Transition>)>,
    ) -> Counterexample {
        let explored = path.into_iter().filter_map(|(before, step)| self.passage(before, step?));
        let path: Vec<Passage> = self.lead_in.iter().cloned().chain(explored).collect();
        let steps = path.iter().map(|passage| passage.before.tell(passage.step)).collect();
        Counterexample { violation, steps, story, mutants: self.mutants, path }
    }

    /// What comes of `step` before anything is judged or forgotten.
    pub(super) fn passage(&self, before: ModelState, step: Transition) -> Option<Passage> {
        let after = self.happen(&before, step, &mut Vec::new())?;
        Some(Passage { before, step, after })
    }
}

/// Counts what is judged.
#[derive(Debug)]
pub(super) struct ExploreTally([AtomicU64; INVARIANTS.len()]);

impl ExploreTally {
    /// Adds what was judged between two counts.
    pub(super) fn add(&self, before: &CheckCounts, after: &CheckCounts) {
        for ((tally, before), after) in self.0.iter().zip(before).zip(after) {
            tally.fetch_add(after - before, Ordering::Relaxed);
        }
    }

    fn exercised(&self) -> CheckCounts {
        std::array::from_fn(|place| self.0[place].load(Ordering::Relaxed))
    }
}

impl Default for ExploreTally {
    fn default() -> ExploreTally {
        ExploreTally(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}
