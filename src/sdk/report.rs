//! Failures of a check, as text for a person: what failed, when, under which faults, and the line that brings it back.

use std::fmt;

use crate::types::Instant;

use super::run_log::seconds;

/// The way in which a run failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum FailureKind {
    /// The program panicked: an assertion does not hold.
    Panic,
    /// The program, or a process, returned an error.
    Error,
    /// An invariant of the service is violated, or the world did not converge.
    Violation,
    /// Every task waits, and nothing that could wake one of them is under way.
    Deadlock,
    /// The virtual time limit passed.
    TimeLimit,
    /// Tasks wake each other again and again, and no time passes.
    Livelock,
    /// The program ended while tasks that it had spawned went on.
    LeftOver,
    /// The program made no request: an `.await` may be missing.
    NoRequest,
    /// Two runs of one seed differ.
    Nondeterminism,
    /// The check cannot begin: its set-up or a file of faults has a mistake.
    SetUp,
}

impl FailureKind {
    /// The name, as in `time-limit`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The failure of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RunFailure {
    pub(super) kind: FailureKind,
    /// The failure; its first line is the same for the same failure.
    pub(super) message: String,
    /// Lines about the state: who waits, and for what.
    pub(super) waits: Vec<String>,
    pub(super) at: Instant,
    /// The name of the violated invariant.
    pub(super) invariant: Option<String>,
}

impl RunFailure {
    pub(super) fn new(kind: FailureKind, message: String) -> RunFailure {
        RunFailure { kind, message, waits: Vec::new(), at: Instant::START, invariant: None }
    }
}

/// The failure of a check. Its text is what [`SdkCheck::run`](super::SdkCheck::run) panics with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckFailure {
    /// The way in which the run failed.
    pub kind: FailureKind,
    /// The failure alone: the panic, the error, the violated invariant.
    pub message: String,
    /// The seed of the run.
    pub seed: u64,
    /// The faults of the run that are left after shrinking, a line of the scenario language each.
    pub faults: Vec<String>,
    /// The file to which they were written.
    pub file: Option<std::path::PathBuf>,
    pub(super) text: String,
}

impl fmt::Display for CheckFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for CheckFailure {}

/// The parts of the text of a failure.
pub(super) struct FailureText<'a> {
    pub(super) name: &'a str,
    pub(super) failure: &'a RunFailure,
    pub(super) seed: u64,
    pub(super) faults: &'a [String],
    /// The number of faults before they were shrunk.
    pub(super) drawn: usize,
    pub(super) is_in_order: bool,
    pub(super) trace: &'a [String],
    /// The lines about the file and about how to bring the failure back.
    pub(super) remedy: &'a [String],
}

impl FailureText<'_> {
    pub(super) fn print(&self) -> String {
        let FailureText { name, failure, seed, faults, drawn, .. } = *self;
        let mut text = format!(
            "`{name}` fails with seed {seed} at virtual time {}\n{}: {}\n",
            seconds(failure.at),
            failure.kind.name(),
            failure.message
        );
        push_section(&mut text, "who waits:", &failure.waits);
        match (faults.len(), failure.kind) {
            (0, FailureKind::Nondeterminism) => {}
            (0, _) => text.push_str("it fails without any fault\n"),
            (left, _) if left < drawn => {
                push_section(&mut text, &format!("the faults that it needs, {left} of {drawn}:"), faults);
            }
            _ => push_section(&mut text, "the faults:", faults),
        }
        if self.is_in_order {
            text.push_str("tasks run in the order in which they wake\n");
        }
        push_section(&mut text, "the trace before it:", self.trace);
        text + &self.remedy.join("\n")
    }
}

/// Appends lines below their title, if there are any.
fn push_section(text: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        *text += &format!("{title}\n  {}\n", lines.join("\n  "));
    }
}

/// The advice below a difference between two runs of one seed.
pub(super) const USUAL_SUSPECTS: &str = "\
the usual suspects: the order of a `HashMap` or `HashSet` (use `BTreeMap`, or `indexmap`), `tokio::select!` without \
`biased;`, `SystemTime::now` and `Instant::now` of the standard library, random numbers and UUIDs that do not come \
from `fastrand`, a static that an earlier run has changed, another thread";
