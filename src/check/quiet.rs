//! Invariants of a world that is quiet: nothing is left to happen, so whatever was to converge has converged.

use crate::api::EncryptionStatus;
use crate::control::attached::Stream;
use crate::control::cluster::Cluster;
use crate::control::durable::Durable;
use crate::region::Region;
use crate::types::ClusterStatus;

use super::Verdict;
use super::clusters::{Clusters, is_being_deleted, is_leaving};
use super::invariant::{Invariant, Judge};

/// Every cluster that wants something from its link register asks until it gets it, whoever else crashed or was cut
/// off, so that both sides learn what was chosen as soon as two of the three acceptors can talk.
pub(super) fn converged(clusters: &Clusters, judge: &mut Judge<'_>, except: Option<Region>) -> Verdict {
    let scene = judge.scene;
    for cluster in clusters.pairs().filter(|cluster| Some(cluster.arn.region) != except) {
        let Some(peer) = declared_peer(cluster).and_then(|peer| clusters.get(peer)) else { continue };
        if Some(peer.arn.region) == except {
            continue;
        }
        let is_mutual =
            declared_peer(peer).map(|it| clusters.get(it).map(|it| it.arn)) == Some(Some(cluster.arn));
        let same_witness = cluster.multi_region.as_deref().map(|it| it.witness)
            == peer.multi_region.as_deref().map(|it| it.witness);
        if is_mutual && same_witness {
            judge.ensure(is_settled(cluster, peer), Invariant::PeeringConverges, || {
                let (one, other) = (cluster.arn, peer.arn);
                format!(
                    "{one} is {} and {other} is {}, though each declares the other{}",
                    cluster.status,
                    peer.status,
                    scene.who_waits()
                )
            })?;
        } else {
            judge.ensure(cluster.linked_peer().is_none(), Invariant::PeeringConverges, || {
                format!("{} believes to be linked with {}, which does not declare it", cluster.arn, peer.arn)
            })?;
        }
    }
    Ok(())
}

/// Timers and unfinished calls are derived from storage after a crash, and every call has a deadline.
pub(super) fn nothing_is_stuck(
    clusters: &Clusters,
    judge: &mut Judge<'_>,
    except: Option<Region>,
) -> Verdict {
    let scene = judge.scene;
    for region in Region::all().filter(|region| Some(*region) != except) {
        let Some(storage) = scene.storage(region) else { continue };
        judge.ensure(scene.unanswered(region) == 0, Invariant::NothingStuck, || {
            format!(
                "{} requests to {region} were never answered{}",
                scene.unanswered(region),
                scene.who_waits()
            )
        })?;
        let stuck = storage.clusters().find(|cluster| is_stuck(clusters, cluster, except));
        judge.ensure(stuck.is_none(), Invariant::NothingStuck, || {
            let (arn, status) =
                stuck.map_or_else(Default::default, |it| (it.arn.to_string(), it.status.name()));
            format!("{arn} stays {status}{}", scene.who_waits())
        })?;
    }
    Ok(())
}

/// A control plane hears of every change of what is so outside while it is up, meets it when it starts, and looks at it
/// when it puts a key to use.
pub(super) fn no_active_without_key(judge: &mut Judge<'_>, except: Option<Region>) -> Verdict {
    let scene = judge.scene;
    for region in Region::all().filter(|region| Some(*region) != except) {
        let clusters = scene.storage(region).into_iter().flat_map(Durable::clusters);
        for cluster in clusters.filter(|cluster| cluster.kms_key.is_some()) {
            let is_disabled = scene.outside(region).keys_disabled;
            let is_said = match cluster.encryption {
                EncryptionStatus::Enabled => !is_disabled,
                EncryptionStatus::KmsKeyInaccessible => is_disabled,
                // A deletion has overtaken the update.
                EncryptionStatus::Updating | EncryptionStatus::Enabling => true,
            };
            judge.ensure(is_said, Invariant::NoActiveWithoutKey, || {
                let keys = if is_disabled { "disabled" } else { "enabled" };
                let (arn, encryption) = (cluster.arn, cluster.encryption);
                format!("keys are {keys} in {region}, and the encryption status of {arn} is {encryption:?}")
            })?;
        }
    }
    Ok(())
}

/// Whether two clusters that declare each other are where they were to go: linked and up, or one of them waiting until
/// the other is given up too, deleted or left. Once both sides have given the pair up, neither may name the other.
fn is_settled(one: &Cluster, other: &Cluster) -> bool {
    let is_up =
        |cluster: &Cluster| cluster.linked_peer().is_some() && cluster.status != ClusterStatus::PendingSetup;
    let has_given_up = |cluster: &Cluster| is_being_deleted(cluster) || is_leaving(cluster);
    match (has_given_up(one), has_given_up(other)) {
        (false, false) => is_up(one) && is_up(other),
        (true, true) => false,
        _ => true,
    }
}

fn is_stuck(clusters: &Clusters, cluster: &Cluster, except: Option<Region>) -> bool {
    let waits_for_peer = cluster.linked_peer().is_some_and(|peer| {
        Some(peer.region) == except || clusters.get(peer).is_some_and(|peer| !is_being_deleted(peer))
    });
    match cluster.status {
        ClusterStatus::PendingDelete => !waits_for_peer,
        status => {
            let streams_move = cluster.streams().iter().any(Stream::is_transient);
            status.is_transient() || cluster.intent.is_some() || streams_move
        }
    }
}

fn declared_peer(cluster: &Cluster) -> Option<crate::types::ClusterArn> {
    cluster.multi_region.as_deref().and_then(|it| it.peer)
}
