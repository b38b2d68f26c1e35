//! `dsql-sim decide`: the policy evaluator on its own, without a world.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::console::files;
use crate::iam::{
    AccessRequest, ContextMap, Decision, Document, Policies, PolicyError, Principal, StatementRef, decide,
};

use super::{exit, stream};

/// The format of questions and decisions, as the help prints it.
const FORMAT: &str = r#"A question is a JSON object on one line:
  identity_policies  policy documents of the principal (required)
  principal          an ARN, or the name of a service (required)
  action             as in "dsql:CreateCluster" (required)
  resource           an ARN, or "*" (required)
  boundaries         permissions boundaries; without one, nothing is bounded
  resource_policy    the policy document of the resource
  context            condition keys, each with a value or a list of values

Example:
  {"identity_policies": [{"Statement": {"Effect": "Allow", "Action": "dsql:Get*", "Resource": "*"}}],
   "principal": "arn:aws:iam::111122223333:role/ci", "action": "dsql:GetCluster", "resource": "*"}
(here on two lines to fit the page)

A decision is a JSON object on one line: `decision` is Allow, Explicit (an explicit deny) or Implicit (no statement
allows it); `reason` is a list of statements, each with `document`, `statement`, `sid` and `why`."#;

/// The arguments of `decide`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = FORMAT)]
pub(super) struct DecideArguments {
    /// The file of questions, one JSON object a line; `-` is standard input.
    #[arg(default_value = files::STANDARD_INPUT)]
    file: PathBuf,
}

/// A question: a line of the input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputLine {
    /// Policy documents of the principal.
    identity_policies: Vec<Value>,
    /// Permissions boundaries; without one, nothing is bounded.
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

/// A decision: a line of the output.
#[derive(Debug, Serialize)]
struct DecisionOutput {
    decision: &'static str,
    /// The statement that decides. If no statement allows the action, every statement of an allow, with the element
    /// that does not match.
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

/// The reason why a question cannot be decided.
#[derive(Debug, thiserror::Error)]
enum QuestionError {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The separator is between the name of the document and the path in it.
    #[error("{document}{separator}{mistake}")]
    Policy { document: String, separator: &'static str, mistake: PolicyError },
    #[error(
        "principal: {0:?} is not the ARN of a principal: write it as in arn:aws:iam::111122223333:user/alice"
    )]
    Principal(String),
}

/// Decides every question of a file, and returns the exit code. If one is malformed, none is decided.
pub(super) fn run(arguments: &DecideArguments) -> io::Result<u8> {
    let text = match read(&arguments.file) {
        Ok(text) => text,
        Err(error) => {
            writeln!(stream::stderr(), "error: {}: {error}", arguments.file.display())?;
            return Ok(exit::BAD_INPUT);
        }
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let answers: Vec<Result<DecisionOutput, (usize, QuestionError)>> =
        lines.map(|(number, line)| answer(line).map_err(|error| (number + 1, error))).collect();
    let mistakes: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    for (number, mistake) in &mistakes {
        writeln!(stream::stderr(), "error: line {number}: {mistake}")?;
    }
    if !mistakes.is_empty() {
        return Ok(exit::BAD_INPUT);
    }
    if answers.is_empty() {
        writeln!(stream::stderr(), "error: there is no question: expected one JSON object a line")?;
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

fn answer(line: &str) -> Result<DecisionOutput, QuestionError> {
    let line: InputLine = serde_json::from_str(line)?;
    let identity = documents("identity_policies", &line.identity_policies)?;
    let boundaries = documents("boundaries", &line.boundaries)?;
    let resource = line.resource_policy.as_ref().map(Document::resource).transpose();
    let resource =
        resource.map_err(|mistake| QuestionError::policy("resource_policy".to_owned(), mistake))?;
    let principal =
        Principal::parse(&line.principal).ok_or_else(|| QuestionError::Principal(line.principal.clone()))?;
    let mut context = ContextMap::default();
    for (key, values) in line.context {
        match values {
            InputValues::One(value) => context.set(&key, [value]),
            InputValues::Several(values) => context.set(&key, values),
        }
    }
    let (identity, boundaries) = (&identity[..], &boundaries[..]);
    let policies = Policies { identity, boundaries, resource: resource.as_ref(), ..Policies::default() };
    let question = AccessRequest {
        principal: &principal,
        action: &line.action,
        resource: &line.resource,
        context: &context,
    };
    let Decision { effect, by, mismatches } = decide(policies, question);
    let matched = by.into_iter().map(|statement| reason(statement, "it matches".to_owned()));
    let mismatched =
        mismatches.into_iter().map(|(statement, mismatch)| reason(statement, mismatch.to_string()));
    let reason = matched.chain(mismatched);
    Ok(DecisionOutput { decision: effect.name(), reason: reason.collect() })
}

fn documents(name: &str, values: &[Value]) -> Result<Vec<Document>, QuestionError> {
    let read = |(index, value)| {
        Document::identity(value)
            .map_err(|mistake| QuestionError::policy(format!("{name}[{index}]"), mistake))
    };
    values.iter().enumerate().map(read).collect()
}

impl QuestionError {
    fn policy(document: String, mistake: PolicyError) -> QuestionError {
        let separator = if mistake.path.is_empty() { ": " } else { "." };
        QuestionError::Policy { document, separator, mistake }
    }
}

fn reason(by: StatementRef, why: String) -> DecisionReason {
    DecisionReason { document: by.policy(), statement: by.statement, sid: by.sid, why }
}
