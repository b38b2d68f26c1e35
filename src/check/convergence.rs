//! Invariants of a world that is quiet: nothing is left to happen, so whatever was to converge has converged.

use crate::api::EncryptionStatus;
use crate::control::attached::Stream;
use crate::control::cluster::Cluster;
use crate::control::register::{LinkChange, LinkOutcome};
use crate::control::storage::Storage;
use crate::region::Region;
use crate::types::{ClusterArn, ClusterStatus, NodeId};

use super::CheckResult;
use super::invariant::{CheckContext, Invariant};
use super::pairs::{Pairs, is_being_deleted, is_leaving};

/// Every cluster that wants something from its link register asks until it gets it, whoever else crashed or was cut
/// off, so that both sides learn what was chosen as soon as two of the three acceptors can talk.
pub(super) fn converged(pairs: &Pairs, judge: &mut CheckContext<'_>, except: Option<Region>) -> CheckResult {
    for cluster in pairs.iter().filter(|cluster| Some(cluster.arn.region) != except) {
        match declared_peer(cluster) {
            Some(peer) if Some(peer.region) == except => decided_without_peer(judge, cluster, peer)?,
            Some(peer) => {
                if let Some(peer) = pairs.get(peer) {
                    both_settled(judge, cluster, peer)?;
                }
            }
            None => {}
        }
    }
    Ok(())
}

fn both_settled(judge: &mut CheckContext<'_>, cluster: &Cluster, peer: &Cluster) -> CheckResult {
    let scene = judge.scene;
    let witness = |cluster: &Cluster| cluster.multi_region.as_deref().map(|it| it.witness);
    if declared_peer(peer) == Some(cluster.arn) && witness(cluster) == witness(peer) {
        judge.ensure(is_settled(cluster, peer), Invariant::PeeringConverges, || {
            let (one, other) = (cluster.arn, peer.arn);
            format!(
                "{one} is {} and {other} is {}, though each declares the other{}",
                cluster.status,
                peer.status,
                scene.who_waits()
            )
        })
    } else {
        judge.ensure(cluster.linked_peer().is_none(), Invariant::PeeringConverges, || {
            format!("{} believes to be linked with {}, which does not declare it", cluster.arn, peer.arn)
        })
    }
}

/// The peer's Region is dead, and the two acceptors that are left are a majority: what they hold decides. The last
/// value that either accepted is the one that a proposer finds, so what the cluster wants has come of that value.
fn decided_without_peer(judge: &mut CheckContext<'_>, cluster: &Cluster, peer: ClusterArn) -> CheckResult {
    let (Some(register), Some(change)) = (cluster.register(), wish(cluster)) else { return Ok(()) };
    let scene = judge.scene;
    let left = [NodeId::ControlPlane(cluster.arn.region), NodeId::Witness(register.witness())];
    let accepted = |node: NodeId| scene.memory(node)?.storage.register(&register).accepted;
    let accepted = left.into_iter().filter_map(accepted);
    let last = accepted.max_by_key(|(ballot, _)| *ballot).map(|(_, value)| value).unwrap_or_default();
    let outcome = last.after(register.side(cluster.arn), change).outcome;
    let still_waits = match change {
        LinkChange::Declare | LinkChange::Withdraw => outcome == LinkOutcome::Open,
        LinkChange::Leave | LinkChange::Delete => outcome == LinkOutcome::Linked,
    };
    judge.ensure(still_waits, Invariant::PeeringConverges, || {
        let (arn, status, waits) = (cluster.arn, cluster.status, scene.who_waits());
        format!(
            "{arn} stays {status}, though two acceptors can decide without the Region of its peer {peer}{waits}"
        )
    })
}

/// What a cluster that is at rest waits for, by its record.
fn wish(cluster: &Cluster) -> Option<LinkChange> {
    match cluster.status {
        ClusterStatus::PendingDelete => Some(LinkChange::Delete),
        ClusterStatus::PendingSetup => Some(LinkChange::Declare),
        _ if is_leaving(cluster) => Some(LinkChange::Leave),
        _ => None,
    }
}

/// Timers and unfinished calls are derived from storage after a crash, and every call has a deadline.
pub(super) fn nothing_is_stuck(
    pairs: &Pairs,
    judge: &mut CheckContext<'_>,
    except: Option<Region>,
) -> CheckResult {
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
        let stuck = storage.clusters().find(|cluster| is_stuck(pairs, cluster, except));
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
pub(super) fn no_active_without_key(judge: &mut CheckContext<'_>, except: Option<Region>) -> CheckResult {
    let scene = judge.scene;
    for region in Region::all().filter(|region| Some(*region) != except) {
        let clusters = scene.storage(region).into_iter().flat_map(Storage::clusters);
        for cluster in clusters {
            // A key that AWS owns can always be used.
            let is_disabled = cluster.kms_key.is_some() && scene.environment(region).keys_disabled;
            let is_said = match cluster.encryption {
                EncryptionStatus::Enabled => !is_disabled,
                EncryptionStatus::KmsKeyInaccessible => is_disabled,
                // A deletion has overtaken the update.
                EncryptionStatus::Updating | EncryptionStatus::Enabling => true,
            };
            judge.ensure(is_said, Invariant::NoActiveWithoutKey, || {
                let can = if is_disabled { "cannot" } else { "can" };
                let (arn, encryption) = (cluster.arn, cluster.encryption);
                format!("the key of {arn} {can} be used, and its encryption status is {encryption:?}")
            })?;
        }
    }
    Ok(())
}

/// Whether two clusters that declare each other are where they were to go: linked and up, or one of them waiting
/// until the other is given up too, deleted or left. Once both sides have given the pair up, neither may name the
/// other.
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

fn is_stuck(pairs: &Pairs, cluster: &Cluster, except: Option<Region>) -> bool {
    let waits_for_peer = cluster.linked_peer().is_some_and(|peer| {
        Some(peer.region) == except || pairs.get(peer).is_some_and(|peer| !is_being_deleted(peer))
    });
    match cluster.status {
        ClusterStatus::PendingDelete => !waits_for_peer,
        status => {
            let streams_move = cluster.streams().iter().any(Stream::is_transient);
            status.is_transient() || cluster.intent.is_some() || streams_move
        }
    }
}

fn declared_peer(cluster: &Cluster) -> Option<ClusterArn> {
    cluster.multi_region.as_deref().and_then(|it| it.peer)
}
