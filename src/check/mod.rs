//! What must be true.
//!
//! A [`Checker`] stands beside the world and looks at what each event did; the nodes know nothing of it. It keeps
//! what became durable, and what was answered, in tables of its own, and looks only at what an event touched, so
//! that a check costs the same however many clusters there are. Each invariant is a function with a name and, above
//! it, the argument why the control plane keeps it.

mod answers;
mod authorization;
mod callers;
mod changed;
mod clusters;
mod convergence;
mod demands;
mod denied;
mod environment;
mod invariant;
mod listings;
mod members;
mod open;
mod pairs;
mod permitted;
mod records;
mod refusals;
mod said;
mod simulation;
mod storage;
mod streams;
mod tokens;
mod view;
mod visible;

use std::fmt;

use crate::control::message::Commit;
use crate::control::storage::Batch;
use crate::region::Region;
use crate::sim::{Change, World};
use crate::types::{Instant, NodeId};

pub use invariant::{CheckCounts, INVARIANTS};
pub use simulation::{CONVERGENCE_LIMIT, RunEnd, Simulation};
pub use view::{Memory, WorldView};

use answers::Answers;
use callers::Callers;
use clusters::Clusters;
use invariant::{CheckContext, Invariant};
use open::OpenCalls;
use records::Records;
use visible::Visible;

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
type CheckResult = Result<(), BrokenInvariant>;

/// A broken invariant and what was seen instead.
type BrokenInvariant = (Invariant, String);

/// Checks every invariant after every event.
#[derive(Clone, Debug, Default)]
pub struct Checker {
    records: Records,
    clusters: Clusters,
    answers: Answers,
    open: OpenCalls,
    visible: Visible,
    callers: Callers,
    /// The time of the last event.
    last: Instant,
    exercised: CheckCounts,
}

impl Checker {
    /// Takes note of what a node wrote before anything happens.
    pub(crate) fn recall(&mut self, node: NodeId, batch: &Batch) {
        if let Some((_, _, Some(cluster))) = &batch.cluster {
            self.records.recall(cluster);
            self.clusters.recall(cluster);
            self.visible.recall_streams(cluster);
        }
        if let (Some((key, record)), NodeId::ControlPlane(region)) = (&batch.token, node) {
            self.visible.recall_token(region, key, record.response.operation(), record.at);
        }
        self.callers.recall(node, batch);
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
    pub fn look(&mut self, scene: &dyn WorldView, changes: &[Change]) -> Result<(), Violation> {
        if changes.is_empty() {
            return Ok(());
        }
        let judge = &mut CheckContext { scene, exercised: &mut self.exercised };
        changed::time_goes_on(judge, &mut self.last).map_err(|broken| violation(scene, broken))?;
        for place in 0..changes.len() {
            self.look_at(scene, changes, place).map_err(|broken| violation(scene, broken))?;
        }
        // What it wrote when it started, if its disk takes no time, is behind the start among the changes.
        let judge = &mut CheckContext { scene, exercised: &mut self.exercised };
        for change in changes {
            if let Change::Restarted(node) = change {
                let verdict = storage::is_what_was_written(judge, *node);
                verdict.map_err(|broken| violation(scene, broken))?;
            }
        }
        Ok(())
    }

    /// Looks at the change at `place` among `changes`.
    fn look_at(&mut self, scene: &dyn WorldView, changes: &[Change], place: usize) -> CheckResult {
        let judge = &mut CheckContext { scene, exercised: &mut self.exercised };
        match &changes[place] {
            Change::Arrived { region, caller, delivery, request } => {
                self.answers.arrived(judge, *region, caller.account, *delivery);
                let at = (scene.now(), scene.wall_clock(*region));
                let call = self.open.arrived(at, *region, *caller, *delivery, request);
                self.visible.arrived(judge, &self.records, call);
                Ok(())
            }
            Change::Injected(delivery) => {
                self.open.injected(*delivery);
                Ok(())
            }
            Change::Unheard(delivery) => {
                let call = self.open.answered(*delivery);
                call.iter().for_each(|call| self.visible.lost(call));
                self.callers.unheard(scene.now(), call);
                Ok(())
            }
            Change::Denied { region, action, denied } => {
                self.callers.denied.set(*region, *action, scene.now(), *denied);
                Ok(())
            }
            Change::Allowed => {
                self.callers.denied.clear(scene.now());
                Ok(())
            }
            Change::Outside { region, event } => {
                let has_crashed = changes.iter().any(|change| match change {
                    Change::Crashed { node, .. } => *node == NodeId::ControlPlane(*region),
                    _ => false,
                });
                let records = &self.records;
                if has_crashed { Ok(()) } else { environment::has_come_over(judge, records, *region, *event) }
            }
            Change::Wrote { node, commit, replaced } => {
                storage::wrote(judge, *node, commit, replaced)?;
                self.clusters.wrote(judge, &mut self.records, commit)?;
                self.records.committed(scene.now(), commit);
                self.answers.wrote(judge, commit);
                let call = commit.cause.and_then(|cause| self.open.get(cause));
                self.callers.wrote(judge, &self.records, *node, commit, call)?;
                self.open.wrote(commit);
                self.changed(scene, commit)
            }
            Change::Forgot { commit, .. } => self.answers.acknowledged_is_durable(judge, commit),
            Change::Replied { region, delivery, account, request, result } => {
                let call = self.open.answered(*delivery);
                said::answered_once(judge, call.as_ref())?;
                let Some(call) = call else { return Ok(()) };
                if result.is_ok() {
                    let is_recorded = self.callers.tokens.has_record(scene, &call);
                    Answers::acknowledged_was_written(judge, &call, is_recorded)?;
                }
                self.answers.replied(judge, *region, *delivery, *account, request, result)?;
                self.callers.replied(judge, &self.records, &self.open, &call, result)?;
                if let Ok(response) = result {
                    said::answers_say_what_was_written(judge, &call, response)?;
                }
                let now = self.open.moment(scene.now());
                self.visible.answered(judge, &mut self.records, &call, now, result)
            }
            Change::Crashed { node, memory, disk } => {
                if let NodeId::ControlPlane(region) = node {
                    self.open.crashed(*region).iter().for_each(|call| self.visible.lost(call));
                }
                storage::crashed(judge, *node, (memory, disk), changes, place)
            }
            Change::Restarted(node) => {
                self.callers.restarted(scene.now(), *node);
                Ok(())
            }
            Change::Checked(_) | Change::Ended(_) => Ok(()),
        }
    }

    /// Looks at what a write changed of a cluster. What has no call, or one that joined another, finishes the call that
    /// is written down in the record.
    fn changed(&mut self, scene: &dyn WorldView, commit: &Commit) -> CheckResult {
        let judge = &mut CheckContext { scene, exercised: &mut self.exercised };
        let call = commit.cause.and_then(|cause| self.open.get(cause));
        if commit.cause.is_some() {
            answers::acknowledged_after_writing(judge, call, commit)?;
        }
        let (Some(before), Some((_, _, Some(after)))) = (&commit.before.cluster, &commit.batch.cluster)
        else {
            return Ok(());
        };
        let intent = before.intent.as_ref().map(|intent| &*intent.request);
        let change =
            changed::RecordChange { before, after, request: call.map_or(intent, |call| Some(&call.request)) };
        changed::unchanging(judge, &change)?;
        changed::changed_only_by_its_call(judge, &change)
    }

    /// Looks at a world that is quiet and healed: what could move has moved. Clusters of the Region `except`, which
    /// stays dead, are left out.
    ///
    /// # Errors
    /// The first invariant that does not hold, with the chain of who waits for whom.
    pub fn check_quiet(&mut self, scene: &dyn WorldView, except: Option<Region>) -> Result<(), Violation> {
        let judge = &mut CheckContext { scene, exercised: &mut self.exercised };
        storage::are_what_was_written(judge)
            .and_then(|()| convergence::converged(self.clusters.pairs(), judge, except))
            .and_then(|()| convergence::nothing_is_stuck(self.clusters.pairs(), judge, except))
            .and_then(|()| convergence::no_active_without_key(judge, except))
            .map_err(|broken| violation(scene, broken))
    }

    /// How often each invariant was judged so far.
    #[must_use]
    pub fn exercised(&self) -> CheckCounts {
        self.exercised
    }

    /// What it remembers of answers, and, where something is read yet, what reads may show. Of what it knows, the rest
    /// follows from what is in the storages.
    #[must_use]
    pub fn memory(&self, is_read: bool) -> impl fmt::Debug {
        let visible = is_read.then_some(&self.visible);
        (&self.answers, &self.callers.tokens, self.clusters.pairs().memory(), visible)
    }
}

#[cold]
fn violation(scene: &dyn WorldView, (invariant, message): BrokenInvariant) -> Violation {
    Violation { invariant: invariant.name().to_owned(), message: scene.in_words(&message), at: scene.now() }
}
