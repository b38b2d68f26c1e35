//! The invariant about permissions: a call has only effects that every Region with a say allowed to its caller. Also
//! the check of the cause of an AccessDeniedException.
//!
//! `demands` lists the permissions that a call needs, and `permitted` evaluates policies. Both are written a second
//! time and share nothing with the control planes and their evaluator, so that an error in one of the two shows.

use std::time::Duration;

use crate::api::{Error, Request, Tags};
use crate::control::authorization::IamAction;
use crate::control::message::Commit;
use crate::control::records::Cluster;
use crate::iam::{Document, Identity};
use crate::region::Region;
use crate::types::{ClusterArn, Identifier, Instant};

use super::invariant::{CheckContext, Invariant};
use super::open::OpenCall;
use super::permitted::{Circumstances, Demand, KeyFacts, Known, ResourceFacts, is_permitted};
use super::records::{Records, names_one_resource};
use super::{CheckResult, WorldView, demands, keys, operations};

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
    let is_unrestricted = call.principal.is_none() && denied.0.is_empty();
    if is_unrestricted && !keys::may_use_key(&call.request) {
        return Ok(());
    }
    let cluster = records.cluster_of(call);
    for demand in operations::of_request(&call.request).demands(call, cluster) {
        let facts = of_own_resource(ctx.view, records, call, cluster, &demand);
        let is_denied = denied.throughout(&demand, call.arrived.at, call.arrived.at);
        ensure(ctx, call, (&demand, facts), call.arrived.at, is_denied)?;
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
        let facts = of_peer(ctx.view, records, peer, call);
        ensure(ctx, call, (&demand, facts), now, is_denied)?;
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
    let of_own_region = operations::of_request(&call.request)
        .demands(call, cluster)
        .into_iter()
        .map(|demand| (call.arrived.at, of_own_resource(view, records, call, cluster, &demand), demand));
    // The peer may have gone from the record since it was asked.
    let left = call.peer.and_then(|peer| demands::of_left_peer(call, peer));
    let of_other_regions = demands::of_other_regions(call, cluster).into_iter().chain(left);
    let of_other_regions =
        of_other_regions.map(|(peer, demand)| (now, of_peer(view, records, peer, call), demand));
    let is_create = matches!(*call.request, Request::CreateCluster(_));
    // Without the service-linked role the first create needs one more permission, which depends on what other Regions
    // did at the same time; every denial of a create is accepted.
    let lacks_role = is_create && !view.assumptions().service_linked_role;
    let mut all = of_own_region.chain(of_other_regions);
    lacks_role
        || all.any(|(until, facts, demand)| {
            let is_denied = denied.at_some_moment(&demand, call.arrived.at, now)
                || may_perform(view, call, until, (&demand, facts)) != Some(true);
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
    (demand, facts): (&Demand<'_>, ResourceFacts<'_>),
    until: Instant,
    is_denied: bool,
) -> CheckResult {
    let view = ctx.view;
    let is_met = !is_denied && may_perform(view, call, until, (demand, facts)) != Some(false);
    let identity = identity(view, call);
    ctx.ensure(is_met, Invariant::AuthorizedInEveryRegion, || {
        let who = identity.map_or("the root of the account", |it| it.principal.arn());
        let (Demand { action, resource, region, .. }, operation) = (demand, call.request.operation());
        format!("{operation} succeeded, and {who} may not {action} on {resource} in {region}")
    })
}

/// Whether the caller of `call`, including the root of the account, may perform `demand` on a resource with this
/// policy and these tags; `None` if undecided.
pub(super) fn is_allowed_under(
    view: &dyn WorldView,
    call: &OpenCall,
    policy: &Document,
    tags: Known<&Tags>,
    demand: &Demand<'_>,
) -> Option<bool> {
    let facts = ResourceFacts { policy: Known::Is(policy), tags };
    let root;
    let identity = if call.principal.is_some() {
        identity(view, call)?
    } else {
        root = Identity::root(call.account);
        &root
    };
    is_permitted(circumstances(view, call, identity, view.now()), facts, demand)
}

/// The circumstances of `call`, whose permission is evaluated after its arrival, and at `until` at the latest.
fn circumstances<'a>(
    view: &'a dyn WorldView,
    call: &OpenCall,
    identity: &'a Identity,
    until: Instant,
) -> Circumstances<'a> {
    let start = view.epoch().seconds();
    let second = |at: Instant| start + Duration::from_nanos(at.0).as_secs();
    let seconds = (second(call.arrived.at), second(until));
    let network = view.network_of(call.delivery.client);
    Circumstances { identity, account: call.account, network, seconds, start }
}

/// Whether the caller of `call` may perform `demand`; `None` if undecided. To the root of the account, only a key
/// policy can deny anything.
fn may_perform(
    view: &dyn WorldView,
    call: &OpenCall,
    until: Instant,
    (demand, facts): (&Demand<'_>, ResourceFacts<'_>),
) -> Option<bool> {
    let root;
    let identity = match identity(view, call) {
        Some(identity) => identity,
        None if demand.key.as_ref().is_some_and(KeyFacts::may_bind_root) => {
            root = Identity::root(call.account);
            &root
        }
        None => return Some(true),
    };
    is_permitted(circumstances(view, call, identity, until), facts, demand)
}

/// The identity of the caller; `None` if the caller has no restrictions.
fn identity<'a>(view: &'a dyn WorldView, call: &OpenCall) -> Option<&'a Identity> {
    call.principal.and_then(|principal| view.identity(principal))
}

/// The facts about the resource of `demand` in the Region of `call`, which names `cluster` if it exists, at the time of
/// the arrival.
fn of_own_resource<'a>(
    view: &dyn WorldView,
    records: &Records,
    call: &'a OpenCall,
    cluster: Option<&'a Cluster>,
    demand: &Demand<'_>,
) -> ResourceFacts<'a> {
    let Some(cluster) = cluster else {
        // The policy of a cluster that is gone is gone with it. It may have allowed the call, and nothing can be proved
        // against the success.
        return if names_one_resource(&call.request) { ResourceFacts::UNKNOWN } else { ResourceFacts::NONE };
    };
    let is_cluster = demand.resource == cluster.arn.to_string();
    if !is_cluster && !demand.resource.contains("/stream/") {
        return ResourceFacts::NONE;
    }
    // A stream has no policy.
    let policy = if is_cluster { policy_of(view, cluster, call.arrived.at) } else { Known::None };
    ResourceFacts { policy, tags: tags_of(records, call, cluster, &demand.resource) }
}

/// The facts about the cluster `peer`; of a demand without a peer, none.
fn of_peer<'a>(
    view: &dyn WorldView,
    records: &'a Records,
    peer: Option<ClusterArn>,
    call: &'a OpenCall,
) -> ResourceFacts<'a> {
    match peer.map(|peer| records.at(peer)) {
        None => ResourceFacts::NONE,
        Some(None) => ResourceFacts::UNKNOWN,
        Some(Some(cluster)) => ResourceFacts {
            policy: policy_of(view, cluster, call.arrived.at),
            tags: tags_of(records, call, cluster, &cluster.arn.to_string()),
        },
    }
}

/// The policy of `cluster`, if it has been in force since before `at`.
fn policy_of<'a>(view: &dyn WorldView, cluster: &'a Cluster, at: Instant) -> Known<&'a Document> {
    let Some(attached) = cluster.attached.as_deref().filter(|it| it.policy_version > 0) else {
        return Known::None;
    };
    // A policy takes effect with a delay, so a change within it may or may not have counted.
    let is_in_force = attached.policy_changed.after(view.assumptions().policy_delay) < at;
    match &attached.policy {
        _ if !is_in_force => Known::Unknown,
        None => Known::None,
        Some(policy) => Known::Is(&policy.document),
    }
}

/// The tags of `resource`, which is `cluster` or one of its streams, when `call` was evaluated.
pub(super) fn tags_of<'a>(
    records: &Records,
    call: &'a OpenCall,
    cluster: &'a Cluster,
    resource: &str,
) -> Known<&'a Tags> {
    // A call about tags writes them in the step in which it is evaluated, so its first write replaced the tags that
    // counted. Any other change since the arrival may or may not have counted.
    let is_about_tags = call.request.resource_arn().is_some();
    let before = call.record.as_ref().and_then(|(before, _)| before.as_deref()).filter(|_| is_about_tags);
    let is_unchanged = || records.is_tagged_since(cluster, call.arrived.at);
    let Some(cluster) = before.or_else(|| is_unchanged().then_some(cluster)) else { return Known::Unknown };
    let tags = match resource.split_once("/stream/") {
        None => cluster.tags.as_ref(),
        Some((_, stream)) => {
            Identifier::parse(stream).and_then(|it| cluster.stream(it)).map(|stream| &stream.tags)
        }
    };
    tags.map_or(Known::None, Known::Is)
}
