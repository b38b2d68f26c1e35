//! The results of runs as text for people: a line for a pass, warnings, the last line, and a progress bar.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

use crate::console::diagnostics;
use crate::console::failure::BAD;
use crate::console::files::File;
use crate::scenario::diagnostic::Diagnostic;

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

const GOOD: Style = AnsiColor::Green.on_default().bold();
const WORTH_A_BAR: u64 = 2_000;
