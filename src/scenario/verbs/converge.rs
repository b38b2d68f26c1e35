//! `converge`: every fault is undone, and the world must come to rest.

use super::{Chapter, VerbEntry, VerbReader};
use crate::region::Region;
use crate::scenario::arguments::Arguments;
use crate::scenario::diagnostic::Parsed;
use crate::scenario::read::ScenarioReader;
use crate::scenario::run::{Done, Failure, Run};
use crate::scenario::write::Writer;
use crate::scenario::{Action, Step};

pub(super) const CONVERGE: VerbEntry = VerbEntry {
    name: "converge",
    chapter: Chapter::Time,
    usage: "converge [except=REGION]",
    meaning: "\
Injects every fault that is still planned, undoes all faults, runs the world until it is quiet, and checks that it
converged: no cluster in a transient status, no request unanswered, both sides of each pair agreed. With `except`,
that Region stays dead, and whatever the other two can decide must converge without it. Every scenario ends with this,
written or not.",
    example: "converge except=use2",
    reader: VerbReader::Step(read),
};

fn read(reader: &mut ScenarioReader, arguments: &mut Arguments<'_>) -> Parsed<Action> {
    let except = arguments.option("except").map(|word| reader.set_up.region(word)).transpose()?;
    Ok(Action::Converge(except))
}

pub(in crate::scenario) fn write(except: Option<Region>, writer: &mut Writer<'_>) {
    writer.add(format_args!("converge"));
    if let Some(region) = except {
        writer.add(format_args!(" except={}", writer.region(region)));
    }
}

pub(in crate::scenario) fn run(except: Option<Region>, run: &mut Run<'_>, step: &Step) -> Done {
    run.has_converged = except.is_none();
    run.simulation.converge(except).map_err(|violation| Failure::of(violation, Some(step.span)))
}
