//! The calls that link clusters into pairs and dissolve them.

use crate::api::MultiRegionProperties;
use crate::region::Region;

use super::super::draws::Draws;
use super::{CallDraft, CallPlan, NewCluster, PlannedCluster};

/// Creates a multi-Region cluster without a peer, which waits in PENDING_SETUP.
pub(super) fn create(draws: Draws, calls: &CallPlan<'_>, region: Region) -> CallDraft {
    let topology = &calls.plan.topology;
    let other = topology.opposite(draws, region);
    let witness = topology.witness_of([region, other]);
    let properties =
        MultiRegionProperties { witness_region: Some(witness.name().to_owned()), clusters: None };
    let new = NewCluster { witness: Some(witness), partner: None };
    CallDraft::create(region, Some(properties), new)
}

/// Creates a cluster that declares the planned cluster `peer` (an index) as its peer.
pub(super) fn create_with(draws: Draws, calls: &CallPlan<'_>, peer: usize) -> CallDraft {
    let topology = &calls.plan.topology;
    let declared = &calls.clusters[peer];
    let region = match draws.chance("opposite", 90) {
        // Otherwise both clusters may be in one Region, which is refused.
        true => topology.opposite(draws, declared.region),
        false => draws.among("region", topology.clusters()).expect("there are two"),
    };
    let witness = declared.witness.unwrap_or(topology.witness);
    let mut clusters = vec![declared.arn()];
    add_another(draws, calls, peer, &mut clusters);
    let witness_region = Some(witness.name().to_owned());
    let properties = MultiRegionProperties { witness_region, clusters: Some(clusters) };
    let new = NewCluster { witness: Some(witness), partner: Some(peer) };
    CallDraft::create(region, Some(properties), new)
}

/// Declares a peer of the planned cluster `index`: mostly its intended partner, otherwise any multi-Region cluster in
/// another Region.
pub(super) fn declare(draws: Draws, calls: &CallPlan<'_>, index: usize) -> CallDraft {
    let cluster = &calls.clusters[index];
    let suits = |other: &PlannedCluster| {
        other.witness.is_some() && other.region != cluster.region && other.name != cluster.name
    };
    // The partner is the cluster that this one declared at its creation, or else the first that declared this one.
    let declarer = || calls.clusters.iter().position(|other| other.partner == Some(index));
    let partner = cluster.partner.or_else(declarer).filter(|_| draws.chance("whom it is meant for", 70));
    let partner = calls.peer.or(partner);
    let peer = partner.or_else(|| calls.draw_cluster(draws.about("peer", 0), suits)).unwrap_or(index);
    let mut clusters = vec![calls.clusters[peer].arn()];
    add_another(draws, calls, peer, &mut clusters);
    // The API accepts the cluster's own ARN in the list and ignores it.
    match draws.weigh("own", &[(5, "absent"), (3, "first"), (2, "last")]) {
        "first" => clusters.insert(0, cluster.arn()),
        "last" => clusters.push(cluster.arn()),
        _ => {}
    }
    let mut properties = MultiRegionProperties { witness_region: None, clusters: Some(clusters) };
    name_witness(draws, calls, cluster, &mut properties);
    CallDraft::update(cluster, properties)
}

/// Withdraws the declaration of the planned cluster `index`: replaces its list of clusters with an empty one, or with
/// itself alone.
pub(super) fn withdraw(draws: Draws, calls: &CallPlan<'_>, index: usize) -> CallDraft {
    let cluster = &calls.clusters[index];
    let clusters = if draws.chance("own", 50) { vec![cluster.arn()] } else { Vec::new() };
    let mut properties = MultiRegionProperties { witness_region: None, clusters: Some(clusters) };
    name_witness(draws, calls, cluster, &mut properties);
    CallDraft::update(cluster, properties)
}

/// Names a witness Region: another one, by chance the same, or seldom that of the peer, which is refused.
pub(super) fn change_witness(draws: Draws, calls: &CallPlan<'_>, cluster: &PlannedCluster) -> CallDraft {
    let topology = &calls.plan.topology;
    let drawn = draws.pick("witness", &topology.set);
    let partner = cluster.partner.filter(|_| draws.chance("where the peer is", 20));
    let witness = partner.map_or(drawn, |partner| calls.clusters[partner].region);
    let witness_region = Some(witness.name().to_owned());
    let mut properties = MultiRegionProperties { witness_region, clusters: None };
    if draws.chance("with itself", 45) {
        properties.clusters = Some(vec![cluster.arn()]);
    }
    CallDraft::update(cluster, properties)
}

/// Names the current witness Region in most updates, as every published example does; seldom none, or any other.
fn name_witness(
    draws: Draws,
    calls: &CallPlan<'_>,
    cluster: &PlannedCluster,
    properties: &mut MultiRegionProperties,
) {
    let witness = match draws.weigh("named witness", &[(20, "same"), (1, "none"), (1, "another")]) {
        "same" => cluster.witness.unwrap_or(calls.plan.topology.witness),
        "none" => return,
        _ => draws.pick("another witness", &calls.plan.topology.set),
    };
    properties.witness_region = Some(witness.name().to_owned());
}

/// Seldom adds a second peer, which is refused: a pair has two clusters.
fn add_another(draws: Draws, calls: &CallPlan<'_>, peer: usize, clusters: &mut Vec<String>) {
    if draws.chance("another peer", 4) {
        let other = calls.draw_cluster(draws.about("another", 0), |it| it.name != calls.clusters[peer].name);
        clusters.extend(other.map(|other| calls.clusters[other].arn()));
    }
}
