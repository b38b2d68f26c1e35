//! The one thread that owns the world, and the desk at which others ask it for something.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::api::wire::Origin;
use crate::api::{Error, Request, Response};
use crate::check::{Simulation, Violation};
use crate::map::FixedMap;
use crate::rng::mix;
use crate::scenario::recording::{Recording, outside_call};
use crate::scenario::run::{Failure, enact};
use crate::scenario::{Action, Scenario, When};
use crate::sim::client::{Call, CallId, ClientOptions, Outcome};
use crate::types::{Account, ClientId, Instant};

use super::Options;
use super::clock::Clock;

/// What came of serving.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The first violation of each invariant that did not hold.
    pub violations: Vec<Violation>,
    /// The hash of everything that happened.
    pub hash: u64,
    /// How many things happened.
    pub events: u64,
    /// What happened, if it was recorded.
    pub recorded: Option<Scenario>,
}

/// How a call ended: with the service's answer, or with none, as when it was lost.
pub(super) type Answer = Option<Result<Arc<Response>, Arc<Error>>>;

/// Where others ask the world for something.
#[derive(Clone, Debug)]
pub(super) struct Desk(Sender<Order>);

/// What is asked of the world.
#[derive(Debug)]
enum Order {
    Call { origin: Origin, request: Request, answer: oneshot::Sender<Answer> },
    Fault { text: String, answer: oneshot::Sender<Result<Value, String>> },
    Advance { pause: Duration, answer: oneshot::Sender<Value> },
    Reset { answer: oneshot::Sender<Value> },
    State { answer: oneshot::Sender<Value> },
    Verdict { answer: oneshot::Sender<Value> },
    Stop,
}

/// Opens the desk, with what `options.scenario` says behind it.
///
/// # Errors
/// Something in that scenario does not hold.
pub(super) fn open(options: &Options) -> Result<(Desk, JoinHandle<Option<Ended>>), Failure> {
    let (sender, receiver) = mpsc::channel();
    let (begun, has_begun) = mpsc::channel();
    let options = options.clone();
    // A world stays on the thread that it was made on.
    let keeper = thread::spawn(move || match Keeper::new(options) {
        Ok(keeper) => {
            let _ = begun.send(None);
            Some(keeper.keep(&receiver))
        }
        Err(failure) => {
            let _ = begun.send(Some(failure));
            None
        }
    });
    match has_begun.recv() {
        Ok(Some(failure)) => Err(failure),
        Ok(None) | Err(_) => Ok((Desk(sender), keeper)),
    }
}

impl Desk {
    /// Makes a call, and waits for its end.
    pub(super) async fn call(&self, origin: Origin, request: Request) -> Answer {
        self.ask(|answer| Order::Call { origin, request, answer }).await.flatten()
    }

    /// Carries out fault verbs of the scenario language; says when, or what is wrong with them.
    pub(super) async fn fault(&self, text: String) -> Option<Result<Value, String>> {
        self.ask(|answer| Order::Fault { text, answer }).await
    }

    /// Lets virtual time pass at once.
    pub(super) async fn advance(&self, pause: Duration) -> Option<Value> {
        self.ask(|answer| Order::Advance { pause, answer }).await
    }

    /// Begins anew. Calls under way end without an answer.
    pub(super) async fn reset(&self) -> Option<Value> {
        self.ask(|answer| Order::Reset { answer }).await
    }

    /// The clusters of every Region.
    pub(super) async fn state(&self) -> Option<Value> {
        self.ask(|answer| Order::State { answer }).await
    }

    /// What held so far.
    pub(super) async fn verdict(&self) -> Option<Value> {
        self.ask(|answer| Order::Verdict { answer }).await
    }

    /// Ends the world's thread, after the calls under way.
    pub(super) fn stop(&self) {
        // A thread that is gone has stopped.
        let _ = self.0.send(Order::Stop);
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        self.0.send(order(sender)).ok()?;
        receiver.await.ok()
    }
}

/// Owns the world.
struct Keeper {
    options: Options,
    simulation: Simulation,
    clock: Clock,
    recording: Recording,
    clients: FixedMap<String, ClientId>,
    waiting: FixedMap<CallId, oneshot::Sender<Answer>>,
    violations: Vec<Violation>,
    /// How many calls there were: what their draws are keyed by when nothing is recorded.
    calls: u64,
}

impl Keeper {
    fn new(options: Options) -> Result<Keeper, Failure> {
        let simulation = enact(&options.scenario)?;
        let now = simulation.world().now();
        Ok(Keeper {
            clock: Clock::new(now, options.speed),
            recording: Recording::after(&options.scenario, now),
            simulation,
            clients: FixedMap::default(),
            waiting: FixedMap::default(),
            violations: Vec::new(),
            calls: 0,
            options,
        })
    }

    fn keep(mut self, orders: &Receiver<Order>) -> Ended {
        loop {
            let order = match self.simulation.world().next_event_at() {
                Some(at) => orders.recv_timeout(self.clock.until(at)),
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            self.run_until(self.clock.now());
            match order {
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return self.end(),
                Ok(order) => self.carry_out(order),
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.hand_out();
        }
    }

    fn carry_out(&mut self, order: Order) {
        // Whoever asked may be gone by now.
        match order {
            Order::Call { origin, request, answer } => self.call(&origin, request, answer),
            Order::Fault { text, answer } => {
                let _ = answer.send(self.fault(&text));
            }
            Order::Advance { pause, answer } => {
                self.clock.skip(pause);
                self.run_until(self.clock.now());
                let _ = answer.send(self.time());
            }
            Order::Reset { answer } => {
                // What could be carried out once can be carried out again.
                if let Ok(new) = Keeper::new(self.options.clone()) {
                    *self = new;
                }
                let _ = answer.send(self.time());
            }
            Order::State { answer } => {
                let _ = answer.send(self.state());
            }
            Order::Verdict { answer } => {
                let _ = answer.send(self.verdict());
            }
            Order::Stop => {}
        }
    }

    fn call(&mut self, origin: &Origin, request: Request, answer: oneshot::Sender<Answer>) {
        let at = self.next_millisecond();
        let client = self.client(origin);
        let step = outside_call(client, origin.region, &request);
        let time_out = step.time_out;
        self.calls += 1;
        let key = if self.options.records { self.recording.call(at, step) } else { mix(self.calls, 0) };
        let call = Call { attempts: 1, time_out, ..Call::new(origin.region, request, key) };
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
        if self.clients.len() >= self.options.limits.clients {
            return self.clients.values().last().copied().unwrap_or(ClientId(0));
        }
        let options = ClientOptions {
            name: format!("client-{}", self.clients.len() + 1).into(),
            // As with other local stand-ins for AWS, an access key id of twelve digits is an account.
            account: Account::parse(access_key).unwrap_or(Account::DEFAULT),
            home: origin.region,
        };
        self.recording.client(options.clone());
        let client = self.simulation.world_mut().add_client(options);
        self.clients.insert(access_key.clone(), client);
        client
    }

    fn fault(&mut self, text: &str) -> Result<Value, String> {
        let set_up = Scenario::of(self.recording.set_up().clone(), Vec::new()).print("");
        let scenario = Scenario::parse(&format!("{set_up}\n{text}\n")).map_err(|mistakes| {
            let words = |mistake: &crate::scenario::diagnostic::Diagnostic| match &mistake.help {
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
            let outcome = self.simulation.world_mut().take(id);
            let answer = match outcome {
                Some(Outcome::Ok(response)) => Some(Ok(response)),
                Some(Outcome::Failed(error)) => Some(Err(error)),
                Some(Outcome::Gone | Outcome::Unknown | Outcome::TimedOut) | None => None,
            };
            if let Some(waiting) = self.waiting.swap_remove(&id) {
                let _ = waiting.send(answer);
            }
        }
    }

    /// Lets every call end, puts everything right, and demands that it converges.
    fn end(mut self) -> Ended {
        while !self.waiting.is_empty() {
            match self.simulation.step() {
                Ok(true) => {}
                Ok(false) => break,
                Err(violation) => self.broken(violation),
            }
            self.hand_out();
        }
        if let Err(violation) = self.simulation.converge(None) {
            self.broken(violation);
        }
        let trace = self.simulation.world().trace();
        Ended {
            hash: trace.hash(),
            events: trace.events(),
            recorded: self.options.records.then(|| self.recording.scenario()),
            violations: self.violations,
        }
    }
}
