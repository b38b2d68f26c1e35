//! The needs of a principal, and the policy for them.

use std::collections::BTreeSet;

use indexmap::IndexSet;

use crate::api::Operation;
use crate::control::authorization::IamAction;
use crate::iam::{PolicyEffect, PolicyKind};
use crate::region::Region;

use super::least::{Policy, least};
use super::usage::any_like;
use super::{Made, ResourceScope, Use};

/// The needs of a principal's calls.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// The uses of calls that were allowed, those left out that a resource policy allowed: the caller's own policies
    /// need not.
    pub uses: IndexSet<Use>,
    /// The uses that the caller's own policies did not allow.
    pub denied: IndexSet<Use>,
    /// Whether a cluster was created with a policy.
    has_created_with_policy: bool,
}

impl Needs {
    /// Adds the checks of one call. A call that was denied needs nothing: a policy for it would allow more than the
    /// caller ever did.
    pub(super) fn add(&mut self, call: &[Made]) {
        let by_resource =
            |made: &Made| made.checked.decision.by.as_ref().is_some_and(|by| by.list == PolicyKind::Resource);
        let is_allowed = |made: &Made| made.checked.decision.effect == PolicyEffect::Allow;
        let own = call.iter().filter(|made| !by_resource(made));
        if call.iter().all(is_allowed) {
            self.has_created_with_policy |= call.iter().any(|made| {
                made.checked.action == IamAction::Call(Operation::PutClusterPolicy)
                    && made.checked.resource.ends_with(":cluster/*")
            });
            self.uses.extend(own.map(|made| Use::of(&made.checked)));
        } else {
            self.denied.extend(own.filter(|made| !is_allowed(made)).map(|made| Use::of(&made.checked)));
        }
    }

    /// Adds the needs of other calls.
    pub fn join(&mut self, other: Needs) {
        self.uses.extend(other.uses);
        self.denied.extend(other.denied);
        self.has_created_with_policy |= other.has_created_with_policy;
    }

    /// Reduces the needs to `most` uses, and returns whether one was forgotten. The identifiers of clusters go first:
    /// the policies for any cluster do not need them.
    pub(super) fn forget(&mut self, most: usize) -> bool {
        if self.uses.len() > most {
            self.uses = self.uses.iter().map(|it| it.within(&ResourceScope::Any)).collect();
        }
        let has_forgotten = self.uses.len().max(self.denied.len()) > most;
        self.uses.truncate(most);
        self.denied.truncate(most);
        has_forgotten
    }

    /// The least policy, with remarks on it.
    ///
    /// A policy for any cluster would also allow a use that was denied on one of them. Such an action keeps its exact
    /// ARNs, so that a scenario that expects the denial passes under the policy.
    #[must_use]
    pub fn policy(&self, scope: &ResourceScope) -> (Policy, Vec<String>) {
        let within =
            |it: &Use, exact: &BTreeSet<(Region, &str)>| match exact.contains(&(it.region, &*it.action)) {
                true => it.within(&ResourceScope::Exact),
                false => it.within(scope),
            };
        let none = BTreeSet::new();
        let mut policy = least(&self.uses.iter().map(|it| within(it, &none)).collect());
        let exact = self.denied_on_one(&policy);
        if !exact.is_empty() {
            policy = least(&self.uses.iter().map(|it| within(it, &exact)).collect());
        }
        (policy, self.notes(scope, &exact))
    }

    /// The actions, each with its Region, that were denied on some resource and that `policy` allows there, although
    /// the policy of exact ARNs does not.
    fn denied_on_one(&self, policy: &Policy) -> BTreeSet<(Region, &str)> {
        if self.denied.is_empty() {
            return BTreeSet::new();
        }
        let exact = least(&self.uses.iter().map(|it| it.within(&ResourceScope::Exact)).collect()).document();
        let policy = policy.document();
        let is_lifted = |it: &&Use| it.is_allowed_by(&policy) && !it.is_allowed_by(&exact);
        self.denied.iter().filter(is_lifted).map(|it| (it.region, &*it.action)).collect()
    }

    fn notes(&self, scope: &ResourceScope, exact: &BTreeSet<(Region, &str)>) -> Vec<String> {
        let mut notes = Vec::new();
        for (region, action) in exact {
            notes.push(format!(
                "{action} in {region} has exact ARNs: it was denied on another resource there, and a pattern would \
                 lift the denial"
            ));
        }
        if let ResourceScope::Tagged { key, value } = scope {
            let lacks_tag =
                |it: &&Use| any_like(&it.resource).is_some() && !it.within(scope).is_limited_by_tag();
            let untagged: BTreeSet<_> =
                self.uses.iter().filter(lacks_tag).map(|it| (it.region, &*it.action)).collect();
            for (region, action) in untagged.difference(exact) {
                notes.push(format!(
                    "{action} in {region} was also called on a resource without the tag {key}={value}: it is \
                     allowed on every one"
                ));
            }
        }
        // The lockout safety check needs the action: then the policy has it.
        let has_it = self.uses.iter().any(|it| it.action == Operation::DeleteClusterPolicy.action());
        if self.has_created_with_policy && !has_it {
            notes.push(
                "the Service Authorization Reference lists dsql:DeleteClusterPolicy beside dsql:PutClusterPolicy for a \
                 CreateCluster call with a policy; the simulator does not require it"
                    .to_owned(),
            );
        }
        notes
    }
}
