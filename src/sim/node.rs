//! A node of the world: a state machine, its disk, and the outbox between the two.
//!
//! Effects are carried out in order. A write takes time, and every effect after it waits in the outbox, so that a crash
//! can happen between any two effects. Writes that wait together become durable together.

use std::collections::VecDeque;

use crate::control::Machine;
use crate::control::message::{Commit, Effect};
use crate::control::records::{Disk, Storage};
use crate::types::NodeId;

use super::Options;
use super::fault::{CrashPoint, FaultId, NodeActivity, Unfinished};

/// A node of the world.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) machine: Machine,
    /// The durable state, which survives a crash.
    pub(super) disk: Disk,
    /// The number of crashes so far. Events that carry an earlier number belong to lost memory and do nothing.
    pub(super) life: u32,
    pub(super) state: NodeState,
    /// Effects that wait for the disk: from the first unfinished write on.
    pub(super) outbox: VecDeque<Effect>,
    /// The number of writes at the front of the outbox in the batch that the disk is busy with.
    pub(super) syncing: usize,
    /// Injected crashes that wait for their point.
    pub(super) triggers: Vec<CrashTrigger>,
    /// The number of requests received since the last start and not answered.
    pub(super) unanswered: usize,
}

/// The state of a node's process and host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// The process runs.
    Up,
    /// The process is down and the host is up: connections are reset at once.
    Down,
    /// The host is down or unreachable: requests vanish, and clients wait for their time-out.
    Dark,
}

/// An injected crash that waits for its point.
#[derive(Clone, Copy, Debug)]
pub(super) struct CrashTrigger {
    pub(super) fault: FaultId,
    pub(super) moment: CrashPoint,
    pub(super) unfinished: Option<Unfinished>,
}

/// Writes, oldest first.
pub(super) type Writes = Vec<Box<Commit>>;

impl Node {
    pub(super) fn new(id: NodeId, options: &Options) -> Node {
        Node {
            id,
            machine: machine(id, options, Storage::default()),
            disk: Disk::default(),
            life: 0,
            state: NodeState::Up,
            outbox: VecDeque::new(),
            syncing: 0,
            triggers: Vec::new(),
            unanswered: 0,
        }
    }

    /// The number of writes in the outbox.
    pub(super) fn unsynced(&self) -> usize {
        self.outbox.iter().filter(|effect| matches!(effect, Effect::Persist(_))).count()
    }

    /// Stops the node and empties its outbox. Returns the first `kept` unfinished writes, which the caller must still
    /// apply to the disk, and the lost rest.
    pub(super) fn stop(&mut self, state: NodeState, kept: usize) -> (Writes, Writes) {
        let mut writes: Writes = std::mem::take(&mut self.outbox)
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Persist(commit) => Some(commit),
                _ => None,
            })
            .collect();
        let lost = writes.split_off(kept.min(writes.len()));
        self.state = state;
        self.life += 1;
        self.syncing = 0;
        self.unanswered = 0;
        (writes, lost)
    }

    /// Replaces the state machine by a new one made from the disk alone, and returns the old one's storage. Injected
    /// denials carry over: they belong to the environment, not to the process.
    pub(super) fn rebuild(&mut self, options: &Options) -> Storage {
        let denials = std::mem::take(self.machine.denials_mut());
        let machine = machine(self.id, options, self.disk.replay());
        let old = std::mem::replace(&mut self.machine, machine);
        *self.machine.denials_mut() = denials;
        old.into_storage()
    }

    /// Counts the step at the triggers whose point it matches until one of them has counted down to zero; removes and
    /// returns that one.
    pub(super) fn fire_trigger(&mut self, activity: NodeActivity<'_>) -> Option<CrashTrigger> {
        let index = self.triggers.iter_mut().position(|trigger| match &mut trigger.moment {
            CrashPoint::At(point, count) if point.is_reached_by(activity) => {
                *count = count.saturating_sub(1);
                *count == 0
            }
            CrashPoint::At(..) | CrashPoint::Now => false,
        })?;
        Some(self.triggers.swap_remove(index))
    }
}

/// The state machine of the node `id`, which resumes from `storage`.
fn machine(id: NodeId, options: &Options, storage: Storage) -> Machine {
    let Options { assumptions, principals, keys, mutants, .. } = options;
    Machine::new(id, assumptions.clone(), principals.clone(), keys.clone(), *mutants, storage)
}
