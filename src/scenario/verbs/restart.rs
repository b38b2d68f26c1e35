//! `restart`: stopped nodes start.

use super::target::node;
use super::{Chapter, FaultText, VerbEntry, VerbReader};
use crate::scenario::SetUp;
use crate::scenario::arguments::Arguments;
use crate::scenario::diagnostic::Parsed;
use crate::scenario::write::Writer;
use crate::sim::fault::{Fault, Restart};

pub(super) const RESTART: VerbEntry = VerbEntry {
    name: "restart",
    chapter: Chapter::Faults,
    usage: "restart NODE...",
    meaning: "\
Starts nodes with what their storage holds. A client needs no restart. The fault acts when the node was down.",
    example: "restart use1 use1/witness",
    reader: VerbReader::Fault(read),
};

fn read(set_up: &SetUp, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    let words = arguments.words("a node, as in use1 or use1/witness")?;
    let restart = |word| Ok(Fault::restart(node(set_up, word)?));
    Ok(Fault::all(words.into_iter().map(restart).collect::<Parsed<_>>()?))
}

impl FaultText for Restart {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.add(format_args!("restart {}", writer.node(self.node)));
    }

    fn idle(&self, set_up: &SetUp) -> String {
        format!("{} was running", set_up.node_name(self.node))
    }
}
