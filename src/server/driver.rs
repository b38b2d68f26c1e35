//! The world's thread: paces virtual time, executes commands, and sends answers.
//!
//! An answer leaves only after everything durable that it depends on is committed to the data directory. So a server
//! that is killed and started again has forgotten nothing that a client knows.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use serde_json::Value;
use tokio::sync::oneshot;

use crate::Region;
use crate::check::{Simulation, Violation};
use crate::control::environment::ExternalEvent;
use crate::gateway::{CallAnswer, answer_of};
use crate::map::FixedMap;
use crate::scenario::Scenario;
use crate::scenario::recording::Recording;
use crate::scenario::run::run_blocks;
use crate::sim::World;
use crate::sim::client::{CallId, Outcome};
use crate::sim::fault::{Fault, FaultId};
use crate::types::{ClientId, Instant};

use super::clock::{Clock, END_OF_TIME, Pace};
use super::handle::{StopFlag, WorldCommand};
use super::latest_lines::LatestLines;
use super::live_calls::LiveCalls;
use super::live_feed::LiveFeed;
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
    pub(super) options: ServerOptions,
    pub(super) store: Option<Store>,
    pub(super) simulation: Simulation,
    pub(super) observed: Rc<RefCell<Observed>>,
    pub(super) clock: Clock,
    /// The virtual time as other threads see it.
    pub(super) shown: SharedTime,
    /// Whether the server is to end.
    pub(super) stop: StopFlag,
    pub(super) recording: Recording,
    /// The file of the recording, if there is to be one.
    pub(super) record_file: Option<RecordFile>,
    /// The recording so far, which a stepped clock keeps: its runs are small, and end with a verdict.
    pub(super) recorded: String,
    /// The latest faults that clients injected, without those that were seen to act, each with its text.
    pub(super) idle_faults: Vec<(FaultId, String, Fault)>,
    /// Whether the run has ended with a verdict. The world then stays as it is until a reset.
    pub(super) has_run_ended: bool,
    pub(super) clients: FixedMap<String, ClientId>,
    /// The clients called `client-1` and so on, in this order, with those that only a fault has named.
    pub(super) named_clients: Vec<ClientId>,
    /// The client for access key ids beyond [`Limits::clients`](super::Limits::clients).
    pub(super) overflow_client: ClientId,
    pub(super) waiting: FixedMap<CallId, oneshot::Sender<CallAnswer>>,
    pub(super) violations: Vec<Violation>,
    /// The latest lines of the trace.
    pub(super) lines: LatestLines,
    /// The calls that are open, and the latest of those that have ended.
    pub(super) live_calls: LiveCalls,
    /// Those who watch the world.
    pub(super) feed: LiveFeed,
    /// The number of times that the world was started, continued or reset before. Draws of calls are keyed by it, or a
    /// continued world would draw the identifiers of existing clusters again.
    pub(super) incarnation: u64,
    /// The number of calls in this incarnation.
    pub(super) calls: u64,
    /// The number of faults that clients injected in this incarnation.
    pub(super) injected: u64,
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

    pub(super) fn start(
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
            if let Some(saved) = saved {
                restore(simulation, saved, &observed);
            }
        })
        .map_err(StartError::Scenario)?;
        let now = simulation.world().now();
        let mut driver = Driver {
            clock: Clock::new(options.pace, now),
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
            recorded: String::new(),
            idle_faults: Vec::new(),
            has_run_ended: false,
            violations: Vec::new(),
            lines: LatestLines::new(options.limits.trace),
            live_calls: LiveCalls::default(),
            feed: LiveFeed::default(),
            incarnation,
            calls: 0,
            injected: 0,
            has_dropped_permissions: false,
            options,
        };
        driver.shown.set(now);
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
            let command = self.next_command(commands);
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

    /// Waits for a command: until the next event of the world at most under the wall clock, and until those who watch
    /// are to be shown what has changed.
    fn next_command(&self, commands: &Receiver<WorldCommand>) -> Result<WorldCommand, RecvTimeoutError> {
        let world = self.simulation.world();
        let next = world.next_event_at().filter(|at| *at <= END_OF_TIME);
        let of_world = match (&self.clock, next) {
            (Clock::Wall(pacer), Some(at)) if !self.has_run_ended => pacer.until(at),
            _ => None,
        };
        match of_world.into_iter().chain(self.feed.pause(world.trace().events())).min() {
            Some(pause) => commands.recv_timeout(pause),
            None => commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Sends an answer that shows the virtual time, once that time is committed: a continued world then never shows an
    /// earlier one.
    pub(super) fn reply<T>(&mut self, answer: oneshot::Sender<T>, value: T) -> Result<(), StartError> {
        self.commit()?;
        // The connection may be closed by now.
        let _ = answer.send(value);
        Ok(())
    }

    /// Runs the world up to the present. Calls and faults begin at whole milliseconds, and what happens there waits for
    /// them: it comes after those of the same millisecond, here and in a recording. At the end of time, the calls that
    /// are under way end as well.
    pub(super) fn pace(&mut self) -> Result<(), StartError> {
        match &self.clock {
            Clock::Wall(pacer) if !self.has_run_ended && !pacer.is_paused() => {
                self.pace_to(self.clock.now(self.simulation.world().now()))
            }
            _ => Ok(()),
        }
    }

    /// Runs the world up to `now`, the present of the wall clock.
    pub(super) fn pace_to(&mut self, now: Instant) -> Result<(), StartError> {
        let is_whole = now.0.is_multiple_of(MILLISECOND) && now < END_OF_TIME;
        self.run_until(Instant(now.0 - u64::from(is_whole)))?;
        if self.has_time_ended() {
            self.end_calls()?;
        }
        Ok(())
    }

    /// Runs the world up to `deadline`, or until the server is to end. A violation is reported, and the world goes on:
    /// clients are in the middle of a test.
    pub(super) fn run_until(&mut self, deadline: Instant) -> Result<(), StartError> {
        let mut steps = 0;
        while self.simulation.world().next_event_at().is_some_and(|at| at <= deadline) {
            self.step();
            steps += 1;
            if steps % STEPS_PER_COMMIT == 0 {
                self.commit_changes()?;
                self.show_changes();
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
    pub(super) fn step(&mut self) -> bool {
        self.simulation.step().unwrap_or_else(|violation| {
            self.report(violation);
            true
        })
    }

    /// Keeps what the commands so far have changed, sends the answers that depend on it, and shows it to watchers.
    pub(super) fn settle(&mut self) -> Result<(), StartError> {
        self.commit_changes()?;
        self.append_recording()?;
        self.send_answers();
        self.show_changes();
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
        if self.options.pace == Pace::Stepped {
            self.recorded.push_str(&text);
        }
        match &mut self.record_file {
            Some(file) if !text.is_empty() => file.append(&text).map_err(not_recorded),
            _ => Ok(()),
        }
    }

    /// Whether calls and faults are recorded, with the draws that a recording has.
    pub(super) fn is_recorded(&self) -> bool {
        self.record_file.is_some() || self.options.pace == Pace::Stepped
    }

    /// Notes that the world gets `fault` next, whose text is `text`.
    pub(super) fn note_fault(&mut self, fault: &Fault, text: String) {
        let world = self.simulation.world();
        self.idle_faults.retain(|(first, _, fault)| !has_acted(world, *first, fault));
        let first = self.idle_faults.len().saturating_sub(MAX_IDLE_FAULTS);
        self.idle_faults.drain(..first);
        self.idle_faults.push((world.next_fault(), text, fault.clone()));
    }

    fn report(&mut self, violation: Violation) {
        if self.violations.iter().all(|known| known.invariant != violation.invariant) {
            self.violations.push(violation);
            self.feed.is_violated();
        }
    }

    /// Sends the outcomes of the calls that have ended.
    fn send_answers(&mut self) {
        let now = self.simulation.world().now();
        while let Some(id) = self.simulation.world_mut().pop_ended() {
            let alias = self.simulation.world().call_of(id).and_then(|(_, call)| call.alias.clone());
            let outcome = self.simulation.world_mut().take(id);
            self.live_calls.ended(id, outcome.as_ref(), now);
            self.feed.changed();
            if let (Some(alias), Some(Outcome::Ok(response))) = (alias, &outcome) {
                self.recording.answered(&alias, response, now);
            }
            if let Some(waiting) = self.waiting.swap_remove(&id) {
                // The connection may be closed by now.
                let _ = waiting.send(answer_of(outcome));
            }
        }
    }

    /// Drops old trace lines and permissions, and commits if something durable has changed. The time alone does not
    /// count, or every event would cost a flush of the disk.
    pub(super) fn commit_changes(&mut self) -> Result<(), StartError> {
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
        if self.store.is_none() {
            return Ok(());
        }
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

    /// Ends the run with its verdict, as the end of the server does: every fault is removed, and the world must
    /// converge. The answer is an error in a data directory, whose world goes on.
    pub(super) fn end_run(&mut self) -> Result<Result<Value, String>, StartError> {
        if self.store.is_some() {
            return Ok(Err(WORLD_GOES_ON.to_owned()));
        }
        self.close()?;
        Ok(Ok(self.verdict()))
    }

    /// Lets every pending call end. A world without a data directory then has every fault removed and must converge; a
    /// world with one is to be continued, and keeps its faults.
    fn close(&mut self) -> Result<(), StartError> {
        if std::mem::replace(&mut self.has_run_ended, true) {
            return Ok(());
        }
        self.feed.changed();
        self.end_calls()?;
        self.commit()?;
        let (last_end, ended_at) = (self.observed.borrow().last_end, self.simulation.world().now());
        if self.store.is_none()
            && let Err(violation) = self.simulation.converge(None)
        {
            self.report(violation);
        }
        self.shown.set(self.simulation.world().now());
        self.lines.extend(self.simulation.world_mut().take_trace_lines());
        self.recording.end(last_end, ended_at);
        self.append_recording()?;
        self.record_file.take().map_or(Ok(()), |file| file.finish().map_err(not_recorded))
    }

    fn end(mut self) -> Result<ServerEnd, StartError> {
        self.close()?;
        let trace = self.simulation.world().trace();
        Ok(ServerEnd { hash: trace.hash(), events: trace.events(), violations: self.violations })
    }
}

/// Continues `saved` in a new world.
fn restore(simulation: &mut Simulation, saved: SavedWorld, observed: &RefCell<Observed>) {
    let SavedWorld { header, batches } = saved;
    batches.iter().for_each(|(_, batch)| observed.borrow_mut().memory.recall(batch));
    for (region, event) in header.environment_events {
        simulation.world_mut().inject(Fault::external_event(region, event));
    }
    simulation.restore(header.now, batches);
}

/// Whether a part of `fault` has acted, whose first part is `first`.
pub(super) fn has_acted(world: &World, first: FaultId, fault: &Fault) -> bool {
    (0..fault.parts().count()).any(|part| world.has_acted(first.plus(part)))
}

fn not_recorded(error: io::Error) -> StartError {
    StartError::NotRecorded(error)
}

const MILLISECOND: u64 = 1_000_000;

/// The number of events of a long advance between two commits, which also bound the lines of the trace that wait.
pub(super) const STEPS_PER_COMMIT: usize = 256;

/// The number of commands that are executed before one commit. More would delay the first answers.
const MAX_COMMANDS_PER_COMMIT: usize = 1024;

/// The number of faults that are kept to say which of them never acted.
const MAX_IDLE_FAULTS: usize = 1000;

const WORLD_GOES_ON: &str = "The world of a data directory goes on, and no run of it ends. To proceed, serve without \
                             --data-dir";
