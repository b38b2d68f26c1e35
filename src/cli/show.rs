//! How results look at a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

use crate::scenario::diagnostic::{Diagnostic, Span};
use crate::scenario::run::Failure;
use crate::sim::trace::time;

use super::diagnostics;
use super::files::File;
use super::json_report::RunRecord;

/// The line for a scenario that passed.
pub(super) fn passed(record: &RunRecord, out: &mut impl Write) -> io::Result<()> {
    let seconds = (record.virtual_ms / 1000, record.virtual_ms % 1000);
    writeln!(
        out,
        "{GOOD}ok{GOOD:#}    {}  seed {}, {} events in {}.{:03} virtual seconds",
        record.scenario, record.seed, record.events, seconds.0, seconds.1
    )
}

/// What tested less than the scenario says.
pub(super) fn warnings(file: &File, warnings: &[Diagnostic], out: &mut impl Write) -> io::Result<()> {
    write!(out, "{}", diagnostics::render(&file.path, &file.text, warnings, true))
}

/// A scenario that tests less than it says, and must not.
pub(super) fn vacuous(
    record: &RunRecord,
    file: &File,
    warnings: &[Diagnostic],
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "{BAD}FAIL{BAD:#}  {}  seed {}", record.scenario, record.seed)?;
    let errors = warnings.iter().map(|warning| Diagnostic { is_warning: false, ..warning.clone() });
    self::warnings(file, &errors.collect::<Vec<_>>(), out)?;
    writeln!(out, "  reproduce: {}", record.reproduce.as_deref().unwrap_or_default())
}

/// A failure: what did not hold, where, how it came, and how to bring it back. The lines before it are left out where
/// the whole trace `is_shown`.
pub(super) fn failed(
    record: &RunRecord,
    file: &File,
    failure: &Failure,
    is_shown: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "{BAD}FAIL{BAD:#}  {}  seed {}", record.scenario, record.seed)?;
    let mut lines = failure.message.lines();
    let message = format!("{}: {}", failure.invariant, lines.next().unwrap_or_default());
    let end = Span { start: file.text.len(), end: file.text.len() };
    let diagnostic = Diagnostic::new(message, failure.span.map_or(end, |span| first_line(&file.text, span)));
    write!(out, "{}", diagnostics::render(&file.path, &file.text, &[diagnostic], true))?;
    for line in lines {
        writeln!(out, "{line}")?;
    }
    if !is_shown && !record.before.is_empty() {
        writeln!(out, "  before it:")?;
        record.before.iter().try_for_each(|line| writeln!(out, "    {line}"))?;
    }
    if !record.waits.is_empty() && !record.waits.iter().any(|wait| failure.message.contains(wait)) {
        writeln!(out, "  at that moment:")?;
        record.waits.iter().try_for_each(|wait| writeln!(out, "    {wait}"))?;
    }
    let when = if failure.span.is_none() { ", after the last step, healing" } else { "" };
    writeln!(
        out,
        "  at {}{when}; hash {}, version {}",
        time(failure.at).trim(),
        record.hash,
        record.version
    )?;
    writeln!(out, "  reproduce: {}", record.reproduce.as_deref().unwrap_or_default())
}

/// The last line of a command that ran many.
pub(super) fn summary(runs: u64, failures: u64, took: Duration, out: &mut impl Write) -> io::Result<()> {
    let style = if failures == 0 { GOOD } else { BAD };
    let noun = if runs == 1 { "run" } else { "runs" };
    writeln!(
        out,
        "{style}{runs} {noun}, {} passed, {failures} failed{style:#} in {}.{:03} s",
        runs - failures,
        took.as_secs(),
        took.subsec_millis()
    )
}

/// Whether diagnostics on standard error are coloured.
pub(super) fn has_colour() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// A bar on standard error for long work at a terminal; nothing elsewhere.
pub(super) fn progress(runs: u64) -> ProgressBar {
    if runs < WORTH_A_BAR || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} runs, {per_sec}, {eta} left")
            .expect("a well-formed template");
    ProgressBar::new(runs).with_style(style)
}

/// The first line of what stands at `span`: a failing call's body need not be shown whole.
fn first_line(text: &str, span: Span) -> Span {
    let line = text.get(span.start..span.end).and_then(|text| text.lines().next()).unwrap_or_default();
    Span { start: span.start, end: span.start + line.len() }
}

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WORTH_A_BAR: u64 = 2_000;
