//! Likeness: whether two failures are the same failure.
//!
//! A smaller scenario that fails in another way is another finding, and would hide the one that is to be explained. So
//! a reduction must keep the message of the failure, apart from names, Regions and numbers: for an invariant its
//! sentence, for an expectation the same step and the same observed value, for a panic the line of code.

use std::collections::BTreeSet;

use crate::region::Region;
use crate::scenario::run::{EXPECTATION, Failure, PANIC};
use crate::scenario::{Action, Scenario};

/// A failure without the parts that a reduction may change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Likeness {
    invariant: String,
    sentence: Vec<String>,
    /// The index of the step that failed, not counting the set-up. Only an expectation has it: an invariant may fail at
    /// another step of a smaller scenario and still be the same violation.
    pub(super) step: Option<usize>,
}

impl Likeness {
    /// The likeness of `failure`, which `scenario` led to.
    pub(crate) fn of(failure: &Failure, scenario: &Scenario) -> Likeness {
        Likeness {
            invariant: failure.invariant.clone(),
            sentence: sentence(failure, scenario),
            step: step(failure, scenario),
        }
    }

    /// Whether both have the same message, at whatever step.
    pub(crate) fn is_same_as(&self, other: &Likeness) -> bool {
        (&self.invariant, &self.sentence) == (&other.invariant, &other.sentence)
    }
}

/// The first line of the message, with a mark instead of each name and each value.
fn sentence(failure: &Failure, scenario: &Scenario) -> Vec<String> {
    let first = failure.message.lines().next().unwrap_or_default();
    if failure.invariant == PANIC {
        // The line of code identifies the panic. The rest of its message is full of values.
        return first.split(' ').take(1).map(str::to_owned).collect();
    }
    let names = names(scenario);
    // The failure of an expectation is the value that was observed; the failure of an invariant is the sentence.
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
    // A list of names is as good as one name: a smaller scenario has fewer clusters to list.
    words.dedup_by(|one, other| one == MARK && other == MARK);
    words
}

/// The index of the expectation that failed.
fn step(failure: &Failure, scenario: &Scenario) -> Option<usize> {
    let span = failure.span.filter(|_| failure.invariant == EXPECTATION)?;
    let steps = scenario.blocks.iter().flatten().filter(|step| !matches!(step.action, Action::SetUp));
    steps.into_iter().position(|step| step.span == span)
}

/// Every name that the scenario defines, and the names of the Regions.
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

/// Whether `word` is an identifier, by which clusters and streams go that have no name in the scenario.
fn is_identifier(word: &str) -> bool {
    word.len() == 26 && word.bytes().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
}

/// The mark that replaces a name or a value.
const MARK: &str = "·";
