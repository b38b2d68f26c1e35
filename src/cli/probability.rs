//! `dsql-sim probability`: how likely the failure of a run was at each of its moments.

use std::io::{self, Write};
use std::path::PathBuf;

use rayon::prelude::*;
use serde::Serialize;

use crate::explain::probability::{CurvePoint, Futures, Jump};
use crate::scenario::run::run;
use crate::sim::trace::time;

use super::interrupt::Interrupt;
use super::{Format, counted, exit, files, log, show, stream};

/// The arguments of `probability`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ProbabilityArguments {
    /// A scenario file that fails.
    file: PathBuf,
    /// Runs the scenario with this seed instead of its own.
    #[arg(long)]
    seed: Option<u64>,
    /// How many futures are drawn from each moment.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000), default_value = "200")]
    futures: u32,
    /// How many threads run futures; by default, one for each core.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// The format of the curve: text with the largest jumps, or one JSON array of its points.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A point of the curve in JSON.
#[derive(Debug, Serialize)]
struct PointRecord {
    /// The number of events of the trace before the moment.
    event: u64,
    /// The virtual time, in nanoseconds.
    at: u64,
    /// How many futures failed.
    failed: u64,
    /// How many futures were drawn.
    of: u64,
}

/// Prints the curve of a run that fails, and returns the exit code.
pub(super) fn probability(arguments: &ProbabilityArguments) -> io::Result<u8> {
    let read = files::read(std::slice::from_ref(&arguments.file), show::has_colour());
    let mut read = match read {
        Ok(read) => read,
        Err(bad) => {
            bad.iter().try_for_each(|file| write!(stream::stderr(), "{}", file.message))?;
            return Ok(exit::BAD_INPUT);
        }
    };
    let name = arguments.file.display();
    if read.len() != 1 {
        return refuse(&format!("{name} is a directory of {}: name one file", counted_files(read.len())));
    }
    let scenario = read.remove(0).scenario;
    let seed = arguments.seed.unwrap_or(scenario.set_up.seed);
    let Some(futures) = Futures::of(&scenario, seed) else {
        let is_own = seed == scenario.set_up.seed;
        let report = log::silently(|| run(&scenario, Some(seed), scenario.set_up.trace));
        return refuse(&match report.difference(&scenario).filter(|_| is_own) {
            None => format!("{name} does not fail with seed {seed}: there is no failure to explain"),
            Some(_) => format!(
                "{name} fails only because its trace differs from the recorded one: `run` shows the difference"
            ),
        });
    };
    let interrupt = Interrupt::watch()?;
    let curve = curve(&futures, arguments.futures, arguments.jobs, &interrupt)?;
    // Decided before anything is printed.
    let code = match interrupt.code() {
        Some((code, _)) => code,
        None => exit::of(Some(futures.failure())),
    };
    match arguments.format {
        Format::Json => print_json(&curve)?,
        Format::Text => print_text(&name.to_string(), seed, &futures, &curve)?,
    }
    if let Some((_, signal)) = interrupt.code() {
        writeln!(stream::stderr(), "interrupted by {signal}: not every moment was looked at")?;
    }
    Ok(code)
}

/// The curve, with the futures of each moment on every thread. After a signal, the rest of the moments is skipped.
pub(super) fn curve(
    futures: &Futures<'_>,
    of: u32,
    jobs: Option<u16>,
    interrupt: &Interrupt,
) -> io::Result<Vec<CurvePoint>> {
    let threads = jobs.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(io::Error::other)?;
    let count = |moment: u64| {
        let fails = |number: &u64| !interrupt.is_asked() && log::silently(|| futures.fails(moment, *number));
        let failed = (0..u64::from(of)).into_par_iter().filter(fails).count() as u64;
        (!interrupt.is_asked()).then_some(failed)
    };
    Ok(pool.install(|| futures.curve(of.into(), EVENLY, count)))
}

fn print_json(curve: &[CurvePoint]) -> io::Result<()> {
    let record = |point: &CurvePoint| PointRecord {
        event: point.event,
        at: point.at.0,
        failed: point.failed,
        of: point.of,
    };
    let records: Vec<PointRecord> = curve.iter().map(record).collect();
    writeln!(stream::stdout(), "{}", serde_json::to_string(&records)?)
}

fn print_text(name: &str, seed: u64, futures: &Futures<'_>, curve: &[CurvePoint]) -> io::Result<()> {
    let mut out = stream::stdout();
    let failure = futures.failure();
    let message = failure.message.lines().next().unwrap_or_default();
    writeln!(out, "{name}, seed {seed}: {}: {message}", failure.invariant)?;
    let of = curve.last().map_or(0, |point| point.of);
    writeln!(out, "\nHow likely that was, in {} from each moment:\n", counted(of, "future"))?;
    writeln!(out, "  event     time")?;
    let mut shown: Option<CurvePoint> = None;
    for (index, point) in curve.iter().enumerate() {
        let is_last = index + 1 == curve.len();
        if shown.is_none_or(|shown| shown.failed.abs_diff(point.failed) * VISIBLE > point.of) || is_last {
            let bar = "#".repeat((point.failed * BAR / point.of) as usize);
            let row = format!("{:>7} {}  {} {bar}", point.event, time(point.at), probability_of(*point));
            writeln!(out, "{}", row.trim_end())?;
            shown = Some(*point);
        }
    }
    let jumps = futures.jumps(curve);
    if jumps.is_empty() {
        return writeln!(out, "\nIt never jumps: no draw and no step behind the first moment decides.");
    }
    writeln!(out, "\nThe largest jumps:")?;
    jumps.iter().take(LARGEST).try_for_each(|jump| writeln!(out, "  {}", sentence(jump)))
}

/// A jump as a sentence, with the first line of the trace in it.
fn sentence(jump: &Jump) -> String {
    let line = jump.lines.first().map_or("the failure itself", |line| line.trim());
    // The line begins with its time, which the sentence has already said.
    let text: Vec<&str> = line.split_whitespace().skip(usize::from(!jump.lines.is_empty())).collect();
    let text = text.join(" ");
    format!(
        "From {} to {} at {} s: {}",
        probability_of(jump.from),
        probability_of(jump.to),
        time(jump.to.at).trim(),
        text.strip_prefix("· ").unwrap_or(&text)
    )
}

/// The share of the futures that failed, with two decimals, rounded down: only 1 is shown as 1.00.
fn probability_of(point: CurvePoint) -> String {
    let hundredths = point.failed * 100 / point.of;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn counted_files(count: usize) -> String {
    if count == 0 { "no scenarios".to_owned() } else { "several scenarios".to_owned() }
}

fn refuse(message: &str) -> io::Result<u8> {
    writeln!(stream::stderr(), "error: {message}")?;
    Ok(exit::BAD_INPUT)
}

/// A run with at most this many moments has a point for each.
const EVENLY: usize = 400;

/// The length of the bar of probability 1.
const BAR: u64 = 40;

/// A point has a row if it differs from the last row by more than one future in this many.
const VISIBLE: u64 = 50;

/// How many jumps are shown.
const LARGEST: usize = 3;
