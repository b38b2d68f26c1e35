//! `dsql-sim mutants --matrix`: which scenarios fail under which planted bugs, and by what.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use rayon::prelude::*;

use crate::control::mutant::{Mutant, Mutants};
use crate::scenario::run::run;
use crate::sim::trace::TraceLevel;

use super::files::{self, File};
use super::{exit, show, stream};

/// What the opening comment says of a scenario that no telling mutant fails; what it documents follows.
const DOCUMENTS: &str = "No planted bug is aimed at this: it documents";
/// A mutant that fails more than one scenario in so many by the same invariant says of none of them what it tests.
const TELLING: usize = 2;
/// So many scenarios it may fail, however few there are.
const FEW: usize = 5;

/// What fails a scenario: a mutant, by an invariant, or by an expectation.
type Kill = (Mutant, String);

/// Runs every scenario under every mutant and prints what failed, and gives the exit code.
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
    let tells = |kill: &Kill| failed(kill.0).filter(|(_, by)| *by == kill.1).count() <= most;
    let complaints: Vec<String> = files
        .iter()
        .zip(&kills)
        .filter_map(|(file, kills)| complaint(file, kills.iter().find(|kill| tells(kill))))
        .collect();
    let mut out = stream::stdout();
    for (file, kills) in files.iter().zip(&kills) {
        let by: Vec<String> = kills.iter().map(|(mutant, by)| format!("{mutant} ({by})")).collect();
        let by = if by.is_empty() { "no mutant".to_owned() } else { by.join(", ") };
        writeln!(out, "{}: {by}", file.path)?;
    }
    writeln!(out, "\nmutants, in how many scenarios each is caught, and by what:")?;
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
    writeln!(out, "{} scenarios under {} mutants, {} errors", files.len(), mutants.len(), complaints.len())?;
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

/// What is wrong with a scenario that tests nothing, or says that it tests nothing and does.
fn complaint(file: &File, telling: Option<&Kill>) -> Option<String> {
    let says_so = opening(&file.text).contains(DOCUMENTS);
    let path = &file.path;
    match (says_so, telling) {
        (false, None) => Some(format!(
            "{path} is vacuous: no planted bug fails it but those that fail most. Mend it, plant a bug, or say in its \
             opening comment `{DOCUMENTS} ...`"
        )),
        (true, Some((mutant, by))) => {
            Some(format!("{path} says `{DOCUMENTS}`, and {mutant} fails it by {by}: take that out"))
        }
        _ => None,
    }
}

/// The comment that a file begins with, in one line.
fn opening(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    lines.collect::<Vec<_>>().join(" ")
}
