//! The invariants of the control plane, and the checker that evaluates them.
//!
//! The checker observes the world from outside; the nodes do not know of it. After each event it receives the
//! changes that the event made. It keeps tables of its own of the records that became durable and the
//! answers that callers received, and examines only what an event touched, so that a check costs the same however
//! many clusters exist. Each invariant is a function; the comment above it is the argument why the control plane
//! keeps it.

mod answers;
mod authorization;
mod call_builder;
mod call_history;
mod cells;
mod changed;
mod client;
mod clusters;
mod convergence;
mod demands;
mod denied;
mod environment;
mod exposed;
mod invariant;
mod keys;
mod listings;
mod malformed;
mod members;
mod open;
mod operations;
mod pairs;
mod permitted;
mod records;
mod refusals;
mod responses;
mod restored;
mod simulation;
mod storage;
mod streams;
mod tokens;
mod view;
mod visible;

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::api::Request;
use crate::control::authorization::Caller;
use crate::control::keys::Keys;
use crate::control::message::{Commit, Delivery, Reply};
use crate::control::records::{Batch, Replaced};
use crate::region::Region;
use crate::sim::{Change, World};
use crate::types::{Instant, NodeId};

pub use call_builder::{CallBuilder, CallError, CallHandle};
pub use client::Client;
pub use invariant::{CheckCounts, Invariant};
pub use simulation::{CONVERGENCE_LIMIT, RunEnd, Simulation};
#[cfg(feature = "model-check")]
pub(crate) use view::Memory;
pub(crate) use view::WorldView;

use answers::Answers;
use call_history::CallHistory;
use clusters::Clusters;
use invariant::CheckContext;
use open::OpenCalls;
use records::Records;
use restored::Restores;
use visible::Visible;

/// A violated invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The name of the invariant, as in [`Invariant`], or the name that a user gave their own.
    pub invariant: String,
    /// The observation that violates it. Identifiers that have a name in the scenario appear by name.
    pub message: String,
    /// The virtual time of the observation.
    pub at: Instant,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.message)
    }
}

impl Error for Violation {}

/// The verdict of one check.
type CheckResult = Result<(), BrokenInvariant>;

/// A violated invariant and the observation, before identifiers are replaced by names.
type BrokenInvariant = (Invariant, String);

/// Checks every invariant after every event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Checker {
    records: Records,
    clusters: Clusters,
    answers: Answers,
    open: OpenCalls,
    visible: Visible,
    history: CallHistory,
    restores: Restores,
    /// The time of the last event; time must not go back.
    last: Instant,
    exercised: CheckCounts,
}

impl Checker {
    /// Takes in a batch that `node` wrote before the world begins, as after the restart of a server. Nothing is
    /// checked.
    pub(crate) fn recall(&mut self, node: NodeId, batch: &Batch, keys: &Arc<Keys>) {
        if let Some((_, _, Some(cluster))) = &batch.cluster {
            self.records.recall(cluster, keys);
            self.clusters.recall(cluster);
            self.visible.recall_streams(cluster);
        }
        if let (Some((key, record)), NodeId::ControlPlane(region)) = (&batch.token, node) {
            self.visible.recall_token(region, key, record.response.operation(), record.at);
        }
        self.history.recall(node, batch);
    }

    /// Checks the changes that the last event of `world` made.
    ///
    /// # Errors
    /// The first invariant that is violated.
    pub(crate) fn check(&mut self, world: &World) -> Result<(), Violation> {
        self.look(world, world.changes())
    }

    /// Checks `changes`, which led to the state that `view` shows.
    ///
    /// # Errors
    /// The first invariant that is violated.
    pub(crate) fn look(&mut self, view: &dyn WorldView, changes: &[Change]) -> Result<(), Violation> {
        if changes.is_empty() {
            return Ok(());
        }
        let ctx = &mut CheckContext { view, exercised: &mut self.exercised };
        changed::time_goes_on(ctx, &mut self.last).map_err(|broken| violation(view, broken))?;
        for index in 0..changes.len() {
            self.check_change(view, changes, index).map_err(|broken| violation(view, broken))?;
        }
        // A second pass: with a disk that takes no time, the writes that a node makes while it starts come after its
        // restart among the changes, and the comparison has to include them.
        let ctx = &mut CheckContext { view, exercised: &mut self.exercised };
        for change in changes {
            if let Change::Restarted(node) = change {
                let verdict = storage::is_what_was_written(ctx, *node);
                verdict.map_err(|broken| violation(view, broken))?;
            }
        }
        Ok(())
    }

    /// Checks one change, the one at `index` among `changes`.
    fn check_change(&mut self, view: &dyn WorldView, changes: &[Change], index: usize) -> CheckResult {
        let ctx = &mut CheckContext { view, exercised: &mut self.exercised };
        match &changes[index] {
            Change::Arrived { region, caller, delivery, request } => {
                self.take_in(view, (*region, *caller), *delivery, request);
                Ok(())
            }
            Change::Injected(delivery) => {
                self.open.injected(*delivery);
                Ok(())
            }
            Change::Unheard(delivery) => {
                let call = self.open.answered(*delivery);
                // No call reads the answer, so to the client the outcome is as unknown as after a crash.
                call.iter().for_each(|call| self.visible.lost(call));
                self.history.unheard(view.now(), call);
                Ok(())
            }
            Change::Denied { region, action, denied } => {
                self.history.denied.set(*region, *action, view.now(), *denied);
                Ok(())
            }
            Change::Allowed => {
                self.history.denied.clear(view.now());
                Ok(())
            }
            Change::Outside { region, event } => {
                self.history.outside(view.now(), *region, event);
                self.restores.outside(*region, event);
                // A crash within the same event discards what the control plane did about the environment; the check
                // would find the storage of a stopped node.
                let has_crashed = changes.iter().any(|change| match change {
                    Change::Crashed { node, .. } => *node == NodeId::ControlPlane(*region),
                    _ => false,
                });
                let records = &self.records;
                if has_crashed { Ok(()) } else { environment::took_effect(ctx, records, *region, event) }
            }
            Change::Wrote { node, commit, replaced } => self.check_write(view, *node, commit, replaced),
            Change::Forgot { commit, .. } => self.answers.acknowledged_is_durable(ctx, commit),
            Change::Replied { region, delivery, request, result, .. } => {
                self.check_reply(view, (*region, *delivery), request, result)
            }
            Change::Crashed { node, memory, disk } => {
                if let NodeId::ControlPlane(region) = node {
                    self.open.crashed(*region).iter().for_each(|call| self.visible.lost(call));
                }
                storage::crashed(ctx, *node, (memory, disk), changes, index)
            }
            Change::Restarted(node) => {
                self.history.restarted(view.now(), *node);
                Ok(())
            }
            Change::Checked(_) | Change::Ended(_) => Ok(()),
        }
    }

    /// Takes in a request that arrived at the control plane of a Region.
    fn take_in(
        &mut self,
        view: &dyn WorldView,
        (region, caller): (Region, Caller),
        delivery: Delivery,
        request: &Arc<Request>,
    ) {
        let ctx = &mut CheckContext { view, exercised: &mut self.exercised };
        let at = (view.now(), view.wall_clock(region));
        let call = self.open.arrived(at, region, caller, delivery, (request, view.keys()));
        call.newest = listings::newest(view, call);
        call.raised = view.environment(region).raised;
        call.has_denied_role = streams::has_denied_role(view, region, request);
        let cluster = self.records.cluster_of(call);
        call.peer = cluster.and_then(|cluster| cluster.multi_region.as_deref()?.peer);
        self.visible.arrived(ctx, &self.records, call);
    }

    /// Checks a write of `node` that became durable.
    fn check_write(
        &mut self,
        view: &dyn WorldView,
        node: NodeId,
        commit: &Commit,
        replaced: &Replaced,
    ) -> CheckResult {
        let ctx = &mut CheckContext { view, exercised: &mut self.exercised };
        // The order matters: the identifier of a new cluster must be unknown to `records` until `clusters` has looked
        // it up.
        storage::wrote(ctx, node, commit, replaced)?;
        self.clusters.wrote(ctx, &mut self.records, commit)?;
        let appeared = restored::appeared(commit);
        appeared.map_or(Ok(()), |cluster| self.restores.wrote(ctx, cluster))?;
        let has_forgettable = self.records.committed(self.open.moment(view.now()), commit);
        if let Some(cluster) = appeared {
            self.records.appeared(cluster, view.keys());
        }
        if has_forgettable {
            let earliest = self.open.earliest(view.now());
            self.visible.forget_removed(&mut self.records, earliest);
        }
        self.answers.wrote(ctx, commit);
        let call = commit.cause.and_then(|cause| self.open.get(cause));
        self.history.wrote(ctx, &self.records, node, commit, call)?;
        self.open.wrote(commit);
        self.check_record_change(view, commit)
    }

    /// Checks the answer that a control plane gave to a delivery of `request`.
    fn check_reply(
        &mut self,
        view: &dyn WorldView,
        (region, delivery): (Region, Delivery),
        request: &Arc<Request>,
        result: &Reply,
    ) -> CheckResult {
        let ctx = &mut CheckContext { view, exercised: &mut self.exercised };
        let call = self.open.answered(delivery);
        responses::answered_once(ctx, call.as_ref())?;
        // Not reached without a call: the check above has failed.
        let Some(call) = call else { return Ok(()) };
        if result.is_ok() {
            let is_recorded = || self.history.tokens.has_record(view, &call);
            Answers::acknowledged_was_written(ctx, &call, is_recorded)?;
        }
        self.answers.replied(ctx, region, delivery, request, result)?;
        self.history.replied(ctx, &self.records, &self.open, &call, result)?;
        if let Ok(response) = result {
            responses::answers_say_what_was_written(ctx, &call, response)?;
        }
        let now = self.open.moment(view.now());
        self.visible.answered(ctx, &mut self.records, &call, now, result)
    }

    /// Checks the changes that a write made to a cluster's record. A write without a call, or whose call joined
    /// another, completes the call that the record has as its intent.
    fn check_record_change(&mut self, view: &dyn WorldView, commit: &Commit) -> CheckResult {
        let ctx = &mut CheckContext { view, exercised: &mut self.exercised };
        let call = commit.cause.and_then(|cause| self.open.get(cause));
        if commit.cause.is_some() {
            answers::acknowledged_after_writing(ctx, call, commit)?;
        }
        // A creation and a removal change no record; their rules are in `clusters`.
        let (Some(before), Some((_, _, Some(after)))) = (&commit.before.cluster, &commit.batch.cluster)
        else {
            return Ok(());
        };
        let intent = before.intent.as_ref().map(|intent| intent.request.to_request());
        let request = call.map_or(intent.as_ref(), |call| Some(&call.request));
        let change = changed::RecordChange { before, after, request, keys: &view.keys() };
        changed::unchanging(ctx, &change)?;
        changed::changed_only_by_its_call(ctx, &change)
    }

    /// Checks a world that is healed and quiet, so that nothing more will happen without a call. Clusters of the
    /// Region `except`, which stays down, are left out.
    ///
    /// # Errors
    /// The first invariant that is violated; its message names the nodes and calls that wait for each other.
    pub(crate) fn check_quiet(
        &mut self,
        view: &dyn WorldView,
        except: Option<Region>,
    ) -> Result<(), Violation> {
        let ctx = &mut CheckContext { view, exercised: &mut self.exercised };
        storage::are_what_was_written(ctx)
            .and_then(|()| convergence::converged(self.clusters.pairs(), ctx, except))
            .and_then(|()| convergence::nothing_is_stuck(self.clusters.pairs(), ctx, except))
            .and_then(|()| convergence::no_active_without_key(ctx, except))
            .and_then(|()| convergence::streams_are_healthy(ctx, except))
            .map_err(|broken| violation(view, broken))
    }

    /// The number of evaluations of each invariant so far.
    #[must_use]
    pub(crate) fn exercised(&self) -> CheckCounts {
        self.exercised
    }

    /// The state of the checker that does not follow from the storages of the nodes: the answers given and, if
    /// `is_read`, the values that later reads may show. The model checker tells states apart by it; without reads to
    /// come, the values make no difference and are left out.
    #[must_use]
    #[cfg(feature = "model-check")]
    pub(crate) fn memory(&self, is_read: bool) -> impl fmt::Debug {
        let visible = is_read.then_some(&self.visible);
        (&self.answers, &self.history.tokens, &self.history.listings, self.clusters.pairs().memory(), visible)
    }
}

#[cold]
fn violation(view: &dyn WorldView, (invariant, message): BrokenInvariant) -> Violation {
    Violation { invariant: invariant.name().to_owned(), message: view.in_words(&message), at: view.now() }
}
