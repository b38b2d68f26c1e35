//! `outage`: a Region is unreachable.

use super::{Chapter, FaultText, VerbEntry, VerbReader};
use crate::scenario::SetUp;
use crate::scenario::arguments::Arguments;
use crate::scenario::diagnostic::Parsed;
use crate::scenario::write::Writer;
use crate::sim::fault::{Fault, Outage};

pub(super) const OUTAGE: VerbEntry = VerbEntry {
    name: "outage",
    chapter: Chapter::Faults,
    usage: "outage REGION",
    meaning: "\
Stops a Region's control plane and witness node together. Nothing in the Region answers, not even with a reset. The
fault acts when it changes the state of one of the two.",
    example: "outage usw2",
    reader: VerbReader::Fault(read),
};

fn read(set_up: &SetUp, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    Ok(Fault::outage(set_up.region(arguments.required("a Region")?)?))
}

impl FaultText for Outage {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.add(format_args!("outage {}", writer.region(self.region)));
    }

    fn idle(&self, set_up: &SetUp) -> String {
        format!("every node of {} was down", set_up.region_name(self.region))
    }
}
