//! `dsql-sim run`: runs scenario files with their own seeds, with one seed, or with many.

use std::fs;
use std::io::{self, Write};
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::ValueEnum;
use rayon::prelude::*;

use crate::console::files::{File, STANDARD_INPUT};
use crate::scenario::run::{Failure, PANIC, run as run_scenario};
use crate::sim::trace::TraceLevel;

use super::files::{BadFile, Selection};
use super::interrupt::Interrupt;
use super::json_report::RunRecord;
use super::junit::JunitReport;
use super::printer::{Finished, RunPrinter};
use super::results::named;
use super::{Level, counted, exit, log, parse_seeds, show, stream};

/// The arguments of `run`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct RunArguments {
    /// Scenario files, or directories of them; `-` is standard input.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Runs only the files whose path contains TEXT. Given several times, a path that contains any of them is run.
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,
    /// Prints the paths of the files that would be run, and runs none.
    #[arg(long, conflicts_with_all = ["rewrite", "check_determinism"])]
    list: bool,
    /// Runs with this seed instead of the files' own. Recorded traces are not compared.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Runs with every seed from A up to, but not including, B. Of failures that are equal but for names and numbers,
    /// the first is printed in full, and the others are counted.
    #[arg(long, value_name = "A..B", value_parser = parse_seeds)]
    pub(super) seeds: Option<Range<u64>>,
    /// Stops at the first run that fails, in the order of the files and seeds.
    #[arg(long, conflicts_with = "check_determinism")]
    fail_fast: bool,
    /// Prints failures and the last line only.
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Prints the trace of each run, as --trace milestones does, and each run of many seeds. -vv prints every message
    /// too.
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "trace")]
    pub(super) verbose: u8,
    /// How much of the trace of each run is printed.
    #[arg(long, value_enum)]
    trace: Option<Level>,
    /// Fails a scenario that tests less than it says: a fault that never acts, a call that is left out, a time that has
    /// passed already, a comparison with a value that cannot occur, or a name that is given twice. Without --strict,
    /// these are warnings. A file is judged with its own seed, which is run too if --seed or --seeds names others.
    #[arg(long, conflicts_with = "check_determinism")]
    strict: bool,
    /// Records the traces of passing scenarios in their files. Refused when the variable CI is set.
    #[arg(long, conflicts_with_all = ["seed", "seeds", "check_determinism"])]
    rewrite: bool,
    /// Runs everything twice, the second time in the opposite order on one thread, and compares the hashes.
    #[arg(long)]
    check_determinism: bool,
    /// The format of the results.
    #[arg(long, value_enum, default_value_t = RunFormat::Text)]
    pub(super) format: RunFormat,
    /// Writes the page of each failed run that is printed into this folder: one file of HTML, as `report` writes it.
    #[arg(long, value_name = "DIR", conflicts_with = "check_determinism")]
    pub(super) report: Option<PathBuf>,
    /// How many threads run scenarios; by default, one for each core.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

/// The format of the results of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RunFormat {
    /// Text for people.
    Text,
    /// JSON for programs, one object a line: see `help run-json`.
    Json,
    /// A JUnit report: a test suite for each file, a test case with seed and reproduce command for each run.
    Junit,
}

impl RunArguments {
    /// How much of the trace is printed.
    pub(super) fn trace_level(&self) -> TraceLevel {
        match (self.trace, self.verbose) {
            (Some(level), _) => level.level(),
            (None, 0) => TraceLevel::None,
            (None, 1) => TraceLevel::Milestones,
            (None, _) => TraceLevel::Messages,
        }
    }
}

/// Runs the scenarios that `arguments` name, and returns the exit code.
pub(super) fn run(arguments: &RunArguments) -> io::Result<u8> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the command line reads the environment: CI must not record traces"
    )]
    let is_ci = std::env::var_os("CI").is_some();
    if arguments.rewrite && is_ci {
        writeln!(
            stream::stderr(),
            "error: --rewrite is refused when CI is set: traces are recorded by people, who read what changed"
        )?;
        return Ok(exit::BAD_INPUT);
    }
    if arguments.rewrite && arguments.paths.iter().any(|path| path == Path::new(STANDARD_INPUT)) {
        writeln!(stream::stderr(), "error: --rewrite needs files: standard input cannot be written")?;
        return Ok(exit::BAD_INPUT);
    }
    let selection = Selection::find(&arguments.paths, &arguments.filter);
    if selection.paths.is_empty() && selection.bad.is_empty() {
        let filters: Vec<String> = arguments.filter.iter().map(|filter| format!("`{filter}`")).collect();
        writeln!(stream::stderr(), "error: no scenario has {} in its path", filters.join(" or "))?;
        return Ok(exit::BAD_INPUT);
    }
    if arguments.list && selection.bad.is_empty() {
        let mut out = stream::stdout();
        selection.paths.iter().try_for_each(|path| writeln!(out, "{}", path.display()))?;
        return Ok(exit::PASS);
    }
    let files = match selection.read(show::has_colour()) {
        Ok(files) => files,
        Err(bad) => return refuse(arguments, &bad),
    };
    // Before the runs, so that none is in vain.
    if let Some(folder) = &arguments.report {
        fs::create_dir_all(folder).map_err(|error| named(folder, &error))?;
    }
    let threads = arguments.jobs.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(io::Error::other)?;
    if arguments.check_determinism {
        return check_determinism(arguments, &files, &pool);
    }
    run_all(arguments, &files, &pool)
}

/// Prints the mistakes in the files. None is run: a mistake in one may be the reason why another seems to pass.
fn refuse(arguments: &RunArguments, bad: &[BadFile]) -> io::Result<u8> {
    let mut junit = JunitReport::default();
    for file in bad {
        let message = anstream::adapter::strip_str(&file.message).to_string();
        let record = RunRecord::error(&file.path, message.trim_end());
        match arguments.format {
            RunFormat::Text => {}
            RunFormat::Json => writeln!(stream::stdout(), "{}", serde_json::to_string(&record)?)?,
            RunFormat::Junit => junit.add(&record),
        }
        write!(stream::stderr(), "{}", file.message)?;
    }
    if arguments.format == RunFormat::Junit {
        junit.write(&mut stream::stdout())?;
    }
    Ok(exit::BAD_INPUT)
}

/// Counts of the runs that have ended.
#[derive(Default)]
struct RunCounts {
    done: u64,
    failures: u64,
    panics: u64,
}

impl RunCounts {
    fn count(&mut self, failure: Option<&Failure>) {
        self.done += 1;
        self.failures += u64::from(failure.is_some());
        self.panics += u64::from(failure.is_some_and(|failure| failure.invariant == PANIC));
    }

    fn code(&self) -> u8 {
        match (self.panics, self.failures) {
            (0, 0) => exit::PASS,
            (0, _) => exit::FAILED,
            _ => exit::BUG,
        }
    }
}

fn run_all<'a>(arguments: &'a RunArguments, files: &'a [File], pool: &rayon::ThreadPool) -> io::Result<u8> {
    #[expect(clippy::disallowed_methods, reason = "the command line reads the clock: people wait for it")]
    let began = Instant::now();
    let interrupt = Interrupt::watch()?;
    let runs = runs(arguments, files);
    let is_bar_shown = arguments.format == RunFormat::Text && !arguments.quiet;
    let bar = show::progress(if is_bar_shown { runs.len() as u64 } else { 0 });
    let mut counts = RunCounts::default();
    let mut printer = RunPrinter::new(arguments);
    let mut out = stream::stdout();
    let chunk = runs.len().div_ceil(CHUNKS).clamp(1, 4_096);
    for chunk in runs.chunks(chunk) {
        // Collected in order: results are printed in the order of the files and seeds, whichever thread is first.
        let finished: Vec<_> = pool.install(|| {
            let runs = chunk.par_iter();
            runs.map(|(file, seed)| (!interrupt.is_asked()).then(|| run_one(arguments, file, *seed)))
                .collect()
        });
        for finished in finished.into_iter().flatten() {
            bar.inc(1);
            counts.count(finished.failure.as_ref());
            bar.suspend(|| printer.print(&finished, &mut out))?;
            if arguments.rewrite && finished.failure.is_none() {
                rewrite(&finished)?;
            }
            // Runs behind the first failure may have ended before it. They are not counted, so that the output is the
            // same on any number of threads.
            if arguments.fail_fast && finished.failure.is_some() {
                break;
            }
        }
        let is_decided = counts.failures > 0 && (arguments.fail_fast || !out.has_reader());
        if interrupt.is_asked() || is_decided {
            break;
        }
    }
    bar.finish_and_clear();
    printer.finish(&mut out)?;
    let (done, all) = (counts.done, runs.len() as u64);
    if arguments.format == RunFormat::Text {
        show::summary(done, counts.failures, began.elapsed(), &mut out)?;
    }
    if let Some((code, signal)) = interrupt.code().filter(|_| done < all) {
        writeln!(stream::stderr(), "interrupted by {signal} after {done} of {}", counted(all, "run"))?;
        return Ok(code);
    }
    if arguments.fail_fast && done < all {
        writeln!(stream::stderr(), "stopped at the first failure, after {done} of {}", counted(all, "run"))?;
    }
    Ok(counts.code())
}

/// Every file with every seed that it runs with; `None` is the file's own.
fn runs<'a>(arguments: &RunArguments, files: &'a [File]) -> Vec<(&'a File, Option<u64>)> {
    match &arguments.seeds {
        Some(seeds) => {
            files.iter().flat_map(|file| seeds_of(arguments, file, seeds.start..=seeds.end - 1)).collect()
        }
        None => match arguments.seed {
            None => files.iter().map(|file| (file, None)).collect(),
            Some(seed) => files.iter().flat_map(|file| seeds_of(arguments, file, seed..=seed)).collect(),
        },
    }
}

/// The seeds that `file` runs with. With --strict its own comes first: warnings are judged with that one only, because
/// a fault that acts with the file's own seed need not act with another.
fn seeds_of<'a>(
    arguments: &RunArguments,
    file: &'a File,
    seeds: RangeInclusive<u64>,
) -> impl Iterator<Item = (&'a File, Option<u64>)> + use<'a> {
    let own = arguments.strict.then_some((file, None));
    let is_own = arguments.strict.then_some(file.scenario.set_up.seed);
    own.into_iter().chain(seeds.filter(move |seed| Some(*seed) != is_own).map(move |seed| (file, Some(seed))))
}

fn run_one<'a>(arguments: &RunArguments, file: &'a File, seed: Option<u64>) -> Finished<'a> {
    let is_pinned = seed.is_none();
    let is_own = seed.is_none_or(|seed| seed == file.scenario.set_up.seed);
    let wanted = arguments.trace_level();
    let recorded = file.scenario.set_up.trace;
    // A recorded trace is compared at the level at which it was recorded, whatever level is printed.
    let level = if is_pinned { recorded } else { wanted };
    let mut report = run_scenario(&file.scenario, seed, level);
    let is_compared = is_pinned && !arguments.rewrite && report.failure.is_none();
    let difference = is_compared.then(|| report.difference(&file.scenario)).flatten();
    if level != wanted && wanted != TraceLevel::None {
        report = log::silently(|| run_scenario(&file.scenario, seed, wanted));
    } else if level == TraceLevel::None && report.failure.is_some() {
        // The first run kept no trace, because most runs pass. The lines before a failure are worth a second one.
        report = log::silently(|| run_scenario(&file.scenario, seed, TraceLevel::Milestones));
    }
    let warnings = if is_own { report.warnings(&file.scenario) } else { Vec::new() };
    let vacuous = (is_own && arguments.strict).then(|| report.strict(&file.scenario)).flatten();
    Finished { file, failure: report.failure.clone().or(vacuous).or(difference), report, warnings }
}

/// Records the run's trace in its file. A file that does not change is not written: its time of change stays.
fn rewrite(finished: &Finished<'_>) -> io::Result<()> {
    let text = finished.report.rewrite(&finished.file.scenario);
    if text == finished.file.text {
        return Ok(());
    }
    fs::write(&finished.file.path, text)
}

/// Runs everything twice, the second time on one other thread and in the opposite order, and stops at the first
/// difference. Failures are shown too: a failure that repeats itself is still a failure.
fn check_determinism(arguments: &RunArguments, files: &[File], pool: &rayon::ThreadPool) -> io::Result<u8> {
    let runs = runs(arguments, files);
    let run = |(file, seed): &(&File, Option<u64>)| {
        let report = run_scenario(&file.scenario, *seed, TraceLevel::None);
        (report.hash, report.failure)
    };
    let first: Vec<_> = pool.install(|| runs.par_iter().map(run).collect());
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(io::Error::other)?;
    let mut second: Vec<_> = single.install(|| log::silently(|| runs.iter().rev().map(run).collect()));
    second.reverse();
    let mut out = stream::stdout();
    if let Some(((file, seed), _)) =
        runs.iter().zip(first.iter().zip(&second)).find(|(_, (one, other))| one != other)
    {
        return differs(file, *seed, &mut out);
    }
    let mut counts = RunCounts::default();
    let mut printer = RunPrinter::new(arguments);
    let is_text = arguments.format == RunFormat::Text;
    for ((file, seed), (_, failure)) in runs.iter().zip(&first) {
        counts.count(failure.as_ref());
        if failure.is_some() || !is_text {
            let report = log::silently(|| run_scenario(&file.scenario, *seed, arguments.trace_level()));
            let failure = report.failure.clone();
            printer.print(&Finished { file, failure, report, warnings: Vec::new() }, &mut out)?;
        }
    }
    printer.finish(&mut out)?;
    if is_text {
        writeln!(
            out,
            "{}, each made twice, on several threads and on one: no difference, {} failed",
            counted(counts.done, "run"),
            counts.failures
        )?;
    }
    Ok(counts.code())
}

/// Shows the first trace line at which two runs of one seed differ.
fn differs(file: &File, seed: Option<u64>, out: &mut impl Write) -> io::Result<u8> {
    let lines = || {
        let report = log::silently(|| run_scenario(&file.scenario, seed, TraceLevel::Messages));
        report.outputs.into_iter().flatten().chain(report.rest).collect::<Vec<_>>()
    };
    let (one, other) = (lines(), lines());
    let seed = seed.unwrap_or(file.scenario.set_up.seed);
    writeln!(out, "two runs of {} with seed {seed} differ", file.path)?;
    let index =
        one.iter().zip(&other).position(|(one, other)| one != other).unwrap_or(one.len().min(other.len()));
    let line = |lines: &[String]| lines.get(index).cloned().unwrap_or_else(|| "nothing".to_owned());
    writeln!(out, "  first:  {}\n  second: {}", line(&one), line(&other))?;
    Ok(exit::NOT_DETERMINISTIC)
}

/// Into how many parts long work is cut, so that results appear while it goes on.
const CHUNKS: usize = 64;
