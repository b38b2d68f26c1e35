//! The executor: runs the tasks of a program, and moves the world between two of their polls.
//!
//! It is one future inside a paused runtime of tokio. Of the tasks that are ready, a keyed draw takes the next, so
//! that seeds explore interleavings. If none is ready, the future waits for a timer of tokio at the time of the next
//! event that can wake one, and the paused clock jumps there, or to an earlier timer of the program. While no request
//! is open, no event of the world can wake a task; the world then catches up when time has passed for another reason.
//!
//! All tasks wait, and no timer is left: that is a deadlock. A timer at the limit of virtual time ends every run.

use std::collections::BTreeSet;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rand::RngExt;
use tokio::runtime::Handle;
use tokio::time::Sleep;

use crate::check::Violation;
use crate::map::FixedMap;
use crate::rng::{Purpose, between, fingerprint, stream};
use crate::sim::client::CallId;
use crate::sim::fault::Fault;
use crate::types::{ClientId, Instant};

use super::local::{LocalWorld, NewTask, TaskRole};
use super::mailbox::{Mailbox, ProcessLife};
use super::ready::ReadyTasks;
use super::report::{FailureKind, RunFailure};
use super::requests::OpenRequest;
use super::run_log::{LogEntry, seconds};
use super::schedule::RECOVERY;

/// The limits and options of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunLimits {
    /// Whether ready tasks run in the order in which they woke.
    pub(super) is_in_order: bool,
    /// The time after which a connection without an answer breaks; `None` waits for ever.
    pub(super) connection_time_out: Option<Duration>,
    pub(super) time_limit: Duration,
    /// Whether tasks may go on when the program ends.
    pub(super) may_leave_tasks: bool,
    /// Whether a node that is down begins again by itself.
    pub(super) recovers: bool,
}

/// Runs the tasks of one seed.
pub(super) struct Executor {
    pub(super) local: Rc<LocalWorld>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) limits: RunLimits,
    tasks: Vec<Option<LiveTask>>,
    ready: Arc<ReadyTasks>,
    /// The requests that the world carries out.
    pub(super) open: FixedMap<CallId, OpenRequest>,
    /// The requests that will never be answered.
    pub(super) unanswerable: Vec<OpenRequest>,
    /// The beginnings of lives to come: the time, and the index of the process.
    restarts: BTreeSet<(Instant, usize)>,
    /// The number of polls, by which the choice of the next task is keyed.
    polls: u64,
    /// The time of the last turn, and the number of polls since the clock has stood there.
    standstill: (Instant, u64),
    timer: Pin<Box<Sleep>>,
    armed: Option<Instant>,
    limit: Pin<Box<Sleep>>,
    /// Whether the limit has passed with nothing under way: what is left may be a timer in the far future.
    is_beyond_limit: bool,
    /// The time at which tasks that outlive the program fail the run.
    closes_at: Option<Instant>,
}

struct LiveTask {
    name: Arc<str>,
    owner: ProcessLife,
    role: TaskRole,
    future: super::local::LocalFuture,
    waker: Waker,
}

impl Executor {
    /// An executor for the tasks that `local` has. The caller is inside of the runtime.
    pub(super) fn new(local: Rc<LocalWorld>, limits: RunLimits) -> Executor {
        let mailbox = local.mailbox.clone();
        let at = |at: Duration| Box::pin(tokio::time::sleep_until(mailbox.moment(Instant::START.after(at))));
        let (timer, limit) = (at(limits.time_limit), at(limits.time_limit));
        Executor {
            local,
            mailbox,
            limits,
            tasks: Vec::new(),
            ready: Arc::default(),
            open: FixedMap::default(),
            unanswerable: Vec::new(),
            restarts: BTreeSet::new(),
            polls: 0,
            standstill: (Instant::START, 0),
            timer,
            armed: None,
            limit,
            is_beyond_limit: false,
            closes_at: None,
        }
    }

    /// Runs until the program has ended or the run has failed.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), RunFailure>> {
        self.mailbox.listen(context.waker());
        self.ready.listen(context.waker());
        loop {
            match self.turn() {
                Ok(true) => continue,
                Ok(false) => {}
                Err(failure) => return Poll::Ready(Err(failure)),
            }
            match self.end() {
                Ok(true) => return Poll::Ready(Ok(())),
                Ok(false) => {}
                Err(failure) => return Poll::Ready(Err(failure)),
            }
            if !self.is_due(context) {
                return Poll::Pending;
            }
        }
    }

    /// Does what is due now; `false` if nothing is.
    fn turn(&mut self) -> Result<bool, RunFailure> {
        let now = self.mailbox.now();
        self.check_limit(now)?;
        self.catch_up(now)?;
        if self.local.simulation.borrow().world().now() > now {
            // The world has converged meanwhile, and the clock has to follow.
            return Ok(false);
        }
        self.adopt_tasks();
        let has_moved = self.crash_processes(now) | self.restart_processes(now) | self.answer_requests();
        if has_moved | self.accept_requests() | self.converge()? {
            return Ok(true);
        }
        if let Some(failure) = self.local.failure.borrow_mut().take() {
            return Err(failure);
        }
        self.poll_one(now)
    }

    /// Runs the world up to `now`.
    fn catch_up(&self, now: Instant) -> Result<(), RunFailure> {
        let mut simulation = self.local.simulation.borrow_mut();
        let world = simulation.world();
        if world.now() < now || world.next_event_at().is_some_and(|at| at <= now) {
            simulation.run_until(now).map_err(violated)?;
        }
        for (at, node) in mem::take(&mut *self.local.stopped.borrow_mut()) {
            let (restart, words) = (Fault::restart(node), format!("{node:?} begins again"));
            simulation.world_mut().inject_at(at.after(RECOVERY), restart, words.into());
        }
        Ok(())
    }

    fn check_limit(&mut self, now: Instant) -> Result<(), RunFailure> {
        if now < Instant::START.after(self.limits.time_limit) {
            return Ok(());
        }
        // Tasks of tokio may have timers that wake no task here. Without any, a last jump tells a deadlock from a
        // timer that is merely late.
        let is_alone = Handle::current().metrics().num_alive_tasks() == 0 && self.open.is_empty();
        if is_alone && !self.is_beyond_limit && self.ready.is_empty() {
            self.is_beyond_limit = true;
            self.limit.as_mut().reset(self.mailbox.moment(now.after(FAR_FUTURE)));
            return Ok(());
        }
        if self.is_beyond_limit && self.ready.is_empty() && now < Instant::START.after(FAR_FUTURE) {
            return Ok(());
        }
        Err(match self.is_beyond_limit && self.ready.is_empty() {
            true => self.deadlock(),
            false => self.late(),
        })
    }

    fn deadlock(&self) -> RunFailure {
        let since = self.standstill.0;
        let message = format!(
            "every task waits since {}, and nothing that could wake one of them is under way",
            seconds(since)
        );
        RunFailure { waits: self.waits(), at: since, ..RunFailure::new(FailureKind::Deadlock, message) }
    }

    fn late(&self) -> RunFailure {
        let limit = Instant::START.after(self.limits.time_limit);
        let message = format!("the program has not ended within {} of virtual time", seconds(limit));
        RunFailure { waits: self.waits(), at: limit, ..RunFailure::new(FailureKind::TimeLimit, message) }
    }

    /// The tasks that have not ended, and the requests that are open.
    fn waits(&self) -> Vec<String> {
        let state = self.mailbox.state();
        let name = |owner: ProcessLife| state.processes[owner.process].name.clone();
        let task = |task: &LiveTask| match task.role {
            TaskRole::Main => format!("`{}`", task.name),
            TaskRole::Spawned => format!("`{}`, a task of `{}`", task.name, name(task.owner)),
        };
        let mut lines: Vec<String> = self.tasks.iter().flatten().map(task).collect();
        let requests = self.open.values().map(|it| (it, "no answer yet"));
        let unanswerable =
            self.unanswerable.iter().map(|it| (it, "its answer is lost, and no time-out ends it"));
        let open = requests.chain(unanswerable).filter(|(request, _)| !request.answer.is_closed());
        lines.extend(open.map(|(request, state)| request.line(&name(request.owner), state)));
        let others = Handle::current().metrics().num_alive_tasks();
        if others > 0 {
            lines.push(format!("{others} of the tasks of `tokio::spawn`"));
        }
        lines
    }

    fn adopt_tasks(&mut self) {
        for NewTask { name, owner, role, future } in mem::take(&mut *self.local.spawned.borrow_mut()) {
            let waker = self.ready.waker(self.tasks.len());
            waker.wake_by_ref();
            self.tasks.push(Some(LiveTask { name, owner, role, future, waker }));
        }
    }

    /// Stops the processes whose crash is due.
    fn crash_processes(&mut self, now: Instant) -> bool {
        let mut has_moved = false;
        loop {
            let first = self.local.crashes.borrow().first().copied().filter(|(at, _)| *at <= now);
            let Some(crash) = first else { return has_moved };
            self.local.crashes.borrow_mut().remove(&crash);
            has_moved = true;
            let crashed = ClientId(crash.1 as u32);
            let process = self.mailbox.state().processes.iter().position(|process| process.client == crashed);
            process.into_iter().for_each(|process| self.crash(process, crash.0));
        }
    }

    /// Drops the tasks of a process that crashed at `at`.
    fn crash(&mut self, process: usize, at: Instant) {
        let is_own = |task: &LiveTask| task.owner.process == process;
        let mut dropped: Vec<LiveTask> = Vec::new();
        for task in self.tasks.iter_mut().filter(|task| task.as_ref().is_some_and(is_own)) {
            dropped.extend(task.take());
        }
        let mut state = self.mailbox.state();
        let crashed = &mut state.processes[process];
        crashed.disk.crash(self.mailbox.seed, &crashed.name, crashed.life, at);
        let key = fingerprint(&(&*crashed.name, crashed.life));
        crashed.life += 1;
        crashed.sdk_clients = 0;
        crashed.partitions.clear();
        self.local.log.borrow_mut().add(LogEntry::Crashed(at, crashed.name.clone()));
        drop(state);
        // A process whose program has ended does not begin again.
        if dropped.iter().any(|task| task.role == TaskRole::Main) {
            let [min, max] = RESTART_PAUSE;
            let pause = between(self.mailbox.seed, Purpose::ProcessRestart, key, min, max);
            self.restarts.insert((at.after(pause), process));
        }
    }

    /// Begins the lives that are due.
    fn restart_processes(&mut self, now: Instant) -> bool {
        let due: Vec<_> = self.restarts.iter().copied().filter(|(at, _)| *at <= now).collect();
        for restart in &due {
            self.restarts.remove(restart);
            self.local.begin_life(restart.1);
        }
        !due.is_empty()
    }

    /// Lets the world converge if a task asks for it. That takes virtual time, and the clock follows.
    fn converge(&mut self) -> Result<bool, RunFailure> {
        let waiting = mem::take(&mut *self.local.converging.borrow_mut());
        if waiting.is_empty() {
            return Ok(false);
        }
        self.local.simulation.borrow_mut().converge(None).map_err(violated)?;
        // The task runs again when the clock has caught up with the world.
        for waiting in waiting {
            // The task may have been dropped since.
            let _ = waiting.send(());
        }
        Ok(true)
    }

    /// Polls one of the tasks that are ready.
    fn poll_one(&mut self, now: Instant) -> Result<bool, RunFailure> {
        let (polls, is_in_order, seed) = (self.polls, self.limits.is_in_order, self.mailbox.seed);
        let next = self.ready.take(|count| match count {
            1 => 0,
            _ if is_in_order => 0,
            _ => stream(seed, Purpose::Interleaving, polls).random_range(0..count),
        });
        let Some(index) = next else { return Ok(false) };
        self.polls += 1;
        self.standstill = if self.standstill.0 == now { (now, self.standstill.1 + 1) } else { (now, 1) };
        if self.standstill.1 > MOST_POLLS {
            let message = format!("tasks were polled {MOST_POLLS} times while no time passed");
            return Err(RunFailure {
                waits: self.waits(),
                ..RunFailure::new(FailureKind::Livelock, message)
            });
        }
        // The task may have ended, or crashed, since it was woken.
        let Some(mut task) = self.tasks[index].take() else { return Ok(true) };
        match task.future.as_mut().poll(&mut Context::from_waker(&task.waker)) {
            Poll::Pending => self.tasks[index] = Some(task),
            Poll::Ready(()) => self.local.log.borrow_mut().add(LogEntry::Ended(now, task.name)),
        }
        Ok(true)
    }

    /// Whether the run has ended.
    fn end(&mut self) -> Result<bool, RunFailure> {
        if !self.local.has_main_ended.get() {
            return Ok(false);
        }
        let is_left = |task: &&LiveTask| task.role == TaskRole::Spawned && task.owner.process == 0;
        let left = self.tasks.iter().flatten().find(is_left).map(|task| format!("the task `{}`", task.name));
        let others = Handle::current().metrics().num_alive_tasks();
        let left = left.or_else(|| (others > 0).then(|| "a task of `tokio::spawn`".to_owned()));
        let Some(left) = left.filter(|_| !self.limits.may_leave_tasks) else { return Ok(true) };
        let now = self.mailbox.now();
        // A task that is about to end is not forgotten.
        if now < *self.closes_at.get_or_insert(now.after(LAST_TASKS)) {
            return Ok(false);
        }
        let message =
            format!("the program has ended, and {left} goes on: is an `.await` of its handle missing?");
        Err(RunFailure { waits: self.waits(), ..RunFailure::new(FailureKind::LeftOver, message) })
    }

    /// Sets the timer to the next time at which something is due. Whether it is due already.
    fn is_due(&mut self, context: &mut Context<'_>) -> bool {
        let next = self.next_time();
        if next != self.armed {
            self.armed = next;
            next.into_iter().for_each(|at| self.timer.as_mut().reset(self.mailbox.moment(at)));
        }
        if next.is_some() && self.timer.as_mut().poll(context).is_ready() {
            self.armed = None;
            return true;
        }
        self.limit.as_mut().poll(context).is_ready()
    }

    /// The time of the next event that can wake a task.
    fn next_time(&self) -> Option<Instant> {
        let simulation = self.local.simulation.borrow();
        let world = simulation.world();
        let event = world.next_event_at().filter(|_| !self.open.is_empty());
        let ahead = Some(world.now()).filter(|at| *at > self.mailbox.now());
        let crash = self.local.crashes.borrow().first().map(|(at, _)| *at);
        let restart = self.restarts.first().map(|(at, _)| *at);
        // While the world is ahead of the clock, nothing else can happen.
        ahead.or_else(|| [event, crash, restart, self.closes_at].into_iter().flatten().min())
    }
}

/// The failure of a run that violates an invariant.
pub(super) fn violated(violation: Violation) -> RunFailure {
    let Violation { invariant, message, at } = violation;
    let message = format!("{invariant}: {message}");
    RunFailure { at, invariant: Some(invariant), ..RunFailure::new(FailureKind::Violation, message) }
}

/// Longer than any timer that a program waits for.
const FAR_FUTURE: Duration = Duration::from_secs(10 * 365 * 86_400);

/// The number of polls while no time passes, beyond which tasks only wake each other.
const MOST_POLLS: u64 = 1_000_000;

/// The virtual time for which tasks may go on when the program has ended.
const LAST_TASKS: Duration = Duration::from_secs(5);

/// The pause between a crash of a process and its next life.
const RESTART_PAUSE: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(10)];
