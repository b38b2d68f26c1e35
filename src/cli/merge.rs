//! `dsql-sim merge`.

use std::io::{self, Write};
use std::path::PathBuf;

use super::results::Joined;
use super::summary::{ResultArguments, Shown};
use super::{exit, stream};

/// The arguments of `merge`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct MergeArguments {
    /// Files that `sweep --out` wrote.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Joins what is there though parts are missing: gaps, overlaps, empty files and cut ends are warnings.
    #[arg(long)]
    partial: bool,
    #[command(flatten)]
    result: ResultArguments,
}

/// Joins the results of several sweeps of one campaign, and gives the exit code.
pub(super) fn merge(arguments: &MergeArguments) -> io::Result<u8> {
    let mut err = stream::stderr();
    let joined = match Joined::of(&arguments.files) {
        Ok(joined) => joined,
        Err(message) => {
            writeln!(err, "error: {message}")?;
            return Ok(exit::BAD_INPUT);
        }
    };
    let word = if arguments.partial { "warning" } else { "error" };
    for problem in &joined.problems {
        writeln!(err, "{word}: {problem}")?;
    }
    if !joined.problems.is_empty() && !arguments.partial {
        writeln!(err, "nothing is joined: --partial joins what is there")?;
        return Ok(exit::BAD_INPUT);
    }
    let shown = Shown {
        tally: &joined.tally,
        campaign: None,
        took: None,
        partial: (!joined.problems.is_empty()).then(|| format!("of {}, parts are missing", joined.wanted)),
        wants: &arguments.result,
    };
    let code = shown.verdict();
    shown.print()?;
    Ok(code)
}
