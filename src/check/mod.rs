//! What must be true.
//!
//! A [`Checker`] stands beside the world and looks at what each event did; the nodes know nothing of it. It keeps
//! what became durable, and what was answered, in tables of its own, and looks only at what an event touched, so
//! that a check costs the same however many clusters there are. Each invariant is a function with a name and, above
//! it, the argument why the control plane keeps it.

mod answers;
mod clusters;
mod quiet;
mod simulation;

use std::fmt;

use crate::types::Instant;

pub use simulation::{CONVERGENCE_LIMIT, Seen, Simulation};

use answers::Answers;
use clusters::Clusters;

use crate::sim::World;

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: String,
    /// What was seen instead.
    pub message: String,
    /// When.
    pub at: Instant,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.message)
    }
}

/// What is wrong, said by the invariant that found it.
type Verdict = Result<(), Broken>;

/// The name of a broken invariant and what was seen instead.
type Broken = (&'static str, String);

/// The names of the invariants, each with the sentence that it stands for.
pub const INVARIANTS: [(&str, &str); 16] = [
    (WITNESS_OUTSIDE_OWN_REGION, "no cluster's witness Region is its own Region, nor its peer's"),
    (PEERS_SHARE_WITNESS, "linked clusters name the same witness"),
    (
        RETRY_SAME_RESULT,
        "every successful answer to one (account, Region, operation, token) is the same answer",
    ),
    (ONE_EFFECT_PER_TOKEN, "at most one cluster exists, or ever existed, per token"),
    (PEERING_SYMMETRIC, "a linked cluster's peer durably declares it, until both are being deleted"),
    (
        PEERING_CONVERGES,
        "at quiet, both clusters of a pair list each other and have statuses of the same family",
    ),
    (ONE_PEER_AT_MOST, "a cluster is linked to at most one other"),
    (LEGAL_TRANSITION, "statuses move only along the documented graph"),
    (ACKNOWLEDGED_IS_DURABLE, "what a caller was told survives any crash"),
    (PROTECTED_NOT_DELETED, "no cluster with deletion protection enters PENDING_DELETE or DELETING"),
    (NO_DELETE_ALONE, "a linked cluster enters DELETING only when its peer's deletion was asked for too"),
    (DENIED_CHANGES_NOTHING, "a call answered with 4xx changed nothing durable"),
    (QUOTA_RESPECTED, "an account never has more clusters in a Region than its quota"),
    (IDENTIFIERS_UNIQUE, "no identifier is ever used again"),
    (LIST_COMPLETE, "pages list each cluster that existed throughout exactly once"),
    (NOTHING_STUCK, "at quiet, no cluster is in a transient status and no request is unanswered"),
];

const WITNESS_OUTSIDE_OWN_REGION: &str = "witness-outside-own-region";
const PEERS_SHARE_WITNESS: &str = "peers-share-witness";
const RETRY_SAME_RESULT: &str = "retry-same-result";
const ONE_EFFECT_PER_TOKEN: &str = "one-effect-per-token";
const PEERING_SYMMETRIC: &str = "peering-symmetric";
const PEERING_CONVERGES: &str = "peering-converges";
const ONE_PEER_AT_MOST: &str = "one-peer-at-most";
const LEGAL_TRANSITION: &str = "legal-transition";
const ACKNOWLEDGED_IS_DURABLE: &str = "acknowledged-is-durable";
const PROTECTED_NOT_DELETED: &str = "protected-not-deleted";
const NO_DELETE_ALONE: &str = "no-delete-alone";
const DENIED_CHANGES_NOTHING: &str = "denied-changes-nothing";
const QUOTA_RESPECTED: &str = "quota-respected";
const IDENTIFIERS_UNIQUE: &str = "identifiers-unique";
const LIST_COMPLETE: &str = "list-complete";
const NOTHING_STUCK: &str = "nothing-stuck";

/// Checks every invariant after every event.
#[derive(Clone, Debug, Default)]
pub struct Checker {
    clusters: Clusters,
    answers: Answers,
}

impl Checker {
    /// Looks at what the last event of `world` did.
    ///
    /// # Errors
    /// The first invariant that does not hold any more.
    pub fn check(&mut self, world: &World) -> Result<(), Violation> {
        for change in world.changes() {
            self.clusters
                .look(world, change)
                .and_then(|()| self.answers.look(world, change))
                .map_err(|broken| violation(world, broken))?;
        }
        Ok(())
    }

    /// Looks at a world that is quiet and healed: what could move has moved. Clusters of the Region `except`, which
    /// stays dead, are left out.
    ///
    /// # Errors
    /// The first invariant that does not hold, with the chain of who waits for whom.
    pub fn check_quiet(&self, world: &World, except: Option<crate::region::Region>) -> Result<(), Violation> {
        quiet::converged(&self.clusters, world, except)
            .and_then(|()| quiet::nothing_is_stuck(&self.clusters, world, except))
            .map_err(|broken| violation(world, broken))
    }
}

fn violation(world: &World, (invariant, message): Broken) -> Violation {
    Violation { invariant: invariant.to_owned(), message: world.names().in_text(&message), at: world.now() }
}
