//! The coverage of the scenarios: every coverage mark, operation, kind of fault and switch, and evaluations of every
//! invariant.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use dsql_sim::Scenario;
use dsql_sim::api::Operation;
use dsql_sim::check::{CheckCounts, Invariant};
use dsql_sim::internals::control::assumptions::Assumptions;
use dsql_sim::internals::coverage_mark::CoverageMark;
use dsql_sim::internals::fidelity::Evidence;
use dsql_sim::internals::fidelity::behaviour::BEHAVIOUR;
use dsql_sim::internals::fidelity::constraints::CONSTRAINTS;
use dsql_sim::internals::fidelity::invariants::INVARIANTS;
use dsql_sim::internals::fidelity::operations::OPERATIONS;
use dsql_sim::internals::fidelity::page::is_about;
use dsql_sim::internals::fidelity::refusals::REFUSALS;
use dsql_sim::internals::scenario::run::{Report, run};
use dsql_sim::internals::sim::coverage::Coverage;
use dsql_sim::internals::sim::fault::FaultKind;
use dsql_sim::internals::sim::trace::TraceLevel;
use enumset::EnumSet;
use strum::VariantArray;

#[test]
fn every_coverage_mark_is_covered_by_a_scenario() {
    let missed = reports().fold(EnumSet::<CoverageMark>::all(), |missed, report| missed - report.covered);
    assert!(missed.is_empty(), "no scenario covers {missed:?}");
}

#[test]
fn every_invariant_is_exercised_by_a_scenario() {
    let mut exercised = CheckCounts::default();
    for report in reports() {
        exercised.iter_mut().zip(report.exercised).for_each(|(sum, count)| *sum += count);
    }
    let idle: Vec<_> = Invariant::VARIANTS.iter().zip(exercised).filter(|(_, count)| *count == 0).collect();
    assert!(idle.is_empty(), "no scenario gives these anything to judge: {idle:?}");
}

#[test]
fn every_operation_and_every_kind_of_fault_is_covered_by_a_scenario() {
    let mut covered = Coverage::default();
    reports().for_each(|report| covered |= &report.coverage);
    for operation in Operation::ALL {
        assert!(covered.cells().any(|it| it.operation == *operation), "{operation} is not called");
    }
    for fault in FaultKind::VARIANTS {
        assert!(covered.cells().any(|it| it.fault == *fault), "no call after {}", fault.name());
    }
}

#[test]
fn every_switch_is_flipped_by_a_scenario_of_the_assumptions() {
    let flipped: BTreeSet<_> = scenarios("scenarios/assumptions")
        .flat_map(|scenario| scenario.set_up.assumptions.differing())
        .map(|(name, _)| name)
        .collect();
    let missed: Vec<_> = Assumptions::NAMES.iter().filter(|name| !flipped.contains(*name)).collect();
    assert!(missed.is_empty(), "scenarios/assumptions sets these to their defaults only: {missed:?}");
}

#[test]
fn every_switch_begins_a_line_of_a_scenario_that_is_about_it() {
    let mut paths = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/assumptions"), &mut paths);
    let texts: Vec<_> = paths.iter().map(|path| fs::read_to_string(path).expect("a scenario")).collect();
    for name in Assumptions::NAMES {
        assert!(texts.iter().any(|text| is_about(text, name)), "no scenario has a line `assume {name}=`");
    }
}

#[test]
fn every_rule_has_a_source_and_a_scenario_that_shows_it() {
    for (operation, rule) in OPERATIONS {
        assert_shown(&operation.to_string(), rule.evidence, &format!(" {operation}"));
    }
    for it in REFUSALS {
        assert_shown(it.function, it.rule.evidence, it.message);
    }
    for it in CONSTRAINTS {
        assert_shown(it.rule.sentence, it.rule.evidence, it.message);
    }
    for rule in BEHAVIOUR.iter().flat_map(|(_, rules)| *rules) {
        assert_shown(rule.sentence, rule.evidence, "");
    }
}

#[test]
fn every_operation_refusal_constraint_and_invariant_has_its_evidence() {
    let known: Vec<_> = OPERATIONS.iter().map(|(operation, _)| *operation).collect();
    assert_eq!(Operation::ALL, known, "src/fidelity/operations.rs has a row for each operation");
    let known: Vec<_> = INVARIANTS.iter().map(|(invariant, _)| *invariant).collect();
    // It is about the simulator alone.
    let stated = Invariant::VARIANTS.iter().filter(|it| **it != Invariant::StorageIsWhatWasWritten);
    assert!(
        stated.eq(&known),
        "src/fidelity/invariants.rs has a row for each invariant, in their order: {known:?}"
    );
    let functions: BTreeSet<_> = names("src/control/errors.rs", "fn ", '(').collect();
    // It only chooses the exception for a message of the others.
    let known: BTreeSet<_> =
        REFUSALS.iter().map(|it| it.function.to_owned()).chain(["refused".to_owned()]).collect();
    assert_eq!(
        functions, known,
        "src/fidelity/refusals.rs has a row for each function of src/control/errors.rs"
    );
    let constants: BTreeSet<_> = names("src/api/constraints.rs", "const ", ':')
        .filter(|name| !name.contains(' ') && !NO_TEXT.contains(&name.as_str()))
        .collect();
    let known: BTreeSet<_> =
        CONSTRAINTS.iter().map(|it| it.constant.to_owned()).filter(|it| !it.is_empty()).collect();
    assert_eq!(constants, known, "src/fidelity/constraints.rs has a row for each of src/api/constraints.rs");
}

/// The constants of `src/api/constraints.rs` that are no constraint by themselves.
const NO_TEXT: [&str; 7] = [
    "ANY_LENGTH",
    "TAG_PATTERN",
    "MAX_TAGS",
    "MAX_METRIC_GROUPS",
    "MAX_PAIRWISE",
    "MAX_SHOWN",
    "MAX_VIOLATIONS",
];

#[test]
fn the_evidence_for_an_invariant_gives_it_something_to_evaluate() {
    let (mut runs, mut idle) = (BTreeMap::new(), Vec::new());
    for (invariant, evidence) in INVARIANTS {
        assert_shown(invariant.name(), *evidence, "");
        for path in evidence.scenarios {
            let exercised = runs.entry(*path).or_insert_with(|| {
                let scenario = Scenario::parse(&text(path)).expect("a well-formed scenario");
                run(&scenario, None, TraceLevel::None).exercised
            });
            if exercised[*invariant as usize] == 0 {
                idle.push((invariant.name(), path));
            }
        }
    }
    assert!(idle.is_empty(), "these scenarios do not evaluate the invariant: {idle:?}");
}

/// The rule `name` has a source, and each of its scenarios exists and has `shown` in its trace.
fn assert_shown(name: &str, evidence: Evidence, shown: &str) {
    assert!(!evidence.sources.is_empty(), "{name} has no source");
    assert!(!evidence.scenarios.is_empty(), "{name} has no scenario");
    let is_shown = evidence.scenarios.iter().any(|path| text(path).contains(shown));
    assert!(is_shown, "{name}: {:?} do not show {shown:?}", evidence.scenarios);
}

/// The text of a scenario, by its path below `scenarios`.
fn text(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{path}.scenario"));
    fs::read_to_string(&file).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
}

/// The names that stand between `before`, at the beginning of a line, and `behind` in a source file.
fn names(path: &str, before: &str, behind: char) -> impl Iterator<Item = String> {
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a source");
    let name = |line: &str| {
        let declared = line.strip_prefix("pub(super) ").unwrap_or(line);
        Some(declared.strip_prefix(before)?.split(behind).next()?.to_owned())
    };
    source.lines().filter_map(name).collect::<Vec<_>>().into_iter()
}

/// The result of every scenario, each with its own seed.
fn reports() -> impl Iterator<Item = Report> {
    scenarios("scenarios").map(|scenario| run(&scenario, None, TraceLevel::None))
}

/// Every scenario below the folder.
fn scenarios(folder: &str) -> impl Iterator<Item = Scenario> {
    let mut paths = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut paths);
    assert!(paths.len() > 10, "the scenarios were found");
    paths.into_iter().map(|path| {
        let text = fs::read_to_string(&path).expect("a readable scenario");
        Scenario::parse(&text).expect("a well-formed scenario")
    })
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of scenarios") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { collect(&path, found) } else { found.push(path) }
    }
}
