//! The acceptor of a link register: the same on a control plane and on a witness node.
//!
//! It votes on ballots and knows nothing of clusters, so that a witness node needs no more than this file.

use crate::control::message::{Commit, Message};
use crate::control::mutant::{Mutants, planted};
use crate::control::peering::{Acceptor, RegisterKey};
use crate::control::records::{Batch, Storage};
use crate::control::turn::Turn;
use crate::types::NodeId;

/// Runs the acceptor of node `me` on a message of the proposer `from`: answers it, and persists first what the answer
/// promises. Messages that are not for acceptors have no effect.
pub(super) fn answer_proposer(
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
    acceptor.coverage_of(ballot).into_iter().for_each(|mark| turn.cover(mark));
    let answer = match value {
        None => acceptor.prepare(ballot).map(|accepted| Message::Promise { register, ballot, accepted }),
        Some(value) => {
            planted!(mutants, LowerBallotAccepted => acceptor.promised = acceptor.promised.min(ballot));
            let accepted = acceptor.accept(ballot, value);
            planted!(mutants, AcceptanceIsNoPromise => acceptor.promised = storage.register(&register).promised);
            accepted.map(|()| Message::Accepted { register, ballot })
        }
    };
    let message = answer.unwrap_or_else(|promised| Message::Nack { register, ballot, promised });
    planted!(mutants.forget_promised_value(me, &message) => acceptor.accepted = None);
    planted!(mutants.keep_first_ballot(me, &message) => acceptor.backdate(storage.register(&register)));
    // A Nack changes nothing, and so needs no write. Promises and acceptances are durable before their answers
    // leave: the order of the two effects is what makes a crash harmless.
    if !matches!(message, Message::Nack { .. }) {
        persist_acceptor(turn, storage, register, acceptor);
        planted!(mutants.keep_acceptor_in_memory(me, &message) => turn.drop_last_persist());
    }
    turn.send(from, message);
}

/// Writes the acceptor of `register`, on its own: no call and no record depends on it.
pub(super) fn persist_acceptor(
    turn: &mut Turn<'_>,
    storage: &mut Storage,
    register: RegisterKey,
    acceptor: Acceptor,
) {
    let batch = Batch { register: Some(Box::new((register, acceptor))), ..Batch::default() };
    turn.persist(Commit::new(storage, batch, None));
}
