//! Convergence: invariants of a quiet world, in which everything that was to converge has had the time to.

use crate::api::EncryptionStatus;
use crate::control::peering::{LinkChange, LinkOutcome};
use crate::control::records::{Cluster, Storage};
use crate::region::Region;
use crate::types::{ClusterArn, ClusterStatus, NodeId};

use super::invariant::{CheckContext, Invariant};
use super::pairs::{Pairs, is_being_deleted, is_leaving};
use super::{CheckResult, streams};

/// A cluster that waits for a change of its link register proposes it until it is chosen, whatever crashed or was cut
/// off before. So both sides learn the outcome as soon as two of the three acceptors can communicate.
pub(super) fn converged(pairs: &Pairs, ctx: &mut CheckContext<'_>, except: Option<Region>) -> CheckResult {
    for cluster in pairs.iter().filter(|cluster| Some(cluster.arn.region) != except) {
        match declared_peer(cluster) {
            Some(peer) if Some(peer.region) == except => decided_without_peer(ctx, cluster, peer)?,
            Some(peer) => {
                if let Some(peer) = pairs.get(peer) {
                    both_settled(ctx, cluster, peer)?;
                }
            }
            None => {}
        }
    }
    Ok(())
}

fn both_settled(ctx: &mut CheckContext<'_>, cluster: &Cluster, peer: &Cluster) -> CheckResult {
    let view = ctx.view;
    let witness = |cluster: &Cluster| cluster.multi_region.as_deref().map(|it| it.witness);
    if declared_peer(peer) == Some(cluster.arn) && witness(cluster) == witness(peer) {
        ctx.ensure(is_settled(cluster, peer), Invariant::PeeringConverges, || {
            let (one, other) = (cluster.arn, peer.arn);
            format!(
                "{one} is {} and {other} is {}, though each declares the other{}",
                cluster.status,
                peer.status,
                view.who_waits()
            )
        })
    } else {
        ctx.ensure(cluster.linked_peer().is_none(), Invariant::PeeringConverges, || {
            let does = if declared_peer(peer) == Some(cluster.arn) {
                "declares it with another witness Region"
            } else {
                "does not declare it"
            };
            format!("{} believes to be linked with {}, which {does}", cluster.arn, peer.arn)
        })
    }
}

/// The Region of the peer is down, and the two acceptors that are left are a majority. A proposer finds the value
/// with the highest ballot that either has accepted. The change that the cluster waits for must therefore still be
/// undecided when it is applied to that value: any other outcome would have been learned.
fn decided_without_peer(ctx: &mut CheckContext<'_>, cluster: &Cluster, peer: ClusterArn) -> CheckResult {
    let (Some(register), Some(change)) = (cluster.register(), pending_change(cluster)) else { return Ok(()) };
    let view = ctx.view;
    let left = [NodeId::ControlPlane(cluster.arn.region), NodeId::Witness(register.witness())];
    let accepted = |node: NodeId| view.memory(node)?.storage.register(&register).accepted;
    let accepted = left.into_iter().filter_map(accepted);
    let last = accepted.max_by_key(|(ballot, _)| *ballot).map(|(_, value)| value).unwrap_or_default();
    let outcome = last.after(register.side(cluster.arn), change).outcome;
    let still_waits = match change {
        LinkChange::Declare | LinkChange::Withdraw => outcome == LinkOutcome::Open,
        LinkChange::Leave | LinkChange::Delete => outcome == LinkOutcome::Linked,
    };
    ctx.ensure(still_waits, Invariant::PeeringConverges, || {
        let (arn, status, waits) = (cluster.arn, cluster.status, view.who_waits());
        format!(
            "{arn} stays {status}, though two acceptors can decide without the Region of its peer {peer}{waits}"
        )
    })
}

/// The change of its link register that a cluster at rest waits for, derived from its record.
fn pending_change(cluster: &Cluster) -> Option<LinkChange> {
    match cluster.status {
        ClusterStatus::PendingDelete => Some(LinkChange::Delete),
        ClusterStatus::PendingSetup => Some(LinkChange::Declare),
        _ if is_leaving(cluster) => Some(LinkChange::Leave),
        _ => None,
    }
}

/// A restarted node derives its timers and unfinished calls from its storage, and every call has a deadline. So no
/// request stays unanswered and no status stays transient.
pub(super) fn nothing_is_stuck(
    pairs: &Pairs,
    ctx: &mut CheckContext<'_>,
    except: Option<Region>,
) -> CheckResult {
    let view = ctx.view;
    for region in Region::all().filter(|region| Some(*region) != except) {
        let Some(storage) = view.storage(region) else { continue };
        ctx.ensure(view.unanswered(region) == 0, Invariant::NothingStuck, || {
            format!(
                "{} requests to {region} were never answered{}",
                view.unanswered(region),
                view.who_waits()
            )
        })?;
        let stuck = storage.clusters().find_map(|cluster| stuck_part(pairs, cluster, except));
        ctx.ensure(stuck.is_none(), Invariant::NothingStuck, || {
            format!("{}{}", stuck.unwrap_or_default(), view.who_waits())
        })?;
    }
    Ok(())
}

/// The streams of the Regions are as their keys and their targets demand.
pub(super) fn streams_are_healthy(ctx: &mut CheckContext<'_>, except: Option<Region>) -> CheckResult {
    let regions = Region::all().filter(|region| Some(*region) != except);
    regions.into_iter().try_for_each(|region| streams::agree_with_facts(ctx, region))
}

/// A control plane learns of every change of its environment while it is up, reads the environment when it starts,
/// and consults it when it puts a key to use.
pub(super) fn no_active_without_key(ctx: &mut CheckContext<'_>, except: Option<Region>) -> CheckResult {
    let view = ctx.view;
    for region in Region::all().filter(|region| Some(*region) != except) {
        let clusters = view.storage(region).into_iter().flat_map(Storage::clusters);
        for cluster in clusters {
            // A key that AWS owns can always be used.
            let is_disabled =
                cluster.kms_key.as_ref().is_some_and(|key| view.environment(region).is_disabled(key));
            let is_consistent = match cluster.encryption {
                EncryptionStatus::Enabled => !is_disabled,
                EncryptionStatus::KmsKeyInaccessible => is_disabled,
                // The cluster was deleted during the update, which never completes.
                EncryptionStatus::Updating | EncryptionStatus::Enabling => true,
            };
            ctx.ensure(is_consistent, Invariant::NoActiveWithoutKey, || {
                let can = if is_disabled { "cannot" } else { "can" };
                let (arn, encryption) = (cluster.arn, cluster.encryption);
                format!("the key of {arn} {can} be used, and its encryption status is {encryption:?}")
            })?;
        }
    }
    Ok(())
}

/// Whether two clusters that declare each other have reached the end of what they can do: both are linked and up, or
/// one has given the pair up and waits for the other. Two sides that have both given it up must not name each other
/// any more: the register is dissolved or open.
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

/// The part of the cluster that is stuck, as a sentence: its status, its unfinished call, or a stream.
fn stuck_part(pairs: &Pairs, cluster: &Cluster, except: Option<Region>) -> Option<String> {
    let waits_for_peer = cluster.linked_peer().is_some_and(|peer| {
        // A peer whose Region is down cannot be deleted, and its cluster may wait for ever.
        Some(peer.region) == except || pairs.get(peer).is_some_and(|peer| !is_being_deleted(peer))
    });
    let (arn, status) = (cluster.arn, cluster.status);
    // A deleted cluster waits without limit for its peer to be given up too, so waiting is not being stuck.
    let waits_rightly = status == ClusterStatus::PendingDelete && waits_for_peer;
    if (status == ClusterStatus::PendingDelete || status.is_transient()) && !waits_rightly {
        return Some(format!("{arn} stays {status}"));
    }
    if let Some(intent) = &cluster.intent {
        let operation = intent.request.to_request().operation();
        return Some(format!("{operation} of {arn} is neither carried out nor given up"));
    }
    let stream = cluster.streams().iter().find(|stream| stream.is_transient())?;
    Some(format!("{} stays {}", stream.arn(cluster.arn), <&str>::from(stream.status)))
}

fn declared_peer(cluster: &Cluster) -> Option<ClusterArn> {
    cluster.multi_region.as_deref().and_then(|it| it.peer)
}
