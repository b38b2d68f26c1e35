//! `run`: the world runs until it is quiet.

use std::time::Duration;

use super::{Chapter, VerbEntry, VerbReader};
use crate::check::RunEnd;
use crate::scenario::arguments::{Arguments, one_of};
use crate::scenario::diagnostic::Parsed;
use crate::scenario::read::ScenarioReader;
use crate::scenario::run::{Done, Failure, Run};
use crate::scenario::write::Writer;
use crate::scenario::{Action, Step};
use crate::types::print_duration;

pub(super) const RUN: VerbEntry = VerbEntry {
    name: "run",
    chapter: Chapter::Time,
    usage: "run until=quiet [limit=DURATION]",
    meaning: "\
Runs the world until it is quiet: no call is open, and nothing is under way but retries of requests that cannot be
answered. It is an error if that takes longer than `limit` (1h).",
    example: "run until=quiet",
    reader: VerbReader::Step(read),
};

/// The longest run without `limit=`.
const LIMIT: Duration = Duration::from_secs(3600);

fn read(_reader: &mut ScenarioReader, arguments: &mut Arguments<'_>) -> Parsed<Action> {
    let word = arguments.required_option("until", "as in until=quiet")?;
    one_of(word, "something to run until", &[("quiet", ())])?;
    Ok(Action::RunUntilQuiet(arguments.duration("limit", LIMIT)?))
}

pub(in crate::scenario) fn write(limit: Duration, writer: &mut Writer<'_>) {
    writer.add(format_args!("run until=quiet"));
    if limit.as_secs() != LIMIT.as_secs() {
        writer.add(format_args!(" limit={}", print_duration(limit)));
    }
}

pub(in crate::scenario) fn run(limit: Duration, run: &mut Run<'_>, step: &Step) -> Done {
    let end = run.simulation.run_until_quiet(limit);
    match end.map_err(|violation| Failure::of(violation, Some(step.span)))? {
        RunEnd::Quiet => Ok(()),
        RunEnd::TimeUp => {
            let waits = run.world().who_waits();
            Err(run.failure(format!("the world is not quiet within the limit{waits}"), step.span))
        }
    }
}
