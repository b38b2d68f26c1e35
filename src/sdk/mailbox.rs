//! The mailbox: what the clients of the SDK and the executor share.
//!
//! The SDK's traits demand `Send` and `Sync`, and a world has neither. So a client never touches the world. It puts
//! its request into the mailbox and waits; the executor takes the requests out between two polls of the program's
//! tasks.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::{self, ThreadId};
use std::time::Duration;

use aws_sdk_dsql::config::retry::RetryPartition;
use tokio::sync::oneshot;

use crate::api::wire::HttpResponse;
use crate::map::FixedMap;
use crate::types::{ClientId, Instant, Timestamp};

use super::disk::DiskContents;

/// Shared by the executor and by every client of a run.
#[derive(Debug)]
pub(super) struct Mailbox {
    /// The seed of the run.
    pub(super) seed: u64,
    /// The wall-clock time at virtual time 0.
    pub(super) epoch: Timestamp,
    /// The duration of a write to the disk of a process.
    pub(super) disk_time: Duration,
    thread: ThreadId,
    started: tokio::time::Instant,
    /// The virtual time as the executor last saw it, in nanoseconds: what other threads see.
    seen: AtomicU64,
    is_over: AtomicBool,
    state: Mutex<MailboxState>,
}

/// The contents of a mailbox.
#[derive(Debug, Default)]
pub(super) struct MailboxState {
    requests: VecDeque<WireRequest>,
    executor: Option<Waker>,
    /// The processes, in the order of their beginnings; the first is `main`.
    pub(super) processes: Vec<ProcessState>,
}

/// A process: a client of the world that may crash and begin again.
#[derive(Debug)]
pub(super) struct ProcessState {
    pub(super) name: Arc<str>,
    /// The client of the world as which the process calls.
    pub(super) client: ClientId,
    /// The number of crashes so far.
    pub(super) life: u32,
    /// The number of requests in all lives, by which draws are keyed.
    pub(super) requests: u64,
    /// The number of SDK clients in this life.
    pub(super) sdk_clients: u64,
    /// The retry quota of this life, by Region, as a process has it.
    pub(super) partitions: FixedMap<String, RetryPartition>,
    /// The clients of the world for credentials other than the usual ones, by access key id.
    pub(super) other_keys: FixedMap<String, ClientId>,
    pub(super) disk: DiskContents,
}

/// A life of a process. What belongs to an earlier life no longer reaches the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ProcessLife {
    /// The index of the process.
    pub(super) process: usize,
    pub(super) life: u32,
}

/// An HTTP request of a client, with the channel for its answer.
#[derive(Debug)]
pub(super) struct WireRequest {
    pub(super) owner: ProcessLife,
    pub(super) method: String,
    /// The address: scheme, host, path and query.
    pub(super) uri: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) connect_time_out: Option<Duration>,
    pub(super) read_time_out: Option<Duration>,
    pub(super) answer: oneshot::Sender<WireAnswer>,
}

/// What a client gets for a request.
#[derive(Debug)]
pub(super) enum WireAnswer {
    /// The response of the service.
    Response(HttpResponse),
    /// The connection broke without a response. The SDK retries.
    Broken(&'static str),
    /// A time-out of the client's own configuration passed.
    TimedOut(&'static str),
}

impl Mailbox {
    /// A mailbox for a run that begins now, on this thread and in its runtime.
    pub(super) fn new(seed: u64, epoch: Timestamp, disk_time: Duration) -> Mailbox {
        Mailbox {
            seed,
            epoch,
            disk_time,
            thread: thread::current().id(),
            started: tokio::time::Instant::now(),
            seen: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// The virtual time. There is one clock, that of the paused runtime: a task which a timer of tokio has woken must
    /// not see the time of the last event of the world.
    pub(super) fn now(&self) -> Instant {
        // Outside of the run, the clock of tokio is the real one.
        if self.is_over.load(Ordering::Relaxed) || !self.is_own_thread() {
            return Instant(self.seen.load(Ordering::Relaxed));
        }
        let now = Instant::START.after(tokio::time::Instant::now().duration_since(self.started));
        self.seen.store(now.0, Ordering::Relaxed);
        now
    }

    /// The moment of tokio's clock that is `at` rounded up to a whole millisecond, the resolution of tokio's timers.
    pub(super) fn moment(&self, at: Instant) -> tokio::time::Instant {
        let whole = at.0.div_ceil(MILLISECOND).saturating_mul(MILLISECOND).min(LATEST.0);
        self.started + Duration::from_nanos(whole)
    }

    /// Whether the caller runs on the thread of the simulation.
    pub(super) fn is_own_thread(&self) -> bool {
        thread::current().id() == self.thread
    }

    /// Ends the run: the time stands still from now on.
    pub(super) fn close(&self) {
        self.now();
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// The contents. A panic of the program poisons the lock and leaves them as good as before.
    pub(super) fn state(&self) -> MutexGuard<'_, MailboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request to the executor.
    pub(super) fn send(&self, request: WireRequest) {
        self.state().requests.push_back(request);
        self.wake();
    }

    /// Lets the executor run once more before time passes.
    pub(super) fn wake(&self) {
        let waker = self.state().executor.clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Sets the waker of the executor.
    pub(super) fn listen(&self, waker: &Waker) {
        let mut state = self.state();
        if !state.executor.as_ref().is_some_and(|known| known.will_wake(waker)) {
            state.executor = Some(waker.clone());
        }
    }

    /// Takes the requests that have come in.
    pub(super) fn take_requests(&self) -> VecDeque<WireRequest> {
        mem::take(&mut self.state().requests)
    }

    /// Whether this life of its process goes on.
    pub(super) fn is_alive(&self, owner: ProcessLife) -> bool {
        self.state().processes[owner.process].life == owner.life
    }
}

impl MailboxState {
    /// Adds the process `name`, which calls as `client`, and returns its first life.
    pub(super) fn add_process(&mut self, name: Arc<str>, client: ClientId) -> ProcessLife {
        self.processes.push(ProcessState {
            name,
            client,
            life: 0,
            requests: 0,
            sdk_clients: 0,
            partitions: FixedMap::default(),
            other_keys: FixedMap::default(),
            disk: DiskContents::default(),
        });
        ProcessLife { process: self.processes.len() - 1, life: 0 }
    }

    /// The index of the process called `name`.
    pub(super) fn process_called(&self, name: &str) -> Option<usize> {
        self.processes.iter().position(|process| *process.name == *name)
    }
}

const MILLISECOND: u64 = 1_000_000;

/// The latest time for which a timer is set: tokio's own timers end after some years.
const LATEST: Instant = Instant(20 * 365 * 86_400 * 1_000_000_000);
