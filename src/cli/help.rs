//! `dsql-sim help`, `completions` and `man`: everything that is generated from the command line's own definition.

use std::io::{self, Write};

use clap::CommandFactory;

use crate::scenario::reference;

use super::{CommandLine, exit, json_report, stream};

/// The arguments of `help`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct HelpArguments {
    /// A command, `scenario` or `report`.
    topic: Option<String>,
}

/// The arguments of `completions`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct CompletionArguments {
    /// The shell.
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// The arguments of `man`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ManArguments {
    /// The command whose page is printed; without it, the page of dsql-sim itself.
    command: Option<String>,
}

/// Explains a topic, and returns the exit code.
pub(super) fn help(arguments: &HelpArguments) -> io::Result<u8> {
    let mut out = stream::stdout();
    match arguments.topic.as_deref() {
        Some("scenario") => write!(out, "{}", reference::markdown())?,
        Some("report") => write!(out, "{}", json_report::SCHEMA)?,
        topic => match command(topic) {
            Some(mut command) => write!(out, "{}", command.render_long_help().ansi())?,
            None => return refuse("help topic", topic, &["scenario", "report"]),
        },
    }
    Ok(exit::PASS)
}

/// Prints a completion script, and returns the exit code.
pub(super) fn completions(arguments: &CompletionArguments) -> io::Result<u8> {
    // Into memory first: the generator panics where writing fails, and a reader may have left.
    let mut script = Vec::new();
    let mut command = CommandLine::command();
    clap_complete::generate(arguments.shell, &mut command, "dsql-sim", &mut script);
    stream::stdout().write_all(&script)?;
    Ok(exit::PASS)
}

/// Prints a man page, and returns the exit code.
pub(super) fn man(arguments: &ManArguments) -> io::Result<u8> {
    let name = arguments.command.as_deref();
    let Some(command) = command(name) else { return refuse("command", name, &[]) };
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    stream::stdout().write_all(&page)?;
    Ok(exit::PASS)
}

/// The definition of the command called `name`, or of the whole program.
fn command(name: Option<&str>) -> Option<clap::Command> {
    let mut whole = CommandLine::command();
    whole.build();
    match name {
        None => Some(whole),
        Some(name) => whole.find_subcommand(name).cloned(),
    }
}

fn refuse(kind: &str, name: Option<&str>, others: &[&str]) -> io::Result<u8> {
    let command = CommandLine::command();
    let known: Vec<&str> =
        command.get_subcommands().map(clap::Command::get_name).chain(others.iter().copied()).collect();
    let name = name.unwrap_or_default();
    writeln!(
        stream::stderr(),
        "error: unknown {kind} `{name}`\n  = help: expected one of {}",
        known.join(", ")
    )?;
    Ok(exit::BAD_INPUT)
}
