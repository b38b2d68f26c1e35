//! The least policy: the smallest policy under which the audited calls pass.
//!
//! There is one candidate for every action on every resource that was checked, and by tag two: for the resources with
//! the tag, and for the others. Its condition is what all of its requests have in common: the witness Region, the tag
//! keys, the service. A check on `cluster/*` itself cannot be allowed on a smaller resource; a candidate that such
//! broad ones cover is dropped. So every remaining candidate allows something that no other does, and the policy would
//! be too small without it. Candidates that differ only in the action, and then those that differ only in the resource,
//! become one statement.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::{IndexMap, IndexSet};
use serde::{Serialize, Serializer};

use crate::iam::Document;
use crate::region::Region;

use super::usage::{Use, operator};

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
pub type LeastCondition = BTreeMap<&'static str, BTreeMap<String, LeastValues>>;

/// The values of a condition key.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct LeastValues(#[serde(serialize_with = "one_or_several")] pub BTreeSet<String>);

/// The least policy that allows `uses`.
#[must_use]
pub fn least(uses: &IndexSet<Use>) -> Policy {
    let (broad, special): (Vec<_>, Vec<_>) = candidates(uses).into_iter().partition(LeastCandidate::is_broad);
    let broad =
        broad.into_iter().map(|it| (it.document().expect("the pattern is well-formed"), it)).collect();
    let mut broad = without_superfluous(broad);
    let mut left: Vec<LeastCandidate<'_>> =
        special.into_iter().filter_map(|it| covered(it, &mut broad)).collect();
    left.extend(broad.into_iter().map(|(_, candidate)| candidate));
    Policy { version: "2012-10-17", statement: statements(left) }
}

/// The broad candidates, without those whose every use another of them allows.
fn without_superfluous(mut broad: Vec<Broad<'_>>) -> Vec<Broad<'_>> {
    for _ in 0..broad.len() {
        let (document, candidate) = broad.remove(0);
        if let Some(needed) = covered(candidate, &mut broad) {
            broad.push((document, needed));
        }
    }
    broad
}

/// `candidate`, unless each of its uses is allowed by one of `broad`. Such a use goes over to the one that allows it,
/// so that it counts when that one is examined in turn.
fn covered<'a>(candidate: LeastCandidate<'a>, broad: &mut [Broad<'a>]) -> Option<LeastCandidate<'a>> {
    let allowing = |it: &&'a Use| {
        broad.iter().position(|(document, other)| other.action == it.action && it.is_allowed_by(document))
    };
    let Some(others) = candidate.uses.iter().map(allowing).collect::<Option<Vec<_>>>() else {
        return Some(candidate);
    };
    others.into_iter().zip(candidate.uses).for_each(|(other, it)| broad[other].1.uses.push(it));
    None
}

impl Policy {
    /// The policy as a compiled document.
    #[must_use]
    pub fn document(&self) -> Document {
        let json = serde_json::to_value(self).expect("a policy is JSON");
        Document::identity(&json).expect("a generated policy is valid")
    }
}

/// A candidate on more than one resource, with its document.
type Broad<'a> = (Document, LeastCandidate<'a>);

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
    /// Whether it is about more than one resource: a star of a pattern, not of a name, ends it.
    fn is_broad(&self) -> bool {
        self.resource.ends_with('*')
    }

    /// The candidate as a policy; `None` if its resource cannot stand in one.
    fn document(&self) -> Option<Document> {
        let policy = Policy { version: "2012-10-17", statement: statements(vec![self.clone()]) };
        let json = serde_json::to_value(policy).expect("a policy is JSON");
        Document::identity(&json).ok()
    }
}

fn candidates(uses: &IndexSet<Use>) -> Vec<LeastCandidate<'_>> {
    let mut by_subject: IndexMap<(&str, &str, bool), Vec<&Use>> = IndexMap::new();
    for it in uses {
        by_subject.entry((&it.action, &it.resource, it.is_limited_by_tag())).or_default().push(it);
    }
    by_subject
        .into_iter()
        .map(|((action, resource, _), uses)| {
            let mut condition = LeastCondition::new();
            for key in uses[0].keys.keys() {
                let values: Option<Vec<_>> = uses.iter().map(|it| it.keys.get(key)).collect();
                if let Some(values) = values {
                    // A value is plain text, and `${` would begin a variable.
                    let plain = values.into_iter().flatten().map(|value| value.replace('$', "${$}"));
                    let values = LeastValues(plain.collect());
                    condition.entry(operator(key)).or_default().insert(key.clone(), values);
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
    let before_star = [":cluster/*", ":cluster/*/stream/*"].iter().find_map(|end| resource.strip_suffix(end));
    if resource == "*" || before_star.is_some_and(|rest| !rest.contains(SPECIAL)) {
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
