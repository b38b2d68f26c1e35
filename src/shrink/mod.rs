//! Making a failing scenario small, one reduction after the other.
//!
//! First whole stretches of steps are left out, then smaller ones, down to single steps (A. Zeller, R. Hildebrandt,
//! "Simplifying and isolating failure-inducing input", IEEE TSE 28, 2002). Then what
//! is left is made weaker and simpler: faults, the set-up, the arguments of calls, times. A reduction is kept if what
//! it leads to still fails in the same way, as the text that it prints as. Every draw is keyed by the step that it is
//! about, so leaving a step out does not change what the others meet.

mod policies;
mod simpler;
mod weaker;

use crate::check::INVARIANTS;
use crate::scenario::run::{Report, run};
use crate::scenario::{Action, Scenario, SetUp};
use crate::sim::trace::TraceLevel;

/// Makes a scenario smaller, step by step, for as long as somebody asks for the next step.
pub struct Shrinker<'a> {
    best: Draft,
    fails: Box<dyn Fn(&Scenario) -> bool + 'a>,
}

/// A scenario in parts.
#[derive(Clone, Debug)]
struct Draft {
    set_up: SetUp,
    actions: Vec<Action>,
}

/// A draft and what was done to get there.
type Reduction = (Draft, String);

impl<'a> Shrinker<'a> {
    /// Begins with `scenario`, which `fails`. `None` if what it prints as does not.
    pub fn new(scenario: &Scenario, fails: impl Fn(&Scenario) -> bool + 'a) -> Option<Shrinker<'a>> {
        let shrinker = Shrinker { best: Draft::of(scenario), fails: Box::new(fails) };
        shrinker.still_fails(&shrinker.best).then_some(shrinker)
    }

    /// Begins with `scenario`, which violates `invariant` with its own seed.
    #[must_use]
    pub fn of_violation(scenario: &Scenario, invariant: &'a str) -> Option<Shrinker<'a>> {
        let invariant = invariant.to_owned();
        Shrinker::new(scenario, move |scenario| {
            let failure = run(scenario, None, TraceLevel::None).failure;
            failure.is_some_and(|failure| failure.invariant == invariant)
        })
    }

    /// Finds the next reduction that can be kept, and says what it is; `None` when there is none.
    pub fn step(&mut self) -> Option<String> {
        let passes: [fn(&Draft) -> Vec<Reduction>; 3] = [without, weaker::faults, simpler::everything];
        for pass in passes {
            for (draft, words) in pass(&self.best) {
                if self.still_fails(&draft) {
                    self.best = draft;
                    return Some(words);
                }
            }
        }
        None
    }

    /// The smallest scenario so far.
    #[must_use]
    pub fn scenario(&self) -> Scenario {
        self.best.scenario()
    }

    /// A draft counts only if its text can be read and what is read fails.
    fn still_fails(&self, draft: &Draft) -> bool {
        Scenario::parse(&draft.scenario().print("")).is_ok_and(|scenario| (self.fails)(&scenario))
    }
}

/// The smallest scenario as the text of a file, with an opening comment that tells the violation in words.
#[must_use]
pub fn story(scenario: &Scenario, report: &Report) -> String {
    let Some(failure) = &report.failure else { return scenario.print("") };
    let sentence =
        INVARIANTS.iter().find(|(name, _)| *name == failure.invariant).map(|(_, sentence)| *sentence);
    let mut comment = format!("Violates {}", failure.invariant);
    comment += &sentence.map_or(".".to_owned(), |sentence| format!(": {sentence}."));
    comment += &format!("\n\nSeen instead: {}", failure.message);
    scenario.print(&comment)
}

impl Draft {
    /// Blocks become one; a moment between them ends what was begun together.
    fn of(scenario: &Scenario) -> Draft {
        let mut actions = Vec::new();
        for block in &scenario.blocks {
            if !actions.is_empty() {
                actions.push(Action::Advance(std::time::Duration::from_millis(1)));
            }
            let steps = block.iter().filter(|step| !matches!(step.action, Action::SetUp));
            actions.extend(steps.map(|step| step.action.clone()));
        }
        Draft { set_up: scenario.set_up.clone(), actions }
    }

    fn scenario(&self) -> Scenario {
        Scenario::of(self.set_up.clone(), vec![self.actions.clone()])
    }

    /// The draft with another action in a place.
    fn with(&self, place: usize, action: Action) -> Draft {
        let mut draft = self.clone();
        draft.actions[place] = action;
        draft
    }
}

/// The draft without some of its steps: half of them, a quarter, and so on to one.
fn without(draft: &Draft) -> Vec<Reduction> {
    let count = draft.actions.len();
    let mut reductions = Vec::new();
    let mut size = count.div_ceil(2);
    while size > 0 {
        for start in (0..count).step_by(size) {
            let end = count.min(start + size);
            let mut rest = draft.clone();
            let removed: Vec<Action> = rest.actions.drain(start..end).collect();
            drop_dependants(&mut rest.actions, &removed);
            let words = match &removed[..] {
                [one] => format!("left out `{}`", draft.set_up.words(one)),
                several => format!("left out {} steps", several.len()),
            };
            reductions.push((rest, words));
        }
        size /= 2;
    }
    reductions
}

/// Leaves out what refers to calls that are left out already, and what refers to that.
fn drop_dependants(actions: &mut Vec<Action>, removed: &[Action]) {
    let mut gone: Vec<String> = removed.iter().filter_map(name).collect();
    while !gone.is_empty() {
        let refers = |action: &Action| action.refers_to().iter().any(|name| gone.contains(name));
        let next = actions.iter().filter(|action| refers(action)).filter_map(name).collect();
        actions.retain(|action| !refers(action));
        gone = next;
    }
}

fn name(action: &Action) -> Option<String> {
    match action {
        Action::Call(call) => call.alias.as_deref().map(str::to_owned),
        _ => None,
    }
}
