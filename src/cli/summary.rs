//! What a search found, printed.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::check::INVARIANTS;
use crate::goal::Goal;
use crate::scenario::run::PANIC;
use crate::sweep::Tally;

use super::{Format, coverage, exit, stream};

/// What is done with a result.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ResultArguments {
    /// Fails if a goal was not reached, or something else that can be met was not. 100,000 seeds meet everything.
    #[arg(long)]
    require_goals: bool,
    /// Prints how often everything was met: operations on clusters in each status under each kind of fault, members of
    /// inputs, denied actions, flipped switches.
    #[arg(long)]
    coverage: bool,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

/// A tally to be shown.
pub(super) struct Shown<'a> {
    pub(super) tally: &'a Tally,
    /// What tells the campaign's command which campaign it is; nothing if it is not known.
    pub(super) campaign: Option<String>,
    /// How long it took, if it is known.
    pub(super) took: Option<Duration>,
    /// What is missing, if these are not all seeds that were asked for.
    pub(super) partial: Option<String>,
    pub(super) wants: &'a ResultArguments,
}

/// A tally as JSON.
#[derive(Serialize)]
struct RunSummaryRow<'a> {
    /// Whether these are all seeds that were asked for.
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
        let has_missed =
            self.tally.unreached().next().is_some() || self.tally.coverage.unmet().next().is_some();
        let misses = self.wants.require_goals && has_missed;
        if self.tally.violations.is_empty() && !misses { exit::PASS } else { exit::FAILED }
    }

    pub(super) fn print(&self) -> io::Result<()> {
        let mut out = stream::stdout();
        if self.wants.format == Format::Json {
            let record = RunSummaryRow { complete: self.partial.is_none(), tally: self.tally };
            return writeln!(out, "{}", serde_json::to_string(&record)?);
        }
        self.goals(&mut out)?;
        self.invariants(&mut out)?;
        coverage::line(&self.tally.coverage, &mut out)?;
        if self.wants.coverage {
            coverage::tables(&self.tally.coverage, &mut out)?;
        }
        self.violations(&mut out)?;
        let Tally { runs, events, hash, .. } = self.tally;
        let partial = self.partial.as_ref().map(|missing| format!(" ({missing})")).unwrap_or_default();
        write!(out, "{runs} seeds{partial}, {events} events, hash {hash:016x}")?;
        match self.took {
            Some(took) => writeln!(out, ", {} seeds a second", per_second(*runs, took)),
            None => writeln!(out),
        }
    }

    fn goals(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "goals, in how many seeds each was reached, and the first:")?;
        for goal in Goal::ALL {
            let reached = self.tally.goal(*goal);
            if reached.seeds > 0 {
                writeln!(out, "  {goal:28}{:>10}  {}", reached.seeds, reached.first)?;
            }
        }
        for goal in self.tally.unreached() {
            writeln!(out, "  {goal:28} never reached: {}", goal.meaning())?;
        }
        Ok(())
    }

    fn invariants(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "invariants, and how often each was judged:")?;
        for ((name, _), times) in INVARIANTS.iter().zip(self.tally.exercised) {
            writeln!(out, "  {name:28}{times:>10}")?;
        }
        Ok(())
    }

    fn violations(&self, out: &mut impl Write) -> io::Result<()> {
        if self.tally.violations.is_empty() {
            return writeln!(out, "no violation");
        }
        for (invariant, violation) in &self.tally.violations {
            let first = violation.message.lines().next().unwrap_or_default();
            let what = if invariant == PANIC { "PANIC" } else { &format!("VIOLATION of {invariant}") };
            writeln!(out, "{what} in {} seeds, first {}: {first}", violation.seeds, violation.first)?;
            if let Some(words) = &self.campaign {
                writeln!(out, "  reproduce: dsql-sim generate {}{words} | dsql-sim run -", violation.first)?;
            }
        }
        Ok(())
    }
}

/// How many of `count` there were in a second; `count` itself if it took no time.
pub(super) fn per_second(count: u64, took: Duration) -> u64 {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    count.saturating_mul(1000) / millis
}
