//! `dsql-sim model`.

use std::io::{self, Write};
use std::path::PathBuf;

use crate::check::INVARIANTS;
use crate::control::mutant::{Mutant, Mutants};
use crate::model::{Bounds, Explored, Workload, explore};

use super::{exit, stream};

/// The arguments of `model`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ModelArguments {
    /// Explores this story only.
    #[arg(long, value_name = "NAME", value_parser = parse_story)]
    story: Option<Workload>,
    /// Plants a bug.
    #[arg(long, value_name = "NAME", value_parser = super::campaign::parse_mutant)]
    mutant: Vec<Mutant>,
    /// How many nodes crash.
    #[arg(long, default_value_t = 0, value_name = "N")]
    crashes: u8,
    /// How many messages are lost.
    #[arg(long, default_value_t = 0, value_name = "N")]
    losses: u8,
    /// How many messages arrive twice.
    #[arg(long, default_value_t = 0, value_name = "N")]
    duplicates: u8,
    /// How often each node asks its questions again.
    #[arg(long, default_value_t = 0, value_name = "N")]
    repeats: u8,
    /// How many calls are answered because they have waited too long.
    #[arg(long, default_value_t = 0, value_name = "N")]
    deadlines: u8,
    /// Where the scenario of a counterexample is written.
    #[arg(long, default_value = "counterexample.scenario", value_name = "FILE")]
    out: PathBuf,
}

/// Explores small worlds, and says what was found.
pub(super) fn model(arguments: &ModelArguments) -> io::Result<u8> {
    let ModelArguments { story, crashes, losses, duplicates, repeats, deadlines, .. } = *arguments;
    let bounds = Bounds { crashes, losses, duplicates, repeats, deadlines };
    let mutants = arguments.mutant.iter().fold(Mutants::NONE, |all, mutant| all.with(*mutant));
    for story in Workload::ALL.into_iter().filter(|it| story.is_none_or(|wanted| wanted == *it)) {
        let explored = explore(story, mutants, bounds);
        tell(story, &explored)?;
        if let Some(counterexample) = explored.counterexample {
            let mut out = stream::stdout();
            writeln!(out, "error: {}", counterexample.violation)?;
            for (place, step) in counterexample.steps.iter().enumerate() {
                writeln!(out, "{:4}  {step}", place + 1)?;
            }
            let Some(scenario) = counterexample.scenario() else {
                writeln!(out, "no scenario was found that does the same")?;
                return Ok(exit::FAILED);
            };
            std::fs::write(&arguments.out, scenario.print(&counterexample.comment()))?;
            writeln!(out, "reproduce: dsql-sim run {}", arguments.out.display())?;
            return Ok(exit::FAILED);
        }
    }
    Ok(exit::PASS)
}

fn tell(story: Workload, explored: &Explored) -> io::Result<()> {
    let mut out = stream::stdout();
    let Explored { states, visits, depth, .. } = explored;
    writeln!(out, "{}: {states} states, {visits} visits, {depth} steps deep", story.name())?;
    let broken = explored.counterexample.as_ref().map(|it| it.violation.invariant.as_str());
    for ((name, _), judged) in INVARIANTS.iter().zip(explored.exercised).filter(|(_, judged)| *judged > 0) {
        let verdict = if broken == Some(*name) { "broken" } else { "holds" };
        writeln!(out, "  {verdict:<6}  {name:<28}  judged {judged} times")?;
    }
    Ok(())
}

fn parse_story(text: &str) -> Result<Workload, String> {
    Workload::parse(text).ok_or_else(|| format!("there are {}", Workload::ALL.map(Workload::name).join(", ")))
}
