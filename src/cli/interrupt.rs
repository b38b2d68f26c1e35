//! Ctrl-C and SIGTERM: long work stops early, prints the results so far, and exits with the code of the signal.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The signal that interrupted the process, if one did. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// Handles signals from now on. The first is recorded; the second ends the process at once.
    ///
    /// # Errors
    /// The system refuses to install the signal handlers.
    pub(super) fn watch() -> io::Result<Interrupt> {
        let signal = Arc::new(AtomicUsize::new(0));
        let is_second = Arc::new(AtomicBool::new(false));
        for known in [SIGINT, SIGTERM] {
            // Actions run in the order in which they are registered: the first signal arms the shutdown of the second.
            flag::register_conditional_shutdown(known, SIGNAL_BASE + known, is_second.clone())?;
            flag::register(known, is_second.clone())?;
            flag::register_usize(known, signal.clone(), known.unsigned_abs() as usize)?;
        }
        Ok(Interrupt(signal))
    }

    /// Whether a signal has arrived.
    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// The exit code for the signal and its name; `None` before a signal.
    pub(super) fn code(&self) -> Option<(u8, &'static str)> {
        let signal = self.0.load(Ordering::Relaxed);
        let name = if signal == SIGTERM.unsigned_abs() as usize { "SIGTERM" } else { "SIGINT" };
        let code = u8::try_from(SIGNAL_BASE.unsigned_abs() as usize + signal).ok()?;
        (signal != 0).then_some((code, name))
    }
}

/// The number that shells add to that of a signal.
const SIGNAL_BASE: i32 = 128;
