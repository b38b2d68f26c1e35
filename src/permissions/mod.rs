//! Least policies: derives, from the authorization checks of a run, the smallest policy under which its calls pass.
//!
//! A world reports every check that a node makes for a call ([`World::watch_permissions`]); an [`Audit`] records them,
//! and [`least`] derives a policy. Under that policy the same calls pass, and without any one of its statements they do
//! not: the argument is in the module of [`least`]. The identifiers of a run are made up, so a policy names every
//! cluster, or those with a tag, unless exact ARNs are wanted ([`ResourceScope`]).
//!
//! [`World::watch_permissions`]: crate::World::watch_permissions
//! [`least`]: least::least

pub mod audit;
pub mod least;
pub mod needs;
pub mod scope;
pub mod usage;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use crate::iam::{Document, Identity, Principal};
use crate::scenario::run::{Report, run_with};
use crate::scenario::{Action, PrincipalOptions, Scenario};
use crate::sim::trace::TraceLevel;
use crate::types::{Account, PrincipalId};

pub use audit::{Audit, Made};
pub use least::{LeastStatement, Policy};
pub use needs::Needs;
pub use scope::ResourceScope;
pub use usage::Use;

/// The least policy for the calls of a principal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Needed {
    /// The principal's ARN.
    pub principal: String,
    /// The Regions that made checks.
    pub regions: BTreeSet<String>,
    /// The policy.
    pub policy: Policy,
    /// Remarks on the policy, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The least policy of each principal in `needs` that was allowed something.
#[must_use]
pub fn needed(needs: &BTreeMap<String, Needs>, scope: &ResourceScope) -> Vec<Needed> {
    let needed = |(principal, needs): (&String, &Needs)| {
        let (policy, notes) = needs.policy(scope);
        let regions = needs.uses.iter().map(|it| it.region.to_string()).collect();
        Needed { principal: principal.clone(), regions, policy, notes }
    };
    needs.iter().filter(|(_, needs)| !needs.uses.is_empty()).map(needed).collect()
}

/// Runs `scenario` with `seed`, or with its own, and returns the report and every authorization check.
///
/// A caller without a principal counts as the root of its account.
#[must_use]
pub fn run(scenario: &Scenario, seed: Option<u64>) -> (Report, Audit) {
    let audit = Rc::new(RefCell::new(Audit::default()));
    let report = run_with(scenario, seed, TraceLevel::None, |simulation| {
        simulation.world_mut().watch_permissions();
        let audit = audit.clone();
        simulation.watch(move |world| audit.borrow_mut().look(world));
    });
    (report, audit.take())
}

/// `scenario` with the policy `policy_of(arn)` for each caller instead of its own policies and boundaries. No caller
/// is left without restrictions: calls of an account's root are made by a deputy with the root's policy.
#[must_use]
pub fn under(scenario: &Scenario, policy_of: &dyn Fn(&str) -> Document) -> Scenario {
    let mut set_up = scenario.set_up.clone();
    for principal in &mut set_up.principals {
        let arn = principal.identity.principal.arn().to_owned();
        if !principal.identity.principal.is_root() {
            Arc::make_mut(&mut principal.identity).set_only_policies(vec![policy_of(&arn)]);
        }
    }
    let mut blocks: Vec<Vec<Action>> =
        scenario.blocks.iter().map(|block| block.iter().map(|step| step.action.clone()).collect()).collect();
    for client in &mut set_up.clients {
        let is_root = |id: PrincipalId| set_up.principals[id.index()].identity.principal.is_root();
        if client.principal.is_none_or(is_root) {
            let deputy = deputy(client.account, policy_of(&Identity::root_arn(client.account)));
            set_up.principals.push(deputy);
            client.principal = PrincipalId::new(set_up.principals.len() - 1);
        }
    }
    blocks.iter_mut().for_each(|block| block.retain(|action| !matches!(action, Action::SetUp)));
    Scenario::of(set_up, blocks)
}

/// A role that calls instead of the root of an account: no policy restricts a root.
fn deputy(account: Account, policy: Document) -> PrincipalOptions {
    let principal =
        Principal::parse(&format!("arn:aws:iam::{account}:role/deputy")).expect("the ARN of a role");
    let identity = Identity { policies: vec![policy], ..Identity::new(principal) };
    PrincipalOptions {
        name: format!("deputy-{account}").into(),
        access_key: None,
        identity: Arc::new(identity),
    }
}
