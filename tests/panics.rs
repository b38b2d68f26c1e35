//! What a panic does to the command line. It takes a process of its own, for it is the end of one: this program runs
//! itself again, and panics there.

use std::env;
use std::io;
use std::process::{Command, ExitCode};
use std::thread;

use dsql_sim::internals::cli::exit;
use libtest2_mimic::{RunContext, RunError, Trial};

/// The argument of the process that panics.
const PANIC: &str = "panic";

fn main() -> ExitCode {
    if env::args().nth(1).as_deref() == Some(PANIC) {
        return panic_on_another_thread();
    }
    let name = "a_panic_on_any_thread_ends_the_process_with_the_code_of_a_bug";
    let test = |_: RunContext<'_>| ends_with_the_code_of_a_bug().map_err(RunError::with_cause);
    dsql_sim::internals::suite::run_trials([Trial::test(name, test)])
}

fn ends_with_the_code_of_a_bug() -> io::Result<()> {
    let ended = Command::new(env::current_exe()?).arg(PANIC).output()?;
    assert_eq!(ended.status.code(), Some(i32::from(exit::BUG)));
    let report = String::from_utf8_lossy(&ended.stderr);
    assert!(report.contains("a bug, planted"), "{report}");
    Ok(())
}

/// Exits with 0 if the panic ends nothing but its thread.
fn panic_on_another_thread() -> ExitCode {
    exit::with_code_on_panic();
    let _ = thread::spawn(|| panic!("a bug, planted")).join();
    ExitCode::SUCCESS
}
