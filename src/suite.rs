//! `scenario_suite!`: the scenario files of a user's crate as its tests.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest2_mimic::{Harness, RunError, Trial};

use crate::console::{failure, files, run_page};
use crate::explain::explanation::Explanation;
use crate::scenario::run::{STRICT, run, run_with_history};
use crate::sim::trace::TraceLevel;

/// Defines `main` of a test target with one test for each scenario file below a folder, named by its path. All options
/// of `cargo test` work: filters, `--list`, threads.
///
/// A file fails if an expectation or an invariant does not hold, or if its trace is not the recorded one. With
/// `REWRITE=1` in the environment, and without `CI`, the traces are recorded anew. With `DSQL_SIM_REPORT=DIR`, the page
/// of each failed run is written into that folder. The folder is relative to the
/// package, where `cargo test` runs tests.
///
/// ```no_run
/// // tests/scenarios.rs, with `harness = false` in Cargo.toml
/// dsql_sim::scenario_suite!("scenarios");
/// # // The macro makes `main`.
/// ```
///
/// With `strict` after the folder, a file that tests less than it says fails too, as with `dsql-sim run --strict`:
///
/// ```no_run
/// dsql_sim::scenario_suite!("scenarios", strict);
/// ```
#[macro_export]
macro_rules! scenario_suite {
    ($folder:literal) => {
        fn main() -> ::std::process::ExitCode {
            $crate::suite($folder, false)
        }
    };
    ($folder:literal, strict) => {
        fn main() -> ::std::process::ExitCode {
            $crate::suite($folder, true)
        }
    };
}

/// Runs the tests of the scenario files below `folder`. [`scenario_suite!`](crate::scenario_suite) expands to a call of
/// this function. If `is_strict`, a file that tests less than it says fails.
#[must_use]
pub fn suite(folder: &str, is_strict: bool) -> ExitCode {
    let paths = match files::find(Path::new(folder)) {
        Ok(paths) => paths,
        Err(message) => {
            let _ = write!(io::stderr(), "{message}");
            return ExitCode::from(BAD_INPUT);
        }
    };
    run_trials(paths.into_iter().map(|path| trial(folder, path, is_strict)))
}

/// Runs `trials` with the arguments of the process, and exits.
pub fn run_trials(trials: impl IntoIterator<Item = Trial>) -> ! {
    let (options, arguments): (Vec<OsString>, Vec<OsString>) =
        std::env::args_os().partition(|argument| HANDLED.iter().any(|handled| argument == handled));
    // No trial is ignored: the list of those that are, which cargo-nextest asks for, is empty.
    let is_wanted = !options.iter().any(|option| option == IGNORED);
    Harness::with_args(arguments).discover(trials.into_iter().filter(|_| is_wanted)).main()
}

fn trial(folder: &str, path: PathBuf, is_strict: bool) -> Trial {
    let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
    Trial::test(name, move |_| replays(&path, is_strict).map_err(RunError::fail))
}

fn replays(path: &Path, is_strict: bool) -> Result<(), String> {
    let file = files::read_one(path, false)?;
    let report = run(&file.scenario, None, file.scenario.set_up.trace);
    let vacuous = report.strict(&file.scenario).filter(|_| is_strict);
    if is_rewriting() && report.failure.is_none() && vacuous.is_none() {
        let written = fs::write(path, report.rewrite(&file.scenario));
        return written.map_err(|error| format!("cannot write {}: {error}", file.path));
    }
    let difference = || report.difference(&file.scenario);
    let Some(failure) = report.failure.clone().or(vacuous).or_else(difference) else {
        return Ok(());
    };
    let mut text = Vec::new();
    let written = if failure.invariant == STRICT {
        let warnings = report.warnings(&file.scenario);
        failure::vacuous(&file, report.seed, &failure, &warnings, &mut text)
    } else {
        let again = run_with_history(&file.scenario, None, TraceLevel::None);
        let explanation = Explanation::of(&file.scenario, &again);
        let written = failure::failed(&file, &report, &failure, explanation.as_ref(), false, &mut text);
        written.and_then(|()| match folder_of_pages() {
            None => Ok(()),
            Some(folder) => {
                let page = run_page::write_failed(&folder, &file, &again, &failure, explanation.as_ref())?;
                writeln!(text, "  page: {}", page.display())
            }
        })
    };
    written.map_err(|error| error.to_string())?;
    Err(anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string())
}

/// Whether traces are recorded anew: only at a person's request. A CI job that recorded traces would accept any change.
fn is_rewriting() -> bool {
    variable("REWRITE").is_some() && variable("CI").is_none()
}

/// The folder for the pages of failed runs, if one is named.
fn folder_of_pages() -> Option<PathBuf> {
    variable("DSQL_SIM_REPORT").map(PathBuf::from)
}

fn variable(name: &str) -> Option<OsString> {
    #[expect(
        clippy::disallowed_methods,
        reason = "an adapter: the environment is how a person passes options to a test"
    )]
    std::env::var_os(name)
}

/// Options that the harness does not know. It captures no output, so that all but the first are always on.
const HANDLED: [&str; 4] = [IGNORED, "--nocapture", "--no-capture", "--show-output"];

/// The option that selects ignored tests.
const IGNORED: &str = "--ignored";

/// The exit code if there is no scenario to run, as that of `dsql-sim run`.
const BAD_INPUT: u8 = 2;
