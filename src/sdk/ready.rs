//! The tasks that are ready to run, and the wakers that make them so.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// The tasks that are ready, in the order in which they woke.
#[derive(Debug, Default)]
pub(super) struct ReadyTasks {
    state: Mutex<ReadyState>,
}

#[derive(Debug, Default)]
struct ReadyState {
    tasks: Vec<Arc<TaskWaker>>,
    /// The executor, while it waits.
    executor: Option<Waker>,
}

/// Wakes one task.
#[derive(Debug)]
struct TaskWaker {
    task: usize,
    is_queued: AtomicBool,
    ready: Arc<ReadyTasks>,
}

impl ReadyTasks {
    /// The waker of the task with this index.
    pub(super) fn waker(self: &Arc<Self>, task: usize) -> Waker {
        Arc::new(TaskWaker { task, is_queued: AtomicBool::new(false), ready: self.clone() }).into()
    }

    /// Sets the waker of the executor, which a task that wakes needs.
    pub(super) fn listen(&self, executor: &Waker) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.executor.as_ref().is_some_and(|known| known.will_wake(executor)) {
            state.executor = Some(executor.clone());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).tasks.is_empty()
    }

    /// Takes the task that `choose` picks out of so many.
    pub(super) fn take(&self, choose: impl FnOnce(usize) -> usize) -> Option<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.tasks.is_empty() {
            return None;
        }
        let index = choose(state.tasks.len());
        let taken = state.tasks.remove(index);
        drop(state);
        taken.is_queued.store(false, Ordering::Relaxed);
        Some(taken.task)
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if self.is_queued.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut state = self.ready.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tasks.push(self.clone());
        let executor = state.executor.clone();
        drop(state);
        executor.into_iter().for_each(Waker::wake);
    }
}
