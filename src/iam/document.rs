//! Policy documents: validates the JSON of a policy and compiles it into statements.

use std::fmt;

use serde_json::{Map, Value, json};

use super::condition::{Condition, ConditionError};
use super::context::ContextMap;
use super::glob::{Glob, GlobError};
use super::principal::PrincipalPattern;

/// A policy document, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub(super) statements: Vec<Statement>,
    source: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) sid: Option<String>,
    pub(super) allows: bool,
    /// `None` in an identity policy, which applies to the principal that it is attached to.
    pub(super) principals: Option<Inclusion<PrincipalPattern>>,
    pub(super) actions: Inclusion<Glob>,
    /// `None` in a resource policy without the element, which applies to the resource that it is attached to.
    pub(super) resources: Option<Inclusion<Glob>>,
    pub(super) conditions: Vec<Condition>,
}

impl Statement {
    /// Whether the statement is about `action`.
    pub(super) fn has_action(&self, action: &str) -> bool {
        // Actions have no variables, and need no condition key.
        let matches = |glob: &Glob| glob.matches(action, &ContextMap::default()) == Some(true);
        self.actions.elements.iter().any(matches) != self.actions.is_not
    }
}

/// An element such as Action, or its complement such as NotAction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inclusion<T> {
    pub(super) is_not: bool,
    pub(super) elements: Vec<T>,
}

/// An error of a policy document, with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// The path to the erroneous value, from the root of the document; empty for the document itself.
    pub path: Vec<PathStep>,
    /// The error. Where a correction is known, the message gives it.
    pub message: String,
}

/// One step of a path into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// The member of an object, by its name.
    Member(String),
    /// The element of an array, by its index from 0.
    Element(usize),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.path.iter().enumerate() {
            match step {
                PathStep::Member(name) if depth == 0 => write!(f, "{name}")?,
                PathStep::Member(name) => write!(f, ".{name}")?,
                PathStep::Element(index) => write!(f, "[{index}]")?,
            }
        }
        let colon = if self.path.is_empty() { "" } else { ": " };
        write!(f, "{colon}{}", self.message)
    }
}

impl std::error::Error for PolicyError {}

impl From<GlobError> for PolicyError {
    fn from(error: GlobError) -> PolicyError {
        PolicyError::new(error.to_string())
    }
}

impl From<ConditionError> for PolicyError {
    fn from(error: ConditionError) -> PolicyError {
        PolicyError::new(error.to_string())
    }
}

impl Document {
    /// Compiles an identity policy, a permissions boundary, a session policy or a service control policy.
    ///
    /// # Errors
    /// The first error of the document. A Principal element is an error: the policy applies to the principal that it is
    /// attached to.
    pub fn identity(document: &Value) -> Result<Document, PolicyError> {
        Document::read(document, false)
    }

    /// Compiles a resource policy.
    ///
    /// # Errors
    /// The first error of the document. A statement without a Principal or NotPrincipal element is an error.
    pub fn resource(document: &Value) -> Result<Document, PolicyError> {
        Document::read(document, true)
    }

    /// An identity policy that allows every action on every resource.
    #[must_use]
    pub fn allow_all() -> Document {
        let all = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
        Document::identity(&all).expect("a policy")
    }

    /// The first condition key that the simulation does not know in a statement about `action`, as it is written.
    pub(super) fn unknown_key(&self, action: &str) -> Option<&str> {
        let statements = self.statements.iter().filter(|statement| statement.has_action(action));
        let mut conditions = statements.flat_map(|statement| &statement.conditions);
        conditions.find(|condition| !condition.has_known_key()).map(|condition| &*condition.key)
    }

    /// The JSON that the document was compiled from.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.source
    }

    fn read(document: &Value, is_resource: bool) -> Result<Document, PolicyError> {
        let members = object(document)?;
        reject_unknown(members, &["Version", "Id", "Statement"])?;
        // Variables came with the later version; before it, and without a version, `${…}` is plain text.
        let variables = match members.get("Version") {
            None => false,
            Some(version) => match version.as_str() {
                Some("2012-10-17") => true,
                Some("2008-10-17") => false,
                _ => {
                    return Err(PolicyError::new(unknown_value(version, "\"2012-10-17\" or \"2008-10-17\""))
                        .below("Version"));
                }
            },
        };
        if let Some(id) = members.get("Id") {
            text(id).map_err(|error| error.below("Id"))?;
        }
        let statements = members.get("Statement").ok_or_else(|| PolicyError::new("Statement is missing"))?;
        let reader = PolicyReader { is_resource, variables };
        let statements = one_or_many(statements, |statement| reader.statement(statement));
        let statements = statements.map_err(|error| error.below("Statement"))?;
        Ok(Document { statements, source: document.clone() })
    }
}

/// The rules for reading a document, which depend on its kind and its version.
#[derive(Clone, Copy)]
struct PolicyReader {
    is_resource: bool,
    variables: bool,
}

impl PolicyReader {
    fn statement(self, statement: &Value) -> Result<Statement, PolicyError> {
        let members = object(statement)?;
        let mut names = vec!["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];
        names.extend(self.is_resource.then_some(["Principal", "NotPrincipal"]).into_iter().flatten());
        reject_unknown(members, &names)?;
        let sid = members.get("Sid").map(|sid| text(sid).map_err(|error| error.below("Sid"))).transpose()?;
        let effect = members.get("Effect").ok_or_else(|| PolicyError::new("Effect is missing"))?;
        let allows = match effect.as_str() {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err(PolicyError::new(unknown_value(effect, "\"Allow\" or \"Deny\"")).below("Effect")),
        };
        let principals = match self.is_resource {
            false => None,
            true => Some(
                inclusion(members, "Principal", "NotPrincipal", principals)?
                    .ok_or_else(|| PolicyError::new("Principal is missing"))?,
            ),
        };
        if allows && principals.as_ref().is_some_and(|principals| principals.is_not) {
            return Err(PolicyError::new("it goes with \"Effect\": \"Deny\" alone").below("NotPrincipal"));
        }
        let actions = inclusion(members, "Action", "NotAction", |value| listed(value, action))?;
        let resources =
            inclusion(members, "Resource", "NotResource", |value| listed(value, |text| self.resource(text)))?;
        if resources.is_none() && !self.is_resource {
            return Err(PolicyError::new("Resource is missing"));
        }
        let conditions = match members.get("Condition") {
            None => Vec::new(),
            Some(conditions) => self.conditions(conditions).map_err(|error| error.below("Condition"))?,
        };
        Ok(Statement {
            sid: sid.map(str::to_owned),
            allows,
            principals,
            actions: actions.ok_or_else(|| PolicyError::new("Action is missing"))?,
            resources,
            conditions,
        })
    }

    fn resource(self, text: &str) -> Result<Glob, PolicyError> {
        if text != "*" && !text.starts_with("arn:") && !(self.variables && text.starts_with("${")) {
            let example = "arn:aws:dsql:us-east-1:111122223333:cluster/*";
            return Err(PolicyError::new(format!("{text:?} is no ARN: write it as in {example}")));
        }
        let service = text.split(':').nth(2).unwrap_or_default();
        if service.contains(['*', '?']) && text.starts_with("arn:") {
            return Err(PolicyError::new(format!(
                "{text:?} has a wildcard for its service: name the service"
            )));
        }
        Ok(Glob::of_arn(text, self.variables)?)
    }

    fn conditions(self, conditions: &Value) -> Result<Vec<Condition>, PolicyError> {
        let mut compiled = Vec::new();
        for (operator, keys) in object(conditions)? {
            for (key, values) in object(keys).map_err(|error| error.below(operator))? {
                let below = |error: PolicyError| error.below(key).below(operator);
                let values = scalars(values).map_err(below)?;
                let condition = Condition::new(operator, key, &values, self.variables);
                compiled.push(condition.map_err(|error| below(error.into()))?);
            }
        }
        Ok(compiled)
    }
}

impl PolicyError {
    fn new(message: impl Into<String>) -> PolicyError {
        PolicyError { path: Vec::new(), message: message.into() }
    }

    fn below(mut self, member: &str) -> PolicyError {
        self.path.insert(0, PathStep::Member(member.to_owned()));
        self
    }

    fn at(mut self, index: usize) -> PolicyError {
        self.path.insert(0, PathStep::Element(index));
        self
    }
}

/// The element `is` or its complement `not`. A statement with both is an error.
fn inclusion<T>(
    members: &Map<String, Value>,
    is: &str,
    not: &str,
    read: impl Fn(&Value) -> Result<Vec<T>, PolicyError>,
) -> Result<Option<Inclusion<T>>, PolicyError> {
    let (name, value) = match (members.get(is), members.get(not)) {
        (Some(_), Some(_)) => {
            return Err(PolicyError::new(format!("{is} and {not} exclude each other")).below(not));
        }
        (Some(value), None) => (is, value),
        (None, Some(value)) => (not, value),
        (None, None) => return Ok(None),
    };
    let elements = read(value).map_err(|error| error.below(name))?;
    Ok(Some(Inclusion { is_not: name == not, elements }))
}

fn principals(value: &Value) -> Result<Vec<PrincipalPattern>, PolicyError> {
    if value == "*" {
        return Ok(vec![PrincipalPattern::Everyone]);
    }
    let kinds =
        value.as_object().ok_or_else(|| PolicyError::new(unknown_value(value, "\"*\" or an object")))?;
    reject_unknown(kinds, &["AWS", "Service", "Federated", "CanonicalUser"])?;
    let mut patterns = Vec::new();
    for (kind, value) in kinds {
        let pattern = |text: &str| match kind.as_str() {
            "AWS" => PrincipalPattern::of_aws(text).ok_or_else(|| {
                let example = "arn:aws:iam::111122223333:role/NAME";
                PolicyError::new(format!("{text:?} is no principal: write it as in {example}"))
            }),
            "Service" => Ok(PrincipalPattern::Exact(text.to_owned())),
            _ => Ok(PrincipalPattern::Unsupported),
        };
        patterns.extend(listed(value, pattern).map_err(|error| error.below(kind))?);
    }
    Ok(patterns)
}

fn action(text: &str) -> Result<Glob, PolicyError> {
    let is_action = text == "*"
        || text.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
    if !is_action {
        return Err(PolicyError::new(format!("{text:?} is no action: write it as in dsql:CreateCluster")));
    }
    Ok(Glob::of_action(text)?)
}

/// A string, or an array of strings with at least one element.
fn listed<T>(value: &Value, read: impl Fn(&str) -> Result<T, PolicyError>) -> Result<Vec<T>, PolicyError> {
    if value.as_array().is_some_and(Vec::is_empty) {
        return Err(PolicyError::new("it is empty"));
    }
    one_or_many(value, |value| read(text(value)?))
}

/// A string, number or Boolean, or an array of them, as text.
fn scalars(value: &Value) -> Result<Vec<String>, PolicyError> {
    one_or_many(value, |value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        other => Err(PolicyError::new(unknown_value(other, "a string, a number or a Boolean"))),
    })
}

/// Applies `read` to a single value, or to each element of an array.
fn one_or_many<T>(
    value: &Value,
    read: impl Fn(&Value) -> Result<T, PolicyError>,
) -> Result<Vec<T>, PolicyError> {
    let Value::Array(values) = value else { return Ok(vec![read(value)?]) };
    let each = values.iter().enumerate();
    each.map(|(index, value)| read(value).map_err(|error| error.at(index))).collect()
}

fn text(value: &Value) -> Result<&str, PolicyError> {
    value.as_str().ok_or_else(|| PolicyError::new(unknown_value(value, "a string")))
}

fn object(value: &Value) -> Result<&Map<String, Value>, PolicyError> {
    value.as_object().ok_or_else(|| PolicyError::new(unknown_value(value, "an object")))
}

fn reject_unknown(members: &Map<String, Value>, names: &[&str]) -> Result<(), PolicyError> {
    match members.keys().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            Err(PolicyError::new(format!("unknown member, expected one of {}", names.join(", "))).below(name))
        }
    }
}

fn unknown_value(value: &Value, expected: &str) -> String {
    format!("unknown value {value}, expected {expected}")
}
