//! What a resource policy exposes, whatever the request: public access, and actions of other services. (Aurora DSQL
//! User Guide, "Blocking public access with resource-based policies".)

use std::slice;

use serde_json::Value;

use super::condition::Condition;
use super::context::ContextMap;
use super::document::Document;
use super::glob::Glob;

/// The condition keys that can make an Allow for everyone non-public.
const TRUSTED_KEYS: [&str; 15] = [
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:UserId",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:PrincipalIsAWSService",
    "aws:Ec2InstanceSourceVpc",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
];

/// The trusted key that must be true.
const IS_SERVICE: &str = "aws:PrincipalIsAWSService";

impl Document {
    /// The index of the first statement that grants public access: an Allow whose principals include `*`, without a
    /// trusted condition key whose values are fixed. A Deny elsewhere in the policy does not make it non-public.
    #[must_use]
    pub fn public_statement(&self) -> Option<usize> {
        let texts = statements(self.source());
        self.statements.iter().zip(texts).position(|(statement, text)| {
            statement.allows
                && names_everyone(&text["Principal"])
                && !statement.conditions.iter().any(is_trusted)
        })
    }

    /// The first action in a statement that is not one of `service`. `*` is an action of every service.
    #[must_use]
    pub fn action_of_other_service(&self, service: &str) -> Option<&str> {
        let elements = statements(self.source()).iter().flat_map(|it| [&it["Action"], &it["NotAction"]]);
        elements.flat_map(listed).filter_map(Value::as_str).find(|action| {
            let prefix = action.split_once(':').and_then(|(prefix, _)| Glob::of_action(prefix).ok());
            let is_own = |prefix: Glob| prefix.matches(service, &ContextMap::default()) == Some(true);
            !prefix.is_none_or(is_own)
        })
    }
}

/// Whether a Principal element has an entry `*`, in whichever member.
fn names_everyone(principal: &Value) -> bool {
    match principal {
        Value::Object(kinds) => kinds.values().any(names_everyone),
        names => listed(names).iter().any(|name| name == "*"),
    }
}

/// Whether a condition holds for fixed values of a trusted key only.
fn is_trusted(condition: &Condition) -> bool {
    let is_key = |key: &&str| key.eq_ignore_ascii_case(&condition.key);
    let must_be_true = condition.key.eq_ignore_ascii_case(IS_SERVICE);
    TRUSTED_KEYS.iter().any(is_key)
        && condition.has_fixed_values()
        && (!must_be_true || condition.accepts_only("true"))
}

/// The statements of a document, which may be a single one.
fn statements(document: &Value) -> &[Value] {
    listed(&document["Statement"])
}

/// The values of an element that holds one value or a list; none of an absent element.
fn listed(value: &Value) -> &[Value] {
    match value {
        Value::Null => &[],
        Value::Array(values) => values,
        one => slice::from_ref(one),
    }
}
