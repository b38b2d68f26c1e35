//! `dsql-sim decide`: the evaluator of policies by itself.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::iam::{
    AccessRequest, ContextMap, Decision, Document, Policies, PolicyError, Principal, StatementRef, decide,
};

use super::{exit, files, stream};

/// The arguments of `decide`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct DecideArguments {
    /// The questions, one JSON object a line; `-` reads standard input.
    #[arg(default_value = files::STANDARD_INPUT)]
    file: PathBuf,
}

/// A line in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputLine {
    /// Policy documents of the principal.
    identity_policies: Vec<Value>,
    /// Permissions boundaries; without them nothing is bounded.
    #[serde(default)]
    boundaries: Vec<Value>,
    /// The policy document of the resource, if it has one.
    #[serde(default)]
    resource_policy: Option<Value>,
    /// An ARN, or a service's name.
    principal: String,
    /// As in `dsql:CreateCluster`.
    action: String,
    /// An ARN, or `*`.
    resource: String,
    /// Condition keys and their values.
    #[serde(default)]
    context: BTreeMap<String, InputValues>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum InputValues {
    One(String),
    Several(Vec<String>),
}

/// A line out.
#[derive(Debug, Serialize)]
struct DecisionOutput {
    decision: &'static str,
    /// The statement that decides; when nothing allows, every statement that would, and what of it does not match.
    reason: Vec<DecisionReason>,
}

#[derive(Debug, Serialize)]
struct DecisionReason {
    document: String,
    statement: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    why: String,
}

/// Decides every line of a file, and gives the exit code.
pub(super) fn run(arguments: &DecideArguments) -> io::Result<u8> {
    let text = match read(&arguments.file) {
        Ok(text) => text,
        Err(error) => {
            writeln!(stream::stderr(), "error: {}: {error}", arguments.file.display())?;
            return Ok(exit::BAD_INPUT);
        }
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let answers: Vec<Result<DecisionOutput, String>> = lines
        .map(|(number, line)| answer(line).map_err(|why| format!("line {}: {why}", number + 1)))
        .collect();
    let mistakes: Vec<&String> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    for mistake in &mistakes {
        writeln!(stream::stderr(), "error: {mistake}")?;
    }
    if !mistakes.is_empty() {
        return Ok(exit::BAD_INPUT);
    }
    if answers.is_empty() {
        writeln!(stream::stderr(), "error: there is no question: write one JSON object a line")?;
        return Ok(exit::BAD_INPUT);
    }
    let mut out = stream::stdout();
    for answer in answers.into_iter().flatten() {
        writeln!(out, "{}", serde_json::to_string(&answer)?)?;
    }
    Ok(exit::PASS)
}

fn read(path: &Path) -> io::Result<String> {
    if path != Path::new(files::STANDARD_INPUT) {
        return fs::read_to_string(path);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn answer(line: &str) -> Result<DecisionOutput, String> {
    let line: InputLine = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let identity = documents("identity_policies", &line.identity_policies)?;
    let boundaries = documents("boundaries", &line.boundaries)?;
    let resource = line.resource_policy.as_ref().map(Document::resource).transpose();
    let resource = resource.map_err(|mistake| placed("resource_policy", &mistake))?;
    let principal = Principal::parse(&line.principal).ok_or_else(|| {
        format!(
            "principal: {:?} is nobody: write it as in arn:aws:iam::111122223333:user/alice",
            line.principal
        )
    })?;
    let mut context = ContextMap::default();
    for (key, values) in line.context {
        match values {
            InputValues::One(value) => context.set(&key, [value]),
            InputValues::Several(values) => context.set(&key, values),
        }
    }
    let policies = Policies { identity: &identity, boundaries: &boundaries, resource: resource.as_ref() };
    let question = AccessRequest {
        principal: &principal,
        action: &line.action,
        resource: &line.resource,
        context: &context,
    };
    let Decision { effect, by, mismatches } = decide(policies, question);
    let matched = by.into_iter().map(|place| reason(place, "it matches".to_owned()));
    let reason = matched.chain(mismatches.into_iter().map(|(place, miss)| reason(place, miss.to_string())));
    Ok(DecisionOutput { decision: effect.name(), reason: reason.collect() })
}

fn documents(name: &str, values: &[Value]) -> Result<Vec<Document>, String> {
    let read = |(place, value)| {
        Document::identity(value).map_err(|mistake| placed(&format!("{name}[{place}]"), &mistake))
    };
    values.iter().enumerate().map(read).collect()
}

fn placed(document: &str, mistake: &PolicyError) -> String {
    let separator = if mistake.path.is_empty() { ": " } else { "." };
    format!("{document}{separator}{mistake}")
}

fn reason(place: StatementRef, why: String) -> DecisionReason {
    DecisionReason { document: place.policy(), statement: place.statement, sid: place.sid, why }
}
