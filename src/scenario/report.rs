//! The report of a run: its failure, its trace, what it covered, and the comparison with the recorded trace.

use enumset::EnumSet;

use crate::check::{CheckCounts, Violation};
use crate::coverage_mark::CoverageMark;
use crate::sim::coverage::Coverage;
use crate::sim::history::History;
use crate::types::Instant;

use super::Scenario;
use super::diagnostic::{Diagnostic, Span};
use super::warning::Warning;

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed of the run.
    pub seed: u64,
    /// The first failure, which ended the run.
    pub failure: Option<Failure>,
    /// The calls that were waiting when the run failed, and for what, a line each; empty if the run passed or panicked.
    pub waits: Vec<String>,
    /// Steps that tested less than they seem to, up to the end of the run.
    pub warnings: Vec<Warning>,
    /// The hash of all events. Two runs with the same seed and the same version have the same hash.
    pub hash: u64,
    /// The number of events.
    pub events: u64,
    /// The virtual time at the end.
    pub end: Instant,
    /// The trace of each block that ran to its end, at the level of the run.
    pub outputs: Vec<Vec<String>>,
    /// The trace after the last block; of a failed run, the trace of the block that failed.
    pub rest: Vec<String>,
    /// The coverage marks that the run covered.
    pub covered: EnumSet<CoverageMark>,
    /// The coverage of what a search should meet.
    pub coverage: Coverage,
    /// How often each invariant of [`Invariant`](crate::check::Invariant) was checked.
    pub exercised: CheckCounts,
    /// The events with their causes, if the run kept them.
    pub history: Option<Box<History>>,
}

/// The failure of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The name of the invariant; [`EXPECTATION`] for an expectation of the file; [`PANIC`] for a panic;
    /// [`STRICT`] for a warning in a strict run; [`TRACE`] for a trace that differs.
    pub invariant: String,
    /// The failure, as a text of one or several lines.
    pub message: String,
    /// The step during which the run failed; `None` after the last.
    pub span: Option<Span>,
    /// The virtual time of the failure.
    pub at: Instant,
}

/// [`Failure::invariant`] of an expectation that does not hold.
pub const EXPECTATION: &str = "expectation";

/// [`Failure::invariant`] of a panic of dsql-sim itself.
pub const PANIC: &str = "panic";

/// [`Failure::invariant`] of a warning in a strict run.
pub const STRICT: &str = "strict";

/// [`Failure::invariant`] of a difference from the recorded trace.
pub const TRACE: &str = "recorded-trace";

impl Report {
    /// The report for a seed whose scenario could not be generated: the generator panicked with this text.
    #[must_use]
    pub fn of_panic(seed: u64, words: String) -> Report {
        let at = Instant::START;
        Report {
            seed,
            failure: Some(Failure { invariant: PANIC.to_owned(), message: words, span: None, at }),
            waits: Vec::new(),
            warnings: Vec::new(),
            hash: 0,
            events: 0,
            end: at,
            outputs: Vec::new(),
            rest: Vec::new(),
            covered: EnumSet::empty(),
            coverage: Coverage::default(),
            exercised: CheckCounts::default(),
            history: None,
        }
    }

    /// The last lines of the trace, up to the failure: fifteen at most, below a line with the number of those before
    /// them. Empty if the run wrote no trace.
    #[must_use]
    pub fn last_lines(&self) -> Vec<String> {
        let lines: Vec<&String> = self.outputs.iter().flatten().chain(&self.rest).collect();
        let before = lines.len().saturating_sub(LAST_LINES);
        let omitted =
            (before > 0).then(|| format!("… {before} {} before", if before == 1 { "line" } else { "lines" }));
        omitted.into_iter().chain(lines[before..].iter().map(|line| (*line).clone())).collect()
    }

    /// The warnings about `scenario`, of its reader and of this run of it, in the order of the file.
    #[must_use]
    pub fn warnings(&self, scenario: &Scenario) -> Vec<Diagnostic> {
        let met = self.warnings.iter().map(|warning| warning.diagnostic(scenario));
        let mut all: Vec<Diagnostic> = scenario.warnings.iter().cloned().chain(met).collect();
        all.sort_by_key(|warning| warning.span);
        all
    }

    /// The failure of a strict run: its first warning. Only a run with the file's own seed can be strict, because a
    /// fault may act with some seeds only.
    #[must_use]
    pub fn strict(&self, scenario: &Scenario) -> Option<Failure> {
        let first = self.warnings(scenario).into_iter().next()?;
        Some(Failure {
            invariant: STRICT.to_owned(),
            message: first.message,
            span: Some(first.span),
            at: self.end,
        })
    }

    /// The first difference from the recorded trace. Only a run with the file's own seed and level can be compared.
    ///
    /// A block that was never recorded does not differ.
    #[must_use]
    pub fn difference(&self, scenario: &Scenario) -> Option<Failure> {
        for (block, output) in scenario.script.blocks.iter().zip(&self.outputs) {
            let recorded: Vec<&str> = block.output.iter().map(|line| line.text.as_str()).collect();
            let output = printed(output);
            let differs = recorded.iter().zip(&output).position(|(one, other)| one != other);
            let first = differs.unwrap_or(recorded.len().min(output.len()));
            if block.recorded && !recorded.is_empty() && recorded != output {
                let line = |lines: &[&str]| {
                    lines.get(first).map_or("nothing".to_owned(), |line| format!("`{line}`"))
                };
                let now: Vec<&str> = output.iter().map(String::as_str).collect();
                let span = block.output.get(first).map_or(block.span, |line| line.span);
                return Some(Failure {
                    invariant: TRACE.to_owned(),
                    message: format!("expected {}, got {}", line(&recorded), line(&now)),
                    span: Some(span),
                    at: self.end,
                });
            }
        }
        None
    }

    /// The text of the file with the trace of this run in it.
    #[must_use]
    pub fn rewrite(&self, scenario: &Scenario) -> String {
        scenario.script.with_outputs(self.outputs.iter().map(|output| printed(output)).collect()).print()
    }
}

/// The trace of a block as it stands in a file. An empty one is recorded as `ok`, for a block without lines below its
/// `----` has never been recorded.
fn printed(output: &[String]) -> Vec<String> {
    if output.is_empty() { vec!["ok".to_owned()] } else { output.to_vec() }
}

impl Failure {
    pub(super) fn of(violation: Violation, span: Option<Span>) -> Failure {
        Failure { invariant: violation.invariant, message: violation.message, span, at: violation.at }
    }
}

/// The number of lines of the trace that are shown with a failure.
const LAST_LINES: usize = 15;
