//! `dsql-sim explain`: why a run failed, or what an event depends on.

use std::io::{self, Write};
use std::path::PathBuf;

use crate::console::files::File;
use crate::explain::explanation::Explanation;
use crate::scenario::run::{Report, run_with_history};
use crate::sim::history::{EventId, History};
use crate::sim::trace::{TraceLevel, time};

use super::files::read_or_print;
use super::{counted, exit, stream};

/// The arguments of `explain`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ExplainArguments {
    /// The scenario file; `-` is standard input.
    file: PathBuf,
    /// Runs with this seed instead of the file's own.
    #[arg(long)]
    seed: Option<u64>,
    /// Explains this event instead of the failure: prints every event that it depends on. Events are counted from 0, as
    /// in the numbers before the sentences.
    #[arg(long, value_name = "K")]
    event: Option<u32>,
}

/// Explains a run, and returns the exit code of the run.
pub(super) fn explain(arguments: &ExplainArguments) -> io::Result<u8> {
    let Some(file) = read_or_print(&arguments.file)? else { return Ok(exit::BAD_INPUT) };
    let report = run_with_history(&file.scenario, arguments.seed, TraceLevel::None);
    let Some(history) = report.history.as_deref() else {
        return Err(io::Error::other("the run kept no history"));
    };
    match arguments.event {
        Some(event) if (event as usize) < history.events().len() => {
            let cone = history.cone(&[EventId(event)]);
            let mut out = stream::stdout();
            cone.iter().try_for_each(|id| print_event(history, *id, &mut out))?;
            writeln!(out, "{} of {}", cone.len(), counted(history.events().len() as u64, "event"))?;
            Ok(exit::of(report.failure.as_ref()))
        }
        Some(event) => {
            let last = history.events().len().saturating_sub(1);
            refuse(&format!("there is no event {event}: the last of this run is {last}"))
        }
        None => explain_failure(&file, &report, history),
    }
}

fn explain_failure(file: &File, report: &Report, history: &History) -> io::Result<u8> {
    let (Some(failure), Some(explanation)) = (&report.failure, Explanation::of(&file.scenario, report))
    else {
        let seed = report.seed;
        return refuse(&format!(
            "{} passes with seed {seed}: there is no failure to explain; --event explains an event",
            file.path
        ));
    };
    let mut out = stream::stdout();
    writeln!(out, "{}: {}\n", failure.invariant, failure.message)?;
    for sentence in &explanation.sentences {
        let id = sentence.events.first().map_or(String::new(), |id| id.0.to_string());
        writeln!(out, "{id:>5}  {}", sentence.text)?;
    }
    if !report.waits.is_empty() {
        writeln!(out, "\nat that moment:")?;
        report.waits.iter().try_for_each(|wait| writeln!(out, "  {wait}"))?;
    }
    let (cone, all) = (explanation.cone.len(), counted(history.events().len() as u64, "event"));
    writeln!(out, "\nthe failure needs {cone} of {all}; seed {}, hash {:016x}", report.seed, report.hash)?;
    Ok(exit::of(Some(failure)))
}

/// Prints an event with its position and those of its causes.
fn print_event(history: &History, id: EventId, out: &mut impl Write) -> io::Result<()> {
    let event = history.event(id);
    let causes: Vec<String> = event.causes.iter().map(|cause| cause.0.to_string()).collect();
    let because = if causes.is_empty() { String::new() } else { format!("  ← {}", causes.join(" ")) };
    let actor = history.node_name(event.actor);
    writeln!(out, "{:>5} {} {actor:<10} {}{because}", id.0, time(event.at), event.text)
}

fn refuse(message: &str) -> io::Result<u8> {
    writeln!(stream::stderr(), "error: {message}")?;
    Ok(exit::BAD_INPUT)
}
