//! `dsql-sim mutants --matrix`: runs every scenario under every mutant and prints which check fails it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use rayon::prelude::*;

use crate::console::files::File;
use crate::control::mutant::{Mutant, Mutants};
use crate::scenario::run::run;
use crate::sim::trace::TraceLevel;

use super::files;
use super::{counted, exit, show, stream};

/// The opening comment of a scenario that no telling mutant fails begins so; the behaviour that it documents follows.
const DOCUMENTS: &str = "No planted bug is aimed at this: it documents";
/// A mutant is telling if it fails at most one scenario in so many by the same invariant. One that fails half of the
/// library shows nothing about what a single scenario tests.
const TELLING: usize = 2;
/// A mutant that fails no more scenarios than this is telling, however small the library is.
const FEW: usize = 5;

/// A mutant that fails a scenario, and the invariant or `expectation` that catches it.
type Kill = (Mutant, String);

/// Runs every scenario under every mutant, prints the failures, and returns the exit code.
pub(super) fn matrix(mutants: &[Mutant], paths: &[PathBuf]) -> io::Result<u8> {
    let files = match files::read(paths, show::has_colour()) {
        Ok(files) => files,
        Err(bad) => {
            for file in bad {
                write!(stream::stderr(), "{}", file.message)?;
            }
            return Ok(exit::BAD_INPUT);
        }
    };
    let kills: Vec<Vec<Kill>> = files.par_iter().map(|file| kills(mutants, file)).collect();
    let failed = |mutant: Mutant| kills.iter().flatten().filter(move |(by, _)| *by == mutant);
    let most = FEW.max(files.len() / TELLING);
    let is_telling = |kill: &Kill| failed(kill.0).filter(|(_, by)| *by == kill.1).count() <= most;
    let complaints: Vec<String> = files
        .iter()
        .zip(&kills)
        .filter_map(|(file, kills)| complaint(file, kills.iter().find(|kill| is_telling(kill))))
        .collect();
    let mut out = stream::stdout();
    for (file, kills) in files.iter().zip(&kills) {
        let by: Vec<String> = kills.iter().map(|(mutant, by)| format!("{mutant} ({by})")).collect();
        let by = if by.is_empty() { "no mutant".to_owned() } else { by.join(", ") };
        writeln!(out, "{}: {by}", file.path)?;
    }
    writeln!(out, "\nmutants: in how many scenarios each is caught, and by which check:")?;
    for mutant in mutants {
        let mut by: BTreeMap<&str, usize> = BTreeMap::new();
        failed(*mutant).for_each(|(_, invariant)| *by.entry(invariant).or_default() += 1);
        let by: Vec<String> = by.iter().map(|(invariant, times)| format!("{invariant} {times}")).collect();
        writeln!(out, "  {mutant:36} {:>4}  {}", failed(*mutant).count(), by.join(", "))?;
    }
    let mut err = stream::stderr();
    for complaint in &complaints {
        writeln!(err, "error: {complaint}")?;
    }
    let errors = counted(complaints.len() as u64, "error");
    writeln!(out, "{} scenarios under {} mutants, {errors}", files.len(), mutants.len())?;
    Ok(if complaints.is_empty() { exit::PASS } else { exit::FAILED })
}

fn kills(mutants: &[Mutant], file: &File) -> Vec<Kill> {
    let planted = mutants.iter().filter_map(|mutant| {
        let mut scenario = file.scenario.clone();
        scenario.set_up.mutants = Mutants::NONE.with(*mutant);
        Some((*mutant, run(&scenario, None, TraceLevel::None).failure?.invariant))
    });
    planted.collect()
}

/// The complaint about a scenario that tests nothing, or about one that claims to test nothing and does.
fn complaint(file: &File, telling: Option<&Kill>) -> Option<String> {
    let is_declared = opening(&file.text).contains(DOCUMENTS);
    let path = &file.path;
    match (is_declared, telling) {
        (false, None) => Some(format!(
            "{path} is vacuous: no mutant fails it, except those that fail most scenarios. Fix the scenario, plant a \
             bug, or write in its opening comment `{DOCUMENTS} ...`"
        )),
        (true, Some((mutant, by))) => Some(format!(
            "the opening comment of {path} has `{DOCUMENTS}`, but {mutant} fails it by {by}: remove the comment"
        )),
        _ => None,
    }
}

/// The opening comment of a file, in one line.
fn opening(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    lines.collect::<Vec<_>>().join(" ")
}
