//! Small worlds, explored exhaustively: every order in which messages can arrive and timers can fire, with losses,
//! duplicates and crashes at every point, up to stated [`Bounds`].
//!
//! The nodes are those of [`control`](crate::control), to the letter: two control planes and a witness node. The
//! invariants are those of [`check`](crate::check), judged after every step. What differs from the simulated
//! [`World`](crate::World) is that nothing is drawn: where a world picks one latency, a model takes all of them. The
//! search itself is that of the `stateright` crate.
//!
//! # What is left out, and why nothing is lost by it
//!
//! - *Time.* A timer fires in any order with everything else, so that whatever some duration allows is covered, and
//!   more: a violation may need a timer to come earlier or later than it can.
//! - *Disks.* A node's writes are durable as soon as they are made, and a crash takes back those behind the one that
//!   it falls upon. A disk that lags behind the node adds nothing: what left the node waited for the disk, so a crash
//!   that loses the writes of several inputs is a crash before the first of them, with the others still under way.
//! - *Down time.* A node that crashes starts again at once. A node that is down is one whose messages are late.
//! - *Partitions.* They are late or lost messages, too. A message that stays under way for as long as a story lasts is
//!   lost in all but name, so that losses add something only to what must hold at rest.
//! - *Retries of callers.* A call is tried once; a crash ends it, and its caller goes on to the next.
//!
//! # Where it begins
//!
//! At rest; or in the midst of a race, where the story has a lead-in: calls that are made one after the other, each as
//! far as it gets without the messages that the story holds back. Of the way there nothing is explored, so that what
//! needs many steps is found where exploring all that leads to it would take too long.
//!
//! # What is bounded
//!
//! Crashes, losses, duplicates, how often each node repeats a question, and how many calls wait too long. The others
//! have no end; a call that waits too long has, but it may be answered so at any moment, and each makes a world several
//! times as large. Everything else ends by itself.
//!
//! # At rest
//!
//! What must hold of a world at rest is judged in every state in which nothing is under way: from there everything
//! takes its ordinary course, and has to converge.
//!
//! # How sure this is
//!
//! `stateright` tells states apart by 64-bit hashes. That two of a million states share one, so that the second is
//! not explored further, has a chance of one in 37 million.

mod explore;
mod lead_in;
mod quiescence;
mod replay;
mod state;
mod step;
mod story;

use std::sync::Arc;

use crate::api::Request;
use crate::control::assumptions::Assumptions;
use crate::control::mutant::Mutants;

pub use explore::{Counterexample, Explored, explore};
pub use story::Workload;

use explore::{ExploreTally, Passage};

/// How much may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many nodes crash.
    pub crashes: u8,
    /// How many messages are lost.
    pub losses: u8,
    /// How many messages arrive twice.
    pub duplicates: u8,
    /// How often each node repeats a question because time has passed.
    pub repeats: u8,
    /// How many calls are answered because they have waited too long.
    pub deadlines: u8,
}

/// A small world: how its nodes are made, who will call, and how much may happen.
#[derive(Debug)]
struct Small {
    assumptions: Arc<Assumptions>,
    mutants: Mutants,
    bounds: Bounds,
    /// The calls to each control plane, in the order of the nodes.
    calls: Vec<Vec<Arc<Request>>>,
    /// The way from where nothing is under way to where the search begins.
    lead_in: Vec<Passage>,
    tally: ExploreTally,
}
