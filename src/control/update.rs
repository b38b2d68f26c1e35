//! UpdateCluster: settings at once, peers through the link register.
//!
//! `clusters` is a full replacement list: a peer that the list leaves out is given up. A declaration that was made is
//! taken back only by a chosen withdrawal; if the pair is linked by then, the withdrawal loses and the call is
//! refused.

use std::sync::Arc;

use crate::api::{EncryptionStatus, Error, Request, Response, UpdateClusterInput};
use crate::goal::Goal;
use crate::types::{Account, ClusterStatus, Instant, Timestamp};

use super::assumptions::Refusal;
use super::cluster::{Cluster, MultiRegion, Serial};
use super::create::customer_key;
use super::message::{Delivery, Effect};
use super::mutant::Mutant;
use super::pending::{CallTarget, PendingCall};
use super::required_permissions::PeerAction;
use super::{ControlPlane, RequestContext, errors};

impl ControlPlane {
    pub(super) fn update_cluster(
        &mut self,
        now: Instant,
        ctx: &RequestContext,
        input: &UpdateClusterInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let cluster = self.find(ctx.account, &input.identifier)?.clone();
        self.check_updatable(&cluster)?;
        if self.is_busy(&cluster) {
            return Err(errors::busy("update", &cluster));
        }
        let Some(next) = self.next_properties(&cluster, input)? else {
            let waiters = [ctx.delivery];
            self.finish_update(now, ctx.account, &ctx.request, &cluster, None, &waiters, out);
            return Ok(());
        };
        if self.mutants.has(Mutant::SettingsBeforeChecks) {
            self.write(&cluster, None, Some(ctx.delivery), out, |record| {
                record.deletion_protection =
                    input.deletion_protection_enabled.unwrap_or(record.deletion_protection);
            });
        }
        let lists_peers = input.multi_region_properties.as_ref().is_some_and(|it| it.clusters.is_some());
        let kept = next.peer.filter(|_| !next.leaving);
        let left = cluster.multi_region.as_deref().and_then(|it| it.peer).filter(|peer| kept != Some(*peer));
        let kept = kept.map(|peer| (peer, if lists_peers { PeerAction::Add } else { PeerAction::Keep }));
        let peers = kept.into_iter().chain(left.map(|peer| (peer, PeerAction::Remove)));
        self.start_checks(ctx.clone(), CallTarget::Existing(cluster.serial), next, peers, out);
        Ok(())
    }

    /// The other Regions have agreed; meanwhile the cluster may have moved on.
    pub(super) fn resume_update(
        &mut self,
        now: Instant,
        call: PendingCall,
        serial: Serial,
        out: &mut Vec<Effect>,
    ) {
        let ctx = &call.ctx;
        let (account, request) = (ctx.account, &ctx.request);
        let Some(cluster) = self.storage.at(account, serial).cloned() else {
            out.push(Effect::Reached(Goal::UpdateOvertaken));
            let identifier = request.identifier().unwrap_or_default();
            let gone = errors::no_such_cluster(self.region, account, identifier);
            return self.reply(&call.waiters, Err(Arc::new(gone)), out);
        };
        match self.revalidate(&cluster, request) {
            Ok(Some(next)) if self.needs_withdrawal(&cluster, next) => {
                self.defer_to_register(ctx, &cluster, call.waiters.clone(), out);
            }
            Ok(next) => self.finish_update(now, account, request, &cluster, next, &call.waiters, out),
            Err(error) => {
                out.push(Effect::Reached(Goal::UpdateOvertaken));
                if !self.mutants.has(Mutant::OvertakenNotAnswered) {
                    self.reply(&call.waiters, Err(Arc::new(error)), out);
                }
            }
        }
    }

    /// The update is carried out: `next` replaces the multi-Region properties.
    #[expect(
        clippy::too_many_arguments,
        reason = "a call, its cluster and its outcome: there is nothing to bundle"
    )]
    pub(super) fn finish_update(
        &mut self,
        now: Instant,
        account: Account,
        request: &Arc<Request>,
        cluster: &Arc<Cluster>,
        next: Option<MultiRegion>,
        waiters: &[Delivery],
        out: &mut Vec<Effect>,
    ) {
        let Request::UpdateCluster(input) = &**request else { return };
        let mut after = Cluster::clone(cluster);
        after.status = ClusterStatus::Updating;
        let shown = if self.mutants.has(Mutant::UpdateAnswersOldStatus) { &**cluster } else { &after };
        let response = Arc::new(Response::UpdateCluster(shown.updated()));
        let token = self.token_write(now, account, request, &response);
        let cause = waiters.first().copied();
        let mutants = self.mutants;
        let cluster = self.write(cluster, token, cause, out, |record| {
            record.status = ClusterStatus::Updating;
            record.intent = None;
            let unnamed = record.deletion_protection && !mutants.has(Mutant::UpdateLiftsProtection);
            record.deletion_protection = input.deletion_protection_enabled.unwrap_or(unnamed);
            if let Some(key) =
                input.kms_encryption_key.as_ref().filter(|_| !mutants.has(Mutant::KeyNotApplied))
            {
                record.kms_key = customer_key(Some(key));
                let keeps = record.kms_key.is_none() && mutants.has(Mutant::GivenUpKeyCounts);
                record.encryption = if keeps { record.encryption } else { EncryptionStatus::Updating };
            } else if mutants.has(Mutant::UpdateDropsKey) {
                record.kms_key = None;
            }
            if let Some(groups) = &input.metric_groups
                && !mutants.has(Mutant::MetricGroupsNotApplied)
            {
                record.statement_statistics = !groups.is_empty();
            }
            if mutants.has(Mutant::CreationTimeRestamped) {
                record.creation_time = Timestamp(now.0 / 1_000_000_000);
            }
            record.multi_region = next.map(Box::new).or(record.multi_region.take());
        });
        self.reply(waiters, Ok(response), out);
        self.propose(&cluster, 0, out);
    }

    /// What the multi-Region properties become when the update that `cluster` waits with is carried out.
    pub(super) fn next_properties(
        &self,
        cluster: &Cluster,
        input: &UpdateClusterInput,
    ) -> Result<Option<MultiRegion>, Error> {
        let Some(properties) = &input.multi_region_properties else { return Ok(None) };
        let Some(current) = cluster.multi_region.as_deref().copied() else {
            return Err(errors::properties(
                self.assumptions.single_to_multi_region,
                "update",
                "A single-Region cluster can't become a multi-Region cluster",
                "create a multi-Region cluster",
            ));
        };
        let wanted = self.wanted("update", cluster.arn.account, Some(cluster.arn), properties)?;
        let peer = wanted.peer.unwrap_or(current.peer);
        let next = MultiRegion { witness: wanted.witness, peer, ..current };
        self.check_replacement(cluster, next)?;
        let kept = peer.filter(|_| wanted.peer.is_none() && !self.mutants.has(Mutant::KeptPeerNotPlaced));
        if let Some(kept) = kept {
            self.check_peer_region("update", kept, wanted.witness)?;
        }
        let leaves = current.linked && peer.is_none();
        Ok(Some(if leaves { MultiRegion { leaving: true, ..current } } else { next }))
    }

    /// What the update asks for, of the cluster as it is by now.
    fn revalidate(&self, cluster: &Cluster, request: &Request) -> Result<Option<MultiRegion>, Error> {
        let Request::UpdateCluster(input) = request else { return Ok(None) };
        self.check_updatable(cluster)?;
        self.next_properties(cluster, input)
    }

    fn check_updatable(&self, cluster: &Cluster) -> Result<(), Error> {
        use ClusterStatus::{Active, Idle, Inactive, PendingDelete, PendingSetup};
        match cluster.status {
            Active | Idle | Inactive | PendingSetup => Ok(()),
            PendingDelete if self.mutants.has(Mutant::PendingDeleteUpdated) => Ok(()),
            _ => Err(errors::wrong_state(self.assumptions.wrong_state, "update", cluster)),
        }
    }

    /// Whether `next` may stand in the place of the cluster's multi-Region properties: of a linked pair's, almost
    /// nothing may change.
    fn check_replacement(&self, cluster: &Cluster, next: MultiRegion) -> Result<(), Error> {
        let (Some(current), Some(peer)) = (cluster.multi_region.as_deref(), cluster.linked_peer()) else {
            return Ok(());
        };
        if next.witness != current.witness && !self.mutants.has(Mutant::LinkedWitnessChanged) {
            return Err(errors::properties(
                self.assumptions.witness_change_when_linked,
                "update",
                format_args!("The witness Region of a peered cluster is {}", current.witness),
                "give the same witnessRegion and try again",
            ));
        }
        if self.mutants.has(Mutant::LeaverTakesAnother) && current.leaving {
            return Ok(());
        }
        if current.leaving && next.peer.is_some() {
            return Err(errors::properties(
                Refusal::Validation,
                "update",
                format_args!("The cluster is leaving its peer {peer}"),
                "wait until it is in PENDING_SETUP and try again",
            ));
        }
        let is_replaced = self.mutants.has(Mutant::LinkedPeerReplaced) && next.peer.is_some();
        if is_replaced || next.peer == Some(peer) || (next.peer.is_none() && self.assumptions.unpeer_active) {
            return Ok(());
        }
        Err(errors::properties(
            Refusal::Validation,
            "update",
            format_args!("The cluster is peered with {peer}"),
            "name this peer cluster, or delete both clusters",
        ))
    }

    /// Whether a declaration that was made has to be taken back first.
    fn needs_withdrawal(&self, cluster: &Cluster, next: MultiRegion) -> bool {
        let current = cluster.multi_region.as_deref().filter(|it| !it.linked && it.peer.is_some());
        let Some(current) = current else { return false };
        let in_place = self.mutants.has(Mutant::WitnessChangedInPlace) && next.peer == current.peer;
        let beside = self.mutants.has(Mutant::TwoPeersDeclared) && next.peer.is_some();
        let silently = self.mutants.has(Mutant::WithdrawWithoutRegister) && next.peer.is_none();
        (current.peer, current.witness) != (next.peer, next.witness) && !in_place && !beside && !silently
    }
}

impl ControlPlane {
    /// The register has taken the declaration back: what the update asked for can be done now.
    pub(super) fn withdrawal_won(&mut self, now: Instant, cluster: &Arc<Cluster>, out: &mut Vec<Effect>) {
        let Some(intent) = cluster.intent.clone() else { return };
        let Request::UpdateCluster(input) = &*intent.request else { return };
        out.push(Effect::Reached(Goal::WithdrawalWon));
        match self.next_properties(cluster, input) {
            Ok(next) => {
                let waiters = self.take_waiting(cluster).waiters;
                self.finish_update(now, intent.account, &intent.request, cluster, next, &waiters, out);
            }
            Err(error) => self.abandon_update(cluster, error, out),
        }
    }

    /// The pair was linked before the declaration could be taken back.
    pub(super) fn withdrawal_lost(&mut self, cluster: &Arc<Cluster>, out: &mut Vec<Effect>) {
        out.push(Effect::Reached(Goal::WithdrawalLost));
        let waiters = self.take_waiting(cluster).waiters;
        let Some(peer) = cluster.multi_region.as_deref().and_then(|it| it.peer) else { return };
        let keeps_intent = self.mutants.has(Mutant::LostWithdrawalKept);
        let kept = cluster.intent.as_ref().filter(|_| self.mutants.has(Mutant::LostWitnessKept));
        let kept = kept.and_then(|lost| self.revalidate(cluster, &lost.request).ok()?);
        self.write(cluster, None, None, out, |record| {
            record.intent = record.intent.take().filter(|_| keeps_intent);
            record.status = ClusterStatus::Creating;
            if let Some(multi_region) = &mut record.multi_region {
                multi_region.linked = true;
                multi_region.witness = kept.map_or(multi_region.witness, |it| it.witness);
            }
        });
        self.reply(&waiters, Err(Arc::new(errors::lost_to_link(cluster, peer))), out);
    }
}
