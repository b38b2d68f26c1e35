//! `dsql-sim report`: a run as a page of HTML, as JSON, as a sequence diagram, or as a log for ShiViz.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;

use crate::console::files::File;
use crate::console::run_page;
use crate::explain::document::{ProbabilityRecord, RunDocument};
use crate::explain::explanation::Explanation;
use crate::explain::probability::{CurvePoint, Futures};
use crate::explain::{mermaid, shiviz};
use crate::page;
use crate::scenario::run::{Report, run_with_history};
use crate::sim::history::{EventId, History};
use crate::sim::trace::TraceLevel;

use super::files::read_or_print;
use super::interrupt::Interrupt;
use super::results::named;
use super::{exit, log, probability, stream};

/// The arguments of `report`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ReportArguments {
    /// The scenario file; `-` is standard input.
    file: PathBuf,
    /// Runs with this seed instead of the file's own.
    #[arg(long)]
    seed: Option<u64>,
    /// The form of the report.
    #[arg(long, value_enum, default_value_t = ReportFormat::Html)]
    format: ReportFormat,
    /// Adds a curve to a page or to JSON: how likely the failure was from each event on, in N futures drawn anew from
    /// it, as `probability` measures it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    probability: Option<u32>,
    /// Writes the report to this file instead of printing it.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// One page, which opens from a disk and needs no network.
    Html,
    /// Every event with its causes: see `help report-json`.
    Json,
    /// A sequence diagram of Mermaid: of a failed run what the failure needs, else every event.
    Mermaid,
    /// A log with vector clocks, for ShiViz.
    Shiviz,
}

/// Reports a run, and returns the exit code of the run.
pub(super) fn report(arguments: &ReportArguments) -> io::Result<u8> {
    let Some(file) = read_or_print(&arguments.file)? else { return Ok(exit::BAD_INPUT) };
    let report = run_with_history(&file.scenario, arguments.seed, TraceLevel::None);
    let interrupt = Interrupt::watch()?;
    let text = text(arguments, &file, &report, &interrupt)?;
    if let Some((code, signal)) = interrupt.code() {
        writeln!(stream::stderr(), "interrupted by {signal}: nothing is written")?;
        return Ok(code);
    }
    match &arguments.out {
        Some(path) => fs::write(path, text).map_err(|error| named(path, &error))?,
        None => stream::stdout().write_all(text.as_bytes())?,
    }
    Ok(exit::of(report.failure.as_ref()))
}

fn text(
    arguments: &ReportArguments,
    file: &File,
    report: &Report,
    interrupt: &Interrupt,
) -> io::Result<String> {
    let without = || io::Error::other("the run kept no history");
    let history = report.history.as_deref().ok_or_else(without)?;
    let explanation = Explanation::of(&file.scenario, report);
    let document = || {
        let document = run_page::document(file, report, report.failure.as_ref(), explanation.as_ref());
        let document = document.ok_or_else(without)?;
        let probability = probability(arguments, file, report.seed, history, interrupt)?;
        Ok::<_, io::Error>(RunDocument { probability, ..document })
    };
    Ok(match arguments.format {
        ReportFormat::Html => {
            let document = document()?;
            page::run_page(&document, &run_page::title(&document))?
        }
        ReportFormat::Json => serde_json::to_string(&document()?)? + "\n",
        ReportFormat::Mermaid => {
            let ids = explanation.map_or_else(|| all(history), |explanation| explanation.cone);
            mermaid::sequence_diagram(history, &ids)
        }
        ReportFormat::Shiviz => shiviz::log(history, &all(history)),
    })
}

/// How likely the failure was from each event on; empty if that is not asked for, or if the run passes.
fn probability(
    arguments: &ReportArguments,
    file: &File,
    seed: u64,
    history: &History,
    interrupt: &Interrupt,
) -> io::Result<Vec<ProbabilityRecord>> {
    let futures = arguments.probability.zip(Futures::of(&file.scenario, seed));
    let Some((of, futures)) = futures else { return Ok(Vec::new()) };
    let curve = log::silently(|| probability::curve(&futures, of, None, interrupt))?;
    let record = |point: &CurvePoint| {
        // A moment of the run lies behind the last event that the trace had counted by then.
        let behind = history.events().partition_point(|event| event.hashed <= point.event);
        ProbabilityRecord {
            event: EventId(behind.saturating_sub(1) as u32),
            failed: point.failed as u32,
            of: point.of as u32,
        }
    };
    Ok(curve.iter().map(record).collect())
}

fn all(history: &History) -> Vec<EventId> {
    (0..history.events().len() as u32).map(EventId).collect()
}

/// The JSON Schema of a report in JSON. A test generates it, because the generator costs every build of the program
/// more than the page changes.
pub(super) const SCHEMA: &str = include_str!("../../docs/events.schema.json");
