//! When two failures are the same failure.
//!
//! A smaller scenario that fails in another way is another finding, and hides the one that was to be explained. So a
//! reduction must keep what was said, whatever the names, Regions and numbers in it: of an invariant its sentence, of
//! an expectation that very expectation and what was seen instead, of a panic the line of code.

use std::collections::BTreeSet;

use crate::region::Region;
use crate::scenario::run::{EXPECTATION, Failure, PANIC};
use crate::scenario::{Action, Scenario};

/// A failure without what a reduction may change in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Likeness {
    invariant: String,
    sentence: Vec<String>,
    /// Which step of the scenario failed, counted without the set-up, where that must stay the same.
    pub(super) step: Option<usize>,
}

impl Likeness {
    /// The likeness of `failure`, which `scenario` led to.
    pub(super) fn of(failure: &Failure, scenario: &Scenario) -> Likeness {
        Likeness {
            invariant: failure.invariant.clone(),
            sentence: sentence(failure, scenario),
            step: step(failure, scenario),
        }
    }

    /// Whether both say the same, wherever they stand.
    pub(super) fn says_as(&self, other: &Likeness) -> bool {
        (&self.invariant, &self.sentence) == (&other.invariant, &other.sentence)
    }
}

/// What was said, with a mark for each name and each value.
fn sentence(failure: &Failure, scenario: &Scenario) -> Vec<String> {
    let first = failure.message.lines().next().unwrap_or_default();
    if failure.invariant == PANIC {
        // The line of code. What a panic says of it is full of values.
        return first.split(' ').take(1).map(str::to_owned).collect();
    }
    let names = names(scenario);
    // What an expectation sees is a value, and the failure is that value; an invariant's failure is the sentence.
    let keeps_values = failure.invariant == EXPECTATION;
    let mut words: Vec<String> = first
        .split_whitespace()
        .map(|word| {
            let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric());
            let is_value =
                bare.contains(|letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit());
            let is_name = names.contains(bare) || bare.contains("arn:") || is_identifier(bare);
            if is_name || is_value && !keeps_values { MARK } else { word }.to_owned()
        })
        .collect();
    // A list of names is as good as one name.
    words.dedup_by(|one, other| one == MARK && other == MARK);
    words
}

/// Where the step of an expectation stands.
fn step(failure: &Failure, scenario: &Scenario) -> Option<usize> {
    let span = failure.span.filter(|_| failure.invariant == EXPECTATION)?;
    let steps = scenario.blocks.iter().flatten().filter(|step| !matches!(step.action, Action::SetUp));
    steps.into_iter().position(|step| step.span == span)
}

/// Everything that a scenario gives a name to, and the Regions.
fn names(scenario: &Scenario) -> BTreeSet<&str> {
    let set_up = &scenario.set_up;
    let calls = scenario.blocks.iter().flatten().filter_map(|step| match &step.action {
        Action::Call(call) => call.alias.as_deref(),
        _ => None,
    });
    let clients = set_up.clients.iter().map(|client| &*client.name);
    let principals = set_up.principals.iter().map(|principal| &*principal.name);
    let mut names: BTreeSet<&str> = calls.chain(clients).chain(principals).collect();
    names.extend(set_up.regions.iter().map(|(name, _)| &**name));
    Region::all().for_each(|region| {
        names.insert(region.name());
    });
    names
}

/// Whether `word` is what clusters and streams are called that have no name in the scenario.
fn is_identifier(word: &str) -> bool {
    word.len() == 26 && word.bytes().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
}

/// What stands in for names and values.
const MARK: &str = "·";
