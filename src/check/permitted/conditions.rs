//! The conditions of a statement: operators, and their comparisons.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use serde_json::Value;

use super::pattern::{Expansion, Unexpanded, VariableValue, expanded, fits_arn, fits_text};
use super::time::read_date;
use super::{PermissionQuery, StatementText, all, any, each};

impl PermissionQuery<'_> {
    /// Whether every condition of the statement holds.
    pub(super) fn holds(&self, StatementText { body, has_variables, .. }: StatementText<'_>) -> Option<bool> {
        let value = self.variable();
        let variable = has_variables.then_some(&value as VariableValue<'_>);
        let operators = body["Condition"].as_object().into_iter().flatten();
        all(operators.map(|(operator, keys)| {
            let keys = keys.as_object().into_iter().flatten();
            all(keys.map(|(key, wanted)| compares(operator, &self.found(key)?, &each(wanted), variable)))
        }))
    }

    /// The value of a variable: that of the condition key with this name. A key with several values is not used so.
    pub(super) fn variable(&self) -> impl Fn(&str) -> Result<String, Unexpanded> {
        |key| match self.found(key).as_deref() {
            Some([]) => Err(Unexpanded::NoValue),
            Some([value]) => Ok(value.to_string()),
            _ => Err(Unexpanded::Unknown),
        }
    }
}

/// Whether a condition holds: `operator` on a key with the values `found`, for the values `wanted` in the policy.
fn compares(
    operator: &str,
    found: &[Cow<'_, str>],
    wanted: &[&Value],
    variable: Option<VariableValue<'_>>,
) -> Option<bool> {
    let (set, operator) = operator.split_once(':').unwrap_or(("", operator));
    let name = operator.strip_suffix("IfExists").unwrap_or(operator);
    let is_absent = found.is_empty();
    if name == "Null" {
        return any(wanted
            .iter()
            .map(|wanted| Some(text(wanted)?.eq_ignore_ascii_case(&is_absent.to_string()))));
    }
    if is_absent && name != operator {
        return Some(true);
    }
    let (is_negated, comparison) = comparison(name)?;
    // The values of the policy are alternatives. A negated operator wants none of them.
    let is_met = |found: &Cow<'_, str>| {
        let fits = any(wanted.iter().map(|wanted| comparison.fits(&text(wanted)?, found, variable)));
        fits.map(|fits| fits != is_negated)
    };
    match set {
        "ForAllValues" => all(found.iter().map(is_met)),
        "ForAnyValue" => any(found.iter().map(is_met)),
        // An absent key equals nothing.
        _ if is_absent => Some(is_negated),
        // The guide wants a set operator for a key with several values. Without one any of them may fit, and a negated
        // operator excludes all of them.
        _ if is_negated => all(found.iter().map(is_met)),
        _ => any(found.iter().map(is_met)),
    }
}

/// What an operator compares, apart from its negation.
#[derive(Clone, Copy)]
enum OperatorTest {
    Equal,
    EqualInAnyCase,
    Like,
    Arn,
    Bool,
    /// Numbers whose order is one of these.
    Number(&'static [Ordering]),
    /// Dates whose order is one of these.
    Date(&'static [Ordering]),
    /// Addresses in a block.
    Address,
    /// Binary values, which no key of the simulation has.
    Other,
}

/// Whether an operator is negated, and what it compares; `None` for an unknown operator.
fn comparison(name: &str) -> Option<(bool, OperatorTest)> {
    if let Some(order) = name.strip_prefix("Numeric") {
        return of_order(order).map(|(negated, orders)| (negated, OperatorTest::Number(orders)));
    }
    if let Some(order) = name.strip_prefix("Date") {
        return of_order(order).map(|(negated, orders)| (negated, OperatorTest::Date(orders)));
    }
    Some(match name {
        "StringEquals" => (false, OperatorTest::Equal),
        "StringNotEquals" => (true, OperatorTest::Equal),
        "StringEqualsIgnoreCase" => (false, OperatorTest::EqualInAnyCase),
        "StringNotEqualsIgnoreCase" => (true, OperatorTest::EqualInAnyCase),
        "StringLike" => (false, OperatorTest::Like),
        "StringNotLike" => (true, OperatorTest::Like),
        "ArnEquals" | "ArnLike" => (false, OperatorTest::Arn),
        "ArnNotEquals" | "ArnNotLike" => (true, OperatorTest::Arn),
        "Bool" => (false, OperatorTest::Bool),
        "IpAddress" => (false, OperatorTest::Address),
        "NotIpAddress" => (true, OperatorTest::Address),
        "BinaryEquals" => (false, OperatorTest::Other),
        _ => return None,
    })
}

fn of_order(name: &str) -> Option<(bool, &'static [Ordering])> {
    use Ordering::{Equal, Greater, Less};
    Some(match name {
        "Equals" => (false, &[Equal]),
        "NotEquals" => (true, &[Equal]),
        "LessThan" => (false, &[Less]),
        "LessThanEquals" => (false, &[Less, Equal]),
        "GreaterThan" => (false, &[Greater]),
        "GreaterThanEquals" => (false, &[Greater, Equal]),
        _ => return None,
    })
}

impl OperatorTest {
    /// Whether a value of the request fits one of the policy; `None` if that is undecided.
    fn fits(self, wanted: &str, found: &str, variable: Option<VariableValue<'_>>) -> Option<bool> {
        let text = |wildcards| fits_text(wanted, found, Expansion { wildcards, variable });
        let fits = match self {
            OperatorTest::Equal => text(false),
            OperatorTest::Like => text(true),
            OperatorTest::EqualInAnyCase => {
                expanded(wanted, variable).map(|wanted| wanted.to_lowercase() == found.to_lowercase())
            }
            OperatorTest::Arn => fits_arn(wanted, found, variable),
            OperatorTest::Bool => {
                let is_bool = ["true", "false"].iter().any(|it| it.eq_ignore_ascii_case(found));
                return Some(is_bool && wanted.eq_ignore_ascii_case(found));
            }
            // A value that is no number, or no date, equals nothing and has no order.
            OperatorTest::Number(orders) => {
                let (Some(wanted), found) = (number(wanted)?, number(found)?) else { return None };
                return Some(found.is_some_and(|found| orders.contains(&found.cmp(&wanted))));
            }
            OperatorTest::Date(orders) => {
                let (Some(wanted), found) = (read_date(wanted)?, read_date(found)?) else { return None };
                return Some(found.is_some_and(|found| orders.contains(&found.cmp(&wanted))));
            }
            OperatorTest::Address => return Some(is_in_block(wanted, found)),
            OperatorTest::Other => return None,
        };
        match fits {
            Ok(fits) => Some(fits),
            // A variable without a value equals nothing.
            Err(Unexpanded::NoValue) => Some(false),
            Err(Unexpanded::Unknown) => None,
        }
    }
}

/// A short decimal number, or that the text is none; `None` for a number that is too long to be compared exactly.
fn number(text: &str) -> Option<Option<i64>> {
    let digits = text.trim_start_matches(['+', '-']);
    let is_number = text.len() - digits.len() < 2
        && digits.starts_with(|letter: char| letter.is_ascii_digit())
        && digits.split('.').count() < 3
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !is_number {
        return Some(None);
    }
    // Ten letters leave at most eight digits behind the point.
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let value: i64 = format!("{whole}{fraction:0<8}").parse().ok().filter(|_| digits.len() <= 10)?;
    Some(Some(if text.starts_with('-') { -value } else { value }))
}

/// Whether an address is in a block, as in `192.0.2.0/24`: their first bits are the same.
fn is_in_block(block: &str, address: &str) -> bool {
    let bits_of = |address: IpAddr| -> String {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        bytes.iter().map(|byte| format!("{byte:08b}")).collect()
    };
    let (begin, length) = block.split_once('/').unwrap_or((block, "128"));
    let (Ok(begin), Ok(address), Ok(length)) = (begin.parse(), address.parse(), length.parse::<usize>())
    else {
        return false;
    };
    let (begin, address): (IpAddr, IpAddr) = (begin, address);
    let (one, other) = (bits_of(begin), bits_of(address));
    one.len() == other.len() && one.bytes().zip(other.bytes()).take(length).all(|(one, other)| one == other)
}

/// A scalar of a policy as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}
