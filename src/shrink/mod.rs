//! Shrinking: reduces a failing scenario to a small one that fails in the same way, one reduction at a time.
//!
//! Delta debugging comes first: long runs of steps are removed, then shorter ones, down to single steps (A. Zeller,
//! R. Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE TSE 28, 2002). Then the remaining parts are
//! made weaker or simpler: faults, the set-up, the arguments of calls, times. A reduction is kept if the scenario fails
//! in the same way after it was printed and read again, because the printed text is what the user gets.
//!
//! Every random draw is keyed by the step that it belongs to. So removing a step does not change the delays and the
//! losses that the other steps meet, and most removals keep the failure.

mod likeness;
mod policies;
mod simpler;
mod weaker;

use std::time::Duration;

use crate::check::Invariant;
use crate::explain::explanation::Explanation;
use crate::scenario::expect::Expectation;
use crate::scenario::run::{Failure, PANIC, Report, run};
use crate::scenario::{Action, Scenario, SetUp};
use crate::sim::trace::TraceLevel;

pub(crate) use likeness::Likeness;

/// Reduces a scenario, one reduction for each call of [`Shrinker::step`]. The caller decides when to stop.
pub struct Shrinker<'a> {
    best: Draft,
    failure: Likeness,
    failure_of: Box<FailureTest<'a>>,
}

/// Runs a scenario and returns its failure.
type FailureTest<'a> = dyn Fn(&Scenario) -> Option<Failure> + 'a;

/// A scenario in parts that can be removed one by one.
#[derive(Clone, Debug)]
struct Draft {
    set_up: SetUp,
    actions: Vec<Action>,
    /// The indices of the actions without which this would be another failure: an expectation that does not hold, and
    /// the call that it refers to.
    kept: Vec<usize>,
}

/// A smaller draft, and the description of the reduction.
type Reduction = (Draft, String);

impl<'a> Shrinker<'a> {
    /// A shrinker for `scenario`, which is run with its own seed. `None` if it does not fail, or if its printed form
    /// does not fail in the same way.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Option<Shrinker<'a>> {
        Shrinker::new(scenario, |scenario| run(scenario, None, TraceLevel::None).failure)
    }

    /// A shrinker for `scenario`, with `failure_of` instead of a plain run: a property adds its own checks to the run.
    pub fn new(
        scenario: &Scenario,
        failure_of: impl Fn(&Scenario) -> Option<Failure> + 'a,
    ) -> Option<Shrinker<'a>> {
        let original = Likeness::of(&failure_of(scenario)?, scenario);
        let mut best = Draft::of(scenario);
        let printed = best.reread()?;
        let failure = Likeness::of(&failure_of(&printed)?, &printed);
        if !failure.is_same_as(&original) {
            return None;
        }
        best.keep(failure.step);
        Some(Shrinker { best, failure, failure_of: Box::new(failure_of) })
    }

    /// Applies the next reduction that keeps the failure, and returns its description; `None` when there is none.
    pub fn step(&mut self) -> Option<String> {
        let passes: [fn(&Draft) -> Vec<Reduction>; 3] = [without, weaker::faults, simpler::everything];
        for pass in passes {
            for (draft, description) in pass(&self.best) {
                if self.still_fails(&draft) {
                    self.best = draft;
                    return Some(description);
                }
            }
        }
        None
    }

    /// The smallest failing scenario so far.
    #[must_use]
    pub fn scenario(&self) -> Scenario {
        self.best.scenario()
    }

    /// Whether the draft, printed and read again, fails in the same way and at the same step.
    fn still_fails(&self, draft: &Draft) -> bool {
        let Some(scenario) = draft.reread() else { return false };
        let Some(failure) = (self.failure_of)(&scenario) else { return false };
        let failure = Likeness::of(&failure, &scenario);
        failure.is_same_as(&self.failure) && failure.step == draft.kept.first().copied()
    }
}

/// The text of a scenario file for `scenario`, with an opening comment that describes the failure of `report`.
#[must_use]
pub fn render_failure(scenario: &Scenario, report: &Report) -> String {
    let Some(failure) = &report.failure else { return scenario.print("") };
    if failure.invariant == PANIC {
        return scenario.print(&format!("A bug of dsql-sim itself.\n\nIt panics at {}", failure.message));
    }
    let sentence = Invariant::named(&failure.invariant).map(Invariant::sentence);
    let mut comment = format!("Violates {}", failure.invariant);
    comment += &sentence.map_or(".".to_owned(), |sentence| format!(": {sentence}."));
    comment += &format!("\n\nSeen instead: {}", failure.message);
    let why = Explanation::of(scenario, report).map(|explanation| explanation.short()).unwrap_or_default();
    for (title, lines) in
        [("Why:", why), ("What came before:", report.last_lines()), ("Then:", report.waits.clone())]
    {
        if !lines.is_empty() {
            let lines: String = lines.iter().map(|line| format!("\n  {line}")).collect();
            comment += &format!("\n\n{title}{lines}");
        }
    }
    scenario.print(&comment)
}

impl Draft {
    /// Joins the blocks into one. A millisecond between them separates the calls that were made together from the next.
    fn of(scenario: &Scenario) -> Draft {
        let mut actions = Vec::new();
        for block in &scenario.blocks {
            if !actions.is_empty() {
                actions.push(Action::Advance(Duration::from_millis(1)));
            }
            let steps = block.iter().filter(|step| !matches!(step.action, Action::SetUp));
            actions.extend(steps.map(|step| step.action.clone()));
        }
        Draft { set_up: scenario.set_up.clone(), actions, kept: Vec::new() }
    }

    fn scenario(&self) -> Scenario {
        Scenario::of(self.set_up.clone(), vec![self.actions.clone()])
    }

    /// The draft, printed and read again; `None` if its text is not a scenario.
    fn reread(&self) -> Option<Scenario> {
        Scenario::parse(&self.scenario().print("")).ok()
    }

    /// Marks the action that failed as kept. An expectation that names no call refers to the last one, which is kept
    /// too: without it the same words would be about another call.
    fn keep(&mut self, failed: Option<usize>) {
        let Some(failed) = failed else { return };
        self.kept = vec![failed];
        if let Action::Expect(Expectation::Answer { call: None, .. }) = self.actions[failed] {
            let before = &self.actions[..failed];
            self.kept.extend(before.iter().rposition(|action| matches!(action, Action::Call(_))));
        }
    }

    /// The draft with `action` at `index`.
    fn with(&self, index: usize, action: Action) -> Draft {
        let mut draft = self.clone();
        draft.actions[index] = action;
        draft
    }

    /// The draft without the actions at `indices`, and without every action that refers to a removed call, directly or
    /// through another. `None` if a kept action would be removed.
    fn without(&self, indices: &[usize]) -> Option<Draft> {
        let mut stays = vec![true; self.actions.len()];
        let mut removed: Vec<String> = Vec::new();
        let mut remove = |index: usize, removed: &mut Vec<String>| {
            removed.extend(name(&self.actions[index]));
            std::mem::replace(&mut stays[index], false)
        };
        for index in indices {
            remove(*index, &mut removed);
        }
        while !removed.is_empty() {
            let names = std::mem::take(&mut removed);
            for (index, action) in self.actions.iter().enumerate() {
                if action.refers_to().iter().any(|name| names.contains(name)) {
                    let mut next = Vec::new();
                    if remove(index, &mut next) {
                        removed.extend(next);
                    }
                }
            }
        }
        if self.kept.iter().any(|index| !stays[*index]) {
            return None;
        }
        let kept = self.kept.iter().map(|index| stays[..*index].iter().filter(|stays| **stays).count());
        let actions = self.actions.iter().zip(&stays).filter(|(_, stays)| **stays);
        Some(Draft {
            set_up: self.set_up.clone(),
            kept: kept.collect(),
            actions: actions.map(|(action, _)| action.clone()).collect(),
        })
    }
}

/// Drafts with a run of steps removed: half of them, a quarter, and so on down to one.
fn without(draft: &Draft) -> Vec<Reduction> {
    let count = draft.actions.len();
    let mut reductions = Vec::new();
    let mut size = count.div_ceil(2);
    while size > 0 {
        for start in (0..count).step_by(size) {
            let removed: Vec<usize> =
                (start..count.min(start + size)).filter(|index| !draft.kept.contains(index)).collect();
            let description = match &removed[..] {
                [] => continue,
                [one] => format!("left out `{}`", draft.set_up.words(&draft.actions[*one])),
                several => format!("left out {} steps", several.len()),
            };
            reductions.extend(draft.without(&removed).map(|rest| (rest, description)));
        }
        size /= 2;
    }
    reductions
}

fn name(action: &Action) -> Option<String> {
    match action {
        Action::Call(call) => call.alias.as_deref().map(str::to_owned),
        _ => None,
    }
}
