//! `dsql-sim merge`: joins the results of the sweeps of one campaign.

use std::io::{self, Write};
use std::path::PathBuf;

use super::campaign_report::{ReportFolder, Reported, SmallRun, campaign_of};
use super::results::{Joined, Shard};
use super::summary::{ResultArguments, Shown};
use super::{Format, exit, stream};

/// The arguments of `merge`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct MergeArguments {
    /// Files that `sweep --out` wrote.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Merges the results although parts are missing: gaps, overlaps, empty files and truncated files become warnings.
    #[arg(long)]
    partial: bool,
    #[command(flatten)]
    result: ResultArguments,
}

/// Merges the results of several sweeps of one campaign, and returns the exit code.
pub(super) fn merge(arguments: &MergeArguments) -> io::Result<u8> {
    let mut err = stream::stderr();
    let joined = match Joined::of(&arguments.files) {
        Ok(joined) => joined,
        Err(message) => {
            writeln!(err, "error: {message}")?;
            return Ok(exit::BAD_INPUT);
        }
    };
    let severity = if arguments.partial { "warning" } else { "error" };
    for problem in &joined.problems {
        writeln!(err, "{severity}: {problem}")?;
    }
    if !joined.problems.is_empty() && !arguments.partial {
        writeln!(err, "nothing was merged: --partial merges the parts that are there")?;
        return Ok(exit::BAD_INPUT);
    }
    // Before anything is printed: a folder that cannot be created is a mistake of the caller.
    let folder = arguments.result.report.as_deref().map(ReportFolder::create).transpose()?;
    let wanted = joined.seeds.end - joined.seeds.start;
    let shown = Shown {
        tally: &joined.tally,
        campaign: None,
        took: None,
        partial: (!joined.problems.is_empty()).then(|| format!("of {wanted}; parts are missing")),
        options: &arguments.result,
    };
    let code = shown.verdict();
    shown.print()?;
    if arguments.result.format == Format::Text {
        joined
            .tally
            .violations
            .iter()
            .try_for_each(|(invariant, violation)| shown.violation(invariant, violation))?;
    }
    if let Some(folder) = folder {
        report(&folder, &joined, shown.partial.as_deref())?;
    }
    Ok(code)
}

/// Writes the page of the whole campaign, which is that of a search on one machine.
fn report(folder: &ReportFolder, joined: &Joined, partial: Option<&str>) -> io::Result<()> {
    let campaign = campaign_of(&joined.arguments);
    let mut small = Vec::new();
    match &campaign {
        Ok(campaign) => {
            for (invariant, violation) in &joined.tally.violations {
                small.extend(SmallRun::of(campaign, invariant, violation.first, &|| false)?);
            }
        }
        Err(message) => writeln!(stream::stderr(), "warning: no violation has a scenario: {message}")?,
    }
    let reported = Reported {
        campaign: campaign.as_ref().ok(),
        arguments: &joined.arguments.iter().map(|argument| format!(" {argument}")).collect::<String>(),
        seeds: joined.seeds.clone(),
        shard: Shard { part: 1, of: 1 },
        tally: &joined.tally,
        took: None,
        partial,
    };
    folder.write(&reported, &small)
}
