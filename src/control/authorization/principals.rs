//! Callers, and the principals that they are.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::iam::Identity;
use crate::types::{Account, PrincipalId};

/// The account and the principal of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account, which owns the clusters that the request can reach.
    pub account: Account,
    /// The principal; `None` is the account's root, which may do everything.
    pub principal: Option<PrincipalId>,
}

// A call under another principal has the same draws, so that runs which differ in policies alone can be compared.
impl Hash for Caller {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Caller { account, principal: _ } = self;
        account.hash(state);
    }
}

/// The principals of a world, in the order of declaration.
///
/// ```
/// use std::sync::Arc;
///
/// use dsql_sim::prelude::*;
/// use dsql_sim::principals::{Document, Identity, Principal, PrincipalId, Principals};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = serde_json::json!({
///     "Statement": { "Effect": "Allow", "Action": "dsql:Get*", "Resource": "*" }
/// });
/// let reader = Identity {
///     principal: Principal::parse("arn:aws:iam::111122223333:role/reader").ok_or("no principal")?,
///     policies: vec![Document::identity(&policy)?],
///     boundaries: Vec::new(),
/// };
/// let mut options = Options::new(1);
/// options.principals = Arc::new(Principals { known: vec![Arc::new(reader)], are_watched: false });
/// options.clients[0].principal = PrincipalId::new(0);
///
/// let mut sim = Simulation::new(options);
/// let refused = sim.client("ops").create_cluster(Region::US_EAST_1).send().expect_err("it may only read");
/// assert_eq!(refused.name(), "AccessDeniedException");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principals {
    /// The principals with their policies.
    pub known: Vec<Arc<Identity>>,
    /// Whether every check is reported as [`Checked`](super::Checked), also for callers that may do
    /// everything.
    pub are_watched: bool,
}

impl Principals {
    /// The ARN of `caller`.
    #[must_use]
    pub fn arn(&self, caller: Caller) -> Cow<'_, str> {
        match self.find(caller) {
            Some(identity) => identity.principal.arn().into(),
            None => Identity::root_arn(caller.account).into(),
        }
    }

    /// The identity of `caller`: the account's root, without a principal.
    #[must_use]
    pub fn identity(&self, caller: Caller) -> Cow<'_, Identity> {
        match self.find(caller) {
            Some(identity) => Cow::Borrowed(identity),
            None => Cow::Owned(Identity::root(caller.account)),
        }
    }

    fn find(&self, caller: Caller) -> Option<&Identity> {
        caller.principal.and_then(|principal| self.known.get(principal.index())).map(|identity| &**identity)
    }
}
