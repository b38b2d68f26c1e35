//! The Condition element.

use std::net::IpAddr;

use super::context::Context;
use super::glob::{Glob, Reading};
use super::values::{Block, Number, date, number};

/// One operator on one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// The operator as it is written.
    pub(super) operator: String,
    /// The key as it is written.
    pub(super) key: String,
    set: Set,
    if_exists: bool,
    test: Test,
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
enum Test {
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
    Truth(bool),
    Bytes(String),
    Addresses(Block),
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
enum Kind {
    Null,
    Text { is_like: bool },
    TextOfAnyCase,
    Number(Order),
    Date(Order),
    Truth,
    Bytes,
    Addresses,
    Arn,
}

/// Every operator: its name, what it compares, and whether it is negated.
const OPERATORS: [(&str, Kind, bool); 27] = [
    ("StringEquals", Kind::Text { is_like: false }, false),
    ("StringNotEquals", Kind::Text { is_like: false }, true),
    ("StringEqualsIgnoreCase", Kind::TextOfAnyCase, false),
    ("StringNotEqualsIgnoreCase", Kind::TextOfAnyCase, true),
    ("StringLike", Kind::Text { is_like: true }, false),
    ("StringNotLike", Kind::Text { is_like: true }, true),
    ("NumericEquals", Kind::Number(Order::Equal), false),
    ("NumericNotEquals", Kind::Number(Order::Equal), true),
    ("NumericLessThan", Kind::Number(Order::Less), false),
    ("NumericLessThanEquals", Kind::Number(Order::LessOrEqual), false),
    ("NumericGreaterThan", Kind::Number(Order::Greater), false),
    ("NumericGreaterThanEquals", Kind::Number(Order::GreaterOrEqual), false),
    ("DateEquals", Kind::Date(Order::Equal), false),
    ("DateNotEquals", Kind::Date(Order::Equal), true),
    ("DateLessThan", Kind::Date(Order::Less), false),
    ("DateLessThanEquals", Kind::Date(Order::LessOrEqual), false),
    ("DateGreaterThan", Kind::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Kind::Date(Order::GreaterOrEqual), false),
    ("Bool", Kind::Truth, false),
    ("BinaryEquals", Kind::Bytes, false),
    ("IpAddress", Kind::Addresses, false),
    ("NotIpAddress", Kind::Addresses, true),
    ("ArnEquals", Kind::Arn, false),
    ("ArnLike", Kind::Arn, false),
    ("ArnNotEquals", Kind::Arn, true),
    ("ArnNotLike", Kind::Arn, true),
    ("Null", Kind::Null, false),
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
        let found =
            OPERATORS.iter().find(|(known, kind, _)| *known == name && !(if_exists && *kind == Kind::Null));
        let Some((_, kind, is_negated)) = found else {
            return Err(format!("unknown operator {operator:?}"));
        };
        let test = match kind {
            Kind::Null => Test::Null(values.iter().map(|value| truth(value)).collect::<Result<_, _>>()?),
            kind => {
                let values = values.iter().map(|value| Value::new(*kind, value, variables));
                Test::Compare { is_negated: *is_negated, values: values.collect::<Result<_, _>>()? }
            }
        };
        Ok(Condition { operator: operator.to_owned(), key: key.to_owned(), set, if_exists, test })
    }

    /// Whether it is true of a request.
    pub(super) fn holds(&self, context: &dyn Context) -> bool {
        let found = context.get(&self.key);
        let (is_negated, values) = match &self.test {
            Test::Null(wanted) => return wanted.contains(&found.is_none()),
            Test::Compare { is_negated, values } => (*is_negated, values),
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
    fn new(kind: Kind, text: &str, variables: bool) -> Result<Value, String> {
        Ok(match kind {
            Kind::Text { is_like } => {
                Value::Text(Glob::of_text(text, Reading { wildcards: is_like, variables })?)
            }
            Kind::TextOfAnyCase => {
                let reading = Reading { wildcards: false, variables };
                Value::TextOfAnyCase(Glob::of_text(text, reading)?)
            }
            Kind::Arn => Value::Text(Glob::of_arn(text, variables)?),
            Kind::Number(order) => {
                Value::Number(order, number(text).ok_or_else(|| format!("{text:?} is not a number"))?)
            }
            Kind::Date(order) => Value::Date(
                order,
                date(text)
                    .ok_or_else(|| format!("{text:?} is not a date: write it as in 2026-11-24T10:00:00Z"))?,
            ),
            Kind::Truth => Value::Truth(truth(text)?),
            Kind::Bytes => Value::Bytes(text.to_owned()),
            Kind::Addresses => Value::Addresses(
                Block::parse(text)
                    .ok_or_else(|| format!("{text:?} is no address: write it as in 192.0.2.0/24"))?,
            ),
            Kind::Null => unreachable!("Null compares nothing"),
        })
    }

    fn fits(&self, found: &str, context: &dyn Context) -> bool {
        match self {
            Value::Text(glob) => glob.matches(found, context).unwrap_or(false),
            Value::TextOfAnyCase(glob) => glob.matches_any_case(found, context).unwrap_or(false),
            Value::Number(order, value) => number(found).is_some_and(|found| order.holds(found, *value)),
            Value::Date(order, value) => date(found).is_some_and(|found| order.holds(found, *value)),
            Value::Truth(value) => truth(found) == Ok(*value),
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
