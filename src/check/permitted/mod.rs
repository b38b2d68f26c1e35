//! A second evaluator of IAM policies, which works on their text.
//!
//! It shares only the document, as it was given, with the evaluator of the control planes ([`crate::iam`]), and is
//! short enough to be read in a few minutes: here the statements and who they name, in `conditions` the condition
//! operators, in `keys` the condition keys, in `time` the dates, in `pattern` the wildcards and policy variables.
//!
//! Where the facts do not suffice, the result is undecided, and then nothing is judged: the policy or the tags of the
//! resource were changing, two tags of a request differ in case only, the time of the evaluation is known too vaguely,
//! or a condition compares what no request of the simulation has: binary values, and dates and numbers in unusual
//! forms.

mod conditions;
mod keys;
mod pattern;
mod time;

pub(super) use keys::Circumstances;

use serde_json::Value;

use crate::api::Tags;
use crate::iam::{Document, Principal};
use crate::region::Region;

use pattern::{Expansion, Unexpanded, VariableValue, fits_arn, fits_text};

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
    /// What AWS KMS learns, of an action of it.
    pub(super) key: Option<KeyFacts>,
}

/// What AWS KMS learns of the use of a key.
#[derive(Clone, Debug)]
pub(super) struct KeyFacts {
    /// The service that uses the key for the caller.
    pub(super) via: String,
    /// The account of the caller.
    pub(super) account: String,
    /// The cluster in the encryption context.
    pub(super) cluster: Known<String>,
    /// The alias by which the key is named.
    pub(super) alias: Option<String>,
    /// The aliases that the key has.
    pub(super) aliases: Vec<String>,
    /// The key policy; `None` for the default one.
    pub(super) policy: Option<Document>,
    /// Whether the key belongs to another account than the caller.
    pub(super) is_foreign: bool,
}

impl KeyFacts {
    /// Whether the key may be denied to the root of the caller's account.
    pub(super) fn may_bind_root(&self) -> bool {
        self.policy.is_some() || self.is_foreign
    }
}

impl<'a> Demand<'a> {
    /// The permission for `action` on `resource` in `region`, without values for condition keys of its own.
    pub(super) fn on(action: &'static str, resource: String, region: Region) -> Demand<'a> {
        Demand { action, resource, region, witness: None, tags: None, tag_keys: &[], key: None }
    }
}

/// A fact about a resource at the time of a check.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known<T> {
    /// The resource has none, or there is no resource.
    None,
    Is(T),
    /// It changed near the time of the check, or the resource is gone.
    Unknown,
}

/// What is known of the resource of a demand.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResourceFacts<'a> {
    pub(super) policy: Known<&'a Document>,
    pub(super) tags: Known<&'a Tags>,
}

impl ResourceFacts<'_> {
    /// The facts about `*`, about every cluster of an account, and about resources of other services.
    pub(super) const NONE: ResourceFacts<'static> = ResourceFacts { policy: Known::None, tags: Known::None };
    pub(super) const UNKNOWN: ResourceFacts<'static> =
        ResourceFacts { policy: Known::Unknown, tags: Known::Unknown };
}

/// Whether the caller in these circumstances may perform `demand` on a resource; `None` if undecided.
pub(super) fn is_permitted(
    circumstances: Circumstances<'_>,
    resource: ResourceFacts<'_>,
    demand: &Demand<'_>,
) -> Option<bool> {
    let (first, last) = circumstances.seconds;
    let at = |second| is_permitted_at(circumstances, resource, demand, second);
    // Without a condition about the time every second gives the same result.
    match at(None) {
        None if first == last => at(Some(first)),
        None if last - first <= LONGEST => {
            let permitted = at(Some(first));
            (first + 1..=last).all(|second| at(Some(second)) == permitted).then_some(permitted).flatten()
        }
        decided => decided,
    }
}

/// The longest time, in seconds, of which each second is evaluated.
const LONGEST: u64 = 60;

/// Whether the caller may perform `demand` if it is evaluated at `second`. A condition about the time is undecided
/// without one.
fn is_permitted_at(
    circumstances: Circumstances<'_>,
    resource: ResourceFacts<'_>,
    demand: &Demand<'_>,
    second: Option<u64>,
) -> Option<bool> {
    let identity = circumstances.identity;
    let principal = &identity.principal;
    let query = PermissionQuery { principal, circumstances, demand, tags: resource.tags, second };
    let has = |documents: &[Document], effect| {
        any(documents.iter().map(|it| query.has_match(it.source(), effect, Naming::Any)))
    };
    let key = demand.key.as_ref();
    let policy = key.and_then(|key| key.policy.as_ref()).map_or(resource.policy, Known::Is);
    // An unknown policy may grant or deny anything.
    let by_policy = |effect, naming| match policy {
        Known::None => Some(false),
        Known::Is(policy) => query.has_match(policy.source(), effect, naming),
        Known::Unknown => None,
    };
    // An explicit Deny in any policy wins, whatever another one allows.
    let levels = &identity.control_policies;
    let limits = [&identity.boundaries, &identity.session_policies];
    let lists = [&identity.policies].into_iter().chain(limits).chain(levels);
    let denied = any(lists.map(|documents| has(documents, "Deny")).chain([by_policy("Deny", Naming::Any)]));
    if denied == Some(true) {
        return Some(false);
    }
    // A kind of policy that there is none of limits nothing.
    let allows = |documents: &Vec<Document>| {
        if documents.is_empty() { Some(true) } else { has(documents, "Allow") }
    };
    let within = all(limits.map(allows));
    let controlled = all(levels.iter().map(allows));
    let by_itself = all([has(&identity.policies, "Allow"), within]);
    // A grant to the ARN of a user or of a session is not limited by a boundary or a session policy; one to a role is.
    let named = by_policy("Allow", Naming::Any);
    let by_resource = any([all([named, within]), by_policy("Allow", Naming::OwnArn)]);
    let allowed = match key.filter(|key| key.may_bind_root()) {
        None => any([by_itself, by_resource]),
        // A key policy has the first word about its key: what the caller's own policies allow counts if it names the
        // caller or its account. A key of another account needs both.
        Some(key) => {
            let by_both = all([by_itself, any([named, by_policy("Allow", Naming::Account)])]);
            if key.is_foreign { by_both } else { any([by_both, by_resource]) }
        }
    };
    all([denied.map(|denied| !denied), controlled, allowed])
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
    circumstances: Circumstances<'a>,
    demand: &'a Demand<'a>,
    /// The tags of the resource.
    tags: Known<&'a Tags>,
    /// The second of the evaluation, since 1970, if it is known.
    second: Option<u64>,
}

/// How a statement must name the principal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    Any,
    /// By the principal's own ARN, which is not that of a role.
    OwnArn,
    /// By the principal's account.
    Account,
}

/// A statement, with what depends on the rest of its document.
#[derive(Clone, Copy)]
struct StatementText<'a> {
    body: &'a Value,
    effect: &'a str,
    /// Whether `${…}` is a variable: in documents of the later version only.
    has_variables: bool,
}

impl PermissionQuery<'_> {
    /// Whether a statement of `document` with this effect matches the query.
    fn has_match(&self, document: &Value, effect: &str, naming: Naming) -> Option<bool> {
        let has_variables = document["Version"] == "2012-10-17";
        let statements = each(&document["Statement"]).into_iter().filter(|it| it["Effect"] == effect);
        any(statements.map(|body| {
            let statement = StatementText { body, effect, has_variables };
            // The parts are evaluated in turn, as far as the first that does not match.
            let parts: [&dyn Fn() -> Option<bool>; 4] = [
                &|| self.names(statement, naming),
                &|| self.has_action(statement),
                &|| self.has_resource(statement),
                &|| self.holds(statement),
            ];
            all(parts.into_iter().map(|part| part()))
        }))
    }

    fn names(&self, StatementText { body, effect, .. }: StatementText<'_>, naming: Naming) -> Option<bool> {
        let principal = self.principal;
        let account = principal.account();
        // Whether an entry names the principal itself, or else is one of which `fits` holds: a name, and whether it is
        // the principal's account.
        let any_of = |element: &Value, own: bool, fits: &dyn Fn(&str, bool) -> bool| {
            let names = if element == "*" { vec![element] } else { each(&element["AWS"]) };
            any(names.into_iter().map(|name| {
                let (name, account) = (name.as_str()?, account?);
                let is_account = name == account || name == format!("arn:aws:iam::{account}:root");
                Some((own && name == principal.arn()) || fits(name, is_account))
            }))
        };
        match (body.get("Principal"), body.get("NotPrincipal")) {
            (Some(named), _) if naming == Naming::OwnArn => {
                any_of(named, !principal.arn().contains(":role/"), &|_, _| false)
            }
            (Some(named), _) if naming == Naming::Account => {
                any_of(named, false, &|_, is_account| is_account)
            }
            // An Allow to an account only delegates to its identity policies, which are evaluated by themselves.
            (Some(named), _) => any_of(named, true, &|name, is_account| {
                name == "*" || Some(name) == principal.role() || (is_account && effect == "Deny")
            }),
            // Only a principal that is listed itself is exempt: of an account its root, and of a role no session.
            (None, Some(exempt)) => {
                let is_exempt = |name: &str, is_account| name == "*" || (is_account && principal.is_root());
                any_of(exempt, true, &is_exempt).map(|listed| !listed)
            }
            (None, None) => Some(true),
        }
    }

    fn has_action(&self, StatementText { body, .. }: StatementText<'_>) -> Option<bool> {
        let action = self.demand.action.to_ascii_lowercase();
        listed(body, "Action", "NotAction", |_, pattern| {
            let pattern = pattern.to_ascii_lowercase();
            fits_text(&pattern, &action, Expansion { wildcards: true, variable: None }).ok()
        })
    }

    fn has_resource(&self, StatementText { body, effect, has_variables }: StatementText<'_>) -> Option<bool> {
        let value = self.variable();
        let variable = has_variables.then_some(&value as VariableValue<'_>);
        listed(body, "Resource", "NotResource", |is_complement, pattern| {
            match fits_arn(pattern, &self.demand.resource, variable) {
                Ok(fits) => Some(fits),
                // Without a value it is open what NotResource exempts. The choice that grants less is safe: an Allow
                // does not match, and a Deny does.
                Err(Unexpanded::NoValue) => Some(is_complement && effect == "Allow"),
                Err(Unexpanded::Unknown) => None,
            }
        })
    }
}

/// Whether a pattern of the element `is` fits, or no pattern of its complement `not`; the first argument
/// of `fits` is whether it is the complement. A statement that has neither matches.
fn listed(statement: &Value, is: &str, not: &str, fits: impl Fn(bool, &str) -> Option<bool>) -> Option<bool> {
    let any_fits = |patterns: &Value, is_complement| {
        any(each(patterns).into_iter().map(|pattern| fits(is_complement, pattern.as_str()?)))
    };
    match (statement.get(is), statement.get(not)) {
        (Some(patterns), _) => any_fits(patterns, false),
        (None, Some(patterns)) => any_fits(patterns, true).map(|fits| !fits),
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
