//! The desk at which others ask the world for something.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::api::wire::Origin;
use crate::api::{Error, Request, Response};

use super::driver::{Driver, ServerEnd};
use super::{ServerOptions, StartError};

/// How a call ended: with the service's answer, or with none, as when it was lost.
pub(super) type CallAnswer = Option<Result<Arc<Response>, Arc<Error>>>;

/// Where others ask the world for something.
#[derive(Clone, Debug)]
pub(super) struct WorldHandle(Sender<WorldCommand>);

/// What is asked of the world.
#[derive(Debug)]
pub(super) enum WorldCommand {
    Call { origin: Origin, request: Request, bytes: usize, answer: oneshot::Sender<CallAnswer> },
    Fault { text: String, answer: oneshot::Sender<Result<Value, String>> },
    Advance { pause: Duration, answer: oneshot::Sender<Value> },
    Reset { answer: oneshot::Sender<Value> },
    State { answer: oneshot::Sender<Value> },
    Trace { answer: oneshot::Sender<Value> },
    Verdict { answer: oneshot::Sender<Value> },
    Permissions { answer: oneshot::Sender<Value> },
    Stop,
}

/// The thread that owns the world.
pub(super) struct WorldThread {
    thread: JoinHandle<Result<ServerEnd, StartError>>,
    /// Dropped by the thread in the end.
    at_work: oneshot::Receiver<()>,
}

/// Opens the desk, with the world that `options` ask for behind it.
///
/// # Errors
/// There is no such world.
pub(super) fn open(options: &ServerOptions) -> Result<(WorldHandle, WorldThread), StartError> {
    let (sender, receiver): (_, Receiver<WorldCommand>) = mpsc::channel();
    let (begun, has_begun) = mpsc::channel();
    let (working, at_work) = oneshot::channel();
    let options = options.clone();
    // A world stays on the thread that it was made on.
    let thread = thread::spawn(move || {
        let _working = working;
        let keeper = Driver::new(options)?;
        let _ = begun.send(());
        keeper.keep(&receiver)
    });
    match has_begun.recv() {
        Ok(()) => Ok((WorldHandle(sender), WorldThread { thread, at_work })),
        Err(_) => Err(WorldThread { thread, at_work }.join().err().unwrap_or(StartError::Panicked)),
    }
}

impl WorldThread {
    /// Waits until the world has ended, be it by itself.
    pub(super) async fn ends(&mut self) {
        // Nothing is ever sent.
        let _ = (&mut self.at_work).await;
    }

    /// What came of it.
    pub(super) fn join(self) -> Result<ServerEnd, StartError> {
        self.thread.join().unwrap_or(Err(StartError::Panicked))
    }
}

impl WorldHandle {
    /// Makes a call of a request that came in so many bytes, and waits for its end.
    pub(super) async fn call(&self, origin: Origin, request: Request, bytes: usize) -> CallAnswer {
        self.ask(|answer| WorldCommand::Call { origin, request, bytes, answer }).await.flatten()
    }

    /// Carries out fault verbs of the scenario language; says when, or what is wrong with them.
    pub(super) async fn fault(&self, text: String) -> Option<Result<Value, String>> {
        self.ask(|answer| WorldCommand::Fault { text, answer }).await
    }

    /// Lets virtual time pass at once.
    pub(super) async fn advance(&self, pause: Duration) -> Option<Value> {
        self.ask(|answer| WorldCommand::Advance { pause, answer }).await
    }

    /// Begins anew. Calls under way end without an answer.
    pub(super) async fn reset(&self) -> Option<Value> {
        self.ask(|answer| WorldCommand::Reset { answer }).await
    }

    /// The clusters of every Region.
    pub(super) async fn state(&self) -> Option<Value> {
        self.ask(|answer| WorldCommand::State { answer }).await
    }

    /// The last lines of the trace.
    pub(super) async fn trace(&self) -> Option<Value> {
        self.ask(|answer| WorldCommand::Trace { answer }).await
    }

    /// What held so far.
    pub(super) async fn verdict(&self) -> Option<Value> {
        self.ask(|answer| WorldCommand::Verdict { answer }).await
    }

    /// What calls needed so far.
    pub(super) async fn permissions(&self) -> Option<Value> {
        self.ask(|answer| WorldCommand::Permissions { answer }).await
    }

    /// Ends the world's thread, after the calls under way.
    pub(super) fn stop(&self) {
        // A thread that is gone has stopped.
        let _ = self.0.send(WorldCommand::Stop);
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> WorldCommand) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        self.0.send(order(sender)).ok()?;
        receiver.await.ok()
    }
}
