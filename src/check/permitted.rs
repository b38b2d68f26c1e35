//! A second opinion on what IAM policies allow, from their text.
//!
//! It shares nothing with the evaluator that the control planes ask ([`crate::iam`]) but the document as it was given,
//! and it is meant to be read in a minute. What it does not know it leaves undecided, and then nothing is judged:
//! policy variables, NotPrincipal, condition operators but four, condition keys that the state of a resource answers,
//! and a resource policy beside a permissions boundary.

use serde_json::Value;

use crate::api::Tags;
use crate::iam::{Document, Identity, Principal};
use crate::region::Region;

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Demand<'a> {
    /// As in `dsql:CreateCluster`.
    pub(super) action: &'static str,
    /// An ARN, or `*`.
    pub(super) resource: String,
    /// Where it is checked.
    pub(super) region: Region,
    /// `dsql:WitnessRegion`.
    pub(super) witness: Option<&'a str>,
    /// The tags of the request.
    pub(super) tags: Option<&'a Tags>,
    /// The tags that the request removes.
    pub(super) tag_keys: &'a [String],
}

impl<'a> Demand<'a> {
    /// To do `action` with `resource` in `region`, with nothing else that conditions could ask for.
    pub(super) fn on(action: &'static str, resource: String, region: Region) -> Demand<'a> {
        Demand { action, resource, region, witness: None, tags: None, tag_keys: &[] }
    }
}

/// Whether `identity` may do what `demand` says, with a resource that has this `policy`, or none; `None` is undecided.
pub(super) fn is_permitted(
    identity: &Identity,
    policy: Option<&Document>,
    demand: &Demand<'_>,
) -> Option<bool> {
    let ask = PermissionQuery { principal: &identity.principal, demand };
    let any = |documents: &[Document], effect| any(documents.iter().map(|it| ask.says(it.source(), effect)));
    let resource = policy.map_or(&[][..], std::slice::from_ref);
    let denied = [&identity.policies[..], &identity.boundaries, resource].map(|it| any(it, "Deny"));
    let is_bounded = !identity.boundaries.is_empty();
    let within = if is_bounded { any(&identity.boundaries, "Allow") } else { Some(true) };
    let by_identity = all([any(&identity.policies, "Allow"), within]);
    let by_resource = any(resource, "Allow").filter(|allowed| !(*allowed && is_bounded));
    let allowed = self::any([by_identity, by_resource]);
    all([self::any(denied).map(|denied| !denied), allowed])
}

/// Whether one of several is true, of which some are not known.
fn any(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut whole = Some(false);
    for part in parts {
        match part {
            Some(true) => return Some(true),
            Some(false) => {}
            None => whole = None,
        }
    }
    whole
}

/// Whether all of several are true, of which some are not known.
fn all(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    any(parts.into_iter().map(|part| part.map(|part| !part))).map(|broken| !broken)
}

struct PermissionQuery<'a> {
    principal: &'a Principal,
    demand: &'a Demand<'a>,
}

impl PermissionQuery<'_> {
    /// Whether a statement of `document` with this effect is about it.
    fn says(&self, document: &Value, effect: &str) -> Option<bool> {
        let statements = each(&document["Statement"]).into_iter().filter(|it| it["Effect"] == effect);
        any(statements.map(|statement| {
            all([
                self.named(statement, effect),
                listed(statement, "Action", "NotAction", |pattern| {
                    fits(&pattern.to_ascii_lowercase(), &self.demand.action.to_ascii_lowercase())
                }),
                listed(statement, "Resource", "NotResource", |pattern| {
                    fits_arn(pattern, &self.demand.resource)
                }),
                self.holds(&statement["Condition"]),
            ])
        }))
    }

    fn named(&self, statement: &Value, effect: &str) -> Option<bool> {
        if statement.get("NotPrincipal").is_some() {
            return None;
        }
        let Some(named) = statement.get("Principal") else { return Some(true) };
        let names = if named == "*" { vec![named] } else { each(&named["AWS"]) };
        any(names.into_iter().map(|name| {
            let name = name.as_str()?;
            let account = self.principal.account()?;
            // Who allows an account leaves it to the account's own policies.
            let is_account = name == account || name == format!("arn:aws:iam::{account}:root");
            let is_one = name == self.principal.arn() || Some(name) == self.principal.role();
            Some(name == "*" || is_one || (is_account && effect == "Deny"))
        }))
    }

    fn holds(&self, conditions: &Value) -> Option<bool> {
        let operators = conditions.as_object().into_iter().flatten();
        all(operators.map(|(operator, keys)| {
            let keys = keys.as_object().into_iter().flatten();
            all(keys.map(|(key, wanted)| self.compares(operator, key, &each(wanted))))
        }))
    }

    fn compares(&self, operator: &str, key: &str, wanted: &[&Value]) -> Option<bool> {
        let found = self.found(key)?;
        let is_one = |found: &&str| wanted.iter().any(|wanted| *wanted == found);
        let is_plain = wanted.iter().all(|wanted| wanted.as_str().is_some_and(|it| !it.contains("${")));
        match operator {
            _ if !is_plain => None,
            "StringEquals" if found.len() <= 1 => Some(found.iter().any(is_one)),
            "StringNotEquals" if found.len() <= 1 => Some(!found.iter().any(is_one)),
            "ForAnyValue:StringEquals" => Some(found.iter().any(is_one)),
            "Null" => Some(is_one(&if found.is_empty() { "true" } else { "false" })),
            _ => None,
        }
    }

    /// The values of a condition key, of which there may be none; `None` if that is not known.
    fn found(&self, key: &str) -> Option<Vec<&str>> {
        let Demand { region, witness, tags, tag_keys, .. } = self.demand;
        let tags = || tags.iter().flat_map(|tags| tags.iter());
        let key = key.to_ascii_lowercase();
        Some(match &*key {
            "dsql:witnessregion" => witness.iter().copied().collect(),
            "aws:requestedregion" => vec![region.name()],
            "aws:principalarn" => vec![self.principal.role().unwrap_or(self.principal.arn())],
            "aws:principalaccount" => self.principal.account().into_iter().collect(),
            "aws:username" => self.principal.user_name().into_iter().collect(),
            "aws:tagkeys" => {
                tags().map(|(key, _)| &**key).chain(tag_keys.iter().map(String::as_str)).collect()
            }
            _ => {
                let tag = key.strip_prefix("aws:requesttag/")?;
                tags().filter(|(key, _)| key.eq_ignore_ascii_case(tag)).map(|(_, value)| &**value).collect()
            }
        })
    }
}

/// Whether one pattern of the element `is` fits, or none of its complement `not`; true, where neither is there.
fn listed(statement: &Value, is: &str, not: &str, fits: impl Fn(&str) -> bool) -> Option<bool> {
    let fits = |pattern: &Value| pattern.as_str().filter(|it| !it.contains("${")).map(&fits);
    match (statement.get(is), statement.get(not)) {
        (Some(patterns), _) => any(each(patterns).into_iter().map(fits)),
        (None, Some(patterns)) => any(each(patterns).into_iter().map(fits)).map(|fits| !fits),
        (None, None) => Some(true),
    }
}

/// A value, or several.
fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    }
}

/// Part by part, and what ends in an asterisk reaches to the end.
fn fits_arn(pattern: &str, arn: &str) -> bool {
    if pattern.bytes().all(|byte| byte == b'*') {
        return true;
    }
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let found: Vec<&str> = arn.splitn(parts.len(), ':').collect();
    let is_whole = parts.len() == 6 || pattern.ends_with('*');
    is_whole && parts.len() == found.len() && parts.iter().zip(found).all(|(part, found)| fits(part, found))
}

/// `*` is any run of characters, `?` any one.
fn fits(pattern: &str, text: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            fits(&pattern[1..], text)
                || text.chars().next().is_some_and(|first| fits(pattern, &text[first.len_utf8()..]))
        }
        (Some('?'), Some(found)) => fits(&pattern[1..], &text[found.len_utf8()..]),
        (Some(wanted), Some(found)) if wanted == found => {
            fits(&pattern[wanted.len_utf8()..], &text[found.len_utf8()..])
        }
        _ => false,
    }
}
