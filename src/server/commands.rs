//! The commands of the world's thread: calls, faults, advances and resets.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::api::wire::Origin;
use crate::api::{Error, Operation};
use crate::gateway::{CallAnswer, account_of_key, read_faults};
use crate::rng::fingerprint;
use crate::scenario::recording::outside_call;
use crate::sim::client::{Call, CallId, ClientOptions};
use crate::types::{ClientId, Instant};

use super::StartError;
use super::clock::{Clock, END_OF_TIME, Pace};
use super::driver::{Driver, STEPS_PER_COMMIT};
use super::faults::{self, client_name};
use super::handle::{ClientRequest, ClockChange, ResetFaults, ResetOptions, WorldCommand};

impl Driver {
    pub(super) fn execute(&mut self, command: WorldCommand) -> Result<(), StartError> {
        match command {
            WorldCommand::Call { call, answer } => self.call(call, answer)?,
            WorldCommand::Fault { text, answer } => {
                let result = self.inject(&text)?;
                self.reply(answer, result)?;
            }
            WorldCommand::Advance { pause, answer } => {
                let result = self.advance(pause)?;
                // Watchers are shown time that passes without an event as well.
                self.feed.changed();
                self.reply(answer, result)?;
            }
            WorldCommand::Clock { change, answer } => {
                let result = self.change_clock(change)?;
                self.reply(answer, result)?;
            }
            WorldCommand::Reset { options, answer } => {
                let result = self.reset(&options)?;
                self.reply(answer, result)?;
            }
            WorldCommand::EndRun { answer } => {
                let result = self.end_run()?;
                self.reply(answer, result)?;
            }
            WorldCommand::Faults { answer } => self.reply(answer, self.faults())?,
            WorldCommand::State { page, answer } => self.reply(answer, self.state(&page))?,
            WorldCommand::Trace { answer } => self.reply(answer, self.trace())?,
            WorldCommand::Verdict { answer } => self.reply(answer, self.verdict())?,
            WorldCommand::Scenario { answer } => self.reply(answer, self.scenario())?,
            WorldCommand::Watch { answer } => {
                let queue = self.watch();
                self.reply(answer, queue)?;
            }
            WorldCommand::Permissions { answer } => self.reply(answer, self.permissions())?,
            WorldCommand::Stop => {}
        }
        Ok(())
    }

    fn call(&mut self, call: ClientRequest, answer: oneshot::Sender<CallAnswer>) -> Result<(), StartError> {
        let ClientRequest { origin, request, bytes, time_out } = call;
        if let Some(reason) = self.refuses_changes() {
            let _ = answer.send(Some(Err(Arc::new(unavailable(reason)))));
            return Ok(());
        }
        if takes_memory(request.operation()) && !self.has_memory(bytes) {
            let _ = answer.send(Some(Err(Arc::new(unavailable(MEMORY_EXHAUSTED)))));
            return Ok(());
        }
        let at = self.next_millisecond()?;
        let client = self.client(&origin);
        let time_out = time_out.unwrap_or(self.options.client_timeout);
        let step = outside_call(client, origin.region, &request, time_out);
        self.calls += 1;
        let (key, alias) = match self.is_recorded() {
            true => self.recording.call(at, step),
            false => (fingerprint(&(self.calls, self.incarnation)), None),
        };
        let call = Call { attempts: 1, time_out, alias, ..Call::new(origin.region, request, key) };
        let id = self.simulation.call(client, call);
        self.live_calls.began(self.simulation.world(), id);
        self.waiting.insert(id, answer);
        if matches!(self.clock, Clock::Stepped { .. }) { self.finish(id) } else { Ok(()) }
    }

    /// Runs the world until the call `id` has ended, and sends its answer. The time-out of the call bounds it.
    fn finish(&mut self, id: CallId) -> Result<(), StartError> {
        self.clock = Clock::Stepped { has_run: true };
        let mut steps = 0;
        while self.simulation.world().outcome(id).is_none() && self.step() {
            steps += 1;
            if steps % STEPS_PER_COMMIT == 0 {
                self.commit_changes()?;
                self.show_changes();
                // The end of the server answers the call.
                if self.stop.is_set() {
                    return Ok(());
                }
            }
        }
        self.shown.set(self.simulation.world().now());
        self.settle()
    }

    /// The reason why no call and no fault is accepted; `None` in a run that goes on.
    fn refuses_changes(&self) -> Option<&'static str> {
        match (self.has_run_ended, self.has_time_ended()) {
            (true, _) => Some(RUN_HAS_ENDED),
            (_, true) => Some(TIME_HAS_ENDED),
            _ => None,
        }
    }

    /// Whether there is memory for a call with a body of so many bytes.
    fn has_memory(&self, bytes: usize) -> bool {
        let mut observed = self.observed.borrow_mut();
        let window = self.options.scenario.set_up.assumptions.token_window;
        observed.memory.forget_tokens(self.simulation.world().now(), window);
        let recorded = self.recording.references() * REFERENCE_BYTES + self.recorded.len();
        let open = (self.waiting.len() + 1) * CALL_BYTES;
        observed.memory.bytes() + recorded + open + bytes <= self.options.limits.memory
    }

    /// Runs the world to the next whole millisecond. A recorded scenario then has short times for calls and faults.
    fn next_millisecond(&mut self) -> Result<Instant, StartError> {
        let world = self.simulation.world().now();
        let now = world.0.max(self.clock.now(world).0);
        let at = match &mut self.clock {
            Clock::Wall(_) => Instant(now.next_multiple_of(MILLISECOND)),
            // In a recording, a command comes after every event of its millisecond. Here, the events that follow an
            // answer at once are still to come, so the command comes a millisecond later.
            Clock::Stepped { has_run } => {
                Instant((now + u64::from(std::mem::take(has_run))).next_multiple_of(MILLISECOND))
            }
        };
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
        if let Some(reason) = self.refuses_changes() {
            return Ok(Err(reason.to_owned()));
        }
        let now = self.next_millisecond()?;
        // A text with an error then leaves clients behind that never call, which is harmless.
        self.name_clients(faults::highest_client(text));
        let faults = match read_faults(self.recording.set_up(), text, now) {
            Ok(faults) => faults,
            Err(message) => return Ok(Err(message)),
        };
        for (pause, fault) in faults {
            let (mut fault, text) = self.recording.fault(now, pause, fault);
            self.injected += 1;
            if !self.is_recorded() {
                // Like those of calls, the draws then depend on no time: programs that do the same meet the same.
                fault.set_key(fingerprint(&("fault", self.injected, self.incarnation)));
            }
            self.note_fault(&fault, text.clone());
            self.simulation.world_mut().inject_at(now.after(pause), fault, text.into());
            self.run_until(now)?;
        }
        Ok(Ok(self.time()))
    }

    /// Advances virtual time by `pause` at once. The answer is an error if that is beyond the end of time.
    fn advance(&mut self, pause: Duration) -> Result<Result<Value, String>, StartError> {
        if self.has_run_ended {
            return Ok(Err(RUN_HAS_ENDED.to_owned()));
        }
        let world = self.simulation.world().now();
        let end = self.clock.now(world).after(pause);
        if end > END_OF_TIME {
            return Ok(Err(TIME_HAS_ENDED.to_owned()));
        }
        match &mut self.clock {
            Clock::Wall(pacer) => {
                pacer.skip(pause);
                self.pace_to(self.clock.now(world))?;
            }
            Clock::Stepped { has_run } => {
                *has_run = true;
                self.run_until(end)?;
            }
        }
        Ok(Ok(self.time()))
    }

    /// Pauses or continues the clock, sets its speed, or lets the next event happen. The answer is an error, and
    /// nothing changes, if this clock has no such change.
    fn change_clock(&mut self, change: ClockChange) -> Result<Result<Value, String>, StartError> {
        let ClockChange { is_paused, speed, steps } = change;
        let (is_wall, stands_still) = match &self.clock {
            Clock::Wall(pacer) => (true, is_paused.unwrap_or(pacer.is_paused())),
            Clock::Stepped { .. } => (false, true),
        };
        if !is_wall && (is_paused.is_some() || speed.is_some()) {
            return Ok(Err(STEPPED_CLOCK.to_owned()));
        }
        if let Some(reason) = self.refuses_changes().filter(|_| steps) {
            return Ok(Err(reason.to_owned()));
        }
        if steps && !stands_still {
            return Ok(Err(CLOCK_RUNS.to_owned()));
        }
        if let Clock::Wall(pacer) = &mut self.clock {
            pacer.change(speed.unwrap_or(pacer.speed()), stands_still);
        }
        if steps {
            self.process_next_event();
        }
        self.feed.changed();
        Ok(Ok(self.clock_state()))
    }

    /// Processes the next event that the trace counts. Others, such as the time-out of a call that has ended, show
    /// nothing.
    fn process_next_event(&mut self) {
        let before = self.simulation.world().trace().events();
        for _ in 0..MOST_HIDDEN_EVENTS {
            let is_near = self.simulation.world().next_event_at().is_some_and(|at| at <= END_OF_TIME);
            if !is_near || !self.step() || self.simulation.world().trace().events() > before {
                break;
            }
        }
        let now = self.simulation.world().now();
        match &mut self.clock {
            // The next call or fault then begins in a later millisecond, as in a recording.
            Clock::Wall(pacer) => {
                pacer.skip_to(Instant(now.0 + u64::from(now.0.is_multiple_of(MILLISECOND))))
            }
            Clock::Stepped { has_run } => *has_run = true,
        }
        self.shown.set(now);
    }

    /// The run so far as a scenario, which replays to the same hash if it ends now. The answer is an error if the
    /// calls are not recorded.
    fn scenario(&self) -> Result<String, String> {
        if self.store.is_some() {
            return Err(NO_SCENARIO_OF_DATA.to_owned());
        }
        let mut text = match (&self.record_file, &self.options.record) {
            (Some(file), _) => file.read(),
            (None, Some(finished)) => fs::read_to_string(finished),
            (None, None) if self.options.pace == Pace::Stepped => Ok(self.recorded.clone()),
            (None, None) => return Err(NOT_RECORDED.to_owned()),
        }
        .map_err(|error| error.to_string())?;
        // While a call is open, the end of the recording is the end of that call.
        if !self.has_run_ended && self.waiting.is_empty() {
            let last_end = self.observed.borrow().last_end;
            text.push_str(&self.recording.ending(last_end, self.simulation.world().now()));
        }
        Ok(text)
    }

    pub(super) fn has_time_ended(&self) -> bool {
        self.simulation.world().now() >= END_OF_TIME
    }

    /// Adds clients that have not called yet, so that faults can refer to them, until there are `count`.
    fn name_clients(&mut self, count: usize) {
        for number in self.named_clients.len() + 1..=count.min(self.options.limits.clients) {
            let account = self.options.account;
            self.add_client(faults::unknown_client(number, account));
        }
    }

    fn add_client(&mut self, options: ClientOptions) -> ClientId {
        self.recording.client(options.clone());
        let client = self.simulation.world_mut().add_client(options);
        self.named_clients.push(client);
        client
    }

    /// Begins a run in a world of its own: the served scenario, with another seed and faults if they are given. With a
    /// seed, the run depends on nothing that was before.
    fn reset(&mut self, options: &ResetOptions) -> Result<Result<Value, String>, StartError> {
        let mut scenario = self.options.scenario.clone();
        scenario.set_up.seed = options.seed.unwrap_or(scenario.set_up.seed);
        let account = self.options.account;
        let schedule = match &options.faults {
            None => Vec::new(),
            Some(ResetFaults::Text(text)) => {
                let mut set_up = scenario.set_up.clone();
                let clients = faults::highest_client(text).min(self.options.limits.clients);
                set_up.clients.extend((1..=clients).map(|number| faults::unknown_client(number, account)));
                if let Err(message) = read_faults(&set_up, text, Instant::START) {
                    return Ok(Err(message));
                }
                vec![text.clone()]
            }
            Some(ResetFaults::Swarm(regions)) => faults::swarm(&scenario.set_up, account, regions),
        };
        self.options.scenario = scenario;
        let mut store = self.store.take();
        if let Some(store) = &mut store {
            store.clear()?;
        }
        let shared = (self.shown.clone(), self.stop.clone());
        let incarnation = if options.seed.is_some() { 0 } else { self.incarnation + 1 };
        let feed = std::mem::take(&mut self.feed);
        *self = Driver::start(self.options.clone(), shared, store, None, incarnation)?;
        self.feed = feed.after_reset();
        if let Err(message) = self.inject_all(&schedule)? {
            return Ok(Err(message));
        }
        let mut answer = self.time();
        answer["seed"] = self.options.scenario.set_up.seed.into();
        answer["faults"] = schedule.into();
        Ok(Ok(answer))
    }

    fn inject_all(&mut self, schedule: &[String]) -> Result<Result<(), String>, StartError> {
        if schedule.is_empty() {
            return Ok(Ok(()));
        }
        Ok(self.inject(&schedule.join("\n"))?.map(|_| ()))
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

const MEMORY_EXHAUSTED: &str = "The simulation has reached its memory limit. To proceed, delete clusters, reset it \
                                (POST /_sim/reset), or serve with more --memory";

const TIME_HAS_ENDED: &str = "The virtual time of a simulation ends after 500 years. To proceed, reset it (POST \
                              /_sim/reset), or advance it by less";

const RUN_HAS_ENDED: &str = "The run has ended with its verdict (POST /_sim/verdict). To proceed, begin another one \
                             (POST /_sim/reset)";

const STEPPED_CLOCK: &str = "a stepped clock has no speed and cannot be paused: virtual time stands still between \
                             calls. To proceed, let it take a step, or advance it (POST /_sim/advance)";

const CLOCK_RUNS: &str = "the clock runs. To proceed, pause it first: {\"paused\": true, \"step\": true}";

const NOT_RECORDED: &str =
    "the calls are not recorded. To proceed, serve with --record FILE, or with --clock stepped";

const NO_SCENARIO_OF_DATA: &str = "the world of a data directory began before this server, and no scenario has all of \
                                   it. To proceed, serve without --data-dir";

const MILLISECOND: u64 = 1_000_000;

/// The number of events that a step passes over at most. What is left over from ended calls is far less.
const MOST_HIDDEN_EVENTS: usize = 100_000;

/// The estimated memory of a call that is under way, in bytes, without its request's body.
const CALL_BYTES: usize = 2048;

/// The estimated memory of a value of an answer to which a recording may refer.
const REFERENCE_BYTES: usize = 256;
