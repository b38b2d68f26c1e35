//! The least policy: the smallest policy under which the audited calls pass.
//!
//! There is one candidate for every action on every resource that was checked. Its condition is what all of its
//! requests have in common: the witness Region, the tag keys, the service. A check on `cluster/*` itself cannot be
//! allowed on a smaller resource; a candidate on a single cluster that such a broad one covers is dropped. So every
//! remaining candidate allows something that no other does, and the policy would be too small without it. Candidates
//! that differ only in the action, and then those that differ only in the resource, become one statement.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::{IndexMap, IndexSet};
use serde::{Serialize, Serializer};

use crate::control::authorization::Checked;
use crate::iam::{
    AccessRequest, Context, ContextMap, Document, Policies, PolicyEffect, PolicyKind, Principal, evaluate,
};
use crate::region::Region;

/// A need of a call: one action on one resource in one Region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Use {
    /// The Region that made the check.
    pub region: Region,
    /// The action, as in `dsql:CreateCluster`.
    pub action: String,
    /// An ARN, or `*`.
    pub resource: String,
    /// The condition keys of the request that limit the policy, with their values.
    pub keys: BTreeMap<&'static str, BTreeSet<String>>,
}

/// A policy document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    /// The version of the policy language: `2012-10-17`.
    pub version: &'static str,
    /// The statements, Region by Region.
    pub statement: Vec<LeastStatement>,
}

/// A statement of the policy, always an allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LeastStatement {
    /// The Region and the action, in letters and digits: a statement id allows no others.
    pub sid: String,
    /// Always `Allow`.
    pub effect: &'static str,
    /// The actions that are allowed.
    #[serde(serialize_with = "one_or_several")]
    pub action: BTreeSet<String>,
    /// ARNs or patterns.
    #[serde(serialize_with = "one_or_several")]
    pub resource: BTreeSet<String>,
    /// The values by key and by operator, as in the policy language.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: LeastCondition,
}

/// The condition of a statement: operator, key, values.
pub type LeastCondition = BTreeMap<&'static str, BTreeMap<&'static str, LeastValues>>;

/// The values of a condition key.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct LeastValues(#[serde(serialize_with = "one_or_several")] pub BTreeSet<String>);

/// The condition keys that limit a policy, with their operators.
const LIMITS: [(&str, &str); 6] = [
    ("dsql:WitnessRegion", "StringEquals"),
    ("aws:TagKeys", "ForAllValues:StringEquals"),
    ("aws:RequestedRegion", "StringEquals"),
    ("iam:AWSServiceName", "StringEquals"),
    ("iam:PassedToService", "StringEquals"),
    ("kms:ViaService", "StringEquals"),
];

impl Use {
    /// The need of a check; `None` if the check was denied, or if a resource policy allowed it: then the caller's own
    /// policies need not.
    #[must_use]
    pub fn of(checked: &Checked) -> Option<Use> {
        let by = checked.decision.by.as_ref().map(|statement| statement.list);
        if checked.decision.effect != PolicyEffect::Allow || by == Some(PolicyKind::Resource) {
            return None;
        }
        let mut keys = BTreeMap::new();
        for (key, _) in LIMITS {
            if let Some(values) = checked.attributes.get(key) {
                keys.insert(key, values.iter().map(str::to_owned).collect());
            }
        }
        if checked.resource == "*" {
            // The resource names no Region, so the condition must: otherwise the statement would hold in all of them.
            keys.insert("aws:RequestedRegion", BTreeSet::from([checked.region.to_string()]));
        }
        let (action, resource) = (checked.action.to_string(), checked.resource.clone());
        Some(Use { region: checked.region, action, resource, keys })
    }

    fn context(&self) -> ContextMap {
        let mut facts = ContextMap::default();
        facts.set("aws:RequestedRegion", [self.region.name()]);
        self.keys.iter().for_each(|(key, values)| facts.set(key, values.iter().cloned()));
        facts
    }
}

/// The least policy that allows `uses`.
#[must_use]
pub fn least(uses: &IndexSet<Use>) -> Policy {
    let (broad, special): (Vec<_>, Vec<_>) = candidates(uses).into_iter().partition(LeastCandidate::is_broad);
    let policies: Vec<(&str, Document)> =
        broad.iter().map(|it| (&*it.action, it.document().expect("the pattern is well-formed"))).collect();
    let is_superfluous = |candidate: &LeastCandidate| {
        let mut policies = policies.iter().filter(|(action, _)| *action == candidate.action);
        policies.any(|(_, policy)| candidate.uses.iter().all(|it| allows(policy, it)))
    };
    let mut left: Vec<LeastCandidate> = special.into_iter().filter(|it| !is_superfluous(it)).collect();
    left.extend(broad);
    Policy { version: "2012-10-17", statement: statements(left) }
}

impl Policy {
    /// The policy as a compiled document.
    #[must_use]
    pub fn document(&self) -> Document {
        let json = serde_json::to_value(self).expect("a policy is JSON");
        Document::identity(&json).expect("a generated policy is valid")
    }
}

/// One action on one resource.
#[derive(Clone)]
struct LeastCandidate<'a> {
    region: Region,
    action: String,
    resource: String,
    condition: LeastCondition,
    uses: Vec<&'a Use>,
}

impl LeastCandidate<'_> {
    /// Whether it is about any cluster of a Region.
    fn is_broad(&self) -> bool {
        self.resource.ends_with(":cluster/*")
    }

    /// The candidate as a policy; `None` if its resource cannot stand in one.
    fn document(&self) -> Option<Document> {
        let policy = Policy { version: "2012-10-17", statement: statements(vec![self.clone()]) };
        let json = serde_json::to_value(policy).expect("a policy is JSON");
        Document::identity(&json).ok()
    }
}

fn candidates(uses: &IndexSet<Use>) -> Vec<LeastCandidate<'_>> {
    let mut by_subject: IndexMap<(&str, &str), Vec<&Use>> = IndexMap::new();
    for it in uses {
        by_subject.entry((&it.action, &it.resource)).or_default().push(it);
    }
    by_subject
        .into_iter()
        .map(|((action, resource), uses)| {
            let mut condition = LeastCondition::new();
            for (key, operator) in LIMITS {
                let values: Option<Vec<_>> = uses.iter().map(|it| it.keys.get(key)).collect();
                if let Some(values) = values {
                    // A value is plain text, and `${` would begin a variable.
                    let plain = values.into_iter().flatten().map(|value| value.replace('$', "${$}"));
                    let values = LeastValues(plain.collect());
                    condition.entry(operator).or_default().insert(key, values);
                }
            }
            let (action, resource) = (action.to_owned(), pattern(resource));
            let mut candidate = LeastCandidate { region: uses[0].region, action, resource, condition, uses };
            if candidate.document().is_none() {
                // A caller may name a resource that is not an ARN, which no pattern but `*` matches.
                candidate.resource = "*".to_owned();
            }
            candidate
        })
        .collect()
}

/// The candidates as statements, joined where they differ only in the action or only in the resource.
fn statements(candidates: Vec<LeastCandidate<'_>>) -> Vec<LeastStatement> {
    let mut by_resource: IndexMap<(Region, LeastCondition, String), BTreeSet<String>> = IndexMap::new();
    for LeastCandidate { region, action, resource, condition, .. } in candidates {
        by_resource.entry((region, condition, resource)).or_default().insert(action);
    }
    let mut by_action: IndexMap<(Region, LeastCondition, BTreeSet<String>), BTreeSet<String>> =
        IndexMap::new();
    for ((region, condition, resource), actions) in by_resource {
        by_action.entry((region, condition, actions)).or_default().insert(resource);
    }
    by_action.sort_by(|one, ones, other, others| {
        (one.0, ones, &one.2, &one.1).cmp(&(other.0, others, &other.2, &other.1))
    });
    let mut sids = BTreeMap::<String, usize>::new();
    let statement =
        |((region, condition, action), resource): ((Region, LeastCondition, BTreeSet<String>), _)| {
            let name = format!("{}{}", camel(region.name()), verb(&action));
            let count = sids.entry(name.clone()).or_default();
            *count += 1;
            let sid = if *count == 1 { name } else { format!("{name}{count}") };
            LeastStatement { sid, effect: "Allow", action, resource, condition }
        };
    by_action.into_iter().map(statement).collect()
}

/// The name for a statement: of its first action that changes something, or else of its first action.
fn verb(actions: &BTreeSet<String>) -> &str {
    let name = |action: &'_ String| action.split_once(':').map_or(0, |(service, _)| service.len() + 1);
    let is_read = |action: &&String| action[name(action)..].starts_with("Get");
    let action = actions.iter().find(|action| !is_read(action)).or(actions.first());
    action.map_or("", |action| &action[name(action)..])
}

fn camel(words: &str) -> String {
    let upper = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    words.split('-').filter(|word| !word.is_empty()).map(upper).collect()
}

/// The pattern that matches `resource` and nothing else.
fn pattern(resource: &str) -> String {
    if resource == "*" || resource.strip_suffix(":cluster/*").is_some_and(|rest| !rest.contains(SPECIAL)) {
        return resource.to_owned();
    }
    let letters = resource.chars();
    letters
        .map(|letter| if SPECIAL.contains(&letter) { format!("${{{letter}}}") } else { letter.into() })
        .collect()
}

/// The characters with a meaning of their own in a pattern.
const SPECIAL: [char; 3] = ['*', '?', '$'];

/// Serializes a list of one as its item, as policies are usually written.
fn one_or_several<S: Serializer>(all: &BTreeSet<String>, serializer: S) -> Result<S::Ok, S::Error> {
    match all.first() {
        Some(one) if all.len() == 1 => one.serialize(serializer),
        _ => all.serialize(serializer),
    }
}

fn allows(policy: &Document, it: &Use) -> bool {
    let principal = Principal::parse("arn:aws:iam::111122223333:role/caller").expect("the ARN of a role");
    let (identity, context) = (std::slice::from_ref(policy), &it.context());
    let policies = Policies { identity, ..Policies::default() };
    let question =
        AccessRequest { principal: &principal, action: &it.action, resource: &it.resource, context };
    evaluate(policies, question).effect == PolicyEffect::Allow
}
