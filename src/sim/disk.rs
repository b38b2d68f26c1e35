//! The disk of a node: the order of effects and writes, and the fate of unfinished writes in a crash.
//!
//! The durability contract: an effect is carried out only after every write before it is durable. A node therefore
//! never sends an answer or a message about a change that a crash could still undo.

use std::time::Duration;

use rand::RngExt;

use crate::api::EncryptionStatus;
use crate::control::message::{Commit, Effect, Input};
use crate::coverage_mark::CoverageMark;
use crate::rng::{self, Purpose};
use crate::types::NodeId;

use super::fault::{NodeActivity, Stage, Unfinished};
use super::node::NodeState;
use super::trace::{TraceEvent, TraceFormatter, Unhashed};
use super::{Change, Event, World};

/// A crash of a node, while it is carried out.
#[derive(Debug)]
pub(super) struct NodeCrash {
    /// The state of the node after the crash.
    pub(super) state: NodeState,
    /// The fate of unfinished writes; `None` draws how many of them reach the disk.
    pub(super) unfinished: Option<Unfinished>,
    /// Whether the newest write in the outbox was not begun, and so cannot reach the disk.
    pub(super) has_unbegun: bool,
    /// The crash point, as text for the trace.
    pub(super) reason: Option<String>,
}

impl NodeCrash {
    /// A crash without a crash point.
    pub(super) fn new(state: NodeState, unfinished: Option<Unfinished>) -> NodeCrash {
        NodeCrash { state, unfinished, has_unbegun: false, reason: None }
    }
}

impl World {
    /// Carries out an effect at once if no write precedes it; otherwise appends it to the outbox.
    pub(super) fn carry_out(&mut self, index: usize, effect: Effect) {
        let node = &mut self.nodes[index];
        if node.state != NodeState::Up {
            // An earlier effect of the same input hit a crash point. A process that died there never gets to this one.
            return self.record_lost_write(index, effect);
        }
        let is_write = matches!(effect, Effect::Persist(_));
        if node.outbox.is_empty() && !is_write {
            return self.perform(index, effect);
        }
        // The write joins the outbox even if a crash interrupts it: the crash decides there which writes survive.
        let crash = self.fire_at_write(index, &effect, &[Stage::Before, Stage::During]);
        let node = &mut self.nodes[index];
        if let Some(history) = self.trace.history_mut() {
            history.queued(node.id, &effect);
        }
        node.outbox.push_back(effect);
        if let Some(crash) = crash {
            self.crash(index, crash);
            return;
        }
        // A busy disk takes this write with the next batch.
        if is_write && node.syncing == 0 {
            self.begin_sync(index);
        }
    }

    /// Makes the batch durable that the disk was busy with, and carries out the effects that waited for it.
    pub(super) fn finish_sync(&mut self, index: usize, life: u32) {
        if self.nodes[index].life != life {
            // The crash has decided about these writes already.
            return;
        }
        let mut durable = std::mem::take(&mut self.nodes[index].syncing);
        while let Some(effect) = self.nodes[index].outbox.pop_front() {
            let is_write = matches!(effect, Effect::Persist(_));
            if is_write && durable == 0 {
                // This write came while the disk was busy. It and all effects after it wait for the next batch.
                self.nodes[index].outbox.push_front(effect);
                break;
            }
            durable -= usize::from(is_write);
            self.recall_causes(self.nodes[index].id);
            let crash = self.fire_at_write(index, &effect, &[Stage::After]);
            self.perform(index, effect);
            if let Some(crash) = crash {
                self.crash(index, crash);
                return;
            }
        }
        // Starts over at the beginning of the buffer, whose memory is still in the cache.
        let outbox = &mut self.nodes[index].outbox;
        if outbox.is_empty() {
            outbox.clear();
        } else {
            *outbox = Vec::from(std::mem::take(outbox)).into();
            self.begin_sync(index);
        }
    }

    /// Applies a write to the disk.
    pub(super) fn apply_write(&mut self, index: usize, commit: Box<Commit>) {
        let node = &mut self.nodes[index];
        let replaced = node.disk.write(&commit.batch, self.options.assumptions.token_window);
        let node = node.id;
        if let Some((_, _, record)) = &commit.batch.cluster {
            self.last_progress = self.now;
            if let Some(record) = record
                && record.encryption == EncryptionStatus::KmsKeyInaccessible
                && let Some(key) = &record.kms_key
            {
                self.meet_disabled_key(record.arn.region, key);
            }
            if let Some(record) = record {
                self.meet_broken_targets(record);
            }
        }
        self.note(&TraceEvent::Wrote(node, &commit));
        self.changes.push(Change::Wrote { node, commit, replaced });
    }

    /// Stops a node; `false` if it was in the same state already. Of the unfinished writes, a prefix may reach the
    /// disk: never a later write without the earlier ones, because the disk writes in order.
    pub(super) fn crash(&mut self, index: usize, crash: NodeCrash) -> bool {
        let node = &mut self.nodes[index];
        let id = node.id;
        if node.state != NodeState::Up {
            // A stopped node has nothing left to lose. An outage still makes a crashed node unreachable.
            return std::mem::replace(&mut node.state, crash.state) != crash.state;
        }
        let writes = (node.unsynced() - usize::from(crash.has_unbegun)) as u64;
        let kept = match crash.unfinished {
            Some(Unfinished::Kept) => writes,
            Some(Unfinished::Lost) => 0,
            None => {
                let key = rng::fingerprint(&(id, node.life));
                rng::stream(self.options.seed, Purpose::Unfinished, key).random_range(0..=writes)
            }
        };
        // The effects in front of the first unfinished write wait for nothing: their write is durable, and the crash
        // falls before they leave.
        let mut ready = node.outbox.iter().take_while(|effect| !matches!(effect, Effect::Persist(_)));
        if ready.any(|effect| matches!(effect, Effect::Reply { .. })) {
            self.covered |= CoverageMark::CrashBeforeReply;
        }
        let (kept, lost) = node.stop(crash.state, kept as usize);
        self.note(&TraceEvent::Crashed(id, Unhashed(crash.reason.as_deref())));
        for commit in kept {
            self.covered |= CoverageMark::WriteKept;
            self.recall_causes(id);
            self.apply_write(index, commit);
        }
        for commit in lost {
            self.covered |= CoverageMark::WriteLost;
            self.recall_causes(id);
            self.note(&TraceEvent::Forgot(id, &commit));
            self.changes.push(Change::Forgot { node: id, commit });
        }
        let memory = Box::new(self.nodes[index].rebuild(&self.options));
        let disk = Box::new(self.nodes[index].disk.clone());
        self.changes.push(Change::Crashed { node: id, memory, disk });
        true
    }

    /// The crash whose point the node reaches with this step, if there is one. The step is computed only if a crash
    /// waits for the node.
    #[inline]
    pub(super) fn fire_trigger<'a>(
        &mut self,
        index: usize,
        activity: impl FnOnce() -> NodeActivity<'a>,
    ) -> Option<NodeCrash> {
        if self.nodes[index].triggers.is_empty() {
            return None;
        }
        let activity = activity();
        let trigger = self.nodes[index].fire_trigger(activity)?;
        self.fault_log.record_acted(trigger.fault);
        if let Some(history) = self.trace.history_mut() {
            history.crash_is_due(self.fault_log.take_acted());
        }
        let formatter = TraceFormatter { names: &self.names, clients: &self.options.clients };
        let reason = self.trace.is_read().then(|| formatter.reason(activity));
        let has_unbegun = matches!(activity, NodeActivity::Persists(Stage::Before, ..));
        Some(NodeCrash { state: NodeState::Down, unfinished: trigger.unfinished, has_unbegun, reason })
    }

    fn fire_at_write(&mut self, index: usize, effect: &Effect, stages: &[Stage]) -> Option<NodeCrash> {
        let Effect::Persist(commit) = effect else { return None };
        let operation = commit.cause.map(|cause| cause.operation);
        stages
            .iter()
            .find_map(|stage| self.fire_trigger(index, || NodeActivity::Persists(*stage, commit, operation)))
    }

    /// Starts a stopped node with the contents of its disk; `false` if it was up.
    pub(super) fn restart(&mut self, index: usize) -> bool {
        let node = &mut self.nodes[index];
        if node.state == NodeState::Up {
            return false;
        }
        node.state = NodeState::Up;
        let id = node.id;
        self.note(&TraceEvent::Restarted(id));
        self.changes.push(Change::Restarted(id));
        self.start(index);
        true
    }

    /// Gives a node its start input with the current environment. The node resumes unfinished work from its storage.
    pub(super) fn start(&mut self, index: usize) {
        let region = self.region_of(self.nodes[index].id);
        self.feed(index, Input::Start(self.environment(region).clone()));
    }

    /// The history goes on with the causes of the effect that leaves the outbox of the node.
    fn recall_causes(&mut self, node: NodeId) {
        if let Some(history) = self.trace.history_mut() {
            history.dequeued(node);
        }
    }

    fn begin_sync(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        node.syncing = node.unsynced();
        let life = node.life;
        let disk = self.options.disk;
        if disk == Duration::ZERO {
            self.finish_sync(index, life);
        } else {
            self.schedule(self.now.after(disk), Event::Synced { node: index as u16, life });
        }
    }

    /// Reports a write as lost that a crash kept from being begun. Other effects vanish without a trace.
    fn record_lost_write(&mut self, index: usize, effect: Effect) {
        let Effect::Persist(commit) = effect else { return };
        let id = self.nodes[index].id;
        self.note(&TraceEvent::Forgot(id, &commit));
        self.changes.push(Change::Forgot { node: id, commit });
    }
}
