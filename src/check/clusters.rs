//! Invariants about the records of clusters, as they become durable.

use std::sync::Arc;

use crate::api::{EncryptionStatus, Request};
use crate::control::cluster::{Cluster, Intent, may_become};
use crate::control::message::Commit;
use crate::map::FixedMap;
use crate::region::Region;
use crate::types::{Account, ClusterArn, ClusterStatus};

use super::invariant::{Invariant, Judge};
use super::visible::{Born, Used};
use super::{Verdict, streams};

/// The durable truth about clusters.
#[derive(Clone, Debug, Default)]
pub(super) struct Clusters {
    /// Multi-Region clusters that exist. Single-Region clusters have no relations and need no place here.
    pairs: FixedMap<ClusterArn, Arc<Cluster>>,
    /// Which clusters say that they are linked with a cluster.
    linked_with: FixedMap<ClusterArn, Vec<ClusterArn>>,
    /// Clusters that left a pair once both sides had given it up, and the sides that have yet to learn of it.
    parted: FixedMap<ClusterArn, Vec<ClusterArn>>,
    /// Every identifier ever used.
    pub(super) used: Used,
    /// How many clusters count towards a quota: by account, Region, and whether multi-Region.
    counted: FixedMap<(Account, Region, bool), u32>,
}

/// A record that became durable, and what was there before.
struct Written<'a> {
    before: Option<&'a Arc<Cluster>>,
    after: Option<&'a Arc<Cluster>>,
}

impl Clusters {
    /// The multi-Region clusters that exist.
    pub(super) fn pairs(&self) -> impl Iterator<Item = &Arc<Cluster>> {
        self.pairs.values()
    }

    /// The multi-Region cluster `arn`, if it exists.
    pub(super) fn get(&self, arn: ClusterArn) -> Option<&Arc<Cluster>> {
        self.pairs.get(&arn)
    }

    /// Takes note of a cluster that exists before anything happens, once.
    pub(super) fn recall(&mut self, cluster: &Arc<Cluster>) {
        let identifiers = cluster.streams().iter().map(|stream| stream.identifier);
        for identifier in identifiers {
            self.used.insert(identifier, None);
        }
        self.used.insert(cluster.arn.identifier, Some(Born::Kept(cluster.clone())));
        let is_multi = cluster.multi_region.is_some();
        *self.counted.entry((cluster.arn.account, cluster.arn.region, is_multi)).or_default() += 1;
        if is_multi {
            self.remember(&Written { before: None, after: Some(cluster) });
        }
    }

    /// Looks at a write that became durable.
    pub(super) fn wrote(&mut self, judge: &mut Judge<'_>, commit: &Commit) -> Verdict {
        let Some((_, _, after)) = &commit.batch.cluster else { return Ok(()) };
        let before = commit.before.cluster.as_ref();
        let written = Written { before, after: after.as_ref() };
        legal_transition(judge, &written)?;
        protected_not_deleted(judge, &written)?;
        no_active_without_key(judge, &written)?;
        if before.is_none() {
            self.identifiers_unique(judge, &written)?;
        }
        self.quota_respected(judge, &written)?;
        streams::look(judge, written.before, written.after, &mut self.used)?;
        if before.or(after.as_ref()).is_some_and(|cluster| cluster.multi_region.is_some()) {
            self.remember(&written);
            self.look_at_pair(judge, &written)?;
        }
        Ok(())
    }

    fn remember(&mut self, written: &Written<'_>) {
        let link = |cluster: Option<&Arc<Cluster>>| cluster.and_then(|it| Some((it.linked_peer()?, it.arn)));
        let (was, is) = (link(written.before), link(written.after));
        if was != is {
            if let Some((peer, arn)) = was {
                self.linked_with.entry(peer).or_default().retain(|it| *it != arn);
                self.learned_of_parting(arn, peer);
                let is_unaware = self.linked_with.get(&arn).is_some_and(|claims| claims.contains(&peer));
                if is_unaware && written.before.is_some_and(|before| is_leaving(before)) {
                    self.parted.entry(arn).or_default().push(peer);
                }
            }
            if let Some((peer, arn)) = is {
                self.linked_with.entry(peer).or_default().push(arn);
            }
        }
        match (written.before, written.after) {
            (_, Some(after)) => {
                self.pairs.insert(after.arn, after.clone());
            }
            (Some(before), None) => {
                self.pairs.swap_remove(&before.arn);
            }
            (None, None) => {}
        }
    }

    /// The cluster `arn` is linked with `peer` no more.
    fn learned_of_parting(&mut self, arn: ClusterArn, peer: ClusterArn) {
        if let Some(unaware) = self.parted.get_mut(&peer) {
            unaware.retain(|it| *it != arn);
            if unaware.is_empty() {
                self.parted.swap_remove(&peer);
            }
        }
    }

    /// Whether `peer` has parted from `arn` after both sides had given the pair up, and `arn` does not know it.
    fn has_parted(&self, peer: ClusterArn, arn: ClusterArn) -> bool {
        self.parted.get(&peer).is_some_and(|unaware| unaware.contains(&arn))
    }

    fn look_at_pair(&self, judge: &mut Judge<'_>, written: &Written<'_>) -> Verdict {
        if let Some(after) = written.after {
            witness_outside_own_region(judge, after)?;
            self.one_peer_at_most(judge, after)?;
            self.peers_share_witness(judge, after)?;
            self.peering_symmetric(judge, after)?;
            self.no_delete_alone(judge, written.before, after)?;
        }
        // The write may also have broken what others rely on.
        let arn = written.after.or(written.before).map(|cluster| cluster.arn);
        for partner in arn.and_then(|arn| self.linked_with.get(&arn)).into_iter().flatten() {
            if let Some(partner) = self.pairs.get(partner) {
                self.peers_share_witness(judge, partner)?;
                self.peering_symmetric(judge, partner)?;
            }
        }
        Ok(())
    }

    /// Linked is chosen in a register whose name holds the witness, and a record's witness changes only after its
    /// declaration was withdrawn from the register of the old one.
    fn peers_share_witness(&self, judge: &mut Judge<'_>, cluster: &Cluster) -> Verdict {
        let Some(peer) = cluster.linked_peer().and_then(|peer| self.pairs.get(&peer)) else { return Ok(()) };
        let witness = |cluster: &Cluster| cluster.multi_region.as_deref().map(|it| it.witness);
        judge.ensure(
            witness(cluster) == witness(peer) || is_leaving(peer),
            Invariant::PeersShareWitness,
            || {
                format!(
                    "{} has witness {:?}, its peer {} {:?}",
                    cluster.arn,
                    witness(cluster),
                    peer.arn,
                    witness(peer)
                )
            },
        )
    }

    /// A record is linked only when the register was chosen to say so, which takes both declarations; after that a
    /// withdrawal loses, so the peer's record keeps its declaration until the register is dissolved, which takes both
    /// requests for deletion.
    fn peering_symmetric(&self, judge: &mut Judge<'_>, cluster: &Cluster) -> Verdict {
        let Some(peer_arn) = cluster.linked_peer().filter(|_| !is_leaving(cluster)) else { return Ok(()) };
        let holds = match self.pairs.get(&peer_arn) {
            Some(peer) => {
                peer.multi_region.as_deref().and_then(|it| it.peer) == Some(cluster.arn)
                    || (is_being_deleted(peer) && is_being_deleted(cluster))
                    || (self.has_parted(peer_arn, cluster.arn) && is_being_deleted(cluster))
            }
            None => is_being_deleted(cluster),
        };
        judge.ensure(holds, Invariant::PeeringSymmetric, || {
            let (arn, status) = (cluster.arn, cluster.status);
            match self.pairs.get(&peer_arn) {
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

    /// A control plane declares a new peer only after its old declaration was withdrawn, and so is never declared in
    /// two registers at once. A side that gave a pair up may learn only later that the other did too, and has parted.
    fn one_peer_at_most(&self, judge: &mut Judge<'_>, cluster: &Cluster) -> Verdict {
        let Some(peer) = cluster.linked_peer() else { return Ok(()) };
        let others = self.linked_with.get(&peer).into_iter().flatten();
        let others = others.filter(|it| **it != cluster.arn && !self.has_parted(peer, **it));
        let back = self.pairs.get(&peer).and_then(|it| it.linked_peer()).filter(|it| *it != cluster.arn);
        let other = back.or(others.copied().next());
        let is_over = is_leaving(cluster) || self.has_parted(peer, cluster.arn);
        judge.ensure(other.is_none() || is_over, Invariant::OnePeerAtMost, || {
            format!(
                "{peer} is linked with {} and with {}",
                cluster.arn,
                other.map_or_else(String::new, |it| it.to_string())
            )
        })
    }

    /// DELETING is entered from a linked pair only when the register was chosen to be dissolved, which takes both
    /// sides' requests, and a side asks only when its own cluster is durably in PENDING_DELETE, or has the call
    /// written down.
    fn no_delete_alone(
        &self,
        judge: &mut Judge<'_>,
        before: Option<&Arc<Cluster>>,
        after: &Cluster,
    ) -> Verdict {
        let entered =
            after.status == ClusterStatus::Deleting && before.is_none_or(|it| it.status != after.status);
        let Some(peer) = after.linked_peer().filter(|_| entered) else { return Ok(()) };
        let has_parted = self.has_parted(peer, after.arn);
        let asked =
            self.pairs.get(&peer).is_none_or(|peer| is_asked_to_go(peer) || is_leaving(peer) || has_parted);
        judge.ensure(asked, Invariant::NoDeleteAlone, || {
            format!("{} is DELETING, and its peer {peer} was not deleted", after.arn)
        })
    }

    /// Identifiers are 128 random bits each; a collision is as good as impossible.
    fn identifiers_unique(&mut self, judge: &mut Judge<'_>, written: &Written<'_>) -> Verdict {
        let Some(after) = written.after else { return Ok(()) };
        let is_new = self.used.insert(after.arn.identifier, None).is_none();
        judge.ensure(is_new, Invariant::IdentifiersUnique, || {
            format!("the identifier of {} was used before", after.arn)
        })
    }

    /// A create is refused when what exists and what is in flight have reached the quota, and every create counts as
    /// in flight until it exists.
    fn quota_respected(&mut self, judge: &mut Judge<'_>, written: &Written<'_>) -> Verdict {
        let Some(cluster) = written.after.or(written.before) else { return Ok(()) };
        let assumed = judge.scene.assumptions();
        let counts = |it: Option<&Arc<Cluster>>| {
            it.is_some_and(|it| assumed.quota_counts_deleting || !is_being_deleted(it))
        };
        let (was, is) = (counts(written.before), counts(written.after));
        if was == is {
            return Ok(());
        }
        let is_multi = cluster.multi_region.is_some();
        let count = self.counted.entry((cluster.arn.account, cluster.arn.region, is_multi)).or_default();
        *count = if is { *count + 1 } else { count.saturating_sub(1) };
        let quota = if is_multi { assumed.multi_region_quota } else { assumed.single_region_quota };
        if was {
            return Ok(());
        }
        judge.ensure(*count <= quota, Invariant::QuotaRespected, || {
            let (account, region) = (cluster.arn.account, cluster.arn.region);
            format!("account {account} has {count} clusters in {region}, its quota is {quota}")
        })
    }
}

/// Every change of status goes through one function that writes the record and sets the timer for the next; a timer
/// set for an earlier version of the record does nothing.
fn legal_transition(judge: &mut Judge<'_>, written: &Written<'_>) -> Verdict {
    let status = |cluster: Option<&Arc<Cluster>>| cluster.map(|cluster| cluster.status);
    let (from, to) = (status(written.before), status(written.after));
    if from == to {
        return Ok(());
    }
    // Work leads to IDLE only where it would lead to ACTIVE and the key cannot be used.
    let is_kept_idle = matches!(from, Some(ClusterStatus::Creating | ClusterStatus::Updating))
        && written.after.is_some_and(|after| after.status == ClusterStatus::Idle && !is_without_key(after));
    judge.ensure(may_become(from, to) && !is_kept_idle, Invariant::LegalTransition, || {
        let name = |status: Option<ClusterStatus>| status.map_or("nothing", ClusterStatus::name);
        let arn =
            written.after.or(written.before).map_or_else(String::new, |cluster| cluster.arn.to_string());
        format!("{arn} went from {} to {}", name(from), name(to))
    })
}

/// Whatever would make a cluster ACTIVE goes through one function that looks at its encryption status, and what makes
/// that status KMS_KEY_INACCESSIBLE takes ACTIVE away in the same write.
fn no_active_without_key(judge: &mut Judge<'_>, written: &Written<'_>) -> Verdict {
    let Some(after) = written.after.filter(|after| after.kms_key.is_some()) else { return Ok(()) };
    let is_active = after.status == ClusterStatus::Active;
    judge.ensure(!is_active || !is_without_key(after), Invariant::NoActiveWithoutKey, || {
        format!("{} is ACTIVE, and its key cannot be used", after.arn)
    })
}

/// DeleteCluster looks at the protection of the record that it is about to change, in the same step.
fn protected_not_deleted(judge: &mut Judge<'_>, written: &Written<'_>) -> Verdict {
    let Some(after) = written.after else { return Ok(()) };
    let entered = is_being_deleted(after) && !written.before.is_some_and(|before| is_being_deleted(before));
    if !entered {
        return Ok(());
    }
    judge.ensure(!after.deletion_protection, Invariant::ProtectedNotDeleted, || {
        format!("{} is {} with deletion protection on", after.arn, after.status)
    })
}

/// Both are compared before a call is accepted, and the peer's Region with the witness.
fn witness_outside_own_region(judge: &mut Judge<'_>, cluster: &Cluster) -> Verdict {
    let Some(multi_region) = &cluster.multi_region else { return Ok(()) };
    let witness = multi_region.witness;
    let is_outside =
        witness != cluster.arn.region && multi_region.peer.is_none_or(|peer| peer.region != witness);
    judge.ensure(is_outside, Invariant::WitnessOutsideOwnRegion, || {
        format!("{} has its witness in {witness}, which is its own Region or its peer's", cluster.arn)
    })
}

fn is_without_key(cluster: &Cluster) -> bool {
    cluster.encryption == EncryptionStatus::KmsKeyInaccessible
}

pub(super) fn is_being_deleted(cluster: &Cluster) -> bool {
    use ClusterStatus::{Deleted, Deleting, PendingDelete};
    matches!(cluster.status, PendingDelete | Deleting | Deleted)
}

/// Whether a DeleteCluster call was accepted for it, carried out or still waiting for the link register.
fn is_asked_to_go(cluster: &Cluster) -> bool {
    let asks = |intent: &Arc<Intent>| matches!(*intent.request, Request::DeleteCluster(_));
    is_being_deleted(cluster) || cluster.intent.as_ref().is_some_and(asks)
}

pub(super) fn is_leaving(cluster: &Cluster) -> bool {
    cluster.multi_region.as_deref().is_some_and(|it| it.leaving)
}
