//! Ctrl-C and SIGTERM: long work ends with what it has done, and its exit code says that it was not all.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether a signal asked the process to end. Clones see the same signal.
#[derive(Clone, Debug)]
pub(super) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Takes note of signals from now on. The second one ends the process at once.
    ///
    /// # Errors
    /// The system does not let this process handle them.
    pub(super) fn watch() -> io::Result<Interrupt> {
        let signal = Arc::new(AtomicUsize::new(0));
        let is_second = Arc::new(AtomicBool::new(false));
        for known in [SIGINT, SIGTERM] {
            // Actions run in the order in which they are registered: the first signal arms the shutdown of the second.
            flag::register_conditional_shutdown(known, CODE_OF_NONE + known, is_second.clone())?;
            flag::register(known, is_second.clone())?;
            flag::register_usize(known, signal.clone(), known.unsigned_abs() as usize)?;
        }
        Ok(Interrupt(signal))
    }

    /// Whether the process was asked to end.
    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// The exit code of a process that a signal ended, and the signal's name.
    pub(super) fn code(&self) -> Option<(u8, &'static str)> {
        let signal = self.0.load(Ordering::Relaxed);
        let name = if signal == SIGTERM.unsigned_abs() as usize { "SIGTERM" } else { "SIGINT" };
        let code = u8::try_from(CODE_OF_NONE.unsigned_abs() as usize + signal).ok()?;
        (signal != 0).then_some((code, name))
    }
}

/// What shells add to a signal's number.
const CODE_OF_NONE: i32 = 128;
