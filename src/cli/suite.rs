//! `scenario_suite!`: the scenario files of a user's crate as its tests.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::scenario::run::{STRICT, run as run_scenario};

use super::{exit, files, json_report::RunRecord, show};

/// Defines `main` of a test target with one test for each scenario file below a folder, named by its path. All options
/// of `cargo test` work: filters, `--list`, threads.
///
/// A file fails if an expectation or an invariant does not hold, or if its trace is not the recorded one. With
/// `REWRITE=1` in the environment, and without `CI`, the traces are recorded anew. The folder is relative to the
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
    let arguments = Arguments::from_args();
    let paths = match files::find(Path::new(folder)) {
        Ok(paths) => paths,
        Err(message) => {
            let _ = write!(anstream::stderr(), "{message}");
            return ExitCode::from(exit::BAD_INPUT);
        }
    };
    libtest_mimic::run(&arguments, paths.into_iter().map(|path| trial(folder, path, is_strict)).collect())
        .exit_code()
}

fn trial(folder: &str, path: PathBuf, is_strict: bool) -> Trial {
    let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
    Trial::test(name, move || replays(&path, is_strict))
}

fn replays(path: &Path, is_strict: bool) -> Result<(), Failed> {
    let file = files::read_one(path, false)?;
    let report = run_scenario(&file.scenario, None, file.scenario.set_up.trace);
    let vacuous = report.strict(&file.scenario).filter(|_| is_strict);
    if is_rewriting() && report.failure.is_none() && vacuous.is_none() {
        return Ok(fs::write(path, report.rewrite(&file.scenario))?);
    }
    let difference = || report.difference(&file.scenario);
    let Some(failure) = report.failure.clone().or(vacuous).or_else(difference) else {
        return Ok(());
    };
    let mut text = Vec::new();
    let record = RunRecord::new(&file.path, &file.text, &report, Some(&failure));
    if failure.invariant == STRICT {
        show::vacuous(&record, &file, &report.warnings(&file.scenario), &mut text)?;
    } else {
        show::failed(&record, &file, &failure, false, &mut text)?;
    }
    Err(anstream::adapter::strip_str(&String::from_utf8(text)?).to_string().into())
}

/// Whether traces are recorded anew: only at a person's request. A CI job that recorded traces would accept any change.
fn is_rewriting() -> bool {
    let variable = |name: &str| -> Option<OsString> {
        #[expect(
            clippy::disallowed_methods,
            reason = "an adapter: the environment is how a person passes options to a test"
        )]
        std::env::var_os(name)
    };
    variable("REWRITE").is_some() && variable("CI").is_none()
}
