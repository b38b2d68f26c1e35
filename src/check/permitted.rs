//! A second evaluator of IAM policies, which works on their text.
//!
//! It shares only the document, as it was given, with the evaluator of the control planes ([`crate::iam`]), and is
//! short enough to be read in a minute. What it does not support it leaves undecided, and then nothing is judged:
//! policy variables, all but four condition operators, condition keys whose value is the state of a
//! resource, and a resource policy beside a permissions boundary.

use serde_json::Value;

use crate::api::Tags;
use crate::iam::{Document, Identity, Principal};
use crate::region::Region;

/// A permission that a call needs.
#[derive(Clone, Debug)]
pub(super) struct Demand<'a> {
    /// The action, as in `dsql:CreateCluster`.
    pub(super) action: &'static str,
    /// The resource: an ARN, or `*`.
    pub(super) resource: String,
    /// The Region that checks it.
    pub(super) region: Region,
    /// The value of the condition key `dsql:WitnessRegion`.
    pub(super) witness: Option<&'a str>,
    /// The tags in the request.
    pub(super) tags: Option<&'a Tags>,
    /// The tags that the request removes.
    pub(super) tag_keys: &'a [String],
}

impl<'a> Demand<'a> {
    /// The permission for `action` on `resource` in `region`, without values for condition keys of its own.
    pub(super) fn on(action: &'static str, resource: String, region: Region) -> Demand<'a> {
        Demand { action, resource, region, witness: None, tags: None, tag_keys: &[] }
    }
}

/// Whether `identity` may perform `demand` on a resource that has this `policy`, if it has one; `None` if undecided.
pub(super) fn is_permitted(
    identity: &Identity,
    policy: Option<&Document>,
    demand: &Demand<'_>,
) -> Option<bool> {
    let query = PermissionQuery { principal: &identity.principal, demand };
    let any =
        |documents: &[Document], effect| any(documents.iter().map(|it| query.has_match(it.source(), effect)));
    let resource = policy.map_or(&[][..], std::slice::from_ref);
    // An explicit Deny in any policy wins, whatever another one allows.
    let denied = [&identity.policies[..], &identity.boundaries, resource].map(|it| any(it, "Deny"));
    let is_bounded = !identity.boundaries.is_empty();
    let within = if is_bounded { any(&identity.boundaries, "Allow") } else { Some(true) };
    let by_identity = all([any(&identity.policies, "Allow"), within]);
    // Whether a resource policy can allow past a boundary depends on the kind of principal: that case is undecided.
    let by_resource = any(resource, "Allow").filter(|allowed| !(*allowed && is_bounded));
    let allowed = self::any([by_identity, by_resource]);
    all([self::any(denied).map(|denied| !denied), allowed])
}

/// Whether any of several is true. An unknown one leaves the result unknown, unless another is true.
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

/// Whether all of several are true. An unknown one leaves the result unknown, unless another is false.
fn all(parts: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    any(parts.into_iter().map(|part| part.map(|part| !part))).map(|broken| !broken)
}

struct PermissionQuery<'a> {
    principal: &'a Principal,
    demand: &'a Demand<'a>,
}

impl PermissionQuery<'_> {
    /// Whether a statement of `document` with this effect matches the query.
    fn has_match(&self, document: &Value, effect: &str) -> Option<bool> {
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
        let account = self.principal.account();
        // Whether an entry names the principal itself, or else is one of which `fits` holds: a name, and whether it is
        // the principal's account.
        let any_of = |element: &Value, fits: &dyn Fn(&str, bool) -> bool| {
            let names = if element == "*" { vec![element] } else { each(&element["AWS"]) };
            any(names.into_iter().map(|name| {
                let (name, account) = (name.as_str()?, account?);
                let is_account = name == account || name == format!("arn:aws:iam::{account}:root");
                Some(name == "*" || name == self.principal.arn() || fits(name, is_account))
            }))
        };
        match (statement.get("Principal"), statement.get("NotPrincipal")) {
            // An Allow to an account only delegates to its identity policies, which are evaluated by themselves.
            (Some(named), _) => any_of(named, &|name, is_account| {
                Some(name) == self.principal.role() || (is_account && effect == "Deny")
            }),
            // Only a principal that is listed itself is exempt: of an account its root, and of a role no session.
            (None, Some(exempt)) => {
                any_of(exempt, &|_, is_account| is_account && self.principal.is_root()).map(|listed| !listed)
            }
            (None, None) => Some(true),
        }
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

    /// The values of a condition key, possibly none; `None` if the key is not supported.
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

/// Whether a pattern of the element `is` fits, or no pattern of its complement `not`. A statement that has neither
/// matches.
fn listed(statement: &Value, is: &str, not: &str, fits: impl Fn(&str) -> bool) -> Option<bool> {
    let fits = |pattern: &Value| pattern.as_str().filter(|it| !it.contains("${")).map(&fits);
    match (statement.get(is), statement.get(not)) {
        (Some(patterns), _) => any(each(patterns).into_iter().map(fits)),
        (None, Some(patterns)) => any(each(patterns).into_iter().map(fits)).map(|fits| !fits),
        (None, None) => Some(true),
    }
}

/// The values of an element that may hold one value or a list.
fn each(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    }
}

/// Whether an ARN fits a pattern. The parts are compared one by one; a pattern that ends in an asterisk covers the
/// parts that it leaves out.
fn fits_arn(pattern: &str, arn: &str) -> bool {
    if pattern.bytes().all(|byte| byte == b'*') {
        return true;
    }
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let found: Vec<&str> = arn.splitn(parts.len(), ':').collect();
    let is_whole = parts.len() == 6 || pattern.ends_with('*');
    is_whole && parts.len() == found.len() && parts.iter().zip(found).all(|(part, found)| fits(part, found))
}

/// Whether a text fits a pattern, in which `*` stands for any run of characters and `?` for any single one.
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
