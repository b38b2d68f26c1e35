//! The command line: arguments, exit codes, and the printing of results and diagnostics.
//!
//! Each command is a module of its own. None of them knows what a cluster is: they read files, call the library below
//! and print what it returns.

mod decide;
pub mod exit;

mod campaign;
mod campaign_report;
mod coverage;
mod explain;
mod files;
mod generate;
#[cfg(feature = "server")]
mod health;
mod help;
mod hunt;
mod interrupt;
mod json_report;
mod junit;
mod log;
mod matrix;
mod merge;
#[cfg(feature = "model-check")]
mod model;
mod mutants;
mod permissions;
mod printer;
mod probability;
mod report;
mod results;
mod run;
#[cfg(feature = "server")]
mod serve;
mod show;
mod shrink;
mod stream;
mod summary;
mod sweep;

use std::io::{self, Write};
use std::ops::Range;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::filter::Targets;

use crate::sim::trace::TraceLevel;

use log::LogUse;

/// A deterministic multi-Region simulator and test harness for the Amazon Aurora DSQL control plane.
#[derive(Debug, Parser)]
#[command(name = "dsql-sim", version, disable_help_subcommand = true, after_help = exit::HELP)]
struct CommandLine {
    #[command(subcommand)]
    command: CliCommand,
    /// Whether the output is coloured. `auto` colours it on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    /// Prints the events of the simulation to standard error, at their simulated time.
    ///
    /// FILTER is a level (off, error, warn, info, debug, trace), or TARGET=LEVEL, with commas between several, as in
    /// `dsql_sim::witness=debug,dsql_sim::fault=warn`. Without the option, the variable RUST_LOG is the filter. Without
    /// both, `serve` prints its requests, faults and violations, and the other commands print none. Events of several
    /// threads come in the order in which the threads happen to run; `--jobs 1` puts them in the order of the seeds.
    #[arg(long, global = true, value_name = "FILTER", value_parser = log::parse)]
    log: Option<Targets>,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Runs scenario files, and every `*.scenario` file below directories.
    Run(run::RunArguments),
    /// Searches for violations: generates a scenario from each seed, or varies one scenario with the faults of each.
    Sweep(sweep::SweepArguments),
    /// Reduces a failing scenario to a small one that fails in the same way.
    Shrink(shrink::ShrinkArguments),
    /// Measures how likely the failure of a run was at each of its moments, and names the steps at which that jumps.
    Probability(probability::ProbabilityArguments),
    /// Explains why a run failed, or what one of its events depends on.
    Explain(explain::ExplainArguments),
    /// Shows a run: as a page of HTML, as JSON, as a sequence diagram, or as a log for ShiViz.
    Report(report::ReportArguments),
    /// Merges the results that the sweeps of one campaign wrote with --out.
    Merge(merge::MergeArguments),
    /// Prints the scenario that a sweep runs for a seed.
    Generate(generate::GenerateArguments),
    /// Explores small worlds exhaustively: every order of messages, with losses, duplicates and crashes up to a bound.
    #[cfg(feature = "model-check")]
    Model(model::ModelArguments),
    /// Serves real AWS SDK clients over HTTP, with every Region behind one port.
    #[cfg(feature = "server")]
    Serve(serve::ServeArguments),
    /// Checks whether a server answers, as the health check of a container does: exit code 0 if so, else 1.
    #[cfg(feature = "server")]
    Health(health::HealthArguments),
    /// Evaluates IAM policies: reads one JSON question a line, prints one decision with its reason for each.
    Decide(decide::DecideArguments),
    /// Runs scenarios and prints, for each principal, the least IAM policy under which its calls pass.
    Permissions(permissions::PermissionArguments),
    /// Lists the mutants: planted bugs, each with the invariant that must catch it.
    Mutants(mutants::MutantArguments),
    /// Explains a command, the scenario language (`scenario`), one of its verbs or switches, or the JSON of
    /// `run --format json` (`run-json`) and of `report --format json` (`report-json`).
    Help(help::HelpArguments),
    /// Prints a completion script for a shell.
    Completions(help::CompletionArguments),
    /// Prints the man page of dsql-sim, or of one of its commands, as roff.
    Man(help::ManArguments),
}

/// The format of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for people.
    Text,
    /// JSON for programs, one object a line.
    Json,
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always, also in a file or a pipe.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// One setting for the process: every stream and every diagnostic asks `anstream` for it.
    fn apply(self) {
        match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// The value of `--color` in a command line that clap refuses, for the colour of the refusal. `--help` counts as one.
fn wanted_color() -> Option<Color> {
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let arguments: Vec<String> = arguments.take_while(|argument| argument != "--").collect();
    let behind = arguments.windows(2).filter(|pair| pair[0] == "--color").map(|pair| pair[1].as_str());
    let joined = arguments.iter().filter_map(|argument| argument.strip_prefix("--color="));
    behind.chain(joined).find_map(|value| Color::from_str(value, false).ok())
}

/// How much of the trace is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Level {
    /// Nothing.
    None,
    /// Calls, status changes, link changes, faults and lost messages.
    Milestones,
    /// Milestones and every message.
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
            // Decided before printing, so that a reader who has left does not change the code.
            let code = if error.use_stderr() { exit::BAD_INPUT } else { exit::PASS };
            wanted_color().unwrap_or(Color::Auto).apply();
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    arguments.color.apply();
    let result = log::start(arguments.log, arguments.command.log_use()).and_then(|writing| {
        let code = arguments.command.run();
        // Writes the lines that wait, unless their reader does not take them.
        drop(writing);
        code
    });
    ExitCode::from(match result {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(stream::stderr(), "error: {error}");
            exit::BAD_INPUT
        }
    })
}

impl CliCommand {
    fn log_use(&self) -> LogUse {
        match self {
            #[cfg(feature = "server")]
            CliCommand::Serve(_) => LogUse::Server,
            _ => LogUse::Command,
        }
    }

    /// Runs the command, and returns the exit code.
    fn run(&self) -> io::Result<u8> {
        match self {
            CliCommand::Run(run) => run::run(run),
            CliCommand::Sweep(sweep) => sweep::sweep(sweep),
            CliCommand::Shrink(shrink) => shrink::shrink(shrink),
            CliCommand::Probability(probability) => probability::probability(probability),
            CliCommand::Explain(explain) => explain::explain(explain),
            CliCommand::Report(report) => report::report(report),
            CliCommand::Merge(merge) => merge::merge(merge),
            CliCommand::Generate(generate) => generate::print(generate),
            #[cfg(feature = "model-check")]
            CliCommand::Model(model) => model::model(model),
            #[cfg(feature = "server")]
            CliCommand::Serve(serve) => serve::serve(serve),
            #[cfg(feature = "server")]
            CliCommand::Health(health) => health::health(health),
            CliCommand::Decide(decide) => decide::run(decide),
            CliCommand::Permissions(permissions) => permissions::permissions(permissions),
            CliCommand::Mutants(mutants) => mutants::mutants(mutants),
            CliCommand::Help(topic) => help::help(topic),
            CliCommand::Completions(shell) => help::completions(shell),
            CliCommand::Man(command) => help::man(command),
        }
    }
}

fn parse_seeds(text: &str) -> Result<Range<u64>, String> {
    let range = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    let range: Range<u64> = range.ok_or_else(|| "expected a range such as 0..1000".to_owned())?;
    if range.is_empty() { Err("there is no seed in this range".to_owned()) } else { Ok(range) }
}

/// The number and its noun, in the plural unless it is one: `1 seed`, `2 seeds`.
fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
