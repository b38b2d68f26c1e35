//! `skew`: the wall clock of a Region is wrong.

use std::time::Duration;

use super::{Chapter, FaultText, VerbEntry, VerbReader};
use crate::scenario::SetUp;
use crate::scenario::arguments::Arguments;
use crate::scenario::diagnostic::{Diagnostic, Parsed};
use crate::scenario::write::Writer;
use crate::sim::fault::{Fault, Skew};
use crate::types::{parse_duration, print_duration};

pub(super) const SKEW: VerbEntry = VerbEntry {
    name: "skew",
    chapter: Chapter::Faults,
    usage: "skew REGION by=+DURATION|-DURATION",
    meaning: "\
Sets a Region's wall clock wrong. The clock stamps `creationTime` and the versions of policies, and has no other use.
The fault acts when something is created while the clock is wrong; `by=0s` sets the clock right, and acts when it was
wrong.",
    example: "skew use2 by=-3h",
    reader: VerbReader::Fault(read),
};

fn read(set_up: &SetUp, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    let region = set_up.region(arguments.required("a Region")?)?;
    let word = arguments.required_option("by", "as in by=+3h")?;
    let (sign, text) = match word.text.split_at_checked(1) {
        Some(("-", rest)) => (-1, rest),
        Some(("+", rest)) => (1, rest),
        _ => (1, word.text.as_str()),
    };
    let by = parse_duration(text).and_then(|by| i64::try_from(by.as_secs()).ok());
    let seconds = by.ok_or_else(|| {
        Diagnostic::new(format!("`{}` is not a duration", word.text), word.span)
            .help("as in +3h or -90s".to_owned())
    })?;
    Ok(Fault::Skew(Skew { region, seconds: sign * seconds }))
}

impl FaultText for Skew {
    fn write(&self, writer: &mut Writer<'_>) {
        let sign = if self.seconds < 0 { '-' } else { '+' };
        let by = print_duration(Duration::from_secs(self.seconds.unsigned_abs()));
        writer.add(format_args!("skew {} by={sign}{by}", writer.region(self.region)));
    }

    fn idle(&self, set_up: &SetUp) -> String {
        let region = set_up.region_name(self.region);
        match self.seconds {
            0 => format!("the clock of {region} was right"),
            _ => format!("nothing was created in {region} meanwhile"),
        }
    }
}
