//! The conditions of a statement: operators, and the keys that a request of the simulation has.

use std::cmp::Ordering;

use serde_json::Value;

use super::pattern::{Expansion, Unexpanded, VariableValue, expanded, fits_arn, fits_text};
use super::{Demand, KeyFacts, Known, PermissionQuery, StatementText, all, any, each};

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
            Some([value]) => Ok((*value).to_owned()),
            _ => Err(Unexpanded::Unknown),
        }
    }

    /// The values of a condition key, none if the request does not have it; `None` if they are not known.
    fn found(&self, key: &str) -> Option<Vec<&str>> {
        let Demand { region, witness, tags, tag_keys, action, key: key_of_kms, .. } = self.demand;
        let (key, principal) = (key.to_ascii_lowercase(), self.principal);
        let all_tags = || tags.iter().flat_map(|tags| tags.iter());
        Some(match &*key {
            "dsql:witnessregion" => witness.iter().copied().collect(),
            "aws:requestedregion" => vec![region.name()],
            // Of a session the guide defines it as the ARN of the role.
            "aws:principalarn" => vec![principal.role().unwrap_or(principal.arn())],
            "aws:principalaccount" => principal.account().into_iter().collect(),
            "aws:username" => principal.user_name().into_iter().collect(),
            "aws:tagkeys" => {
                all_tags().map(|(key, _)| &**key).chain(tag_keys.iter().map(String::as_str)).collect()
            }
            "iam:passedtoservice" if *action == "iam:PassRole" => vec!["dsql.amazonaws.com"],
            kms if kms.starts_with("kms:") => match key_of_kms {
                Some(facts) => of_kms(kms, facts)?,
                None => Vec::new(),
            },
            key => {
                match (key.strip_prefix("aws:requesttag/"), key.strip_prefix("aws:resourcetag/"), self.tags) {
                    (Some(tag), _, _) => of_tag(tag, all_tags())?,
                    (_, Some(tag), Known::Is(tags)) => of_tag(tag, tags.iter())?,
                    (_, Some(_), Known::Unknown) => return None,
                    // Every other key is unknown to the simulation, and so to its requests.
                    _ => Vec::new(),
                }
            }
        })
    }
}

/// The values of a condition key of AWS KMS; `None` if they are not known.
fn of_kms<'k>(key: &str, facts: &'k KeyFacts) -> Option<Vec<&'k str>> {
    Some(match (key, &facts.cluster) {
        ("kms:viaservice", _) => vec![&facts.via],
        ("kms:calleraccount", _) => vec![&facts.account],
        ("kms:requestalias", _) => facts.alias.as_deref().into_iter().collect(),
        ("kms:resourcealiases", _) => facts.aliases.iter().map(String::as_str).collect(),
        ("kms:encryptioncontextkeys", Known::Is(_) | Known::Unknown) => vec!["aws:dsql:ClusterId"],
        ("kms:encryptioncontext:aws:dsql:clusterid", Known::Is(cluster)) => vec![cluster],
        ("kms:encryptioncontext:aws:dsql:clusterid", Known::Unknown) => return None,
        _ => Vec::new(),
    })
}

/// The value of the tag with this key, in any case; `None` if two keys differ in case only.
fn of_tag<'t>(key: &str, tags: impl Iterator<Item = (&'t String, &'t String)>) -> Option<Vec<&'t str>> {
    let found: Vec<&str> = tags.filter(|it| it.0.eq_ignore_ascii_case(key)).map(|it| &**it.1).collect();
    (found.len() < 2).then_some(found)
}

/// Whether a condition holds: `operator` on a key with the values `found`, for the values `wanted` in the policy.
fn compares(
    operator: &str,
    found: &[&str],
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
    let is_met = |found: &&str| {
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
    /// Addresses and binary values, which no key of the simulation has.
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
        "IpAddress" | "BinaryEquals" => (false, OperatorTest::Other),
        "NotIpAddress" => (true, OperatorTest::Other),
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
                let (Some(wanted), found) = (date(wanted)?, date(found)?) else { return None };
                return Some(found.is_some_and(|found| orders.contains(&found.cmp(&wanted))));
            }
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

/// A day or a second in the form of the guide, whose order is that of their letters; or that the text is no date.
/// `None` for any other form.
fn date(text: &str) -> Option<Option<String>> {
    // Seconds since 1970 have no letters, and other words are not dates.
    if !text.contains('-') {
        return if text.contains(|letter: char| letter.is_ascii_digit()) { None } else { Some(None) };
    }
    let form: String = text.chars().map(|it| if it.is_ascii_digit() { '0' } else { it }).collect();
    // Later days exist in some months only.
    let is_common = text.get(5..7).is_some_and(|month| ("01"..="12").contains(&month))
        && text.get(8..10).is_some_and(|day| ("01"..="28").contains(&day));
    match &*form {
        "0000-00-00" if is_common => Some(Some(format!("{text}T00:00:00Z"))),
        "0000-00-00T00:00:00Z"
            if is_common && text[11..13] < *"24" && text[14..16] < *"60" && text[17..19] < *"60" =>
        {
            Some(Some(text.to_owned()))
        }
        _ => None,
    }
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
