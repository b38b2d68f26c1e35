//! The invariant about permissions: what was carried out was allowed, wherever somebody has a say.

use crate::api::{MultiRegionProperties, Operation, Request, Tags};
use crate::control::cluster::Cluster;
use crate::control::message::Commit;
use crate::iam::{Context, Effect, Identity};
use crate::map::FixedMap;
use crate::region::Region;
use crate::sim::Change;
use crate::types::{ClusterArn, Identifier};

use super::Verdict;
use super::invariant::{Invariant, Judge};

/// What is remembered of clusters whose tags or policies may have had a say.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowed {
    /// The clusters that ever had a tag or a policy.
    labelled: FixedMap<Identifier, ()>,
}

impl Allowed {
    pub(super) fn look(&mut self, judge: &mut Judge<'_>, change: &Change) -> Verdict {
        let Change::Wrote { commit, .. } = change else { return Ok(()) };
        if !judge.scene.has_principals() {
            return Ok(());
        }
        let Some((_, _, Some(cluster))) = &commit.batch.cluster else { return Ok(()) };
        if cluster.tags.is_some() || cluster.attached.is_some() {
            self.labelled.insert(cluster.arn.identifier, ());
        }
        self.allowed_everywhere(judge, commit, cluster)
    }

    /// The own Region checks before anything else, and nothing is carried out before the witness Region and the peers'
    /// have answered. A call is carried out when its answer is recorded with its token.
    ///
    /// Principals' own policies do not change, so it does not matter when each Region looked at them; where a
    /// cluster's tags or policy may have decided otherwise, nothing is said.
    fn allowed_everywhere(&self, judge: &mut Judge<'_>, commit: &Commit, cluster: &Cluster) -> Verdict {
        let (Some(cause), Some(_)) = (commit.cause, &commit.batch.token) else { return Ok(()) };
        let scene = judge.scene;
        let Some(identity) = scene.identity_of(cause) else { return Ok(()) };
        let Some(request) = scene.request_of(cause) else { return Ok(()) };
        let before = commit.before.cluster.as_deref();
        for demand in demands(request, before, cluster.arn) {
            if demand.of.is_some_and(|cluster| self.labelled.contains_key(&cluster)) {
                continue;
            }
            judge.ensure(demand.is_met(identity), Invariant::AllowedEverywhere, || {
                let (who, Demand { action, resource, region, .. }) = (identity.principal.arn(), &demand);
                let operation = request.operation();
                format!("{operation} was carried out, and {who} may not {action} on {resource} in {region}")
            })?;
        }
        Ok(())
    }
}

/// Something that whoever calls must be allowed.
struct Demand {
    action: String,
    resource: String,
    /// The cluster that `resource` is.
    of: Option<Identifier>,
    region: Region,
    keys: Context,
}

impl Demand {
    fn new(action: &str, region: Region, resource: String, of: Option<Identifier>) -> Demand {
        let mut keys = Context::default();
        keys.set("aws:RequestedRegion", [region.name()]);
        Demand { action: format!("dsql:{action}"), resource, of, region, keys }
    }

    /// On the exact ARN of a cluster.
    fn on(action: &str, cluster: ClusterArn) -> Demand {
        Demand::new(action, cluster.region, cluster.to_string(), Some(cluster.identifier))
    }

    /// On any cluster that the account of `own` may have in `region`.
    fn on_any(action: &str, region: Region, own: ClusterArn) -> Demand {
        Demand::new(action, region, format!("arn:aws:dsql:{region}:{}:cluster/*", own.account), None)
    }

    fn with_witness(mut self, witness: &str) -> Demand {
        self.keys.set("dsql:WitnessRegion", [witness]);
        self
    }

    fn with_tags(mut self, tags: Option<&Tags>) -> Demand {
        for (key, value) in tags.iter().flat_map(|tags| tags.iter()) {
            self.keys.set(format!("aws:RequestTag/{key}"), [value.as_str()]);
        }
        self.keys.set("aws:TagKeys", tags.iter().flat_map(|tags| tags.keys().cloned()));
        self
    }

    fn is_met(&self, identity: &Identity) -> bool {
        identity.decide(&self.action, &self.resource, None, self.keys.clone()).effect == Effect::Allow
    }
}

/// What the call that made `own` what it is must have been allowed.
fn demands(request: &Request, before: Option<&Cluster>, own: ClusterArn) -> Vec<Demand> {
    match request {
        Request::CreateCluster(input) => {
            let here = |action| Demand::on_any(action, own.region, own);
            let properties = input.multi_region_properties.as_deref();
            let witness = properties.and_then(|it| it.witness_region.as_deref()).unwrap_or_default();
            let create = here(Operation::CreateCluster.name()).with_tags(input.tags.as_ref());
            let mut demands = vec![if witness.is_empty() { create } else { create.with_witness(witness) }];
            demands.extend(properties.into_iter().flat_map(|it| elsewhere(it, None, own)));
            demands
        }
        Request::UpdateCluster(input) => {
            let properties = input.multi_region_properties.as_deref();
            let mut demands = vec![Demand::on("UpdateCluster", own), Demand::on("GetCluster", own)];
            demands.extend(properties.into_iter().flat_map(|it| elsewhere(it, before, own)));
            demands
        }
        Request::DeleteCluster(_) | Request::PutClusterPolicy(_) | Request::DeleteClusterPolicy(_) => {
            vec![Demand::on(request.operation().name(), own)]
        }
        _ => Vec::new(),
    }
}

/// What the witness Region and the peers' Regions must have allowed.
fn elsewhere(properties: &MultiRegionProperties, before: Option<&Cluster>, own: ClusterArn) -> Vec<Demand> {
    let witness = properties.witness_region.as_deref().and_then(Region::parse);
    let put = |region: Region| Demand::on_any("PutWitnessRegion", region, own).with_witness(region.name());
    let mut demands: Vec<Demand> = witness.map(put).into_iter().collect();
    let Some(listed) = &properties.clusters else { return demands };
    let listed: Vec<ClusterArn> = listed.iter().filter_map(|arn| ClusterArn::parse(arn)).collect();
    let added = listed.iter().filter(|peer| **peer != own);
    demands.extend(added.map(|peer| Demand::on("AddPeerCluster", *peer)));
    let left = before.and_then(|before| before.multi_region.as_deref()?.peer);
    let left = left.filter(|peer| !listed.contains(peer));
    demands.extend(left.map(|peer| Demand::on("RemovePeerCluster", peer)));
    demands
}
