//! What must be true.
//!
//! A [`Checker`] stands beside the world and looks at what each event did; the nodes know nothing of it. It keeps
//! what became durable, and what was answered, in tables of its own, and looks only at what an event touched, so
//! that a check costs the same however many clusters there are. Each invariant is a function with a name and, above
//! it, the argument why the control plane keeps it.

mod allowed;
mod answers;
mod clusters;
mod invariant;
mod listings;
mod quiet;
mod scene;
mod simulation;
mod storage;
mod streams;

use std::fmt;

use crate::control::durable::Batch;
use crate::sim::{Change, World};
use crate::types::{Instant, NodeId};

pub use invariant::{Exercised, INVARIANTS};
pub use scene::Scene;
pub use simulation::{CONVERGENCE_LIMIT, Seen, Simulation};

use answers::Answers;
use clusters::Clusters;
use invariant::{Invariant, Judge};
use storage::Storages;

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

/// A broken invariant and what was seen instead.
type Broken = (Invariant, String);

/// Checks every invariant after every event.
#[derive(Clone, Debug, Default)]
pub struct Checker {
    clusters: Clusters,
    answers: Answers,
    storages: Storages,
    exercised: Exercised,
}

impl Checker {
    /// Takes note of what a node of `scene` wrote before anything happens.
    pub(crate) fn recall(&mut self, scene: &dyn Scene, node: NodeId, batch: &Batch) {
        self.storages.recall(scene, node, batch);
        if let Some((_, _, Some(cluster))) = &batch.cluster {
            self.clusters.recall(cluster);
        }
    }

    /// Looks at what the last event of `world` did.
    ///
    /// # Errors
    /// The first invariant that does not hold any more.
    pub fn check(&mut self, world: &World) -> Result<(), Violation> {
        self.look(world, world.changes())
    }

    /// Looks at what `changes` made of `scene`.
    ///
    /// # Errors
    /// The first invariant that does not hold any more.
    pub fn look(&mut self, scene: &dyn Scene, changes: &[Change]) -> Result<(), Violation> {
        let judge = &mut Judge { scene, exercised: &mut self.exercised };
        let mut has_restarts = false;
        for (place, change) in changes.iter().enumerate() {
            let verdict = match change {
                Change::Arrived { region, account, delivery } => {
                    self.answers.arrived(judge, *region, *account, *delivery);
                    Ok(())
                }
                Change::Wrote { node, commit } => self
                    .storages
                    .wrote(judge, *node, commit)
                    .and_then(|()| self.clusters.wrote(judge, commit))
                    .and_then(|()| self.answers.wrote(judge, commit))
                    .and_then(|()| allowed::allowed_everywhere(judge, commit)),
                Change::Forgot { commit, .. } => self.answers.acknowledged_is_durable(judge, commit),
                Change::Replied { region, delivery, account, request, result } => {
                    self.answers.replied(judge, *region, *delivery, *account, request, result)
                }
                Change::Crashed { node, memory } => {
                    self.storages.crashed(judge, *node, memory, changes, place)
                }
                Change::Restarted(_) => {
                    has_restarts = true;
                    Ok(())
                }
                Change::Checked(_) | Change::Ended(_) => Ok(()),
            };
            verdict.map_err(|broken| violation(scene, broken))?;
        }
        // What it wrote when it started, if its disk takes no time, is behind the start among the changes.
        for change in changes.iter().filter(|_| has_restarts) {
            if let Change::Restarted(node) = change {
                let verdict = self.storages.is_what_was_written(judge, *node);
                verdict.map_err(|broken| violation(scene, broken))?;
            }
        }
        Ok(())
    }

    /// Looks at a world that is quiet and healed: what could move has moved. Clusters of the Region `except`, which
    /// stays dead, are left out.
    ///
    /// # Errors
    /// The first invariant that does not hold, with the chain of who waits for whom.
    pub fn check_quiet(
        &mut self,
        scene: &dyn Scene,
        except: Option<crate::region::Region>,
    ) -> Result<(), Violation> {
        let judge = &mut Judge { scene, exercised: &mut self.exercised };
        self.storages
            .are_what_was_written(judge)
            .and_then(|()| quiet::converged(&self.clusters, judge, except))
            .and_then(|()| quiet::nothing_is_stuck(&self.clusters, judge, except))
            .and_then(|()| quiet::no_active_without_key(judge, except))
            .map_err(|broken| violation(scene, broken))
    }

    /// How often each invariant was judged so far.
    #[must_use]
    pub fn exercised(&self) -> Exercised {
        self.exercised
    }

    /// What it remembers of answers. All else that it knows follows from what is in the storages.
    #[must_use]
    pub fn memory(&self) -> impl fmt::Debug {
        &self.answers
    }
}

#[cold]
fn violation(scene: &dyn Scene, (invariant, message): Broken) -> Violation {
    Violation { invariant: invariant.name().to_owned(), message: scene.in_words(&message), at: scene.now() }
}
