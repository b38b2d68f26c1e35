//! `parallel`: calls that begin together.

use super::{Chapter, VerbEntry, VerbReader};
use crate::scenario::Action;
use crate::scenario::arguments::Arguments;
use crate::scenario::diagnostic::Parsed;
use crate::scenario::read::ScenarioReader;
use crate::scenario::run::{Done, Run};
use crate::scenario::write::Writer;

pub(super) const PARALLEL: VerbEntry = VerbEntry {
    name: "parallel",
    chapter: Chapter::Calls,
    usage: "parallel",
    meaning: "\
Begins the calls that follow, up to the next command of another kind or the end of the block, together instead of one
after the other. Each can refer to the answer of one that waits less long (`after`) and has ended by then. Faults behind
`meanwhile` belong to them.",
    example: "parallel",
    reader: VerbReader::Step(read),
};

fn read(reader: &mut ScenarioReader, _arguments: &mut Arguments<'_>) -> Parsed<Action> {
    reader.begin_together();
    Ok(Action::Parallel)
}

pub(in crate::scenario) fn write(writer: &mut Writer<'_>) {
    writer.add(format_args!("parallel"));
}

/// Collects the calls that follow. [`Run`] begins them when it knows the last of them.
pub(in crate::scenario) fn run(run: &mut Run<'_>) -> Done {
    run.together = Some(Vec::new());
    Ok(())
}
