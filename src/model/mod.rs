//! Model checking: explores a small world exhaustively, in every order in which messages can arrive and timers can
//! fire, with losses, duplicates and crashes at every point, up to stated [`Bounds`].
//!
//! The nodes are the state machines of [`control`](crate::control), unchanged: two control planes and a witness node.
//! The invariants are those of [`check`](crate::check), judged after every step. The difference from the simulated
//! [`World`](crate::World) is that nothing is drawn: where a world draws one latency, the model explores every order.
//! The search itself is that of the `stateright` crate.
//!
//! # Abstractions, and why they hide no violation
//!
//! - *Time.* A timer fires in any order with all other events. This covers every order that some durations allow, and
//!   more: a counterexample may need a timer that fires earlier or later than it can.
//! - *Disks.* A node's writes are durable as soon as they are made, and a crash undoes those behind the write that it
//!   interrupts. A disk that lags behind its node adds nothing: messages wait for the disk before they leave, so that a
//!   crash that loses the writes of several inputs equals a crash before the first input, with the others in flight.
//! - *Downtime.* A node that crashes restarts at once. A node that is down equals a node whose messages are late.
//! - *Partitions.* They equal late or lost messages. A message that stays in flight to the end is as good as lost, so
//!   that explicit losses matter only for what must hold at quiescence.
//! - *Retries of callers.* A call has one attempt. A crash ends it, and its caller goes on to its next call.
//!
//! # The first state
//!
//! The search begins at quiescence; or in the middle of a race, if the workload has a lead-in: calls made one after the
//! other, each as far as it gets without the messages that the workload holds. The lead-in itself is not explored. So
//! violations that need many steps are found where exploring all of those steps would take too long.
//!
//! # Bounds
//!
//! Crashes, losses, duplicates, the retries of each node, and the calls that reach their deadline are bounded. The
//! first four have no end of their own. Deadlines have one, but each may fire at any point, which multiplies the
//! states. Everything else ends by itself.
//!
//! # Quiescence
//!
//! What must hold at quiescence is judged in every state without a message in flight: from there all timers fire in
//! their ordinary order, and the world must converge.
//!
//! # Confidence
//!
//! `stateright` distinguishes states by 64-bit hashes. The chance that two of a million states have the same one, so
//! that the second is not explored, is one in 37 million.

mod explore;
mod lead_in;
mod quiescence;
mod replay;
mod state;
mod step;
mod workload;

use std::sync::Arc;

use crate::api::Request;
use crate::control::assumptions::Assumptions;
use crate::control::mutant::Mutants;

pub use explore::{Counterexample, Explored, explore};
pub use workload::Workload;

use explore::{ExploreTally, ExploredStep};

/// The bounds of a search: the most faults and retries on any path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many nodes crash.
    pub crashes: u8,
    /// How many messages are lost.
    pub losses: u8,
    /// How many messages arrive twice.
    pub duplicates: u8,
    /// How often each node retries a request to another because a timer fired.
    pub repeats: u8,
    /// How many calls are answered because their deadline has passed.
    pub deadlines: u8,
}

/// A small world: the parameters of its nodes, the calls of its clients, and the bounds.
#[derive(Debug)]
struct SmallWorld {
    assumptions: Arc<Assumptions>,
    mutants: Mutants,
    bounds: Bounds,
    /// The calls to each control plane, in the order of the nodes.
    calls: Vec<Vec<Arc<Request>>>,
    /// The steps from quiescence to the first state of the search.
    lead_in: Vec<ExploredStep>,
    tally: ExploreTally,
}
