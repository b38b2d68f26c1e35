//! The world's thread: paces virtual time by the wall clock, turns requests into calls, and sends answers.
//!
//! An answer leaves only after everything durable that it depends on is committed to the data directory. So a server
//! that is killed and started again has forgotten nothing that a client knows.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::Region;
use crate::api::wire::Origin;
use crate::api::{Error, Request, Response};
use crate::check::{Simulation, Violation};
use crate::control::environment::ExternalEvent;
use crate::control::records::Batch;
use crate::map::FixedMap;
use crate::permissions::{Audit, needed};
use crate::rng::fingerprint;
use crate::scenario::recording::{Recording, outside_call};
use crate::scenario::run::run_blocks;
use crate::scenario::{Scenario, fault_text};
use crate::sim::client::{Call, CallId, ClientOptions, Outcome};
use crate::sim::fault::Fault;
use crate::sim::{Change, World};
use crate::types::{ClientId, Instant, NodeId};

use super::callers::account_of_key;
use super::clock::Clock;
use super::faults::{self, client_name};
use super::handle::{CallAnswer, WorldCommand};
use super::request_log::SharedTime;
use super::store::{SavedWorld, Store, WorldHeader};
use super::{ServerOptions, StartError};

/// The result of serving.
#[derive(Clone, Debug)]
pub struct ServerEnd {
    /// The first violation of each invariant.
    pub violations: Vec<Violation>,
    /// The hash of the run's events.
    pub hash: u64,
    /// The number of the run's events.
    pub events: u64,
    /// The recorded scenario, if [`ServerOptions::records`] is set.
    pub recorded: Option<Scenario>,
}

/// Observations that are collected after each event of the world.
#[derive(Debug, Default)]
struct Observed {
    /// Batches that are durable in the world and not yet committed to the store, oldest first.
    batches: Vec<(NodeId, Batch)>,
    last_end: Instant,
    /// The permissions that calls needed.
    audit: Audit,
}

/// Owns the world, and runs on its thread.
pub(super) struct Driver {
    options: ServerOptions,
    store: Option<Store>,
    simulation: Simulation,
    observed: Rc<RefCell<Observed>>,
    clock: Clock,
    /// The virtual time as other threads see it.
    shown: SharedTime,
    recording: Recording,
    clients: FixedMap<String, ClientId>,
    /// The clients called `client-1` and so on, in this order, with those that only a fault has named.
    named_clients: Vec<ClientId>,
    /// The client for access key ids beyond [`Limits::clients`](super::Limits::clients).
    overflow_client: ClientId,
    waiting: FixedMap<CallId, oneshot::Sender<CallAnswer>>,
    violations: Vec<Violation>,
    /// The latest lines of the trace.
    lines: VecDeque<String>,
    /// The number of times that the world was started, continued or reset before. Draws of calls are keyed by it, or a
    /// continued world would draw the identifiers of existing clusters again.
    incarnation: u64,
    /// The number of calls in this incarnation.
    calls: u64,
    /// The memory that calls may still take, in estimated bytes.
    memory_left: usize,
    /// Whether required permissions were dropped at the limit, so that the least policies are incomplete.
    has_dropped_permissions: bool,
}

impl Driver {
    /// The world that `options` describe. `shown` is kept at its virtual time.
    pub(super) fn new(options: ServerOptions, shown: SharedTime) -> Result<Driver, StartError> {
        let (store, saved) = match &options.data {
            Some(directory) => {
                let (store, saved) = Store::open(directory, &options.scenario)?;
                (Some(store), saved)
            }
            None => (None, None),
        };
        let incarnation = saved.as_ref().map_or(0, |saved| saved.header.incarnation + 1);
        Driver::start(options, shown, store, saved, incarnation)
    }

    fn start(
        options: ServerOptions,
        shown: SharedTime,
        store: Option<Store>,
        saved: Option<SavedWorld>,
        incarnation: u64,
    ) -> Result<Driver, StartError> {
        let observed = Rc::new(RefCell::new(Observed::default()));
        let mut scenario = match &saved {
            None => options.scenario.clone(),
            // The calls and faults of the scenario are part of the saved world, and must not run twice.
            Some(_) => Scenario::of(options.scenario.set_up.clone(), Vec::new()),
        };
        scenario.set_up.principals.extend(options.principals.iter().cloned());
        let simulation = run_blocks(&scenario, options.trace, |simulation| {
            let (observed, is_persistent) = (observed.clone(), store.is_some());
            simulation.world_mut().watch_permissions();
            simulation.watch(move |world| observed.borrow_mut().observe(world, is_persistent));
            if let Some(SavedWorld { header, batches }) = saved {
                for region in header.keys_disabled {
                    let disabled = Fault::external_event(region, ExternalEvent::DisableKeys);
                    simulation.world_mut().inject(disabled);
                }
                simulation.restore(header.now, batches);
            }
        })
        .map_err(StartError::Scenario)?;
        let now = simulation.world().now();
        let mut driver = Driver {
            clock: Clock::new(now, options.speed),
            shown,
            recording: Recording::after(&scenario, now),
            memory_left: options.limits.memory,
            store,
            simulation,
            observed,
            clients: FixedMap::default(),
            named_clients: Vec::new(),
            overflow_client: ClientId(0),
            waiting: FixedMap::default(),
            violations: Vec::new(),
            lines: VecDeque::new(),
            incarnation,
            calls: 0,
            has_dropped_permissions: false,
            options,
        };
        // Even without a batch: the incarnation must be on disk before it draws, or the next one would draw the same.
        driver.commit()?;
        Ok(driver)
    }

    /// Runs the world until a [`WorldCommand::Stop`] arrives.
    ///
    /// # Errors
    /// A commit failed. The calls that depend on it get no answer.
    pub(super) fn run(mut self, commands: &Receiver<WorldCommand>) -> Result<ServerEnd, StartError> {
        loop {
            let command = match self.simulation.world().next_event_at() {
                Some(at) => commands.recv_timeout(self.clock.until(at)),
                None => commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            self.run_until(self.clock.now());
            match command {
                Ok(WorldCommand::Stop) | Err(RecvTimeoutError::Disconnected) => return self.end(),
                Ok(command) => self.execute(command)?,
                Err(RecvTimeoutError::Timeout) => {}
            }
            // One commit for all commands that are waiting costs the disk no more than one for the first.
            for command in commands.try_iter().take(MAX_COMMANDS_PER_COMMIT) {
                if matches!(command, WorldCommand::Stop) {
                    return self.end();
                }
                self.execute(command)?;
            }
            self.commit_changes()?;
            self.send_answers();
        }
    }

    fn execute(&mut self, command: WorldCommand) -> Result<(), StartError> {
        match command {
            WorldCommand::Call { origin, request, bytes, answer } => {
                self.call(&origin, request, bytes, answer)
            }
            WorldCommand::Fault { text, answer } => {
                let result = self.inject(&text);
                self.reply(answer, result)?;
            }
            WorldCommand::Advance { pause, answer } => {
                self.clock.skip(pause);
                self.run_until(self.clock.now());
                self.reply(answer, self.time())?;
            }
            WorldCommand::Reset { seed, answer } => {
                self.reset(seed)?;
                self.reply(answer, self.time())?;
            }
            WorldCommand::Faults { answer } => self.reply(answer, self.faults())?,
            WorldCommand::State { answer } => self.reply(answer, self.state())?,
            WorldCommand::Trace { answer } => self.reply(answer, self.trace())?,
            WorldCommand::Verdict { answer } => self.reply(answer, self.verdict())?,
            WorldCommand::Permissions { answer } => self.reply(answer, self.permissions())?,
            WorldCommand::Stop => {}
        }
        Ok(())
    }

    fn call(&mut self, origin: &Origin, request: Request, bytes: usize, answer: oneshot::Sender<CallAnswer>) {
        // Reads leave nothing in memory, unless they are recorded.
        if request.operation().changes() || self.options.records {
            let taken = CALL_BYTES + bytes;
            if taken > self.memory_left {
                let _ = answer.send(Some(Err(Arc::new(memory_exhausted()))));
                return;
            }
            self.memory_left -= taken;
        }
        let at = self.next_millisecond();
        let client = self.client(origin);
        let step = outside_call(client, origin.region, &request);
        let time_out = step.time_out;
        self.calls += 1;
        let (key, alias) = match self.options.records {
            true => self.recording.call(at, step),
            false => (fingerprint(&(self.calls, self.incarnation)), None),
        };
        let call = Call { attempts: 1, time_out, alias, ..Call::new(origin.region, request, key) };
        let id = self.simulation.call(client, call);
        self.waiting.insert(id, answer);
    }

    /// Runs the world to the next whole millisecond. A recorded scenario then has short times for calls and faults.
    fn next_millisecond(&mut self) -> Instant {
        let now = self.simulation.world().now().0.max(self.clock.now().0);
        let at = Instant(now.next_multiple_of(1_000_000));
        self.run_until(at);
        at
    }

    /// The client for an access key id. Requests without a signature come from the scenario's first client.
    fn client(&mut self, origin: &Origin) -> ClientId {
        let Some(access_key) = &origin.access_key else { return ClientId(0) };
        if let Some(known) = self.clients.get(access_key) {
            return *known;
        }
        let principal = self.recording.set_up().principal_of(access_key);
        if self.clients.len() >= self.options.limits.clients && principal.is_none() {
            return self.overflow_client;
        }
        let own_account = principal.map(|principal| self.recording.set_up().account_of(principal));
        let options = ClientOptions {
            name: client_name(self.clients.len() + 1),
            account: own_account.unwrap_or_else(|| account_of_key(access_key, self.options.account)),
            home: origin.region,
            principal,
        };
        // A fault may have named the client before its first call.
        let client = match self.named_clients.get(self.clients.len()) {
            Some(&named) => {
                self.recording.replace_client(named, options.clone());
                self.simulation.world_mut().replace_client(named, options);
                named
            }
            None => self.add_client(options),
        };
        self.clients.insert(access_key.clone(), client);
        if principal.is_none() {
            self.overflow_client = client;
        }
        client
    }

    /// Reads `text` after the scenario's set-up and injects its faults.
    fn inject(&mut self, text: &str) -> Result<Value, String> {
        let now = self.next_millisecond();
        // A text with an error then leaves clients behind that never call, which is harmless.
        self.name_clients(faults::highest_client(text));
        for (at, fault) in faults::read(self.recording.set_up(), text, now)? {
            let (fault, text) = self.recording.fault(at, fault);
            self.simulation.world_mut().inject_at(at, fault, text.into());
        }
        self.run_until(now);
        Ok(self.time())
    }

    /// Adds clients that have not called yet, so that faults can refer to them, until there are `count`.
    fn name_clients(&mut self, count: usize) {
        for number in self.named_clients.len() + 1..=count.min(self.options.limits.clients) {
            let account = self.options.account;
            let home = Region::US_EAST_1;
            self.add_client(ClientOptions { name: client_name(number), account, home, principal: None });
        }
    }

    fn add_client(&mut self, options: ClientOptions) -> ClientId {
        self.recording.client(options.clone());
        let client = self.simulation.world_mut().add_client(options);
        self.named_clients.push(client);
        client
    }

    /// The active faults as commands of the scenario language.
    fn faults(&self) -> Value {
        let mut faults = self.time();
        let active = self.simulation.world().active_faults();
        let text = |fault: &Fault| fault_text(self.recording.set_up(), fault);
        faults["faults"] = active.iter().map(text).collect();
        faults
    }

    /// Starts the world again, with another seed if one is given.
    fn reset(&mut self, seed: Option<u64>) -> Result<(), StartError> {
        if let Some(seed) = seed {
            self.options.scenario.set_up.seed = seed;
        }
        let mut store = self.store.take();
        if let Some(store) = &mut store {
            store.clear()?;
        }
        *self = Driver::start(self.options.clone(), self.shown.clone(), store, None, self.incarnation + 1)?;
        Ok(())
    }

    /// Sends an answer that shows the virtual time, once that time is committed: a continued world then never shows an
    /// earlier one.
    fn reply<T>(&mut self, answer: oneshot::Sender<T>, value: T) -> Result<(), StartError> {
        self.commit()?;
        // The connection may be closed by now.
        let _ = answer.send(value);
        Ok(())
    }

    fn time(&self) -> Value {
        json!({ "virtualMilliseconds": self.simulation.world().now().0 / 1_000_000 })
    }

    fn state(&self) -> Value {
        let mut state = self.time();
        let clusters = crate::Region::all().filter_map(|region| {
            let storage = self.simulation.world().storage(region)?;
            let clusters: Vec<_> = storage
                .clusters()
                .map(|cluster| Response::GetCluster(cluster.describe()).to_json())
                .collect();
            Some((region.to_string(), Value::from(clusters)))
        });
        state["clusters"] = Value::Object(clusters.collect());
        state
    }

    fn verdict(&self) -> Value {
        let trace = self.simulation.world().trace();
        let violation =
            |violation: &Violation| json!({ "invariant": violation.invariant, "message": violation.message });
        let mut verdict = self.time();
        verdict["violations"] = self.violations.iter().map(violation).collect();
        verdict["events"] = Value::from(trace.events());
        verdict["hash"] = Value::from(format!("{:016x}", trace.hash()));
        verdict
    }

    fn permissions(&self) -> Value {
        let mut permissions = self.time();
        let needed = needed(&self.observed.borrow().audit.uses());
        permissions["principals"] = serde_json::to_value(needed).expect("policies are JSON");
        permissions["isComplete"] = Value::from(!self.has_dropped_permissions);
        permissions
    }

    fn trace(&self) -> Value {
        let mut trace = self.time();
        trace["lines"] = self.lines.iter().map(String::as_str).collect();
        trace
    }

    /// Runs the world up to `deadline`. A violation is reported, and the world goes on: clients are in the middle of a
    /// test.
    fn run_until(&mut self, deadline: Instant) {
        while let Err(violation) = self.simulation.run_until(deadline) {
            self.report(violation);
        }
        self.shown.set(self.simulation.world().now());
    }

    fn report(&mut self, violation: Violation) {
        if self.violations.iter().all(|known| known.invariant != violation.invariant) {
            self.violations.push(violation);
        }
    }

    /// Sends the outcomes of the calls that have ended.
    fn send_answers(&mut self) {
        while let Some(id) = self.simulation.world_mut().pop_ended() {
            let alias = self.simulation.world().call_of(id).and_then(|(_, call)| call.alias.clone());
            let outcome = self.simulation.world_mut().take(id);
            if let (Some(alias), Some(Outcome::Ok(response))) = (alias, &outcome) {
                self.recording.answered(&alias, response);
            }
            // The simulated network lost the answer of the others, so their connections get none.
            let answer = match outcome {
                Some(Outcome::Ok(response)) => Some(Ok(response)),
                Some(Outcome::Failed(error)) => Some(Err(error)),
                Some(Outcome::Gone | Outcome::Unknown | Outcome::TimedOut(_)) | None => None,
            };
            if let Some(waiting) = self.waiting.swap_remove(&id) {
                // The connection may be closed by now.
                let _ = waiting.send(answer);
            }
        }
    }

    /// Drops old trace lines and permissions, and commits if something durable has changed. The time alone does not
    /// count, or every event would cost a flush of the disk.
    fn commit_changes(&mut self) -> Result<(), StartError> {
        self.lines.extend(self.simulation.world_mut().take_trace_lines());
        self.lines.drain(..self.lines.len().saturating_sub(self.options.limits.trace));
        let mut observed = self.observed.borrow_mut();
        self.has_dropped_permissions |= observed.audit.forget(self.options.limits.permissions);
        let has_batches = !observed.batches.is_empty();
        drop(observed);
        let committed = self.store.as_ref().and_then(Store::committed);
        let have_keys_changed = committed.is_some_and(|header| header.keys_disabled != self.keys_disabled());
        if has_batches || have_keys_changed { self.commit() } else { Ok(()) }
    }

    /// Commits the durable batches, the time, the incarnation and the disabled keys, unless they are committed already.
    fn commit(&mut self) -> Result<(), StartError> {
        let header = WorldHeader {
            now: self.simulation.world().now(),
            incarnation: self.incarnation,
            keys_disabled: self.keys_disabled(),
        };
        let Some(store) = &mut self.store else { return Ok(()) };
        let batches = &mut self.observed.borrow_mut().batches;
        let is_committed = batches.is_empty() && store.committed() == Some(&header);
        if is_committed { Ok(()) } else { store.commit(header, batches) }
    }

    /// The Regions whose customer managed keys are disabled.
    fn keys_disabled(&self) -> Vec<Region> {
        let world = self.simulation.world();
        Region::all().filter(|region| world.environment(*region).keys_disabled).collect()
    }

    /// Lets every pending call end. A world without a data directory then has every fault removed and must converge; a
    /// world with one is to be continued, and keeps its faults.
    fn end(mut self) -> Result<ServerEnd, StartError> {
        loop {
            self.commit_changes()?;
            self.send_answers();
            if self.waiting.is_empty() {
                break;
            }
            match self.simulation.step() {
                Ok(true) => {}
                Ok(false) => break,
                Err(violation) => self.report(violation),
            }
        }
        self.commit()?;
        let (last_end, ended_at) = (self.observed.borrow().last_end, self.simulation.world().now());
        if self.store.is_none()
            && let Err(violation) = self.simulation.converge(None)
        {
            self.report(violation);
        }
        let recorded = self.options.records.then(|| self.recording.scenario(last_end, ended_at));
        let trace = self.simulation.world().trace();
        Ok(ServerEnd { hash: trace.hash(), events: trace.events(), recorded, violations: self.violations })
    }
}

impl Observed {
    /// Collects the changes of the last event of `world`.
    fn observe(&mut self, world: &World, is_persistent: bool) {
        self.audit.look(world);
        for change in world.changes() {
            match change {
                Change::Wrote { node, commit, .. } if is_persistent => {
                    self.batches.push((*node, commit.batch.clone()))
                }
                Change::Ended(_) => self.last_end = world.now(),
                _ => {}
            }
        }
    }
}

fn memory_exhausted() -> Error {
    Error::Throttling {
        message: "The simulation has reached its memory limit. To proceed, reset it (POST /_sim/reset), or serve with \
                  more --memory"
            .to_owned(),
        service_code: Some("dsql".to_owned()),
        quota_code: None,
        retry_after_seconds: None,
    }
}

/// The number of commands that are executed before one commit. More would delay the first answers.
const MAX_COMMANDS_PER_COMMIT: usize = 1024;

/// The estimated memory of a call in bytes, in addition to its request's body: its record, its token, its answer, and
/// the state that the invariants keep for it. Some 600 were measured.
const CALL_BYTES: usize = 1024;
