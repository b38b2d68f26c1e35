//! The invariant about permissions: what was carried out was allowed, wherever somebody has a say.

use std::cell::Cell;

use crate::api::{MultiRegionProperties, Request, Tags};
use crate::control::cluster::Cluster;
use crate::control::message::Commit;
use crate::iam::{Context, Effect, Identity, Key, Question, Values, find, judge};
use crate::region::Region;
use crate::types::ClusterArn;

use super::invariant::{Invariant, Judge};
use super::{Scene, Verdict};

/// The own Region checks before anything else, and nothing is carried out before the witness Region and the peers' have
/// answered. A call is carried out when its answer is recorded with its token, or when it is written down as an intent
/// for the link register to decide: whose answer is recorded later may be somebody else's, who joined.
///
/// Principals' own policies do not change, so it does not matter when each Region looked at them; where a cluster's
/// tags or policy may have decided otherwise, nothing is said.
pub(super) fn allowed_everywhere(judge: &mut Judge<'_>, commit: &Commit) -> Verdict {
    let (Some((_, _, Some(cluster))), Some(cause)) = (&commit.batch.cluster, commit.cause) else {
        return Ok(());
    };
    let was_waiting = commit.before.cluster.as_ref().is_some_and(|before| before.intent.is_some());
    if was_waiting || (commit.batch.token.is_none() && cluster.intent.is_none()) {
        return Ok(());
    }
    let scene = judge.scene;
    let Some(identity) = scene.identity_of(cause) else { return Ok(()) };
    let Some(request) = scene.request_of(cause) else { return Ok(()) };
    for demand in demands(request, commit.before.cluster.as_deref(), cluster.arn) {
        let said = Said { demand: &demand, identity, is_about_tags: Cell::new(false) };
        let is_met = said.is_allowed() || said.is_about_tags.get() || demand.may_have_a_policy(scene);
        judge.ensure(is_met, Invariant::AllowedEverywhere, || {
            let (who, Demand { action, resource, region, .. }) = (identity.principal.arn(), &demand);
            let operation = request.operation();
            format!("{operation} was carried out, and {who} may not {action} on {resource} in {region}")
        })?;
    }
    Ok(())
}

/// Something that whoever calls must be allowed.
#[derive(Debug)]
struct Demand<'a> {
    action: &'static str,
    resource: String,
    /// The cluster that `resource` is.
    of: Option<ClusterArn>,
    region: Region,
    witness: Option<&'a str>,
    tags: Option<&'a Tags>,
}

impl<'a> Demand<'a> {
    /// On the exact ARN of a cluster.
    fn on(action: &'static str, cluster: ClusterArn) -> Demand<'a> {
        let of = Some(cluster);
        Demand {
            action,
            resource: cluster.to_string(),
            of,
            region: cluster.region,
            witness: None,
            tags: None,
        }
    }

    /// On any cluster that the account of `own` may have in `region`.
    fn on_any(action: &'static str, region: Region, own: ClusterArn) -> Demand<'a> {
        let resource = format!("arn:aws:dsql:{region}:{}:cluster/*", own.account);
        Demand { action, resource, of: None, region, witness: None, tags: None }
    }

    /// Whether it is about a cluster that is gone, or has ever had a policy.
    fn may_have_a_policy(&self, scene: &dyn Scene) -> bool {
        self.of.is_some_and(|arn| {
            let cluster = scene.storage(arn.region).and_then(|storage| storage.cluster(arn.identifier));
            cluster
                .is_none_or(|cluster| cluster.attached.as_ref().is_some_and(|attached| attached.policies > 0))
        })
    }
}

/// What was known of the caller and of his call.
#[derive(Debug)]
struct Said<'a> {
    demand: &'a Demand<'a>,
    identity: &'a Identity,
    /// Whether a policy asks for the tags of the resource.
    is_about_tags: Cell<bool>,
}

impl Said<'_> {
    fn is_allowed(&self) -> bool {
        let (principal, Demand { action, resource, .. }) = (&self.identity.principal, self.demand);
        let question = Question { principal, action, resource, context: self };
        judge(self.identity.policies(None), question).effect == Effect::Allow
    }
}

impl Context for Said<'_> {
    fn get(&self, key: &str) -> Option<Values<'_>> {
        let is_tag = key.get(..TAG.len()).is_some_and(|head| head.eq_ignore_ascii_case(TAG));
        self.is_about_tags.set(self.is_about_tags.get() || is_tag);
        find(self, key)
    }

    fn each<'a>(&'a self, see: &mut dyn FnMut(Key<'a>, Values<'a>)) {
        let Demand { region, witness, tags, .. } = self.demand;
        self.identity.each(see);
        see(Key("aws:RequestedRegion", ""), Values::One(region.name()));
        witness.iter().for_each(|witness| see(Key("dsql:WitnessRegion", ""), Values::One(witness)));
        if let Some(tags) = tags.filter(|tags| !tags.is_empty()) {
            tags.iter().for_each(|(key, value)| see(Key("aws:RequestTag/", key), Values::One(value)));
            see(Key("aws:TagKeys", ""), Values::KeysOf(tags));
        }
    }
}

/// What the call that made `own` what it is must have been allowed.
fn demands<'a>(request: &'a Request, before: Option<&Cluster>, own: ClusterArn) -> Vec<Demand<'a>> {
    match request {
        Request::CreateCluster(input) => {
            let properties = input.multi_region_properties.as_deref();
            let witness = properties.and_then(|it| it.witness_region.as_deref());
            let create = Demand::on_any("dsql:CreateCluster", own.region, own);
            let mut demands = vec![Demand { witness, tags: input.tags.as_ref(), ..create }];
            demands.extend(properties.into_iter().flat_map(|it| elsewhere(it, None, own)));
            demands
        }
        Request::UpdateCluster(input) => {
            let properties = input.multi_region_properties.as_deref();
            let mut demands = vec![Demand::on("dsql:UpdateCluster", own), Demand::on("dsql:GetCluster", own)];
            demands.extend(properties.into_iter().flat_map(|it| elsewhere(it, before, own)));
            demands
        }
        Request::DeleteCluster(_) => vec![Demand::on("dsql:DeleteCluster", own)],
        _ => Vec::new(),
    }
}

/// What the witness Region and the peers' Regions must have allowed.
fn elsewhere<'a>(
    properties: &'a MultiRegionProperties,
    before: Option<&Cluster>,
    own: ClusterArn,
) -> Vec<Demand<'a>> {
    let witness = properties.witness_region.as_deref();
    let put = |region| Demand { witness, ..Demand::on_any("dsql:PutWitnessRegion", region, own) };
    let mut demands: Vec<_> = witness.and_then(Region::parse).map(put).into_iter().collect();
    let Some(listed) = &properties.clusters else { return demands };
    let listed: Vec<ClusterArn> = listed.iter().filter_map(|arn| ClusterArn::parse(arn)).collect();
    let added = listed.iter().filter(|peer| **peer != own);
    demands.extend(added.map(|peer| Demand::on("dsql:AddPeerCluster", *peer)));
    let left = before.and_then(|before| before.multi_region.as_deref()?.peer);
    let left = left.filter(|peer| !listed.contains(peer));
    demands.extend(left.map(|peer| Demand::on("dsql:RemovePeerCluster", peer)));
    demands
}

/// What the key of a resource's tag begins with.
const TAG: &str = "aws:ResourceTag/";
