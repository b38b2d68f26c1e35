//! The simulated world: virtual time, a network, nodes that crash, and clients that retry.
//!
//! A [`World`] is a value. Calls and faults go in, and [`World::step`] processes the next event; nothing else advances
//! it. The same options, calls and faults produce the same events on every machine. [`World::changes`] holds the
//! results of an event until the next step, for the checks.

pub mod client;
pub mod coverage;
pub mod fault;
pub mod future;
pub mod history;
pub mod latency;
pub mod log;
pub mod trace;

mod disk;
mod escape;
mod network;
mod node;
mod origins;
mod queue;
mod run;
mod stream_moves;
mod waits;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use enumset::EnumSet;
use rand::Rng;
use slab::Slab;

use crate::api::Request;
use crate::control::assumptions::Assumptions;
use crate::control::authorization::{Caller, Checked, IamAction, Principals};
use crate::control::environment::{Environment, ExternalEvent};
use crate::control::keys::Keys;
use crate::control::message::{Commit, Delivery, Effect, Reply, Timer};
use crate::control::mutant::Mutants;
use crate::control::records::{Batch, Cluster, Disk, Replaced, Storage};
use crate::coverage_mark::CoverageMark;
use crate::region::Region;
use crate::rng::{self, Purpose};
use crate::types::{Account, ClientId, ClientToken, ClusterArn, Instant, NodeId, Timestamp};

pub use network::Latency;
pub use node::NodeState;
pub use waits::OpenWait;

use client::{Call, CallId, Calls, ClientOptions, Names, Outcome};
use coverage::Coverage;
use fault::{Fault, FaultId, FaultKind, FaultLog, InjectedErrors};
use history::History;
use network::{Envelope, Network};
use node::Node;
use queue::Queue;
use trace::{Trace, TraceEvent, TraceLevel};

/// The configuration of a world.
///
/// ```
/// use std::sync::Arc;
///
/// use dsql_sim::prelude::*;
///
/// let assumptions = Arc::new(Assumptions { single_region_quota: 1, ..Assumptions::DEFAULT });
/// let mut sim = Simulation::new(Options { assumptions, ..Options::new(42) });
/// assert!(sim.client("ops").create_cluster(Region::EU_WEST_1).send().is_ok());
/// let refused = sim.client("ops").create_cluster(Region::EU_WEST_1).send().expect_err("the quota is used up");
/// assert_eq!(refused.name(), "ServiceQuotaExceededException");
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// The seed of every random draw.
    pub seed: u64,
    /// The clients, by [`ClientId`].
    pub clients: Vec<ClientOptions>,
    /// The principals that clients run as, with their policies.
    pub principals: Arc<Principals>,
    /// The KMS keys that are declared, with their aliases and policies. Another key exists too, without either, unless
    /// [`Assumptions::keys_must_exist`] is set.
    pub keys: Arc<Keys>,
    /// The assumed behaviour wherever AWS does not document the service's.
    pub assumptions: Arc<Assumptions>,
    /// The bugs planted on purpose, to test the invariants.
    pub mutants: Mutants,
    /// The latency of messages.
    pub latency: Latency,
    /// The time that the disk needs to make a batch of writes durable.
    pub disk: Duration,
    /// The wall-clock time in every Region at virtual time 0.
    pub epoch: Timestamp,
    /// The detail of the written trace. The hash covers every event at any level.
    pub trace: TraceLevel,
}

impl Options {
    /// The defaults: one client, `ops`, in us-east-1; measured latencies; 1 ms per disk sync; no planted bugs.
    #[must_use]
    pub fn new(seed: u64) -> Options {
        Options {
            seed,
            clients: vec![ClientOptions::default()],
            principals: Arc::default(),
            keys: Arc::default(),
            assumptions: Arc::new(Assumptions::DEFAULT),
            mutants: Mutants::NONE,
            latency: Latency::Measured,
            disk: Duration::from_millis(1),
            epoch: DEFAULT_EPOCH,
            trace: TraceLevel::None,
        }
    }
}

/// The default of [`Options::epoch`]: 2026-01-01T00:00:00Z.
pub const DEFAULT_EPOCH: Timestamp = Timestamp(1_767_225_600_000);

/// A simulated world. Invariants read it, and a [`Simulation`](crate::Simulation) moves it.
///
/// ```
/// use dsql_sim::prelude::*;
///
/// # fn main() -> Result<(), CallError> {
/// let mut sim = Simulation::new(Options::new(42));
/// sim.client("ops").create_cluster(Region::US_EAST_1).alias("blue").send()?;
/// let world = sim.world();
/// let blue = world.clusters(Region::US_EAST_1).next().expect("a cluster");
/// assert_eq!(blue.status, ClusterStatus::Creating);
/// assert_eq!(world.names().cluster(blue.arn.identifier), "blue");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct World {
    options: Options,
    now: Instant,
    queue: Queue<Event>,
    /// Messages on their way.
    in_flight: Slab<Envelope>,
    /// Timers that were set and have not fired.
    timers: Slab<Alarm>,
    /// Faults planned for later, with their text for the trace.
    planned: Slab<(FaultId, Fault, Arc<str>)>,
    fault_log: FaultLog,
    network: Network,
    nodes: Vec<Node>,
    node_indices: [[Option<u16>; 2]; Region::COUNT],
    /// The environment of each Region, which exists whether or not its control plane is up.
    environment: [Environment; Region::COUNT],
    calls: Calls,
    injected_errors: InjectedErrors,
    names: Names,
    trace: Trace,
    changes: Vec<Change>,
    effects: Vec<Effect>,
    finished: VecDeque<CallId>,
    /// The number of queued [`Event::Retry`]: they do not keep the world from being idle.
    pending_retries: usize,
    /// The number of queued [`Event::ClientTimer`]. Some are left over from calls that ended before their time-out.
    pending_wakes: usize,
    /// The last time at which a cluster's record was written, or a fault was injected or repaired.
    last_progress: Instant,
    covered: EnumSet<CoverageMark>,
    coverage: Coverage,
    /// The kinds of fault injected since the last general repair, for coverage; [`FaultKind::None`] before the first. A
    /// kind counts even after its fault was healed: a link that was cut has left the clusters in states worth covering.
    faults: EnumSet<FaultKind>,
}

/// A result of an event, for the checks. It is part of neither the trace nor its hash.
#[derive(Clone, Debug)]
pub enum Change {
    /// A request reached a control plane that is up. Copies and retries of a request each arrive as a change of their
    /// own, and so do requests that get an injected error.
    Arrived {
        /// The Region of the control plane.
        region: Region,
        /// The account and the principal that sent it.
        caller: Caller,
        /// The attempt, and the copy of it, that arrived.
        delivery: Delivery,
        /// The request.
        request: Arc<Request>,
    },
    /// A request gets an injected error instead of an answer of the control plane. It follows the request's
    /// [`Change::Arrived`] and precedes its [`Change::Replied`].
    Injected(Delivery),
    /// A control plane answered a request whose call the world no longer remembers. The answer is sent, and no call is
    /// there to read it.
    Unheard(Delivery),
    /// A fault denied an action to every caller in a Region, or ended the denial.
    Denied {
        /// The Region.
        region: Region,
        /// The action.
        action: IamAction,
        /// `true` if the denial begins, `false` if it ends.
        denied: bool,
    },
    /// A general repair ended every injected denial, in all Regions.
    Allowed,
    /// An event of the environment reached the control plane of a Region, which is up.
    Outside {
        /// The Region.
        region: Region,
        /// The event.
        event: ExternalEvent,
    },
    /// A write became durable. This includes a write that a crash interrupted and that reached the disk anyway.
    Wrote {
        /// The node.
        node: NodeId,
        /// The write.
        commit: Box<Commit>,
        /// The previous contents of the disk at the keys that were written.
        replaced: Replaced,
    },
    /// A crash lost a write before it was durable. No caller may have seen its effect.
    Forgot {
        /// The node.
        node: NodeId,
        /// The write.
        commit: Box<Commit>,
    },
    /// A control plane answered a request. The network may still lose the answer.
    Replied {
        /// The Region of the control plane.
        region: Region,
        /// The attempt that is answered.
        delivery: Delivery,
        /// The caller's account.
        account: Account,
        /// The request.
        request: Arc<Request>,
        /// The answer.
        result: Reply,
    },
    /// A node evaluated a caller's permissions. Reported only after [`World::watch_permissions`], because it is
    /// frequent.
    Checked(Box<Checked>),
    /// A node stopped. The changes of its interrupted writes come before this one; a write that the node had decided on
    /// in the same event, and not begun, is reported lost after it.
    Crashed {
        /// The node.
        node: NodeId,
        /// The storage that the node had in memory, with writes that were not durable.
        memory: Box<Storage>,
        /// The contents of its disk after the crash.
        disk: Box<Disk>,
    },
    /// A node started again.
    Restarted(NodeId),
    /// A call ended: [`World::outcome`] has its outcome.
    Ended(CallId),
}

/// A queued event. The queue moves events about, so each is a few bytes and refers to larger data by its slot.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// The message in this slot of [`World::in_flight`] arrives.
    Deliver(u32),
    /// The timer in this slot of [`World::timers`] fires.
    Fire(u32),
    /// The timer in this slot fires, and at most sends messages again. A world that has only such events left is idle.
    Retry(u32),
    /// The disk of a node has finished a batch of writes. If the node's life is over, the event does nothing.
    Synced { node: u16, life: u32 },
    /// The call in this slot may have reached its time-out or the end of a pause.
    ClientTimer(u32),
    /// The planned fault in this slot of [`World::planned`] happens.
    Fault(u32),
    /// Nothing happens: the caller of [`World::wake_at`] wants control at this time.
    Wake,
}

/// A timer set by a node.
#[derive(Clone, Copy, Debug)]
struct Alarm {
    node: u16,
    /// The life of the node that set it. A timer does not outlive a crash.
    life: u32,
    /// The fingerprint of the timer and of the node that set it: it keys the draw of the delay, and enters the hash
    /// when the timer fires.
    key: u64,
    timer: Timer,
}

impl World {
    /// A world at virtual time 0. Nodes are created when the first message or fault reaches them.
    #[must_use]
    pub fn new(mut options: Options) -> World {
        options.complete_principals();
        World {
            now: Instant::START,
            queue: Queue::new(),
            in_flight: Slab::new(),
            timers: Slab::new(),
            planned: Slab::new(),
            fault_log: FaultLog::default(),
            network: Network::new(options.seed, options.latency.clone()),
            nodes: Vec::new(),
            node_indices: [[None; 2]; Region::COUNT],
            environment: std::array::from_fn(|_| Environment::default()),
            calls: Calls::default(),
            injected_errors: InjectedErrors::default(),
            names: Names::default(),
            trace: Trace::new(options.trace, options.seed),
            changes: Vec::new(),
            effects: Vec::new(),
            finished: VecDeque::new(),
            pending_retries: 0,
            pending_wakes: 0,
            last_progress: Instant::START,
            covered: EnumSet::empty(),
            coverage: Coverage::default(),
            faults: FaultKind::None.into(),
            options,
        }
    }

    /// The current virtual time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The configuration of the world.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The results of the last step, in order.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The trace so far.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Takes the trace lines written so far.
    pub fn take_trace_lines(&mut self) -> Vec<String> {
        self.trace.take_lines()
    }

    /// The coverage marks that nodes, network and clients have reported so far.
    #[must_use]
    pub fn covered(&self) -> EnumSet<CoverageMark> {
        self.covered
    }

    /// The coverage marks that the world itself sets: cells and denied actions.
    #[must_use]
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// The names of clusters and Regions in the trace.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The names of clusters and Regions, to add more.
    pub fn names_mut(&mut self) -> &mut Names {
        &mut self.names
    }

    /// The storage of the control plane of `region`, as it has it in memory; `None` if the node was never created.
    #[must_use]
    pub fn storage(&self, region: Region) -> Option<&Storage> {
        let index = self.node_indices[region.index()][0]?;
        Some(self.nodes[usize::from(index)].machine.storage())
    }

    /// The record of a cluster, as its control plane has it in memory; `None` if there is no such cluster.
    #[must_use]
    pub fn cluster(&self, arn: impl Into<ClusterArn>) -> Option<&Cluster> {
        let arn = arn.into();
        let cluster = self.storage(arn.region)?.cluster(arn.identifier)?;
        (cluster.arn == arn).then_some(cluster)
    }

    /// The records of the clusters of a Region, by account in the order of creation.
    pub fn clusters(&self, region: Region) -> impl Iterator<Item = &Cluster> {
        self.storage(region).into_iter().flat_map(Storage::clusters).map(|cluster| &**cluster)
    }

    /// A node's storage in memory, its disk, and the writes that lie between the two, oldest first; `None` if the node
    /// was never created.
    pub(crate) fn memory(&self, node: NodeId) -> Option<(&Storage, &Disk, Vec<&Batch>)> {
        let (region, kind) = kind_of(node);
        let node = &self.nodes[usize::from(self.node_indices[region.index()][kind]?)];
        let unsynced = node.outbox.iter().filter_map(|effect| match effect {
            Effect::Persist(commit) => Some(&commit.batch),
            _ => None,
        });
        Some((node.machine.storage(), &node.disk, unsynced.collect()))
    }

    /// The environment of the control plane of `region`, which exists whether or not the node is up.
    #[must_use]
    pub fn environment(&self, region: Region) -> &Environment {
        &self.environment[region.index()]
    }

    /// Reports every permission check as a [`Change::Checked`] from now on. Call it before the first call: nodes that
    /// exist keep their copy of the principals.
    pub fn watch_permissions(&mut self) {
        Arc::make_mut(&mut self.options.principals).are_watched = true;
    }

    /// Keeps every event from now on, with the events that it depends on: [`Trace::history`]. The world goes the same
    /// way, only slower.
    pub fn keep_history(&mut self) {
        self.trace.keep_history();
        self.fault_log.watch();
    }

    /// Takes the history that was kept so far, if one is kept.
    pub(crate) fn take_history(&mut self) -> Option<Box<History>> {
        self.trace.take_history()
    }

    /// Names the step of a scenario, by its position in the text, that makes the next calls and faults.
    pub(crate) fn at_step(&mut self, position: usize) {
        if let Some(history) = self.trace.history_mut() {
            history.at_step(position, self.now);
        }
    }

    /// Begins a call and sends its first attempt.
    pub fn call(&mut self, client: ClientId, mut call: Call) -> CallId {
        self.fill_token(&mut call);
        let id = self.calls.add(client, call);
        if let Some(history) = self.trace.history_mut() {
            history.begin_step();
        }
        let ongoing = self.calls.get(id).expect("the call was just added");
        let event = TraceEvent::Invoked(client, &ongoing.call, &ongoing.call.request);
        self.trace.record(self.now, &event, &self.names, &self.options.clients);
        self.send_attempt(id);
        id
    }

    /// The outcome of a call; `None` while it is in flight.
    #[must_use]
    pub fn outcome(&self, call: CallId) -> Option<&Outcome> {
        self.calls.get(call)?.outcome.as_ref()
    }

    /// Forgets a call that has ended and returns its outcome. The world remembers every call until then.
    pub fn take(&mut self, call: CallId) -> Option<Outcome> {
        self.calls.get(call)?.outcome.as_ref()?;
        self.calls.remove(call)?.outcome
    }

    /// The client and the description of a remembered call.
    #[must_use]
    pub fn call_of(&self, call: CallId) -> Option<(ClientId, &Call)> {
        self.calls.get(call).map(|ongoing| (ongoing.client, &ongoing.call))
    }

    /// The next call that ended, in order of their ends. Each call is returned once.
    pub fn pop_ended(&mut self) -> Option<CallId> {
        self.finished.pop_front()
    }

    /// The request of a delivery, while its call is remembered.
    #[must_use]
    pub fn request_of(&self, delivery: Delivery) -> Option<&Request> {
        let id = CallId { slot: delivery.slot, key: delivery.call };
        self.calls.get(id).map(|ongoing| &*ongoing.call.request)
    }

    /// The alias of a remembered call, which also names the cluster that it creates.
    #[must_use]
    pub fn alias_of(&self, delivery: Delivery) -> Option<&str> {
        let id = CallId { slot: delivery.slot, key: delivery.call };
        self.calls.get(id)?.call.alias.as_deref()
    }

    /// The time of the next event.
    #[must_use]
    pub fn next_event_at(&self) -> Option<Instant> {
        self.queue.peek_time()
    }

    /// The number of requests that the control plane of `region` has received since its start and not answered.
    #[must_use]
    pub fn unanswered(&self, region: Region) -> usize {
        self.node_indices[region.index()][0].map_or(0, |index| self.nodes[usize::from(index)].unanswered)
    }

    /// Injects a fault at the current time.
    pub fn inject(&mut self, fault: Fault) {
        self.changes.clear();
        let first = self.fault_log.reserve(fault.parts().count());
        self.apply_fault(first, &fault);
    }

    /// The identifier that the first part of the next injected or planned fault will get.
    #[must_use]
    pub fn next_fault(&self) -> FaultId {
        self.fault_log.next()
    }

    /// Whether a fault has acted so far, as each kind of [`Fault`] defines it.
    #[must_use]
    pub fn has_acted(&self, fault: FaultId) -> bool {
        self.fault_log.has_acted(fault)
    }

    /// Plans a fault for a later time. `text` describes it in the trace; the hash takes in the fault itself.
    pub fn inject_at(&mut self, at: Instant, fault: Fault, text: Arc<str>) {
        let first = self.fault_log.reserve(fault.parts().count());
        if let Some(history) = self.trace.history_mut() {
            history.plan(first);
        }
        let slot = self.planned.insert((first, fault, text)) as u32;
        self.schedule(at, Event::Fault(slot));
    }

    /// Whether a planned fault has yet to happen.
    #[must_use]
    pub fn has_planned_faults(&self) -> bool {
        !self.planned.is_empty()
    }

    /// Writes a line into the trace, if the trace is read: an intervention from outside, or a comment on the run. It
    /// does not enter the hash; the consequences of an intervention do.
    pub fn remark(&mut self, text: impl FnOnce() -> String) {
        if self.trace.is_read() {
            self.note(&TraceEvent::Remark(&text()));
        }
    }

    /// Schedules an empty event at `at`, so that [`World::step`] stops there.
    pub fn wake_at(&mut self, at: Instant) {
        self.schedule(at, Event::Wake);
    }

    /// Whether nothing is pending but retries: no call is open, and no message, timer or planned fault is left that
    /// could change a cluster by itself.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.queue.len() == self.pending_retries + self.pending_wakes && self.calls.open() == 0
    }

    /// Starts a new world at `now` with disks that hold `written`, as a server does after a restart. The world must not
    /// have processed any event.
    pub(crate) fn restore(&mut self, now: Instant, written: impl IntoIterator<Item = (NodeId, Batch)>) {
        (self.now, self.last_progress) = (now, now);
        let window = self.options.assumptions.token_window;
        for (node, batch) in written {
            let index = self.node_index(node);
            self.nodes[index].disk.write(&batch, window);
        }
        for index in 0..self.nodes.len() {
            self.nodes[index].rebuild(&self.options);
            self.start(index);
        }
    }

    fn fill_token(&self, call: &mut Call) {
        if call.request.client_token().is_none() && call.request.operation().takes_client_token() {
            let mut drawn = rng::stream(self.options.seed, Purpose::ClientToken, call.key);
            let token = ClientToken::random([drawn.next_u64(), drawn.next_u64()]);
            Arc::make_mut(&mut call.request).set_client_token(token);
        }
    }
}

/// The Region of a node with storage, and the node's index there: 0 is the control plane, 1 the witness node.
fn kind_of(node: NodeId) -> (Region, usize) {
    match node {
        NodeId::ControlPlane(region) => (region, 0),
        NodeId::Witness(region) => (region, 1),
        NodeId::Client(_) => unreachable!("a client is not a node with storage"),
    }
}
