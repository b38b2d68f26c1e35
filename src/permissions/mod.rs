//! What calls were allowed to do, and the least that would have been enough.
//!
//! Every check that a node makes for a call can be told of ([`World::watch_permissions`]); an [`Audit`] takes note of
//! them, and [`least`] makes a policy of what it noted. Under that policy the same calls pass, and without any one
//! statement of it they do not: the argument is in [`least`]'s module.
//!
//! [`World::watch_permissions`]: crate::World::watch_permissions
//! [`least`]: least::least

pub mod audit;
pub mod least;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexSet;
use serde::Serialize;

use crate::iam::{Document, Identity, Principal};
use crate::scenario::run::{Report, run_with};
use crate::scenario::{Action, PrincipalOptions, Scenario};
use crate::sim::trace::TraceLevel;
use crate::types::{Account, PrincipalId};

pub use audit::{Audit, Made};
pub use least::{LeastStatement, Policy, Use};

/// What a principal's calls need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Needed {
    /// The principal's ARN.
    pub principal: String,
    /// Where.
    pub regions: BTreeSet<String>,
    /// The least policy that allows it.
    pub policy: Policy,
}

/// What each principal needs that `uses` tells of.
#[must_use]
pub fn needed(uses: &BTreeMap<String, IndexSet<Use>>) -> Vec<Needed> {
    let needed = |(principal, uses): (&String, &IndexSet<Use>)| Needed {
        principal: principal.clone(),
        regions: uses.iter().map(|it| it.region.to_string()).collect(),
        policy: least::least(uses),
    };
    uses.iter().map(needed).collect()
}

/// Runs `scenario` with `seed`, or with its own, and gives what came of it and every check that was made.
///
/// Somebody who may do everything is taken for the root of his account.
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

/// `scenario` with nobody who may do everything: whoever is principal `arn` may do what `policy_of` says of it.
#[must_use]
pub fn under(scenario: &Scenario, policy_of: &dyn Fn(&str) -> Document) -> Scenario {
    let mut set_up = scenario.set_up.clone();
    for principal in &mut set_up.principals {
        let arn = principal.identity.principal.arn().to_owned();
        if !principal.identity.principal.is_root() {
            let identity = Arc::make_mut(&mut principal.identity);
            (identity.policies, identity.boundaries) = (vec![policy_of(&arn)], Vec::new());
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

/// Somebody who calls in place of the root of an account, whom no policy binds.
fn deputy(account: Account, policy: Document) -> PrincipalOptions {
    let principal =
        Principal::parse(&format!("arn:aws:iam::{account}:role/deputy")).expect("the ARN of a role");
    let identity = Identity { principal, policies: vec![policy], boundaries: Vec::new() };
    PrincipalOptions {
        name: format!("deputy-{account}").into(),
        access_key: None,
        identity: Arc::new(identity),
    }
}
