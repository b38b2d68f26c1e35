//! The records of `run --format json`: one JSON object for each run.

use serde::Serialize;

use crate::console::failure::reproduce;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::run::{Failure, Report};
use crate::scenario::script::Script;
use crate::types::Instant;

/// One run of one scenario with one seed.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RunRecord {
    /// The path of the scenario.
    pub(super) scenario: String,
    /// The seed of the run.
    pub(super) seed: u64,
    /// Whether the run passed.
    pub(super) outcome: OutcomeRecord,
    /// The hash of everything that happened: 16 hexadecimal digits.
    pub(super) hash: String,
    /// How many events the run took.
    pub(super) events: u64,
    /// The virtual time that passed, in milliseconds.
    pub(super) virtual_ms: u64,
    /// The check that failed: the name of an invariant, `expectation`, `recorded-trace`, `panic`, or `strict`. With
    /// `strict`, the warnings list what tested less than the scenario says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) invariant: Option<String>,
    /// What was observed instead, or the mistakes in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// The line of the scenario at which the check failed, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<usize>,
    /// The last lines of the trace before the failure, fifteen at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) before: Vec<String>,
    /// The calls that were waiting when the check failed, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) waits: Vec<String>,
    /// What tested less than the scenario says. Only a run with the file's own seed has warnings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<WarningRecord>,
    /// The command that reproduces the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reproduce: Option<String>,
    /// The version of dsql-sim.
    pub(super) version: &'static str,
    /// The blocks of the scenario, each with its trace. Left out with `--seeds`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) blocks: Vec<BlockRecord>,
}

/// A part of a scenario that tested less than it says.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct WarningRecord {
    /// The line of the scenario, counted from 1.
    line: usize,
    /// The reason.
    message: String,
}

/// The outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(super) enum OutcomeRecord {
    /// Every invariant and expectation held.
    Pass,
    /// An invariant, an expectation or a recorded trace did not hold.
    Fail,
    /// The scenario did not run: the file cannot be read, or is not a scenario.
    Error,
}

/// A block of a scenario.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct BlockRecord {
    /// The commands of the block.
    commands: Vec<CommandRecord>,
    /// The trace of the block, line by line, at the level of `--trace`.
    trace: Vec<String>,
}

/// A command of a scenario.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct CommandRecord {
    /// The client that calls; left out if the command is not a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// The verb, or the AWS CLI name of the operation.
    verb: String,
    /// The rest of the line after the verb.
    rest: String,
    /// The JSON input of a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<serde_json::Value>,
}

impl RunRecord {
    /// The record of a run of the scenario at `path`, whose text is `text`.
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

    /// The record of the file at `path`, which could not be run.
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

/// The warnings as records; `text` is the text of the scenario.
pub(super) fn warnings(text: &str, warnings: &[Diagnostic]) -> Vec<WarningRecord> {
    let record = |warning: &Diagnostic| WarningRecord {
        line: line_of(text, warning.span.start),
        message: warning.message.clone(),
    };
    warnings.iter().map(record).collect()
}

/// The blocks of `script`, each with its trace.
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

/// The JSON Schema of a [`RunRecord`]. A test generates it, because the generator costs every build of the program more
/// than the page changes.
pub(super) const SCHEMA: &str = include_str!("../../docs/report.schema.json");

/// A time in whole milliseconds.
pub(super) fn millis(moment: Instant) -> u64 {
    moment.0 / 1_000_000
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page in `docs` is the schema, or is written anew if a person asks for it.
    fn is_kept(page: &str, schema: &schemars::Schema) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
        let schema = serde_json::to_string_pretty(schema).expect("a schema is plain JSON") + "\n";
        #[expect(clippy::disallowed_methods, reason = "a person asks for new pages by the environment")]
        let is_rewriting = std::env::var_os("REWRITE").is_some();
        if is_rewriting {
            std::fs::write(&path, &schema).expect("the page is written");
        }
        let kept = std::fs::read_to_string(&path).expect("the page is in the repository");
        assert_eq!(kept, schema, "docs/{page} differs from its source: REWRITE=1 writes it");
    }

    #[test]
    fn the_schema_of_runs_is_that_of_their_records() {
        is_kept("report.schema.json", &schemars::schema_for!(RunRecord));
    }

    #[test]
    fn the_schema_of_reports_is_that_of_their_documents() {
        is_kept("events.schema.json", &schemars::schema_for!(crate::explain::document::RunDocument));
    }
}
