//! The coverage of the scenarios: every coverage mark, operation, kind of fault and switch, and evaluations of every
//! invariant.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dsql_sim::Scenario;
use dsql_sim::api::Operation;
use dsql_sim::check::{CheckCounts, Invariant};
use dsql_sim::internals::control::assumptions::Assumptions;
use dsql_sim::internals::coverage_mark::CoverageMark;
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
