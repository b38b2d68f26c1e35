//! The printed result of a sweep or a merge: tables of coverage marks and invariants, totals, and last the violations.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use strum::{EnumCount, VariantArray};

use crate::check::Invariant;
use crate::coverage_mark::CoverageMark;
use crate::scenario::run::PANIC;
use crate::sweep::{Tally, ViolationTally};

use super::{Format, counted, coverage, exit, stream};

/// The arguments of commands that print the result of a search.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ResultArguments {
    /// Fails if a coverage mark, or a coverage bin that can be covered, was not covered. 100,000 seeds cover all.
    #[arg(long)]
    require_coverage: bool,
    /// Prints the coverage tables: operations by cluster status and kind of fault, input members, denied actions and
    /// flipped switches, each with its number of seeds.
    #[arg(long)]
    coverage: bool,
    /// Writes the result as a page of HTML, DIR/index.html, with a small scenario for each violated invariant beside
    /// it.
    #[arg(long, value_name = "DIR")]
    pub(super) report: Option<PathBuf>,
    /// The format of the result.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

/// A result that is to be printed.
pub(super) struct Shown<'a> {
    pub(super) tally: &'a Tally,
    /// The arguments of the campaign, for the reproduce command; `None` if they are not known.
    pub(super) campaign: Option<String>,
    /// The duration of the search, if it is known.
    pub(super) took: Option<Duration>,
    /// What is missing, if not every requested seed was run.
    pub(super) partial: Option<String>,
    pub(super) options: &'a ResultArguments,
}

/// The result as JSON.
#[derive(Serialize)]
struct RunSummaryRow<'a> {
    /// Whether every requested seed was run.
    complete: bool,
    #[serde(flatten)]
    tally: &'a Tally,
}

impl Shown<'_> {
    /// The exit code of a search that was not interrupted.
    pub(super) fn verdict(&self) -> u8 {
        if self.tally.violations.contains_key(PANIC) {
            return exit::BUG;
        }
        let has_missed = !self.tally.uncovered().is_empty() || self.tally.coverage.unmet().next().is_some();
        let is_incomplete = self.options.require_coverage && has_missed;
        if self.tally.violations.is_empty() && !is_incomplete { exit::PASS } else { exit::FAILED }
    }

    /// Prints everything but the violations; without one, that there is none.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub(super) fn print(&self) -> io::Result<()> {
        let mut out = stream::stdout();
        if self.options.format == Format::Json {
            let record = RunSummaryRow { complete: self.partial.is_none(), tally: self.tally };
            return writeln!(out, "{}", serde_json::to_string(&record)?);
        }
        self.marks(&mut out)?;
        self.invariants(&mut out)?;
        coverage::line(&self.tally.coverage, &mut out)?;
        if self.options.coverage {
            coverage::tables(&self.tally.coverage, &mut out)?;
        }
        let Tally { runs, events, hash, violations, .. } = self.tally;
        let partial = self.partial.as_ref().map(|missing| format!(" ({missing})")).unwrap_or_default();
        let (seeds, events) = (counted(*runs, "seed"), counted(*events, "event"));
        let pace = self.took.map(|took| format!(", {} seeds a second", per_second(*runs, took)));
        writeln!(out, "{seeds}{partial}, {events}, hash {hash:016x}{}", pace.unwrap_or_default())?;
        if violations.is_empty() { writeln!(out, "no violation") } else { Ok(()) }
    }

    fn marks(&self, out: &mut impl Write) -> io::Result<()> {
        let missed = self.tally.uncovered();
        let covered = !missed;
        let rows: Vec<_> = covered.iter().map(|mark| (mark.into(), self.tally.mark(mark).seeds)).collect();
        writeln!(
            out,
            "coverage marks: {} of {} covered, each in how many seeds:",
            rows.len(),
            CoverageMark::COUNT
        )?;
        columns(&rows, out)?;
        for mark in missed {
            writeln!(out, "  {mark} never covered: {}", mark.meaning())?;
        }
        Ok(())
    }

    fn invariants(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "invariants: how often each was judged:")?;
        let rows = Invariant::VARIANTS
            .iter()
            .zip(self.tally.exercised)
            .map(|(invariant, times)| (invariant.name(), times));
        columns(&rows.collect::<Vec<_>>(), out)
    }

    /// Prints a violation: in how many seeds, the first of them, its message, and the command that reproduces it.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub(super) fn violation(&self, invariant: &str, violation: &ViolationTally) -> io::Result<()> {
        let mut out = stream::stdout();
        let ViolationTally { seeds, first, message } = violation;
        let message = message.lines().next().unwrap_or_default();
        let title = if invariant == PANIC { "PANIC" } else { &format!("VIOLATION of {invariant}") };
        writeln!(out, "\n{title} in {}, first {first}: {message}", counted(*seeds, "seed"))?;
        if let Some(arguments) = &self.campaign {
            writeln!(out, "  reproduce: dsql-sim generate {first}{arguments} | dsql-sim run -")?;
        }
        Ok(())
    }
}

/// Prints names and counts in two columns, downwards first: so many rows fit the height of a screen, and two columns
/// fit its usual width of 80 characters.
fn columns(rows: &[(&str, u64)], out: &mut impl Write) -> io::Result<()> {
    let height = rows.len().div_ceil(2);
    let cell = |(name, count): &(&str, u64)| format!("  {name:NAME$}{count:>COUNT$}");
    for (index, left) in rows.iter().take(height).enumerate() {
        let right = rows.get(height + index).map(cell).unwrap_or_default();
        writeln!(out, "{}{right}", cell(left))?;
    }
    Ok(())
}

/// The width of a name in [`columns`].
const NAME: usize = 28;

/// The width of a count in [`columns`].
const COUNT: usize = 9;

/// The rate of `count` in `took`, a second; after less than a millisecond, as if it had taken one.
pub(super) fn per_second(count: u64, took: Duration) -> u64 {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    count.saturating_mul(1000) / millis
}
