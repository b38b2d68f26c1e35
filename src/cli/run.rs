//! `dsql-sim run`.

use std::fs;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;

use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::run::{Failure, PANIC, Report, STRICT, run as run_scenario};
use crate::sim::trace::TraceLevel;

use super::files::{self, BadFile, File};
use super::interrupt::Interrupt;
use super::json_report::{self, RunRecord};
use super::{Format, RunArguments, exit, show, stream};

/// Runs the scenarios that `arguments` name, and gives the exit code.
pub(super) fn run(arguments: &RunArguments) -> io::Result<u8> {
    #[expect(clippy::disallowed_methods, reason = "a door: CI must never bless a trace")]
    let is_ci = std::env::var_os("CI").is_some();
    if arguments.rewrite && is_ci {
        writeln!(
            stream::stderr(),
            "error: --rewrite is refused when CI is set: traces are recorded by people"
        )?;
        return Ok(exit::BAD_INPUT);
    }
    if arguments.rewrite && arguments.paths.iter().any(|path| path == Path::new(files::STANDARD_INPUT)) {
        writeln!(stream::stderr(), "error: --rewrite wants files: standard input cannot be written")?;
        return Ok(exit::BAD_INPUT);
    }
    let files = match files::read(&arguments.paths, show::has_colour()) {
        Ok(files) => files,
        Err(bad) => return refuse(arguments, &bad),
    };
    let threads = arguments.jobs.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(io::Error::other)?;
    if arguments.check_determinism {
        return check_determinism(arguments, &files, &pool);
    }
    run_all(arguments, &files, &pool)
}

/// Says what is wrong with the files; nothing is run.
fn refuse(arguments: &RunArguments, bad: &[BadFile]) -> io::Result<u8> {
    for file in bad {
        if arguments.format == Format::Json {
            let message = anstream::adapter::strip_str(&file.message).to_string();
            let record = RunRecord::error(&file.path, message.trim_end());
            writeln!(stream::stdout(), "{}", serde_json::to_string(&record)?)?;
        }
        write!(stream::stderr(), "{}", file.message)?;
    }
    Ok(exit::BAD_INPUT)
}

/// A run that is over.
struct Finished<'a> {
    file: &'a File,
    report: Report,
    failure: Option<Failure>,
    /// What tested less than the file says, if it ran with its own seed.
    warnings: Vec<Diagnostic>,
}

fn run_all(arguments: &RunArguments, files: &[File], pool: &rayon::ThreadPool) -> io::Result<u8> {
    #[expect(clippy::disallowed_methods, reason = "a door: people want to know how long they waited")]
    let began = Instant::now();
    let interrupt = Interrupt::watch()?;
    let runs = runs(arguments, files);
    let bar = show::progress(runs.len() as u64);
    let (mut done, mut failures, mut panics) = (0, 0, 0);
    let mut out = stream::stdout();
    let chunk = runs.len().div_ceil(CHUNKS).clamp(1, 4_096);
    for chunk in runs.chunks(chunk) {
        // Results are printed in the order of the files and seeds, whichever thread is first.
        let finished: Vec<_> = pool.install(|| {
            let runs = chunk.par_iter();
            runs.map(|(file, seed)| (!interrupt.is_asked()).then(|| run_one(arguments, file, *seed)))
                .collect()
        });
        for finished in finished.into_iter().flatten() {
            bar.inc(1);
            done += 1;
            failures += u64::from(finished.failure.is_some());
            panics += u64::from(finished.failure.as_ref().is_some_and(|failure| failure.invariant == PANIC));
            bar.suspend(|| print(arguments, &finished, &mut out))?;
            if arguments.rewrite && finished.failure.is_none() {
                rewrite(&finished)?;
            }
        }
        // The code is known, and nobody reads on.
        if interrupt.is_asked() || failures > 0 && !out.has_reader() {
            break;
        }
    }
    bar.finish_and_clear();
    if arguments.format == Format::Text {
        show::summary(done, failures, began.elapsed(), &mut out)?;
    }
    let all = runs.len() as u64;
    if let Some((code, signal)) = interrupt.code().filter(|_| done < all) {
        writeln!(stream::stderr(), "interrupted by {signal}: {done} of {all} runs were made")?;
        return Ok(code);
    }
    Ok(match (panics, failures) {
        (0, 0) => exit::PASS,
        (0, _) => exit::FAILED,
        _ => exit::BUG,
    })
}

/// Every file with every seed that it is to be run with; `None` is its own.
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

/// The seeds that `file` is to be run with, and its own before them if it is to be judged strictly.
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
    // The recorded trace is compared at the level that the file was recorded with.
    let is_pinned = seed.is_none();
    let is_own = seed.is_none_or(|seed| seed == file.scenario.set_up.seed);
    let asked = arguments.trace.level();
    let recorded = file.scenario.set_up.trace;
    let level = if is_pinned { recorded } else { asked };
    let mut report = run_scenario(&file.scenario, seed, level);
    let is_compared = is_pinned && !arguments.rewrite && report.failure.is_none();
    let difference = is_compared.then(|| report.difference(&file.scenario)).flatten();
    if level != asked && asked != TraceLevel::None {
        report = run_scenario(&file.scenario, seed, asked);
    } else if level == TraceLevel::None && report.failure.is_some() {
        // How it came is worth a second run.
        report = run_scenario(&file.scenario, seed, TraceLevel::Milestones);
    }
    let warnings = if is_own { report.warnings(&file.scenario) } else { Vec::new() };
    let vacuous = (is_own && arguments.strict).then(|| report.strict(&file.scenario)).flatten();
    Finished { file, failure: report.failure.clone().or(vacuous).or(difference), report, warnings }
}

fn print(arguments: &RunArguments, finished: &Finished<'_>, out: &mut impl Write) -> io::Result<()> {
    let Finished { file, report, failure, warnings } = finished;
    let mut record = RunRecord::new(&file.path, &file.text, report, failure.as_ref());
    record.warnings = json_report::warnings(&file.text, warnings);
    if arguments.format == Format::Json {
        if arguments.seeds.is_none() {
            record.blocks = json_report::blocks(&file.scenario.script, report);
        }
        return writeln!(out, "{}", serde_json::to_string(&record)?);
    }
    let is_shown = arguments.trace.level() != TraceLevel::None;
    if is_shown {
        writeln!(out, "{} with seed {}", file.path, report.seed)?;
        for line in report.outputs.iter().flatten().chain(&report.rest) {
            writeln!(out, "{line}")?;
        }
    }
    match failure {
        Some(failure) if failure.invariant == STRICT => return show::vacuous(&record, file, warnings, out),
        Some(failure) => show::failed(&record, file, failure, is_shown, out)?,
        None if arguments.seeds.is_some() => return Ok(()),
        None => show::passed(&record, out)?,
    }
    show::warnings(file, warnings, out)
}

/// Records the run's trace in its file, if it is not there already.
fn rewrite(finished: &Finished<'_>) -> io::Result<()> {
    let text = finished.report.rewrite(&finished.file.scenario);
    if text == finished.file.text {
        return Ok(());
    }
    fs::write(&finished.file.path, text)
}

/// Runs everything twice, the second time on a single other thread and in the opposite order, and stops at the first
/// difference. What fails is shown: it would be a poor success that something fails twice in the same way.
fn check_determinism(arguments: &RunArguments, files: &[File], pool: &rayon::ThreadPool) -> io::Result<u8> {
    let runs = runs(arguments, files);
    let run = |(file, seed): &(&File, Option<u64>)| {
        let report = run_scenario(&file.scenario, *seed, TraceLevel::None);
        (report.hash, report.failure.map(|failure| failure.invariant))
    };
    let first: Vec<_> = pool.install(|| runs.par_iter().map(run).collect());
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(io::Error::other)?;
    let mut second: Vec<_> = single.install(|| runs.iter().rev().map(run).collect());
    second.reverse();
    let mut out = stream::stdout();
    if let Some(((file, seed), _)) =
        runs.iter().zip(first.iter().zip(&second)).find(|(_, (one, other))| one != other)
    {
        return differs(file, *seed, &mut out);
    }
    let failed: Vec<&str> = first.iter().filter_map(|(_, failure)| failure.as_deref()).collect();
    let code = match (failed.contains(&PANIC), failed.is_empty()) {
        (true, _) => exit::BUG,
        (false, false) => exit::FAILED,
        (false, true) => exit::PASS,
    };
    let is_shown = |failure: &Option<String>| failure.is_some() || arguments.format == Format::Json;
    for ((file, seed), _) in runs.iter().zip(&first).filter(|(_, (_, failure))| is_shown(failure)) {
        let report = run_scenario(&file.scenario, *seed, arguments.trace.level());
        let failure = report.failure.clone();
        print(arguments, &Finished { file, failure, report, warnings: Vec::new() }, &mut out)?;
    }
    if arguments.format == Format::Text {
        writeln!(
            out,
            "{} runs, each made twice, on several threads and on one: no difference, {} failed",
            runs.len(),
            failed.len()
        )?;
    }
    Ok(code)
}

/// Shows the first event at which two runs of one seed differ.
fn differs(file: &File, seed: Option<u64>, out: &mut impl Write) -> io::Result<u8> {
    let lines = || {
        let report = run_scenario(&file.scenario, seed, TraceLevel::Messages);
        report.outputs.into_iter().flatten().chain(report.rest).collect::<Vec<_>>()
    };
    let (one, other) = (lines(), lines());
    let seed = seed.unwrap_or(file.scenario.set_up.seed);
    writeln!(out, "two runs of {} with seed {seed} differ", file.path)?;
    let place =
        one.iter().zip(&other).position(|(one, other)| one != other).unwrap_or(one.len().min(other.len()));
    let line = |lines: &[String]| lines.get(place).cloned().unwrap_or_else(|| "nothing".to_owned());
    writeln!(out, "  first:  {}\n  second: {}", line(&one), line(&other))?;
    Ok(exit::NOT_DETERMINISTIC)
}

/// Into how many parts long work is cut, so that results appear while it goes on.
const CHUNKS: usize = 64;
