//! Processes that crash and begin again, and the handles on them and on tasks.

use std::fmt::{self, Debug};
use std::future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::Sim;
use super::local::{LocalWorld, NewTask, ProcessMain, TaskRole, current};
use super::mailbox::{Mailbox, ProcessLife};
use super::report::{FailureKind, RunFailure};

/// The result of a program: a failure, or not.
pub trait RunOutput {
    /// The description of the failure; `None` if the program succeeded.
    fn failure(self) -> Option<String>;
}

impl RunOutput for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<T, E: Debug> RunOutput for Result<T, E> {
    fn failure(self) -> Option<String> {
        self.err().map(|error| {
            let text = format!("{error:?}");
            // Errors of the SDK have the whole HTTP response in them.
            match text.char_indices().nth(LONGEST_ERROR) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            }
        })
    }
}

/// A task of [`Sim::spawn`](super::Sim::spawn); awaited, it has the task's result. The task goes on if the handle is
/// dropped.
///
/// If a crash of its process drops the task, the handle waits for ever.
#[must_use = "a program that ends before its tasks fails the run: await the handle, or pass it on"]
pub struct TaskHandle<T>(oneshot::Receiver<T>);

impl<T> TaskHandle<T> {
    pub(super) fn new() -> (oneshot::Sender<T>, TaskHandle<T>) {
        let (sender, receiver) = oneshot::channel();
        (sender, TaskHandle(receiver))
    }
}

impl<T> fmt::Debug for TaskHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle").finish_non_exhaustive()
    }
}

impl<T> Future for TaskHandle<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match pin!(&mut self.get_mut().0).poll(context) {
            Poll::Ready(Ok(result)) => Poll::Ready(result),
            // A crash has dropped the task.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

/// A process of [`Sim::process`](super::Sim::process). It goes on, and begins again after crashes, until its program
/// has ended or the run has.
#[derive(Debug)]
pub struct ProcessHandle(oneshot::Receiver<()>);

impl ProcessHandle {
    /// Waits until the program of the process has ended by itself, in whichever life.
    pub async fn ended(self) {
        if self.0.await.is_err() {
            // The run is over.
            future::pending::<()>().await;
        }
    }
}

/// Begins the process `name`, whose program is `main`.
#[track_caller]
pub(super) fn begin<F>(mailbox: &Arc<Mailbox>, name: &str, main: impl Fn(Sim) -> F + 'static) -> ProcessHandle
where
    F: Future + 'static,
    F::Output: RunOutput,
{
    let local = current();
    let process = local.process(name);
    let (ended, handle) = oneshot::channel();
    let ended = Rc::new(std::cell::Cell::new(Some(ended)));
    let label: Arc<str> = name.into();
    let begin_life: ProcessMain = Rc::new(move |sim: Sim| {
        let (ended, label, life) = (ended.clone(), label.clone(), main(sim));
        Box::pin(async move {
            match life.await.failure() {
                None => drop(ended.take().map(|ended| ended.send(()))),
                Some(error) => current().fail(RunFailure::new(
                    FailureKind::Error,
                    format!("the process `{label}` returned {error}"),
                )),
            }
        })
    });
    let mut mains = local.mains.borrow_mut();
    if mains.len() <= process {
        mains.resize(process + 1, None);
    }
    assert!(process != 0 && mains[process].is_none(), "the process `{name}` has begun already");
    mains[process] = Some(begin_life);
    drop(mains);
    local.begin_life(process);
    mailbox.wake();
    ProcessHandle(handle)
}

impl LocalWorld {
    /// Begins the next life of a process.
    pub(super) fn begin_life(&self, process: usize) {
        let main = self.mains.borrow().get(process).cloned().flatten();
        let Some(main) = main else { return };
        let state = self.mailbox.state();
        let (name, life) = (state.processes[process].name.clone(), state.processes[process].life);
        drop(state);
        let owner = ProcessLife { process, life };
        let future = main(Sim { mailbox: self.mailbox.clone(), owner });
        self.spawned.borrow_mut().push(NewTask { name, owner, role: TaskRole::Main, future });
    }
}

/// The number of characters of an error that are shown.
const LONGEST_ERROR: usize = 600;
