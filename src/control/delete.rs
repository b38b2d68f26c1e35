//! DeleteCluster: a single-Region cluster goes at once, one of a linked pair waits for the other.

use std::sync::Arc;

use crate::api::{DeleteClusterInput, Error, Request, Response};
use crate::goal::Goal;
use crate::types::{Account, ClusterStatus, Instant};

use super::calls::InFlight;
use super::cluster::{Cluster, Intent};
use super::durable::Batch;
use super::message::{Delivery, Effect};
use super::mutant::Mutant;
use super::{Caller, ControlPlane, refuse};

impl ControlPlane {
    pub(super) fn delete_cluster(
        &mut self,
        now: Instant,
        caller: &Caller,
        input: &DeleteClusterInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        use ClusterStatus::{Creating, Deleted, Deleting, PendingDelete, Updating};
        let cluster = self.find(caller.account, &input.identifier)?.clone();
        let waiters = [caller.delivery];
        let being_deleted = matches!(cluster.status, PendingDelete | Deleting | Deleted);
        if being_deleted && self.assumptions.delete_again {
            self.answer_deleted(now, caller, &cluster, out);
            return Ok(());
        }
        let is_updating = cluster.status == Updating && !self.assumptions.delete_while_updating;
        if being_deleted || is_updating || cluster.status == Creating {
            return Err(refuse::wrong_state(self.assumptions.wrong_state, "delete", &cluster));
        }
        if self.is_busy(&cluster) {
            return Err(refuse::busy("delete", &cluster));
        }
        if cluster.deletion_protection && !self.mutants.has(Mutant::ProtectionIgnored) {
            return Err(refuse::protected());
        }
        if self.assumptions.streams_keep_cluster && !cluster.streams().is_empty() {
            return Err(refuse::has_streams(&cluster));
        }
        if cluster.linked_peer().is_some() && !self.mutants.has(Mutant::DeleteWithoutPeer) {
            self.finish_delete(now, caller.account, &caller.request, &cluster, PendingDelete, &waiters, out);
        } else if cluster.register().is_some() && cluster.linked_peer().is_none() {
            self.ask_register_first(caller, &cluster, &waiters, out);
        } else {
            self.finish_delete(now, caller.account, &caller.request, &cluster, Deleting, &waiters, out);
        }
        Ok(())
    }

    /// The cluster is being deleted: as `status` says, alone or waiting for its peer.
    #[expect(
        clippy::too_many_arguments,
        reason = "a call, its cluster and its outcome: there is nothing to bundle"
    )]
    pub(super) fn finish_delete(
        &mut self,
        now: Instant,
        account: Account,
        request: &Arc<Request>,
        cluster: &Arc<Cluster>,
        status: ClusterStatus,
        waiters: &[Delivery],
        out: &mut Vec<Effect>,
    ) {
        let mut after = Cluster::clone(cluster);
        after.status = status;
        let response = Arc::new(Response::DeleteCluster(after.deleted()));
        let token = self.token_write(now, account, request, request.key(), &response);
        let cause = waiters.first().copied();
        let cluster = self.write(cluster, token, cause, out, |record| {
            record.status = status;
            record.intent = None;
        });
        self.reply(waiters, Ok(response), out);
        self.pursue(&cluster, 0, out);
    }

    /// Writes the call down and leaves the decision to the link register: it alone knows whether the cluster, whose
    /// declaration may have been answered by now, can go alone.
    pub(super) fn ask_register_first(
        &mut self,
        caller: &Caller,
        cluster: &Arc<Cluster>,
        waiters: &[Delivery],
        out: &mut Vec<Effect>,
    ) {
        let intent = Arc::new(Intent { account: caller.account, request: caller.request.clone() });
        let cluster =
            self.write(cluster, None, Some(caller.delivery), out, |record| record.intent = Some(intent));
        self.restore_intent(&cluster);
        self.wait_for_register(cluster.arn.account, cluster.serial, waiters, out);
        self.pursue(&cluster, 0, out);
    }

    /// Marks the token of the call that waits for the link register as in flight.
    pub(super) fn restore_intent(&mut self, cluster: &Cluster) {
        let Some(intent) = &cluster.intent else { return };
        if let Some(token) = self.token_key(intent.account, &intent.request) {
            self.in_flight.insert(token, InFlight::Register(cluster.arn.account, cluster.serial));
        }
    }

    /// Whether another call is being carried out on the cluster.
    pub(super) fn is_busy(&self, cluster: &Cluster) -> bool {
        cluster.intent.is_some() || self.has_update_in_flight(cluster.arn.account, cluster.serial)
    }

    /// The call's patience is at an end, and the register has not decided: an update answers InternalServerException
    /// and goes on; a delete answers what is true, that deletion was asked for here.
    pub(super) fn deadline(&mut self, now: Instant, call: Delivery, out: &mut Vec<Effect>) {
        let waits = |(_, waiting): &(_, &mut Vec<Delivery>)| waiting.contains(&call);
        let Some((&(account, serial), waiting)) = self.waiters.iter_mut().find(waits) else { return };
        let Some(cluster) = self.durable.at(account, serial).cloned() else { return };
        let Some(intent) = &cluster.intent else { return };
        if let Request::DeleteCluster(_) = &*intent.request {
            out.push(Effect::Reached(Goal::DeleteDeadlinePassed));
            let waiters = self.take_waiters(&cluster);
            let status = ClusterStatus::PendingDelete;
            self.finish_delete(now, intent.account, &intent.request, &cluster, status, &waiters, out);
        } else {
            out.push(Effect::Reached(Goal::UpdateDeadlinePassed));
            waiting.retain(|waiter| *waiter != call);
            let regions: Vec<_> =
                cluster.register().iter().map(super::register::RegisterKey::witness).collect();
            self.reply(&[call], Err(Arc::new(refuse::unreachable(&regions))), out);
        }
    }

    /// Everybody who waits for the register's decision about the cluster; from here on nobody does.
    pub(super) fn take_waiters(&mut self, cluster: &Cluster) -> Vec<Delivery> {
        if let Some(intent) = &cluster.intent
            && let Some(token) = self.token_key(intent.account, &intent.request)
        {
            self.in_flight.swap_remove(&token);
        }
        self.waiters.swap_remove(&(cluster.arn.account, cluster.serial)).unwrap_or_default()
    }

    fn answer_deleted(&mut self, now: Instant, caller: &Caller, cluster: &Cluster, out: &mut Vec<Effect>) {
        let response = Arc::new(Response::DeleteCluster(cluster.deleted()));
        let token = self.token_write(now, caller.account, &caller.request, caller.fingerprint, &response);
        if token.is_some() {
            self.persist(Batch { token, ..Batch::default() }, Some(caller.delivery), out);
        }
        self.reply(&[caller.delivery], Ok(response), out);
    }
}
