//! `dsql-sim decide`: the policy evaluator on its own, without a world.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::console::files;
use crate::iam::{
    AccessRequest, Context, ContextValues, Decision, Document, Policies, PolicyError, Principal,
    StatementRef, decide, unknown_key,
};

use super::{exit, stream};

/// The format of questions and decisions, as the help prints it.
const FORMAT: &str = r#"A question is a JSON object on one line:
  identity_policies  policy documents of the principal (required)
  principal          an ARN, or the name of a service (required)
  action             as in "dsql:CreateCluster" (required)
  resource           an ARN, or "*" (required)
  boundaries         permissions boundaries; without one, nothing is bounded
  session_policies   session policies; without one, nothing is restricted
  service_control_policies
                     service control policies, one of which must allow the action; or a list of such lists, one for
                     each level of the organization, all of which must allow it
  resource_policy    the policy document of the resource
  context            condition keys, each with a value or a list of values

The principal has the condition keys aws:PrincipalArn, aws:PrincipalAccount, aws:PrincipalType,
aws:PrincipalIsAWSService, aws:userid and aws:username, where a principal of its kind has them. `context` may give
them other values; null or an empty list takes a key away.

Example:
  {"identity_policies": [{"Statement": {"Effect": "Allow", "Action": "dsql:Get*", "Resource": "*"}}],
   "principal": "arn:aws:iam::111122223333:role/ci", "action": "dsql:GetCluster", "resource": "*"}
(here on two lines to fit the page)

A decision is a JSON object on one line: `decision` is Allow, ExplicitDeny or ImplicitDeny (no statement allows it, or
no policy of a kind that limits the principal); `reason` is a list of statements, each with `document`, `statement`,
`sid` and `why`."#;

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
    /// Session policies; without one, nothing is restricted.
    #[serde(default)]
    session_policies: Vec<Value>,
    /// Service control policies, or a list of them for each level.
    #[serde(default)]
    service_control_policies: Vec<Value>,
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
    context: BTreeMap<String, Value>,
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
    #[error(
        "context.{0}: expected a string, a number, a Boolean, null, or a list of strings, numbers and Booleans"
    )]
    Context(String),
    #[error(
        "service_control_policies: expected a list of policies, or a list of lists of them, one for each level"
    )]
    Levels,
}

/// The condition keys of a question, and those that follow from its principal.
#[derive(Debug)]
struct QuestionContext<'a> {
    given: BTreeMap<String, Vec<String>>,
    principal: &'a Principal,
}

impl Context for QuestionContext<'_> {
    fn get(&self, key: &str) -> Option<ContextValues<'_>> {
        match self.given.get(key) {
            // The question wins: also where it takes a key away.
            Some(values) => Some(ContextValues::Several(values)).filter(|_| !values.is_empty()),
            None => self.principal.value(key),
        }
    }
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
    let session = documents("session_policies", &line.session_policies)?;
    let control = levels("service_control_policies", &line.service_control_policies)?;
    let resource = line.resource_policy.as_ref().map(Document::resource).transpose();
    let resource =
        resource.map_err(|mistake| QuestionError::policy("resource_policy".to_owned(), mistake))?;
    let principal =
        Principal::parse(&line.principal).ok_or_else(|| QuestionError::Principal(line.principal.clone()))?;
    let mut given = BTreeMap::new();
    for (key, values) in line.context {
        let Some(values) = texts(&values) else { return Err(QuestionError::Context(key)) };
        given.entry(key.to_ascii_lowercase()).or_insert(values);
    }
    let context = QuestionContext { given, principal: &principal };
    let policies = Policies {
        identity: &identity,
        boundaries: &boundaries,
        session: &session,
        control: &control,
        resource: resource.as_ref(),
        ..Policies::default()
    };
    let question = AccessRequest {
        principal: &principal,
        action: &line.action,
        resource: &line.resource,
        context: &context,
    };
    let Decision { effect, by, unknown_keys, mismatches } = decide(policies, question);
    let unknown = unknown_keys.iter().map(|key| unknown_key(key)).collect::<String>();
    let matched = by.into_iter().map(|statement| reason(statement, format!("it matches{unknown}")));
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

/// The service control policies by level: a plain list of policies is one level.
fn levels(name: &str, values: &[Value]) -> Result<Vec<Vec<Document>>, QuestionError> {
    if values.iter().any(|value| !value.is_array()) {
        let is_mixed = values.iter().any(Value::is_array);
        return if is_mixed { Err(QuestionError::Levels) } else { Ok(vec![documents(name, values)?]) };
    }
    let level = |(index, level): (usize, &Value)| {
        let policies =
            level.as_array().filter(|policies| !policies.is_empty()).ok_or(QuestionError::Levels)?;
        documents(&format!("{name}[{index}]"), policies)
    };
    values.iter().enumerate().map(level).collect()
}

/// The values of a condition key as text; none for null.
fn texts(values: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    };
    match values {
        Value::Null => Some(Vec::new()),
        Value::Array(values) => values.iter().map(text).collect(),
        one => text(one).map(|value| vec![value]),
    }
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
