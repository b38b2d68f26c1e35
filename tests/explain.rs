//! Explanations of failures: they name the planted step, and their causal cone is sound and small.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dsql_sim::internals::control::mutant::{Mutant, Mutants};
use dsql_sim::internals::explain::explanation::Explanation;
use dsql_sim::internals::generate::Size;
use dsql_sim::internals::scenario::run::{Omission, Report, run, run_with_history, run_without};
use dsql_sim::internals::scenario::{Action, Scenario};
use dsql_sim::internals::sim::history::{EventId, History, HistoryEvent};
use dsql_sim::internals::sim::trace::{TraceEventKind, TraceLevel};
use dsql_sim::internals::sweep::Campaign;

/// The most seeds that a search for a failing run of a mutant without a scenario of its own tries.
const MANY_SEEDS: u64 = 1500;

/// The most seeds that a search for a failing run of any mutant tries: enough for most of them.
const FEW_SEEDS: u64 = 300;

/// A failed run with a planted bug.
struct Case {
    mutant: Mutant,
    scenario: Scenario,
    report: Report,
}

impl Case {
    /// The run of `scenario` with `mutant`, if it fails.
    fn of(mutant: Mutant, mut scenario: Scenario) -> Option<Case> {
        scenario.set_up.mutants = Mutants::NONE.with(mutant);
        let report = run_with_history(&scenario, None, TraceLevel::None);
        report.failure.is_some().then_some(Case { mutant, scenario, report })
    }

    /// The scenario that was written for the mutant, which has little in it that the bug does not need.
    fn written(mutant: Mutant) -> Option<Case> {
        let text = fs::read_to_string(Path::new("tests/mutants").join(format!("{mutant}.scenario"))).ok()?;
        Case::of(mutant, Scenario::parse(&text).expect("a scenario"))
    }

    /// The first of the generated scenarios of `seeds` seeds that fails with the mutant.
    fn found(mutant: Mutant, seeds: u64) -> Option<Case> {
        let campaign = Campaign::Generated(Size::USUAL, Mutants::NONE.with(mutant));
        let seed = (0..seeds).find(|seed| campaign.run(*seed).failure.is_some())?;
        let text = campaign.scenario(seed).print("");
        Case::of(mutant, Scenario::parse(&text).expect("a printed scenario"))
    }

    fn history(&self) -> &History {
        self.report.history.as_deref().expect("a history")
    }

    fn explanation(&self) -> Explanation {
        Explanation::of(&self.scenario, &self.report).expect("a failed run")
    }

    /// The first event in which the run differs from the one without the mutant.
    fn planted_step(&self) -> Option<EventId> {
        let mut bare = self.scenario.clone();
        bare.set_up.mutants = Mutants::NONE;
        let bare = run_with_history(&bare, None, TraceLevel::None).history.expect("a history");
        let same = |(one, other): &(&HistoryEvent, &HistoryEvent)| {
            (one.at, one.kind, one.actor, &one.text) == (other.at, other.kind, other.actor, &other.text)
                && format!("{:?}", one.content) == format!("{:?}", other.content)
        };
        let first = self.history().events().iter().zip(bare.events()).take_while(same).count();
        (first < self.history().events().len()).then_some(EventId(first as u32))
    }
}

/// The first three sentences name an event of the step in which the world took the planted path: the handling of one
/// input by one node.
fn is_named(case: &Case) -> bool {
    let input_of = |id: EventId| case.history().event(id).input;
    // A run that differs in its verdict alone shows the bug in its last step, which the first sentence names.
    let Some(planted) = case.planted_step() else { return true };
    let sentences = case.explanation().sentences;
    let mut named = sentences.iter().take(3).flat_map(|sentence| sentence.events.clone());
    named.any(|id| input_of(id) == input_of(planted))
}

#[test]
fn the_first_three_sentences_name_the_planted_step_of_nine_mutants_in_ten() {
    let cases: Vec<Case> = Mutant::ALL
        .iter()
        .filter_map(|mutant| Case::written(*mutant).or_else(|| Case::found(*mutant, MANY_SEEDS)))
        .collect();
    assert!(cases.len() + 4 > Mutant::ALL.len(), "only {} mutants have a failing run", cases.len());
    let missed: Vec<&str> =
        cases.iter().filter(|case| !is_named(case)).map(|case| case.mutant.name()).collect();
    assert!(
        missed.len() * 10 <= cases.len(),
        "{} of {} are not named: {missed:?}",
        missed.len(),
        cases.len()
    );
}

/// The run without every call and fault outside the cone fails in the same way.
fn is_sound(case: &Case, explanation: &Explanation) -> bool {
    let history = case.history();
    let inside: BTreeSet<usize> = explanation.cone.iter().filter_map(|id| history.event(*id).step).collect();
    let is_removable =
        |action: &Action| matches!(action, Action::Call(_) | Action::Fault(_) | Action::FaultAt(..));
    let steps = case.scenario.blocks.iter().flatten().filter(|step| is_removable(&step.action));
    let outside = steps.map(|step| step.span.start).filter(|place| !inside.contains(place)).collect();
    let omission = Omission::new(&outside, history, case.report.end);
    let again = run_without(&case.scenario, None, &omission).failure;
    let what = |failure: &dsql_sim::internals::scenario::run::Failure| {
        (failure.invariant.clone(), failure.message.clone())
    };
    again.as_ref().map(what) == case.report.failure.as_ref().map(what)
}

#[test]
fn nothing_outside_the_causal_cone_can_change_the_failure() {
    let mut sizes = Vec::new();
    let mut unsound = Vec::new();
    for case in Mutant::ALL.iter().filter_map(|mutant| Case::found(*mutant, FEW_SEEDS)) {
        let explanation = case.explanation();
        sizes.push(explanation.cone.len() as f64 / case.history().events().len() as f64);
        if !is_sound(&case, &explanation) {
            let failure = case.report.failure.as_ref().expect("a failed run");
            let line = format!("{}: {}: {}", case.mutant, failure.invariant, failure.message);
            unsound.push(line);
        }
    }
    assert!(sizes.len() * 2 > Mutant::ALL.len(), "only {} mutants have a failing run", sizes.len());
    sizes.sort_by(f64::total_cmp);
    let median = sizes[sizes.len() / 2];
    assert!(median < 0.55, "half of the cones have more than {median:.2} of the events");
    assert!(unsound.is_empty(), "{unsound:#?}");
}

#[test]
fn a_world_with_a_history_goes_the_same_way() {
    for seed in 0..200 {
        let scenario = Campaign::Generated(Size::USUAL, Mutants::NONE).scenario(seed);
        let [bare, kept] = [run, run_with_history].map(|run| run(&scenario, None, TraceLevel::None));
        assert_eq!(bare.hash, kept.hash, "seed {seed}");
    }
}

#[test]
fn a_cause_comes_before_its_effect_and_an_arrival_follows_from_its_sending() {
    for seed in 0..100 {
        let scenario = Campaign::Generated(Size::USUAL, Mutants::NONE).scenario(seed);
        let report = run_with_history(&scenario, None, TraceLevel::None);
        let history = report.history.expect("a history");
        for (event, place) in history.events().iter().zip(0..) {
            assert!(event.causes.iter().all(|cause| cause.0 < place), "seed {seed}, event {place}");
            if event.kind == TraceEventKind::Arrived {
                let sent = history.messages()[event.message.expect("a message")].sent;
                assert!(event.causes.contains(&sent), "seed {seed}, event {place} of {sent:?}");
            }
        }
    }
}
