//! The command line: flags, exit codes, and how results and mistakes are shown.
//!
//! Nothing here knows what a cluster is.

mod decide;
pub mod diagnostics;
pub mod exit;

mod campaign;
mod coverage;
mod files;
mod generate;
mod hunt;
mod interrupt;
mod json_report;
mod matrix;
mod merge;
#[cfg(feature = "model-check")]
mod model;
mod mutants;
mod permissions;
mod results;
mod run;
#[cfg(feature = "server")]
mod serve;
mod show;
mod shrink;
mod stream;
#[cfg(feature = "suite")]
mod suite;
mod summary;
mod sweep;

#[cfg(feature = "suite")]
pub use suite::suite;

use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::scenario::reference;
use crate::sim::trace::TraceLevel;

/// A deterministic multi-Region simulator and test harness for the Amazon Aurora DSQL control plane.
#[derive(Debug, Parser)]
#[command(name = "dsql-sim", version, disable_help_subcommand = true, after_help = exit::HELP)]
struct CommandLine {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Runs scenario files, and every `*.scenario` file below directories.
    Run(RunArguments),
    /// Searches: runs a scenario made up from each seed, or one scenario under the faults of each.
    Sweep(sweep::SweepArguments),
    /// Makes a failing scenario small.
    Shrink(shrink::ShrinkArguments),
    /// Joins the results that sweeps of one campaign wrote with --out.
    Merge(merge::MergeArguments),
    /// Prints the scenario that a seed stands for in a sweep.
    Generate(generate::GenerateArguments),
    /// Explores small worlds exhaustively: every order of messages, with losses, duplicates and crashes up to a bound.
    #[cfg(feature = "model-check")]
    Model(model::ModelArguments),
    /// Answers real AWS SDK clients over HTTP, with every Region behind one port.
    #[cfg(feature = "server")]
    Serve(serve::ServeArguments),
    /// Decides what IAM policies allow: a question of JSON a line, and a decision with its reason.
    Decide(decide::DecideArguments),
    /// Runs scenarios, and prints the least IAM policy under which their calls pass, by principal.
    Permissions(permissions::PermissionArguments),
    /// Lists the planted bugs: what each breaks, and which invariant must catch it.
    Mutants(mutants::MutantArguments),
    /// Explains a command, the scenario language (`scenario`) or the JSON of `run --format json` (`report`).
    Help {
        /// What to explain.
        topic: Option<String>,
    },
}

/// The arguments of `run`.
#[derive(Debug, Clone, clap::Args)]
pub struct RunArguments {
    /// Scenario files, or directories of them; `-` is standard input.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Runs with this seed instead of the files' own; recorded traces are not compared.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Runs with every seed from A up to, not including, B.
    #[arg(long, value_name = "A..B", value_parser = parse_seeds)]
    seeds: Option<Range<u64>>,
    /// Prints what happens.
    #[arg(long, value_enum, default_value_t = Level::None)]
    trace: Level,
    /// Fails a scenario that tests less than it says: with a fault that never acted, a call that was left out, a moment
    /// that had passed, a comparison with a value that cannot occur, or a name that is given twice. Without it, these
    /// are warnings. A file is judged with its own seed, which is run too if --seed or --seeds names others.
    #[arg(long, conflicts_with = "check_determinism")]
    strict: bool,
    /// Records the traces of passing scenarios in their files. Refused when the variable CI is set.
    #[arg(long, conflicts_with_all = ["seed", "seeds", "check_determinism"])]
    rewrite: bool,
    /// Runs everything twice, in another order on other threads, and compares.
    #[arg(long)]
    check_determinism: bool,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// How many threads run scenarios; as many as there are cores, unless said.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs: JSON objects, one a line.
    Json,
}

/// How much of the trace is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Level {
    /// Nothing.
    None,
    /// Calls, changes of status, links, faults and lost messages.
    Milestones,
    /// Every message too.
    Messages,
}

impl Level {
    fn level(self) -> TraceLevel {
        match self {
            Level::None => TraceLevel::None,
            Level::Milestones => TraceLevel::Milestones,
            Level::Messages => TraceLevel::Messages,
        }
    }
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    exit::with_code_on_panic();
    let arguments = match CommandLine::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Decided before it is printed: a reader who has left changes no code.
            let code = if error.use_stderr() { exit::BAD_INPUT } else { exit::PASS };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let result = match arguments.command {
        CliCommand::Run(run) => run::run(&run),
        CliCommand::Sweep(sweep) => sweep::sweep(&sweep),
        CliCommand::Shrink(shrink) => shrink::shrink(&shrink),
        CliCommand::Merge(merge) => merge::merge(&merge),
        CliCommand::Generate(generate) => generate::print(&generate),
        #[cfg(feature = "model-check")]
        CliCommand::Model(model) => model::model(&model),
        #[cfg(feature = "server")]
        CliCommand::Serve(serve) => serve::serve(&serve),
        CliCommand::Decide(decide) => decide::run(&decide),
        CliCommand::Permissions(permissions) => permissions::permissions(&permissions),
        CliCommand::Mutants(mutants) => mutants::mutants(&mutants),
        CliCommand::Help { topic } => help(topic.as_deref()),
    };
    ExitCode::from(match result {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(stream::stderr(), "error: {error}");
            exit::BAD_INPUT
        }
    })
}

fn help(topic: Option<&str>) -> io::Result<u8> {
    let mut out = stream::stdout();
    match topic {
        Some("scenario") => write!(out, "{}", reference::markdown())?,
        Some("report") => writeln!(out, "{}", json_report::schema())?,
        topic => {
            let mut command = CommandLine::command();
            command.build();
            let found = match topic {
                None => Some(&mut command),
                Some(topic) => command.find_subcommand_mut(topic),
            };
            let Some(found) = found else {
                let topic = topic.unwrap_or_default();
                writeln!(
                    stream::stderr(),
                    "error: nothing is called `{topic}`: try run, mutants, scenario or report"
                )?;
                return Ok(exit::BAD_INPUT);
            };
            write!(out, "{}", found.render_long_help().ansi())?;
        }
    }
    Ok(exit::PASS)
}

fn parse_seeds(text: &str) -> Result<Range<u64>, String> {
    let range = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    let range: Range<u64> = range.ok_or_else(|| "write it as in 0..1000".to_owned())?;
    if range.is_empty() { Err("there is no seed in this range".to_owned()) } else { Ok(range) }
}
