//! `dsql-sim sweep` and `dsql-sim merge`.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::goal::Goal;
use crate::sweep::{Campaign, Tally};

use super::campaign::CampaignArguments;
use super::{Format, exit, shrink, summary};

/// The arguments of `sweep`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SweepArguments {
    #[command(flatten)]
    campaign: CampaignArguments,
    /// Runs every seed from A up to, not including, B.
    #[arg(long, value_name = "A..B", value_parser = super::parse_seeds, conflicts_with = "for")]
    seeds: Option<Range<u64>>,
    /// Runs seeds from 0 up for so long, as in 60s or 8h. Without this and without --seeds: 0..10000.
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration, id = "for")]
    time: Option<Duration>,
    /// How many threads run scenarios; as many as there are cores, unless said.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Runs only the K-th of N parts of the seeds, counted from 1.
    #[arg(long, value_name = "K/N", value_parser = parse_shard, default_value = "1/1")]
    shard: Shard,
    /// Writes what `merge` joins, a JSON object a line.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Ends soon after the first violation.
    #[arg(long)]
    stop_on_first: bool,
    /// Leaves the first violation of each invariant as large as it is.
    #[arg(long)]
    no_shrink: bool,
    #[command(flatten)]
    result: ResultArguments,
}

/// The arguments of `merge`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct MergeArguments {
    /// Files that `sweep --out` wrote.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    result: ResultArguments,
}

/// What is done with a result.
#[derive(Debug, Clone, clap::Args)]
struct ResultArguments {
    /// Fails if a goal was not reached.
    #[arg(long)]
    require_goals: bool,
    /// Prints which operations met a cluster in which status, under which kinds of fault.
    #[arg(long)]
    coverage: bool,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// One of several equal parts of the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Shard {
    part: u64,
    of: u64,
}

/// What came of a batch: a line of a file of results.
#[derive(Debug, Serialize, Deserialize)]
struct Batch {
    version: String,
    /// What was run: results of different campaigns do not join.
    campaign: String,
    shard: Shard,
    /// The batch's seeds, of which the shard's were run.
    seeds: Range<u64>,
    tally: Tally,
}

/// Searches, and gives the exit code.
pub(super) fn sweep(arguments: &SweepArguments) -> io::Result<u8> {
    let campaign = match arguments.campaign.campaign() {
        Ok(campaign) => campaign,
        Err(message) => {
            write!(anstream::stderr(), "{message}")?;
            return Ok(exit::BAD_INPUT);
        }
    };
    let name = format!("sweep{}", arguments.campaign.words());
    let mut out = match &arguments.out {
        Some(path) => Some(BufWriter::new(File::create(path).map_err(|error| named(path, &error))?)),
        None => None,
    };
    let threads = arguments.jobs.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(io::Error::other)?;
    let is_stopped = Arc::new(AtomicBool::new(false));
    let stop = is_stopped.clone();
    // A second handler in one process is refused; there is none but ours.
    ctrlc::set_handler(move || stop.store(true, Ordering::Relaxed)).map_err(io::Error::other)?;

    let seeds =
        arguments.seeds.clone().unwrap_or(if arguments.time.is_some() { 0..u64::MAX } else { 0..10_000 });
    let progress = Progress::new(arguments, &seeds);
    let mut whole = Tally::default();
    let mut from = seeds.start;
    while from < seeds.end && !is_stopped.load(Ordering::Relaxed) && !progress.is_over(arguments.time) {
        let batch = from..seeds.end.min(from.saturating_add(BATCH * arguments.shard.of));
        let own =
            batch.clone().skip((arguments.shard.part - 1) as usize).step_by(arguments.shard.of as usize);
        let own: Vec<u64> = own.collect();
        let tally = pool.install(|| {
            own.par_iter()
                .fold(Tally::default, |mut tally, seed| {
                    if !is_stopped.load(Ordering::Relaxed) {
                        tally.count(*seed, &campaign.run(*seed));
                    }
                    tally
                })
                .reduce(Tally::default, |mut one, other| {
                    one.join(other);
                    one
                })
        });
        from = batch.end;
        // Of a batch that was interrupted not every seed was run: it is shown, but does not join others.
        if let Some(out) = &mut out
            && !is_stopped.load(Ordering::Relaxed)
        {
            let version = env!("CARGO_PKG_VERSION").to_owned();
            let line = Batch {
                version,
                campaign: name.clone(),
                shard: arguments.shard,
                seeds: batch,
                tally: tally.clone(),
            };
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
            out.flush()?;
        }
        whole.join(tally);
        progress.show(&whole)?;
        if arguments.stop_on_first && !whole.violations.is_empty() {
            break;
        }
    }
    let took = progress.finish();
    if is_stopped.load(Ordering::Relaxed) {
        writeln!(anstream::stderr(), "stopped: this is what was done")?;
    }
    let shown = summary::Shown {
        tally: &whole,
        campaign: Some(arguments.campaign.words()),
        took: Some(took),
        coverage: arguments.result.coverage,
    };
    shown.print(arguments.result.format)?;
    if arguments.result.format == Format::Text && !arguments.no_shrink {
        print_small(&campaign, &whole, &|| is_stopped.load(Ordering::Relaxed))?;
    }
    Ok(verdict(&whole, arguments.result.require_goals))
}

/// Prints the first violation of each invariant as a small scenario.
fn print_small(campaign: &Campaign, whole: &Tally, is_over: &dyn Fn() -> bool) -> io::Result<()> {
    let mut out = anstream::stdout();
    for (invariant, violation) in &whole.violations {
        let mut kept = 0;
        let mut count = |_: &str| {
            kept += 1;
            Ok(())
        };
        let scenario = campaign.scenario(violation.first);
        if let Some(text) = shrink::smallest(&scenario, invariant, SHRINKING, is_over, &mut count)? {
            write!(out, "\nseed {} after {kept} reductions:\n\n{text}", violation.first)?;
        }
    }
    Ok(())
}

/// Joins the results of several sweeps of one campaign, and gives the exit code.
pub(super) fn merge(arguments: &MergeArguments) -> io::Result<u8> {
    let mut whole = Tally::default();
    let mut batches: Vec<Batch> = Vec::new();
    for path in &arguments.files {
        let text = std::fs::read_to_string(path).map_err(|error| named(path, &error))?;
        for (number, line) in text.lines().enumerate() {
            let place = format!("{}:{}", path.display(), number + 1);
            let mut batch: Batch = match serde_json::from_str(line) {
                Ok(batch) => batch,
                Err(error) => {
                    return refuse(&format!("{place}: this is no result of `sweep --out`: {error}"));
                }
            };
            if let Some(other) = batches.iter().find(|other| !other.joins(&batch)) {
                return refuse(&format!(
                    "{place}: seeds {}..{} of `{}` do not join {}..{} of `{}`: they are of another campaign or \
                     version, or counted already",
                    batch.seeds.start,
                    batch.seeds.end,
                    batch.campaign,
                    other.seeds.start,
                    other.seeds.end,
                    other.campaign
                ));
            }
            whole.join(std::mem::take(&mut batch.tally));
            batches.push(batch);
        }
    }
    let shown =
        summary::Shown { tally: &whole, campaign: None, took: None, coverage: arguments.result.coverage };
    shown.print(arguments.result.format)?;
    Ok(verdict(&whole, arguments.result.require_goals))
}

impl Batch {
    /// Whether both are parts of one campaign and have no seed in common.
    fn joins(&self, other: &Batch) -> bool {
        let is_apart = self.seeds.end <= other.seeds.start || other.seeds.end <= self.seeds.start;
        (&self.version, &self.campaign, self.shard.of) == (&other.version, &other.campaign, other.shard.of)
            && (is_apart || self.shard.part != other.shard.part)
    }
}

fn verdict(tally: &Tally, require_goals: bool) -> u8 {
    let misses = require_goals && tally.unreached().next().is_some();
    if tally.violations.is_empty() && !misses { exit::PASS } else { exit::FAILED }
}

fn refuse(message: &str) -> io::Result<u8> {
    writeln!(anstream::stderr(), "error: {message}")?;
    Ok(exit::BAD_INPUT)
}

fn named(path: &std::path::Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    crate::types::parse_duration(text).ok_or_else(|| "write it as in 60s or 8h".to_owned())
}

fn parse_shard(text: &str) -> Result<Shard, String> {
    let parts = text
        .split_once('/')
        .and_then(|(part, of)| Some(Shard { part: part.parse().ok()?, of: of.parse().ok()? }));
    parts
        .filter(|shard| (1..=shard.of).contains(&shard.part))
        .ok_or_else(|| "write it as in 1/3, 2/3 and 3/3".to_owned())
}

/// How far the search is: a line that changes on a terminal, a line now and then elsewhere.
struct Progress {
    began: Instant,
    bar: Option<ProgressBar>,
    said: std::cell::Cell<u64>,
}

impl Progress {
    #[expect(clippy::disallowed_methods, reason = "a door: people want to know how long it takes")]
    fn new(arguments: &SweepArguments, seeds: &Range<u64>) -> Progress {
        let bar = io::stderr().is_terminal().then(|| {
            let template = if arguments.time.is_some() {
                "{spinner} {human_pos} seeds, {per_sec}, {msg}"
            } else {
                "{wide_bar} {human_pos}/{human_len} seeds, {per_sec}, {msg}"
            };
            let style = ProgressStyle::with_template(template).expect("a well-formed template");
            ProgressBar::new((seeds.end - seeds.start).div_ceil(arguments.shard.of)).with_style(style)
        });
        Progress { began: Instant::now(), bar, said: std::cell::Cell::new(0) }
    }

    fn is_over(&self, time: Option<Duration>) -> bool {
        time.is_some_and(|time| self.began.elapsed() >= time)
    }

    fn show(&self, tally: &Tally) -> io::Result<()> {
        let violations: u64 = tally.violations.values().map(|violation| violation.seeds).sum();
        let goals = Goal::ALL.len() - tally.unreached().count();
        let message = format!("{violations} violations, {goals} of {} goals", Goal::ALL.len());
        if let Some(bar) = &self.bar {
            bar.set_position(tally.runs);
            bar.set_message(message);
            return Ok(());
        }
        let tens = self.began.elapsed().as_secs() / 10;
        if tens > self.said.replace(tens) {
            let rate = summary::per_second(tally.runs, self.began.elapsed());
            writeln!(anstream::stderr(), "{} seeds, {rate} a second, {message}", tally.runs)?;
        }
        Ok(())
    }

    fn finish(&self) -> Duration {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.began.elapsed()
    }
}

/// How long each violation that a search found may be made smaller.
const SHRINKING: Duration = Duration::from_secs(10);

/// How many seeds of a shard are run between two looks at the clock, and make up a line of results.
const BATCH: u64 = 4_096;
