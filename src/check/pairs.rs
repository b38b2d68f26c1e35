//! Invariants about pairs: what multi-Region clusters record about each other, checked as their records become
//! durable.

use std::sync::Arc;

use crate::control::records::Cluster;
use crate::map::FixedMap;
use crate::types::{ClusterArn, ClusterStatus};

use super::CheckResult;
use super::clusters::RecordWrite;
use super::invariant::{CheckContext, Invariant};

/// The multi-Region clusters that exist, and their relations.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    clusters: FixedMap<ClusterArn, Arc<Cluster>>,
    /// For each cluster, the clusters whose records are linked with it.
    linked_with: FixedMap<ClusterArn, Vec<ClusterArn>>,
    /// For each cluster that left a pair after both sides had given it up, the other sides whose records do not show
    /// that yet.
    parted: FixedMap<ClusterArn, Vec<ClusterArn>>,
}

impl Pairs {
    /// The clusters.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Cluster>> {
        self.clusters.values()
    }

    /// The cluster `arn`, if it exists.
    pub(super) fn get(&self, arn: ClusterArn) -> Option<&Arc<Cluster>> {
        self.clusters.get(&arn)
    }

    /// The state that does not follow from the records of clusters.
    #[cfg(feature = "model-check")]
    pub(super) fn memory(&self) -> impl std::fmt::Debug {
        &self.parted
    }

    /// Updates the tables for a write, without checking it.
    pub(super) fn remember(&mut self, written: &RecordWrite<'_>) {
        let link = |cluster: Option<&Arc<Cluster>>| cluster.and_then(|it| Some((it.linked_peer()?, it.arn)));
        let (was, is) = (link(written.before), link(written.after));
        if was != is {
            if let Some((peer, arn)) = was {
                self.linked_with.entry(peer).or_default().retain(|it| *it != arn);
                self.learned_of_parting(arn, peer);
                // The register of the pair is open, but only this side has learned that. Until the other side does,
                // its record is allowed to be linked with a cluster that has gone on.
                let is_unaware = self.linked_with.get(&arn).is_some_and(|claims| claims.contains(&peer));
                let has_left = is.is_none() && written.before.is_some_and(|before| is_leaving(before));
                if has_left && is_unaware {
                    self.parted.entry(arn).or_default().push(peer);
                }
            }
            if let Some((peer, arn)) = is {
                self.linked_with.entry(peer).or_default().push(arn);
            }
        }
        match (written.before, written.after) {
            (_, Some(after)) => {
                self.clusters.insert(after.arn, after.clone());
            }
            (Some(before), None) => {
                self.clusters.swap_remove(&before.arn);
            }
            (None, None) => {}
        }
    }

    /// Checks a write that became durable.
    pub(super) fn wrote(&mut self, ctx: &mut CheckContext<'_>, written: &RecordWrite<'_>) -> CheckResult {
        // Evaluated before the tables change: the rule needs the peers as they were before the write.
        let is_abandoned = written.after.and_then(|after| self.abandons(written.before, after));
        self.remember(written);
        let arn = written.after.or(written.before).map(|cluster| cluster.arn);
        let claims = arn.and_then(|arn| self.linked_with.get(&arn)).into_iter().flatten();
        let partners = claims.filter_map(|partner| self.clusters.get(partner));
        if let Some(after) = written.after {
            witness_outside_own_region(ctx, after)?;
            up_means_linked(ctx, after)?;
            self.one_peer_at_most(ctx, after)?;
            partners.clone().try_for_each(|partner| self.one_peer_at_most(ctx, partner))?;
            ctx.ensure(is_abandoned.is_none(), Invariant::LinkedMeansLinked, || {
                let peer = is_abandoned.map_or_else(String::new, |it| it.to_string());
                format!("{} is linked with {peer} no more, and not both have given the pair up", after.arn)
            })?;
            self.peers_share_witness(ctx, after)?;
            self.peering_symmetric(ctx, after)?;
            self.no_delete_alone(ctx, written.before, after)?;
        }
        // The write may also have broken a claim that the other side makes about this cluster.
        for partner in partners {
            self.peers_share_witness(ctx, partner)?;
            self.peering_symmetric(ctx, partner)?;
        }
        Ok(())
    }

    /// The record of `arn` is no longer linked with `peer`: it has learned that the pair is over.
    fn learned_of_parting(&mut self, arn: ClusterArn, peer: ClusterArn) {
        if let Some(unaware) = self.parted.get_mut(&peer) {
            unaware.retain(|it| *it != arn);
            if unaware.is_empty() {
                self.parted.swap_remove(&peer);
            }
        }
    }

    /// Whether `peer` left its pair with `arn` after both sides had given it up, and the record of `arn` does not
    /// show it yet.
    fn has_parted(&self, peer: ClusterArn, arn: ClusterArn) -> bool {
        self.parted.get(&peer).is_some_and(|unaware| unaware.contains(&arn))
    }

    /// Whether the cluster `arn` has given up its pair with `peer`: it is gone, its deletion or departure was
    /// requested, or its peer has left the pair after that.
    fn has_given_up(&self, arn: ClusterArn, peer: ClusterArn) -> bool {
        let gave_up = |cluster: &Arc<Cluster>| has_deletion_request(cluster) || is_leaving(cluster);
        self.clusters.get(&arn).is_none_or(gave_up) || self.has_parted(peer, arn)
    }

    /// The peer from which `after` is wrongly no longer linked. The link may end only when both sides have given the
    /// pair up, because the register says until then that they are linked.
    fn abandons(&self, before: Option<&Arc<Cluster>>, after: &Cluster) -> Option<ClusterArn> {
        let before = before?;
        let peer = before.linked_peer().filter(|peer| after.linked_peer() != Some(*peer))?;
        // A deletion on one side alone is the subject of no-delete-alone.
        let is_over = matches!(after.status, ClusterStatus::Deleting | ClusterStatus::Deleted)
            || self.has_parted(peer, after.arn)
            || (is_leaving(before) && self.has_given_up(peer, after.arn));
        (!is_over).then_some(peer)
    }

    /// The key of a link register holds the witness, so both sides that are linked by it name the same one. A
    /// record's witness changes only after its declaration was withdrawn from the register with the old witness.
    fn peers_share_witness(&self, ctx: &mut CheckContext<'_>, cluster: &Cluster) -> CheckResult {
        let Some(peer) = cluster.linked_peer().and_then(|peer| self.clusters.get(&peer)) else {
            return Ok(());
        };
        let witness = |cluster: &Cluster| cluster.multi_region.as_deref().map(|it| it.witness);
        let is_over = is_leaving(peer) || self.has_parted(peer.arn, cluster.arn);
        ctx.ensure(witness(cluster) == witness(peer) || is_over, Invariant::PeersShareWitness, || {
            format!(
                "{} has witness {:?}, its peer {} {:?}",
                cluster.arn,
                witness(cluster),
                peer.arn,
                witness(peer)
            )
        })
    }

    /// A record is linked only when the register was chosen to be linked, which takes both declarations. From then on
    /// every withdrawal loses, so the peer's record keeps its declaration until the register is dissolved, which
    /// takes both deletions.
    fn peering_symmetric(&self, ctx: &mut CheckContext<'_>, cluster: &Cluster) -> CheckResult {
        let Some(peer_arn) = cluster.linked_peer().filter(|_| !is_leaving(cluster)) else { return Ok(()) };
        let holds = match self.clusters.get(&peer_arn) {
            Some(peer) => {
                peer.multi_region.as_deref().and_then(|it| it.peer) == Some(cluster.arn)
                    || (is_being_deleted(peer) && is_being_deleted(cluster))
                    || (self.has_parted(peer_arn, cluster.arn) && is_being_deleted(cluster))
            }
            // A dissolved pair is deleted on both sides, and the peer can be gone first.
            None => is_being_deleted(cluster),
        };
        ctx.ensure(holds, Invariant::PeeringSymmetric, || {
            let (arn, status) = (cluster.arn, cluster.status);
            match self.clusters.get(&peer_arn) {
                Some(peer) => {
                    let declared = peer.multi_region.as_deref().and_then(|it| it.peer);
                    let declared = declared.map_or("nobody".to_owned(), |it| it.to_string());
                    format!(
                        "{arn} is {status} with peer {peer_arn}, which is {} and declares {declared}",
                        peer.status
                    )
                }
                None => format!("{arn} is {status} with peer {peer_arn}, which does not exist"),
            }
        })
    }

    /// A control plane declares a new peer only after its old declaration was withdrawn, so a cluster is declared in
    /// one register at a time: none that is linked with it remains when it declares another. A side that gave a pair
    /// up may learn later that the other did too and has parted; its old link is allowed until then.
    fn one_peer_at_most(&self, ctx: &mut CheckContext<'_>, cluster: &Cluster) -> CheckResult {
        let Some(peer) = cluster.linked_peer() else { return Ok(()) };
        let others = self.linked_with.get(&peer).into_iter().flatten();
        let others = others.filter(|it| **it != cluster.arn && !self.has_parted(peer, **it));
        let back = self.clusters.get(&peer).and_then(|it| it.linked_peer()).filter(|it| *it != cluster.arn);
        let other = back.or(others.copied().next());
        let is_over = is_leaving(cluster) || self.has_parted(peer, cluster.arn);
        ctx.ensure(other.is_none() || is_over, Invariant::OnePeerAtMost, || {
            format!(
                "{peer} is linked with {}, and declares or is linked with {}",
                cluster.arn,
                other.map_or_else(String::new, |it| it.to_string())
            )
        })
    }

    /// A linked cluster becomes DELETING only when the register was chosen to be dissolved, which takes that both
    /// sides have given the pair up. A side gives it up only when its own cluster is durably PENDING_DELETE or
    /// leaving, or has the call as its intent. The claims of other clusters decide, not the record of the deleted
    /// one, which may never have learned that it was linked.
    fn no_delete_alone(
        &self,
        ctx: &mut CheckContext<'_>,
        before: Option<&Arc<Cluster>>,
        after: &Cluster,
    ) -> CheckResult {
        let has_entered =
            after.status == ClusterStatus::Deleting && before.is_none_or(|it| it.status != after.status);
        let peer = after.linked_peer();
        if has_entered {
            let claims = self.linked_with.get(&after.arn).into_iter().flatten().copied();
            let relying = peer.into_iter().chain(claims).find(|it| !self.has_given_up(*it, after.arn));
            return ctx.ensure(relying.is_none(), Invariant::NoDeleteAlone, || {
                let relying = relying.map_or_else(String::new, |it| it.to_string());
                format!("{} is DELETING, and its peer {relying} was not deleted", after.arn)
            });
        }
        // The other order: the peer is deleted first, and this cluster learns only then that it was linked with it.
        let Some(peer) = peer.filter(|_| before.is_none_or(|it| it.linked_peer() != peer)) else {
            return Ok(());
        };
        let is_left_alone = self
            .clusters
            .get(&peer)
            .is_none_or(|it| matches!(it.status, ClusterStatus::Deleting | ClusterStatus::Deleted));
        let holds = !is_left_alone || self.has_given_up(after.arn, peer);
        ctx.ensure(holds, Invariant::NoDeleteAlone, || {
            format!("{} is linked with {peer}, which is being deleted alone", after.arn)
        })
    }
}

/// Apart from updates, a cluster leaves PENDING_SETUP only in the write that also marks it as linked.
fn up_means_linked(ctx: &mut CheckContext<'_>, cluster: &Cluster) -> CheckResult {
    use ClusterStatus::{Active, Creating, Failed, Idle, Inactive, PendingSetup};
    let is_linked = cluster.linked_peer().is_some();
    let fits = match cluster.status {
        Creating | Active | Idle | Inactive | Failed => is_linked,
        PendingSetup => !is_linked,
        // UPDATING occurs on both sides of the link, and a deletion may begin and end on either.
        _ => true,
    };
    ctx.ensure(fits, Invariant::LinkedMeansLinked, || {
        let (arn, status, not) = (cluster.arn, cluster.status, if is_linked { "" } else { "not " });
        format!("{arn} is {status}, and {not}linked")
    })
}

/// A call is refused if its witness is the Region of the cluster or of a peer, before anything is accepted.
fn witness_outside_own_region(ctx: &mut CheckContext<'_>, cluster: &Cluster) -> CheckResult {
    let Some(multi_region) = &cluster.multi_region else { return Ok(()) };
    let witness = multi_region.witness;
    let is_outside =
        witness != cluster.arn.region && multi_region.peer.is_none_or(|peer| peer.region != witness);
    ctx.ensure(is_outside, Invariant::WitnessOutsideOwnRegion, || {
        format!("{} has its witness in {witness}, which is its own Region or its peer's", cluster.arn)
    })
}

pub(super) fn is_being_deleted(cluster: &Cluster) -> bool {
    use ClusterStatus::{Deleted, Deleting, PendingDelete};
    matches!(cluster.status, PendingDelete | Deleting | Deleted)
}

/// Whether a DeleteCluster call for it was accepted, even if it still waits for the link register.
fn has_deletion_request(cluster: &Cluster) -> bool {
    is_being_deleted(cluster) || cluster.is_deletion_deferred()
}

pub(super) fn is_leaving(cluster: &Cluster) -> bool {
    cluster.multi_region.as_deref().is_some_and(|it| it.leaving)
}
