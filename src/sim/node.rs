//! A node of the world: a state machine, the disk under it, and what waits for that disk.
//!
//! Effects are carried out in order. A write takes the disk a while; whatever comes behind it waits in the outbox,
//! and so a crash can fall between any two effects. Writes that wait together become durable together.

use std::collections::VecDeque;

use crate::control::ControlPlane;
use crate::control::authorization::Denials;
use crate::control::disk::Disk;
use crate::control::message::{Commit, Effect, Input};
use crate::control::storage::Storage;
use crate::control::witness::WitnessNode;
use crate::types::{Instant, NodeId};

use super::Options;
use super::crash_point::NodeActivity;
use super::fault::{CrashPoint, Unfinished};
use super::fault_log::FaultId;

/// A control plane or a witness node.
#[derive(Clone, Debug)]
pub(super) enum Machine {
    ControlPlane(Box<ControlPlane>),
    Witness(Box<WitnessNode>),
}

/// A node of the world.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) machine: Machine,
    /// What outlives a crash.
    pub(super) disk: Disk,
    /// How often it has started; events meant for an earlier life do nothing.
    pub(super) life: u32,
    pub(super) state: NodeState,
    /// What its Region's wall clock is wrong by, in seconds.
    pub(super) skew: i64,
    /// What waits for the disk.
    pub(super) outbox: VecDeque<Effect>,
    /// How many of the writes in the outbox the disk is busy with.
    pub(super) syncing: usize,
    /// Crashes that wait for their moment.
    pub(super) traps: Vec<CrashTrigger>,
    /// How many requests it has taken in, in this life, and not answered.
    pub(super) unanswered: usize,
}

/// Whether a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeState {
    Up,
    /// Its process is down; the host says so to whoever connects.
    Down,
    /// Its host is down; nobody says anything.
    Dark,
}

/// A crash that waits for its moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct CrashTrigger {
    pub(super) fault: FaultId,
    pub(super) moment: CrashPoint,
    pub(super) unfinished: Option<Unfinished>,
}

/// Writes, as they lie in the outbox.
pub(super) type Writes = Vec<Box<Commit>>;

impl Node {
    pub(super) fn new(id: NodeId, options: &Options) -> Node {
        Node {
            id,
            machine: Machine::new(id, options, Storage::default()),
            disk: Disk::default(),
            life: 0,
            state: NodeState::Up,
            skew: 0,
            outbox: VecDeque::new(),
            syncing: 0,
            traps: Vec::new(),
            unanswered: 0,
        }
    }

    pub(super) fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Effect>) {
        match &mut self.machine {
            Machine::ControlPlane(plane) => plane.handle(now, input, out),
            Machine::Witness(witness) => witness.handle(now, input, out),
        }
    }

    pub(super) fn durable(&self) -> &Storage {
        match &self.machine {
            Machine::ControlPlane(plane) => plane.storage(),
            Machine::Witness(witness) => witness.storage(),
        }
    }

    pub(super) fn denials_mut(&mut self) -> &mut Denials {
        self.machine.denials_mut()
    }

    /// How many writes wait in the outbox.
    pub(super) fn unsynced(&self) -> usize {
        self.outbox.iter().filter(|effect| matches!(effect, Effect::Persist(_))).count()
    }

    /// Stops it: forgets the writes behind the first `kept` of those that were not finished. Gives back the kept
    /// writes, which are yet to reach the disk, and the forgotten ones, oldest first.
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

    /// Makes its state machine anew of what the disk holds and of nothing else, and gives back what the old one had in
    /// memory of its storage. What is denied to callers was never its to remember.
    pub(super) fn rebuild(&mut self, options: &Options) -> Storage {
        let denials = std::mem::take(self.denials_mut());
        let machine = Machine::new(self.id, options, self.disk.replay());
        let old = std::mem::replace(&mut self.machine, machine);
        *self.denials_mut() = denials;
        match old {
            Machine::ControlPlane(plane) => plane.into_storage(),
            Machine::Witness(witness) => witness.into_storage(),
        }
    }

    /// Counts what it does on every trap that waits for its like, and gives back the one that springs.
    pub(super) fn fire_trigger(&mut self, doing: NodeActivity<'_>) -> Option<CrashTrigger> {
        let place = self.traps.iter_mut().position(|trap| match &mut trap.moment {
            CrashPoint::At(point, count) if point.is_met_by(doing) => {
                *count = count.saturating_sub(1);
                *count == 0
            }
            CrashPoint::At(..) | CrashPoint::Now => false,
        })?;
        Some(self.traps.swap_remove(place))
    }
}

impl Machine {
    fn new(id: NodeId, options: &Options, storage: Storage) -> Machine {
        let (principals, mutants) = (options.principals.clone(), options.mutants);
        match id {
            NodeId::Witness(region) => {
                Machine::Witness(Box::new(WitnessNode::new(region, principals, mutants, storage)))
            }
            NodeId::ControlPlane(region) => {
                let assumptions = options.assumptions.clone();
                let plane = ControlPlane::new(region, assumptions, principals, mutants, storage);
                Machine::ControlPlane(Box::new(plane))
            }
            NodeId::Client(_) => unreachable!("a client is not a node with storage"),
        }
    }

    fn denials_mut(&mut self) -> &mut Denials {
        match self {
            Machine::ControlPlane(plane) => plane.denials_mut(),
            Machine::Witness(witness) => witness.denials_mut(),
        }
    }
}
