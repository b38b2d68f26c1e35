//! `seed`: the seed of every random draw.

use super::{Chapter, VerbEntry, VerbReader};
use crate::scenario::SetUp;
use crate::scenario::arguments::{Arguments, number};
use crate::scenario::diagnostic::Parsed;
use crate::scenario::write::Writer;

pub(super) const SEED: VerbEntry = VerbEntry {
    name: "seed",
    chapter: Chapter::SetUp,
    usage: "seed NUMBER",
    meaning: "\
Sets the seed that every random draw is keyed by. The recorded traces hold for this seed; expectations and invariants
hold for every seed. Without it the seed is 0.",
    example: "seed 42",
    reader: VerbReader::SetUp { read, write },
};

fn read(set_up: &mut SetUp, arguments: &mut Arguments<'_>) -> Parsed<()> {
    set_up.seed = number(arguments.required("a number")?)?;
    Ok(())
}

fn write(writer: &mut Writer<'_>) {
    let seed = writer.set_up.seed;
    if seed != 0 {
        writer.add(format_args!("seed {seed}\n"));
    }
}
