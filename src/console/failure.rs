//! The failure of a run as text: the check that failed, where, the lines before it, and the command that reproduces it.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::explain::explanation::Explanation;
use crate::scenario::diagnostic::{Diagnostic, Span};
use crate::scenario::run::{Failure, Report, STRICT, TRACE};
use crate::sim::trace::time;

use super::diagnostics;
use super::files::File;

/// The style of what failed.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// Prints the failure of a scenario that tests less than it says, under `--strict`.
pub(crate) fn vacuous(
    file: &File,
    seed: u64,
    failure: &Failure,
    warnings: &[Diagnostic],
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "{BAD}FAIL{BAD:#}  {}  seed {seed}", file.path)?;
    let errors = warnings.iter().map(|warning| Diagnostic { is_warning: false, ..warning.clone() });
    write!(out, "{}", diagnostics::render(&file.path, &file.text, &errors.collect::<Vec<_>>(), true))?;
    writeln!(out, "  reproduce: {}", reproduce(&file.path, seed, failure))
}

/// Prints a failure: the check that failed, where, why, the lines before it, and the command that reproduces it. The
/// lines before it are left out if the whole trace `is_traced`.
pub(crate) fn failed(
    file: &File,
    report: &Report,
    failure: &Failure,
    explanation: Option<&Explanation>,
    is_traced: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "{BAD}FAIL{BAD:#}  {}  seed {}", file.path, report.seed)?;
    let mut lines = failure.message.lines();
    let message = format!("{}: {}", failure.invariant, lines.next().unwrap_or_default());
    let end = Span { start: file.text.len(), end: file.text.len() };
    let diagnostic = Diagnostic::new(message, failure.span.map_or(end, |span| first_line(&file.text, span)));
    write!(out, "{}", diagnostics::render(&file.path, &file.text, &[diagnostic], true))?;
    for line in lines {
        writeln!(out, "{line}")?;
    }
    if let Some(explanation) = explanation {
        writeln!(out, "  why:")?;
        explanation.short().iter().try_for_each(|line| writeln!(out, "    {line}"))?;
    }
    let before = report.last_lines();
    if !is_traced && !before.is_empty() {
        writeln!(out, "  before it:")?;
        before.iter().try_for_each(|line| writeln!(out, "    {line}"))?;
    }
    let waits = &report.waits;
    if !waits.is_empty() && !waits.iter().any(|wait| failure.message.contains(wait)) {
        writeln!(out, "  at that moment:")?;
        waits.iter().try_for_each(|wait| writeln!(out, "    {wait}"))?;
    }
    // Without a span no step failed: the check ran after the last one, when every fault had been healed.
    let when = if failure.span.is_none() { ", after the last step, healing" } else { "" };
    let (at, version) = (time(failure.at), env!("CARGO_PKG_VERSION"));
    writeln!(out, "  at {}{when}; hash {:016x}, version {version}", at.trim(), report.hash)?;
    writeln!(out, "  reproduce: {}", reproduce(&file.path, report.seed, failure))
}

/// The command that reproduces a failure. A recorded trace and strictness belong to the file's own seed, so that these
/// commands name none.
pub(crate) fn reproduce(path: &str, seed: u64, failure: &Failure) -> String {
    let path = if path.contains([' ', '\'']) {
        format!("'{}'", path.replace('\'', "'\\''"))
    } else {
        path.to_owned()
    };
    match failure.invariant.as_str() {
        TRACE => return format!("dsql-sim run {path}"),
        STRICT => return format!("dsql-sim run {path} --strict"),
        _ => {}
    }
    format!("dsql-sim run {path} --seed {seed}")
}

/// The first line of `span`: a failing call is shown without its body.
fn first_line(text: &str, span: Span) -> Span {
    let line = text.get(span.start..span.end).and_then(|text| text.lines().next()).unwrap_or_default();
    Span { start: span.start, end: span.start + line.len() }
}
