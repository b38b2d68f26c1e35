//! One action on one resource that a call needed, or was denied.

use std::collections::{BTreeMap, BTreeSet};

use crate::control::authorization::Checked;
use crate::iam::{
    AccessRequest, Context, ContextEntries, ContextMap, Document, Policies, PolicyEffect, Principal, evaluate,
};
use crate::region::Region;

use super::ResourceScope;

/// An action on a resource in a Region, with the condition keys of its request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Use {
    /// The Region that made the check.
    pub region: Region,
    /// The action, as in `dsql:CreateCluster`.
    pub action: String,
    /// An ARN, `*`, or a pattern for the clusters or the streams of a Region.
    pub resource: String,
    /// The condition keys of the request that limit the policy, with their values.
    pub keys: BTreeMap<String, BTreeSet<String>>,
    /// The condition keys for tags of the resource and of the request, with their values.
    tags: BTreeMap<String, String>,
}

/// The condition keys that limit a policy, with their operators, besides those for tags.
const LIMITS: [(&str, &str); 6] = [
    ("dsql:WitnessRegion", "StringEquals"),
    ("aws:TagKeys", "ForAllValues:StringEquals"),
    ("aws:RequestedRegion", "StringEquals"),
    ("iam:AWSServiceName", "StringEquals"),
    ("iam:PassedToService", "StringEquals"),
    ("kms:ViaService", "StringEquals"),
];

const RESOURCE_TAG: &str = "aws:ResourceTag/";
const REQUEST_TAG: &str = "aws:RequestTag/";

/// The operator for a condition on `key`.
pub(super) fn operator(key: &str) -> &'static str {
    let limit = LIMITS.iter().find(|(name, _)| *name == key);
    limit.map_or("StringEquals", |(_, operator)| operator)
}

impl Use {
    /// The use that a check is about.
    #[must_use]
    pub fn of(checked: &Checked) -> Use {
        let mut keys = BTreeMap::new();
        for (key, _) in LIMITS {
            if let Some(values) = checked.attributes.get(key) {
                keys.insert(key.to_owned(), values.iter().map(str::to_owned).collect());
            }
        }
        if checked.resource == "*" {
            // The resource names no Region, so the condition must: otherwise the statement would hold in all of them.
            keys.insert("aws:RequestedRegion".to_owned(), BTreeSet::from([checked.region.to_string()]));
        }
        let of_resource = checked.tags.iter().flat_map(|tags| tags.iter());
        let mut tags: BTreeMap<_, _> =
            of_resource.map(|(key, value)| (format!("{RESOURCE_TAG}{key}"), value.clone())).collect();
        checked.attributes.each(&mut |key, values| {
            let key = key.to_string();
            if let Some(value) = values.iter().next().filter(|_| key.starts_with(REQUEST_TAG)) {
                tags.insert(key, value.to_owned());
            }
        });
        let (action, resource) = (checked.action.to_string(), checked.resource.clone());
        Use { region: checked.region, action, resource, keys, tags }
    }

    /// The use as a policy of `scope` describes it.
    #[must_use]
    pub fn within(&self, scope: &ResourceScope) -> Use {
        let mut keys = self.keys.clone();
        if let ResourceScope::Tagged { key, value } = scope {
            let limits = [RESOURCE_TAG, REQUEST_TAG].map(|prefix| format!("{prefix}{key}"));
            let held = limits.into_iter().filter(|limit| self.tags.get(limit) == Some(value));
            keys.extend(held.map(|limit| (limit, BTreeSet::from([value.clone()]))));
        }
        let any = if *scope == ResourceScope::Exact { None } else { any_like(&self.resource) };
        let (region, action) = (self.region, self.action.clone());
        Use {
            region,
            action,
            resource: any.unwrap_or_else(|| self.resource.clone()),
            keys,
            tags: BTreeMap::new(),
        }
    }

    /// Whether the resource exists and has the tag that limits the policy.
    pub(super) fn is_limited_by_tag(&self) -> bool {
        self.keys.keys().any(|key| key.starts_with(RESOURCE_TAG))
    }

    /// Whether `policy` allows a caller this use.
    pub(super) fn is_allowed_by(&self, policy: &Document) -> bool {
        let principal = Principal::parse("arn:aws:iam::111122223333:role/caller").expect("the ARN of a role");
        let mut context = ContextMap::default();
        context.set("aws:RequestedRegion", [self.region.name()]);
        self.keys.iter().for_each(|(key, values)| context.set(key, values.iter().cloned()));
        self.tags.iter().for_each(|(key, value)| context.set(key, [value.clone()]));
        let policies = Policies { identity: std::slice::from_ref(policy), ..Policies::default() };
        let (action, resource) = (self.action.as_str(), self.resource.as_str());
        let request = AccessRequest { principal: &principal, action, resource, context: &context };
        evaluate(policies, request).effect == PolicyEffect::Allow
    }
}

/// The pattern for every cluster, or for every stream, of the Region and account of `resource`; `None` for an ARN of
/// another kind, and for a pattern.
pub(super) fn any_like(resource: &str) -> Option<String> {
    let (home, name) = resource.split_once(":cluster/")?;
    let (cluster, stream) = name.split_once("/stream/").map_or((name, None), |(one, two)| (one, Some(two)));
    let is_identifier =
        |it: &str| it.len() == 26 && it.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
    // Text of a caller that merely resembles an ARN keeps its letters.
    let is_arn =
        home.starts_with("arn:") && home.bytes().all(|it| it.is_ascii_alphanumeric() || b":-".contains(&it));
    if !is_arn || !is_identifier(cluster) || !stream.is_none_or(is_identifier) {
        return None;
    }
    Some(format!("{home}:cluster/*{}", if stream.is_some() { "/stream/*" } else { "" }))
}
