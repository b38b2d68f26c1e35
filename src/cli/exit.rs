//! The exit codes, and the panic hook that sets the code of a bug.

use std::{panic, process};

use crate::scenario::run::{Failure, PANIC};

/// Every invariant, expectation and recorded trace held.
pub const PASS: u8 = 0;

/// An invariant, an expectation or a recorded trace did not hold; or, with `--strict`, a scenario tested less than it
/// says.
pub const FAILED: u8 = 1;

/// Bad usage, or a file that cannot be read or is not a scenario. Nothing was run.
pub const BAD_INPUT: u8 = 2;

/// Two runs of one seed differed.
pub const NOT_DETERMINISTIC: u8 = 3;

/// A file could not be written while it was served: the data directory or the recording, as when the disk is full.
pub const NOT_WRITTEN: u8 = 4;

// A search that a signal interrupts exits with 128 plus the number of the signal (`interrupt.rs`).

/// A bug of dsql-sim itself: it panicked.
pub const BUG: u8 = 101;

/// The code of a run with this failure.
pub(super) fn of(failure: Option<&Failure>) -> u8 {
    match failure {
        None => PASS,
        Some(failure) if failure.invariant == PANIC => BUG,
        Some(_) => FAILED,
    }
}

/// The exit codes as the help prints them.
pub const HELP: &str = "Exit codes:
  0    every invariant, expectation and recorded trace held
  1    one of them did not, or a scenario tested less than it says (--strict)
  2    bad usage or a bad file; nothing was run
  3    two runs of one seed differed
  4    the data directory or the recording of a server could not be written, as when the disk is full
  101  a bug of dsql-sim itself
  130  interrupted by Ctrl-C; the results so far are printed
  143  interrupted by SIGTERM; the results so far are printed";

/// Ends the process with [`BUG`] when a thread panics, except where the panic is caught as the failure of a scenario
/// (`scenario/panic.rs`).
pub fn with_code_on_panic() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        print(info);
        // Without this, a panic on a worker thread would leave the main thread waiting for its result.
        process::exit(BUG.into());
    }));
}
