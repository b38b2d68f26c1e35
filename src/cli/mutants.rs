//! `dsql-sim mutants`: the planted bugs, and the invariants that catch them.

use std::io::{self, Write};
use std::path::PathBuf;

use strum::VariantArray;

use crate::check::Invariant;
use crate::control::mutant::Mutant;
use crate::scenario::run::PANIC;

use super::hunt::{self, Hunt};
use super::interrupt::Interrupt;
use super::{counted, exit, matrix, stream};

/// The arguments of `mutants`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct MutantArguments {
    /// Searches once for each mutant, which the invariant of its line must catch.
    #[arg(long, conflicts_with_all = ["measure", "matrix"])]
    search: bool,
    /// Measures the number of seeds until that invariant catches each mutant: the median of 11 searches, which may be
    /// at most 20000.
    #[arg(long, conflicts_with = "matrix")]
    measure: bool,
    /// The most seeds that a search runs.
    #[arg(long, value_name = "SEEDS", default_value_t = 100_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=200_000))]
    most: u64,
    /// Prints which scenarios and invariants catch each mutant, with the scenarios' own seeds. A scenario that no
    /// mutant fails, except those that fail most scenarios, must have a comment on what it documents.
    #[arg(long)]
    matrix: bool,
    /// Lists, searches for or runs only this mutant. May be given several times.
    #[arg(long = "only", value_name = "NAME", value_parser = super::campaign::parse_mutant)]
    only: Vec<Mutant>,
    /// With --matrix: scenario files, or directories of them.
    #[arg(requires = "matrix", default_value = "scenarios")]
    paths: Vec<PathBuf>,
}

/// Lists the mutants, or prints what catches them, and returns the exit code.
pub(super) fn mutants(arguments: &MutantArguments) -> io::Result<u8> {
    let mutants: Vec<Mutant> = Mutant::ALL
        .iter()
        .copied()
        .filter(|it| arguments.only.is_empty() || arguments.only.contains(it))
        .collect();
    if arguments.matrix {
        return matrix::matrix(&mutants, &arguments.paths);
    }
    if !arguments.measure && !arguments.search {
        list(&mutants)?;
        return Ok(exit::PASS);
    }
    let searches = if arguments.measure { SEARCHES } else { 1 };
    let most_median = if arguments.measure { MOST_MEDIAN } else { arguments.most };
    caught(&mutants, &Hunt { searches, most: arguments.most }, most_median)
}

/// Lists the mutants under the invariants that must catch them.
fn list(mutants: &[Mutant]) -> io::Result<()> {
    let mut out = stream::stdout();
    let width = Mutant::ALL.iter().map(|mutant| mutant.name().len()).max().unwrap_or_default();
    let invariants = Invariant::VARIANTS.iter().map(|invariant| (invariant.name(), invariant.sentence()));
    for (invariant, sentence) in invariants.chain([(PANIC, "no scenario makes dsql-sim panic")]) {
        let mut caught = mutants.iter().filter(|mutant| mutant.caught_by() == invariant).peekable();
        if caught.peek().is_some() {
            writeln!(out, "{invariant}: {sentence}")?;
        }
        for mutant in caught {
            writeln!(out, "  {mutant:width$}  {}", mutant.breaks())?;
        }
    }
    Ok(())
}

/// Searches for each mutant, and prints the number of seeds and the invariants that caught it.
fn caught(mutants: &[Mutant], hunt: &Hunt, most_median: u64) -> io::Result<u8> {
    let interrupt = Interrupt::watch()?;
    let mut out = stream::stdout();
    // A Markdown table, which `docs/mutants.md` includes as it is.
    let seeds = if hunt.searches == 1 { "seeds" } else { "median seeds" };
    writeln!(out, "| {:36} | {seeds:>12} | caught first by |\n|{:-<38}|{:->13}:|---|", "mutant", "", "")?;
    let mut complaints = Vec::new();
    let mut done = 0;
    for mutant in mutants {
        let Some(caught) = hunt.mutant(*mutant, &interrupt) else { break };
        done += 1;
        let median = match caught.median {
            Some(median) if median <= most_median => median.to_string(),
            Some(median) => {
                complaints.push(format!("{mutant} takes {median} seeds, more than {most_median}"));
                median.to_string()
            }
            None => {
                let (invariant, most) = (mutant.caught_by(), hunt.most);
                complaints.push(format!("{mutant} is not caught by {invariant} in {most} seeds"));
                format!("> {most}")
            }
        };
        writeln!(out, "| {mutant:36} | {median:>12} | {} |", catches(&caught, mutant.caught_by()))?;
    }
    // Decided before it is explained, so that a reader who has left does not change the code.
    let interrupted = interrupt.code().filter(|_| done < mutants.len());
    let code = match interrupted {
        Some((code, _)) => code,
        None if complaints.is_empty() => exit::PASS,
        None => exit::FAILED,
    };
    let mut err = stream::stderr();
    for complaint in &complaints {
        writeln!(err, "error: {complaint}")?;
    }
    if let Some((_, signal)) = interrupted {
        writeln!(err, "interrupted by {signal} after {done} of {} mutants", mutants.len())?;
    }
    let (done, errors) = (counted(done as u64, "mutant"), counted(complaints.len() as u64, "error"));
    writeln!(out, "\n{done}, {errors}")?;
    Ok(code)
}

/// The invariants that caught a mutant first, each with its number of searches; the named one before the others.
fn catches(caught: &hunt::Caught, named: &str) -> String {
    let mut by = caught.by.clone();
    by.sort_by_key(|(invariant, times)| (invariant != named, std::cmp::Reverse(*times)));
    let catches: Vec<String> = by.iter().map(|(invariant, times)| format!("{invariant} {times}")).collect();
    catches.join(", ")
}

/// How many searches --measure runs for each mutant.
const SEARCHES: u64 = 11;
/// The median number of seeds within which a mutant must be found.
const MOST_MEDIAN: u64 = 20_000;
