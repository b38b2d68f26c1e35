//! `trace`: the level of the recorded trace.

use super::{Chapter, VerbEntry, VerbReader};
use crate::scenario::SetUp;
use crate::scenario::arguments::{Arguments, one_of};
use crate::scenario::diagnostic::Parsed;
use crate::scenario::write::Writer;
use crate::sim::trace::TraceLevel;

pub(super) const TRACE: VerbEntry = VerbEntry {
    name: "trace",
    chapter: Chapter::SetUp,
    usage: "trace milestones | messages",
    meaning: "Sets the level of the trace that is recorded in this file. The default is `milestones`.",
    example: "trace messages",
    reader: VerbReader::SetUp { read, write },
};

fn read(set_up: &mut SetUp, arguments: &mut Arguments<'_>) -> Parsed<()> {
    let levels = [("milestones", TraceLevel::Milestones), ("messages", TraceLevel::Messages)];
    set_up.trace = one_of(arguments.required("how much")?, "a level of trace", &levels)?;
    Ok(())
}

fn write(writer: &mut Writer<'_>) {
    if writer.set_up.trace == TraceLevel::Messages {
        writer.add(format_args!("trace messages\n"));
    }
}
