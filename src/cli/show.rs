//! The results of runs as text for people: a line for a pass, a diagnostic with its context for a failure.

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
use super::log;

/// Prints the line of a scenario that passed.
pub(super) fn passed(record: &RunRecord, out: &mut impl Write) -> io::Result<()> {
    let seconds = (record.virtual_ms / 1000, record.virtual_ms % 1000);
    writeln!(
        out,
        "{GOOD}ok{GOOD:#}    {}  seed {}, {} events in {}.{:03} virtual seconds",
        record.scenario, record.seed, record.events, seconds.0, seconds.1
    )
}

/// Prints the warnings about what tested less than the scenario says.
pub(super) fn warnings(file: &File, warnings: &[Diagnostic], out: &mut impl Write) -> io::Result<()> {
    write!(out, "{}", diagnostics::render(&file.path, &file.text, warnings, true))
}

/// Prints the failure of a scenario that tests less than it says, under `--strict`.
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

/// Prints a failure: the check that failed, where, the lines before it, and the command that reproduces it. The lines
/// before it are left out if the whole trace `is_traced`.
pub(super) fn failed(
    record: &RunRecord,
    file: &File,
    failure: &Failure,
    is_traced: bool,
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
    if !is_traced && !record.before.is_empty() {
        writeln!(out, "  before it:")?;
        record.before.iter().try_for_each(|line| writeln!(out, "    {line}"))?;
    }
    if !record.waits.is_empty() && !record.waits.iter().any(|wait| failure.message.contains(wait)) {
        writeln!(out, "  at that moment:")?;
        record.waits.iter().try_for_each(|wait| writeln!(out, "    {wait}"))?;
    }
    // Without a span no step failed: the check ran after the last one, when every fault had been healed.
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

/// Prints the last line of `run`.
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

/// Whether diagnostics on standard error are coloured: `--color`, the terminal and `NO_COLOR` decide.
pub(super) fn has_colour() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// A progress bar on standard error for long work on a terminal; hidden elsewhere.
pub(super) fn progress(runs: u64) -> ProgressBar {
    if runs < WORTH_A_BAR || !has_bar() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} runs, {per_sec}, {eta} left")
            .expect("a well-formed template");
    ProgressBar::new(runs).with_style(style)
}

/// Whether a progress bar may be shown: standard error is a terminal, and no lines of the log appear on it.
pub(super) fn has_bar() -> bool {
    io::stderr().is_terminal() && !log::is_shown()
}

/// The first line of `span`: a failing call is shown without its body.
fn first_line(text: &str, span: Span) -> Span {
    let line = text.get(span.start..span.end).and_then(|text| text.lines().next()).unwrap_or_default();
    Span { start: span.start, end: span.start + line.len() }
}

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WORTH_A_BAR: u64 = 2_000;
