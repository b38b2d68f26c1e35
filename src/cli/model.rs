//! `dsql-sim model`: explores small worlds exhaustively.

use std::io::{self, Write};
use std::path::PathBuf;

use strum::VariantArray;

use crate::check::Invariant;
use crate::control::mutant::{Mutant, Mutants};
use crate::model::{Bounds, Explored, Workload, explore};

use super::{counted, exit, stream};

/// The arguments of `model`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ModelArguments {
    /// Explores this workload only.
    #[arg(long, alias = "story", value_name = "NAME", value_parser = parse_workload)]
    workload: Option<Workload>,
    /// Plants a bug: see `mutants`. May be given several times.
    #[arg(long, value_name = "NAME", value_parser = super::campaign::parse_mutant)]
    mutant: Vec<Mutant>,
    /// The most crashes of nodes on any path.
    #[arg(long, default_value_t = 0, value_name = "N")]
    crashes: u8,
    /// The most messages that are lost.
    #[arg(long, default_value_t = 0, value_name = "N")]
    losses: u8,
    /// The most messages that are duplicated.
    #[arg(long, default_value_t = 0, value_name = "N")]
    duplicates: u8,
    /// The most retries of each node.
    #[arg(long, default_value_t = 0, value_name = "N")]
    repeats: u8,
    /// The most calls that are answered because their deadline has passed.
    #[arg(long, default_value_t = 0, value_name = "N")]
    deadlines: u8,
    /// The file for the scenario of a counterexample.
    #[arg(long, default_value = "counterexample.scenario", value_name = "FILE")]
    out: PathBuf,
}

/// Explores small worlds, prints the results, and returns the exit code.
pub(super) fn model(arguments: &ModelArguments) -> io::Result<u8> {
    let ModelArguments { workload, crashes, losses, duplicates, repeats, deadlines, .. } = *arguments;
    let bounds = Bounds { crashes, losses, duplicates, repeats, deadlines };
    let mutants = arguments.mutant.iter().fold(Mutants::NONE, |all, mutant| all.with(*mutant));
    let workloads =
        Workload::VARIANTS.iter().copied().filter(|it| workload.is_none_or(|wanted| wanted == *it));
    for workload in workloads {
        let explored = explore(workload, mutants, bounds);
        print(workload, &explored)?;
        if let Some(counterexample) = explored.counterexample {
            let mut out = stream::stdout();
            writeln!(out, "error: {}", counterexample.violation)?;
            for (index, step) in counterexample.steps.iter().enumerate() {
                writeln!(out, "{:4}  {step}", index + 1)?;
            }
            let Some(scenario) = counterexample.scenario() else {
                writeln!(out, "no scenario was found that reproduces this")?;
                return Ok(exit::FAILED);
            };
            std::fs::write(&arguments.out, scenario.print(&counterexample.comment()))?;
            writeln!(out, "reproduce: dsql-sim run {}", arguments.out.display())?;
            return Ok(exit::FAILED);
        }
    }
    Ok(exit::PASS)
}

fn print(workload: Workload, explored: &Explored) -> io::Result<()> {
    let mut out = stream::stdout();
    let Explored { states, visits, depth, .. } = explored;
    writeln!(out, "{}: {states} states, {visits} visits, {depth} steps deep", workload.name())?;
    let broken = explored.counterexample.as_ref().map(|it| it.violation.invariant.as_str());
    let judged = Invariant::VARIANTS.iter().zip(explored.exercised).filter(|(_, judged)| *judged > 0);
    for (name, judged) in judged.map(|(invariant, judged)| (invariant.name(), judged)) {
        let verdict = if broken == Some(name) { "broken" } else { "holds" };
        let judged = counted(judged, "time");
        writeln!(out, "  {verdict:<6}  {name:<28}  judged {judged}")?;
    }
    Ok(())
}

fn parse_workload(text: &str) -> Result<Workload, String> {
    text.parse().map_err(|_| {
        let names: Vec<_> = Workload::VARIANTS.iter().map(|workload| workload.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}
