//! The Condition element: compiles condition operators and evaluates them.

use std::net::IpAddr;

use super::context::Context;
use super::glob::{Glob, GlobError, GlobSyntax};
use super::keys::is_known;
use super::values::{CidrBlock, Number, date, number};

/// One operator applied to one condition key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// The operator as written, with its prefix and suffix.
    pub(super) operator: String,
    /// The condition key as written.
    pub(super) key: String,
    /// The key in lower case, as contexts have it.
    name: String,
    quantifier: Quantifier,
    if_exists: bool,
    test: ConditionTest,
}

/// The set operator of a condition, for keys with several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    /// No set operator.
    Plain,
    ForAllValues,
    ForAnyValue,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ConditionTest {
    /// The operator `Null`: whether the key is absent must be one of these values.
    Null(Vec<bool>),
    Compare {
        is_negated: bool,
        values: Vec<ConditionValue>,
    },
}

/// A value of the policy, with the comparison that its operator makes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ConditionValue {
    Text(Glob),
    TextIgnoreCase(Glob),
    Number(Order, Number),
    Date(Order, Number),
    Bool(bool),
    Bytes(String),
    Address(CidrBlock),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The comparison of an operator, without its negation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OperatorKind {
    Null,
    Text { is_like: bool },
    TextIgnoreCase,
    Number(Order),
    Date(Order),
    Bool,
    Bytes,
    Address,
    Arn,
}

/// Every operator: its name, its comparison, and whether it is negated.
const OPERATORS: [(&str, OperatorKind, bool); 27] = [
    ("StringEquals", OperatorKind::Text { is_like: false }, false),
    ("StringNotEquals", OperatorKind::Text { is_like: false }, true),
    ("StringEqualsIgnoreCase", OperatorKind::TextIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", OperatorKind::TextIgnoreCase, true),
    ("StringLike", OperatorKind::Text { is_like: true }, false),
    ("StringNotLike", OperatorKind::Text { is_like: true }, true),
    ("NumericEquals", OperatorKind::Number(Order::Equal), false),
    ("NumericNotEquals", OperatorKind::Number(Order::Equal), true),
    ("NumericLessThan", OperatorKind::Number(Order::Less), false),
    ("NumericLessThanEquals", OperatorKind::Number(Order::LessOrEqual), false),
    ("NumericGreaterThan", OperatorKind::Number(Order::Greater), false),
    ("NumericGreaterThanEquals", OperatorKind::Number(Order::GreaterOrEqual), false),
    ("DateEquals", OperatorKind::Date(Order::Equal), false),
    ("DateNotEquals", OperatorKind::Date(Order::Equal), true),
    ("DateLessThan", OperatorKind::Date(Order::Less), false),
    ("DateLessThanEquals", OperatorKind::Date(Order::LessOrEqual), false),
    ("DateGreaterThan", OperatorKind::Date(Order::Greater), false),
    ("DateGreaterThanEquals", OperatorKind::Date(Order::GreaterOrEqual), false),
    ("Bool", OperatorKind::Bool, false),
    ("BinaryEquals", OperatorKind::Bytes, false),
    ("IpAddress", OperatorKind::Address, false),
    ("NotIpAddress", OperatorKind::Address, true),
    ("ArnEquals", OperatorKind::Arn, false),
    ("ArnLike", OperatorKind::Arn, false),
    ("ArnNotEquals", OperatorKind::Arn, true),
    ("ArnNotLike", OperatorKind::Arn, true),
    ("Null", OperatorKind::Null, false),
];

/// The reason why a condition cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ConditionError {
    #[error("unknown set operator {0:?}, expected ForAllValues or ForAnyValue")]
    UnknownSetOperator(String),
    #[error("unknown operator {0:?}")]
    UnknownOperator(String),
    /// A value that is not of the operator's type, and the type in words.
    #[error("{0:?} is {1}")]
    InvalidValue(String, &'static str),
    #[error(transparent)]
    Glob(#[from] GlobError),
}

impl Condition {
    /// Compiles `operator` on `key`. `values` are the JSON scalars of the document as text.
    ///
    /// # Errors
    /// The operator is unknown, or a value is not of its type.
    pub(super) fn new(
        operator: &str,
        key: &str,
        values: &[String],
        variables: bool,
    ) -> Result<Condition, ConditionError> {
        let (quantifier, rest) = match operator.split_once(':') {
            Some(("ForAllValues", rest)) => (Quantifier::ForAllValues, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::ForAnyValue, rest),
            Some((other, _)) => {
                return Err(ConditionError::UnknownSetOperator(other.to_owned()));
            }
            None => (Quantifier::Plain, operator),
        };
        let name = rest.strip_suffix("IfExists").unwrap_or(rest);
        let if_exists = name.len() < rest.len();
        // The guide allows IfExists with every operator except Null.
        let found = OPERATORS
            .iter()
            .find(|(known, kind, _)| *known == name && !(if_exists && *kind == OperatorKind::Null));
        let Some((_, kind, is_negated)) = found else {
            return Err(ConditionError::UnknownOperator(operator.to_owned()));
        };
        let test = match kind {
            OperatorKind::Null => {
                ConditionTest::Null(values.iter().map(|value| boolean(value)).collect::<Result<_, _>>()?)
            }
            kind => {
                let values = values.iter().map(|value| ConditionValue::new(*kind, value, variables));
                ConditionTest::Compare { is_negated: *is_negated, values: values.collect::<Result<_, _>>()? }
            }
        };
        let name = key.to_ascii_lowercase();
        Ok(Condition {
            operator: operator.to_owned(),
            key: key.to_owned(),
            name,
            quantifier,
            if_exists,
            test,
        })
    }

    /// Whether the simulation knows the condition key.
    pub(super) fn has_known_key(&self) -> bool {
        is_known(&self.name)
    }

    /// Whether the condition is true only for requests that have the key with a value of the policy, and each of these
    /// values is text without wildcards and variables, or a Boolean.
    pub(super) fn has_fixed_values(&self) -> bool {
        let ConditionTest::Compare { is_negated: false, values } = &self.test else { return false };
        // Without the key a request meets both of these forms.
        let needs_key = !self.if_exists && self.quantifier != Quantifier::ForAllValues;
        needs_key && values.iter().all(ConditionValue::is_fixed)
    }

    /// Whether every value of the policy is `text`, in any case.
    pub(super) fn accepts_only(&self, text: &str) -> bool {
        let ConditionTest::Compare { values, .. } = &self.test else { return false };
        let accepts = |value: &ConditionValue| match value {
            ConditionValue::Bool(truth) => truth.to_string().eq_ignore_ascii_case(text),
            ConditionValue::Text(glob) | ConditionValue::TextIgnoreCase(glob) => {
                glob.as_fixed().is_some_and(|fixed| fixed.eq_ignore_ascii_case(text))
            }
            _ => false,
        };
        values.iter().all(accepts)
    }

    /// Whether the condition is true for a request.
    pub(super) fn is_met(&self, context: &dyn Context) -> bool {
        let found = context.get(&self.name);
        let (is_negated, values) = match &self.test {
            ConditionTest::Null(expected) => return expected.contains(&found.is_none()),
            ConditionTest::Compare { is_negated, values } => (*is_negated, values),
        };
        // Several values of the policy are alternatives; a negated operator excludes all of them.
        let matches_any = |found: &str| values.iter().any(|value| value.matches(found, context));
        let is_met = |found: &str| matches_any(found) != is_negated;
        match (found, self.quantifier) {
            (None, _) if self.if_exists => true,
            // An absent key equals nothing, so a negated operator is true for it.
            (None, Quantifier::Plain) => is_negated,
            (None, Quantifier::ForAllValues) => true,
            (None, Quantifier::ForAnyValue) => false,
            (Some(found), Quantifier::ForAllValues) => found.iter().all(is_met),
            (Some(found), Quantifier::ForAnyValue) => found.iter().any(is_met),
            (Some(found), Quantifier::Plain) if is_negated => found.iter().all(is_met),
            (Some(found), Quantifier::Plain) => found.iter().any(is_met),
        }
    }
}

impl ConditionValue {
    fn new(kind: OperatorKind, text: &str, variables: bool) -> Result<ConditionValue, ConditionError> {
        let invalid = |verdict: &'static str| ConditionError::InvalidValue(text.to_owned(), verdict);
        Ok(match kind {
            OperatorKind::Text { is_like } => {
                ConditionValue::Text(Glob::of_text(text, GlobSyntax { wildcards: is_like, variables })?)
            }
            OperatorKind::TextIgnoreCase => {
                let syntax = GlobSyntax { wildcards: false, variables };
                ConditionValue::TextIgnoreCase(Glob::of_text(text, syntax)?)
            }
            OperatorKind::Arn => ConditionValue::Text(Glob::of_arn(text, variables)?),
            OperatorKind::Number(order) => {
                ConditionValue::Number(order, number(text).ok_or_else(|| invalid("not a number"))?)
            }
            OperatorKind::Date(order) => {
                let verdict = "not a date: write it as in 2026-11-24T10:00:00Z";
                ConditionValue::Date(order, date(text).ok_or_else(|| invalid(verdict))?)
            }
            OperatorKind::Bool => ConditionValue::Bool(boolean(text)?),
            OperatorKind::Bytes => ConditionValue::Bytes(text.to_owned()),
            OperatorKind::Address => {
                let verdict = "no address: write it as in 192.0.2.0/24";
                ConditionValue::Address(CidrBlock::parse(text).ok_or_else(|| invalid(verdict))?)
            }
            OperatorKind::Null => unreachable!("Null compares nothing"),
        })
    }

    /// Whether the value stands for itself alone.
    fn is_fixed(&self) -> bool {
        match self {
            ConditionValue::Text(glob) | ConditionValue::TextIgnoreCase(glob) => glob.as_fixed().is_some(),
            ConditionValue::Bool(_) => true,
            _ => false,
        }
    }

    /// Whether a value of the request matches. A variable without a value and a request value of the wrong type match
    /// nothing.
    fn matches(&self, found: &str, context: &dyn Context) -> bool {
        match self {
            ConditionValue::Text(glob) => glob.matches(found, context).unwrap_or(false),
            ConditionValue::TextIgnoreCase(glob) => glob.matches_ignore_case(found, context).unwrap_or(false),
            ConditionValue::Number(order, value) => {
                number(found).is_some_and(|found| order.is_met(found, *value))
            }
            ConditionValue::Date(order, value) => {
                date(found).is_some_and(|found| order.is_met(found, *value))
            }
            ConditionValue::Bool(value) => boolean(found) == Ok(*value),
            ConditionValue::Bytes(value) => found == value,
            ConditionValue::Address(block) => {
                found.parse::<IpAddr>().is_ok_and(|found| block.contains(found))
            }
        }
    }
}

impl Order {
    fn is_met(self, found: Number, value: Number) -> bool {
        match self {
            Order::Equal => found == value,
            Order::Less => found < value,
            Order::LessOrEqual => found <= value,
            Order::Greater => found > value,
            Order::GreaterOrEqual => found >= value,
        }
    }
}

fn boolean(text: &str) -> Result<bool, ConditionError> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Ok(true),
        _ if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(ConditionError::InvalidValue(text.to_owned(), "neither true nor false")),
    }
}
