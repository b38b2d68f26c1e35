//! `advance`: the passage of time.

use std::time::Duration;

use super::{Chapter, VerbEntry, VerbReader};
use crate::scenario::arguments::{Arguments, duration};
use crate::scenario::diagnostic::Parsed;
use crate::scenario::read::ScenarioReader;
use crate::scenario::run::{Done, Run};
use crate::scenario::write::Writer;
use crate::scenario::{Action, Step};
use crate::types::print_duration;

pub(super) const ADVANCE: VerbEntry = VerbEntry {
    name: "advance",
    chapter: Chapter::Time,
    usage: "advance DURATION",
    meaning: "Runs the world for a time.",
    example: "advance 30s",
    reader: VerbReader::Step(read),
};

fn read(_reader: &mut ScenarioReader, arguments: &mut Arguments<'_>) -> Parsed<Action> {
    Ok(Action::Advance(duration(arguments.required("a duration, as in 30s")?)?))
}

pub(in crate::scenario) fn write(pause: Duration, writer: &mut Writer<'_>) {
    writer.add(format_args!("advance {}", print_duration(pause)));
}

pub(in crate::scenario) fn run(pause: Duration, run: &mut Run<'_>, step: &Step) -> Done {
    run.advance_to(run.now().after(pause), step.span)
}
