//! Policy documents: read, refused, compiled.

use std::fmt;

use serde_json::{Map, Value, json};

use super::condition::Condition;
use super::glob::Glob;
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
    /// Whom it is about; `None` in an identity policy, which is about whom it is attached to.
    pub(super) principals: Option<Inclusion<PrincipalPattern>>,
    pub(super) actions: Inclusion<Glob>,
    /// `None` in a resource policy that leaves it out: it is about what it is attached to.
    pub(super) resources: Option<Inclusion<Glob>>,
    pub(super) conditions: Vec<Condition>,
}

/// An element, or its complement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inclusion<T> {
    pub(super) is_not: bool,
    pub(super) several: Vec<T>,
}

/// Why a document is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Where, from the outside in: names of members, and places in arrays from 0.
    pub path: Vec<PathStep>,
    /// What.
    pub message: String,
}

/// A step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// To the member of this name.
    Member(String),
    /// To the element in this place, from 0.
    Element(usize),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.path.iter().enumerate() {
            match step {
                PathStep::Member(name) if place == 0 => write!(f, "{name}")?,
                PathStep::Member(name) => write!(f, ".{name}")?,
                PathStep::Element(place) => write!(f, "[{place}]")?,
            }
        }
        let colon = if self.path.is_empty() { "" } else { ": " };
        write!(f, "{colon}{}", self.message)
    }
}

impl std::error::Error for PolicyError {}

impl Document {
    /// A policy that is attached to a principal.
    ///
    /// # Errors
    /// It is malformed, or names a principal.
    pub fn identity(document: &Value) -> Result<Document, PolicyError> {
        Document::read(document, false)
    }

    /// A policy that is attached to a resource.
    ///
    /// # Errors
    /// It is malformed, or names no principal.
    pub fn resource(document: &Value) -> Result<Document, PolicyError> {
        Document::read(document, true)
    }

    /// An identity policy that allows everything.
    #[must_use]
    pub fn allow_all() -> Document {
        let all = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
        Document::identity(&all).expect("a policy")
    }

    /// What it was read from.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.source
    }

    fn read(document: &Value, is_resource: bool) -> Result<Document, PolicyError> {
        let members = object(document)?;
        known(members, &["Version", "Id", "Statement"])?;
        let variables = match members.get("Version") {
            None => false,
            Some(version) => match version.as_str() {
                Some("2012-10-17") => true,
                Some("2008-10-17") => false,
                _ => {
                    return Err(PolicyError::new(unknown(version, "\"2012-10-17\" or \"2008-10-17\""))
                        .below("Version"));
                }
            },
        };
        if let Some(id) = members.get("Id") {
            text(id).map_err(|mistake| mistake.below("Id"))?;
        }
        let statements = members.get("Statement").ok_or_else(|| PolicyError::new("Statement is missing"))?;
        let reader = PolicyReader { is_resource, variables };
        let statements = several(statements, |statement| reader.statement(statement));
        let statements = statements.map_err(|mistake| mistake.below("Statement"))?;
        Ok(Document { statements, source: document.clone() })
    }
}

/// How a document is read.
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
        known(members, &names)?;
        let sid =
            members.get("Sid").map(|sid| text(sid).map_err(|mistake| mistake.below("Sid"))).transpose()?;
        let effect = members.get("Effect").ok_or_else(|| PolicyError::new("Effect is missing"))?;
        let allows = match effect.as_str() {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err(PolicyError::new(unknown(effect, "\"Allow\" or \"Deny\"")).below("Effect")),
        };
        let principals = match self.is_resource {
            false => None,
            true => Some(
                either(members, "Principal", "NotPrincipal", principals)?
                    .ok_or_else(|| PolicyError::new("Principal is missing"))?,
            ),
        };
        if allows && principals.as_ref().is_some_and(|principals| principals.is_not) {
            return Err(PolicyError::new("it goes with \"Effect\": \"Deny\" alone").below("NotPrincipal"));
        }
        let actions = either(members, "Action", "NotAction", |value| listed(value, action))?;
        let resources =
            either(members, "Resource", "NotResource", |value| listed(value, |text| self.resource(text)))?;
        if resources.is_none() && !self.is_resource {
            return Err(PolicyError::new("Resource is missing"));
        }
        let conditions = match members.get("Condition") {
            None => Vec::new(),
            Some(conditions) => self.conditions(conditions).map_err(|mistake| mistake.below("Condition"))?,
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

    fn resource(self, text: &str) -> Result<Glob, String> {
        if text != "*" && !text.starts_with("arn:") && !(self.variables && text.starts_with("${")) {
            return Err(format!(
                "{text:?} is no ARN: write it as in arn:aws:dsql:us-east-1:111122223333:cluster/*"
            ));
        }
        let service = text.split(':').nth(2).unwrap_or_default();
        if service.contains(['*', '?']) && text.starts_with("arn:") {
            return Err(format!("{text:?} has a wildcard for its service: name the service"));
        }
        Glob::of_arn(text, self.variables)
    }

    fn conditions(self, conditions: &Value) -> Result<Vec<Condition>, PolicyError> {
        let mut compiled = Vec::new();
        for (operator, keys) in object(conditions)? {
            for (key, values) in object(keys).map_err(|mistake| mistake.below(operator))? {
                let below = |mistake: PolicyError| mistake.below(key).below(operator);
                let values = scalars(values).map_err(below)?;
                let condition = Condition::new(operator, key, &values, self.variables);
                compiled.push(condition.map_err(|message| below(PolicyError::new(message)))?);
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

    fn at(mut self, place: usize) -> PolicyError {
        self.path.insert(0, PathStep::Element(place));
        self
    }
}

/// The element `is`, or its complement `not`; both is a mistake.
fn either<T>(
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
    let several = read(value).map_err(|mistake| mistake.below(name))?;
    Ok(Some(Inclusion { is_not: name == not, several }))
}

fn principals(value: &Value) -> Result<Vec<PrincipalPattern>, PolicyError> {
    if value == "*" {
        return Ok(vec![PrincipalPattern::Everybody]);
    }
    let kinds = value.as_object().ok_or_else(|| PolicyError::new(unknown(value, "\"*\" or an object")))?;
    known(kinds, &["AWS", "Service", "Federated", "CanonicalUser"])?;
    let mut named = Vec::new();
    for (kind, value) in kinds {
        let one = |text: &str| match kind.as_str() {
            "AWS" => PrincipalPattern::of_aws(text).ok_or_else(|| {
                format!("{text:?} is no principal: write it as in arn:aws:iam::111122223333:role/NAME")
            }),
            "Service" => Ok(PrincipalPattern::One(text.to_owned())),
            _ => Ok(PrincipalPattern::Stranger),
        };
        named.extend(listed(value, one).map_err(|mistake| mistake.below(kind))?);
    }
    Ok(named)
}

fn action(text: &str) -> Result<Glob, String> {
    let is_action = text == "*"
        || text.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
    if !is_action {
        return Err(format!("{text:?} is no action: write it as in dsql:CreateCluster"));
    }
    Glob::of_action(text)
}

/// A string, or several.
fn listed<T>(value: &Value, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, PolicyError> {
    if value.as_array().is_some_and(Vec::is_empty) {
        return Err(PolicyError::new("it is empty"));
    }
    several(value, |value| read(text(value)?).map_err(PolicyError::new))
}

/// A string, number or Boolean, or several, as text.
fn scalars(value: &Value) -> Result<Vec<String>, PolicyError> {
    several(value, |value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        other => Err(PolicyError::new(unknown(other, "a string, a number or a Boolean"))),
    })
}

/// What `read` makes of a value, or of each in an array.
fn several<T>(value: &Value, read: impl Fn(&Value) -> Result<T, PolicyError>) -> Result<Vec<T>, PolicyError> {
    let Value::Array(values) = value else { return Ok(vec![read(value)?]) };
    let each = values.iter().enumerate();
    each.map(|(place, value)| read(value).map_err(|mistake| mistake.at(place))).collect()
}

fn text(value: &Value) -> Result<&str, PolicyError> {
    value.as_str().ok_or_else(|| PolicyError::new(unknown(value, "a string")))
}

fn object(value: &Value) -> Result<&Map<String, Value>, PolicyError> {
    value.as_object().ok_or_else(|| PolicyError::new(unknown(value, "an object")))
}

fn known(members: &Map<String, Value>, names: &[&str]) -> Result<(), PolicyError> {
    match members.keys().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            Err(PolicyError::new(format!("unknown member, expected one of {}", names.join(", "))).below(name))
        }
    }
}

fn unknown(value: &Value, expected: &str) -> String {
    format!("unknown value {value}, expected {expected}")
}
