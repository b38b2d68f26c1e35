//! DeleteCluster: a single-Region cluster is deleted at once, one of a linked pair waits for the other.

use std::sync::Arc;

use crate::api::{DeleteClusterInput, DeleteClusterOutput, Error, Response};
use crate::control::mutant::planted;
use crate::control::operations::{Handler, Resource};
use crate::control::peering::Waiting;
use crate::control::records::{Batch, Cluster, DeferredRequest};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::types::ClusterStatus;

impl Handler for DeleteClusterInput {
    fn resource(&self) -> Resource<'_> {
        Resource::Cluster(&self.identifier)
    }

    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        plane.delete_cluster(turn, ctx, self)
    }
}

impl ControlPlane {
    /// Handles DeleteCluster: deletes the cluster, or defers the decision to the link register.
    fn delete_cluster(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        input: &DeleteClusterInput,
    ) -> Result<(), Error> {
        use ClusterStatus::{Creating, Deleted, Deleting, PendingDelete, PendingSetup, Updating};
        let cluster = self.find(ctx.caller.account, &input.identifier)?.clone();
        let being_deleted = matches!(cluster.status, PendingDelete | Deleting | Deleted);
        // Idempotent: the cluster is on its way out already.
        if being_deleted && self.assumptions.delete_again {
            self.answer_deleted(turn, ctx, &cluster);
            return Ok(());
        }
        let is_updating = cluster.status == Updating && !self.assumptions.delete_while_updating;
        let mut is_creating = cluster.status == Creating;
        planted!(self.mutants, CreatingDeleted => is_creating = false);
        if being_deleted || is_updating || is_creating {
            return Err(errors::wrong_state(self.assumptions.wrong_state, "delete", &cluster));
        }
        // The same, for a first deletion that is not decided.
        if cluster.is_deletion_deferred() && self.assumptions.delete_again {
            self.join_deletion(turn, ctx, &cluster);
            return Ok(());
        }
        if self.is_busy(&cluster) {
            return Err(errors::busy("delete", &cluster));
        }
        let mut is_protected = cluster.deletion_protection;
        planted!(self.mutants, ProtectionIgnored => is_protected = false);
        planted!(self.mutants, PairUnprotected if cluster.multi_region.is_some() => is_protected = false);
        planted!(self.mutants, SetUpUnprotected if cluster.status == PendingSetup => is_protected = false);
        // After the checks of the status: a cluster that is being deleted had its protection disabled.
        if is_protected {
            planted!(self.mutants, RefusedDeleteWritten =>
                let request = DeferredRequest::DeleteCluster(input.clone());
                self.defer_to_register(turn, ctx, &cluster, request, Vec::new()));
            return Err(errors::protected());
        }
        if self.assumptions.streams_keep_cluster && !cluster.streams().is_empty() {
            return Err(errors::has_streams(&cluster));
        }
        let (alone, is_linked) = (Waiting::alone(ctx), cluster.linked_peer().is_some());
        planted!(self.mutants, OwnLinkCleared if is_linked =>
            self.finish_delete(turn, &alone, &self.with_link(&cluster, false), Deleting); return Ok(()));
        planted!(self.mutants, DeleteWithoutPeer if is_linked =>
            self.finish_delete(turn, &alone, &cluster, Deleting); return Ok(()));
        if is_linked {
            // The peer must not live on alone: the register decides when both go.
            self.finish_delete(turn, &alone, &cluster, PendingDelete);
        } else if cluster.register().is_some() {
            // Declared, and not known to be linked. The peer may have declared since; only the register knows.
            let request = DeferredRequest::DeleteCluster(input.clone());
            self.defer_to_register(turn, ctx, &cluster, request, vec![ctx.delivery]);
        } else {
            self.finish_delete(turn, &alone, &cluster, Deleting);
        }
        Ok(())
    }

    /// Carries the deletion out: writes `status` (DELETING, or PENDING_DELETE to wait for the peer) with the token,
    /// and answers the waiters.
    pub(in crate::control) fn finish_delete(
        &mut self,
        turn: &mut Turn<'_>,
        waiting: &Waiting,
        cluster: &Arc<Cluster>,
        status: ClusterStatus,
    ) {
        let output = DeleteClusterOutput { status, ..cluster.deleted() };
        let response = Arc::new(Response::DeleteCluster(output));
        let token = waiting.token_write(turn, &response);
        let cause = waiting.waiters().first().copied();
        let mutants = self.mutants;
        let cluster = self.write_cluster(turn, cluster, token, cause, |record| {
            record.status = status;
            record.intent = None;
            planted!(mutants, DeleteDropsTags => record.tags = None);
        });
        self.record_joined_tokens(turn, waiting, &response);
        turn.reply(waiting.waiters(), Ok(response));
        self.propose(turn, &cluster, 0);
    }

    /// Answers a deletion of a cluster that is being deleted. The token is recorded all the same: a retry after the
    /// cluster is gone must not get ResourceNotFoundException.
    fn answer_deleted(&mut self, turn: &mut Turn<'_>, ctx: &RequestContext, cluster: &Cluster) {
        let mut output = cluster.deleted();
        planted!(self.mutants, SecondDeletionAnswersDeleting => output.status = ClusterStatus::Deleting);
        let response = Arc::new(Response::DeleteCluster(output));
        let token = ctx.token_write(turn, &response);
        if token.is_some() {
            self.persist(turn, Batch { token, ..Batch::default() }, Some(ctx.delivery));
        }
        turn.reply(&[ctx.delivery], Ok(response));
    }
}
