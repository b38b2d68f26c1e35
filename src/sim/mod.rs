//! The world: virtual time, a simulated network, nodes that crash, and clients that retry.
//!
//! A [`World`] is a value. It takes calls and faults, and [`World::step`] lets the next thing happen; nothing else
//! moves it, and the same calls, faults and seed make the same things happen, on every machine. What an event did is
//! in [`World::changes`] until the next step, for whoever checks it.

pub mod client;
pub mod coverage;
pub mod crash_point;
pub mod fault;
pub mod fault_log;
pub mod latency;
pub mod queue;
pub mod trace;

mod disk;
mod inject;
mod network;
mod node;
mod prefetch;
mod run;
mod slots;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::api::Request;
use crate::control::assumptions::Assumptions;
use crate::control::authorization::{Caller, IamAction, Principals};
use crate::control::authorizer::Checked;
use crate::control::disk::{Disk, Replaced};
use crate::control::environment::Environment;
use crate::control::message::{Commit, Delivery, Effect, Reply, Timer};
use crate::control::mutant::Mutants;
use crate::control::storage::{Batch, Storage};
use crate::goal::Goals;
use crate::region::Region;
use crate::rng::{self, Purpose};
use crate::types::{Account, ClientId, ClientToken, Instant, NodeId, Timestamp};

pub use network::Latency;

use client::{Call, CallId, Calls, ClientOptions, Names, Outcome};
use coverage::{Coverage, FaultKinds};
use fault::Fault;
use fault_log::{FaultId, FaultLog};
use network::{Envelope, Network};
use node::{Machine, Node, NodeState};
use queue::Queue;
use slots::Slots;
use trace::{Trace, TraceEvent, TraceLevel};

/// What a world is made with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Every random draw is keyed by it.
    pub seed: u64,
    /// Who calls.
    pub clients: Vec<ClientOptions>,
    /// Who clients run as, and what they may do.
    pub principals: Arc<Principals>,
    /// How the questions that the record leaves open are answered.
    pub assumptions: Arc<Assumptions>,
    /// Bugs planted on purpose.
    pub mutants: Mutants,
    /// How long messages take.
    pub latency: Latency,
    /// How long a write to disk takes.
    pub disk: Duration,
    /// What the Regions' wall clocks say when the scenario begins.
    pub epoch: Timestamp,
    /// How much of the trace is written down.
    pub trace: TraceLevel,
}

impl Options {
    /// One client, `ops`, in us-east-1; measured latencies; disks that take a millisecond; no mutants.
    #[must_use]
    pub fn new(seed: u64) -> Options {
        let home = Region::parse("us-east-1").expect("us-east-1 is a Region");
        Options {
            seed,
            clients: vec![ClientOptions {
                name: "ops".into(),
                account: Account::DEFAULT,
                home,
                principal: None,
            }],
            principals: Arc::default(),
            assumptions: Arc::new(Assumptions::DEFAULT),
            mutants: Mutants::NONE,
            latency: Latency::Measured,
            disk: Duration::from_millis(1),
            epoch: DEFAULT_EPOCH,
            trace: TraceLevel::None,
        }
    }
}

/// What the Regions' wall clocks say when a scenario begins, unless it says otherwise: 2026-01-01T00:00:00Z.
pub const DEFAULT_EPOCH: Timestamp = Timestamp(1_767_225_600);

/// A simulated world.
#[derive(Clone, Debug)]
pub struct World {
    options: Options,
    now: Instant,
    queue: Queue<Event>,
    /// The messages under way.
    under_way: Slots<Envelope>,
    /// The timers that were set.
    timers: Slots<Alarm>,
    /// The faults that have yet to happen, and what they are called in the trace.
    planned: Slots<(FaultId, Fault, Arc<str>)>,
    deeds: FaultLog,
    network: Network,
    nodes: Vec<Node>,
    places: [[Option<u16>; 2]; Region::COUNT],
    /// What is so in each Region, whether its control plane is up or not.
    outside: [Environment; Region::COUNT],
    calls: Calls,
    refusals: Vec<InjectedError>,
    names: Names,
    trace: Trace,
    changes: Vec<Change>,
    effects: Vec<Effect>,
    finished: VecDeque<CallId>,
    /// How many events in the queue repeat a question.
    pending_retries: usize,
    /// How many events in the queue wake a client.
    pending_wakes: usize,
    /// When a cluster's record was last written, or something went wrong or was put right.
    last_news: Instant,
    reached: Goals,
    coverage: Coverage,
    /// The kinds of fault that count for coverage.
    faults: FaultKinds,
}

/// Something that an event did.
#[derive(Clone, Debug)]
pub enum Change {
    /// A request reached a control plane.
    Arrived {
        /// Whose.
        region: Region,
        /// The account and the principal that sent it.
        caller: Caller,
        /// Which.
        delivery: Delivery,
        /// What is asked.
        request: Arc<Request>,
    },
    /// A request gets an error that was injected instead of an answer of the control plane.
    Injected(Delivery),
    /// An answer left a control plane for a client that has gone away.
    Unheard(Delivery),
    /// From now on an action is denied to everybody in a Region, or not any more.
    Denied {
        /// Where.
        region: Region,
        /// What.
        action: IamAction,
        /// Whether it is.
        denied: bool,
    },
    /// From now on nothing is denied to everybody anywhere.
    Allowed,
    /// A write became durable.
    Wrote {
        /// Whose.
        node: NodeId,
        /// What.
        commit: Box<Commit>,
        /// What was on the disk in its place.
        replaced: Replaced,
    },
    /// A write was lost in a crash, never having been durable.
    Forgot {
        /// Whose.
        node: NodeId,
        /// What.
        commit: Box<Commit>,
    },
    /// An answer left a control plane.
    Replied {
        /// Whose.
        region: Region,
        /// To which request.
        delivery: Delivery,
        /// Who had asked.
        account: Account,
        /// What had been asked.
        request: Arc<Request>,
        /// With what.
        result: Reply,
    },
    /// A node checked whether a caller may do something; told only if that was asked for
    /// ([`Principals::are_watched`]).
    Checked(Box<Checked>),
    /// A node stopped.
    Crashed {
        /// Which.
        node: NodeId,
        /// What it had in memory of its storage.
        memory: Box<Storage>,
        /// What its disk holds.
        disk: Box<Disk>,
    },
    /// A node started again.
    Restarted(NodeId),
    /// A call ended.
    Ended(CallId),
}

/// What is in the queue. Events are moved about there, so each is a few bytes, and what is larger has its place
/// elsewhere.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// The message in this place among those under way arrives.
    Deliver(u32),
    /// The timer in this place goes off.
    Fire(u32),
    /// The timer in this place goes off, and only repeats a question.
    Retry(u32),
    Synced {
        node: u16,
        life: u32,
    },
    /// The call in this slot may want to do something by itself.
    ClientTimer(u32),
    /// The fault in this place among those that are planned happens.
    Fault(u32),
    /// Time passes: somebody wanted to stop here.
    Wake,
}

/// A timer that a node has set.
#[derive(Clone, Copy, Debug)]
struct Alarm {
    node: u16,
    /// In which of its lives.
    life: u32,
    /// The timer's key, put together once: it is drawn by, and enters the trace when the timer goes off.
    key: u64,
    timer: Timer,
}

/// Requests to be answered with an error.
#[derive(Clone, Debug)]
struct InjectedError {
    fault: FaultId,
    region: Region,
    operation: Option<crate::api::Operation>,
    error: Arc<crate::api::Error>,
    times: u32,
}

impl World {
    /// A world in which nothing has happened. Its nodes come to be when they are first spoken to.
    #[must_use]
    pub fn new(options: Options) -> World {
        World {
            now: Instant::START,
            queue: Queue::new(),
            under_way: Slots::new(),
            timers: Slots::new(),
            planned: Slots::new(),
            deeds: FaultLog::default(),
            network: Network::new(options.seed, options.latency.clone()),
            nodes: Vec::new(),
            places: [[None; 2]; Region::COUNT],
            outside: [Environment::default(); Region::COUNT],
            calls: Calls::default(),
            refusals: Vec::new(),
            names: Names::default(),
            trace: Trace::new(options.trace),
            changes: Vec::new(),
            effects: Vec::new(),
            finished: VecDeque::new(),
            pending_retries: 0,
            pending_wakes: 0,
            last_news: Instant::START,
            reached: Goals::NONE,
            coverage: Coverage::default(),
            faults: FaultKinds::NONE,
            options,
        }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// What the world was made with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What the last step did.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What happened so far.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Takes away what was written down of it so far.
    pub fn take_trace_lines(&mut self) -> Vec<String> {
        self.trace.take_lines()
    }

    /// The situations met so far, as far as nodes, network and clients can tell.
    #[must_use]
    pub fn reached(&self) -> Goals {
        self.reached
    }

    /// What was met so far, as far as the world can tell: cells, and actions that were denied.
    #[must_use]
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// What clusters and Regions are called.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The names, to give more.
    pub fn names_mut(&mut self) -> &mut Names {
        &mut self.names
    }

    /// What the control plane of `region` has in storage; nothing, if nobody ever spoke to it.
    #[must_use]
    pub fn storage(&self, region: Region) -> Option<&Storage> {
        let place = self.places[region.index()][0]?;
        Some(self.nodes[usize::from(place)].durable())
    }

    /// What a node has in memory of its storage, what its disk holds, and what of the memory is not there yet, oldest
    /// first; nothing, if nobody ever spoke to it.
    pub(crate) fn memory(&self, node: NodeId) -> Option<(&Storage, &Disk, Vec<&Batch>)> {
        let (region, kind) = kind_of(node);
        let node = &self.nodes[usize::from(self.places[region.index()][kind]?)];
        let unsynced = node.outbox.iter().filter_map(|effect| match effect {
            Effect::Persist(commit) => Some(&commit.batch),
            _ => None,
        });
        Some((node.durable(), &node.disk, unsynced.collect()))
    }

    /// What is so outside the control plane of `region`, whether that is up or not.
    #[must_use]
    pub fn outside(&self, region: Region) -> Environment {
        self.outside[region.index()]
    }

    /// Tells from now on of every check that is made ([`Change::Checked`]): before anything happens.
    pub fn watch_permissions(&mut self) {
        Arc::make_mut(&mut self.options.principals).are_watched = true;
    }

    /// Somebody calls who did not before.
    pub fn add_client(&mut self, client: ClientOptions) -> ClientId {
        self.options.clients.push(client);
        ClientId(self.options.clients.len() as u32 - 1)
    }

    /// Begins a call. Its first attempt is sent at once.
    pub fn call(&mut self, client: ClientId, mut call: Call) -> CallId {
        self.fill_token(&mut call);
        let id = self.calls.add(client, call);
        let ongoing = self.calls.get(id).expect("the call was just added");
        let happening =
            TraceEvent::Invoked(NodeId::Client(client), &ongoing.call, ongoing.call.request.key());
        self.trace.record(self.now, &happening, &self.names, &self.options.clients);
        self.send_attempt(id);
        id
    }

    /// How a call ended, if it has.
    #[must_use]
    pub fn outcome(&self, call: CallId) -> Option<&Outcome> {
        self.calls.get(call)?.outcome.as_ref()
    }

    /// Forgets a call that has ended and gives its outcome; without this it is remembered.
    pub fn take(&mut self, call: CallId) -> Option<Outcome> {
        self.calls.get(call)?.outcome.as_ref()?;
        self.calls.remove(call)?.outcome
    }

    /// The client and the description of a call that is remembered.
    #[must_use]
    pub fn call_of(&self, call: CallId) -> Option<(ClientId, &Call)> {
        self.calls.get(call).map(|ongoing| (ongoing.client, &ongoing.call))
    }

    /// The next call that has ended, in the order in which they did; each is named once.
    pub fn pop_ended(&mut self) -> Option<CallId> {
        self.finished.pop_front()
    }

    /// What was asked by a request whose call is remembered.
    #[must_use]
    pub fn request_of(&self, delivery: Delivery) -> Option<&Request> {
        let id = CallId { slot: delivery.slot, key: delivery.call };
        self.calls.get(id).map(|ongoing| &*ongoing.call.request)
    }

    /// What a call that is remembered, and the cluster that it creates, is called.
    #[must_use]
    pub fn alias_of(&self, delivery: Delivery) -> Option<&str> {
        let id = CallId { slot: delivery.slot, key: delivery.call };
        self.calls.get(id)?.call.alias.as_deref()
    }

    /// When the next event happens.
    #[must_use]
    pub fn next_event_at(&self) -> Option<Instant> {
        self.queue.peek_time()
    }

    /// How many requests the control plane of `region` has taken in since it started and not answered.
    #[must_use]
    pub fn unanswered(&self, region: Region) -> usize {
        self.places[region.index()][0].map_or(0, |place| self.nodes[usize::from(place)].unanswered)
    }

    /// Who waits for whom to do what: the chain to follow when a world does not come to rest.
    #[must_use]
    pub fn who_waits(&self) -> String {
        let planes = self.nodes.iter().filter_map(|node| match &node.machine {
            Machine::ControlPlane(plane) => Some(plane),
            Machine::Witness(_) => None,
        });
        let down = |id: &NodeId| self.nodes.iter().any(|node| node.id == *id && node.state != NodeState::Up);
        let words = trace::Words { names: &self.names, clients: &self.options.clients };
        let mut text = String::new();
        for (client, call) in self.calls.waiting() {
            let (who, on) = (NodeId::Client(client), NodeId::ControlPlane(call.region));
            let [who, plane] = [who, on].map(|node| words.node(Some(node)));
            let state = if down(&on) { " (down)" } else { "" };
            let _ = write!(text, "\n  {who} waits for {plane}{state} to answer {}", call.request.operation());
        }
        for wait in planes.flat_map(|plane| plane.waits()) {
            let on: Vec<_> = wait
                .missing
                .iter()
                .map(|node| words.node(Some(*node)) + if down(node) { " (down)" } else { "" })
                .collect();
            let on = if on.is_empty() { "its own time".to_owned() } else { on.join(", ") };
            let _ = write!(text, "\n  {} {} waits for {on} to {}", wait.region, wait.waiter, wait.action);
        }
        text
    }

    /// Injects a fault now.
    pub fn inject(&mut self, fault: Fault) {
        self.changes.clear();
        let mut first = self.deeds.reserve(fault.parts().count());
        self.act(&mut first, fault);
    }

    /// The name of the first part of the fault that is injected or planned next.
    #[must_use]
    pub fn next_fault(&self) -> FaultId {
        self.deeds.next()
    }

    /// Whether a fault has acted so far; what that means, is said with each kind of [`Fault`].
    #[must_use]
    pub fn has_acted(&self, fault: FaultId) -> bool {
        self.deeds.has_acted(fault)
    }

    /// Injects a fault at a later time; `words` say in the trace what it is.
    pub fn inject_at(&mut self, at: Instant, fault: Fault, words: Arc<str>) {
        let first = self.deeds.reserve(fault.parts().count());
        let place = self.planned.insert((first, fault, words));
        self.schedule(at, Event::Fault(place));
    }

    /// Whether a fault that was injected for later has yet to happen.
    #[must_use]
    pub fn has_planned_faults(&self) -> bool {
        !self.planned.is_empty()
    }

    /// Writes a remark into the trace. Its text enters the hash.
    pub fn remark(&mut self, text: &str) {
        self.note(&TraceEvent::Remark(text));
    }

    /// Writes into the trace, if there is one, what is done to the world from outside. What that leads to counts for
    /// the hash, and the words do not.
    pub fn announce(&mut self, words: impl FnOnce() -> String) {
        if self.trace.is_written() {
            self.note(&TraceEvent::Told(&words()));
        }
    }

    /// Makes sure that something happens at `at`, be it nothing.
    pub fn wake_at(&mut self, at: Instant) {
        self.schedule(at, Event::Wake);
    }

    /// Whether nothing is left to happen but the repetition of questions that cannot be answered: no call is open,
    /// and no message, timer or fault is under way that could change a cluster.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.queue.len() == self.pending_retries + self.pending_wakes && self.calls.open() == 0
    }

    /// Begins at `now` with what was written before: before anything happens.
    pub(crate) fn restore(&mut self, now: Instant, written: impl IntoIterator<Item = (NodeId, Batch)>) {
        (self.now, self.last_news) = (now, now);
        let window = self.options.assumptions.token_window;
        for (node, batch) in written {
            let place = self.place(node);
            self.nodes[place].disk.write(&batch, window);
        }
        for place in 0..self.nodes.len() {
            self.nodes[place].rebuild(&self.options);
            self.start(place);
        }
    }

    fn fill_token(&self, call: &mut Call) {
        if call.request.client_token().is_none() && call.request.operation().takes_client_token() {
            let draw =
                |half: u64| rng::draw(self.options.seed, Purpose::ClientToken, rng::mix(call.key, half));
            let token = ClientToken::random([draw(1), draw(2)]);
            Arc::make_mut(&mut call.request).set_client_token(token);
        }
    }
}

/// The Region of a node with storage, and which of its nodes it is: the control plane, or the witness node.
fn kind_of(node: NodeId) -> (Region, usize) {
    match node {
        NodeId::ControlPlane(region) => (region, 0),
        NodeId::Witness(region) => (region, 1),
        NodeId::Client(_) => unreachable!("a client is not a node with storage"),
    }
}
