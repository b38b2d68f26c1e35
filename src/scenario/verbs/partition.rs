//! `partition`: links are cut.

use super::target::link;
use super::{Chapter, VerbEntry, VerbReader};
use crate::scenario::SetUp;
use crate::scenario::arguments::Arguments;
use crate::scenario::diagnostic::Parsed;
use crate::scenario::script::Word;
use crate::sim::fault::{Fault, Rule};

pub(super) const PARTITION: VerbEntry = VerbEntry {
    name: "partition",
    chapter: Chapter::Faults,
    usage: "partition LINK...",
    meaning: "\
Cuts links: every message on them is lost. `->` cuts one direction, `<->` both. The fault acts when a message is lost.",
    example: "partition use1<->use2",
    reader: VerbReader::Fault(read),
};

/// A partition is several rules at once, even if it cuts one link only: it is printed as it was written, not as `drop`.
fn read(set_up: &SetUp, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    let links = arguments.words("a link, as in use1<->use2")?;
    let cut = |word: &Word| {
        let (from, to, both_ways) = link(set_up, word)?;
        Ok(Fault::Rule(Rule::cut(from, to, both_ways)))
    };
    Ok(Fault::All(links.into_iter().map(cut).collect::<Parsed<_>>()?))
}
