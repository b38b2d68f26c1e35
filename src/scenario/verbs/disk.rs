//! `disk`: the duration of a write.

use std::time::Duration;

use super::{Chapter, VerbEntry, VerbReader};
use crate::scenario::SetUp;
use crate::scenario::arguments::{Arguments, duration};
use crate::scenario::diagnostic::Parsed;
use crate::scenario::write::Writer;
use crate::types::print_duration;

pub(super) const DISK: VerbEntry = VerbEntry {
    name: "disk",
    chapter: Chapter::SetUp,
    usage: "disk DURATION",
    meaning: "Sets the duration of a write to a node's disk. The default is a millisecond.",
    example: "disk 20ms",
    reader: VerbReader::SetUp { read, write },
};

/// The duration of a write without this verb.
pub(in crate::scenario) const DEFAULT: Duration = Duration::from_millis(1);

fn read(set_up: &mut SetUp, arguments: &mut Arguments<'_>) -> Parsed<()> {
    set_up.disk = duration(arguments.required("a duration")?)?;
    Ok(())
}

fn write(writer: &mut Writer<'_>) {
    let disk = writer.set_up.disk;
    if disk != DEFAULT {
        writer.add(format_args!("disk {}\n", print_duration(disk)));
    }
}
