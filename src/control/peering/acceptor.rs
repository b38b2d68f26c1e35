//! The acceptor of a link register: the same on a control plane and on a witness node.
//!
//! It votes on ballots and knows nothing of clusters, so that a witness node needs no more than this file.

use crate::control::message::{Commit, Message};
use crate::control::mutant::{Mutant, Mutants};
use crate::control::peering::{Acceptor, RegisterKey};
use crate::control::records::{Batch, Storage};
use crate::control::turn::Turn;
use crate::types::NodeId;

/// Runs the acceptor of node `me` on a message of the proposer `from`: answers it, and persists first what the answer
/// promises. Messages that are not for acceptors have no effect.
pub(in crate::control) fn answer_proposer(
    turn: &mut Turn<'_>,
    storage: &mut Storage,
    mutants: Mutants,
    me: NodeId,
    from: NodeId,
    message: Message,
) {
    debug_assert_ne!(me, from, "a proposer updates its own acceptor without a message");
    let (register, ballot, value) = match message {
        Message::Prepare { register, ballot } => (register, ballot, None),
        Message::Accept { register, ballot, value } => (register, ballot, Some(value)),
        // Answers and remote checks are for the other roles of a node.
        _ => return,
    };
    // A register that was never written is an acceptor without a promise: it takes any ballot.
    let mut acceptor = storage.register(&register);
    let before = acceptor.accepted;
    let has = |mutant| mutants.has(mutant) && matches!(me, NodeId::ControlPlane(_));
    acceptor.coverage_of(ballot).into_iter().for_each(|mark| turn.cover(mark));
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
    // A refusal changes nothing, and so needs no write. Promises and acceptances are durable before their answers
    // leave: the order of the two effects is what makes a crash harmless.
    if !matches!(message, Message::Refused { .. }) {
        persist_acceptor(turn, storage, register, acceptor);
        if is_kept_in_memory(mutants, me, value.is_some()) {
            turn.drop_last_persist();
        }
    }
    turn.send(from, message);
}

/// Writes the acceptor of `register`, on its own: no call and no record depends on it.
pub(in crate::control) fn persist_acceptor(
    turn: &mut Turn<'_>,
    storage: &mut Storage,
    register: RegisterKey,
    acceptor: Acceptor,
) {
    let batch = Batch { register: Some(Box::new((register, acceptor))), ..Batch::default() };
    turn.persist(Commit::new(storage, batch, None));
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
