//! `dsql-sim sweep`: runs many seeds of a campaign and prints what they covered and violated.

use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use strum::EnumCount;

use crate::coverage_mark::CoverageMark;
use crate::scenario::run::run as run_scenario;
use crate::sim::trace::TraceLevel;
use crate::sweep::{Campaign, Tally};

use super::campaign::CampaignArguments;
use super::campaign_report::{ReportFolder, Reported, SmallRun, reduced};
use super::interrupt::Interrupt;
use super::results::{self, Results, Shard};
use super::summary::{self, ResultArguments, Shown};
use super::{Format, counted, exit, log, show, stream};

/// The arguments of `sweep`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SweepArguments {
    #[command(flatten)]
    campaign: CampaignArguments,
    /// Runs every seed from A up to, but not including, B.
    #[arg(long, value_name = "A..B", value_parser = super::parse_seeds, conflicts_with = "for")]
    seeds: Option<Range<u64>>,
    /// Runs seeds from 0 up for this long, as in 60s or 8h. Without --for and --seeds, seeds 0..10000 are run.
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration, id = "for")]
    time: Option<Duration>,
    /// How many threads run scenarios; by default, one for each core.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Runs only part K of N equal parts of the seeds. Parts are counted from 1.
    #[arg(long, value_name = "K/N", value_parser = parse_shard, default_value = "1/1")]
    shard: Shard,
    /// Writes the results to this file as JSON lines, for `merge`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Stops soon after the first violation.
    #[arg(long)]
    stop_on_first: bool,
    /// Does not shrink the first violation of each invariant.
    #[arg(long)]
    no_shrink: bool,
    #[command(flatten)]
    result: ResultArguments,
}

/// Runs the sweep, and returns the exit code.
pub(super) fn sweep(arguments: &SweepArguments) -> io::Result<u8> {
    let campaign = match arguments.campaign.campaign() {
        Ok(campaign) => campaign,
        Err(message) => {
            write!(stream::stderr(), "{message}")?;
            return Ok(exit::BAD_INPUT);
        }
    };
    // Before the search, so that none is in vain.
    let folder = arguments.result.report.as_deref().map(ReportFolder::create).transpose()?;
    let interrupt = Interrupt::watch()?;
    let found = search(arguments, &campaign, &interrupt)?;
    let shown = Shown {
        tally: &found.tally,
        campaign: Some(arguments.campaign.to_arguments()),
        took: Some(found.took),
        partial: found.partial.clone(),
        options: &arguments.result,
    };
    // Decided before anything is printed, and by the search alone: an interrupted reduction does not change the code.
    let code = found.code.unwrap_or_else(|| shown.verdict());
    shown.print()?;
    let small = violations(arguments, &campaign, &shown, &|| interrupt.is_asked())?;
    if let Some(folder) = folder {
        let reported = Reported {
            campaign: Some(&campaign),
            arguments: &arguments.campaign.to_arguments(),
            seeds: found.seeds,
            shard: arguments.shard,
            tally: &found.tally,
            took: Some(found.took),
            partial: found.partial.as_deref(),
        };
        folder.write(&reported, &small)?;
    }
    Ok(code)
}

/// Prints the violations, each with its evidence, and returns the small scenarios that show them. They come last: the
/// end of the output is what a terminal shows. JSON has no room for them: then they are made for a report alone.
fn violations(
    arguments: &SweepArguments,
    campaign: &Campaign,
    shown: &Shown<'_>,
    is_over: &dyn Fn() -> bool,
) -> io::Result<Vec<SmallRun>> {
    let is_text = arguments.result.format == Format::Text;
    let mut small = Vec::new();
    for (invariant, violation) in &shown.tally.violations {
        if is_text {
            shown.violation(invariant, violation)?;
        }
        if arguments.no_shrink {
            if is_text {
                print_last_lines(campaign, violation.first)?;
            }
        } else if (is_text || arguments.result.report.is_some()) && !is_over() {
            let run = SmallRun::of(campaign, invariant, violation.first, is_over)?;
            if is_text && let Some(run) = &run {
                write!(stream::stdout(), "{}", reduced(violation.first, run))?;
            }
            small.extend(run);
        }
    }
    Ok(small)
}

/// The result of a search.
struct Found {
    tally: Tally,
    /// The range of the seeds, of which the shard's were requested.
    seeds: Range<u64>,
    took: Duration,
    /// If not every requested seed was run: how many were requested, and why the search stopped.
    partial: Option<String>,
    /// The exit code of the signal that interrupted the search.
    code: Option<u8>,
}

fn search(arguments: &SweepArguments, campaign: &Campaign, interrupt: &Interrupt) -> io::Result<Found> {
    let shard = arguments.shard;
    let mut out = arguments.out.as_ref().map(|path| {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let command = format!("sweep{}", arguments.campaign.to_arguments());
        let arguments = arguments.campaign.to_list();
        Results::create(path, results::CampaignHeader { version, command, arguments, shard })
    });
    let mut out = out.take().transpose()?;
    let threads = arguments.jobs.map_or(0, usize::from);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(io::Error::other)?;
    let seeds =
        arguments.seeds.clone().unwrap_or(if arguments.time.is_some() { 0..u64::MAX } else { 0..10_000 });
    let progress = Progress::new(arguments, &seeds);
    let mut whole = Tally::default();
    let mut from = seeds.start;
    let mut has_found = false;
    while from < seeds.end && !interrupt.is_asked() && !has_found && !progress.is_over(arguments.time) {
        let batch = from..seeds.end.min(from.saturating_add(BATCH.saturating_mul(shard.of)));
        let tally = pool.install(|| run(campaign, shard.of(batch.clone()).collect(), interrupt));
        from = batch.end;
        // An interrupted batch has not run every seed. It counts in the printed result but is not written: `merge`
        // could not tell which of its seeds are missing.
        if let Some(out) = &mut out
            && tally.runs == shard.count(&batch)
        {
            out.batch(batch, tally.clone())?;
        }
        whole.join(tally);
        progress.show(&whole)?;
        has_found = arguments.stop_on_first && !whole.violations.is_empty();
    }
    let took = progress.finish();
    let wanted = if arguments.time.is_some() { None } else { Some(shard.count(&seeds)) };
    let is_whole = wanted.is_none_or(|wanted| whole.runs == wanted);
    let stopped = interrupt.code().filter(|_| !is_whole || arguments.time.is_some());
    let of = wanted.map_or(String::new(), |wanted| format!("of {wanted}, "));
    let partial = match stopped {
        Some((_, signal)) => Some(format!("{of}interrupted by {signal}")),
        None => (!is_whole).then(|| format!("{of}stopped at the first violation")),
    };
    if let Some(out) = &mut out
        && partial.is_none()
    {
        out.end()?;
    }
    let seeds = if arguments.time.is_some() { seeds.start..from } else { seeds };
    Ok(Found { tally: whole, seeds, took, partial, code: stopped.map(|(code, _)| code) })
}

/// Runs `seeds`; after a signal, the rest is skipped.
fn run(campaign: &Campaign, seeds: Vec<u64>, interrupt: &Interrupt) -> Tally {
    let count = |mut tally: Tally, seed: u64| {
        if !interrupt.is_asked() {
            tally.count(seed, &campaign.run(seed));
        }
        tally
    };
    let join = |mut one: Tally, other: Tally| {
        one.join(other);
        one
    };
    seeds.into_par_iter().fold(Tally::default, count).reduce(Tally::default, join)
}

/// Prints the last trace lines before the violation of `seed`.
fn print_last_lines(campaign: &Campaign, seed: u64) -> io::Result<()> {
    let mut out = stream::stdout();
    let report = log::silently(|| run_scenario(&campaign.scenario(seed), None, TraceLevel::Milestones));
    writeln!(out, "\nseed {seed}, before it:")?;
    report.last_lines().iter().chain(&report.waits).try_for_each(|line| writeln!(out, "  {line}"))
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    crate::types::parse_duration(text).ok_or_else(|| "expected a duration such as 60s or 8h".to_owned())
}

fn parse_shard(text: &str) -> Result<Shard, String> {
    let parts = text
        .split_once('/')
        .and_then(|(part, of)| Some(Shard { part: part.parse().ok()?, of: of.parse().ok()? }));
    parts
        .filter(|shard| (1..=shard.of).contains(&shard.part))
        .ok_or_else(|| "expected a part such as 1/3, 2/3 or 3/3".to_owned())
}

/// The progress of a search: a bar on a terminal, a line every ten seconds elsewhere.
struct Progress {
    began: Instant,
    bar: Option<ProgressBar>,
    /// The tens of seconds at the last line.
    printed: std::cell::Cell<u64>,
}

impl Progress {
    #[expect(clippy::disallowed_methods, reason = "an adapter: progress is in wall-clock time")]
    fn new(arguments: &SweepArguments, seeds: &Range<u64>) -> Progress {
        let bar = show::has_bar().then(|| {
            let template = if arguments.time.is_some() {
                "{spinner} {human_pos} seeds, {per_sec}, {msg}"
            } else {
                "{wide_bar} {human_pos}/{human_len} seeds, {per_sec}, {msg}"
            };
            let style = ProgressStyle::with_template(template).expect("a well-formed template");
            ProgressBar::new(arguments.shard.count(seeds)).with_style(style)
        });
        Progress { began: Instant::now(), bar, printed: std::cell::Cell::new(0) }
    }

    fn is_over(&self, time: Option<Duration>) -> bool {
        time.is_some_and(|time| self.began.elapsed() >= time)
    }

    fn show(&self, tally: &Tally) -> io::Result<()> {
        let violations: u64 = tally.violations.values().map(|violation| violation.seeds).sum();
        let marks = CoverageMark::COUNT - tally.uncovered().len();
        let violations = counted(violations, "violation");
        let message = format!("{violations}, {marks} of {} coverage marks", CoverageMark::COUNT);
        if let Some(bar) = &self.bar {
            bar.set_position(tally.runs);
            bar.set_message(message);
            return Ok(());
        }
        let tens = self.began.elapsed().as_secs() / 10;
        if tens > self.printed.replace(tens) {
            let rate = summary::per_second(tally.runs, self.began.elapsed());
            writeln!(stream::stderr(), "{}, {rate} a second, {message}", counted(tally.runs, "seed"))?;
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

/// How many seeds of a shard make up a batch: a line of results, after which the clock and the signals are looked at.
const BATCH: u64 = 4_096;
