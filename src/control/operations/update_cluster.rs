//! UpdateCluster: settings at once, peers through the link register.
//!
//! `clusters` is a full replacement list: the update gives up a peer that the list leaves out. A declaration is taken
//! back only by a chosen withdrawal; if the pair is linked by then, the withdrawal has no effect and the update is
//! refused.

use std::sync::Arc;

use crate::api::{EncryptionStatus, Error, Operation, Response, UpdateClusterInput, UpdateClusterOutput};
use crate::control::assumptions::Refusal;
use crate::control::authorization::{
    IamAction, PeerAction, PermissionScope, Require, RequiredPermission, required_permissions,
};
use crate::control::message::Delivery;
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::operations::customer_key::customer_key;
use crate::control::peering::{PendingRequest, Waiting};
use crate::control::records::{Cluster, DeferredRequest, MultiRegion, Serial};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::coverage_mark::CoverageMark;
use crate::types::ClusterStatus;

impl Handler for UpdateClusterInput {
    fn permissions(&self, scope: &PermissionScope<'_>, require: Require<'_>) -> Result<(), Error> {
        require(RequiredPermission::new(scope.action, &scope.arn))?;
        require(RequiredPermission::new(IamAction::Call(Operation::GetCluster), &scope.arn))?;
        let properties = self.multi_region_properties.as_deref();
        let own = scope.cluster.map(|cluster| cluster.arn);
        required_permissions::multi_region(properties, &scope.arn, own, require)?;
        required_permissions::keys(
            scope,
            customer_key(self.kms_encryption_key.as_ref()),
            &IamAction::KMS,
            require,
        )
    }

    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let cluster = plane.find(ctx.caller.account, &self.identifier)?.clone();
        let is_empty = self.deletion_protection_enabled.is_none()
            && self.kms_encryption_key.is_none()
            && self.metric_groups.is_none()
            && self.multi_region_properties.is_none();
        if is_empty && plane.assumptions.empty_update_refused {
            return Err(errors::empty_update());
        }
        plane.check_updatable(&cluster)?;
        if plane.is_busy(&cluster) {
            return Err(errors::busy("update", &cluster));
        }
        plane.check_key(turn, "update", ctx.caller.account, self.kms_encryption_key.as_ref())?;
        // Settings only: no other Region has to agree.
        let Some(next) = plane.next_properties(&cluster, self)? else {
            plane.finish_update(turn, &Waiting::alone(ctx), &cluster, self, None);
            return Ok(());
        };
        planted!(plane.mutants, SettingsBeforeChecks =>
        plane.write_cluster(turn, &cluster, None, Some(ctx.delivery), |record| {
            let protection = self.deletion_protection_enabled;
            record.deletion_protection = protection.unwrap_or(record.deletion_protection);
        }));
        let lists_peers = self.multi_region_properties.as_ref().is_some_and(|it| it.clusters.is_some());
        let kept = next.peer.filter(|_| !next.leaving);
        // A peer that is given up is checked too: its Region authorizes the removal.
        let left = cluster.multi_region.as_deref().and_then(|it| it.peer).filter(|peer| kept != Some(*peer));
        let kept = kept.map(|peer| (peer, if lists_peers { PeerAction::Add } else { PeerAction::Keep }));
        let peers = kept.into_iter().chain(left.map(|peer| (peer, PeerAction::Remove)));
        let request = PendingRequest::Update(cluster.serial, self.clone());
        plane.start_checks(turn, ctx.clone(), request, next, peers);
        Ok(())
    }
}

impl ControlPlane {
    /// Resumes an update whose remote checks have passed. The cluster may have changed while they were under way, so
    /// its state is validated again.
    pub(in crate::control) fn resume_update(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        serial: Serial,
        input: &UpdateClusterInput,
        waiters: Vec<Delivery>,
    ) {
        let account = ctx.caller.account;
        // Deleted meanwhile.
        let Some(cluster) = self.storage.at(account, serial).cloned() else {
            turn.cover(CoverageMark::UpdateOvertaken);
            let gone = errors::no_such_cluster(self.region, account, &input.identifier);
            return turn.reply(&waiters, Err(Arc::new(gone)));
        };
        match self.revalidate(&cluster, input) {
            // The peer may have declared in turn by now. Only the register knows, so the record must not drop the
            // declaration before the withdrawal is chosen.
            Ok(Some(next)) if self.needs_withdrawal(&cluster, next) => {
                let request = DeferredRequest::UpdateCluster(input.clone());
                self.defer_to_register(turn, ctx, &cluster, request, waiters);
            }
            Ok(next) => self.finish_update(turn, &Waiting::of(ctx, waiters), &cluster, input, next),
            // Linked or deleted meanwhile, for example. The caller's request was valid when it came, and is answered
            // for the state that it would change.
            Err(error) => {
                turn.cover(CoverageMark::UpdateOvertaken);
                planted!(self.mutants, OvertakenNotAnswered => return);
                turn.reply(&waiters, Err(Arc::new(error)));
            }
        }
    }

    /// Carries the update out: writes the settings, with `next` as the multi-Region properties, and answers the
    /// waiters.
    pub(in crate::control) fn finish_update(
        &mut self,
        turn: &mut Turn<'_>,
        waiting: &Waiting,
        cluster: &Arc<Cluster>,
        input: &UpdateClusterInput,
        next: Option<MultiRegion>,
    ) {
        let mut output = UpdateClusterOutput { status: ClusterStatus::Updating, ..cluster.updated() };
        planted!(self.mutants, UpdateAnswersOldStatus => output.status = cluster.status);
        let response = Arc::new(Response::UpdateCluster(output));
        let token = waiting.token_write(turn, &response);
        let cause = waiting.waiters().first().copied();
        let mutants = self.mutants;
        let selected_key = self.selected_key(cluster.arn.account, input.kms_encryption_key.as_ref());
        let cluster = self.write_cluster(turn, cluster, token, cause, |record| {
            record.status = ClusterStatus::Updating;
            record.intent = None;
            // A setting that the request leaves out stays as it is.
            let mut unnamed = record.deletion_protection;
            planted!(mutants, UpdateLiftsProtection => unnamed = false);
            record.deletion_protection = input.deletion_protection_enabled.unwrap_or(unnamed);
            let mut key = input.kms_encryption_key.as_ref();
            planted!(mutants, KeyNotApplied => key = None);
            if key.is_some() {
                record.kms_key = selected_key;
                // Also for the key that was in use before: whether it can be used shows when the update is done.
                record.encryption = EncryptionStatus::Updating;
                planted!(mutants, GivenUpKeyCounts if record.kms_key.is_none() =>
                    record.encryption = cluster.encryption);
            }
            planted!(mutants, UpdateDropsKey if key.is_none() => record.kms_key = None);
            let mut groups = input.metric_groups.as_ref();
            planted!(mutants, MetricGroupsNotApplied => groups = None);
            if let Some(groups) = groups {
                record.statement_statistics = !groups.is_empty();
            }
            planted!(mutants, CreationTimeRestamped => record.creation_time.0 += 1);
            record.multi_region = next.map(Box::new).or(record.multi_region.take());
        });
        turn.reply(waiting.waiters(), Ok(response));
        self.propose(turn, &cluster, 0);
    }

    /// The multi-Region properties after the update; `None` if it leaves them as they are.
    ///
    /// # Errors
    /// The update is not possible for the cluster as it is.
    pub(in crate::control) fn next_properties(
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
        let wanted = self.parse_properties("update", cluster.arn.account, Some(cluster.arn), properties)?;
        let peer = wanted.peer.unwrap_or(current.peer);
        let next = MultiRegion { witness: wanted.witness, peer, ..current };
        self.check_replacement(cluster, next)?;
        // A peer that the update does not name was checked against the old witness Region only.
        let mut kept = peer.filter(|_| wanted.peer.is_none());
        planted!(self.mutants, KeptPeerNotPlaced => kept = None);
        if let Some(kept) = kept {
            self.check_peer_region("update", kept, wanted.witness)?;
        }
        // The peer of a linked cluster stays in the record until the register has opened: until then the pair exists.
        let leaves = current.linked && peer.is_none();
        Ok(Some(if leaves { MultiRegion { leaving: true, ..current } } else { next }))
    }

    /// Validates the update again, for the cluster as it is now.
    pub(in crate::control) fn revalidate(
        &self,
        cluster: &Cluster,
        input: &UpdateClusterInput,
    ) -> Result<Option<MultiRegion>, Error> {
        self.check_updatable(cluster)?;
        self.next_properties(cluster, input)
    }

    /// Whether the cluster's status allows an update.
    fn check_updatable(&self, cluster: &Cluster) -> Result<(), Error> {
        use ClusterStatus::{Active, Idle, Inactive, PendingDelete, PendingSetup};
        planted!(self.mutants, PendingDeleteUpdated if cluster.status == PendingDelete => return Ok(()));
        match cluster.status {
            Active | Idle | Inactive | PendingSetup => Ok(()),
            _ => Err(errors::wrong_state(self.assumptions.wrong_state, "update", cluster)),
        }
    }

    /// Whether `next` may replace the multi-Region properties. A linked pair allows almost no change, since the
    /// peer's record has the same properties and is not changed with them.
    fn check_replacement(&self, cluster: &Cluster, next: MultiRegion) -> Result<(), Error> {
        // Not linked: the peer relies on nothing yet.
        let (Some(current), Some(peer)) = (cluster.multi_region.as_deref(), cluster.linked_peer()) else {
            return Ok(());
        };
        // The witness is part of the register's key; the pair would lose its register.
        let mut is_moved = next.witness != current.witness;
        planted!(self.mutants, LinkedWitnessChanged => is_moved = false);
        if is_moved {
            return Err(errors::properties(
                self.assumptions.witness_change_when_linked,
                "update",
                format_args!("The witness Region of a peered cluster is {}", current.witness),
                "give the same witnessRegion and try again",
            ));
        }
        planted!(self.mutants, LeaverTakesAnother if current.leaving => return Ok(()));
        // The register still knows the old pair. A new declaration beside it would be a second peer.
        if current.leaving && next.peer.is_some() {
            return Err(errors::properties(
                Refusal::Validation,
                "update",
                format_args!("The cluster is leaving its peer {peer}"),
                "wait until it is in PENDING_SETUP and try again",
            ));
        }
        planted!(self.mutants, LinkedPeerReplaced if next.peer.is_some() => return Ok(()));
        if next.peer == Some(peer) || (next.peer.is_none() && self.assumptions.unpeer_active) {
            return Ok(());
        }
        Err(errors::properties(
            Refusal::Validation,
            "update",
            format_args!("The cluster is peered with {peer}"),
            "name this peer cluster, or delete both clusters",
        ))
    }

    /// Whether a declaration has to be withdrawn before the update. It is written in the register of the old peer and
    /// witness, and the old peer could still complete the link there.
    fn needs_withdrawal(&self, cluster: &Cluster, next: MultiRegion) -> bool {
        let current = cluster.multi_region.as_deref().filter(|it| !it.linked && it.peer.is_some());
        let Some(current) = current else { return false };
        planted!(self.mutants, WitnessChangedInPlace if next.peer == current.peer => return false);
        planted!(self.mutants, TwoPeersDeclared if next.peer.is_some() => return false);
        planted!(self.mutants, WithdrawWithoutRegister if next.peer.is_none() => return false);
        (current.peer, current.witness) != (next.peer, next.witness)
    }
}
