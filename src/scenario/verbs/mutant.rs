//! `mutant`: planted bugs.

use super::{Chapter, VerbEntry, VerbReader};
use crate::control::mutant::Mutant;
use crate::scenario::SetUp;
use crate::scenario::arguments::{Arguments, one_of};
use crate::scenario::diagnostic::Parsed;
use crate::scenario::write::Writer;

pub(super) const MUTANT: VerbEntry = VerbEntry {
    name: "mutant",
    chapter: Chapter::SetUp,
    usage: "mutant NAME...",
    meaning: "Plants bugs, to see them caught. `dsql-sim mutants` lists them.",
    example: "mutant witness-in-own-region",
    reader: VerbReader::SetUp { read, write },
};

fn read(set_up: &mut SetUp, arguments: &mut Arguments<'_>) -> Parsed<()> {
    let names: Vec<_> = Mutant::ALL.iter().map(|mutant| (mutant.name(), *mutant)).collect();
    for word in arguments.words("the name of a mutant")? {
        set_up.mutants = set_up.mutants.with(one_of(word, "a mutant", &names)?);
    }
    Ok(())
}

fn write(writer: &mut Writer<'_>) {
    for mutant in writer.set_up.mutants.iter() {
        writer.add(format_args!("mutant {}\n", mutant.name()));
    }
}
