//! The acceptor of a link register: the same on a control plane and on a witness node.
//!
//! It votes on ballots and knows nothing of clusters, so that a witness node needs no more than this file.

use crate::control::message::{Commit, Effect, Message};
use crate::control::mutant::{Mutant, Mutants};
use crate::control::peering::{Acceptor, RegisterKey};
use crate::control::records::{Batch, Storage};
use crate::types::NodeId;

/// Runs the acceptor of node `me` on a message of the proposer `from`: answers it, and persists first what the answer
/// promises. Messages that are not for acceptors have no effect.
pub(in crate::control) fn answer_proposer(
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
    // A register that was never written is an acceptor without a promise: it takes any ballot.
    let mut acceptor = storage.register(&register);
    let before = acceptor.accepted;
    let has = |mutant| mutants.has(mutant) && matches!(me, NodeId::ControlPlane(_));
    out.extend(acceptor.coverage_of(ballot).map(Effect::Covered));
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
        persist_acceptor(storage, register, acceptor, out);
        if is_kept_in_memory(mutants, me, value.is_some()) {
            out.pop();
        }
    }
    out.push(Effect::send(from, message));
}

/// Writes the acceptor of `register`, on its own: no call and no record depends on it.
pub(in crate::control) fn persist_acceptor(
    storage: &mut Storage,
    register: RegisterKey,
    acceptor: Acceptor,
    out: &mut Vec<Effect>,
) {
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
