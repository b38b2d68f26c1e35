//! `latency`: the delay of messages.

use super::{Chapter, VerbEntry, VerbReader};
use crate::scenario::SetUp;
use crate::scenario::arguments::{Arguments, time_span};
use crate::scenario::diagnostic::Parsed;
use crate::scenario::write::{Writer, range_text};
use crate::sim::Latency;

pub(super) const LATENCY: VerbEntry = VerbEntry {
    name: "latency",
    chapter: Chapter::SetUp,
    usage: "latency measured | MIN..MAX",
    meaning: "\
Sets the delay of messages. `measured` (the default) is half the measured round trip between two AWS Regions, and up
to a tenth more; a range is drawn from for each message, whatever the Regions.",
    example: "latency 1ms..50ms",
    reader: VerbReader::SetUp { read, write },
};

fn read(set_up: &mut SetUp, arguments: &mut Arguments<'_>) -> Parsed<()> {
    let word = arguments.required("`measured` or a range, as in 1ms..50ms")?;
    set_up.latency = match word.text.as_str() {
        "measured" => Latency::Measured,
        _ => Latency::Even(time_span(word)?),
    };
    Ok(())
}

fn write(writer: &mut Writer<'_>) {
    if let Latency::Even(range) = writer.set_up.latency {
        writer.add(format_args!("latency {}\n", range_text(range)));
    }
}
