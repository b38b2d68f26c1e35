//! What came of a run: what failed and how it came to that, what was met, and how it compares with what was recorded.

use crate::check::{CheckCounts, INVARIANTS, Violation};
use crate::goal::Goals;
use crate::sim::coverage::Coverage;
use crate::types::Instant;

use super::Scenario;
use super::diagnostic::{Diagnostic, Span};
use super::warning::Warning;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The seed that it ran with.
    pub seed: u64,
    /// What did not hold, if something did not.
    pub failure: Option<Failure>,
    /// Who waited for whom when it did not hold, a line each; nothing if everything held.
    pub waits: Vec<String>,
    /// What tested less than the scenario says, as far as it was carried out.
    pub warnings: Vec<Warning>,
    /// The hash of everything that happened.
    pub hash: u64,
    /// How many things happened.
    pub events: u64,
    /// How much virtual time passed.
    pub end: Instant,
    /// The trace of each block that was carried out, at the level that was asked for.
    pub outputs: Vec<Vec<String>>,
    /// The trace of what came after the last block, or after the failure's block began.
    pub rest: Vec<String>,
    /// The situations that were met.
    pub reached: Goals,
    /// What was met of what a search should meet.
    pub coverage: Coverage,
    /// How often each invariant of [`INVARIANTS`](crate::check::INVARIANTS) was judged.
    pub exercised: CheckCounts,
}

/// Something that must hold and did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The name of the invariant; [`EXPECTATION`] for an expectation of the file; [`PANIC`] for a panic;
    /// [`STRICT`] for what tests less than it says; [`TRACE`] for a trace that differs.
    pub invariant: String,
    /// What was seen instead.
    pub message: String,
    /// The step during which it was seen; `None` after the last.
    pub span: Option<Span>,
    /// When it was seen.
    pub at: Instant,
}

/// What stands in for an invariant's name when an `expect` does not hold.
pub const EXPECTATION: &str = "expectation";

/// What stands in for an invariant's name when dsql-sim itself panics.
pub const PANIC: &str = "panic";

/// What stands in for an invariant's name when a scenario tests less than it says, and must not.
pub const STRICT: &str = "strict";

/// What stands in for an invariant's name when the recorded trace differs.
pub const TRACE: &str = "recorded-trace";

impl Report {
    /// What comes of a seed when there is no scenario, for making it up panics with these `words`.
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
            reached: Goals::NONE,
            coverage: Coverage::default(),
            exercised: [0; INVARIANTS.len()],
        }
    }

    /// The last lines of the trace, up to the failure: fifteen at most, and a line on how many there were before them.
    /// Nothing, if no trace was written down.
    #[must_use]
    pub fn last_lines(&self) -> Vec<String> {
        let lines: Vec<&String> = self.outputs.iter().flatten().chain(&self.rest).collect();
        let before = lines.len().saturating_sub(LAST_LINES);
        let ahead =
            (before > 0).then(|| format!("… {before} {} before", if before == 1 { "line" } else { "lines" }));
        ahead.into_iter().chain(lines[before..].iter().map(|line| (*line).clone())).collect()
    }

    /// All that tested less than `scenario` says, which was run, in the order of its file.
    #[must_use]
    pub fn warnings(&self, scenario: &Scenario) -> Vec<Diagnostic> {
        let met = self.warnings.iter().map(|warning| warning.diagnostic(scenario));
        let mut all: Vec<Diagnostic> = scenario.warnings.iter().cloned().chain(met).collect();
        all.sort_by_key(|warning| warning.span);
        all
    }

    /// The failure of a scenario that must test all that it says, and does not. Only a run with the file's own seed
    /// shows it: a fault may act with some seeds only.
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

    /// Compares the run with the trace that the file recorded. Only a run with the file's own seed and level can.
    ///
    /// A block that was never recorded agrees with everything.
    #[must_use]
    pub fn difference(&self, scenario: &Scenario) -> Option<Failure> {
        for (block, output) in scenario.script.blocks.iter().zip(&self.outputs) {
            let recorded: Vec<&str> = block.output.iter().map(|line| line.text.as_str()).collect();
            let output = printed(output);
            let differs = recorded.iter().zip(&output).position(|(one, other)| one != other);
            let place = differs.unwrap_or(recorded.len().min(output.len()));
            if block.recorded && !recorded.is_empty() && recorded != output {
                let line = |lines: &[&str]| {
                    lines.get(place).map_or("nothing".to_owned(), |line| format!("`{line}`"))
                };
                let now: Vec<&str> = output.iter().map(String::as_str).collect();
                let span = block.output.get(place).map_or(block.span, |line| line.span);
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

    /// The file with this run's trace recorded in it.
    #[must_use]
    pub fn rewrite(&self, scenario: &Scenario) -> String {
        scenario.script.with_outputs(self.outputs.iter().map(|output| printed(output)).collect()).print()
    }
}

/// The output of a block as it stands in a file: a silent one says `ok`.
fn printed(output: &[String]) -> Vec<String> {
    if output.is_empty() { vec!["ok".to_owned()] } else { output.to_vec() }
}

impl Failure {
    pub(super) fn of(violation: Violation, span: Option<Span>) -> Failure {
        Failure { invariant: violation.invariant, message: violation.message, span, at: violation.at }
    }
}

/// How many lines of a trace tell how a failure came.
const LAST_LINES: usize = 15;
