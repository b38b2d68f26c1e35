//! The invariant about permissions: what was done was allowed to its caller, wherever somebody has a say, and the cause
//! of an AccessDeniedException.
//!
//! What a call must be allowed is in `demands`, whether policies allow it in `permitted`; neither asks the control
//! planes or the evaluator that they ask.

use crate::api::{Error, Request};
use crate::control::authorization::IamAction;
use crate::control::cluster::Cluster;
use crate::control::message::Commit;
use crate::iam::{Document, Identity};
use crate::region::Region;
use crate::types::{ClusterArn, Instant};

use super::invariant::{CheckContext, Invariant};
use super::open::OpenCall;
use super::permitted::{Demand, is_permitted};
use super::records::{Records, is_about_one};
use super::{CheckResult, WorldView, demands};

/// What was denied to everybody, where, and from when to when.
#[derive(Clone, Debug, Default)]
pub(super) struct Denied(Vec<(Region, &'static str, Instant, Option<Instant>)>);

impl Denied {
    /// From now on `action` is denied in `region`, or not any more.
    pub(super) fn set(&mut self, region: Region, action: IamAction, now: Instant, denied: bool) {
        let name = action.iam_name();
        let mut lasting = self.0.iter_mut().filter(|it| it.0 == region && it.1 == name && it.3.is_none());
        match (lasting.next(), denied) {
            (None, true) => self.0.push((region, name, now, None)),
            (Some(known), false) => known.3 = Some(now),
            _ => {}
        }
    }

    /// From now on nothing is.
    pub(super) fn clear(&mut self, now: Instant) {
        self.0.iter_mut().filter(|it| it.3.is_none()).for_each(|it| it.3 = Some(now));
    }

    /// Whether what `demand` says was denied from before `from` until after `to`.
    fn throughout(&self, demand: &Demand<'_>, from: Instant, to: Instant) -> bool {
        self.of(demand).any(|(since, until)| since < from && until.is_none_or(|until| to < until))
    }

    /// Whether it was at some moment of that time.
    fn at_some_moment(&self, demand: &Demand<'_>, from: Instant, to: Instant) -> bool {
        self.of(demand).any(|(since, until)| since <= to && until.is_none_or(|until| from <= until))
    }

    fn of(&self, demand: &Demand<'_>) -> impl Iterator<Item = (Instant, Option<Instant>)> {
        let found = self.0.iter().filter(|it| it.0 == demand.region && it.1 == demand.action);
        found.map(|it| (it.2, it.3))
    }
}

/// The own Region checks before anything else, whatever is called, and so before a retry is answered too.
pub(super) fn answered(
    judge: &mut CheckContext<'_>,
    denied: &Denied,
    records: &Records,
    asked: &OpenCall,
) -> CheckResult {
    if asked.principal.is_none() && denied.0.is_empty() {
        return Ok(());
    }
    let cluster = records.named(asked);
    let is_gone = cluster.is_none() && is_about_one(&asked.request);
    for demand in demands::at_home(asked, cluster) {
        let of = cluster.filter(|cluster| demand.resource == cluster.arn.to_string());
        let policy =
            if is_gone { PolicyView::Unknown } else { PolicyView::of(judge.scene, of, asked.arrived.at) };
        let is_denied = denied.throughout(&demand, asked.arrived.at, asked.arrived.at);
        ensure(judge, asked, &demand, is_denied, policy)?;
    }
    Ok(())
}

/// Nothing is carried out before the witness Region and the peers' have answered. A call is carried out when its answer
/// is recorded with its token, or when it is written down as an intent for the link register to decide: whose answer is
/// recorded later may be somebody else's, who joined.
///
/// The policies of principals do not change, so it does not matter when each Region looked at them; where a cluster's
/// tags or a policy that was put on meanwhile may have decided otherwise, nothing is said.
pub(super) fn carried_out(
    judge: &mut CheckContext<'_>,
    denied: &Denied,
    records: &Records,
    commit: &Commit,
    asked: &OpenCall,
) -> CheckResult {
    let Some((_, _, Some(after))) = &commit.batch.cluster else { return Ok(()) };
    let before = commit.before.cluster.as_deref();
    let was_waiting = before.is_some_and(|before| before.intent.is_some());
    if was_waiting || (commit.batch.token.is_none() && after.intent.is_none()) {
        return Ok(());
    }
    if asked.principal.is_none() && denied.0.is_empty() {
        return Ok(());
    }
    let now = judge.scene.now();
    for (peer, demand) in demands::elsewhere(asked, before) {
        let is_denied = denied.throughout(&demand, asked.arrived.at, now);
        let policy = PolicyView::of_peer(judge.scene, records, peer, asked.arrived.at);
        ensure(judge, asked, &demand, is_denied, policy)?;
    }
    Ok(())
}

/// Whether this AccessDeniedException may be the answer to `asked`: something that it must be allowed is denied, or it
/// is not known to be allowed, and that is what the message names.
pub(super) fn may_be_denied(
    scene: &dyn WorldView,
    denied: &Denied,
    records: &Records,
    asked: &OpenCall,
    error: &Error,
) -> bool {
    let now = scene.now();
    let cluster = records.named(asked);
    let at_home = demands::at_home(asked, cluster).into_iter().map(|demand| {
        let of = cluster.filter(|cluster| demand.resource == cluster.arn.to_string());
        (PolicyView::of(scene, of, asked.arrived.at), demand)
    });
    let elsewhere = demands::elsewhere(asked, cluster).into_iter();
    let elsewhere =
        elsewhere.map(|(peer, demand)| (PolicyView::of_peer(scene, records, peer, asked.arrived.at), demand));
    let is_create = matches!(*asked.request, Request::CreateCluster(_));
    let lacks_role = is_create && !scene.assumptions().service_linked_role;
    let mut all = at_home.chain(elsewhere);
    lacks_role
        || all.any(|(policy, demand)| {
            let is_denied = denied.at_some_moment(&demand, asked.arrived.at, now)
                || identity(scene, asked)
                    .is_some_and(|identity| policy.permits(identity, &demand) != Some(true));
            is_denied && is_named(&demand, error.message())
        })
}

/// Whether the message of a denial says what `demand` says: what may not be done, with what, and where.
fn is_named(demand: &Demand<'_>, message: &str) -> bool {
    let Demand { action, resource, region, .. } = demand;
    message.contains(&format!(" to perform: {action} on resource: {resource} "))
        && message.ends_with(&format!("(checked in {region})"))
}

fn ensure(
    judge: &mut CheckContext<'_>,
    asked: &OpenCall,
    demand: &Demand<'_>,
    is_denied: bool,
    policy: PolicyView<'_>,
) -> CheckResult {
    let scene = judge.scene;
    let identity = identity(scene, asked);
    let is_met = !is_denied && identity.is_none_or(|it| policy.permits(it, demand) != Some(false));
    judge.ensure(is_met, Invariant::AuthorizedInEveryRegion, || {
        let who = identity.map_or("the root of the account", |it| it.principal.arn());
        let (Demand { action, resource, region, .. }, operation) = (demand, asked.request.operation());
        format!("{operation} succeeded, and {who} may not {action} on {resource} in {region}")
    })
}

/// Whether the caller of `asked`, and be it the root of the account, may do what `demand` says with a resource that has
/// this policy; `None` is undecided.
pub(super) fn under(
    scene: &dyn WorldView,
    asked: &OpenCall,
    policy: &Document,
    demand: &Demand<'_>,
) -> Option<bool> {
    match asked.principal {
        Some(_) => is_permitted(identity(scene, asked)?, Some(policy), demand),
        None => is_permitted(&Identity::root(asked.account), Some(policy), demand),
    }
}

/// Who asks, unless he may do everything.
fn identity<'a>(scene: &'a dyn WorldView, asked: &OpenCall) -> Option<&'a Identity> {
    asked.principal.and_then(|principal| scene.identity(principal))
}

/// The policy of a resource.
#[derive(Clone, Copy)]
enum PolicyView<'a> {
    None,
    Is(&'a Document),
    /// One was put on or taken off meanwhile, or the resource is gone.
    Unknown,
}

impl<'a> PolicyView<'a> {
    /// That of `cluster` since before `at`; none, if it is about no cluster.
    fn of(scene: &dyn WorldView, cluster: Option<&'a Cluster>, at: Instant) -> PolicyView<'a> {
        let Some(attached) = cluster.and_then(|it| it.attached.as_deref()).filter(|it| it.policies > 0)
        else {
            return PolicyView::None;
        };
        let is_in_force = attached.policy_changed.after(scene.assumptions().policy_delay) < at;
        match &attached.policy {
            _ if !is_in_force => PolicyView::Unknown,
            None => PolicyView::None,
            Some(policy) => PolicyView::Is(&policy.document),
        }
    }

    fn of_peer(
        scene: &dyn WorldView,
        records: &'a Records,
        peer: Option<ClusterArn>,
        at: Instant,
    ) -> PolicyView<'a> {
        match peer.map(|peer| records.at(peer)) {
            None => PolicyView::None,
            Some(None) => PolicyView::Unknown,
            Some(cluster) => PolicyView::of(scene, cluster, at),
        }
    }

    fn permits(self, identity: &Identity, demand: &Demand<'_>) -> Option<bool> {
        match self {
            PolicyView::None => is_permitted(identity, None, demand),
            PolicyView::Is(document) => is_permitted(identity, Some(document), demand),
            // Whatever it says, it cannot take away what nothing is known to give.
            PolicyView::Unknown => None,
        }
    }
}
