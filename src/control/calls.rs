//! Calls that wait for other Regions.
//!
//! Permission to use the witness Region is asked of its witness node, and the peer's control plane is asked about the
//! peer. Both are asked at once, again when an answer is late, and given up on after the assumed deadline: the call
//! then ends in InternalServerException. Nothing is written until every answer is in, so that a refusal leaves
//! nothing behind.

use std::sync::Arc;
use std::time::Duration;

use crate::api::Error;
use crate::goal::Goal;
use crate::region::Region;
use crate::types::{Account, ClusterArn, ClusterStatus, Instant, NodeId};

use super::authorization::{Action, denied};
use super::cluster::{MultiRegion, Serial};
use super::message::{Delivery, Effect, Message, PeerAnswer, Reply, Span, Timer, Wait};
use super::mutant::Mutant;
use super::{Caller, ControlPlane, refuse};

/// A call that waits for answers from other Regions.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Who called first with its token.
    pub(super) caller: Caller,
    /// Everybody who gets the answer.
    pub(super) waiters: Vec<Delivery>,
    /// What it is about.
    pub(super) target: Target,
    /// What it wants.
    pub(super) wanted: MultiRegion,
    awaits_witness: bool,
    awaits_peer: bool,
}

/// What a waiting call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A cluster to be created.
    New,
    /// An update of the cluster with this serial.
    Existing(Serial),
}

impl Target {
    fn verb(self) -> &'static str {
        match self {
            Target::New => "create",
            Target::Existing(_) => "update",
        }
    }
}

/// What a call whose token is in flight waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InFlight {
    /// Answers from other Regions.
    Checks(Delivery),
    /// The link register's decision about a cluster.
    Register(Account, Serial),
}

impl ControlPlane {
    /// Asks the other Regions that `wanted` names, and keeps the call until they have answered.
    pub(super) fn begin_checks(
        &mut self,
        caller: Caller,
        target: Target,
        wanted: MultiRegion,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        self.authorize(Action::PutWitnessRegion)?;
        // A peer that is only left behind is not added.
        let awaits_peer = wanted.peer.is_some() && !wanted.leaving;
        if awaits_peer {
            self.authorize(Action::AddPeerCluster)?;
        }
        if self.mutants.has(Mutant::CreateBeforeChecks) && target == Target::New {
            self.put_new(self.new_cluster(&caller, Some(wanted)), None, caller.delivery, out);
        }
        if let Some(token) = self.token_key(caller.account, &caller.request) {
            self.in_flight.insert(token, InFlight::Checks(caller.delivery));
        }
        let delivery = caller.delivery;
        let call =
            Call { caller, waiters: vec![delivery], target, wanted, awaits_witness: true, awaits_peer };
        self.calls.insert(delivery, call);
        self.ask_other_regions(delivery, 0, out);
        Ok(())
    }

    pub(super) fn witness_checked(
        &mut self,
        now: Instant,
        call: Delivery,
        allowed: bool,
        out: &mut Vec<Effect>,
    ) {
        let Some(waiting) = self.calls.get_mut(&call) else { return };
        waiting.awaits_witness = false;
        let witness = waiting.wanted.witness;
        if allowed {
            self.check_answered(now, call, out);
        } else {
            out.push(Effect::Reached(Goal::WitnessDenied));
            self.end_checks(call, denied(Action::PutWitnessRegion, witness), out);
        }
    }

    pub(super) fn peer_checked(
        &mut self,
        now: Instant,
        call: Delivery,
        answer: PeerAnswer,
        out: &mut Vec<Effect>,
    ) {
        let Some(waiting) = self.calls.get_mut(&call) else { return };
        waiting.awaits_peer = false;
        match answer {
            PeerAnswer::Denied => out.push(Effect::Reached(Goal::PeerDenied)),
            PeerAnswer::Missing => out.push(Effect::Reached(Goal::PeerMissing)),
            PeerAnswer::SingleRegion | PeerAnswer::MultiRegion { .. } => {}
        }
        match self.judge_peer(&self.calls[&call], answer) {
            Ok(()) => self.check_answered(now, call, out),
            Err(error) => self.end_checks(call, error, out),
        }
    }

    /// An answer is late: asks again, or gives up.
    pub(super) fn recheck(&mut self, call: Delivery, attempt: u32, out: &mut Vec<Effect>) {
        let Some(waiting) = self.calls.get(&call) else { return };
        if attempt < ASKS {
            out.push(Effect::Reached(Goal::CheckRepeated));
            return self.ask_other_regions(call, attempt, out);
        }
        out.extend(waiting.awaits_witness.then_some(Effect::Reached(Goal::WitnessSilent)));
        out.extend(waiting.awaits_peer.then_some(Effect::Reached(Goal::PeerSilent)));
        let silent: Vec<Region> = waiting.silent().map(|(_, region)| region).collect();
        self.end_checks(call, refuse::unreachable(&silent), out);
    }

    /// What this control plane says about its cluster `peer` to another Region's.
    pub(super) fn peer_answer(&self, peer: ClusterArn) -> PeerAnswer {
        if !self.denials.allow(Action::AddPeerCluster) {
            return PeerAnswer::Denied;
        }
        match self.durable.cluster(peer.identifier).filter(|cluster| cluster.arn == peer) {
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

    /// Ends a waiting call and answers everybody who waits for it.
    pub(super) fn end_checks(&mut self, call: Delivery, error: Error, out: &mut Vec<Effect>) {
        let Some(waiting) = self.take_call(call) else { return };
        let result: Reply = Err(Arc::new(error));
        self.reply(&waiting.waiters, &result, out);
    }

    /// The calls that wait for other Regions.
    pub(super) fn waiting_calls(&self) -> impl Iterator<Item = Wait> {
        self.calls.values().map(|call| Wait {
            region: self.region,
            who: format!("{} of client {}", call.caller.request.operation(), call.caller.delivery.client.0),
            on: call.silent().map(|(node, _)| node).collect(),
            to: "answer a check",
        })
    }

    /// How many of the account's creates wait for other Regions: they count towards its quota.
    pub(super) fn creates_in_flight(&self, account: Account) -> u32 {
        let waiting = |call: &&Call| call.target == Target::New && call.caller.account == account;
        self.calls.values().filter(waiting).count() as u32
    }

    /// Whether an update of the account's cluster waits for other Regions.
    pub(super) fn has_update_in_flight(&self, account: Account, serial: Serial) -> bool {
        self.calls
            .values()
            .any(|call| call.target == Target::Existing(serial) && call.caller.account == account)
    }

    fn ask_other_regions(&self, delivery: Delivery, attempt: u32, out: &mut Vec<Effect>) {
        for (message, to) in self.calls[&delivery].questions(delivery, attempt) {
            out.push(Effect::send(to, message));
        }
        let after = self.assumptions.remote_deadline / ASKS;
        let after = Span { min: after, max: after.max(Duration::from_nanos(1)) };
        out.push(Effect::SetTimer { after, timer: Timer::Recheck { call: delivery, attempt: attempt + 1 } });
    }

    fn check_answered(&mut self, now: Instant, call: Delivery, out: &mut Vec<Effect>) {
        if self.calls[&call].silent().next().is_some() {
            return;
        }
        let Some(call) = self.take_call(call) else { return };
        match call.target {
            Target::New => self.finish_create(now, &call.caller, &call.waiters, Some(call.wanted), out),
            Target::Existing(serial) => self.update_checked(now, call, serial, out),
        }
    }

    fn take_call(&mut self, delivery: Delivery) -> Option<Call> {
        let call = self.calls.swap_remove(&delivery)?;
        if let Some(token) = self.token_key(call.caller.account, &call.caller.request) {
            self.in_flight.swap_remove(&token);
        }
        Some(call)
    }

    fn judge_peer(&self, call: &Call, answer: PeerAnswer) -> Result<(), Error> {
        let (verb, assumed) = (call.target.verb(), &*self.assumptions);
        let Some(peer) = call.wanted.peer else { return Ok(()) };
        let own = match call.target {
            Target::New => None,
            Target::Existing(serial) => {
                self.durable.at(call.caller.account, serial).map(|cluster| cluster.arn)
            }
        };
        let another = "name another peer cluster and try again";
        match answer {
            PeerAnswer::Denied => Err(denied(Action::AddPeerCluster, peer.region)),
            PeerAnswer::Missing => Err(refuse::missing_peer(assumed.missing_peer, verb, &peer.to_string())),
            PeerAnswer::SingleRegion if assumed.single_region_peer_refused => Err(refuse::properties(
                super::assumptions::Refusal::Validation,
                verb,
                format_args!("Peer cluster {peer} is a single-Region cluster"),
                another,
            )),
            PeerAnswer::SingleRegion => Ok(()),
            PeerAnswer::MultiRegion { status, witness, linked } => {
                use ClusterStatus::{Deleted, Deleting, Failed, PendingDelete};
                let cause = if matches!(status, PendingDelete | Deleting | Deleted | Failed) {
                    format!("Peer cluster {peer} is in {status} state")
                } else if linked.is_some() && linked != own {
                    format!("Peer cluster {peer} is peered with another cluster")
                } else if witness != call.wanted.witness && assumed.witness_mismatch_refused {
                    return Err(refuse::properties(
                        super::assumptions::Refusal::Validation,
                        verb,
                        format_args!("Peer cluster {peer} has the witness Region {witness}"),
                        "give the same witness Region and try again",
                    ));
                } else {
                    return Ok(());
                };
                Err(refuse::properties(assumed.peer_taken, verb, cause, another))
            }
        }
    }
}

impl Call {
    /// The nodes that have yet to answer, and their Regions.
    fn silent(&self) -> impl Iterator<Item = (NodeId, Region)> {
        let witness = self.awaits_witness.then_some(self.wanted.witness);
        let peer = self.wanted.peer.filter(|_| self.awaits_peer).map(|peer| peer.region);
        let witness = witness.map(|region| (NodeId::Witness(region), region));
        witness.into_iter().chain(peer.map(|region| (NodeId::ControlPlane(region), region)))
    }

    fn questions(&self, call: Delivery, attempt: u32) -> impl Iterator<Item = (Message, NodeId)> {
        let peer = self.wanted.peer;
        self.silent().filter_map(move |(node, _)| match (node, peer) {
            (NodeId::Witness(_), _) => Some((Message::CheckWitness { call, attempt }, node)),
            (_, Some(peer)) => Some((Message::CheckPeer { call, peer, attempt }, node)),
            _ => None,
        })
    }
}

/// How often other Regions are asked before a call gives up.
const ASKS: u32 = 5;
