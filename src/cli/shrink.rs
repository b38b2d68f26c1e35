//! `dsql-sim shrink`: reduces a failing scenario.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::console::files::File;
use crate::console::run_page;
use crate::explain::explanation::Explanation;
use crate::scenario::Scenario;
use crate::scenario::run::{run, run_with_history};
use crate::shrink::{Shrinker, render_failure};
use crate::sim::trace::TraceLevel;
use crate::sweep::Campaign;

use super::campaign::CampaignArguments;
use super::interrupt::Interrupt;
use super::results::named;
use super::{exit, log, stream};

/// The arguments of `shrink`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ShrinkArguments {
    /// Begins with the scenario that a sweep runs for this seed. Without it, begins with FILE as it stands.
    #[arg(long, required_unless_present = "file")]
    seed: Option<u64>,
    #[command(flatten)]
    campaign: CampaignArguments,
    /// The time limit; the smallest scenario found by then is printed.
    #[arg(long, value_name = "DURATION", value_parser = super::sweep::parse_duration, default_value = "30s")]
    budget: Duration,
    /// Writes the small scenario to this file instead of printing it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Writes the page of the small scenario's run into this folder: one file of HTML, as `report` writes it.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

/// Reduces a failing scenario, and returns the exit code.
pub(super) fn shrink(arguments: &ShrinkArguments) -> io::Result<u8> {
    let (scenario, name) = match begin(arguments) {
        Ok(begin) => begin,
        Err(message) => {
            write!(stream::stderr(), "{message}")?;
            return Ok(exit::BAD_INPUT);
        }
    };
    let report = run(&scenario, None, scenario.set_up.trace);
    let Some(failure) = &report.failure else {
        return refuse(&match report.difference(&scenario) {
            None => format!("{name} does not fail: there is nothing to shrink"),
            Some(_) => format!(
                "{name} fails only because its trace differs from the recorded one: `run` shows the difference"
            ),
        });
    };
    // Before the search, so that it is not in vain.
    if let Some(folder) = &arguments.report {
        fs::create_dir_all(folder).map_err(|error| named(folder, &error))?;
    }
    let interrupt = Interrupt::watch()?;
    let mut report = |reduction: &str| writeln!(stream::stderr(), "{reduction}");
    let Some(text) = smallest(&scenario, arguments.budget, &|| interrupt.is_asked(), &mut report)? else {
        return refuse(&format!(
            "{name} fails with {}, but its printed form does not fail in the same way",
            failure.invariant
        ));
    };
    let code = match interrupt.code() {
        Some((code, signal)) => {
            writeln!(stream::stderr(), "interrupted by {signal}: a smaller scenario may be possible")?;
            code
        }
        None => exit::of(Some(failure)),
    };
    if let Some(folder) = &arguments.report {
        let name = arguments.out.as_ref().map_or_else(|| name.clone(), |path| path.display().to_string());
        if let Some(page) = page_of(&name, &text)? {
            let path = folder.join(format!("{}.html", run_page::name_of(&name)));
            fs::write(&path, page).map_err(|error| named(&path, &error))?;
            writeln!(stream::stderr(), "page: {}", path.display())?;
        }
    }
    match &arguments.out {
        Some(path) => {
            fs::write(path, text).map_err(|error| named(path, &error))?;
            writeln!(stream::stderr(), "reproduce: dsql-sim run {}", path.display())?;
        }
        None => write!(stream::stdout(), "{text}")?,
    }
    Ok(code)
}

/// The scenario to begin with, and its name in messages.
fn begin(arguments: &ShrinkArguments) -> Result<(Scenario, String), String> {
    let campaign = arguments.campaign.campaign()?;
    Ok(match (arguments.seed, &campaign, &arguments.campaign.file) {
        (None, Campaign::Varied(_, scenario), Some(path)) => {
            ((**scenario).clone(), path.display().to_string())
        }
        (seed, ..) => {
            let seed = seed.unwrap_or_default();
            (campaign.scenario(seed), format!("seed {seed}"))
        }
    })
}

/// The text of the smallest scenario that fails in the same way; `None` if the printed form of `scenario` does not.
pub(super) fn smallest(
    scenario: &Scenario,
    budget: Duration,
    is_over: &dyn Fn() -> bool,
    report: &mut dyn FnMut(&str) -> io::Result<()>,
) -> io::Result<Option<String>> {
    #[expect(clippy::disallowed_methods, reason = "an adapter: the time limit is in wall-clock time")]
    let began = Instant::now();
    let Some(mut shrinker) = Shrinker::of(scenario) else { return Ok(None) };
    while began.elapsed() < budget
        && !is_over()
        && let Some(reduction) = shrinker.step()
    {
        report(&reduction)?;
    }
    let scenario = shrinker.scenario();
    Ok(Some(render_failure(&scenario, &run_with_history(&scenario, None, TraceLevel::Milestones))))
}

/// The page of the run of a scenario without a file, which is called `name`; `None` if the text is no scenario, or if
/// its run passes.
///
/// # Errors
/// The run has no page.
pub(super) fn page_of(name: &str, text: &str) -> io::Result<Option<String>> {
    let Ok(scenario) = Scenario::parse(text) else { return Ok(None) };
    let file = File { path: name.to_owned(), text: text.to_owned(), scenario };
    let report = log::silently(|| run_with_history(&file.scenario, None, TraceLevel::None));
    if report.failure.is_none() {
        return Ok(None);
    }
    let explanation = log::silently(|| Explanation::of(&file.scenario, &report));
    run_page::page_of(&file, &report, report.failure.as_ref(), explanation.as_ref()).map(Some)
}

fn refuse(message: &str) -> io::Result<u8> {
    writeln!(stream::stderr(), "error: {message}")?;
    Ok(exit::BAD_INPUT)
}
