//! Peering: how two clusters in two Regions come to agree that they are a pair, and that they are one no more.
//!
//! # The problem
//!
//! Each of the two clusters is driven by the control plane of its own Region. A customer tells each of them
//! separately who its peer is, in any order, with any delay, perhaps changing their mind in between; messages are
//! lost and Regions go down. Still neither side may believe in a pair that the other does not, ever: a cluster that
//! is ACTIVE with a peer that has withdrawn is a half-pair that nobody can repair, and a cluster deleted while its
//! peer lives on breaks the promise that a pair is deleted only as a pair.
//!
//! # The link register
//!
//! Each unordered pair that anybody declares has a *link register* ([`LinkValue`]): which side has declared the
//! other, which has asked for deletion, and what came of it. The rules are in one pure function,
//! [`LinkValue::after`]: both declared, and the pair is linked; both asked for deletion, and it is dissolved. Under
//! the assumption that an active pair can come apart, a side may also leave. Leaving and deletion both give the pair
//! up: once each side has done one of the two, in any order, and at least one has left, the register is open again.
//! The side that was deleted goes alone then, and the side that left returns to PENDING_SETUP.
//!
//! The register is replicated over three acceptors: the control planes of the two Regions, and the witness node. A
//! change is *chosen* as in CASPaxos (D. Rystsov, "CASPaxos: Replicated State Machines without logs", 2018):
//!
//! 1. *Prepare.* The proposer, always the control plane of one of the two clusters, picks a ballot higher than any
//!    it has seen and asks the acceptors to promise to ignore lower ones. Each answers with the value that it
//!    accepted last.
//! 2. With two promises of three, it takes the value with the highest ballot among them (none yet: the empty value),
//!    applies its change, and asks the acceptors to *accept* the result under its ballot.
//! 3. With two acceptances of three, the changed value is chosen, and the proposer acts on it.
//!
//! Promises and accepted values are durable before an answer leaves, so a crash forgets none. Any two majorities
//! share an acceptor, so every later proposer finds what was chosen before, and chosen values form one history in
//! which each is a change of the one before it. That is the whole safety argument: *linked* is chosen only after
//! both declarations were, and a withdrawal that comes later in the history finds the pair linked and loses.
//!
//! # Who proposes what
//!
//! What a cluster asks of its register follows from its record alone (`wanted_change`), so a restarted control plane
//! goes on
//! where it stopped. A cluster that has not got what it wants asks again, and again, ever more slowly and never
//! giving up; each time it runs a whole round, which is harmless because every change is idempotent, and which is how
//! it learns that the other side has moved. An acceptor that accepts a value its own cluster has been waiting for
//! asks at once. A call that has to wait for the register has a deadline, after which it is answered without its
//! decision; how that stays safe is in `intent.rs`. Two proposers in each other's way both step back
//! for a drawn while, longer each time.
//!
//! # One Region down
//!
//! Two of three suffice for every step. While both clusters' Regions are up, the witness is not needed; while one of
//! them is down, the other and the witness decide, and the third learns when it comes back and asks.
//!
//! # Where this differs from AWS, and how we know
//!
//! The real protocol is not public; that there is a register is our invention. What is taken from the documentation:
//! that both sides must name each other, that PENDING_SETUP is left by a customer's action only, that PENDING_DELETE
//! waits for the last peer without limit, and that nothing cancels it. What is *not* modelled: how data follows the
//! pair, re-siting of leaders, and the garbage collection of registers, which are kept for ever.

use std::sync::Arc;

use crate::types::{Account, ClusterStatus, Instant, NodeId, Timestamp};

use super::ControlPlane;
use super::cluster::{Cluster, Serial};
use super::message::{Commit, DelayRange, Effect, Message, Note, Timer, Wait};
use super::mutant::{Mutant, Mutants};
use super::register::{AcceptedValue, Acceptor, Ballot, LinkChange, LinkOutcome, LinkValue, RegisterKey};
use super::storage::{Batch, Storage};

use crate::api::Request;
use crate::goal::Goal;

/// A proposal under way, and after it the memory of how often was asked.
#[derive(Clone, Debug)]
pub(super) struct Round {
    register: RegisterKey,
    change: LinkChange,
    ballot: Ballot,
    attempt: u32,
    /// The highest ballot that somebody refused this round for.
    highest_refusal: Ballot,
    highest: Option<AcceptedValue>,
    phase: Phase,
    /// What the register was last known to say.
    known_outcome: Option<LinkOutcome>,
    /// Whether another proposer was in the way, so that the next round begins sooner.
    is_expedited: bool,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Waits for promises; who has promised.
    Prepare(Votes),
    /// Waits for acceptances of a value; who has accepted.
    Accept(LinkValue, Votes),
    /// The change was chosen.
    Chosen,
}

/// Which acceptors have answered.
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

/// What `cluster` asks of its link register, if anything.
fn wanted_change(cluster: &Cluster) -> Option<LinkChange> {
    use ClusterStatus::{Active, Idle, Inactive, PendingDelete, PendingSetup};
    let multi_region = cluster.multi_region.as_deref().filter(|it| it.peer.is_some())?;
    match (&cluster.intent, cluster.status) {
        (Some(intent), _) if matches!(*intent.request, Request::DeleteCluster(_)) => Some(LinkChange::Delete),
        (Some(_), _) => Some(LinkChange::Withdraw),
        (None, PendingDelete) => Some(LinkChange::Delete),
        (None, Active | Idle | Inactive) if multi_region.leaving => Some(LinkChange::Leave),
        (None, PendingSetup) => Some(LinkChange::Declare),
        _ => None,
    }
}

/// Whether what the register says is what `cluster` has been waiting for.
fn is_awaited(cluster: &Cluster, value: LinkValue) -> bool {
    match wanted_change(cluster) {
        Some(LinkChange::Declare) => value.outcome == LinkOutcome::Linked,
        Some(LinkChange::Delete) => value.outcome == LinkOutcome::Dissolved,
        Some(LinkChange::Leave) => value.outcome == LinkOutcome::Open,
        Some(LinkChange::Withdraw) | None => false,
    }
}

/// Answers a proposer on behalf of the acceptor `me`; other messages are not for acceptors and do nothing.
pub(super) fn answer_proposer(
    storage: &mut Storage,
    mutants: Mutants,
    me: NodeId,
    from: NodeId,
    message: Message,
    out: &mut Vec<Effect>,
) {
    debug_assert_ne!(me, from, "a proposer updates its own acceptor without a message");
    let (register, ballot, value) = match message {
        Message::Prepare { register, ballot } => (register, ballot, None),
        Message::Accept { register, ballot, value } => (register, ballot, Some(value)),
        _ => return,
    };
    let mut acceptor = storage.register(&register);
    let before = acceptor.accepted;
    let has = |mutant| mutants.has(mutant) && matches!(me, NodeId::ControlPlane(_));
    out.extend(acceptor.coverage_of(ballot).map(Effect::Reached));
    let answer = match value {
        None => acceptor.prepare(ballot).map(|accepted| Message::Promise { register, ballot, accepted }),
        Some(value) => {
            if mutants.has(Mutant::LowerBallotAccepted) {
                acceptor.promised = acceptor.promised.min(ballot);
            }
            let promised = acceptor.promised;
            let accepted = acceptor.accept(ballot, value);
            if mutants.has(Mutant::AcceptanceIsNoPromise) {
                acceptor.promised = promised;
            }
            accepted.map(|()| Message::Accepted { register, ballot })
        }
    };
    let message = answer.unwrap_or_else(|promised| Message::Refused { register, ballot, promised });
    match &message {
        Message::Promise { .. } if has(Mutant::PromiseForgetsValue) => acceptor.accepted = None,
        Message::Accepted { .. } if has(Mutant::FirstBallotKept) => {
            acceptor.accepted = before.or(acceptor.accepted).map(|(first, _)| first).zip(value);
        }
        _ => {}
    }
    if !matches!(message, Message::Refused { .. }) {
        persist_acceptor(storage, register, acceptor, out);
        if is_kept_in_memory(mutants, me, value.is_some()) {
            out.pop();
        }
    }
    out.push(Effect::send(from, message));
}

fn persist_acceptor(storage: &mut Storage, register: RegisterKey, acceptor: Acceptor, out: &mut Vec<Effect>) {
    let batch = Batch { register: Some(Box::new((register, acceptor))), ..Batch::default() };
    out.push(Effect::Persist(Commit::new(storage, batch, None)));
}

/// Whether a planted bug keeps what the acceptor `me` was to persist in memory only: a value accepted, or a promise.
fn is_kept_in_memory(mutants: Mutants, me: NodeId, is_value: bool) -> bool {
    let forgets = if matches!(me, NodeId::Witness(_)) {
        [Mutant::WitnessPromiseInMemory, Mutant::WitnessValueInMemory][usize::from(is_value)]
    } else {
        [Mutant::PromiseInMemory, Mutant::AcceptedValueInMemory][usize::from(is_value)]
    };
    mutants.has(forgets) || mutants.has(Mutant::AcceptorForgetsInCrash)
}

impl ControlPlane {
    /// Answers a proposer in another Region.
    pub(super) fn act_as_acceptor(&mut self, from: NodeId, message: Message, out: &mut Vec<Effect>) {
        let me = NodeId::ControlPlane(self.region);
        answer_proposer(&mut self.storage, self.mutants, me, from, message, out);
    }

    /// Asks the link register for what the cluster's record says it wants, if it wants anything.
    pub(super) fn propose(&mut self, cluster: &Cluster, attempt: u32, out: &mut Vec<Effect>) {
        let (account, serial) = (cluster.arn.account, cluster.serial);
        let (Some(change), Some(register)) = (wanted_change(cluster), cluster.register()) else {
            if cluster.multi_region.is_some() {
                self.rounds.swap_remove(&(account, serial));
            }
            return;
        };
        let mut acceptor = self.storage.register(&register);
        let last = self.rounds.get(&(account, serial)).filter(|round| round.register == register);
        let (highest_refusal, known_outcome) =
            last.map(|round| (round.highest_refusal, round.known_outcome)).unwrap_or_default();
        let kept =
            last.filter(|_| self.mutants.has(Mutant::LastRoundValueKept)).and_then(|last| last.highest);
        let ballot = acceptor.promised.max(highest_refusal).next(self.region);
        let highest = acceptor.prepare(ballot).expect("a ballot above every promise of this acceptor");
        persist_acceptor(&mut self.storage, register, acceptor, out);
        self.keep_in_memory(Mutant::OwnAcceptorForgetsInCrash, out);
        let phase = Phase::Prepare(Votes::OWN);
        let round = Round {
            register,
            change,
            ballot,
            attempt,
            highest_refusal,
            highest: kept.or(highest).filter(|_| !self.mutants.has(Mutant::OwnValueIgnored)),
            phase,
            known_outcome,
            is_expedited: false,
        };
        self.rounds.insert((account, serial), round);
        self.send_to_acceptors(&register, cluster, out, || Message::Prepare { register, ballot });
        let timer = Timer::Propose { account, serial, round: ballot.round() };
        out.push(Effect::SetTimer { after: back_off(attempt), timer });
    }

    /// The time has come to ask again, unless another round has begun since.
    pub(super) fn retry(
        &mut self,
        account: Account,
        serial: Serial,
        ballot_round: u32,
        out: &mut Vec<Effect>,
    ) {
        let Some(round) = self.rounds.get(&(account, serial)) else { return };
        let attempt = round.attempt + 1;
        let is_chosen = matches!(round.phase, Phase::Chosen);
        let is_over =
            round.known_outcome == Some(LinkOutcome::Dissolved) || self.mutants.has(Mutant::LinkNeverLearned);
        let gives_up = self.mutants.has(Mutant::RetriesEnd) && attempt > 3;
        if round.ballot.round() != ballot_round || (is_chosen && is_over) || gives_up {
            return;
        }
        if let Some(cluster) = self.storage.at(account, serial).cloned() {
            self.propose(&cluster, attempt, out);
        }
    }

    pub(super) fn receive_promise(
        &mut self,
        now: Instant,
        from: NodeId,
        register: RegisterKey,
        ballot: Ballot,
        accepted: Option<AcceptedValue>,
        out: &mut Vec<Effect>,
    ) {
        let adopts_last = self.mutants.has(Mutant::LastAnswerAdopted);
        let Some((cluster, round)) = self.current_round(&register, ballot) else { return };
        let Phase::Prepare(votes) = round.phase else { return };
        let votes = votes.with(from);
        let highest = round.highest.filter(|_| accepted.is_none() || !adopts_last);
        round.highest = highest.max_by_ballot(accepted);
        round.phase = Phase::Prepare(votes);
        let (change, highest) = (round.change, round.highest);
        if !self.is_decisive(votes) {
            return;
        }
        if highest.is_some_and(|(accepted, _)| !accepted.is_of(self.region)) {
            out.push(Effect::Reached(Goal::ValueAdopted));
        }
        let adopted = highest.filter(|_| !self.mutants.has(Mutant::ValueNotAdopted));
        let value =
            adopted.map(|(_, value)| value).unwrap_or_default().after(register.side(cluster.arn), change);
        let is_void = change == LinkChange::Withdraw && self.mutants.has(Mutant::WithdrawalIsVoid);
        let value = adopted.filter(|_| is_void).map_or(value, |(_, unchanged)| unchanged);
        let mut acceptor = self.storage.register(&register);
        if acceptor.accept(ballot, value).is_err() {
            return;
        }
        if change != LinkChange::Withdraw || !self.mutants.has(Mutant::WithdrawalNotWritten) {
            persist_acceptor(&mut self.storage, register, acceptor, out);
            self.keep_in_memory(Mutant::OwnAcceptorForgetsInCrash, out);
        }
        self.rounds[&(cluster.arn.account, cluster.serial)].phase = Phase::Accept(value, Votes::OWN);
        self.send_to_acceptors(&register, &cluster, out, || Message::Accept { register, ballot, value });
        if self.mutants.has(Mutant::ChosenByOne) {
            self.apply_chosen(now, &cluster, register, change, value, out);
        }
    }

    pub(super) fn receive_acceptance(
        &mut self,
        now: Instant,
        from: NodeId,
        register: RegisterKey,
        ballot: Ballot,
        out: &mut Vec<Effect>,
    ) {
        let Some((cluster, round)) = self.current_round(&register, ballot) else { return };
        let Phase::Accept(value, votes) = round.phase else { return };
        let votes = votes.with(from);
        round.phase = Phase::Accept(value, votes);
        let change = round.change;
        if self.is_decisive(votes) {
            if change == LinkChange::Declare && value.outcome == LinkOutcome::Linked {
                let goal = if votes.peer { Goal::LinkedWithoutWitness } else { Goal::LinkedWithoutPeer };
                out.push(Effect::Reached(goal));
            }
            self.apply_chosen(now, &cluster, register, change, value, out);
        }
    }

    /// Somebody has promised a higher ballot: the next one goes above it.
    pub(super) fn receive_refusal(
        &mut self,
        register: RegisterKey,
        ballot: Ballot,
        promised: Ballot,
        out: &mut Vec<Effect>,
    ) {
        let Some((cluster, round)) = self.current_round(&register, ballot) else { return };
        out.push(Effect::Reached(Goal::BallotLost));
        round.highest_refusal = round.highest_refusal.max(promised);
        round.retry_soon(&cluster, out);
    }

    /// The acceptor here has accepted another proposer's value: if that is what its cluster waits for, the cluster
    /// asks at once instead of waiting for its timer, unless it knows already or is asking.
    pub(super) fn learn_from_acceptor(&mut self, register: &RegisterKey, out: &mut Vec<Effect>) {
        let Some((_, value)) = self.storage.register(register).accepted else { return };
        let own =
            register.cluster_in(self.region).and_then(|arn| self.storage.cluster(arn.identifier)).cloned();
        let Some(cluster) = own.filter(|cluster| cluster.register() == Some(*register)) else { return };
        let Some(round) = self.rounds.get_mut(&(cluster.arn.account, cluster.serial)) else { return };
        if !is_awaited(&cluster, value)
            || round.known_outcome == Some(value.outcome)
            || self.mutants.has(Mutant::LinkNeverLearned)
        {
            return;
        }
        out.push(Effect::Reached(Goal::LinkLearned));
        match round.phase {
            Phase::Chosen => self.propose(&cluster, 0, out),
            // Two proposers that start over as soon as the other is in the way would be in each other's way for ever.
            Phase::Prepare(_) | Phase::Accept(..) => round.retry_soon(&cluster, out),
        }
    }

    /// A change was chosen: the cluster acts on what the register says now.
    fn apply_chosen(
        &mut self,
        now: Instant,
        cluster: &Arc<Cluster>,
        register: RegisterKey,
        change: LinkChange,
        value: LinkValue,
        out: &mut Vec<Effect>,
    ) {
        use ClusterStatus::{Creating, Deleting, PendingDelete, Updating};
        let round = &mut self.rounds[&(cluster.arn.account, cluster.serial)];
        round.phase = Phase::Chosen;
        if round.known_outcome.replace(value.outcome) != Some(value.outcome) {
            let note = Note::Chosen { register, cluster: cluster.arn, outcome: value.outcome };
            out.push(Effect::Note(Box::new(note)));
        }
        let is_linked = value.outcome != LinkOutcome::Open;
        match change {
            LinkChange::Declare => {
                out.extend((!is_linked).then_some(Effect::Reached(Goal::DeclaredOneSided)));
                if is_linked || self.mutants.has(Mutant::LinkFromOneSide) {
                    let linked = !self.mutants.has(Mutant::LinkNotWritten);
                    self.update_link(cluster, Creating, out, |it| it.linked = linked);
                }
            }
            LinkChange::Withdraw if is_linked => self.withdrawal_lost(cluster, out),
            LinkChange::Withdraw => self.withdrawal_won(now, cluster, out),
            LinkChange::Leave if is_linked && !self.mutants.has(Mutant::LeftAlone) => {}
            LinkChange::Leave => {
                out.push(Effect::Reached(Goal::PairParted));
                self.update_link(cluster, Updating, out, |it| {
                    it.peer = None;
                    it.linked = false;
                    it.leaving = false;
                });
            }
            LinkChange::Delete => match &cluster.intent {
                Some(intent) => {
                    out.extend(is_linked.then_some(Effect::Reached(Goal::DeletionFoundLink)));
                    let is_linked = is_linked && !self.mutants.has(Mutant::DeletionIgnoresLink);
                    let status = if is_linked { PendingDelete } else { Deleting };
                    let waiting = self.take_waiting(cluster);
                    let cluster = self.with_link(cluster, is_linked);
                    self.finish_delete(now, intent.account, &intent.request, &cluster, status, &waiting, out);
                }
                // The deadline of the call came before the register could say so.
                None if is_linked && cluster.linked_peer().is_none() => {
                    self.update_link(cluster, PendingDelete, out, |it| it.linked = true);
                }
                None if value.outcome == LinkOutcome::Dissolved
                    || self.mutants.has(Mutant::DissolvedByOne) =>
                {
                    let timer = Timer::Status {
                        account: cluster.arn.account,
                        serial: cluster.serial,
                        version: cluster.version,
                        to: Some(Deleting),
                    };
                    out.push(Effect::SetTimer { after: self.assumptions.dissolve_time, timer });
                }
                None if !is_linked => self.update_link(cluster, Deleting, out, |it| it.linked = false),
                None => {}
            },
        }
    }

    /// Whether an answer to a question of this control plane can still move anything. One that cannot never will:
    /// ballots only grow, and no call is made twice.
    #[must_use]
    pub fn is_outstanding(&self, from: NodeId, answer: &Message) -> bool {
        let round = |ballot: Ballot| self.rounds.values().find(move |round| round.ballot == ballot);
        match answer {
            Message::WitnessChecked { call, .. } | Message::PeerChecked { call, .. } => {
                self.calls.contains_key(call)
            }
            Message::Promise { ballot, .. } => round(*ballot).is_some_and(
                |round| matches!(round.phase, Phase::Prepare(votes) if votes.with(from) != votes),
            ),
            Message::Accepted { ballot, .. } => round(*ballot).is_some_and(
                |round| matches!(round.phase, Phase::Accept(_, votes) if votes.with(from) != votes),
            ),
            Message::Refused { ballot, promised, .. } => {
                round(*ballot).is_some_and(|round| !round.is_expedited || round.highest_refusal < *promised)
            }
            _ => true,
        }
    }

    /// The clusters that wait for their link register.
    pub(super) fn register_waits(&self) -> impl Iterator<Item = Wait> {
        self.rounds.iter().filter_map(|((account, serial), round)| {
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

    /// Whether `votes` decide.
    fn is_decisive(&self, votes: Votes) -> bool {
        let all = Votes { own: true, peer: true, witness: true };
        votes.are_majority() && (votes == all || !self.mutants.has(Mutant::ThreeOfThree))
    }

    fn update_link(
        &mut self,
        cluster: &Arc<Cluster>,
        status: ClusterStatus,
        out: &mut Vec<Effect>,
        change: impl FnOnce(&mut super::cluster::MultiRegion),
    ) {
        let forgets = self.mutants.has(Mutant::LinkForgetsCreationTime) && status == ClusterStatus::Creating;
        let cluster = self.write(cluster, None, None, out, |record| {
            record.status = status;
            record.creation_time = if forgets { Timestamp::default() } else { record.creation_time };
            record.multi_region.as_deref_mut().map(change).unwrap_or_default();
        });
        self.propose(&cluster, 0, out);
    }

    pub(super) fn with_link(&self, cluster: &Arc<Cluster>, linked: bool) -> Arc<Cluster> {
        let mut record = Cluster::clone(cluster);
        if let Some(multi_region) = &mut record.multi_region {
            multi_region.linked = linked;
        }
        Arc::new(record)
    }

    /// The cluster here that proposes to `register`, and its round, if that is still the one with `ballot`.
    fn current_round(
        &mut self,
        register: &RegisterKey,
        ballot: Ballot,
    ) -> Option<(Arc<Cluster>, &mut Round)> {
        let arn = register.cluster_in(self.region)?;
        let cluster = self.storage.cluster(arn.identifier)?.clone();
        let round = self.rounds.get_mut(&(arn.account, cluster.serial))?;
        (round.register == *register && round.ballot == ballot).then_some((cluster, round))
    }

    fn send_to_acceptors(
        &self,
        register: &RegisterKey,
        cluster: &Cluster,
        out: &mut Vec<Effect>,
        message: impl Fn() -> Message,
    ) {
        let peer = register.other(cluster.arn).map(|peer| NodeId::ControlPlane(peer.region));
        let witness = Some(NodeId::Witness(register.witness()));
        let witness = witness.filter(|_| !self.mutants.has(Mutant::WitnessNotProposedTo));
        let acceptors = peer.into_iter().chain(witness);
        out.extend(acceptors.map(|to| Effect::send(to, message())));
    }
}

impl Round {
    /// Begins the next round sooner, once: another proposer was in the way, and will be done by then.
    fn retry_soon(&mut self, cluster: &Cluster, out: &mut Vec<Effect>) {
        if std::mem::replace(&mut self.is_expedited, true) {
            return;
        }
        let pause = back_off(self.attempt);
        let after = DelayRange { min: pause.min / 2, max: pause.max / 2 };
        let (account, serial) = (cluster.arn.account, cluster.serial);
        out.push(Effect::SetTimer {
            after,
            timer: Timer::Propose { account, serial, round: self.ballot.round() },
        });
    }
}

/// How long to wait before asking again: doubles from half a second to half a minute, drawn from its upper half.
fn back_off(attempt: u32) -> DelayRange {
    let max = 500_u64.saturating_mul(1 << attempt.min(6)).min(30_000);
    DelayRange::millis(max / 2, max)
}

/// The later of two accepted values.
trait MaxByBallot {
    fn max_by_ballot(self, other: Self) -> Self;
}

impl MaxByBallot for Option<AcceptedValue> {
    fn max_by_ballot(self, other: Self) -> Self {
        [self, other].into_iter().flatten().max_by_key(|(ballot, _)| *ballot)
    }
}
