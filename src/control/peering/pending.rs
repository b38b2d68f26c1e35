//! Pending calls: CreateCluster and UpdateCluster while they wait for remote checks.
//!
//! The witness node checks the permission to use its Region; the control planes of the peers that a call lists, keeps
//! or leaves out check and describe these. All are asked at once, again while an answer is late, and no longer than
//! the assumed deadline: the call then ends in InternalServerException. Nothing is written until every answer is in,
//! so a denial leaves nothing behind and a crash loses nothing but the wait.

use std::sync::Arc;
use std::time::Duration;

use crate::api::{CreateClusterInput, Error, Operation, UpdateClusterInput};
use crate::control::assumptions::Refusal;
use crate::control::authorization::{AccountScope, Caller, Denial, PeerAction, required_permissions};
use crate::control::message::{DelayRange, Delivery, Message, PeerAnswer, Reply, Timer, Wait};
use crate::control::mutant::{planted, without_retry_after};
use crate::control::records::{ClusterKey, InFlight, MultiRegion, Serial};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::coverage_mark::CoverageMark;
use crate::region::Region;
use crate::types::{Account, ClusterArn, ClusterStatus, NodeId};

/// A call that waits for remote checks.
#[derive(Clone, Debug)]
pub(super) struct PendingCall {
    /// The request that came first with its token.
    ctx: RequestContext,
    /// The arrivals to answer: the first request and those that joined it.
    waiters: Vec<Delivery>,
    request: PendingRequest,
    /// The multi-Region properties that the cluster is to have.
    wanted: MultiRegion,
    /// The checks without an answer so far.
    outstanding: Vec<RemoteCheck>,
}

/// The request of a pending call. No other operation has remote checks.
#[derive(Clone, Debug)]
pub(in crate::control) enum PendingRequest {
    /// The creation of a cluster. It has no serial yet: two pending creates must not take the same.
    Create(CreateClusterInput),
    /// The update of the cluster with this serial. The cluster may change, or go, while the call waits.
    Update(Serial, UpdateClusterInput),
}

/// A check that another Region makes for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RemoteCheck {
    /// By the witness node of this Region: whether the caller may have a witness there.
    Witness(Region),
    /// By the control plane of the peer's Region: permission on the peer, and its description.
    Peer(ClusterArn, PeerAction),
}

impl PendingRequest {
    fn operation(&self) -> Operation {
        match self {
            PendingRequest::Create(_) => Operation::CreateCluster,
            PendingRequest::Update(..) => Operation::UpdateCluster,
        }
    }

    fn verb(&self) -> &'static str {
        match self {
            PendingRequest::Create(_) => "create",
            PendingRequest::Update(..) => "update",
        }
    }
}

impl ControlPlane {
    /// Starts the remote checks of a call: the witness Region's, and one for each of `peers`. The call waits in
    /// memory only.
    pub(in crate::control) fn start_checks(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: RequestContext,
        request: PendingRequest,
        wanted: MultiRegion,
        peers: impl IntoIterator<Item = (ClusterArn, PeerAction)>,
    ) {
        planted!(self.mutants, CreateBeforeChecks => if let PendingRequest::Create(input) = &request {
            self.write_new(turn, self.new_cluster(&ctx, input, Some(wanted)), None, ctx.delivery);
        });
        let delivery = ctx.delivery;
        // From here on a retry joins instead of starting checks, and a cluster, of its own.
        self.tokens.begin(ctx.token.as_ref(), InFlight::Checks(delivery));
        let mut outstanding = vec![RemoteCheck::Witness(wanted.witness)];
        outstanding.extend(peers.into_iter().map(|(peer, action)| RemoteCheck::Peer(peer, action)));
        let call = PendingCall { ctx, waiters: vec![delivery], request, wanted, outstanding };
        self.peering.calls.insert(delivery, call);
        self.send_checks(turn, delivery, 0);
    }

    /// Joins a request to the pending call with its token. That call wrote nothing so far; this one shares its outcome,
    /// whatever it is.
    pub(in crate::control) fn join_checks(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        call: Delivery,
    ) {
        // The network's copy of the same attempt and a client's retry are the same to the protocol; only coverage tells
        // them apart.
        let is_copy = (call.call, call.attempt) == (ctx.delivery.call, ctx.delivery.attempt);
        turn.cover(if is_copy { CoverageMark::DuplicateJoined } else { CoverageMark::CallsJoined });
        self.peering.calls[&call].waiters.push(ctx.delivery);
        planted!(self.mutants, JoinerAnsweredTwice => self.peering.calls[&call].waiters.push(ctx.delivery));
    }

    /// Records the witness Region's answer; a denial ends the call, the last answer completes it.
    pub(in crate::control) fn receive_witness_answer(
        &mut self,
        turn: &mut Turn<'_>,
        call: Delivery,
        denial: Option<Denial>,
    ) {
        planted!(self.mutants, LateAnswerPanics =>
            assert!(self.peering.calls.contains_key(&call), "no call waits for this answer"));
        // A duplicate, or an answer after the call has ended: another answer or the deadline was first.
        let Some(waiting) = self.peering.calls.get_mut(&call) else { return };
        let witness = waiting.wanted.witness;
        waiting.record_answer(RemoteCheck::Witness(witness));
        // Each answer counts for itself, also to an earlier attempt: a permission that was given stays given for this
        // call.
        let Some(denial) = denial else { return self.finish_if_all_answered(turn, call) };
        turn.cover(CoverageMark::WitnessDenied);
        let caller = waiting.ctx.caller;
        let home = AccountScope::of(witness, caller.account);
        let mut named = witness;
        planted!(self.mutants, DenialNamesOwnRegion => named = self.region);
        let error = self.authorizer.error(caller, required_permissions::witness(&home), named, denial);
        self.fail_checks(turn, call, error);
    }

    /// Records a peer's answer; a denial or an unfit peer ends the call, the last answer completes it.
    pub(in crate::control) fn receive_peer_answer(
        &mut self,
        turn: &mut Turn<'_>,
        call: Delivery,
        peer: ClusterArn,
        action: PeerAction,
        answer: PeerAnswer,
    ) {
        // A duplicate, or an answer after the call has ended.
        let Some(waiting) = self.peering.calls.get_mut(&call) else { return };
        waiting.record_answer(RemoteCheck::Peer(peer, action));
        match answer {
            PeerAnswer::Denied(_) => turn.cover(CoverageMark::PeerDenied),
            PeerAnswer::Missing => turn.cover(CoverageMark::PeerMissing),
            PeerAnswer::SingleRegion | PeerAnswer::MultiRegion { .. } => {}
        }
        match self.evaluate_peer(&self.peering.calls[&call], peer, action, answer) {
            Ok(()) => self.finish_if_all_answered(turn, call),
            Err(error) => self.fail_checks(turn, call, error),
        }
    }

    /// Repeats the checks that are still unanswered, or fails the call after the last attempt.
    pub(in crate::control) fn recheck(&mut self, turn: &mut Turn<'_>, call: Delivery, attempt: u32) {
        // The call ended before its timer fired.
        let Some(waiting) = self.peering.calls.get(&call) else { return };
        let mut attempts = MAX_ATTEMPTS;
        planted!(self.mutants, AskedOnce => attempts = 1);
        if attempt < attempts {
            turn.cover(CoverageMark::CheckRepeated);
            return self.send_checks(turn, call, attempt);
        }
        waiting.outstanding.iter().for_each(|question| match question {
            RemoteCheck::Witness(_) => turn.cover(CoverageMark::WitnessSilent),
            RemoteCheck::Peer(..) => turn.cover(CoverageMark::PeerSilent),
        });
        // Failing is safe: nothing was written, and answers that still come find no call.
        let mut silent: Vec<Region> = waiting.outstanding.iter().map(|question| question.region()).collect();
        // The listed peer and the one that the update leaves out may be in one Region.
        silent.dedup();
        let mut error = errors::unreachable(&silent);
        planted!(self.mutants, RetryAfterMissing => error = without_retry_after(error));
        self.fail_checks(turn, call, error);
    }

    /// Authorizes a caller of another Region on the cluster `peer`, and describes it.
    pub(in crate::control) fn answer_peer_check(
        &self,
        turn: &mut Turn<'_>,
        call: Delivery,
        caller: Caller,
        peer: ClusterArn,
        action: PeerAction,
    ) -> PeerAnswer {
        // An ARN of another account or Region names nothing here, even if an identifier matches.
        let cluster = self.storage.cluster(peer.identifier).filter(|cluster| cluster.arn == peer);
        if !self.authorizer.is_unrestricted(caller) {
            let mut arn = peer.to_string();
            planted!(self.mutants, PeerCheckedByWildcard =>
                arn = AccountScope::of(self.region, caller.account).any().to_owned());
            // A resource policy of the peer may allow or deny the caller; a peer that does not exist has none, so the
            // check runs on the ARN alone and gives nothing away.
            let mut attributes =
                cluster.map(|cluster| self.attributes(turn.now(), cluster)).unwrap_or_default();
            planted!(self.mutants, LeftPeerPolicyIgnored if action == PeerAction::Remove =>
                attributes.policy = None);
            let mut permission = required_permissions::peer(&arn, action);
            planted!(self.mutants, RemovePeerNotAsked if action == PeerAction::Remove => permission = None);
            let checked = permission.map_or(Ok(()), |permission| {
                self.authorizer.check(turn, call, caller, permission, attributes)
            });
            // Before the description: without the permission the caller must not learn whether the cluster exists.
            if let Err(denial) = checked {
                return PeerAnswer::Denied(denial);
            }
        }
        match cluster {
            None => PeerAnswer::Missing,
            Some(cluster) => match &cluster.multi_region {
                None => PeerAnswer::SingleRegion,
                Some(multi_region) => PeerAnswer::MultiRegion {
                    status: cluster.status,
                    witness: multi_region.witness,
                    linked: cluster.linked_peer(),
                },
            },
        }
    }

    /// Ends a pending call with an error, for all its waiters.
    fn fail_checks(&mut self, turn: &mut Turn<'_>, call: Delivery, error: Error) {
        // Every caller has just found the call.
        let Some(waiting) = self.take_call(call) else { return };
        let result: Reply = Err(Arc::new(error));
        turn.reply(&waiting.waiters, result);
        planted!(self.mutants, BusyAfterRefusal =>
            self.peering.calls.insert(call, PendingCall { waiters: Vec::new(), ..waiting }));
    }

    /// The open waits of pending calls.
    pub(in crate::control) fn pending_call_waits(&self) -> impl Iterator<Item = Wait> {
        self.peering.calls.values().map(|call| Wait {
            region: self.region,
            waiter: format!("{} of client {}", call.request.operation(), call.ctx.delivery.client.0),
            missing: call.outstanding.iter().map(|question| question.node()).collect(),
            action: "answer a check",
        })
    }

    /// The number of the account's pending creates. They count towards its quota: all of them may still succeed.
    pub(in crate::control) fn creates_in_flight(&self, account: Account) -> u32 {
        let is_create = |call: &&PendingCall| {
            matches!(call.request, PendingRequest::Create(_)) && call.ctx.caller.account == account
        };
        let creates = self.peering.calls.values().filter(is_create);
        planted!(self.mutants, AttemptsCountTowardsQuota =>
            return creates.map(|call| call.waiters.len() as u32).sum());
        creates.count() as u32
    }

    /// Whether an update of the cluster is pending. A second one would be checked against properties that the first
    /// replaces.
    pub(super) fn has_update_in_flight(&self, (account, serial): ClusterKey) -> bool {
        self.peering.calls.values().any(|call| {
            matches!(call.request, PendingRequest::Update(updated, _) if updated == serial)
                && call.ctx.caller.account == account
        })
    }

    /// Sends the outstanding checks and sets the timer of the next attempt. All attempts together last for the
    /// assumed deadline.
    fn send_checks(&self, turn: &mut Turn<'_>, delivery: Delivery, attempt: u32) {
        for (message, to) in self.peering.calls[&delivery].check_messages(delivery, attempt) {
            turn.send(to, message);
        }
        let after = self.assumptions.remote_deadline / MAX_ATTEMPTS;
        let after = DelayRange { min: after, max: after.max(Duration::from_nanos(1)) };
        turn.set_timer(after, Timer::Recheck { call: delivery, attempt: attempt + 1 });
    }

    /// Completes the call once every check has passed. Only then anything is written.
    fn finish_if_all_answered(&mut self, turn: &mut Turn<'_>, call: Delivery) {
        let is_complete = self.peering.calls[&call].outstanding.is_empty();
        // The other checks are still without an answer.
        let Some(call) = is_complete.then(|| self.take_call(call)).flatten() else { return };
        match &call.request {
            PendingRequest::Create(input) => {
                self.finish_create(turn, &call.ctx, input, Some(call.wanted), &call.waiters);
            }
            PendingRequest::Update(serial, input) => {
                self.resume_update(turn, &call.ctx, *serial, input, call.waiters);
            }
        }
    }

    /// Takes a pending call out; its token is no longer in flight.
    fn take_call(&mut self, delivery: Delivery) -> Option<PendingCall> {
        let call = self.peering.calls.swap_remove(&delivery)?;
        self.tokens.end(call.ctx.token.as_ref());
        Some(call)
    }

    /// Whether a call may have this peer. It refuses early what the register would leave undecided for ever; the link
    /// itself rests on the register alone, since this answer is of the past.
    fn evaluate_peer(
        &self,
        call: &PendingCall,
        peer: ClusterArn,
        action: PeerAction,
        answer: PeerAnswer,
    ) -> Result<(), Error> {
        let (verb, assumed) = (call.request.verb(), &*self.assumptions);
        match answer {
            PeerAnswer::Denied(denial) => {
                let arn = peer.to_string();
                let permission = required_permissions::peer(&arn, action)
                    .expect("an action without a permission is never denied");
                Err(self.authorizer.error(call.ctx.caller, permission, peer.region, denial))
            }
            // A peer that is given up needs the permission and nothing else: it may be gone.
            _ if action == PeerAction::Remove => Ok(()),
            PeerAnswer::Missing => Err(errors::missing_peer(assumed.missing_peer, verb, &peer.to_string())),
            PeerAnswer::SingleRegion if assumed.single_region_peer_refused => Err(errors::properties(
                Refusal::Validation,
                verb,
                format_args!("Peer cluster {peer} is a single-Region cluster"),
                ANOTHER_PEER,
            )),
            // Assumed otherwise: the declaration stands, and nothing comes of it.
            PeerAnswer::SingleRegion => Ok(()),
            PeerAnswer::MultiRegion { status, witness, linked } => {
                self.check_peer_available(call, peer, status, linked)?;
                // Different witnesses mean different registers: each side would wait in its own.
                let mut is_refused = witness != call.wanted.witness && assumed.witness_mismatch_refused;
                planted!(self.mutants, LinkedWitnessChanged => is_refused = false);
                if is_refused {
                    return Err(errors::properties(
                        Refusal::Validation,
                        verb,
                        format_args!("Peer cluster {peer} has the witness Region {witness}"),
                        "give the same witness Region and try again",
                    ));
                }
                Ok(())
            }
        }
    }

    /// Whether a peer could still link with the cluster of `call`.
    fn check_peer_available(
        &self,
        call: &PendingCall,
        peer: ClusterArn,
        status: ClusterStatus,
        linked: Option<ClusterArn>,
    ) -> Result<(), Error> {
        use ClusterStatus::{Deleted, Deleting, Failed, PendingDelete};
        let refused = |cause| {
            Err(errors::properties(self.assumptions.peer_taken, call.request.verb(), cause, ANOTHER_PEER))
        };
        // A cluster on its way out, or failed, never declares again.
        if matches!(status, PendingDelete | Deleting | Deleted | Failed) {
            return refused(format!("Peer cluster {peer} is in {status} state"));
        }
        let own = match call.request {
            PendingRequest::Create(_) => None,
            PendingRequest::Update(serial, _) => {
                self.storage.at(call.ctx.caller.account, serial).map(|cluster| cluster.arn)
            }
        };
        // One peer at most: the peer would have to leave its pair first.
        let mut is_taken = linked.is_some() && linked != own;
        planted!(self.mutants, TakenPeerDeclared => is_taken = false);
        if is_taken {
            return refused(format!("Peer cluster {peer} is peered with another cluster"));
        }
        Ok(())
    }
}

impl PendingCall {
    /// Removes an answered check. An answer that is not outstanding, such as a duplicate, changes nothing.
    fn record_answer(&mut self, about: RemoteCheck) {
        self.outstanding.retain(|question| *question != about);
    }

    /// The messages of the outstanding checks, each with its recipient.
    fn check_messages(&self, call: Delivery, attempt: u32) -> impl Iterator<Item = (Message, NodeId)> {
        let caller = self.ctx.caller;
        self.outstanding.iter().map(move |question| {
            let message = match *question {
                RemoteCheck::Witness(_) => Message::CheckWitness { call, caller, attempt },
                RemoteCheck::Peer(peer, action) => Message::CheckPeer { call, caller, peer, action, attempt },
            };
            (message, question.node())
        })
    }
}

impl RemoteCheck {
    fn region(self) -> Region {
        match self {
            RemoteCheck::Witness(region) => region,
            RemoteCheck::Peer(peer, _) => peer.region,
        }
    }

    /// The node that makes the check.
    fn node(self) -> NodeId {
        match self {
            RemoteCheck::Witness(region) => NodeId::Witness(region),
            RemoteCheck::Peer(peer, _) => NodeId::ControlPlane(peer.region),
        }
    }
}

/// The number of times that a check is sent before the call fails.
const MAX_ATTEMPTS: u32 = 5;

/// The remedy for a peer that cannot be linked.
const ANOTHER_PEER: &str = "name another peer cluster and try again";
