//! What `run --format json` prints: one object for each run.

use schemars::JsonSchema;
use serde::Serialize;

use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::run::{Failure, Report, STRICT, TRACE};
use crate::scenario::script::Script;
use crate::types::Instant;

/// One run of one scenario with one seed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct RunRecord {
    /// The scenario's path.
    pub(super) scenario: String,
    /// The seed.
    pub(super) seed: u64,
    /// How it went.
    pub(super) outcome: OutcomeRecord,
    /// The hash of everything that happened: 16 hexadecimal digits.
    pub(super) hash: String,
    /// How many things happened.
    pub(super) events: u64,
    /// How much virtual time passed, in milliseconds.
    pub(super) virtual_ms: u64,
    /// What did not hold: an invariant, `expectation`, `recorded-trace`, or `strict`: the warnings say what tested less
    /// than the scenario says, and must not with `--strict`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) invariant: Option<String>,
    /// What was seen instead, or what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// The line of the scenario at which it was seen, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<usize>,
    /// The last lines of the trace before it, fifteen at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) before: Vec<String>,
    /// Who waited for whom then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) waits: Vec<String>,
    /// What tested less than the scenario says, with its own seed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<WarningRecord>,
    /// The command that brings it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reproduce: Option<String>,
    /// The version of dsql-sim.
    pub(super) version: &'static str,
    /// The scenario's blocks, with what happened in each; not with `--seeds`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) blocks: Vec<BlockRecord>,
}

/// Something that tested less than the scenario says.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct WarningRecord {
    /// The line of the scenario, from 1.
    line: usize,
    /// What is the matter.
    message: String,
}

/// How a run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OutcomeRecord {
    /// Everything that must hold held.
    Pass,
    /// Something did not.
    Fail,
    /// It was not run: the file is bad.
    Error,
}

/// A block of a scenario.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct BlockRecord {
    /// Its commands.
    commands: Vec<CommandRecord>,
    /// What happened, line by line, as far as it was asked for.
    trace: Vec<String>,
}

/// A command of a scenario.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct CommandRecord {
    /// The client that acts, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// The verb, or the operation's AWS CLI name.
    verb: String,
    /// All that follows it on its line.
    rest: String,
    /// The input of a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<serde_json::Value>,
}

impl RunRecord {
    /// What came of running the scenario at `path` with `text`.
    pub(super) fn new(path: &str, text: &str, report: &Report, failure: Option<&Failure>) -> RunRecord {
        let line = failure.and_then(|failure| failure.span).map(|span| line_of(text, span.start));
        RunRecord {
            scenario: path.to_owned(),
            seed: report.seed,
            outcome: if failure.is_some() { OutcomeRecord::Fail } else { OutcomeRecord::Pass },
            hash: format!("{:016x}", report.hash),
            events: report.events,
            virtual_ms: millis(report.end),
            invariant: failure.map(|failure| failure.invariant.clone()),
            message: failure.map(|failure| failure.message.clone()),
            line,
            before: failure.map(|_| report.last_lines()).unwrap_or_default(),
            waits: report.waits.clone(),
            warnings: Vec::new(),
            reproduce: failure.map(|failure| reproduce(path, report.seed, failure)),
            version: env!("CARGO_PKG_VERSION"),
            blocks: Vec::new(),
        }
    }

    /// The scenario at `path`, which could not be run.
    pub(super) fn error(path: &str, message: &str) -> RunRecord {
        RunRecord {
            scenario: path.to_owned(),
            seed: 0,
            outcome: OutcomeRecord::Error,
            hash: String::new(),
            events: 0,
            virtual_ms: 0,
            invariant: None,
            message: Some(message.to_owned()),
            line: None,
            before: Vec::new(),
            waits: Vec::new(),
            warnings: Vec::new(),
            reproduce: None,
            version: env!("CARGO_PKG_VERSION"),
            blocks: Vec::new(),
        }
    }
}

/// Warnings of a scenario with `text`.
pub(super) fn warnings(text: &str, warnings: &[Diagnostic]) -> Vec<WarningRecord> {
    let record = |warning: &Diagnostic| WarningRecord {
        line: line_of(text, warning.span.start),
        message: warning.message.clone(),
    };
    warnings.iter().map(record).collect()
}

/// The blocks of `script`, with what happened in each.
pub(super) fn blocks(script: &Script, report: &Report) -> Vec<BlockRecord> {
    let traces = report.outputs.iter().chain([&report.rest]).cloned().chain(std::iter::repeat(Vec::new()));
    let block = |(block, trace): (&crate::scenario::script::Block, Vec<String>)| BlockRecord {
        trace,
        commands: block
            .commands
            .iter()
            .map(|command| CommandRecord {
                client: command.actor.as_ref().map(|actor| actor.text.clone()),
                verb: command.verb.text.clone(),
                rest: command.rest.text.clone(),
                input: command.body.as_ref().map(|body| body.value.to_value()),
            })
            .collect(),
    };
    script.blocks.iter().zip(traces).map(block).collect()
}

/// The command that brings a failure back.
pub(super) fn reproduce(path: &str, seed: u64, failure: &Failure) -> String {
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

/// The JSON Schema of a [`RunRecord`].
pub(super) fn schema() -> String {
    let schema = schemars::schema_for!(RunRecord);
    serde_json::to_string_pretty(&schema).expect("a schema is plain JSON")
}

/// A moment in whole milliseconds.
pub(super) fn millis(moment: Instant) -> u64 {
    moment.0 / 1_000_000
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}
