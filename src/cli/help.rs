//! `dsql-sim help`, `completions` and `man`: everything that is generated from the command line's own definition.

use std::io::{self, Write};

use clap::CommandFactory;

use crate::api::Operation;
use crate::control::assumptions::Assumptions;
use crate::scenario::diagnostic::did_you_mean;
use crate::scenario::reference;
use crate::scenario::verbs::Verb;

use super::{CommandLine, exit, json_report, report, stream};

/// The arguments of `help`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct HelpArguments {
    /// A command, `scenario`, `run-json`, `report-json`, or a verb or switch of the scenario language.
    topic: Option<String>,
    /// With `scenario`: a verb or switch of the language, also one with the name of a command.
    entry: Option<String>,
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
    let page = match (arguments.topic.as_deref(), arguments.entry.as_deref()) {
        (Some("scenario"), None) => Ok(reference::markdown()),
        (Some("scenario"), Some(entry)) => {
            let advice = "`dsql-sim help scenario` lists the verbs and switches";
            section(entry).ok_or_else(|| unknown("verb or switch", entry, entries(), advice))
        }
        (Some(RUN_JSON), None) => Ok(json_report::SCHEMA.to_owned()),
        (Some(REPORT_JSON), None) => Ok(report::SCHEMA.to_owned()),
        (topic, None) => match command(topic) {
            Some(mut command) => Ok(command.render_long_help().ansi().to_string() + &also_a_verb(topic)),
            None => topic.and_then(section).ok_or_else(|| {
                let topics: Vec<_> = commands().into_iter().chain(TOPICS.map(str::to_owned)).collect();
                let advice =
                    format!("expected one of {}, or a verb or switch of scenario files", topics.join(", "));
                unknown("help topic", topic.unwrap_or_default(), topics.into_iter().chain(entries()), &advice)
            }),
        },
        (_, Some(entry)) => Err(format!("unexpected `{entry}`: only `help scenario` has entries")),
    };
    match page {
        Ok(page) => write!(stream::stdout(), "{page}").map(|()| exit::PASS),
        Err(message) => writeln!(stream::stderr(), "error: {message}").map(|()| exit::BAD_INPUT),
    }
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
    let Some(command) = command(name) else {
        let advice = format!("expected one of {}", commands().join(", "));
        let message = unknown("command", name.unwrap_or_default(), commands(), &advice);
        writeln!(stream::stderr(), "error: {message}")?;
        return Ok(exit::BAD_INPUT);
    };
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

/// The names of the commands.
fn commands() -> Vec<String> {
    CommandLine::command().get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// The section of the reference about a verb, the command of an operation or a switch.
fn section(entry: &str) -> Option<String> {
    let calls = || Operation::ALL.iter().any(|operation| operation.command() == entry).then_some(Verb::Call);
    let verb = Verb::parse(entry).or_else(calls);
    verb.map(reference::verb_section).or_else(|| reference::switch_section(entry))
}

/// The names that [`section`] knows.
fn entries() -> impl Iterator<Item = String> {
    let verbs = Verb::ALL.iter().filter(|verb| **verb != Verb::Call).map(|verb| verb.name());
    let operations = Operation::ALL.iter().map(|operation| operation.command());
    verbs.chain(operations).chain(Assumptions::NAMES.iter().copied()).map(str::to_owned)
}

/// The note below the help of a command whose name is a verb, too.
fn also_a_verb(command: Option<&str>) -> String {
    match command.filter(|name| Verb::parse(name).is_some()) {
        Some(verb) => format!(
            "\nIn scenario files, `{verb}` is a verb. Its page is printed by `dsql-sim help scenario {verb}`.\n"
        ),
        None => String::new(),
    }
}

/// The message about an unknown name, with the closest known one, or else with `advice`.
fn unknown(kind: &str, name: &str, known: impl IntoIterator<Item = String>, advice: &str) -> String {
    let known: Vec<String> = known.into_iter().collect();
    let closest = did_you_mean(name, known.iter().map(String::as_str));
    format!("unknown {kind} `{name}`\n  = help: {}", closest.unwrap_or_else(|| advice.to_owned()))
}

/// The topics that are neither commands nor entries of the scenario language.
const TOPICS: [&str; 3] = ["scenario", RUN_JSON, REPORT_JSON];

/// The topic of the JSON of `run --format json`.
const RUN_JSON: &str = "run-json";

/// The topic of the JSON of `report --format json`.
const REPORT_JSON: &str = "report-json";
