//! `--report DIR` of `sweep` and `merge`: the campaign as a page, with the small scenario of each violation beside it.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::page::{CampaignPage, ShownViolation, campaign_page};
use crate::scenario::run::run as run_scenario;
use crate::shrink::render_failure;
use crate::sim::trace::TraceLevel;
use crate::sweep::{Campaign, Tally};

use super::campaign::CampaignArguments;
use super::results::{Shard, named};
use super::{counted, log, shrink, summary};

/// The folder of a report. It exists before the search begins, so that no search is in vain.
#[derive(Debug)]
pub(super) struct ReportFolder(PathBuf);

/// A campaign with its result, as its page shows it.
pub(super) struct Reported<'a> {
    /// The campaign, and the arguments that describe it; `None` if its scenario file cannot be read any more.
    pub(super) campaign: Option<&'a Campaign>,
    /// The arguments of the campaign, each with a space before it.
    pub(super) arguments: &'a str,
    /// The range of the seeds.
    pub(super) seeds: Range<u64>,
    /// The part of them that was run.
    pub(super) shard: Shard,
    pub(super) tally: &'a Tally,
    /// The duration of the search, if it is known.
    pub(super) took: Option<Duration>,
    /// What is missing, if not every requested seed was run.
    pub(super) partial: Option<&'a str>,
}

/// A small scenario that shows a violation.
#[derive(Clone, Debug)]
pub(super) struct SmallRun {
    /// The invariant, or `panic`.
    pub(super) invariant: String,
    /// How many reductions led to it.
    pub(super) reductions: u64,
    /// Its text, with an opening comment that describes the failure.
    pub(super) text: String,
}

impl SmallRun {
    /// The small form of the scenario of `seed`, which violates `invariant`; `None` if its printed form does not.
    ///
    /// # Errors
    /// None so far: a reduction is counted, and not printed.
    pub(super) fn of(
        campaign: &Campaign,
        invariant: &str,
        seed: u64,
        is_over: &dyn Fn() -> bool,
    ) -> io::Result<Option<SmallRun>> {
        let mut reductions = 0;
        let mut count = |_: &str| {
            reductions += 1;
            Ok(())
        };
        let scenario = campaign.scenario(seed);
        // The log shows the seeds of the search, and not the attempts to reduce one.
        let text = log::silently(|| shrink::smallest(&scenario, SHRINKING, is_over, &mut count))?;
        Ok(text.map(|text| SmallRun { invariant: invariant.to_owned(), reductions, text }))
    }

    /// The scenario of `seed` as it was run.
    fn whole(campaign: &Campaign, invariant: &str, seed: u64) -> SmallRun {
        let scenario = campaign.scenario(seed);
        let report = log::silently(|| run_scenario(&scenario, None, TraceLevel::Milestones));
        let text = render_failure(&scenario, &report);
        SmallRun { invariant: invariant.to_owned(), reductions: 0, text }
    }
}

impl ReportFolder {
    /// Creates the folder at `path`, unless it exists.
    ///
    /// # Errors
    /// It cannot be created.
    pub(super) fn create(path: &Path) -> io::Result<ReportFolder> {
        fs::create_dir_all(path).map_err(|error| named(path, &error))?;
        Ok(ReportFolder(path.to_owned()))
    }

    /// Writes the page and the scenario of each violation. Where `small` has none, the scenario is not reduced.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(super) fn write(&self, reported: &Reported<'_>, small: &[SmallRun]) -> io::Result<()> {
        let mut violations = Vec::new();
        for (invariant, violation) in &reported.tally.violations {
            let known = small.iter().find(|run| run.invariant == *invariant).cloned();
            let whole = || Some(SmallRun::whole(reported.campaign?, invariant, violation.first));
            let Some(run) = known.or_else(whole) else { continue };
            let scenario = format!("{}.scenario", file_name(invariant));
            self.file(&scenario, &run.text)?;
            let page = match shrink::page_of(&scenario, &run.text)? {
                Some(page) => {
                    let name = format!("{}.html", file_name(invariant));
                    self.file(&name, &page)?;
                    Some(name)
                }
                None => None,
            };
            let (first, arguments) = (violation.first, reported.arguments);
            violations.push(ShownViolation {
                invariant: invariant.clone(),
                scenario,
                page,
                text: run.text,
                reproduce: format!("dsql-sim generate {first}{arguments} | dsql-sim run -"),
            });
        }
        let Reported { arguments, seeds, shard, tally, .. } = reported;
        let (start, end) = (seeds.start, seeds.end);
        let (of, part) = match shard {
            Shard { of: 1, .. } => (String::new(), String::new()),
            Shard { part, of } => (format!(" --shard {part}/{of}"), format!(", part {part} of {of}")),
        };
        let page = campaign_page(&CampaignPage {
            command: &format!("dsql-sim sweep{arguments} --seeds {start}..{end}{of}"),
            seeds: &format!("{start}..{end}{part}"),
            tally,
            pace: reported.took.map(|took| summary::per_second(tally.runs, took)),
            partial: reported.partial,
            violations: &violations,
        });
        self.file("index.html", &page)
    }

    fn file(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.0.join(name);
        fs::write(&path, text).map_err(|error| named(&path, &error))
    }
}

/// The campaign that the arguments of a result file describe.
///
/// # Errors
/// They are not arguments of a campaign, or their file is bad.
pub(super) fn campaign_of(arguments: &[String]) -> Result<Campaign, String> {
    use clap::{Args, FromArgMatches};
    let command = CampaignArguments::augment_args(clap::Command::new("sweep").no_binary_name(true));
    let matches = command.try_get_matches_from(arguments).map_err(|error| error.to_string())?;
    let arguments = CampaignArguments::from_arg_matches(&matches).map_err(|error| error.to_string())?;
    arguments.campaign()
}

/// The line that tells how small a scenario is.
pub(super) fn reduced(seed: u64, run: &SmallRun) -> String {
    format!("\nseed {seed} after {}:\n\n{}", counted(run.reductions, "reduction"), run.text)
}

/// The name of an invariant as that of a file.
fn file_name(invariant: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    invariant.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect()
}

/// The time limit for shrinking each violation.
const SHRINKING: Duration = Duration::from_secs(10);
