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

use crate::api::{Error, Response, UpdateClusterInput};
use crate::control::message::{DelayRange, Delivery, Timer};
use crate::control::mutant::planted;
use crate::control::peering::RegisterKey;
use crate::control::records::{
    Batch, CallToken, Cluster, ClusterKey, DeferredRequest, InFlight, Intent, TokenWrite,
};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::coverage_mark::CoverageMark;
use crate::types::ClusterStatus;

/// The calls that end with one decision about a cluster, mostly the link register's: the arrivals to answer, and the
/// tokens to record the answer under.
#[derive(Clone, Debug, Default)]
pub(in crate::control) struct Waiting {
    /// The call that began the wait, by which its deadline finds it; `None` for a wait resumed from storage.
    began: Option<Delivery>,
    /// The token of the call that began the wait.
    token: Option<CallToken>,
    /// The arrivals to answer. Empty after a restart, until retries join.
    waiters: Vec<Delivery>,
    /// The joined deletions with a token of their own.
    joined: Vec<(Delivery, CallToken)>,
}

impl Waiting {
    /// One call and the arrivals that joined it.
    pub(in crate::control) fn of(ctx: &RequestContext, waiters: Vec<Delivery>) -> Waiting {
        Waiting { began: Some(ctx.delivery), token: ctx.token.clone(), waiters, joined: Vec::new() }
    }

    /// A call that nothing has joined.
    pub(in crate::control) fn alone(ctx: &RequestContext) -> Waiting {
        Waiting::of(ctx, vec![ctx.delivery])
    }

    /// The arrivals to answer.
    pub(in crate::control) fn waiters(&self) -> &[Delivery] {
        &self.waiters
    }

    /// The token's record for a call that ends with `response`; `None` if the call has no token.
    pub(in crate::control) fn token_write(
        &self,
        turn: &Turn<'_>,
        response: &Arc<Response>,
    ) -> Option<TokenWrite> {
        self.token.as_ref().map(|token| token.record(turn.now(), response))
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
        request: DeferredRequest,
        waiters: Vec<Delivery>,
    ) {
        // Durable before the proposal leaves. If a crash could forget the call, its withdrawal might still be chosen,
        // and the record would declare a peer that the register no longer knows of.
        let intent = Arc::new(Intent { account: ctx.caller.account, request });
        let cluster = self.write_cluster(turn, cluster, None, Some(ctx.delivery), |record| {
            record.intent = Some(intent);
        });
        self.start_waiting(turn, &cluster, Waiting::of(ctx, waiters));
        self.propose(turn, &cluster, 0);
    }

    /// Resumes the wait for a call that a restart finds in the record. Its waiters are gone; their retries join it.
    pub(in crate::control) fn resume_intent(&mut self, turn: &mut Turn<'_>, cluster: &Cluster) {
        if let Some(intent) = &cluster.intent {
            turn.cover(CoverageMark::IntentResumed);
            let token = self.token_of(intent.account, &intent.request.to_request());
            self.start_waiting(turn, cluster, Waiting { token, ..Waiting::default() });
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
        // A retry of this call must find it, as it would find the first.
        self.tokens.begin(ctx.token.as_ref(), InFlight::Register(cluster.key()));
        let waiting = self.peering.waiting.entry(cluster.key()).or_default();
        waiting.waiters.push(ctx.delivery);
        waiting.joined.extend(ctx.token.clone().map(|token| (ctx.delivery, token)));
    }

    /// Joins a request to the call with its token, which waits for the link register. The token is that of the deferred
    /// call, which is in the record, or of a deletion that joined it. After a restart only the first is known: the
    /// tokens of joined calls were in memory.
    pub(in crate::control) fn join_wait(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        key: ClusterKey,
    ) {
        // A waiter only: the token is recorded with the call that brought it.
        self.peering.waiting.entry(key).or_default().waiters.push(ctx.delivery);
        turn.cover(CoverageMark::RegisterCallsJoined);
    }

    /// Whether another call on the cluster is unfinished. Two at once could each write over the other's change.
    pub(in crate::control) fn is_busy(&self, cluster: &Cluster) -> bool {
        cluster.intent.is_some() || self.has_update_in_flight(cluster.key())
    }

    /// Ends the wait begun by `began`: its deadline has passed without a decision of the register.
    pub(in crate::control) fn expire_wait(
        &mut self,
        turn: &mut Turn<'_>,
        key: ClusterKey,
        began: Option<Delivery>,
    ) {
        // The deadline of an earlier wait, which has ended, must not end a later one.
        if self.peering.waiting.get(&key).is_none_or(|waiting| waiting.began != began) {
            return;
        }
        // A wait ends when its intent leaves the record, and no record with an intent is removed: there is always one.
        let Some(cluster) = self.storage.at(key.0, key.1).cloned() else { return };
        let Some(intent) = &cluster.intent else { return };
        match &intent.request {
            DeferredRequest::DeleteCluster(_) => {
                // PENDING_DELETE is true whatever the register decides: this side's deletion was requested, and the
                // record goes on proposing it.
                turn.cover(CoverageMark::DeleteDeadlinePassed);
                let waiting = self.take_waiting(&cluster);
                self.finish_delete(turn, &waiting, &cluster, ClusterStatus::PendingDelete);
            }
            DeferredRequest::UpdateCluster(input) => {
                // The opposite of a deletion: an update that was not decided must not be carried out. See the module's
                // text for why its withdrawal, if it is chosen after all, is undone.
                turn.cover(CoverageMark::UpdateDeadlinePassed);
                planted!(self.mutants, UndecidedIsWon => return self.finish_withdrawal(turn, &cluster, input));
                // Either of the two would have made a majority with the acceptor here.
                let peer = cluster.register().and_then(|register| register.other(cluster.arn));
                let witness = cluster.register().as_ref().map(RegisterKey::witness);
                let mut silent: Vec<_> = peer.map(|peer| peer.region).into_iter().chain(witness).collect();
                planted!(self.mutants, SilentWitnessNotNamed => silent.truncate(1));
                self.abandon_update(turn, &cluster, errors::undecided(&silent));
            }
        }
    }

    /// Ends a deferred update without carrying it out. The cluster still declares its peer, and proposes so again.
    fn abandon_update(&mut self, turn: &mut Turn<'_>, cluster: &Arc<Cluster>, error: Error) {
        let waiting = self.take_waiting(cluster);
        let mutants = self.mutants;
        let cluster = self.write_cluster(turn, cluster, None, None, |record| {
            let ended = record.intent.take();
            planted!(mutants, GivenUpKept => record.intent = ended);
        });
        turn.reply(&waiting.waiters, Err(Arc::new(error)));
        // Under a higher ballot than the withdrawal: after this declaration is chosen, the register agrees with the
        // record again.
        self.propose(turn, &cluster, 0);
    }

    /// Takes the calls that wait for the register's decision about the cluster. Their tokens are no longer in flight.
    pub(super) fn take_waiting(&mut self, cluster: &Cluster) -> Waiting {
        let waiting = self.peering.waiting.swap_remove(&cluster.key()).unwrap_or_default();
        self.tokens.end(waiting.token.as_ref());
        waiting.joined.iter().for_each(|(_, token)| self.tokens.end(Some(token)));
        waiting
    }

    /// Starts or resumes a wait: puts the token of the deferred call in flight and sets the deadline.
    fn start_waiting(&mut self, turn: &mut Turn<'_>, cluster: &Cluster, waiting: Waiting) {
        let (account, serial) = cluster.key();
        self.tokens.begin(waiting.token.as_ref(), InFlight::Register((account, serial)));
        let after = self.assumptions.remote_deadline;
        let began = waiting.began;
        self.peering.waiting.insert((account, serial), waiting);
        planted!(self.mutants, ResumedWithoutDeadline if began.is_none() => return);
        turn.set_timer(DelayRange { min: after, max: after }, Timer::Deadline { account, serial, began });
    }

    /// Records the answer under the token of each joined deletion. These are batches of their own: a crash between
    /// them loses a token at most, and its retry finds the cluster being deleted.
    pub(in crate::control) fn record_joined_tokens(
        &mut self,
        turn: &mut Turn<'_>,
        waiting: &Waiting,
        response: &Arc<Response>,
    ) {
        for (delivery, token) in &waiting.joined {
            let token = Some(token.record(turn.now(), response));
            self.persist(turn, Batch { token, ..Batch::default() }, Some(*delivery));
        }
    }

    /// Carries the deferred update out, whose withdrawal was chosen: the peer can no longer link with this cluster.
    pub(super) fn finish_withdrawal(
        &mut self,
        turn: &mut Turn<'_>,
        cluster: &Arc<Cluster>,
        input: &UpdateClusterInput,
    ) {
        turn.cover(CoverageMark::WithdrawalWon);
        match self.next_properties(cluster, input) {
            Ok(next) => {
                let waiting = self.take_waiting(cluster);
                self.finish_update(turn, &waiting, cluster, input, next);
            }
            // Valid when the call was deferred, but not any more. The declaration is proposed again.
            Err(error) => self.abandon_update(turn, cluster, error),
        }
    }

    /// Refuses the deferred update: the peer declared before the withdrawal was chosen, so the pair is linked. The
    /// record follows the register.
    pub(super) fn refuse_withdrawal(
        &mut self,
        turn: &mut Turn<'_>,
        cluster: &Arc<Cluster>,
        input: &UpdateClusterInput,
        register: &RegisterKey,
    ) {
        turn.cover(CoverageMark::WithdrawalLost);
        let waiting = self.take_waiting(cluster);
        let mutants = self.mutants;
        let mut witness = register.witness();
        planted!(mutants, LostWitnessKept => if let Ok(Some(lost)) = self.revalidate(cluster, input) {
            witness = lost.witness;
        });
        self.write_cluster(turn, cluster, None, None, |record| {
            let lost = record.intent.take();
            planted!(mutants, LostWithdrawalKept => record.intent = lost);
            record.status = ClusterStatus::Creating;
            if let Some(multi_region) = &mut record.multi_region {
                multi_region.linked = true;
                multi_region.witness = witness;
            }
        });
        let peer = register.opposite(register.side(cluster.arn));
        turn.reply(&waiting.waiters, Err(Arc::new(errors::lost_to_link(cluster, peer))));
    }
}
