//! `dsql-sim merge`: joins the results of the sweeps of one campaign.

use std::io::{self, Write};
use std::path::PathBuf;

use super::results::Joined;
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
    let shown = Shown {
        tally: &joined.tally,
        campaign: None,
        took: None,
        partial: (!joined.problems.is_empty()).then(|| format!("of {}; parts are missing", joined.wanted)),
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
    Ok(code)
}
