//! One test for each scenario file: it passes with its own seed, and its recorded trace is what happens.
//!
//! `REWRITE=1 cargo test --test scenarios` records the traces anew. Look at what changed, and commit it only if you
//! understand why.

use std::fs;
use std::path::Path;

use dsql_sim::scenario::Scenario;
use dsql_sim::scenario::run::run;

datatest_stable::harness! {
    { test = replays, root = "scenarios", pattern = r"\.scenario$" },
}

#[expect(
    clippy::disallowed_methods,
    reason = "REWRITE and CI are how a person, and a machine, speak to this test"
)]
fn replays(path: &Path) -> datatest_stable::Result<()> {
    let text = fs::read_to_string(path)?;
    let scenario = Scenario::parse(&text).map_err(|mistakes| format!("{mistakes:?}"))?;
    let report = run(&scenario, None, scenario.set_up.trace);
    if let Some(failure) = &report.failure {
        return Err(format!("{failure:?}").into());
    }
    if std::env::var_os("REWRITE").is_some() && std::env::var_os("CI").is_none() {
        fs::write(path, report.rewrite(&scenario))?;
        return Ok(());
    }
    match report.difference(&scenario) {
        Some(difference) => Err(format!("{difference:?}").into()),
        None => Ok(()),
    }
}
