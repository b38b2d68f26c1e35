//! The exit codes, and how a panic gets its own.

use std::{panic, process};

/// Everything that must hold held.
pub const PASS: u8 = 0;

/// Something that must hold did not: an invariant, an expectation, a recorded trace, or, where it must, that a scenario
/// tests what it says (`--strict`).
pub const FAILED: u8 = 1;

/// Bad usage, or a file that cannot be read or is no scenario. Nothing was run.
pub const BAD_INPUT: u8 = 2;

/// Two runs of one seed differed.
pub const NOT_DETERMINISTIC: u8 = 3;

// A search that a signal interrupts ends with 128 and the signal's number (`interrupt.rs`).

/// A bug of dsql-sim itself: it panicked.
pub const BUG: u8 = 101;

/// What the help says of them.
pub const HELP: &str = "Exit codes:
  0    everything that must hold held
  1    something that must hold did not, or a scenario tested less than it says (--strict)
  2    bad usage or a bad file; nothing was run
  3    two runs of one seed differed
  101  a bug of dsql-sim itself
  130  interrupted by Ctrl-C: what was done is printed, and it was not all
  143  the same by SIGTERM";

/// Lets a panic end the process with [`BUG`], on whatever thread it comes, unless it is caught as the failure of a
/// scenario (`scenario/panic.rs`).
pub fn with_code_on_panic() {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |what| {
        tell(what);
        process::exit(BUG.into());
    }));
}
