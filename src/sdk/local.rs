//! What only the thread of the simulation holds: the world, and the tasks that are to begin.
//!
//! A [`Sim`](super::Sim) can be sent to any task, and a world cannot. So a handle finds the world through its thread.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::check::Simulation;
use crate::scenario::SetUp;
use crate::sim::client::ClientOptions;
use crate::types::{Instant, NodeId};

use super::Sim;
use super::mailbox::{Mailbox, ProcessLife};
use super::report::RunFailure;
use super::run_log::RunLog;

/// The state of a run on its thread.
pub(super) struct LocalWorld {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) simulation: RefCell<Simulation>,
    /// The set-up, with every process so far as a client.
    pub(super) set_up: RefCell<SetUp>,
    /// Tasks that the program has spawned and the executor has not seen.
    pub(super) spawned: RefCell<Vec<NewTask>>,
    /// The function of each process, by its index.
    pub(super) mains: RefCell<Vec<Option<ProcessMain>>>,
    /// The crashes of processes to come: the time, and the index of the process.
    pub(super) crashes: RefCell<BTreeSet<(Instant, usize)>>,
    /// Nodes that have stopped since the world last moved, and are to begin again by themselves.
    pub(super) stopped: Rc<RefCell<Vec<(Instant, NodeId)>>>,
    /// The number of faults that the program has injected.
    pub(super) injected: Cell<u64>,
    /// Those who wait for the world to converge.
    pub(super) converging: RefCell<Vec<oneshot::Sender<()>>>,
    /// Whether the program of the test has ended.
    pub(super) has_main_ended: Cell<bool>,
    /// The virtual time at which the program ended.
    pub(super) ended_at: Cell<Instant>,
    /// The failure that a task has met.
    pub(super) failure: RefCell<Option<RunFailure>>,
    pub(super) log: RefCell<RunLog>,
}

/// A future without a result, on this thread.
pub(super) type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

/// Begins a life of a process.
pub(super) type ProcessMain = Rc<dyn Fn(Sim) -> LocalFuture>;

/// A task to begin.
pub(super) struct NewTask {
    pub(super) name: Arc<str>,
    pub(super) owner: ProcessLife,
    pub(super) role: TaskRole,
    pub(super) future: LocalFuture,
}

/// The role of a task in its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskRole {
    /// The program of the test, or the function of a process.
    Main,
    /// A task that another one has spawned.
    Spawned,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<LocalWorld>>> = const { RefCell::new(None) };
}

/// Makes `local` the world of this thread, until [`leave`].
pub(super) fn enter(local: Rc<LocalWorld>) {
    CURRENT.set(Some(local));
}

/// Ends what [`enter`] began.
pub(super) fn leave() {
    CURRENT.set(None);
}

/// The world of this thread.
///
/// # Panics
/// This thread has none: the run is over, or the program began another thread.
#[track_caller]
pub(super) fn current() -> Rc<LocalWorld> {
    let current = CURRENT.with_borrow(Clone::clone);
    current.expect(
        "the simulated world is on the thread of its seed, and only while that seed runs: use `Sim` in tasks, not in \
         other threads",
    )
}

impl LocalWorld {
    /// The index of the process `name`. One that is new calls as a new client of the world.
    pub(super) fn process(&self, name: &str) -> usize {
        let known = self.mailbox.state().process_called(name);
        known.unwrap_or_else(|| {
            let mut set_up = self.set_up.borrow_mut();
            let first = set_up.clients.first().cloned().unwrap_or_default();
            let options = ClientOptions { name: name.into(), ..first };
            set_up.clients.push(options.clone());
            let client = self.simulation.borrow_mut().world_mut().add_client(options);
            self.mailbox.state().add_process(name.into(), client).process
        })
    }

    /// Records the failure of a task. The first one counts.
    pub(super) fn fail(&self, failure: RunFailure) {
        self.failure.borrow_mut().get_or_insert(failure);
    }
}
