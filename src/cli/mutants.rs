//! `dsql-sim mutants`.

use std::io::{self, Write};

use rayon::prelude::*;

use crate::check::INVARIANTS;
use crate::control::mutant::{Mutant, Mutants};
use crate::generate::Shape;
use crate::sweep::Campaign;

use super::exit;

/// The arguments of `mutants`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct MutantArguments {
    /// Measures how many seeds a search takes until it catches each: the median of 11 searches.
    #[arg(long)]
    measure: bool,
}

/// Lists the mutants, or measures how soon each is caught.
pub(super) fn mutants(arguments: &MutantArguments) -> io::Result<u8> {
    if arguments.measure { measure() } else { list() }
}

/// Lists the mutants under the invariants that must catch them.
fn list() -> io::Result<u8> {
    let mut out = anstream::stdout();
    let width = Mutant::ALL.iter().map(|mutant| mutant.name().len()).max().unwrap_or_default();
    for (invariant, sentence) in INVARIANTS {
        writeln!(out, "{invariant}: {sentence}")?;
        for mutant in Mutant::ALL.iter().filter(|mutant| mutant.caught_by() == invariant) {
            writeln!(out, "  {mutant:width$}  {}", mutant.breaks())?;
        }
    }
    Ok(exit::PASS)
}

/// Searches for each mutant, several times from different seeds on.
fn measure() -> io::Result<u8> {
    let mut out = anstream::stdout();
    writeln!(out, "{:28} {:>12}  caught by", "mutant", "median seeds")?;
    let mut has_escaped = false;
    for mutant in Mutant::ALL {
        let campaign = Campaign::Generated(Shape::USUAL, Mutants::NONE.with(*mutant));
        let searches: Vec<_> =
            (0..SEARCHES).into_par_iter().map(|number| search(&campaign, number)).collect();
        let mut seeds: Vec<u64> = searches.iter().map(|(seeds, _)| *seeds).collect();
        seeds.sort_unstable();
        let median = seeds[seeds.len() / 2];
        let caught = |name: &str| searches.iter().filter(|(_, by)| by.as_deref() == Some(name)).count();
        let by = INVARIANTS.iter().map(|(name, _)| (caught(name), *name)).filter(|(times, _)| *times > 0);
        let by: Vec<String> = by.map(|(times, name)| format!("{name} {times}")).collect();
        has_escaped |= median > MOST_SEEDS;
        let median = if median > MOST_SEEDS { format!("> {MOST_SEEDS}") } else { median.to_string() };
        writeln!(out, "{mutant:28} {median:>12}  {}", by.join(", "))?;
    }
    Ok(if has_escaped { exit::FAILED } else { exit::PASS })
}

/// How many seeds the `number`-th search takes, and which invariant ends it.
fn search(campaign: &Campaign, number: u64) -> (u64, Option<String>) {
    let from = number * APART;
    let caught =
        (from..from + MOST_SEEDS).find_map(|seed| Some((seed, campaign.run(seed).failure?.invariant)));
    caught.map_or((MOST_SEEDS + 1, None), |(seed, by)| (seed - from + 1, Some(by)))
}

const SEARCHES: u64 = 11;
/// How far apart searches begin.
const APART: u64 = 10_000_000;
/// How many seeds a search takes at most.
const MOST_SEEDS: u64 = 100_000;
