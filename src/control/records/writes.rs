//! The writes of a control plane: each changes memory at once and emits one batch.

use std::sync::Arc;

use crate::control::message::{Commit, Delivery};
use crate::control::mutant::planted;
use crate::control::records::{Attached, Batch, Cluster, TokenWrite};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};

impl ControlPlane {
    /// Writes a changed record together with the token of the call that changes it: one batch, so that no crash keeps
    /// one without the other. A new status gets its timer.
    pub(in crate::control) fn write_cluster(
        &mut self,
        turn: &mut Turn<'_>,
        before: &Arc<Cluster>,
        token: Option<TokenWrite>,
        cause: Option<Delivery>,
        change: impl FnOnce(&mut Cluster),
    ) -> Arc<Cluster> {
        let mut record = Cluster::clone(before);
        change(&mut record);
        // Whatever takes the key away or gives it back decides about the streams in the same write.
        if record.encryption != before.encryption {
            self.settle_streams(turn, &mut record);
        }
        // Only a change of status outdates a timer: a tag put on while UPDATING must not stop the update.
        record.version += u32::from(record.status != before.status);
        let record = Arc::new(record);
        let cluster = Some((record.arn.account, record.serial, Some(record.clone())));
        self.persist(turn, Batch { cluster, token, register: None }, cause);
        if record.status != before.status {
            self.set_status_timer(turn, &record);
        }
        record
    }

    /// Writes a change of the cluster's policy or streams, with the call's token.
    pub(in crate::control) fn write_attached(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        cluster: &Arc<Cluster>,
        token: Option<TokenWrite>,
        change: impl FnOnce(&mut Attached),
    ) {
        self.write_cluster(turn, cluster, token, Some(ctx.delivery), |record| {
            change(Arc::make_mut(record.attached.get_or_insert_default()));
        });
    }

    /// Applies a batch to memory at once and emits the write. Later inputs see it before it is durable; what they
    /// answer waits behind it, because effects keep their order.
    pub(in crate::control) fn persist(&mut self, turn: &mut Turn<'_>, batch: Batch, cause: Option<Delivery>) {
        let mut commit = Commit::new(&mut self.storage, batch, cause);
        planted!(self.mutants, TokenForgottenInCrash => commit.batch.token = None);
        turn.persist(commit);
    }
}
