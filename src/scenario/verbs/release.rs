//! `release`: held messages are sent on.

use super::{Chapter, FaultText, VerbEntry, VerbReader};
use crate::scenario::SetUp;
use crate::scenario::write::Writer;
use crate::sim::fault::{Fault, Release};

pub(super) const RELEASE: VerbEntry = VerbEntry {
    name: "release",
    chapter: Chapter::Faults,
    usage: "release",
    meaning: "Ends every `hold` and sends the held messages on. The fault acts when a message was held.",
    example: "release",
    reader: VerbReader::Fault(|_, _| Ok(Fault::Release(Release))),
};

impl FaultText for Release {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.add(format_args!("release"));
    }

    fn idle(&self, _set_up: &SetUp) -> String {
        "nothing was held back".to_owned()
    }
}
