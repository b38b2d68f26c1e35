//! `dsql-sim shrink`.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::control::mutant::{Mutant, Mutants};
use crate::generate::Shape;
use crate::scenario::Scenario;
use crate::scenario::run::run;
use crate::shrink::{Shrinker, story};
use crate::sim::trace::TraceLevel;
use crate::sweep::Campaign;

use super::{exit, files, show};

/// The arguments of `shrink`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ShrinkArguments {
    /// A scenario file that fails.
    #[arg(required_unless_present = "seed", conflicts_with = "seed")]
    file: Option<PathBuf>,
    /// Begins with the scenario that is made up from this seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Plants a bug in the scenario that is made up.
    #[arg(long, value_name = "NAME", value_parser = super::sweep::parse_mutant, conflicts_with = "file")]
    mutant: Vec<Mutant>,
    /// Makes up a small scenario: three calls, two Regions, a witness, two faults at most.
    #[arg(long, conflicts_with = "file")]
    small: bool,
    /// How long it may take; what is smallest by then is printed.
    #[arg(long, value_name = "DURATION", value_parser = super::sweep::parse_duration, default_value = "30s")]
    budget: Duration,
    /// Writes the result to this file instead of printing it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Makes a failing scenario small, and gives the exit code.
pub(super) fn shrink(arguments: &ShrinkArguments) -> io::Result<u8> {
    let (scenario, name) = match (&arguments.file, arguments.seed) {
        (Some(path), _) => match files::read(std::slice::from_ref(path), show::has_colour()) {
            Ok(mut read) if read.len() == 1 => (read.remove(0).scenario, path.display().to_string()),
            Ok(_) => return refuse(&format!("{} is a directory: shrink takes one file", path.display())),
            Err(bad) => {
                bad.iter().try_for_each(|file| write!(anstream::stderr(), "{}", file.message))?;
                return Ok(exit::BAD_INPUT);
            }
        },
        (None, seed) => {
            let seed = seed.unwrap_or_default();
            let shape = if arguments.small { Shape::SMALL } else { Shape::USUAL };
            let mutants = arguments.mutant.iter().fold(Mutants::NONE, |all, mutant| all.with(*mutant));
            (Campaign::Generated(shape, mutants).scenario(seed), format!("seed {seed}"))
        }
    };
    let Some(failure) = run(&scenario, None, TraceLevel::None).failure else {
        return refuse(&format!("{name} does not fail: there is nothing to shrink"));
    };
    let is_stopped = Arc::new(AtomicBool::new(false));
    let stop = is_stopped.clone();
    ctrlc::set_handler(move || stop.store(true, Ordering::Relaxed)).map_err(io::Error::other)?;
    let mut report = |words: &str| writeln!(anstream::stderr(), "{words}");
    let is_over = || is_stopped.load(Ordering::Relaxed);
    let Some(text) = smallest(&scenario, &failure.invariant, arguments.budget, &is_over, &mut report)? else {
        return refuse(&format!(
            "{name} fails, but not in the way that it is printed: {}",
            failure.invariant
        ));
    };
    match &arguments.out {
        Some(path) => {
            fs::write(path, text)?;
            writeln!(anstream::stderr(), "reproduce: dsql-sim run {}", path.display())?;
        }
        None => write!(anstream::stdout(), "{text}")?,
    }
    Ok(exit::FAILED)
}

/// The text of the smallest scenario that still violates `invariant`; `None` if what is printed does not.
pub(super) fn smallest(
    scenario: &Scenario,
    invariant: &str,
    budget: Duration,
    is_over: &dyn Fn() -> bool,
    report: &mut dyn FnMut(&str) -> io::Result<()>,
) -> io::Result<Option<String>> {
    #[expect(clippy::disallowed_methods, reason = "a door: people have only so much time")]
    let began = Instant::now();
    let Some(mut shrinker) = Shrinker::of_violation(scenario, invariant) else { return Ok(None) };
    while began.elapsed() < budget
        && !is_over()
        && let Some(words) = shrinker.step()
    {
        report(&words)?;
    }
    let scenario = shrinker.scenario();
    Ok(Some(story(&scenario, &run(&scenario, None, TraceLevel::None))))
}

fn refuse(message: &str) -> io::Result<u8> {
    writeln!(anstream::stderr(), "error: {message}")?;
    Ok(exit::BAD_INPUT)
}
