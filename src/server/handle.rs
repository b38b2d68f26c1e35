//! The handle through which connections send commands to the world's thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::api::Request;
use crate::api::wire::Origin;
use crate::gateway::CallAnswer;
use crate::region::Region;

use super::driver::{Driver, ServerEnd};
use super::live_feed::EventQueue;
use super::request_log::SharedTime;
use super::views::StatePage;
use super::{ServerOptions, StartError};

/// Sends commands to the world's thread. Clones share the thread.
#[derive(Clone, Debug)]
pub(super) struct WorldHandle {
    commands: Sender<WorldCommand>,
    time: SharedTime,
    stop: StopFlag,
}

/// Whether the server is to end. It is set before [`WorldCommand::Stop`] is sent, to interrupt what takes long. Clones
/// share it.
#[derive(Clone, Debug, Default)]
pub(super) struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A request that becomes a call.
#[derive(Debug)]
pub(super) struct ClientRequest {
    pub(super) origin: Origin,
    pub(super) request: Request,
    /// The size of the request's body.
    pub(super) bytes: usize,
    /// The virtual time that the client waits for the answer, if it is not that of the server's options.
    pub(super) time_out: Option<Duration>,
}

/// The run that a reset begins.
#[derive(Clone, Debug, Default)]
pub(super) struct ResetOptions {
    /// The seed of every draw, if it is to be another one.
    pub(super) seed: Option<u64>,
    /// The faults of the run.
    pub(super) faults: Option<ResetFaults>,
}

/// The faults of a run.
#[derive(Clone, Debug)]
pub(super) enum ResetFaults {
    /// Random faults that the seed draws, about these Regions.
    Swarm(Vec<Region>),
    /// Lines of fault verbs.
    Text(String),
}

/// A change of the clock. An empty one reads it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClockChange {
    /// Whether virtual time is to stand still, where it passes with the wall clock.
    pub(super) is_paused: Option<bool>,
    /// Virtual seconds per second, from 1 to [`MOST_SPEED`](super::MOST_SPEED).
    pub(super) speed: Option<u32>,
    /// Whether the next event is to happen now.
    pub(super) steps: bool,
}

/// A command for the world's thread. Each carries the channel for its answer, except `Stop`.
#[derive(Debug)]
pub(super) enum WorldCommand {
    /// A request of a client.
    Call { call: ClientRequest, answer: oneshot::Sender<CallAnswer> },
    /// Lines of fault verbs to inject now or at their times.
    Fault { text: String, answer: oneshot::Sender<Result<Value, String>> },
    /// Virtual time to skip.
    Advance { pause: Duration, answer: oneshot::Sender<Result<Value, String>> },
    /// Changes the clock, and reads it.
    Clock { change: ClockChange, answer: oneshot::Sender<Result<Value, String>> },
    /// Starts the world again. Pending calls end without an answer.
    Reset { options: ResetOptions, answer: oneshot::Sender<Result<Value, String>> },
    /// Ends the run: heals the world, which must converge, and reads the verdict.
    EndRun { answer: oneshot::Sender<Result<Value, String>> },
    /// Reads the active faults.
    Faults { answer: oneshot::Sender<Value> },
    /// Reads a page of the clusters of every Region.
    State { page: StatePage, answer: oneshot::Sender<Value> },
    /// Reads the latest trace lines.
    Trace { answer: oneshot::Sender<Value> },
    /// Reads the violations so far.
    Verdict { answer: oneshot::Sender<Value> },
    /// Reads the least policies so far.
    Permissions { answer: oneshot::Sender<Value> },
    /// Reads the run so far as a scenario.
    Scenario { answer: oneshot::Sender<Result<String, String>> },
    /// Sends the picture of the world from now on.
    Watch { answer: oneshot::Sender<Result<EventQueue, String>> },
    /// Ends the thread once every pending call has ended.
    Stop,
}

/// The thread that owns the world.
pub(super) struct WorldThread {
    thread: JoinHandle<Result<ServerEnd, StartError>>,
    /// Closed when the thread ends, in whatever way: the thread holds the sender.
    running: oneshot::Receiver<()>,
}

/// Starts the thread of the world that `options` describe, and waits until the world is ready for commands.
///
/// # Errors
/// The world could not be created.
pub(super) fn open(options: &ServerOptions) -> Result<(WorldHandle, WorldThread), StartError> {
    let (sender, receiver): (_, Receiver<WorldCommand>) = mpsc::channel();
    let (ready, is_ready) = mpsc::channel();
    let (alive, running) = oneshot::channel();
    let (options, time, stop) = (options.clone(), SharedTime::default(), StopFlag::default());
    let (shown, stops) = (time.clone(), stop.clone());
    // A world is not `Send`, so the thread that runs it also creates it.
    let thread = thread::spawn(move || {
        let _alive = alive;
        let driver = Driver::new(options, shown, stops)?;
        let _ = ready.send(());
        driver.run(&receiver)
    });
    match is_ready.recv() {
        Ok(()) => Ok((WorldHandle { commands: sender, time, stop }, WorldThread { thread, running })),
        Err(_) => Err(WorldThread { thread, running }.join().err().unwrap_or(StartError::Panicked)),
    }
}

impl WorldThread {
    /// Waits until the thread ends, after a command or by itself.
    pub(super) async fn ends(&mut self) {
        // No message is ever sent: the wait ends with an error when the sender is dropped.
        let _ = (&mut self.running).await;
    }

    /// Waits for the thread's result.
    pub(super) fn join(self) -> Result<ServerEnd, StartError> {
        self.thread.join().unwrap_or(Err(StartError::Panicked))
    }
}

impl WorldHandle {
    /// The virtual time of the world, which goes on.
    pub(super) fn time(&self) -> SharedTime {
        self.time.clone()
    }

    /// Makes `call`, and waits for its answer.
    pub(super) async fn call(&self, call: ClientRequest) -> CallAnswer {
        self.request(|answer| WorldCommand::Call { call, answer }).await.flatten()
    }

    /// Injects the faults in `text`, lines of the scenario language. The answer is the virtual time, or the errors of
    /// the text; then no fault is injected.
    pub(super) async fn fault(&self, text: String) -> Option<Result<Value, String>> {
        self.request(|answer| WorldCommand::Fault { text, answer }).await
    }

    /// Advances virtual time by `pause` at once. The answer is the virtual time, or an error beyond the end of time.
    pub(super) async fn advance(&self, pause: Duration) -> Option<Result<Value, String>> {
        self.request(|answer| WorldCommand::Advance { pause, answer }).await
    }

    /// Changes the clock. The answer is its state then, or the reason why it cannot change so.
    pub(super) async fn clock(&self, change: ClockChange) -> Option<Result<Value, String>> {
        self.request(|answer| WorldCommand::Clock { change, answer }).await
    }

    /// Starts the world again from its scenario. Pending calls end without an answer. The answer has the seed and the
    /// faults, or the errors of their text; then the world is left as it is.
    pub(super) async fn reset(&self, options: ResetOptions) -> Option<Result<Value, String>> {
        self.request(|answer| WorldCommand::Reset { options, answer }).await
    }

    /// Ends the run. The answer is its verdict, or the reason why it cannot end.
    pub(super) async fn end_run(&self) -> Option<Result<Value, String>> {
        self.request(|answer| WorldCommand::EndRun { answer }).await
    }

    /// The active faults.
    pub(super) async fn faults(&self) -> Option<Value> {
        self.request(|answer| WorldCommand::Faults { answer }).await
    }

    /// A page of the clusters of every Region.
    pub(super) async fn state(&self, page: StatePage) -> Option<Value> {
        self.request(|answer| WorldCommand::State { page, answer }).await
    }

    /// The latest lines of the trace.
    pub(super) async fn trace(&self) -> Option<Value> {
        self.request(|answer| WorldCommand::Trace { answer }).await
    }

    /// The violations of invariants so far.
    pub(super) async fn verdict(&self) -> Option<Value> {
        self.request(|answer| WorldCommand::Verdict { answer }).await
    }

    /// The least policies for the calls so far.
    pub(super) async fn permissions(&self) -> Option<Value> {
        self.request(|answer| WorldCommand::Permissions { answer }).await
    }

    /// The run so far as a scenario, or the reason why there is none.
    pub(super) async fn scenario(&self) -> Option<Result<String, String>> {
        self.request(|answer| WorldCommand::Scenario { answer }).await
    }

    /// The picture of the world and its changes from now on, or the reason why there are none.
    pub(super) async fn watch(&self) -> Option<Result<EventQueue, String>> {
        self.request(|answer| WorldCommand::Watch { answer }).await
    }

    /// Ends the world's thread once every pending call has ended.
    pub(super) fn stop(&self) {
        self.stop.0.store(true, Ordering::Relaxed);
        // If the channel is closed, the thread has ended already.
        let _ = self.commands.send(WorldCommand::Stop);
    }

    /// Sends a command and waits for its answer; `None` if the thread has ended.
    async fn request<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> WorldCommand) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        self.commands.send(command(sender)).ok()?;
        receiver.await.ok()
    }
}
