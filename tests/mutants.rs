//! Every planted bug is caught, and by the invariant that its table names.
//!
//! `tests/mutants/NAME.scenario` meets the mutant NAME: a scenario that holds for every seed as long as nobody plants
//! anything. It is run without the mutant and with it, with its own seed and with twenty others.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use dsql_sim::check::Invariant;
use dsql_sim::internals::control::mutant::{Mutant, Mutants};
use dsql_sim::internals::scenario::run::PANIC;
use dsql_sim::internals::scenario::{Scenario, run};
use dsql_sim::internals::sim::trace::TraceLevel;
use libtest2_mimic::{RunError, Trial};
use strum::VariantArray;

/// How many seeds a scenario is run with besides its own.
const SEEDS: u64 = 20;

type Failed = Box<dyn Error>;

fn main() {
    let mut trials: Vec<_> = met_by_a_scenario().flat_map(trials_of).collect();
    trials.extend(Mutant::SEARCHED.into_iter().map(|mutant| {
        trial(format!("{mutant}::no_scenario_catches_it"), move || no_scenario_catches(mutant))
    }));
    trials.extend([
        trial("every_invariant_catches_three_mutants", every_invariant_catches_three_mutants),
        trial("every_mutant_names_an_invariant", every_mutant_names_an_invariant),
        trial("every_scenario_is_that_of_a_mutant", every_scenario_is_that_of_a_mutant),
    ]);
    dsql_sim::internals::suite::run_trials(trials)
}

fn trial(name: impl Into<String>, test: impl Fn() -> Result<(), Failed> + Send + Sync + 'static) -> Trial {
    Trial::test(name, move |_| test().map_err(RunError::fail))
}

/// The mutants that have a scenario of their own; the others are for `tests/search.rs`.
fn met_by_a_scenario() -> impl Iterator<Item = Mutant> {
    Mutant::ALL.iter().copied().filter(|mutant| !Mutant::SEARCHED.contains(mutant))
}

fn no_scenario_catches(mutant: Mutant) -> Result<(), Failed> {
    let files = ["scenarios", "tests/mutants"].into_iter().flat_map(walkdir::WalkDir::new);
    for entry in files {
        let path = entry?.into_path();
        if path.extension().is_none_or(|extension| extension != "scenario") {
            continue;
        }
        let mut scenario =
            Scenario::parse(&fs::read_to_string(&path)?).map_err(|mistakes| format!("{mistakes:?}"))?;
        scenario.set_up.mutants = Mutants::NONE.with(mutant);
        if let Some(failure) = run::run(&scenario, None, TraceLevel::None).failure {
            return Err(format!("{} does: {}", path.display(), failure.invariant).into());
        }
    }
    Ok(())
}

fn trials_of(mutant: Mutant) -> [Trial; 2] {
    let caught = format!("{mutant}::is_caught_by_{}", mutant.caught_by());
    [
        trial(format!("{mutant}::absent_and_its_scenario_holds"), move || holds_without(mutant)),
        trial(caught, move || is_caught(mutant)),
    ]
}

fn holds_without(mutant: Mutant) -> Result<(), Failed> {
    let scenario = scenario_of(mutant)?;
    for seed in seeds(&scenario) {
        if let Some(failure) = run::run(&scenario, Some(seed), TraceLevel::None).failure {
            return Err(format!("seed {seed}: {}: {}", failure.invariant, failure.message).into());
        }
    }
    Ok(())
}

fn is_caught(mutant: Mutant) -> Result<(), Failed> {
    let mut scenario = scenario_of(mutant)?;
    scenario.set_up.mutants = Mutants::NONE.with(mutant);
    let mut missed = Vec::new();
    for seed in seeds(&scenario) {
        let failure = run::run(&scenario, Some(seed), TraceLevel::None).failure;
        if failure.as_ref().map(|failure| failure.invariant.as_str()) != Some(mutant.caught_by()) {
            let seen = failure.map_or("nothing".to_owned(), |it| format!("{}: {}", it.invariant, it.message));
            missed.push(format!("seed {seed}: {seen}"));
        }
    }
    if missed.is_empty() {
        return Ok(());
    }
    let (caught, runs) = (seeds(&scenario).count() - missed.len(), seeds(&scenario).count());
    Err(format!("{} caught {caught} of {runs}; instead\n{}", mutant.caught_by(), missed.join("\n")).into())
}

fn every_invariant_catches_three_mutants() -> Result<(), Failed> {
    for invariant in Invariant::VARIANTS {
        let caught = Mutant::ALL.iter().filter(|mutant| mutant.caught_by() == invariant.name()).count();
        if caught < 3 {
            return Err(format!("{caught} mutants show that {} bites, of 3", invariant.name()).into());
        }
    }
    Ok(())
}

fn every_mutant_names_an_invariant() -> Result<(), Failed> {
    let is_known =
        |mutant: &Mutant| mutant.caught_by() == PANIC || Invariant::named(mutant.caught_by()).is_some();
    match Mutant::ALL.iter().find(|mutant| !is_known(mutant)) {
        None => Ok(()),
        Some(mutant) => Err(format!("{mutant} names {}, which is no invariant", mutant.caught_by()).into()),
    }
}

fn every_scenario_is_that_of_a_mutant() -> Result<(), Failed> {
    let known: BTreeSet<PathBuf> = met_by_a_scenario().map(path_of).collect();
    for entry in fs::read_dir(directory())? {
        let path = entry?.path();
        if !known.contains(&path) {
            return Err(format!("{} belongs to no mutant", path.display()).into());
        }
    }
    Ok(())
}

/// The scenario's own seed, then the others.
fn seeds(scenario: &Scenario) -> impl Iterator<Item = u64> {
    let own = scenario.set_up.seed;
    std::iter::once(own).chain((0..SEEDS).filter(move |seed| *seed != own))
}

fn scenario_of(mutant: Mutant) -> Result<Scenario, Failed> {
    let path = path_of(mutant);
    let text = fs::read_to_string(&path)
        .map_err(|error| format!("{mutant} has no scenario: {}: {error}", path.display()))?;
    Scenario::parse(&text).map_err(|mistakes| {
        let lines: Vec<_> = mistakes.iter().map(|mistake| format!("{mistake:?}")).collect();
        format!("{} can't be read:\n{}", path.display(), lines.join("\n")).into()
    })
}

fn path_of(mutant: Mutant) -> PathBuf {
    directory().join(format!("{mutant}.scenario"))
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutants")
}
