//! DeleteCluster: a single-Region cluster is deleted at once, one of a linked pair waits for the other.

use std::sync::Arc;

use crate::api::{DeleteClusterInput, DeleteClusterOutput, Error, Response};
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::peering::Waiting;
use crate::control::records::{Batch, Cluster, DeferredRequest};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::types::ClusterStatus;

impl Handler for DeleteClusterInput {
    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        use ClusterStatus::{Creating, Deleted, Deleting, PendingDelete, PendingSetup, Updating};
        let cluster = plane.find(ctx.caller.account, &self.identifier)?.clone();
        let being_deleted = matches!(cluster.status, PendingDelete | Deleting | Deleted);
        // Idempotent: the cluster is on its way out already.
        if being_deleted && plane.assumptions.delete_again {
            plane.answer_deleted(turn, ctx, &cluster);
            return Ok(());
        }
        let is_updating = cluster.status == Updating && !plane.assumptions.delete_while_updating;
        let mut is_creating = cluster.status == Creating;
        planted!(plane.mutants, CreatingDeleted => is_creating = false);
        if being_deleted || is_updating || is_creating {
            return Err(errors::wrong_state(plane.assumptions.wrong_state, "delete", &cluster));
        }
        // The same, for a first deletion that is not decided.
        if cluster.is_deletion_deferred() && plane.assumptions.delete_again {
            plane.join_deletion(turn, ctx, &cluster);
            return Ok(());
        }
        if plane.is_busy(&cluster) {
            return Err(errors::busy("delete", &cluster));
        }
        let mut is_protected = cluster.deletion_protection;
        planted!(plane.mutants, ProtectionIgnored => is_protected = false);
        planted!(plane.mutants, PairUnprotected if cluster.multi_region.is_some() => is_protected = false);
        planted!(plane.mutants, SetUpUnprotected if cluster.status == PendingSetup => is_protected = false);
        // After the checks of the status: a cluster that is being deleted had its protection disabled.
        if is_protected {
            planted!(plane.mutants, RefusedDeleteWritten =>
                let request = DeferredRequest::DeleteCluster(self.clone());
                plane.defer_to_register(turn, ctx, &cluster, request, Vec::new()));
            return Err(errors::protected());
        }
        if plane.assumptions.streams_keep_cluster && !cluster.streams().is_empty() {
            return Err(errors::has_streams(&cluster));
        }
        let (alone, is_linked) = (Waiting::alone(ctx), cluster.linked_peer().is_some());
        planted!(plane.mutants, OwnLinkCleared if is_linked =>
            plane.finish_delete(turn, &alone, &plane.with_link(&cluster, false), Deleting); return Ok(()));
        planted!(plane.mutants, DeleteWithoutPeer if is_linked =>
            plane.finish_delete(turn, &alone, &cluster, Deleting); return Ok(()));
        if is_linked {
            // The peer must not live on alone: the register decides when both go.
            plane.finish_delete(turn, &alone, &cluster, PendingDelete);
        } else if cluster.register().is_some() {
            // Declared, and not known to be linked. The peer may have declared since; only the register knows.
            let request = DeferredRequest::DeleteCluster(self.clone());
            plane.defer_to_register(turn, ctx, &cluster, request, vec![ctx.delivery]);
        } else {
            plane.finish_delete(turn, &alone, &cluster, Deleting);
        }
        Ok(())
    }
}

impl ControlPlane {
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
