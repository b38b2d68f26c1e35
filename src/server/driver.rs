//! The world's thread: paces virtual time by the wall clock, turns requests into calls, and sends answers.
//!
//! An answer leaves only after everything durable that it depends on is committed to the data directory. So a server
//! that is killed and started again has forgotten nothing that a client knows.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::Region;
use crate::api::wire::Origin;
use crate::api::{Error, Operation, Request};
use crate::check::{Simulation, Violation};
use crate::control::environment::ExternalEvent;
use crate::map::FixedMap;
use crate::rng::fingerprint;
use crate::scenario::Scenario;
use crate::scenario::recording::{Recording, outside_call};
use crate::scenario::run::run_blocks;
use crate::sim::client::{Call, CallId, ClientOptions, Outcome};
use crate::sim::fault::Fault;
use crate::types::{ClientId, Instant};

use super::callers::account_of_key;
use super::clock::{Clock, END_OF_TIME};
use super::faults::{self, client_name};
use super::handle::{CallAnswer, StopFlag, WorldCommand};
use super::latest_lines::LatestLines;
use super::observed::Observed;
use super::record_file::RecordFile;
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
}

/// Owns the world, and runs on its thread.
pub(super) struct Driver {
    options: ServerOptions,
    store: Option<Store>,
    pub(super) simulation: Simulation,
    pub(super) observed: Rc<RefCell<Observed>>,
    clock: Clock,
    /// The virtual time as other threads see it.
    shown: SharedTime,
    /// Whether the server is to end.
    stop: StopFlag,
    pub(super) recording: Recording,
    /// The file of the recording, if there is to be one.
    record_file: Option<RecordFile>,
    clients: FixedMap<String, ClientId>,
    /// The clients called `client-1` and so on, in this order, with those that only a fault has named.
    named_clients: Vec<ClientId>,
    /// The client for access key ids beyond [`Limits::clients`](super::Limits::clients).
    overflow_client: ClientId,
    waiting: FixedMap<CallId, oneshot::Sender<CallAnswer>>,
    pub(super) violations: Vec<Violation>,
    /// The latest lines of the trace.
    pub(super) lines: LatestLines,
    /// The number of times that the world was started, continued or reset before. Draws of calls are keyed by it, or a
    /// continued world would draw the identifiers of existing clusters again.
    incarnation: u64,
    /// The number of calls in this incarnation.
    calls: u64,
    /// The number of faults that clients injected in this incarnation.
    injected: u64,
    /// Whether required permissions were dropped at the limit, so that the least policies are incomplete.
    pub(super) has_dropped_permissions: bool,
}

impl Driver {
    /// The world that `options` describe. `shown` is kept at its virtual time, and `stop` interrupts it.
    pub(super) fn new(
        options: ServerOptions,
        shown: SharedTime,
        stop: StopFlag,
    ) -> Result<Driver, StartError> {
        let (store, saved) = match &options.data {
            Some(directory) => {
                let (store, saved) = Store::open(directory, &options.scenario)?;
                (Some(store), saved)
            }
            None => (None, None),
        };
        let incarnation = saved.as_ref().map_or(0, |saved| saved.header.incarnation + 1);
        Driver::start(options, (shown, stop), store, saved, incarnation)
    }

    fn start(
        options: ServerOptions,
        (shown, stop): (SharedTime, StopFlag),
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
            let (shared, is_persistent) = (observed.clone(), store.is_some());
            simulation.world_mut().watch_permissions();
            simulation.watch(move |world| shared.borrow_mut().observe(world, is_persistent));
            if let Some(SavedWorld { header, batches }) = saved {
                batches.iter().for_each(|(_, batch)| observed.borrow_mut().memory.recall(batch));
                for (region, event) in header.environment_events {
                    simulation.world_mut().inject(Fault::external_event(region, event));
                }
                simulation.restore(header.now, batches);
            }
        })
        .map_err(StartError::Scenario)?;
        let now = simulation.world().now();
        let mut driver = Driver {
            clock: Clock::new(now, options.speed),
            shown,
            stop,
            recording: Recording::after(&scenario, now),
            // Only now, when nothing else can keep the world from starting: an earlier recording is replaced.
            record_file: options.record.as_deref().map(RecordFile::create).transpose()?,
            store,
            simulation,
            observed,
            clients: FixedMap::default(),
            named_clients: Vec::new(),
            overflow_client: ClientId(0),
            waiting: FixedMap::default(),
            violations: Vec::new(),
            lines: LatestLines::new(options.limits.trace),
            incarnation,
            calls: 0,
            injected: 0,
            has_dropped_permissions: false,
            options,
        };
        // Even without a batch: the incarnation must be on disk before it draws, or the next one would draw the same.
        driver.commit()?;
        driver.append_recording()?;
        Ok(driver)
    }

    /// Runs the world until a [`WorldCommand::Stop`] arrives.
    ///
    /// # Errors
    /// A commit failed. The calls that depend on it get no answer.
    pub(super) fn run(mut self, commands: &Receiver<WorldCommand>) -> Result<ServerEnd, StartError> {
        loop {
            let next = self.simulation.world().next_event_at();
            let command = match next.filter(|at| *at <= END_OF_TIME) {
                Some(at) => commands.recv_timeout(self.clock.until(at)),
                None => commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            self.pace()?;
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
            self.settle()?;
        }
    }

    fn execute(&mut self, command: WorldCommand) -> Result<(), StartError> {
        match command {
            WorldCommand::Call { origin, request, bytes, answer } => {
                self.call(&origin, request, bytes, answer)?;
            }
            WorldCommand::Fault { text, answer } => {
                let result = self.inject(&text)?;
                self.reply(answer, result)?;
            }
            WorldCommand::Advance { pause, answer } => {
                let result = self.advance(pause)?;
                self.reply(answer, result)?;
            }
            WorldCommand::Reset { seed, answer } => {
                self.reset(seed)?;
                self.reply(answer, self.time())?;
            }
            WorldCommand::Faults { answer } => self.reply(answer, self.faults())?,
            WorldCommand::State { page, answer } => self.reply(answer, self.state(&page))?,
            WorldCommand::Trace { answer } => self.reply(answer, self.trace())?,
            WorldCommand::Verdict { answer } => self.reply(answer, self.verdict())?,
            WorldCommand::Permissions { answer } => self.reply(answer, self.permissions())?,
            WorldCommand::Stop => {}
        }
        Ok(())
    }

    fn call(
        &mut self,
        origin: &Origin,
        request: Request,
        bytes: usize,
        answer: oneshot::Sender<CallAnswer>,
    ) -> Result<(), StartError> {
        if self.has_time_ended() {
            let _ = answer.send(Some(Err(Arc::new(unavailable(TIME_HAS_ENDED)))));
            return Ok(());
        }
        if takes_memory(request.operation()) && !self.has_memory(bytes) {
            let _ = answer.send(Some(Err(Arc::new(unavailable(MEMORY_EXHAUSTED)))));
            return Ok(());
        }
        let at = self.next_millisecond()?;
        let client = self.client(origin);
        let step = outside_call(client, origin.region, &request);
        let time_out = step.time_out;
        self.calls += 1;
        let (key, alias) = match self.record_file {
            Some(_) => self.recording.call(at, step),
            None => (fingerprint(&(self.calls, self.incarnation)), None),
        };
        let call = Call { attempts: 1, time_out, alias, ..Call::new(origin.region, request, key) };
        let id = self.simulation.call(client, call);
        self.waiting.insert(id, answer);
        Ok(())
    }

    /// Whether there is memory for a call with a body of so many bytes.
    fn has_memory(&self, bytes: usize) -> bool {
        let mut observed = self.observed.borrow_mut();
        let window = self.options.scenario.set_up.assumptions.token_window;
        observed.memory.forget_tokens(self.simulation.world().now(), window);
        let recorded = self.recording.references() * REFERENCE_BYTES;
        let open = (self.waiting.len() + 1) * CALL_BYTES;
        observed.memory.bytes() + recorded + open + bytes <= self.options.limits.memory
    }

    /// Runs the world to the next whole millisecond. A recorded scenario then has short times for calls and faults.
    fn next_millisecond(&mut self) -> Result<Instant, StartError> {
        let now = self.simulation.world().now().0.max(self.clock.now().0);
        let at = Instant(now.next_multiple_of(1_000_000));
        // What earlier calls of the same millisecond lead to at once comes after this one, here and in a recording.
        if at > self.simulation.world().now() {
            self.run_until(at)?;
        }
        Ok(at)
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
            ..ClientOptions::default()
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
    fn inject(&mut self, text: &str) -> Result<Result<Value, String>, StartError> {
        if self.has_time_ended() {
            return Ok(Err(TIME_HAS_ENDED.to_owned()));
        }
        let now = self.next_millisecond()?;
        // A text with an error then leaves clients behind that never call, which is harmless.
        self.name_clients(faults::highest_client(text));
        let faults = match faults::read(self.recording.set_up(), text, now) {
            Ok(faults) => faults,
            Err(message) => return Ok(Err(message)),
        };
        for (pause, fault) in faults {
            let (mut fault, text) = self.recording.fault(now, pause, fault);
            self.injected += 1;
            if self.record_file.is_none() {
                // Like those of calls, the draws then depend on no time: programs that do the same meet the same.
                fault.set_key(fingerprint(&("fault", self.injected, self.incarnation)));
            }
            self.simulation.world_mut().inject_at(now.after(pause), fault, text.into());
            self.run_until(now)?;
        }
        Ok(Ok(self.time()))
    }

    /// Advances virtual time by `pause` at once. The answer is an error if that is beyond the end of time.
    fn advance(&mut self, pause: Duration) -> Result<Result<Value, String>, StartError> {
        if self.clock.now().after(pause) > END_OF_TIME {
            return Ok(Err(TIME_HAS_ENDED.to_owned()));
        }
        self.clock.skip(pause);
        self.pace()?;
        Ok(Ok(self.time()))
    }

    fn has_time_ended(&self) -> bool {
        self.simulation.world().now() >= END_OF_TIME
    }

    /// Adds clients that have not called yet, so that faults can refer to them, until there are `count`.
    fn name_clients(&mut self, count: usize) {
        for number in self.named_clients.len() + 1..=count.min(self.options.limits.clients) {
            let account = self.options.account;
            let home = Region::US_EAST_1;
            self.add_client(ClientOptions {
                name: client_name(number),
                account,
                home,
                ..ClientOptions::default()
            });
        }
    }

    fn add_client(&mut self, options: ClientOptions) -> ClientId {
        self.recording.client(options.clone());
        let client = self.simulation.world_mut().add_client(options);
        self.named_clients.push(client);
        client
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
        let shared = (self.shown.clone(), self.stop.clone());
        *self = Driver::start(self.options.clone(), shared, store, None, self.incarnation + 1)?;
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

    /// Runs the world up to the present. Calls and faults begin at whole milliseconds, and what happens there waits for
    /// them: it comes after those of the same millisecond, here and in a recording. At the end of time, the calls that
    /// are under way end as well.
    fn pace(&mut self) -> Result<(), StartError> {
        let now = self.clock.now();
        let is_whole = now.0.is_multiple_of(MILLISECOND) && now < END_OF_TIME;
        self.run_until(Instant(now.0 - u64::from(is_whole)))?;
        if self.has_time_ended() {
            self.end_calls()?;
        }
        Ok(())
    }

    /// Runs the world up to `deadline`, or until the server is to end. A violation is reported, and the world goes on:
    /// clients are in the middle of a test.
    fn run_until(&mut self, deadline: Instant) -> Result<(), StartError> {
        let mut steps = 0;
        while self.simulation.world().next_event_at().is_some_and(|at| at <= deadline) {
            self.step();
            steps += 1;
            if steps % STEPS_PER_COMMIT == 0 {
                self.commit_changes()?;
                if self.stop.is_set() {
                    return Ok(());
                }
            }
        }
        // Last, so that an interruption leaves no such event behind.
        if deadline > self.simulation.world().now() {
            self.simulation.world_mut().wake_at(deadline);
            self.step();
        }
        self.shown.set(self.simulation.world().now());
        Ok(())
    }

    /// Processes the next event; `false` if there is none.
    fn step(&mut self) -> bool {
        self.simulation.step().unwrap_or_else(|violation| {
            self.report(violation);
            true
        })
    }

    /// Keeps what the commands so far have changed, and sends the answers that depend on it.
    fn settle(&mut self) -> Result<(), StartError> {
        self.commit_changes()?;
        self.append_recording()?;
        self.send_answers();
        Ok(())
    }

    /// Processes events until every call has ended.
    fn end_calls(&mut self) -> Result<(), StartError> {
        loop {
            self.settle()?;
            if self.waiting.is_empty() || !self.step() {
                return Ok(());
            }
        }
    }

    /// Appends to the recording what has come in.
    fn append_recording(&mut self) -> Result<(), StartError> {
        let text = self.recording.take_text();
        match &mut self.record_file {
            Some(file) if !text.is_empty() => file.append(&text).map_err(not_recorded),
            _ => Ok(()),
        }
    }

    fn report(&mut self, violation: Violation) {
        if self.violations.iter().all(|known| known.invariant != violation.invariant) {
            self.violations.push(violation);
        }
    }

    /// Sends the outcomes of the calls that have ended.
    fn send_answers(&mut self) {
        let now = self.simulation.world().now();
        while let Some(id) = self.simulation.world_mut().pop_ended() {
            let alias = self.simulation.world().call_of(id).and_then(|(_, call)| call.alias.clone());
            let outcome = self.simulation.world_mut().take(id);
            if let (Some(alias), Some(Outcome::Ok(response))) = (alias, &outcome) {
                self.recording.answered(&alias, response, now);
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
        let mut observed = self.observed.borrow_mut();
        self.has_dropped_permissions |= observed.audit.forget(self.options.limits.permissions);
        let has_batches = !observed.batches.is_empty();
        drop(observed);
        let committed = self.store.as_ref().and_then(Store::committed);
        let has_environment_changed =
            committed.is_some_and(|header| header.environment_events != self.environment_events());
        if has_batches || has_environment_changed { self.commit() } else { Ok(()) }
    }

    /// Commits the durable batches, the time, the incarnation and the environment, unless they are committed already.
    fn commit(&mut self) -> Result<(), StartError> {
        let header = WorldHeader {
            now: self.simulation.world().now(),
            incarnation: self.incarnation,
            environment_events: self.environment_events(),
        };
        let Some(store) = &mut self.store else { return Ok(()) };
        let batches = &mut self.observed.borrow_mut().batches;
        let is_committed = batches.is_empty() && store.committed() == Some(&header);
        if is_committed { Ok(()) } else { store.commit(header, batches) }
    }

    /// The events that lead to the present environment of each Region.
    fn environment_events(&self) -> Vec<(Region, ExternalEvent)> {
        let world = self.simulation.world();
        let of = |region| world.environment(region).events().into_iter().map(move |event| (region, event));
        Region::all().flat_map(of).collect()
    }

    /// Lets every pending call end. A world without a data directory then has every fault removed and must converge; a
    /// world with one is to be continued, and keeps its faults.
    fn end(mut self) -> Result<ServerEnd, StartError> {
        self.end_calls()?;
        self.commit()?;
        let (last_end, ended_at) = (self.observed.borrow().last_end, self.simulation.world().now());
        if self.store.is_none()
            && let Err(violation) = self.simulation.converge(None)
        {
            self.report(violation);
        }
        self.recording.end(last_end, ended_at);
        self.append_recording()?;
        if let Some(file) = self.record_file.take() {
            file.finish().map_err(not_recorded)?;
        }
        let trace = self.simulation.world().trace();
        Ok(ServerEnd { hash: trace.hash(), events: trace.events(), violations: self.violations })
    }
}

/// Whether a call of `operation` may leave more in memory than before. Those that delete are made without memory as
/// well: they give it back.
fn takes_memory(operation: Operation) -> bool {
    let deletes = matches!(
        operation,
        Operation::DeleteCluster
            | Operation::DeleteStream
            | Operation::DeleteClusterPolicy
            | Operation::UntagResource
    );
    operation.changes() && !deletes
}

/// The error of a call that the server cannot make.
fn unavailable(message: &str) -> Error {
    Error::Throttling {
        message: message.to_owned(),
        service_code: Some("dsql".to_owned()),
        quota_code: None,
        retry_after_seconds: Error::RETRY_AFTER_SECONDS,
    }
}

fn not_recorded(error: io::Error) -> StartError {
    StartError::NotRecorded(error)
}

const MEMORY_EXHAUSTED: &str = "The simulation has reached its memory limit. To proceed, delete clusters, reset it \
                                (POST /_sim/reset), or serve with more --memory";

const TIME_HAS_ENDED: &str = "The virtual time of a simulation ends after 500 years. To proceed, reset it (POST \
                              /_sim/reset), or advance it by less";

const MILLISECOND: u64 = 1_000_000;

/// The number of events of a long advance between two commits, which also bound the lines of the trace that wait.
const STEPS_PER_COMMIT: usize = 256;

/// The number of commands that are executed before one commit. More would delay the first answers.
const MAX_COMMANDS_PER_COMMIT: usize = 1024;

/// The estimated memory of a call that is under way, in bytes, without its request's body.
const CALL_BYTES: usize = 2048;

/// The estimated memory of a value of an answer to which a recording may refer.
const REFERENCE_BYTES: usize = 256;
