//! The calls that make pairs and part them.

use crate::api::MultiRegionProperties;
use crate::region::Region;

use super::super::draws::Draws;
use super::{CallDraft, CallPlan, New, PlannedCluster};

/// Creates a cluster that may be peered.
pub(super) fn create(draws: Draws, story: &CallPlan<'_>, region: Region) -> CallDraft {
    let place = &story.plan.place;
    let other = place.opposite(draws, region);
    let witness = place.witness_of([region, other]);
    let properties =
        MultiRegionProperties { witness_region: Some(witness.name().to_owned()), clusters: None };
    let new = New { witness: Some(witness), partner: None };
    CallDraft::create(region, Some(properties), new)
}

/// Creates a cluster that declares the one in place `peer`.
pub(super) fn create_with(draws: Draws, story: &CallPlan<'_>, peer: usize) -> CallDraft {
    let place = &story.plan.place;
    let declared = &story.clusters[peer];
    let region = match draws.chance("opposite", 90) {
        true => place.opposite(draws, declared.region),
        false => draws.among("region", place.clusters()).expect("there are two"),
    };
    let witness = declared.witness.unwrap_or(place.witness);
    let mut clusters = vec![declared.arn()];
    add_another(draws, story, peer, &mut clusters);
    let witness_region = Some(witness.name().to_owned());
    let properties = MultiRegionProperties { witness_region, clusters: Some(clusters) };
    let new = New { witness: Some(witness), partner: Some(peer) };
    CallDraft::create(region, Some(properties), new)
}

/// Declares a peer of the cluster in this place: whom it is meant for, mostly, or another that could be.
pub(super) fn declare(draws: Draws, story: &CallPlan<'_>, place: usize) -> CallDraft {
    let cluster = &story.clusters[place];
    let suits = |other: &PlannedCluster| {
        other.witness.is_some() && other.region != cluster.region && other.name != cluster.name
    };
    let meant = |known: usize| {
        let declared_it =
            |(other, it): (usize, &PlannedCluster)| (it.partner == Some(known)).then_some(other);
        cluster.partner.or_else(|| story.clusters.iter().enumerate().find_map(declared_it))
    };
    let partner = meant(place).filter(|_| draws.chance("whom it is meant for", 70));
    let partner = story.peer.or(partner);
    let peer = partner.or_else(|| story.some(draws.about("peer", 0), suits)).unwrap_or(place);
    let mut clusters = vec![story.clusters[peer].arn()];
    add_another(draws, story, peer, &mut clusters);
    match draws.weigh("own", &[(5, "absent"), (3, "first"), (2, "last")]) {
        "first" => clusters.insert(0, cluster.arn()),
        "last" => clusters.push(cluster.arn()),
        _ => {}
    }
    let mut properties = MultiRegionProperties { witness_region: None, clusters: Some(clusters) };
    name_witness(draws, story, cluster, &mut properties);
    CallDraft::update(cluster, properties)
}

/// Takes the declaration of the cluster in this place back.
pub(super) fn withdraw(draws: Draws, story: &CallPlan<'_>, place: usize) -> CallDraft {
    let cluster = &story.clusters[place];
    let clusters = if draws.chance("own", 50) { vec![cluster.arn()] } else { Vec::new() };
    let mut properties = MultiRegionProperties { witness_region: None, clusters: Some(clusters) };
    name_witness(draws, story, cluster, &mut properties);
    CallDraft::update(cluster, properties)
}

/// Names another witness Region, or the same again.
pub(super) fn change_witness(draws: Draws, story: &CallPlan<'_>, cluster: &PlannedCluster) -> CallDraft {
    let place = &story.plan.place;
    let drawn = draws.pick("witness", &place.set);
    let partner = cluster.partner.filter(|_| draws.chance("where the peer is", 20));
    let witness = partner.map_or(drawn, |partner| story.clusters[partner].region);
    let witness_region = Some(witness.name().to_owned());
    let mut properties = MultiRegionProperties { witness_region, clusters: None };
    if draws.chance("with itself", 45) {
        properties.clusters = Some(vec![cluster.arn()]);
    }
    CallDraft::update(cluster, properties)
}

/// Most updates name the witness that there is.
fn name_witness(
    draws: Draws,
    story: &CallPlan<'_>,
    cluster: &PlannedCluster,
    properties: &mut MultiRegionProperties,
) {
    let witness = match draws.weigh("named witness", &[(20, "same"), (1, "none"), (1, "another")]) {
        "same" => cluster.witness.unwrap_or(story.plan.place.witness),
        "none" => return,
        _ => draws.pick("another witness", &story.plan.place.set),
    };
    properties.witness_region = Some(witness.name().to_owned());
}

/// Seldom somebody wants two peers.
fn add_another(draws: Draws, story: &CallPlan<'_>, peer: usize, clusters: &mut Vec<String>) {
    if draws.chance("another peer", 4) {
        let other = story.some(draws.about("another", 0), |it| it.name != story.clusters[peer].name);
        clusters.extend(other.map(|other| story.clusters[other].arn()));
    }
}
