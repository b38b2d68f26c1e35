//! Callers, and the principals that they are.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::iam::{Identity, NetworkOrigin, RequestTime};
use crate::types::{Account, ClientId, Instant, PrincipalId, Timestamp};

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
///     policies: vec![Document::identity(&policy)?],
///     ..Identity::new(Principal::parse("arn:aws:iam::111122223333:role/reader").ok_or("no principal")?)
/// };
/// let mut options = Options::new(1);
/// options.principals = Arc::new(Principals { known: vec![Arc::new(reader)], ..Principals::default() });
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
    /// The network origin of each client, by its number. A world fills it in from its clients; a client that is missing
    /// here has the default one.
    pub origins: Vec<Arc<NetworkOrigin>>,
    /// The wall-clock time at virtual time 0, which a world fills in.
    pub epoch: Timestamp,
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

    /// The network origin of `client`.
    #[must_use]
    pub fn origin(&self, client: ClientId) -> &NetworkOrigin {
        self.origins.get(client.0 as usize).map_or(NetworkOrigin::default_ref(), |origin| origin)
    }

    /// The time of a request that is evaluated at `now`. IAM is a global service: its time is the virtual time,
    /// whatever the wall clock of a Region shows.
    pub(super) fn time(&self, now: Instant) -> RequestTime {
        let start = self.epoch;
        RequestTime { now: Timestamp(start.0 + now.0 / 1_000_000), start }
    }

    /// For a planted bug: `identity` with the tags of the last other principal.
    pub(super) fn with_tags_of_another(&self, identity: &Identity) -> Identity {
        let another = self.known.iter().rev().find(|known| known.principal != identity.principal);
        let tags = another.map_or_else(|| identity.tags.clone(), |another| another.tags.clone());
        Identity { tags, ..identity.clone() }
    }

    fn find(&self, caller: Caller) -> Option<&Identity> {
        caller.principal.and_then(|principal| self.known.get(principal.index())).map(|identity| &**identity)
    }
}
