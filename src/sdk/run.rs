//! One run: a seed, a fault schedule and a program, on a thread of its own.
//!
//! A fresh thread has fresh thread-local state: the generator of the SDK, and whatever the program keeps there.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use rand::Rng;
use tokio::runtime::{Builder, Runtime};
use tokio::task::unconstrained;

use crate::check::Simulation;
use crate::gateway::planned_faults;
use crate::rng::{Purpose, mix, stream};
use crate::scenario::{Scenario, panic};
use crate::sim::trace::TraceLevel;
use crate::sim::{Change, World};
use crate::types::{ClientId, Instant, NodeId};

use super::Sim;
use super::executor::{Executor, RunLimits, violated};
use super::local::{self, LocalWorld, NewTask, TaskRole};
use super::mailbox::{Mailbox, ProcessLife};
use super::process::RunOutput;
use super::report::{FailureKind, RunFailure};
use super::run_log::RunLog;
use super::sim::{MAIN, plan};

/// Assertions about the world after a run.
pub(super) type Assertion = Box<dyn Fn(&Sim) + Sync>;

/// An invariant of the user with its name.
pub(super) type CheckedInvariant = (String, Arc<dyn Fn(&World) -> Result<(), String> + Send + Sync>);

/// What a run needs besides its program.
#[derive(Clone, Copy)]
pub(super) struct RunPlan<'a> {
    pub(super) seed: u64,
    /// The set-up, and the faults with their times.
    pub(super) schedule: &'a Scenario,
    pub(super) limits: RunLimits,
    pub(super) trace: TraceLevel,
    pub(super) assertions: &'a [Assertion],
    pub(super) invariants: &'a [CheckedInvariant],
}

/// The record of a run.
#[derive(Debug)]
pub(super) struct SeedRun {
    pub(super) failure: Option<RunFailure>,
    pub(super) log: RunLog,
    /// The hash of the world's events.
    pub(super) world_hash: u64,
    /// The virtual time at which the program ended.
    pub(super) end: Instant,
    /// The last lines of the trace, if one was written.
    pub(super) lines: Vec<String>,
}

impl SeedRun {
    /// The hash of every event of the run: those of the world, and the bytes of every request.
    pub(super) fn hash(&self) -> u64 {
        mix(self.log.hash(), self.world_hash)
    }
}

/// Runs `body` by `plan`, and waits for it.
pub(super) fn run_seed<B, F>(plan: RunPlan<'_>, body: &B) -> SeedRun
where
    B: Fn(Sim) -> F + Sync,
    F: Future + 'static,
    F::Output: RunOutput,
{
    thread::scope(|scope| {
        let thread = thread::Builder::new().name(format!("seed {}", plan.seed));
        let run = thread.spawn_scoped(scope, || run_here(plan, body));
        let record = run.map(|run| run.join().expect("a run catches the panics of its program"));
        record.unwrap_or_else(|error| failed(format!("no thread could be started: {error}")))
    })
}

fn run_here<B, F>(plan: RunPlan<'_>, body: &B) -> SeedRun
where
    B: Fn(Sim) -> F,
    F: Future + 'static,
    F::Output: RunOutput,
{
    fastrand::seed(stream(plan.seed, Purpose::SdkRandom, 0).next_u64());
    let runtime = match Builder::new_current_thread().enable_time().start_paused(true).build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(format!("no runtime could be started: {error}")),
    };
    let local = match prepare(plan, &runtime) {
        Ok(local) => Rc::new(local),
        Err(mistake) => return failed(mistake),
    };
    local::enter(local.clone());
    let done = panic::catch(|| runtime.block_on(unconstrained(program(local.clone(), plan, body))));
    // Tokio catches the panics of its own tasks, whose results the program may ignore.
    let swallowed = || panic::swallowed().map(|words| RunFailure::new(FailureKind::Panic, words));
    let mut failure = match done {
        Err(words) => Some(RunFailure::new(FailureKind::Panic, words)),
        Ok(Err(failure)) => Some(failure),
        Ok(Ok(())) => swallowed(),
    };
    if let Some(failure) = failure.as_mut().filter(|failure| failure.at == Instant::START) {
        failure.at = runtime.block_on(async { local.mailbox.now() });
    }
    local.mailbox.close();
    drop(runtime);
    local::leave();
    let mut simulation = local.simulation.borrow_mut();
    let trace = simulation.world().trace();
    let world_hash = mix(trace.hash(), trace.events());
    let mut lines = simulation.world_mut().take_trace_lines();
    drop(lines.drain(..lines.len().saturating_sub(LAST_LINES)));
    SeedRun { failure, log: local.log.take(), world_hash, end: local.ended_at.get(), lines }
}

/// The record of a run that could not begin.
fn failed(mistake: String) -> SeedRun {
    SeedRun {
        failure: Some(RunFailure::new(FailureKind::SetUp, mistake)),
        log: RunLog::default(),
        world_hash: 0,
        end: Instant::START,
        lines: Vec::new(),
    }
}

fn prepare(run: RunPlan<'_>, runtime: &Runtime) -> Result<LocalWorld, String> {
    let _context = runtime.enter();
    let set_up = run.schedule.set_up.clone();
    let mut simulation = Simulation::new(set_up.options(run.seed, run.trace));
    for (name, region) in &set_up.regions {
        simulation.world_mut().names_mut().name_region(*region, name.clone());
    }
    for (name, holds) in run.invariants {
        let holds = holds.clone();
        simulation.invariant(name, move |world| holds(world));
    }
    let stopped: Rc<RefCell<Vec<(Instant, NodeId)>>> = Rc::default();
    if run.limits.recovers {
        let stopped = stopped.clone();
        simulation.watch(move |world| {
            let crashed = world.changes().iter().filter_map(|change| match change {
                Change::Crashed { node, .. } => Some((world.now(), *node)),
                _ => None,
            });
            stopped.borrow_mut().extend(crashed);
        });
    }
    let options = simulation.world().options();
    let mailbox = Mailbox::new(run.seed, options.epoch, options.disk);
    for (client, id) in set_up.clients.iter().zip(0..) {
        mailbox.state().add_process(client.name.clone(), ClientId(id));
    }
    let local = LocalWorld {
        mailbox: Arc::new(mailbox),
        simulation: RefCell::new(simulation),
        set_up: RefCell::new(set_up),
        spawned: RefCell::default(),
        mains: RefCell::default(),
        crashes: RefCell::new(BTreeSet::new()),
        stopped,
        injected: Cell::new(0),
        converging: RefCell::default(),
        has_main_ended: Cell::new(false),
        ended_at: Cell::new(Instant::START),
        failure: RefCell::new(None),
        log: RefCell::default(),
    };
    for (pause, fault) in planned_faults(run.schedule, Instant::START)? {
        plan(&local, Instant::START.after(pause), fault);
    }
    Ok(local)
}

/// Runs the program and whatever it spawns, lets the world converge, and checks the assertions.
async fn program<B, F>(local: Rc<LocalWorld>, run: RunPlan<'_>, body: &B) -> Result<(), RunFailure>
where
    B: Fn(Sim) -> F,
    F: Future + 'static,
    F::Output: RunOutput,
{
    let owner = ProcessLife { process: 0, life: 0 };
    let sim = Sim { mailbox: local.mailbox.clone(), owner };
    let (main, state) = (body(sim.clone()), local.clone());
    let future = Box::pin(async move {
        match main.await.failure() {
            None => state.has_main_ended.set(true),
            Some(error) => state.fail(RunFailure::new(FailureKind::Error, error)),
        }
    });
    local.spawned.borrow_mut().push(NewTask { name: MAIN.into(), owner, role: TaskRole::Main, future });
    let mut executor = Executor::new(local.clone(), run.limits);
    let end = poll_fn(|context| executor.poll(context)).await;
    local.ended_at.set(local.mailbox.now());
    drop(executor);
    end?;
    if local.log.borrow().requests == 0 {
        let message = "the program ended and has sent no request: is an `.await` missing?".to_owned();
        return Err(RunFailure::new(FailureKind::NoRequest, message));
    }
    local.simulation.borrow_mut().converge(None).map_err(violated)?;
    run.assertions.iter().for_each(|assertion| assertion(&sim));
    Ok(())
}

/// The number of lines of the trace that a report shows.
const LAST_LINES: usize = 15;
