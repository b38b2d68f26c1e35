//! A state of a small world: its nodes with what they have in storage, what is under way, and what went wrong.
//!
//! There is no clock. A message arrives whenever it does, a timer fires whenever it does, and a write is durable as
//! soon as it is made, unless the node crashes just then.

use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHasher;

use crate::api::Request;
use crate::check::{Checker, Memory, Violation, WorldView};
use crate::control::ControlPlane;
use crate::control::assumptions::Assumptions;
use crate::control::disk::Disk;
use crate::control::environment::Environment;
use crate::control::message::{DelayRange, Delivery, Effect, Input, Message, Timer};
use crate::control::mutant::Mutants;
use crate::control::storage::Storage;
use crate::control::witness::WitnessNode;
use crate::region::Region;
use crate::rng::key;
use crate::sim::DEFAULT_EPOCH;
use crate::sim::client::Names;
use crate::types::{Instant, NodeId, Timestamp};

use super::step::{Cut, ModelEvent, Transition};

/// A state. Two are the same when nothing that can still happen tells them apart.
#[derive(Clone, Debug)]
pub(super) struct ModelState {
    pub(super) assumptions: Arc<Assumptions>,
    pub(super) names: Arc<Names>,
    /// The control planes in the order of their Regions, then the witness node.
    pub(super) nodes: Vec<ModelNode>,
    pub(super) packets: Vec<Packet>,
    pub(super) timers: Vec<Pending>,
    pub(super) callers: Vec<ModelClient>,
    pub(super) checker: Arc<Checker>,
    pub(super) spent: Spent,
    /// The invariant that does not hold, and nothing happens any more.
    pub(super) broken: Option<Arc<Violation>>,
    /// What `checker` remembers, as a number.
    pub(super) memory: u64,
    /// How many messages and timers there have been: what the next is labelled with. No part of what a state is.
    pub(super) labels: u32,
}

/// A node, shared by all states in which it is the same.
#[derive(Clone, Debug)]
pub(super) struct ModelNode {
    pub(super) id: NodeId,
    pub(super) machine: Arc<ModelMachine>,
    /// What outlives a crash.
    pub(super) disk: Arc<Disk>,
    /// What it knows, in storage and in memory, as a number.
    pub(super) word: u64,
    /// What its disk holds, as a number.
    pub(super) disk_word: u64,
    /// How often it has crashed.
    pub(super) life: u32,
}

/// A state machine of [`crate::control`].
#[derive(Clone, Debug)]
pub(super) enum ModelMachine {
    Plane(Box<ControlPlane>),
    Witness(Box<WitnessNode>),
}

/// Something under way to a node.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) label: u32,
    pub(super) to: NodeId,
    pub(super) load: Load,
}

/// What is under way.
#[derive(Clone, Debug)]
pub(super) enum Load {
    /// The call of a caller, by its place among the caller's.
    Request { caller: usize, call: usize, copy: u16 },
    /// A message from another node.
    Message { from: NodeId, message: Message },
}

/// A timer that is set.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) label: u32,
    pub(super) place: usize,
    pub(super) after: DelayRange,
    pub(super) timer: Timer,
}

/// Somebody who makes calls to one Region, one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ModelClient {
    /// How many of its calls were begun.
    pub(super) begun: usize,
    /// Whether the last of these was taken in and is not answered.
    pub(super) waits: bool,
}

/// What has happened of that of which there is only so much.
#[derive(Clone, Debug)]
pub(super) struct Spent {
    pub(super) crashes: u8,
    pub(super) losses: u8,
    pub(super) duplicates: u8,
    pub(super) deadlines: u8,
    /// Questions repeated, by node.
    pub(super) repeats: Vec<u8>,
}

impl Spent {
    /// Nothing, in a world of so many nodes.
    pub(super) fn nothing(nodes: usize) -> Spent {
        Spent { crashes: 0, losses: 0, duplicates: 0, deadlines: 0, repeats: vec![0; nodes] }
    }
}

impl ModelMachine {
    pub(super) fn new(
        id: NodeId,
        assumptions: &Arc<Assumptions>,
        mutants: Mutants,
        storage: Storage,
    ) -> ModelMachine {
        match id {
            NodeId::Witness(region) => {
                ModelMachine::Witness(Box::new(WitnessNode::new(region, Arc::default(), mutants, storage)))
            }
            NodeId::ControlPlane(region) => {
                let assumptions = assumptions.clone();
                ModelMachine::Plane(Box::new(ControlPlane::new(
                    region,
                    assumptions,
                    Arc::default(),
                    mutants,
                    storage,
                )))
            }
            NodeId::Client(_) => unreachable!("a client is not a node"),
        }
    }

    pub(super) fn handle(&mut self, input: Input, out: &mut Vec<Effect>) {
        match self {
            ModelMachine::Plane(plane) => plane.handle(Instant::START, input, out),
            ModelMachine::Witness(witness) => witness.handle(Instant::START, input, out),
        }
    }

    /// What it knows, as a number.
    pub(super) fn digest(&self) -> u64 {
        match self {
            ModelMachine::Plane(plane) => word_of(&plane.knowledge()),
            ModelMachine::Witness(witness) => word_of(witness.storage()),
        }
    }

    pub(super) fn storage(&self) -> &Storage {
        match self {
            ModelMachine::Plane(plane) => plane.storage(),
            ModelMachine::Witness(witness) => witness.storage(),
        }
    }
}

impl ModelState {
    pub(super) fn place(&self, id: NodeId) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == id)
    }

    /// The label of the next message or timer.
    pub(super) fn label(&mut self) -> u32 {
        self.labels += 1;
        self.labels
    }

    /// Forgets the answers under way that can move nothing any more: whether and when they arrive makes no difference.
    pub(super) fn forget_stale(&mut self) {
        let machine = |id: NodeId| self.nodes.iter().find(|node| node.id == id).map(|node| &*node.machine);
        self.packets.retain(|packet| match (&packet.load, machine(packet.to)) {
            (Load::Message { from, message }, Some(ModelMachine::Plane(plane))) => {
                plane.is_outstanding(*from, message)
            }
            _ => true,
        });
    }

    /// What `step` does here, in words.
    pub(super) fn tell(&self, step: Transition) -> String {
        let cut = |cut: Option<Cut>| match cut {
            None => String::new(),
            Some(Cut { write, kept }) => {
                let fate = if kept { "is durable" } else { "is lost" };
                format!(", crashes when its write {write} {fate}, and starts again")
            }
        };
        match step {
            Transition::Take(ModelEvent::Packet(place), at) => {
                let packet = &self.packets[place];
                format!("{} takes in {packet}{}", name(packet.to), cut(at))
            }
            Transition::Take(ModelEvent::Timer(place), at) => {
                let Pending { place, timer, .. } = &self.timers[place];
                let about = match timer {
                    Timer::Status { to: Some(status), .. } => format!("moves its cluster on to {status}"),
                    Timer::Status { to: None, .. } => "removes its cluster".to_owned(),
                    Timer::Stream { to: Some(status), .. } => format!("moves its stream on to {status:?}"),
                    Timer::Stream { to: None, .. } => "removes its stream".to_owned(),
                    Timer::Propose { .. } => "asks the link register again".to_owned(),
                    Timer::Recheck { .. } => "asks the other Regions again".to_owned(),
                    Timer::Deadline { .. } => "answers a call that has waited too long".to_owned(),
                };
                format!("{} {about}{}", name(self.nodes[*place].id), cut(at))
            }
            Transition::Lose(place) => {
                format!("{} to {} is lost", self.packets[place], name(self.packets[place].to))
            }
            Transition::Duplicate(place) => {
                format!("{} to {} is duplicated", self.packets[place], name(self.packets[place].to))
            }
            Transition::Crash(place) => format!("{} crashes and starts again", name(self.nodes[place].id)),
        }
    }

    fn plane(&self, region: Region) -> Option<&ModelMachine> {
        let place = self.place(NodeId::ControlPlane(region))?;
        Some(&self.nodes[place].machine)
    }
}

impl ModelState {
    /// What it is, as a number. What is under way has no order.
    fn digest(&self) -> u64 {
        let mut words: Vec<u64> = self.nodes.iter().flat_map(|node| [node.word, node.disk_word]).collect();
        words.push(self.packets.iter().map(Packet::digest).fold(0, u64::wrapping_add));
        words.push(self.timers.iter().map(Pending::digest).fold(0, u64::wrapping_add));
        words.extend(self.callers.iter().map(|caller| (caller.begun as u64) << 1 | u64::from(caller.waits)));
        let Spent { crashes, losses, duplicates, deadlines, repeats } = &self.spent;
        words.extend(
            [crashes, losses, duplicates, deadlines]
                .into_iter()
                .chain(repeats)
                .map(|spent| u64::from(*spent)),
        );
        words.push(self.memory);
        words.push(u64::from(self.broken.is_some()));
        key(&words)
    }
}

impl PartialEq for ModelState {
    fn eq(&self, other: &ModelState) -> bool {
        self.digest() == other.digest()
    }
}

impl Hash for ModelState {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.digest().hash(hasher);
    }
}

impl Pending {
    fn digest(&self) -> u64 {
        key(&[self.place as u64, self.timer.key()])
    }
}

impl Packet {
    pub(super) fn digest(&self) -> u64 {
        match &self.load {
            Load::Request { caller, call, copy } => key(&[1, *caller as u64, *call as u64, u64::from(*copy)]),
            Load::Message { from, message } => key(&[2, from.digest(), self.to.digest(), message.key()]),
        }
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.load {
            Load::Request { .. } => write!(f, "its caller's request"),
            Load::Message { from, message } => write!(f, "{} from {}", message.kind().name(), name(*from)),
        }
    }
}

fn name(node: NodeId) -> String {
    match node {
        NodeId::ControlPlane(region) => region.to_string(),
        NodeId::Witness(region) => format!("{region}/witness"),
        NodeId::Client(client) => format!("client {}", client.0),
    }
}

/// What `value` is, as a number: two values that differ in any part differ in how they are printed for programmers.
pub(super) fn word_of(value: &impl fmt::Debug) -> u64 {
    let mut page = Page(FxHasher::default());
    write!(page, "{value:?}").expect("a hash takes everything in");
    page.0.finish()
}

/// A page that keeps no more of its text than a hash.
struct Page(FxHasher);

impl fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

impl WorldView for ModelState {
    fn now(&self) -> Instant {
        Instant::START
    }

    fn wall_clock(&self, _region: Region) -> Timestamp {
        DEFAULT_EPOCH
    }

    /// No time passes here.
    fn longest_write(&self) -> Duration {
        Duration::ZERO
    }

    fn assumptions(&self) -> &Assumptions {
        &self.assumptions
    }

    fn storage(&self, region: Region) -> Option<&Storage> {
        self.plane(region).map(ModelMachine::storage)
    }

    /// Nothing is under way to a disk here.
    fn memory(&self, node: NodeId) -> Option<Memory<'_>> {
        let ModelNode { machine, disk, .. } = &self.nodes[self.place(node)?];
        Some(Memory { storage: machine.storage(), disk, unsynced: Vec::new() })
    }

    fn environment(&self, _region: Region) -> Environment {
        Environment::default()
    }

    fn request_of(&self, _delivery: Delivery) -> Option<&Request> {
        None
    }

    fn unanswered(&self, region: Region) -> usize {
        let place = self.place(NodeId::ControlPlane(region));
        place.map_or(0, |place| usize::from(self.callers[place].waits))
    }

    fn who_waits(&self) -> String {
        let planes = self.nodes.iter().filter_map(|node| match &*node.machine {
            ModelMachine::Plane(plane) => Some(plane),
            ModelMachine::Witness(_) => None,
        });
        let waits = planes.flat_map(|plane| plane.waits());
        waits
            .map(|wait| {
                format!("\n  {} {} waits for {:?} to {}", wait.region, wait.waiter, wait.missing, wait.action)
            })
            .collect()
    }

    fn in_words(&self, text: &str) -> String {
        self.names.in_text(text)
    }
}
