//! Deferred calls: updates and deletions that wait for the link register.
//!
//! An update that takes a declaration back, and a deletion of a cluster that has declared a peer, depend on the
//! register's value: the pair may be linked by now. Such a call is written into the record as an [`Intent`] before the
//! register is asked, so that a restarted control plane finds and finishes it. While it waits its token is in flight,
//! and other changes of the cluster are refused as conflicts.
//!
//! # Every wait ends
//!
//! Without a majority of the register's acceptors there is no decision, for as long as the fault lasts. So each wait
//! has a deadline (`remote_deadline`), set when the intent is written, and anew when a restarted control plane finds
//! it:
//!
//! - A *deletion* becomes PENDING_DELETE, which is true for every value of the register: the deletion of this side was
//!   requested, and the register decides later whether it has to wait for the other side's.
//! - An *update* is abandoned: the intent is removed, the answer is InternalServerException, and nothing is left
//!   behind. The withdrawal may have been chosen by then, by acceptors whose answers were lost. Abandoning it is still
//!   safe, because a record without an intent declares its peer, and so the control plane proposes the declaration
//!   again, under a higher ballot: it undoes a withdrawal that was chosen before, and one that was not can no longer
//!   be. If the pair was linked meanwhile, the declaration finds that out, as if nothing had been withdrawn. In no case
//!   has the record stopped declaring the peer, which is all that the peer relies on.
//!
//! The alternative, to answer that the outcome is unknown and to go on, would keep the cluster from all other calls
//! until a majority is back, and would carry out a change long after its caller went on to something else. A caller
//! that retries with the same token after the failure starts the update afresh.
//!
//! # Deletions that come while one waits
//!
//! DeleteCluster is idempotent. A deletion with another token, or none, joins the one that waits and gets the same
//! answer, and its token is recorded with it. A crash forgets the joined calls, like all waiting calls; their retries
//! join again.

use std::sync::Arc;

use crate::api::Request;
use crate::control::message::{DelayRange, Delivery, Timer};
use crate::control::mutant::Mutant;
use crate::control::peering::{InFlight, RegisterKey};
use crate::control::records::{Batch, Cluster, Intent, Serial};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::coverage_mark::CoverageMark;
use crate::types::{Account, ClusterStatus};

/// The calls that wait for the link register's decision about one cluster.
#[derive(Clone, Debug, Default)]
pub(in crate::control) struct Waiting {
    /// The call that began the wait, by which its deadline finds it; `None` for a wait resumed from storage.
    began: Option<Delivery>,
    /// The arrivals to answer. Empty after a restart, until retries join.
    pub(in crate::control) waiters: Vec<Delivery>,
    /// The joined deletions, whose own tokens are recorded with the answer.
    pub(in crate::control) joined: Vec<RequestContext>,
}

impl Waiting {
    /// A call that does not wait, in the form in which a deletion is finished.
    pub(in crate::control) fn alone(delivery: Delivery) -> Waiting {
        Waiting { began: Some(delivery), waiters: vec![delivery], joined: Vec::new() }
    }
}

impl ControlPlane {
    /// Writes the call into the record as an intent and leaves the decision to the link register. Only the register
    /// knows whether the peer has declared in turn, and so whether the cluster may go its own way.
    pub(in crate::control) fn defer_to_register(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        cluster: &Arc<Cluster>,
        waiters: Vec<Delivery>,
    ) {
        // Durable before the proposal leaves. If a crash could forget the call, its withdrawal might still be chosen,
        // and the record would declare a peer that the register no longer knows of.
        let intent = Arc::new(Intent { account: ctx.account, request: ctx.request.clone() });
        let cluster = self
            .write_cluster(turn, cluster, None, Some(ctx.delivery), |record| record.intent = Some(intent));
        let waiting = Waiting { began: Some(ctx.delivery), waiters, joined: Vec::new() };
        self.start_waiting(turn, &cluster, waiting);
        self.propose(turn, &cluster, 0);
    }

    /// Resumes the wait for a call that a restart finds in the record. Its waiters are gone; their retries join it.
    pub(in crate::control) fn resume_intent(&mut self, turn: &mut Turn<'_>, cluster: &Cluster) {
        if cluster.intent.is_some() {
            turn.cover(CoverageMark::IntentResumed);
            self.start_waiting(turn, cluster, Waiting::default());
        }
    }

    /// Lets a second deletion wait for the answer of the first one.
    pub(in crate::control) fn join_deletion(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        cluster: &Cluster,
    ) {
        turn.cover(CoverageMark::DeletionsJoined);
        let key = (cluster.arn.account, cluster.serial);
        // A retry of this call must find it, as it would find the first.
        if let Some(token) = self.token_key(ctx.account, &ctx.request) {
            self.in_flight.insert(token, InFlight::Register(key.0, key.1));
        }
        let waiting = self.waiting.entry(key).or_default();
        waiting.waiters.push(ctx.delivery);
        waiting.joined.push(ctx.clone());
    }

    /// Whether a deletion of the cluster waits for the link register.
    pub(in crate::control) fn is_deletion_deferred(cluster: &Cluster) -> bool {
        cluster.intent.as_ref().is_some_and(|intent| matches!(*intent.request, Request::DeleteCluster(_)))
    }

    /// Whether another call on the cluster is unfinished. Two at once could each write over the other's change.
    pub(in crate::control) fn is_busy(&self, cluster: &Cluster) -> bool {
        cluster.intent.is_some() || self.has_update_in_flight(cluster.arn.account, cluster.serial)
    }

    /// Ends the wait begun by `began`: its deadline has passed without a decision of the register.
    pub(in crate::control) fn expire_wait(
        &mut self,
        turn: &mut Turn<'_>,
        (account, serial): (Account, Serial),
        began: Option<Delivery>,
    ) {
        // The deadline of an earlier wait, which has ended, must not end a later one.
        if self.waiting.get(&(account, serial)).is_none_or(|waiting| waiting.began != began) {
            return;
        }
        let Some(cluster) = self.storage.at(account, serial).cloned() else { return };
        let Some(intent) = &cluster.intent else { return };
        if Self::is_deletion_deferred(&cluster) {
            // PENDING_DELETE is true whatever the register decides: this side's deletion was requested, and the
            // record goes on proposing it.
            turn.cover(CoverageMark::DeleteDeadlinePassed);
            let waiting = self.take_waiting(&cluster);
            let status = ClusterStatus::PendingDelete;
            self.finish_delete(turn, intent.account, &intent.request, &cluster, status, &waiting);
        } else {
            // The opposite of a deletion: an update that was not decided must not be carried out. See the module's
            // text for why its withdrawal, if it is chosen after all, is undone.
            turn.cover(CoverageMark::UpdateDeadlinePassed);
            if self.mutants.has(Mutant::UndecidedIsWon) {
                return self.finish_withdrawal(turn, &cluster);
            }
            // Either of the two would have made a majority with the acceptor here.
            let peer = cluster.register().and_then(|register| register.other(cluster.arn));
            let witness = cluster.register().as_ref().map(RegisterKey::witness);
            let witness = witness.filter(|_| !self.mutants.has(Mutant::SilentWitnessNotNamed));
            let silent: Vec<_> = peer.map(|peer| peer.region).into_iter().chain(witness).collect();
            self.abandon_update(turn, &cluster, errors::undecided(&silent));
        }
    }

    /// Ends a deferred update without carrying it out. The cluster still declares its peer, and proposes so again.
    pub(in crate::control) fn abandon_update(
        &mut self,
        turn: &mut Turn<'_>,
        cluster: &Arc<Cluster>,
        error: crate::api::Error,
    ) {
        let waiting = self.take_waiting(cluster);
        let keeps_intent = self.mutants.has(Mutant::GivenUpKept);
        let cluster = self.write_cluster(turn, cluster, None, None, |record| {
            record.intent = record.intent.take().filter(|_| keeps_intent);
        });
        turn.reply(&waiting.waiters, Err(Arc::new(error)));
        // Under a higher ballot than the withdrawal: after this declaration is chosen, the register agrees with the
        // record again.
        self.propose(turn, &cluster, 0);
    }

    /// Takes the calls that wait for the register's decision about the cluster. Their tokens are no longer in flight.
    pub(in crate::control) fn take_waiting(&mut self, cluster: &Cluster) -> Waiting {
        let key = (cluster.arn.account, cluster.serial);
        let waiting = self.waiting.swap_remove(&key).unwrap_or_default();
        let first = cluster.intent.as_ref().map(|intent| (intent.account, &intent.request));
        let joined = waiting.joined.iter().map(|ctx| (ctx.account, &ctx.request));
        for (account, request) in first.into_iter().chain(joined) {
            if let Some(token) = self.token_key(account, request) {
                self.in_flight.swap_remove(&token);
            }
        }
        waiting
    }

    /// Starts or resumes a wait: puts the token of the deferred call in flight and sets the deadline.
    fn start_waiting(&mut self, turn: &mut Turn<'_>, cluster: &Cluster, waiting: Waiting) {
        let (account, serial) = (cluster.arn.account, cluster.serial);
        let intent = cluster.intent.as_ref();
        if let Some(token) = intent.and_then(|intent| self.token_key(intent.account, &intent.request)) {
            self.in_flight.insert(token, InFlight::Register(account, serial));
        }
        let after = self.assumptions.remote_deadline;
        let timer = Timer::Deadline { account, serial, began: waiting.began };
        if waiting.began.is_some() || !self.mutants.has(Mutant::ResumedWithoutDeadline) {
            turn.set_timer(DelayRange { min: after, max: after }, timer);
        }
        self.waiting.insert((account, serial), waiting);
    }

    /// Records the answer under the token of each joined deletion. These are batches of their own: a crash between
    /// them loses a token at most, and its retry finds the cluster being deleted.
    pub(in crate::control) fn record_joined_tokens(
        &mut self,
        turn: &mut Turn<'_>,
        waiting: &Waiting,
        response: &Arc<crate::api::Response>,
    ) {
        for ctx in &waiting.joined {
            let token = self.token_write(turn.now(), ctx.account, &ctx.request, response);
            if token.is_some() {
                self.persist(turn, Batch { token, ..Batch::default() }, Some(ctx.delivery));
            }
        }
    }
}

impl ControlPlane {
    /// Carries the deferred update out, whose withdrawal was chosen: the peer can no longer link with this cluster.
    pub(in crate::control) fn finish_withdrawal(&mut self, turn: &mut Turn<'_>, cluster: &Arc<Cluster>) {
        let Some(intent) = cluster.intent.clone() else { return };
        let Request::UpdateCluster(input) = &*intent.request else { return };
        turn.cover(CoverageMark::WithdrawalWon);
        match self.next_properties(cluster, input) {
            Ok(next) => {
                let waiters = self.take_waiting(cluster).waiters;
                self.finish_update(turn, intent.account, &intent.request, cluster, next, &waiters);
            }
            // Valid when the call was deferred, but not any more. The declaration is proposed again.
            Err(error) => self.abandon_update(turn, cluster, error),
        }
    }

    /// Refuses the deferred update: the peer declared before the withdrawal was chosen, so the pair is linked. The
    /// record follows the register.
    pub(in crate::control) fn refuse_withdrawal(&mut self, turn: &mut Turn<'_>, cluster: &Arc<Cluster>) {
        turn.cover(CoverageMark::WithdrawalLost);
        let waiters = self.take_waiting(cluster).waiters;
        let Some(peer) = cluster.multi_region.as_deref().and_then(|it| it.peer) else { return };
        let keeps_intent = self.mutants.has(Mutant::LostWithdrawalKept);
        let kept = cluster.intent.as_ref().filter(|_| self.mutants.has(Mutant::LostWitnessKept));
        let kept = kept.and_then(|lost| self.revalidate(cluster, &lost.request).ok()?);
        self.write_cluster(turn, cluster, None, None, |record| {
            record.intent = record.intent.take().filter(|_| keeps_intent);
            record.status = ClusterStatus::Creating;
            if let Some(multi_region) = &mut record.multi_region {
                multi_region.linked = true;
                multi_region.witness = kept.map_or(multi_region.witness, |it| it.witness);
            }
        });
        turn.reply(&waiters, Err(Arc::new(errors::lost_to_link(cluster, peer))));
    }
}
