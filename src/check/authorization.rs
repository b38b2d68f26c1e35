//! The invariant about permissions: a call has only effects that every Region with a say allowed to its caller. Also
//! the check of the cause of an AccessDeniedException.
//!
//! `demands` lists the permissions that a call needs, and `permitted` evaluates policies. Both are written a second
//! time and share nothing with the control planes and their evaluator, so that an error in one of the two shows.

use crate::api::{Error, Request};
use crate::control::authorization::IamAction;
use crate::control::message::Commit;
use crate::control::records::Cluster;
use crate::iam::{Document, Identity};
use crate::region::Region;
use crate::types::{ClusterArn, Instant};

use super::invariant::{CheckContext, Invariant};
use super::open::OpenCall;
use super::permitted::{Demand, is_permitted};
use super::records::{Records, names_one_resource};
use super::{CheckResult, WorldView, demands};

/// Injected denials: the Region, the action, the beginning, and the end if there was one.
#[derive(Clone, Debug, Default)]
pub(super) struct Denied(Vec<(Region, &'static str, Instant, Option<Instant>)>);

impl Denied {
    /// A denial of `action` in `region` begins or ends.
    pub(super) fn set(&mut self, region: Region, action: IamAction, now: Instant, denied: bool) {
        let name = action.iam_name();
        let mut lasting = self.0.iter_mut().filter(|it| it.0 == region && it.1 == name && it.3.is_none());
        match (lasting.next(), denied) {
            (None, true) => self.0.push((region, name, now, None)),
            (Some(known), false) => known.3 = Some(now),
            _ => {}
        }
    }

    /// Every denial ends.
    pub(super) fn clear(&mut self, now: Instant) {
        self.0.iter_mut().filter(|it| it.3.is_none()).for_each(|it| it.3 = Some(now));
    }

    /// Whether the action of `demand` was denied from before `from` until after `to`. A denial that begins or ends
    /// within that time may have missed the check, and is no proof.
    fn throughout(&self, demand: &Demand<'_>, from: Instant, to: Instant) -> bool {
        self.of(demand).any(|(since, until)| since < from && until.is_none_or(|until| to < until))
    }

    /// Whether the action of `demand` was denied at any moment from `from` to `to`: the check may have met the
    /// denial.
    fn at_some_moment(&self, demand: &Demand<'_>, from: Instant, to: Instant) -> bool {
        self.of(demand).any(|(since, until)| since <= to && until.is_none_or(|until| from <= until))
    }

    fn of(&self, demand: &Demand<'_>) -> impl Iterator<Item = (Instant, Option<Instant>)> {
        let found = self.0.iter().filter(|it| it.0 == demand.region && it.1 == demand.action);
        found.map(|it| (it.2, it.3))
    }
}

/// The call's own Region evaluates its permissions before anything else, for every operation, and so also before a
/// retry is answered from its token.
pub(super) fn answered(
    ctx: &mut CheckContext<'_>,
    denied: &Denied,
    records: &Records,
    call: &OpenCall,
) -> CheckResult {
    if call.principal.is_none() && denied.0.is_empty() {
        return Ok(());
    }
    let cluster = records.cluster_of(call);
    // The policy of a cluster that is gone is gone with it. It may have allowed the call, and nothing can be proved
    // against the success.
    let is_gone = cluster.is_none() && names_one_resource(&call.request);
    for demand in demands::of_own_region(call, cluster) {
        let of = cluster.filter(|cluster| demand.resource == cluster.arn.to_string());
        let policy =
            if is_gone { PolicyView::Unknown } else { PolicyView::of(ctx.view, of, call.arrived.at) };
        let is_denied = denied.throughout(&demand, call.arrived.at, call.arrived.at);
        ensure(ctx, call, &demand, is_denied, policy)?;
    }
    Ok(())
}

/// No call is carried out before the Regions of the witness and the peers have answered. A call is carried out when
/// its answer is recorded with its token, or when it becomes an intent for the link register to decide. A token that
/// is recorded after a wait for the register is not judged: its cause may be a call that joined.
///
/// The policies of principals never change, so the moment at which each Region evaluated them does not matter. Where
/// a cluster's tags, or a policy that was attached meanwhile, may have decided otherwise, the check is silent.
pub(super) fn carried_out(
    ctx: &mut CheckContext<'_>,
    denied: &Denied,
    records: &Records,
    commit: &Commit,
    call: &OpenCall,
) -> CheckResult {
    let Some((_, _, Some(after))) = &commit.batch.cluster else { return Ok(()) };
    let before = commit.before.cluster.as_deref();
    // The intent was judged when it was written, and `commit.cause` may be another call by now.
    let was_waiting = before.is_some_and(|before| before.intent.is_some());
    if was_waiting || (commit.batch.token.is_none() && after.intent.is_none()) {
        return Ok(());
    }
    if call.principal.is_none() && denied.0.is_empty() {
        return Ok(());
    }
    let now = ctx.view.now();
    for (peer, demand) in demands::of_other_regions(call, before) {
        let is_denied = denied.throughout(&demand, call.arrived.at, now);
        let policy = PolicyView::of_peer(ctx.view, records, peer, call.arrived.at);
        ensure(ctx, call, &demand, is_denied, policy)?;
    }
    Ok(())
}

/// Whether `error`, an AccessDeniedException, may be the answer to `call`: a permission that the call needs is
/// denied, or is not known to be granted, and the message names that permission.
pub(super) fn may_be_denied(
    view: &dyn WorldView,
    denied: &Denied,
    records: &Records,
    call: &OpenCall,
    error: &Error,
) -> bool {
    let now = view.now();
    let cluster = records.cluster_of(call);
    let of_own_region = demands::of_own_region(call, cluster).into_iter().map(|demand| {
        let of = cluster.filter(|cluster| demand.resource == cluster.arn.to_string());
        (PolicyView::of(view, of, call.arrived.at), demand)
    });
    // The peer may have gone from the record since it was asked.
    let left = call.peer.and_then(|peer| demands::of_left_peer(call, peer));
    let of_other_regions = demands::of_other_regions(call, cluster).into_iter().chain(left);
    let of_other_regions = of_other_regions
        .map(|(peer, demand)| (PolicyView::of_peer(view, records, peer, call.arrived.at), demand));
    let is_create = matches!(*call.request, Request::CreateCluster(_));
    // Without the service-linked role the first create needs one more permission, which depends on what other Regions
    // did at the same time; every denial of a create is accepted.
    let lacks_role = is_create && !view.assumptions().service_linked_role;
    let mut all = of_own_region.chain(of_other_regions);
    lacks_role
        || all.any(|(policy, demand)| {
            let is_denied = denied.at_some_moment(&demand, call.arrived.at, now)
                || identity(view, call)
                    .is_some_and(|identity| policy.permits(identity, &demand) != Some(true));
            is_denied && is_named(&demand, error.message())
        })
}

/// Whether the message of a denial names `demand`: the action, the resource, and the Region that checked it.
fn is_named(demand: &Demand<'_>, message: &str) -> bool {
    let Demand { action, resource, region, .. } = demand;
    message.contains(&format!(" to perform: {action} on resource: {resource} "))
        && message.ends_with(&format!("(checked in {region})"))
}

fn ensure(
    ctx: &mut CheckContext<'_>,
    call: &OpenCall,
    demand: &Demand<'_>,
    is_denied: bool,
    policy: PolicyView<'_>,
) -> CheckResult {
    let view = ctx.view;
    let identity = identity(view, call);
    let is_met = !is_denied && identity.is_none_or(|it| policy.permits(it, demand) != Some(false));
    ctx.ensure(is_met, Invariant::AuthorizedInEveryRegion, || {
        let who = identity.map_or("the root of the account", |it| it.principal.arn());
        let (Demand { action, resource, region, .. }, operation) = (demand, call.request.operation());
        format!("{operation} succeeded, and {who} may not {action} on {resource} in {region}")
    })
}

/// Whether the caller of `call`, including the root of the account, may perform `demand` on a resource with this
/// policy; `None` if undecided.
pub(super) fn is_allowed_under(
    view: &dyn WorldView,
    call: &OpenCall,
    policy: &Document,
    demand: &Demand<'_>,
) -> Option<bool> {
    match call.principal {
        Some(_) => is_permitted(identity(view, call)?, Some(policy), demand),
        None => is_permitted(&Identity::root(call.account), Some(policy), demand),
    }
}

/// The identity of the caller; `None` if the caller has no restrictions.
fn identity<'a>(view: &'a dyn WorldView, call: &OpenCall) -> Option<&'a Identity> {
    call.principal.and_then(|principal| view.identity(principal))
}

/// The resource policy at the time of a check, as far as it is known.
#[derive(Clone, Copy)]
enum PolicyView<'a> {
    None,
    Is(&'a Document),
    /// A policy was attached or removed near the time of the check, or the resource is gone.
    Unknown,
}

impl<'a> PolicyView<'a> {
    /// The policy of `cluster` that has been in force since before `at`; `None` without a cluster.
    fn of(view: &dyn WorldView, cluster: Option<&'a Cluster>, at: Instant) -> PolicyView<'a> {
        let Some(attached) = cluster.and_then(|it| it.attached.as_deref()).filter(|it| it.policies > 0)
        else {
            return PolicyView::None;
        };
        // A policy takes effect with a delay, so a change within it may or may not have counted.
        let is_in_force = attached.policy_changed.after(view.assumptions().policy_delay) < at;
        match &attached.policy {
            _ if !is_in_force => PolicyView::Unknown,
            None => PolicyView::None,
            Some(policy) => PolicyView::Is(&policy.document),
        }
    }

    fn of_peer(
        view: &dyn WorldView,
        records: &'a Records,
        peer: Option<ClusterArn>,
        at: Instant,
    ) -> PolicyView<'a> {
        match peer.map(|peer| records.at(peer)) {
            None => PolicyView::None,
            Some(None) => PolicyView::Unknown,
            Some(cluster) => PolicyView::of(view, cluster, at),
        }
    }

    fn permits(self, identity: &Identity, demand: &Demand<'_>) -> Option<bool> {
        match self {
            PolicyView::None => is_permitted(identity, None, demand),
            PolicyView::Is(document) => is_permitted(identity, Some(document), demand),
            // An unknown policy may grant or deny anything.
            PolicyView::Unknown => None,
        }
    }
}
