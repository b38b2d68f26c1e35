//! Making a failing scenario small, one reduction after the other.
//!
//! First whole stretches of steps are left out, then smaller ones, down to single steps (A. Zeller, R. Hildebrandt,
//! "Simplifying and isolating failure-inducing input", IEEE TSE 28, 2002). Then what
//! is left is made weaker and simpler: faults, the set-up, the arguments of calls, times. A reduction is kept if what
//! it leads to still fails in the same way, as the text that it prints as. Every draw is keyed by the step that it is
//! about, so leaving a step out does not change what the others meet.

mod likeness;
mod policies;
mod simpler;
mod weaker;

use std::time::Duration;

use crate::check::INVARIANTS;
use crate::scenario::expect::Expectation;
use crate::scenario::run::{Failure, PANIC, Report, run};
use crate::scenario::{Action, Scenario, SetUp};
use crate::sim::trace::TraceLevel;

use likeness::Likeness;

/// Makes a scenario smaller, step by step, for as long as somebody asks for the next step.
pub struct Shrinker<'a> {
    best: Draft,
    failure: Likeness,
    judge: Box<FailureTest<'a>>,
}

/// Says how a scenario fails, if it does.
type FailureTest<'a> = dyn Fn(&Scenario) -> Option<Failure> + 'a;

/// A scenario in parts.
#[derive(Clone, Debug)]
struct Draft {
    set_up: SetUp,
    actions: Vec<Action>,
    /// The places of the actions without which the failure would be another: an expectation, and the call that it is
    /// about.
    kept: Vec<usize>,
}

/// A draft and what was done to get there.
type Reduction = (Draft, String);

impl<'a> Shrinker<'a> {
    /// Begins with `scenario`, which fails with its own seed. `None` if it does not, or what it prints as does not in
    /// the same way.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Option<Shrinker<'a>> {
        Shrinker::new(scenario, |scenario| run(scenario, None, TraceLevel::None).failure)
    }

    /// Begins with `scenario`, of which `judge` says how it fails.
    pub fn new(
        scenario: &Scenario,
        judge: impl Fn(&Scenario) -> Option<Failure> + 'a,
    ) -> Option<Shrinker<'a>> {
        let original = Likeness::of(&judge(scenario)?, scenario);
        let mut best = Draft::of(scenario);
        let printed = best.reread()?;
        let failure = Likeness::of(&judge(&printed)?, &printed);
        if !failure.says_as(&original) {
            return None;
        }
        best.keep(failure.step);
        Some(Shrinker { best, failure, judge: Box::new(judge) })
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

    /// A draft counts only if its text can be read and what is read fails in the same way.
    fn still_fails(&self, draft: &Draft) -> bool {
        let Some(scenario) = draft.reread() else { return false };
        let Some(failure) = (self.judge)(&scenario) else { return false };
        let failure = Likeness::of(&failure, &scenario);
        failure.says_as(&self.failure) && failure.step == draft.kept.first().copied()
    }
}

/// The smallest scenario as the text of a file, with an opening comment that tells the violation in words.
#[must_use]
pub fn story(scenario: &Scenario, report: &Report) -> String {
    let Some(failure) = &report.failure else { return scenario.print("") };
    if failure.invariant == PANIC {
        return scenario.print(&format!("A bug of dsql-sim itself.\n\nIt panics at {}", failure.message));
    }
    let sentence =
        INVARIANTS.iter().find(|(name, _)| *name == failure.invariant).map(|(_, sentence)| *sentence);
    let mut comment = format!("Violates {}", failure.invariant);
    comment += &sentence.map_or(".".to_owned(), |sentence| format!(": {sentence}."));
    comment += &format!("\n\nSeen instead: {}", failure.message);
    for (title, lines) in [("What came before:", report.last_lines()), ("Then:", report.waits.clone())] {
        if !lines.is_empty() {
            let lines: String = lines.iter().map(|line| format!("\n  {line}")).collect();
            comment += &format!("\n\n{title}{lines}");
        }
    }
    scenario.print(&comment)
}

impl Draft {
    /// Blocks become one; a moment between them ends what was begun together.
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

    /// What its text means.
    fn reread(&self) -> Option<Scenario> {
        Scenario::parse(&self.scenario().print("")).ok()
    }

    /// Keeps the action that failed, and of an expectation about the last call that call.
    fn keep(&mut self, failed: Option<usize>) {
        let Some(failed) = failed else { return };
        self.kept = vec![failed];
        if let Action::Expect(Expectation::Answer { call: None, .. }) = self.actions[failed] {
            let before = &self.actions[..failed];
            self.kept.extend(before.iter().rposition(|action| matches!(action, Action::Call(_))));
        }
    }

    /// The draft with another action in a place.
    fn with(&self, place: usize, action: Action) -> Draft {
        let mut draft = self.clone();
        draft.actions[place] = action;
        draft
    }

    /// The draft without the actions at `places`, and without what refers to calls among them, and what refers to
    /// that. `None` if something would be left out that is kept.
    fn without(&self, places: &[usize]) -> Option<Draft> {
        let mut stays = vec![true; self.actions.len()];
        let mut gone: Vec<String> = Vec::new();
        let mut leave_out = |place: usize, gone: &mut Vec<String>| {
            gone.extend(name(&self.actions[place]));
            std::mem::replace(&mut stays[place], false)
        };
        for place in places {
            leave_out(*place, &mut gone);
        }
        while !gone.is_empty() {
            let names = std::mem::take(&mut gone);
            for (place, action) in self.actions.iter().enumerate() {
                if action.refers_to().iter().any(|name| names.contains(name)) {
                    let mut next = Vec::new();
                    if leave_out(place, &mut next) {
                        gone.extend(next);
                    }
                }
            }
        }
        if self.kept.iter().any(|place| !stays[*place]) {
            return None;
        }
        let kept = self.kept.iter().map(|place| stays[..*place].iter().filter(|stays| **stays).count());
        let actions = self.actions.iter().zip(&stays).filter(|(_, stays)| **stays);
        Some(Draft {
            set_up: self.set_up.clone(),
            kept: kept.collect(),
            actions: actions.map(|(action, _)| action.clone()).collect(),
        })
    }
}

/// The draft without some of its steps: half of them, a quarter, and so on to one.
fn without(draft: &Draft) -> Vec<Reduction> {
    let count = draft.actions.len();
    let mut reductions = Vec::new();
    let mut size = count.div_ceil(2);
    while size > 0 {
        for start in (0..count).step_by(size) {
            let removed: Vec<usize> =
                (start..count.min(start + size)).filter(|place| !draft.kept.contains(place)).collect();
            let words = match &removed[..] {
                [] => continue,
                [one] => format!("left out `{}`", draft.set_up.words(&draft.actions[*one])),
                several => format!("left out {} steps", several.len()),
            };
            reductions.extend(draft.without(&removed).map(|rest| (rest, words)));
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
