//! The Condition element.

use std::net::IpAddr;

use super::context::Context;
use super::glob::{Glob, Reading};
use super::values::{CidrBlock, Number, date, number};

/// One operator on one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// The operator as it is written.
    pub(super) operator: String,
    /// The key as it is written.
    pub(super) key: String,
    set: Set,
    if_exists: bool,
    test: ConditionTest,
}

/// How a key's several values are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// With no word about it.
    Plain,
    ForAllValues,
    ForAnyValue,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ConditionTest {
    /// Whether the key is missing must be one of these.
    Null(Vec<bool>),
    Compare {
        is_negated: bool,
        values: Vec<Value>,
    },
}

/// What a value of the request is compared with, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(Glob),
    /// Compared without regard to case.
    TextOfAnyCase(Glob),
    Number(Order, Number),
    Date(Order, Number),
    ClusterState(bool),
    Bytes(String),
    Addresses(CidrBlock),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What an operator compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OperatorKind {
    Null,
    Text { is_like: bool },
    TextOfAnyCase,
    Number(Order),
    Date(Order),
    ClusterState,
    Bytes,
    Addresses,
    Arn,
}

/// Every operator: its name, what it compares, and whether it is negated.
const OPERATORS: [(&str, OperatorKind, bool); 27] = [
    ("StringEquals", OperatorKind::Text { is_like: false }, false),
    ("StringNotEquals", OperatorKind::Text { is_like: false }, true),
    ("StringEqualsIgnoreCase", OperatorKind::TextOfAnyCase, false),
    ("StringNotEqualsIgnoreCase", OperatorKind::TextOfAnyCase, true),
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
    ("Bool", OperatorKind::ClusterState, false),
    ("BinaryEquals", OperatorKind::Bytes, false),
    ("IpAddress", OperatorKind::Addresses, false),
    ("NotIpAddress", OperatorKind::Addresses, true),
    ("ArnEquals", OperatorKind::Arn, false),
    ("ArnLike", OperatorKind::Arn, false),
    ("ArnNotEquals", OperatorKind::Arn, true),
    ("ArnNotLike", OperatorKind::Arn, true),
    ("Null", OperatorKind::Null, false),
];

impl Condition {
    /// Compiles the operator that is written `operator`, on `key`, with `values` of JSON as text.
    pub(super) fn new(
        operator: &str,
        key: &str,
        values: &[String],
        variables: bool,
    ) -> Result<Condition, String> {
        let (set, rest) = match operator.split_once(':') {
            Some(("ForAllValues", rest)) => (Set::ForAllValues, rest),
            Some(("ForAnyValue", rest)) => (Set::ForAnyValue, rest),
            Some((other, _)) => {
                return Err(format!("unknown set operator {other:?}, expected ForAllValues or ForAnyValue"));
            }
            None => (Set::Plain, operator),
        };
        let name = rest.strip_suffix("IfExists").unwrap_or(rest);
        let if_exists = name.len() < rest.len();
        let found = OPERATORS
            .iter()
            .find(|(known, kind, _)| *known == name && !(if_exists && *kind == OperatorKind::Null));
        let Some((_, kind, is_negated)) = found else {
            return Err(format!("unknown operator {operator:?}"));
        };
        let test = match kind {
            OperatorKind::Null => {
                ConditionTest::Null(values.iter().map(|value| truth(value)).collect::<Result<_, _>>()?)
            }
            kind => {
                let values = values.iter().map(|value| Value::new(*kind, value, variables));
                ConditionTest::Compare { is_negated: *is_negated, values: values.collect::<Result<_, _>>()? }
            }
        };
        Ok(Condition { operator: operator.to_owned(), key: key.to_owned(), set, if_exists, test })
    }

    /// Whether it is true of a request.
    pub(super) fn holds(&self, context: &dyn Context) -> bool {
        let found = context.get(&self.key);
        let (is_negated, values) = match &self.test {
            ConditionTest::Null(wanted) => return wanted.contains(&found.is_none()),
            ConditionTest::Compare { is_negated, values } => (*is_negated, values),
        };
        let is_one = |found: &str| values.iter().any(|value| value.fits(found, context));
        let holds = |found: &str| is_one(found) != is_negated;
        match (found, self.set) {
            (None, _) if self.if_exists => true,
            (None, Set::Plain) => is_negated,
            (None, Set::ForAllValues) => true,
            (None, Set::ForAnyValue) => false,
            (Some(found), Set::ForAllValues) => found.iter().all(holds),
            (Some(found), Set::ForAnyValue) => found.iter().any(holds),
            (Some(found), Set::Plain) if is_negated => found.iter().all(holds),
            (Some(found), Set::Plain) => found.iter().any(holds),
        }
    }
}

impl Value {
    fn new(kind: OperatorKind, text: &str, variables: bool) -> Result<Value, String> {
        Ok(match kind {
            OperatorKind::Text { is_like } => {
                Value::Text(Glob::of_text(text, Reading { wildcards: is_like, variables })?)
            }
            OperatorKind::TextOfAnyCase => {
                let reading = Reading { wildcards: false, variables };
                Value::TextOfAnyCase(Glob::of_text(text, reading)?)
            }
            OperatorKind::Arn => Value::Text(Glob::of_arn(text, variables)?),
            OperatorKind::Number(order) => {
                Value::Number(order, number(text).ok_or_else(|| format!("{text:?} is not a number"))?)
            }
            OperatorKind::Date(order) => Value::Date(
                order,
                date(text)
                    .ok_or_else(|| format!("{text:?} is not a date: write it as in 2026-11-24T10:00:00Z"))?,
            ),
            OperatorKind::ClusterState => Value::ClusterState(truth(text)?),
            OperatorKind::Bytes => Value::Bytes(text.to_owned()),
            OperatorKind::Addresses => Value::Addresses(
                CidrBlock::parse(text)
                    .ok_or_else(|| format!("{text:?} is no address: write it as in 192.0.2.0/24"))?,
            ),
            OperatorKind::Null => unreachable!("Null compares nothing"),
        })
    }

    fn fits(&self, found: &str, context: &dyn Context) -> bool {
        match self {
            Value::Text(glob) => glob.matches(found, context).unwrap_or(false),
            Value::TextOfAnyCase(glob) => glob.matches_any_case(found, context).unwrap_or(false),
            Value::Number(order, value) => number(found).is_some_and(|found| order.holds(found, *value)),
            Value::Date(order, value) => date(found).is_some_and(|found| order.holds(found, *value)),
            Value::ClusterState(value) => truth(found) == Ok(*value),
            Value::Bytes(value) => found == value,
            Value::Addresses(block) => found.parse::<IpAddr>().is_ok_and(|found| block.holds(found)),
        }
    }
}

impl Order {
    fn holds(self, found: Number, value: Number) -> bool {
        match self {
            Order::Equal => found == value,
            Order::Less => found < value,
            Order::LessOrEqual => found <= value,
            Order::Greater => found > value,
            Order::GreaterOrEqual => found >= value,
        }
    }
}

fn truth(text: &str) -> Result<bool, String> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Ok(true),
        _ if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}
