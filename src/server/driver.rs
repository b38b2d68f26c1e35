//! The one thread that owns the world: it paces virtual time by the wall clock, makes calls of requests, and lets no
//! answer leave before what it speaks of is kept.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Write};
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
use crate::control::storage::Batch;
use crate::map::FixedMap;
use crate::permissions::{Audit, needed};
use crate::rng::mix;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::recording::{Recording, outside_call};
use crate::scenario::run::run_blocks;
use crate::scenario::{Action, Scenario, When};
use crate::sim::client::{Call, CallId, ClientOptions, Outcome};
use crate::sim::fault::Fault;
use crate::sim::{Change, World};
use crate::types::{Account, ClientId, Instant, NodeId};

use super::clock::Clock;
use super::handle::{CallAnswer, WorldCommand};
use super::store::{About, Saved, Store};
use super::{ServerOptions, StartError};

/// What came of serving.
#[derive(Clone, Debug)]
pub struct ServerEnd {
    /// The first violation of each invariant that did not hold.
    pub violations: Vec<Violation>,
    /// The hash of everything that happened.
    pub hash: u64,
    /// How many things happened.
    pub events: u64,
    /// What happened, if it was recorded.
    pub recorded: Option<Scenario>,
}

/// What is seen of the world from event to event.
#[derive(Debug, Default)]
struct Observed {
    /// What became durable and is not in the store yet.
    written: Vec<(NodeId, Batch)>,
    /// When the last call ended.
    last_end: Instant,
    /// What calls were allowed.
    audit: Audit,
}

/// Owns the world.
pub(super) struct Driver {
    options: ServerOptions,
    store: Option<Store>,
    simulation: Simulation,
    seen: Rc<RefCell<Observed>>,
    clock: Clock,
    recording: Recording,
    clients: FixedMap<String, ClientId>,
    /// Whoever comes when no more clients are told apart.
    anybody: ClientId,
    waiting: FixedMap<CallId, oneshot::Sender<CallAnswer>>,
    violations: Vec<Violation>,
    /// The last lines of the trace.
    lines: VecDeque<String>,
    /// How many times the world was begun or continued: what draws are keyed by, so that no two lives draw the same.
    life: u64,
    /// How many calls there were in this life.
    calls: u64,
    /// How much memory calls may still take, in bytes.
    room: usize,
    /// Whether calls have needed more than is remembered of what they needed.
    has_forgotten: bool,
}

impl Driver {
    pub(super) fn new(options: ServerOptions) -> Result<Driver, StartError> {
        let (store, saved) = match &options.data {
            Some(directory) => {
                let (store, saved) = Store::open(directory, &options.scenario)?;
                (Some(store), saved)
            }
            None => (None, None),
        };
        let life = saved.as_ref().map_or(0, |saved| saved.about.life + 1);
        Driver::begin(options, store, saved, life)
    }

    fn begin(
        options: ServerOptions,
        store: Option<Store>,
        saved: Option<Saved>,
        life: u64,
    ) -> Result<Driver, StartError> {
        let seen = Rc::new(RefCell::new(Observed::default()));
        let mut scenario = match &saved {
            None => options.scenario.clone(),
            // What it says has happened already.
            Some(_) => Scenario::of(options.scenario.set_up.clone(), Vec::new()),
        };
        scenario.set_up.principals.extend(options.principals.iter().cloned());
        let simulation = run_blocks(&scenario, options.trace, |simulation| {
            let (seen, is_kept) = (seen.clone(), store.is_some());
            simulation.world_mut().watch_permissions();
            simulation.watch(move |world| seen.borrow_mut().look(world, is_kept));
            if let Some(Saved { about, written }) = saved {
                for region in about.keys_disabled {
                    simulation
                        .world_mut()
                        .inject(Fault::ExternalEvent { region, event: ExternalEvent::DisableKeys });
                }
                simulation.restore(about.now, written);
            }
        })
        .map_err(StartError::Scenario)?;
        let now = simulation.world().now();
        let mut keeper = Driver {
            clock: Clock::new(now, options.speed),
            recording: Recording::after(&scenario, now),
            room: options.limits.memory,
            store,
            simulation,
            seen,
            clients: FixedMap::default(),
            anybody: ClientId(0),
            waiting: FixedMap::default(),
            violations: Vec::new(),
            lines: VecDeque::new(),
            life,
            calls: 0,
            has_forgotten: false,
            options,
        };
        // Also when nothing was written: this life's draws are nobody else's from here on.
        keeper.keep_all()?;
        Ok(keeper)
    }

    /// Keeps the world until told to stop.
    ///
    /// # Errors
    /// Something could not be kept, and so not be answered either.
    pub(super) fn keep(mut self, orders: &Receiver<WorldCommand>) -> Result<ServerEnd, StartError> {
        loop {
            let order = match self.simulation.world().next_event_at() {
                Some(at) => orders.recv_timeout(self.clock.until(at)),
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            self.run_until(self.clock.now());
            match order {
                Ok(WorldCommand::Stop) | Err(RecvTimeoutError::Disconnected) => return self.end(),
                Ok(order) => self.carry_out(order)?,
                Err(RecvTimeoutError::Timeout) => {}
            }
            // What came meanwhile is kept together: that takes the disk no longer.
            for order in orders.try_iter().take(AT_ONCE) {
                if matches!(order, WorldCommand::Stop) {
                    return self.end();
                }
                self.carry_out(order)?;
            }
            self.save()?;
            self.hand_out();
        }
    }

    fn carry_out(&mut self, order: WorldCommand) -> Result<(), StartError> {
        // Whoever asked may be gone by now.
        match order {
            WorldCommand::Call { origin, request, bytes, answer } => {
                self.call(&origin, request, bytes, answer)
            }
            WorldCommand::Fault { text, answer } => {
                let told = self.fault(&text);
                self.tell(answer, told)?;
            }
            WorldCommand::Advance { pause, answer } => {
                self.clock.skip(pause);
                self.run_until(self.clock.now());
                self.tell(answer, self.time())?;
            }
            WorldCommand::Reset { answer } => {
                self.reset()?;
                self.tell(answer, self.time())?;
            }
            WorldCommand::State { answer } => self.tell(answer, self.state())?,
            WorldCommand::Trace { answer } => self.tell(answer, self.trace())?,
            WorldCommand::Verdict { answer } => self.tell(answer, self.verdict())?,
            WorldCommand::Permissions { answer } => self.tell(answer, self.permissions())?,
            WorldCommand::Stop => {}
        }
        Ok(())
    }

    fn call(&mut self, origin: &Origin, request: Request, bytes: usize, answer: oneshot::Sender<CallAnswer>) {
        if request.operation().changes() || self.options.records {
            let taken = CALL_BYTES + bytes;
            if taken > self.room {
                let _ = answer.send(Some(Err(Arc::new(full()))));
                return;
            }
            self.room -= taken;
        }
        let at = self.next_millisecond();
        let client = self.client(origin);
        let step = outside_call(client, origin.region, &request);
        let time_out = step.time_out;
        self.calls += 1;
        let (key, alias) = match self.options.records {
            true => self.recording.call(at, step),
            false => (mix(self.calls, self.life), None),
        };
        let call = Call { attempts: 1, time_out, alias, ..Call::new(origin.region, request, key) };
        let id = self.simulation.call(client, call);
        self.waiting.insert(id, answer);
    }

    /// Lets the world go on to a whole millisecond, so that what happens then is written down briefly.
    fn next_millisecond(&mut self) -> Instant {
        let now = self.simulation.world().now().0.max(self.clock.now().0);
        let at = Instant(now.next_multiple_of(1_000_000));
        self.run_until(at);
        at
    }

    /// The client with this access key id; those without one are the scenario's first.
    fn client(&mut self, origin: &Origin) -> ClientId {
        let Some(access_key) = &origin.access_key else { return ClientId(0) };
        if let Some(known) = self.clients.get(access_key) {
            return *known;
        }
        let principal = self.recording.set_up().principal_of(access_key);
        if self.clients.len() >= self.options.limits.clients && principal.is_none() {
            return self.anybody;
        }
        let own = principal.map(|principal| self.recording.set_up().account_of(principal));
        let options = ClientOptions {
            name: format!("client-{}", self.clients.len() + 1).into(),
            // As with other local stand-ins for AWS, an access key id of twelve digits is an account.
            account: own.or(Account::parse(access_key)).unwrap_or(Account::DEFAULT),
            home: origin.region,
            principal,
        };
        self.recording.client(options.clone());
        let client = self.simulation.world_mut().add_client(options);
        self.clients.insert(access_key.clone(), client);
        self.anybody = if principal.is_none() { client } else { self.anybody };
        client
    }

    fn fault(&mut self, text: &str) -> Result<Value, String> {
        let set_up = Scenario::of(self.recording.set_up().clone(), Vec::new()).print("");
        let scenario = Scenario::parse(&format!("{set_up}\n{text}\n")).map_err(|mistakes| {
            let words = |mistake: &Diagnostic| match &mistake.help {
                Some(help) => format!("{}: {help}", mistake.message),
                None => mistake.message.clone(),
            };
            mistakes.iter().map(words).collect::<Vec<_>>().join("; ")
        })?;
        let now = self.next_millisecond();
        let actions = scenario.blocks.into_iter().flatten().map(|step| step.action);
        let planned = actions.filter(|action| !matches!(action, Action::SetUp)).map(|action| match action {
            Action::Fault(fault) => Ok((now, fault)),
            Action::FaultAt(When::In(pause), fault) => Ok((now.after(pause), fault)),
            Action::FaultAt(When::At(at), fault) => Ok((Instant::START.after(at).max(now), fault)),
            _ => Err("only faults can be injected here".to_owned()),
        });
        for (at, fault) in planned.collect::<Result<Vec<_>, String>>()? {
            let (fault, words) = self.recording.fault(at, fault);
            self.simulation.world_mut().inject_at(at, fault, words.into());
        }
        self.run_until(now);
        Ok(self.time())
    }

    fn reset(&mut self) -> Result<(), StartError> {
        let mut store = self.store.take();
        if let Some(store) = &mut store {
            store.clear()?;
        }
        *self = Driver::begin(self.options.clone(), store, None, self.life + 1)?;
        Ok(())
    }

    /// Tells something that says what time it is, once that is kept: no later life begins before it.
    fn tell<T>(&mut self, answer: oneshot::Sender<T>, told: T) -> Result<(), StartError> {
        self.keep_all()?;
        // Nobody need listen any more.
        let _ = answer.send(told);
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
        let needed = needed(&self.seen.borrow().audit.uses());
        permissions["principals"] = serde_json::to_value(needed).expect("policies are JSON");
        permissions["isComplete"] = Value::from(!self.has_forgotten);
        permissions
    }

    fn trace(&self) -> Value {
        let mut trace = self.time();
        trace["lines"] = self.lines.iter().map(String::as_str).collect();
        trace
    }

    /// Lets everything happen up to `moment`, and says what does not hold.
    fn run_until(&mut self, moment: Instant) {
        while let Err(violation) = self.simulation.run_until(moment) {
            self.broken(violation);
        }
    }

    fn broken(&mut self, violation: Violation) {
        if self.violations.iter().all(|known| known.invariant != violation.invariant) {
            // Without a terminal there is nobody to tell.
            let _ = writeln!(io::stderr(), "VIOLATION of {}: {}", violation.invariant, violation.message);
            self.violations.push(violation);
        }
    }

    fn hand_out(&mut self) {
        while let Some(id) = self.simulation.world_mut().pop_ended() {
            let alias = self.simulation.world().call_of(id).and_then(|(_, call)| call.alias.clone());
            let outcome = self.simulation.world_mut().take(id);
            if let (Some(alias), Some(Outcome::Ok(response))) = (alias, &outcome) {
                self.recording.answered(&alias, response);
            }
            let answer = match outcome {
                Some(Outcome::Ok(response)) => Some(Ok(response)),
                Some(Outcome::Failed(error)) => Some(Err(error)),
                Some(Outcome::Gone | Outcome::Unknown | Outcome::TimedOut(_)) | None => None,
            };
            if let Some(waiting) = self.waiting.swap_remove(&id) {
                let _ = waiting.send(answer);
            }
        }
    }

    /// Keeps what became durable since the last time.
    fn save(&mut self) -> Result<(), StartError> {
        self.lines.extend(self.simulation.world_mut().take_trace_lines());
        self.lines.drain(..self.lines.len().saturating_sub(self.options.limits.trace));
        let mut seen = self.seen.borrow_mut();
        self.has_forgotten |= seen.audit.forget(self.options.limits.permissions);
        let is_written = !seen.written.is_empty();
        drop(seen);
        let kept = self.store.as_ref().and_then(Store::kept);
        let is_outside_kept = kept.is_none_or(|kept| kept.keys_disabled == self.keys_disabled());
        if is_written || !is_outside_kept { self.keep_all() } else { Ok(()) }
    }

    /// Keeps what became durable, what time it is and how things are outside, unless it is kept already.
    fn keep_all(&mut self) -> Result<(), StartError> {
        let (now, life, keys_disabled) = (self.simulation.world().now(), self.life, self.keys_disabled());
        let Some(store) = &mut self.store else { return Ok(()) };
        let (about, written) = (About { now, life, keys_disabled }, &mut self.seen.borrow_mut().written);
        if written.is_empty() && store.kept() == Some(&about) { Ok(()) } else { store.keep(about, written) }
    }

    /// Where customer managed keys are disabled.
    fn keys_disabled(&self) -> Vec<Region> {
        let world = self.simulation.world();
        Region::all().filter(|region| world.outside(*region).keys_disabled).collect()
    }

    /// Lets every call end. Unless it goes on another time, puts everything right and demands that it converges.
    fn end(mut self) -> Result<ServerEnd, StartError> {
        loop {
            self.save()?;
            self.hand_out();
            if self.waiting.is_empty() {
                break;
            }
            match self.simulation.step() {
                Ok(true) => {}
                Ok(false) => break,
                Err(violation) => self.broken(violation),
            }
        }
        self.keep_all()?;
        let (last_end, ended_at) = (self.seen.borrow().last_end, self.simulation.world().now());
        if self.store.is_none()
            && let Err(violation) = self.simulation.converge(None)
        {
            self.broken(violation);
        }
        let recorded = self.options.records.then(|| self.recording.scenario(last_end, ended_at));
        let trace = self.simulation.world().trace();
        Ok(ServerEnd { hash: trace.hash(), events: trace.events(), recorded, violations: self.violations })
    }
}

impl Observed {
    /// Looks at what the last event of `world` did.
    fn look(&mut self, world: &World, is_kept: bool) {
        self.audit.look(world);
        for change in world.changes() {
            match change {
                Change::Wrote { node, commit, .. } if is_kept => {
                    self.written.push((*node, commit.batch.clone()))
                }
                Change::Ended(_) => self.last_end = world.now(),
                _ => {}
            }
        }
    }
}

fn full() -> Error {
    Error::Throttling {
        message: "The simulation keeps all that it has room for. To proceed, reset it (POST /_sim/reset), or serve \
                  with more --memory"
            .to_owned(),
        service_code: Some("dsql".to_owned()),
        quota_code: None,
        retry_after_seconds: None,
    }
}

/// How many orders are carried out before what they wrote is kept.
const AT_ONCE: usize = 1024;

/// What the memory of a call is reckoned at, in bytes, besides its request's own: its record, its token, its answer,
/// and what the invariants remember of them. Some 600 were measured.
const CALL_BYTES: usize = 1024;
