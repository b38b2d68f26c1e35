//! A state of a small world: its nodes with their storage, the messages in flight, the timers, and the violation if
//! there is one.
//!
//! There is no clock: messages arrive and timers fire in any order. A write is durable as soon as it is made, unless
//! the node crashes at that point.

use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHasher;

use crate::api::Request;
use crate::check::{Checker, Memory, Violation, WorldView};
use crate::control::Machine;
use crate::control::assumptions::Assumptions;
use crate::control::environment::Environment;
use crate::control::message::{DelayRange, Delivery, Message, Timer};
use crate::control::records::{Disk, Storage};
use crate::iam::NetworkOrigin;
use crate::region::Region;
use crate::rng::{fingerprint, mix};
use crate::sim::DEFAULT_EPOCH;
use crate::sim::client::Names;
use crate::types::{ClientId, Instant, NodeId, Timestamp};

use super::step::{Cut, ModelEvent, Transition};

/// A state. Two states are equal if no later event can distinguish them.
#[derive(Clone, Debug)]
pub(super) struct ModelState {
    pub(super) assumptions: Arc<Assumptions>,
    /// The environment of every Region, in which no key is ever disabled.
    pub(super) environment: Arc<Environment>,
    pub(super) names: Arc<Names>,
    /// The control planes in the order of their Regions, then the witness node.
    pub(super) nodes: Vec<ModelNode>,
    pub(super) packets: Vec<Packet>,
    pub(super) timers: Vec<Pending>,
    pub(super) callers: Vec<ModelClient>,
    pub(super) checker: Arc<Checker>,
    pub(super) spent: Spent,
    /// The violation. A state with one has no further steps.
    pub(super) broken: Option<Arc<Violation>>,
    /// The digest of what `checker` remembers.
    pub(super) memory: u64,
    /// How many messages and timers there have been; the next one gets this number as its label. Not part of the
    /// digest: states that differ in it alone have the same future.
    pub(super) labels: u32,
}

/// A node. States in which it is equal share it.
#[derive(Clone, Debug)]
pub(super) struct ModelNode {
    pub(super) id: NodeId,
    pub(super) machine: Arc<Machine>,
    /// The durable writes, which survive a crash.
    pub(super) disk: Arc<Disk>,
    /// The digest of its storage and its memory.
    pub(super) digest: u64,
    /// The digest of its disk.
    pub(super) disk_digest: u64,
    /// How often it has crashed.
    pub(super) life: u32,
}

/// A packet in flight to a node.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) label: u32,
    pub(super) to: NodeId,
    pub(super) body: PacketBody,
}

/// The body of a packet.
#[derive(Clone, Debug)]
pub(super) enum PacketBody {
    /// A call of a client, by its index among the client's calls.
    Request { caller: usize, call: usize, copy: u16 },
    /// A message from another node.
    Message { from: NodeId, message: Message },
}

/// A timer that is set.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) label: u32,
    /// The index of its node.
    pub(super) node: usize,
    pub(super) after: DelayRange,
    pub(super) timer: Timer,
}

/// A client of one Region, which makes its calls one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ModelClient {
    /// How many of its calls were sent.
    pub(super) begun: usize,
    /// Whether the control plane has the last of them and has not answered it.
    pub(super) waits: bool,
}

/// The faults and retries on the path so far, which the bounds limit.
#[derive(Clone, Debug)]
pub(super) struct Spent {
    pub(super) crashes: u8,
    pub(super) losses: u8,
    pub(super) duplicates: u8,
    pub(super) deadlines: u8,
    /// The retries of each node.
    pub(super) repeats: Vec<u8>,
}

impl Spent {
    /// No faults and no retries, in a world of so many nodes.
    pub(super) fn nothing(nodes: usize) -> Spent {
        Spent { crashes: 0, losses: 0, duplicates: 0, deadlines: 0, repeats: vec![0; nodes] }
    }
}

impl ModelState {
    /// The index of a node; `None` for a client.
    pub(super) fn node_index(&self, id: NodeId) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == id)
    }

    /// The label of the next message or timer.
    pub(super) fn label(&mut self) -> u32 {
        self.labels += 1;
        self.labels
    }

    /// Drops the answers in flight to which no request is open any more. Their arrival would change nothing, and each
    /// of them would multiply the states.
    pub(super) fn drop_stale(&mut self) {
        let machine = |id: NodeId| self.nodes.iter().find(|node| node.id == id).map(|node| &*node.machine);
        self.packets.retain(|packet| match (&packet.body, machine(packet.to)) {
            (PacketBody::Message { from, message }, Some(Machine::ControlPlane(plane))) => {
                plane.is_outstanding(*from, message)
            }
            _ => true,
        });
    }

    /// The step as a line of text.
    pub(super) fn describe(&self, step: Transition) -> String {
        let cut = |cut: Option<Cut>| match cut {
            None => String::new(),
            Some(Cut { write, kept }) => {
                let fate = if kept { "is durable" } else { "is lost" };
                format!(", crashes when its write {write} {fate}, and starts again")
            }
        };
        match step {
            Transition::Take(ModelEvent::Packet(index), at) => {
                let packet = &self.packets[index];
                format!("{} handles {packet}{}", name(packet.to), cut(at))
            }
            Transition::Take(ModelEvent::Timer(index), at) => {
                let Pending { node, timer, .. } = &self.timers[index];
                let about = match timer {
                    Timer::Status { to: Some(status), .. } => format!("advances its cluster to {status}"),
                    Timer::Status { to: None, .. } => "removes its cluster".to_owned(),
                    Timer::Stream { to: Some(status), .. } => format!("advances its stream to {status:?}"),
                    Timer::Stream { to: None, .. } => "removes its stream".to_owned(),
                    Timer::Propose { .. } => "retries its proposal to the link register".to_owned(),
                    Timer::Recheck { .. } => "repeats its checks in the other Regions".to_owned(),
                    Timer::Deadline { .. } => "answers a call whose deadline has passed".to_owned(),
                };
                format!("{} {about}{}", name(self.nodes[*node].id), cut(at))
            }
            Transition::Lose(index) => {
                format!("{} to {} is lost", self.packets[index], name(self.packets[index].to))
            }
            Transition::Duplicate(index) => {
                format!("{} to {} is duplicated", self.packets[index], name(self.packets[index].to))
            }
            Transition::Crash(index) => format!("{} crashes and starts again", name(self.nodes[index].id)),
        }
    }

    fn plane(&self, region: Region) -> Option<&Machine> {
        let index = self.node_index(NodeId::ControlPlane(region))?;
        Some(&self.nodes[index].machine)
    }
}

impl ModelState {
    /// The digest of the state. Packets and timers are summed up, because they have no order.
    fn digest(&self) -> u64 {
        let mut parts: Vec<u64> =
            self.nodes.iter().flat_map(|node| [node.digest, node.disk_digest]).collect();
        parts.push(self.packets.iter().map(Packet::digest).fold(0, u64::wrapping_add));
        parts.push(self.timers.iter().map(Pending::digest).fold(0, u64::wrapping_add));
        parts.extend(self.callers.iter().map(|caller| (caller.begun as u64) << 1 | u64::from(caller.waits)));
        let Spent { crashes, losses, duplicates, deadlines, repeats } = &self.spent;
        parts.extend(
            [crashes, losses, duplicates, deadlines]
                .into_iter()
                .chain(repeats)
                .map(|spent| u64::from(*spent)),
        );
        parts.push(self.memory);
        parts.push(u64::from(self.broken.is_some()));
        parts.into_iter().fold(0, mix)
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
        fingerprint(&(self.node, &self.timer))
    }
}

impl Packet {
    pub(super) fn digest(&self) -> u64 {
        match &self.body {
            PacketBody::Request { caller, call, copy } => fingerprint(&(caller, call, copy)),
            PacketBody::Message { from, message } => fingerprint(&(from, self.to, message)),
        }
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.body {
            PacketBody::Request { .. } => write!(f, "its client's request"),
            PacketBody::Message { from, message } => {
                write!(f, "{} from {}", message.kind().name(), name(*from))
            }
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

/// The digest of `value`: the hash of its `Debug` text, in which two values that differ in any part differ.
pub(super) fn digest_of(value: &impl fmt::Debug) -> u64 {
    let mut writer = HashWriter(FxHasher::default());
    write!(writer, "{value:?}").expect("a hash accepts every text");
    writer.0.finish()
}

/// A writer that keeps the hash of the text alone.
struct HashWriter(FxHasher);

impl fmt::Write for HashWriter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

impl WorldView for ModelState {
    fn now(&self) -> Instant {
        Instant::START
    }

    fn epoch(&self) -> Timestamp {
        DEFAULT_EPOCH
    }

    fn network_of(&self, _client: ClientId) -> &NetworkOrigin {
        NetworkOrigin::default_ref()
    }

    fn wall_clock(&self, _region: Region) -> Timestamp {
        DEFAULT_EPOCH
    }

    /// Zero: no time passes in a model.
    fn longest_write(&self) -> Duration {
        Duration::ZERO
    }

    fn assumptions(&self) -> &Assumptions {
        &self.assumptions
    }

    fn storage(&self, region: Region) -> Option<&Storage> {
        self.plane(region).map(Machine::storage)
    }

    /// No write is in flight: each is durable at once.
    fn memory(&self, node: NodeId) -> Option<Memory<'_>> {
        let ModelNode { machine, disk, .. } = &self.nodes[self.node_index(node)?];
        Some(Memory { storage: machine.storage(), disk, unsynced: Vec::new() })
    }

    fn environment(&self, _region: Region) -> &Environment {
        &self.environment
    }

    fn request_of(&self, _delivery: Delivery) -> Option<&Request> {
        None
    }

    fn unanswered(&self, region: Region) -> usize {
        let index = self.node_index(NodeId::ControlPlane(region));
        index.map_or(0, |index| usize::from(self.callers[index].waits))
    }

    fn who_waits(&self) -> String {
        let planes = self.nodes.iter().filter_map(|node| node.machine.control_plane());
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
