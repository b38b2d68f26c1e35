//! The proposer: the rounds by which a cluster gets the change that it wants of its link register, and what it does
//! when one is chosen.

use std::sync::Arc;

use crate::control::ControlPlane;
use crate::control::message::{DelayRange, Message, Note, Timer, Wait};
use crate::control::mutant::planted;
use crate::control::peering::acceptor::{answer_proposer, persist_acceptor};
use crate::control::peering::{AcceptedValue, Ballot, LinkChange, LinkOutcome, LinkValue, RegisterKey};
use crate::control::records::{Cluster, MultiRegion, Serial};
use crate::control::turn::Turn;
use crate::coverage_mark::CoverageMark;
use crate::types::{Account, ClusterStatus, NodeId, Timestamp};

/// The latest proposal of a cluster. After the change is chosen it remembers what the cluster knows of its register.
#[derive(Clone, Debug)]
pub(super) struct Round {
    register: RegisterKey,
    change: LinkChange,
    ballot: Ballot,
    attempt: u32,
    /// The highest ballot that an acceptor named in a Nack; the next ballot goes above it.
    highest_nack: Ballot,
    /// The accepted value with the highest ballot among the promises so far.
    highest: Option<AcceptedValue>,
    phase: Phase,
    /// The outcome that a round chose last, which later rounds confirm or change.
    known_outcome: Option<LinkOutcome>,
    /// Whether the next round was moved forward, once, because another proposer was in the way.
    is_expedited: bool,
}

/// The progress of a round.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Phase one: waits for a majority of promises.
    Prepare(Votes),
    /// Phase two: waits for a majority of acceptances of this value.
    Accept(LinkValue, Votes),
    /// The change was chosen. The timer runs on: it starts the round that notices what the peer did since.
    Chosen,
}

/// The acceptors that have answered in a phase. A set, not a count: a duplicated answer must not make a majority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Votes {
    own: bool,
    peer: bool,
    witness: bool,
}

impl Votes {
    const OWN: Votes = Votes { own: true, peer: false, witness: false };

    fn with(mut self, from: NodeId) -> Votes {
        match from {
            NodeId::Witness(_) => self.witness = true,
            _ => self.peer = true,
        }
        self
    }

    fn are_majority(self) -> bool {
        u8::from(self.own) + u8::from(self.peer) + u8::from(self.witness) >= 2
    }
}

/// The change that `cluster` wants of its link register, from its record alone, so that a restarted control plane
/// wants the same.
fn wanted_change(cluster: &Cluster) -> Option<LinkChange> {
    use ClusterStatus::{Active, Idle, Inactive, PendingDelete, PendingSetup};
    let multi_region = cluster.multi_region.as_deref().filter(|it| it.peer.is_some())?;
    // An intent comes before the status: the deferred call will change the record, whatever the status is now.
    match (&cluster.intent, cluster.status) {
        (Some(_), _) if cluster.is_deletion_deferred() => Some(LinkChange::Delete),
        (Some(_), _) => Some(LinkChange::Withdraw),
        // Repeated until the register is dissolved: the peer may be deleted at any time.
        (None, PendingDelete) => Some(LinkChange::Delete),
        (None, Active | Idle | Inactive) if multi_region.leaving => Some(LinkChange::Leave),
        // Declared again and again. The peer may declare later, and an abandoned withdrawal is undone by this.
        (None, PendingSetup) => Some(LinkChange::Declare),
        // CREATING and UPDATING want nothing yet: the status that follows proposes when its timer fires.
        _ => None,
    }
}

/// Whether `value` has the outcome that `cluster` has been waiting for.
fn is_awaited(cluster: &Cluster, value: LinkValue) -> bool {
    match wanted_change(cluster) {
        Some(LinkChange::Declare) => value.outcome == LinkOutcome::Linked,
        Some(LinkChange::Delete) => value.outcome == LinkOutcome::Dissolved,
        Some(LinkChange::Leave) => value.outcome == LinkOutcome::Open,
        // A withdrawal waits for its own proposal: an open register may be linked by the next change.
        Some(LinkChange::Withdraw) | None => false,
    }
}

impl ControlPlane {
    /// Answers a proposer in another Region, as the acceptor of this one.
    pub(in crate::control) fn act_as_acceptor(
        &mut self,
        turn: &mut Turn<'_>,
        from: NodeId,
        message: Message,
    ) {
        let me = NodeId::ControlPlane(self.region);
        answer_proposer(turn, &mut self.storage, self.mutants, me, from, message);
    }

    /// Starts a round for the change that the cluster wants of its link register, if it wants any. A round under way
    /// is given up: its late answers no longer match the ballot.
    pub(in crate::control) fn propose(&mut self, turn: &mut Turn<'_>, cluster: &Cluster, attempt: u32) {
        let (account, serial) = cluster.key();
        let (Some(change), Some(register)) = (wanted_change(cluster), cluster.register()) else {
            // The cluster wants nothing any more, so no answer of an old round may act on it.
            if cluster.multi_region.is_some() {
                self.peering.rounds.swap_remove(&(account, serial));
            }
            return;
        };
        let mut acceptor = self.storage.register(&register);
        // Refusals and the known outcome belong to one register; a cluster that changed its peer starts anew.
        let last = self.peering.rounds.get(&(account, serial)).filter(|round| round.register == register);
        let (highest_nack, known_outcome) =
            last.map(|round| (round.highest_nack, round.known_outcome)).unwrap_or_default();
        // Above everything this node knows of, or the own acceptor would refuse. The others may know of more and will
        // name it in a Nack.
        let ballot = acceptor.promised.max(highest_nack).next(self.region);
        // The own acceptor votes without a message, and its vote is as durable as any other: a proposer that crashed
        // must not propose twice under one ballot.
        let mut highest = acceptor.prepare(ballot).expect("a ballot above every promise of this acceptor");
        planted!(self.mutants, LastRoundValueKept => highest = last.and_then(|last| last.highest).or(highest));
        planted!(self.mutants, OwnValueIgnored => highest = None);
        persist_acceptor(turn, &mut self.storage, register, acceptor);
        planted!(self.mutants, OwnAcceptorForgetsInCrash => turn.drop_last_persist());
        let phase = Phase::Prepare(Votes::OWN);
        let round = Round {
            register,
            change,
            ballot,
            attempt,
            highest_nack,
            highest,
            phase,
            known_outcome,
            is_expedited: false,
        };
        self.peering.rounds.insert((account, serial), round);
        self.send_to_acceptors(turn, &register, cluster, || Message::Prepare { register, ballot });
        // One timer for every round, whatever comes of it: a lost message needs no other detection.
        let timer = Timer::Propose { account, serial, round: ballot.round() };
        turn.set_timer(back_off(attempt), timer);
    }

    /// Starts the next round, unless another has begun since the timer was set.
    pub(in crate::control) fn retry(
        &mut self,
        turn: &mut Turn<'_>,
        account: Account,
        serial: Serial,
        ballot_round: u32,
    ) {
        // The cluster wants nothing of a register any more, or is gone.
        let Some(round) = self.peering.rounds.get(&(account, serial)) else { return };
        let attempt = round.attempt + 1;
        // A dissolved register is final, so there is nothing left to learn. Every other chosen outcome can change by
        // the peer's doing, and it is not announced: the cluster keeps asking.
        let is_chosen = matches!(round.phase, Phase::Chosen);
        let mut is_over = round.known_outcome == Some(LinkOutcome::Dissolved);
        planted!(self.mutants, LinkNeverLearned => is_over = true);
        planted!(self.mutants, RetriesEnd if attempt > 3 => return);
        if round.ballot.round() != ballot_round || (is_chosen && is_over) {
            return;
        }
        if let Some(cluster) = self.storage.at(account, serial).cloned() {
            self.propose(turn, &cluster, attempt);
        }
    }

    /// Phase one: counts a promise. The majority starts phase two.
    pub(in crate::control) fn receive_promise(
        &mut self,
        turn: &mut Turn<'_>,
        from: NodeId,
        register: RegisterKey,
        ballot: Ballot,
        accepted: Option<AcceptedValue>,
    ) {
        // An answer to an earlier round proves nothing about this ballot; its promise was for another.
        let Some((cluster, round)) = self.current_round(&register, ballot) else { return };
        // The majority is reached already; a third promise, or a duplicate, must not start phase two again.
        let Phase::Prepare(votes) = round.phase else { return };
        let votes = votes.with(from);
        planted!(turn.mutants(), LastAnswerAdopted if accepted.is_some() => round.highest = None);
        // A value accepted anywhere in a majority may have been chosen. The one with the highest ballot contains
        // every chosen change, so it alone is safe to build on.
        round.highest = round.highest.max_by_ballot(accepted);
        round.phase = Phase::Prepare(votes);
        let (change, mut highest) = (round.change, round.highest);
        if !self.is_decisive(votes) {
            return;
        }
        if highest.is_some_and(|(accepted, _)| !accepted.is_of(self.region)) {
            turn.cover(CoverageMark::ValueAdopted);
        }
        planted!(self.mutants, ValueNotAdopted => highest = None);
        let adopted = highest.map(|(_, value)| value).unwrap_or_default();
        let mut value = adopted.after(register.side(cluster.arn), change);
        planted!(self.mutants, WithdrawalIsVoid if change == LinkChange::Withdraw => value = adopted);
        planted!(self.mutants, PartedPairStaysDeclared if adopted.has_come_apart(value) =>
            value = value.after(register.side(cluster.arn), LinkChange::Declare));
        // The own acceptor may have promised a higher ballot to the other proposer since. The round is lost then: its
        // timer, or the Nacks under way, start the next.
        let mut acceptor = self.storage.register(&register);
        if acceptor.accept(ballot, value).is_err() {
            return;
        }
        planted!(self.mutants, WithdrawalNotWritten if change == LinkChange::Withdraw =>
            acceptor = self.storage.register(&register));
        persist_acceptor(turn, &mut self.storage, register, acceptor);
        planted!(self.mutants, OwnAcceptorForgetsInCrash => turn.drop_last_persist());
        self.peering.rounds[&cluster.key()].phase = Phase::Accept(value, Votes::OWN);
        self.send_to_acceptors(turn, &register, &cluster, || Message::Accept { register, ballot, value });
        planted!(self.mutants, ChosenByOne => self.apply_chosen(turn, &cluster, register, change, value));
    }

    /// Phase two: counts an acceptance. The majority chooses the value, and the cluster acts on it.
    pub(in crate::control) fn receive_acceptance(
        &mut self,
        turn: &mut Turn<'_>,
        from: NodeId,
        register: RegisterKey,
        ballot: Ballot,
    ) {
        // An acceptance under another ballot is of another value.
        let Some((cluster, round)) = self.current_round(&register, ballot) else { return };
        // The value is chosen already: a third acceptance adds nothing, and acting twice would be wrong.
        let Phase::Accept(value, votes) = round.phase else { return };
        let votes = votes.with(from);
        round.phase = Phase::Accept(value, votes);
        let change = round.change;
        if self.is_decisive(votes) {
            if change == LinkChange::Declare && value.outcome == LinkOutcome::Linked {
                let mark = if votes.peer {
                    CoverageMark::LinkedWithoutWitness
                } else {
                    CoverageMark::LinkedWithoutPeer
                };
                turn.cover(mark);
            }
            self.apply_chosen(turn, &cluster, register, change, value);
        }
    }

    /// Notes the higher ballot that an acceptor has promised: the next round goes above it. The round itself goes on,
    /// since the other two acceptors may still make a majority.
    pub(in crate::control) fn receive_nack(
        &mut self,
        turn: &mut Turn<'_>,
        register: RegisterKey,
        ballot: Ballot,
        promised: Ballot,
    ) {
        // A Nack of an earlier round: the ballot of this one is above it already, or will be refused in turn.
        let Some((cluster, round)) = self.current_round(&register, ballot) else { return };
        turn.cover(CoverageMark::BallotLost);
        round.highest_nack = round.highest_nack.max(promised);
        round.retry_soon(turn, &cluster);
    }

    /// Starts a round early when the acceptor here has accepted, from the other side, the outcome that the cluster
    /// here waits for. The accepted value alone proves nothing, for it may not be chosen; the cluster's own round
    /// finds out.
    pub(in crate::control) fn learn_from_acceptor(&mut self, turn: &mut Turn<'_>, register: &RegisterKey) {
        planted!(self.mutants, LinkNeverLearned => return);
        // The message was refused, and nothing was accepted before.
        let Some((_, value)) = self.storage.register(register).accepted else { return };
        let own =
            register.cluster_in(self.region).and_then(|arn| self.storage.cluster(arn.identifier)).cloned();
        // The cluster may be gone, or declare another peer by now.
        let Some(cluster) = own.filter(|cluster| cluster.register() == Some(*register)) else { return };
        // The cluster waits for nothing.
        let Some(round) = self.peering.rounds.get_mut(&cluster.key()) else { return };
        // Only news is worth a round: otherwise each side's rounds would set off the other's for ever.
        if !is_awaited(&cluster, value) || round.known_outcome == Some(value.outcome) {
            return;
        }
        turn.cover(CoverageMark::LinkLearned);
        match round.phase {
            // No round of this cluster is under way that a new one could interrupt.
            Phase::Chosen => self.propose(turn, &cluster, 0),
            // Not at once: two proposers that start over whenever the other one interferes would interfere for ever.
            Phase::Prepare(_) | Phase::Accept(..) => round.retry_soon(turn, &cluster),
        }
    }

    /// Acts on a chosen change. `value` is the register after it, so the outcome is that of the pair at this point of
    /// its history, and the record follows.
    fn apply_chosen(
        &mut self,
        turn: &mut Turn<'_>,
        cluster: &Arc<Cluster>,
        register: RegisterKey,
        change: LinkChange,
        value: LinkValue,
    ) {
        use ClusterStatus::{Creating, Updating};
        let round = &mut self.peering.rounds[&cluster.key()];
        round.phase = Phase::Chosen;
        if round.known_outcome.replace(value.outcome) != Some(value.outcome) {
            let note = Note::Chosen { register, cluster: cluster.arn, outcome: value.outcome };
            turn.note(note);
        }
        // Dissolved counts as linked here: a dissolved pair was linked, and its clusters are on their way out.
        let mut is_linked = value.outcome != LinkOutcome::Open;
        planted!(self.mutants, LeftAlone if change == LinkChange::Leave => is_linked = false);
        match change {
            LinkChange::Declare => {
                turn.cover_if(!is_linked, CoverageMark::DeclaredOneSided);
                planted!(self.mutants, LinkFromOneSide => is_linked = true);
                if is_linked {
                    planted!(self.mutants, LinkNotWritten => return self.update_link(turn, cluster, Creating, |_| {}));
                    self.update_link(turn, cluster, Creating, |it| it.linked = true);
                }
            }
            LinkChange::Withdraw => {
                // Proposed for a deferred update only, and a record that loses its intent starts another round.
                let Some(input) = cluster.deferred_update() else { return };
                // The peer declared before the withdrawal was chosen and may be ACTIVE already: the update is
                // refused.
                if is_linked {
                    self.refuse_withdrawal(turn, cluster, input, &register);
                } else {
                    self.finish_withdrawal(turn, cluster, input);
                }
            }
            // The peer has not left yet. The cluster stays linked and asks again.
            LinkChange::Leave if is_linked => {}
            // The register is open again: both sides have given the pair up, so this one may forget its peer.
            LinkChange::Leave => {
                turn.cover(CoverageMark::PairParted);
                self.update_link(turn, cluster, Updating, |it| {
                    it.peer = None;
                    it.linked = false;
                    it.leaving = false;
                });
            }
            LinkChange::Delete => self.apply_deletion(turn, cluster, value.outcome),
        }
    }

    /// Acts on a chosen deletion: of a call that still waits for the register, or of a cluster in PENDING_DELETE.
    fn apply_deletion(&mut self, turn: &mut Turn<'_>, cluster: &Arc<Cluster>, outcome: LinkOutcome) {
        use ClusterStatus::{Deleting, PendingDelete};
        let mut is_linked = outcome != LinkOutcome::Open;
        let mut is_dissolved = outcome == LinkOutcome::Dissolved;
        planted!(self.mutants, DissolvedByOne => is_dissolved = true);
        if cluster.intent.is_some() {
            turn.cover_if(is_linked, CoverageMark::DeletionFoundLink);
            // A linked pair is deleted only as a pair; a declaration that led to nothing keeps no cluster.
            planted!(self.mutants, DeletionIgnoresLink => is_linked = false);
            let status = if is_linked { PendingDelete } else { Deleting };
            let waiting = self.take_waiting(cluster);
            let cluster = self.with_link(cluster, is_linked);
            return self.finish_delete(turn, &waiting, &cluster, status);
        }
        if is_linked && cluster.linked_peer().is_none() {
            // The call's deadline passed before the link was known here, and its answer was PENDING_DELETE. The
            // record learns of the link now, and keeps waiting for the peer.
            self.update_link(turn, cluster, PendingDelete, |it| it.linked = true);
        } else if is_dissolved {
            // Both sides have requested deletion. The version in the timer makes a repeated round harmless.
            let timer = Timer::Status {
                account: cluster.arn.account,
                serial: cluster.serial,
                version: cluster.version,
                to: Some(Deleting),
            };
            turn.set_timer(self.assumptions.dissolve_time, timer);
        } else if !is_linked {
            // Never linked, or the peer has left: there is no pair to wait for.
            self.update_link(turn, cluster, Deleting, |it| it.linked = false);
        }
        // Otherwise the peer has not requested deletion yet. PENDING_DELETE waits for it without limit.
    }

    /// Whether an answer to this control plane can still change its state. One that cannot never will, because
    /// ballots only grow and no call is repeated: the model checker drops it.
    #[must_use]
    pub fn is_outstanding(&self, from: NodeId, answer: &Message) -> bool {
        let round = |ballot: Ballot| self.peering.rounds.values().find(move |round| round.ballot == ballot);
        match answer {
            Message::WitnessChecked { call, .. } | Message::PeerChecked { call, .. } => {
                self.peering.calls.contains_key(call)
            }
            Message::Promise { ballot, .. } => round(*ballot).is_some_and(
                |round| matches!(round.phase, Phase::Prepare(votes) if votes.with(from) != votes),
            ),
            Message::Accepted { ballot, .. } => round(*ballot).is_some_and(
                |round| matches!(round.phase, Phase::Accept(_, votes) if votes.with(from) != votes),
            ),
            Message::Nack { ballot, promised, .. } => {
                round(*ballot).is_some_and(|round| !round.is_expedited || round.highest_nack < *promised)
            }
            _ => true,
        }
    }

    /// The open waits of clusters for their link registers.
    pub(in crate::control) fn register_waits(&self) -> impl Iterator<Item = Wait> {
        self.peering.rounds.iter().filter_map(|((account, serial), round)| {
            let cluster = self.storage.at(*account, *serial)?;
            let peer = round.register.other(cluster.arn)?;
            let (witness, peer_plane) =
                (NodeId::Witness(round.register.witness()), NodeId::ControlPlane(peer.region));
            let silent = |votes: Votes| {
                let acceptors = [(votes.peer, peer_plane), (votes.witness, witness)];
                acceptors.into_iter().filter(|(has_voted, _)| !has_voted).map(|(_, node)| node).collect()
            };
            let (missing, action) = match round.phase {
                Phase::Prepare(votes) => (silent(votes), "promise a ballot on the link register"),
                Phase::Accept(_, votes) => (silent(votes), "accept a value of the link register"),
                Phase::Chosen if round.change == LinkChange::Declare => {
                    (vec![peer_plane], "declare the cluster in turn")
                }
                Phase::Chosen => (vec![peer_plane], "request the same change"),
            };
            let waiter = format!("{} ({})", cluster.arn.identifier, cluster.status);
            Some(Wait { region: self.region, waiter, missing, action })
        })
    }

    /// Whether `votes` are enough to decide.
    fn is_decisive(&self, votes: Votes) -> bool {
        planted!(self.mutants, ThreeOfThree => return votes.own && votes.peer && votes.witness);
        votes.are_majority()
    }

    /// Writes a change of the cluster's link together with its new status, and proposes what the new record wants.
    fn update_link(
        &mut self,
        turn: &mut Turn<'_>,
        cluster: &Arc<Cluster>,
        status: ClusterStatus,
        change: impl FnOnce(&mut MultiRegion),
    ) {
        let mutants = self.mutants;
        let cluster = self.write_cluster(turn, cluster, None, None, |record| {
            record.status = status;
            planted!(mutants, LinkForgetsCreationTime if status == ClusterStatus::Creating =>
                record.creation_time = Timestamp::default());
            record.multi_region.as_deref_mut().map(change).unwrap_or_default();
        });
        self.propose(turn, &cluster, 0);
    }

    /// The record with `linked` set, not yet written: the caller writes it with the rest of its change.
    pub(in crate::control) fn with_link(&self, cluster: &Arc<Cluster>, linked: bool) -> Arc<Cluster> {
        let mut record = Cluster::clone(cluster);
        if let Some(multi_region) = &mut record.multi_region {
            multi_region.linked = linked;
        }
        Arc::new(record)
    }

    /// The cluster here that proposes to `register` and its round, if the round is still the one under `ballot`.
    /// `None` makes every late answer harmless: the cluster is gone, has another peer, or has started over.
    fn current_round(
        &mut self,
        register: &RegisterKey,
        ballot: Ballot,
    ) -> Option<(Arc<Cluster>, &mut Round)> {
        let arn = register.cluster_in(self.region)?;
        let cluster = self.storage.cluster(arn.identifier)?.clone();
        let round = self.peering.rounds.get_mut(&(arn.account, cluster.serial))?;
        (round.register == *register && round.ballot == ballot).then_some((cluster, round))
    }

    /// Sends a message to the two acceptors in other nodes; the own one is updated directly.
    fn send_to_acceptors(
        &self,
        turn: &mut Turn<'_>,
        register: &RegisterKey,
        cluster: &Cluster,
        message: impl Fn() -> Message,
    ) {
        let peer = register.other(cluster.arn).map(|peer| NodeId::ControlPlane(peer.region));
        let mut witness = Some(NodeId::Witness(register.witness()));
        planted!(self.mutants, WitnessNotProposedTo => witness = None);
        let acceptors = peer.into_iter().chain(witness);
        acceptors.for_each(|to| turn.send(to, message()));
    }
}

impl Round {
    /// Starts the next round sooner, once per round. The other proposer needs the pause to finish; the timer of the
    /// round stays set and finds its round outdated.
    fn retry_soon(&mut self, turn: &mut Turn<'_>, cluster: &Cluster) {
        if std::mem::replace(&mut self.is_expedited, true) {
            return;
        }
        let pause = back_off(self.attempt);
        let after = DelayRange { min: pause.min / 2, max: pause.max / 2 };
        let (account, serial) = cluster.key();
        turn.set_timer(after, Timer::Propose { account, serial, round: self.ballot.round() });
    }
}

/// The pause before the next round: doubles from half a second to half a minute. It is drawn from its upper half, so
/// that two proposers that collide do not collide again in step.
fn back_off(attempt: u32) -> DelayRange {
    let max = 500_u64.saturating_mul(1 << attempt.min(6)).min(30_000);
    DelayRange::millis(max / 2, max)
}

/// The one of two accepted values that has the higher ballot.
trait MaxByBallot {
    fn max_by_ballot(self, other: Self) -> Self;
}

impl MaxByBallot for Option<AcceptedValue> {
    fn max_by_ballot(self, other: Self) -> Self {
        [self, other].into_iter().flatten().max_by_key(|(ballot, _)| *ballot)
    }
}
