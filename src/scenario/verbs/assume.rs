//! `assume`: answers to questions that the record of the real service leaves open.

use super::{Chapter, VerbEntry, VerbReader};
use crate::control::assumptions::Assumptions;
use crate::scenario::SetUp;
use crate::scenario::arguments::Arguments;
use crate::scenario::diagnostic::{Diagnostic, Parsed, did_you_mean};
use crate::scenario::write::Writer;

pub(super) const ASSUME: VerbEntry = VerbEntry {
    name: "assume",
    chapter: Chapter::SetUp,
    usage: "assume SWITCH=VALUE...",
    meaning: "\
Answers questions that the record of the real service leaves open. The switches are listed below.",
    example: "assume token_window=1h multi_region_quota=2",
    reader: VerbReader::SetUp { read, write },
};

fn read(set_up: &mut SetUp, arguments: &mut Arguments<'_>) -> Parsed<()> {
    for (name, value) in arguments.pairs() {
        if !Assumptions::NAMES.contains(&name.text.as_str()) {
            let message = format!("unknown assumption `{}`", name.text);
            let closest = did_you_mean(&name.text, Assumptions::NAMES.iter().copied());
            return Err(Diagnostic::new(message, name.span).help(closest));
        }
        set_up.assumptions.set(&name.text, &value.text).map_err(|values| {
            let message = format!("`{}` is not a value of `{}`", value.text, name.text);
            Diagnostic::new(message, value.span).help(format!("it takes {values}"))
        })?;
    }
    Ok(())
}

fn write(writer: &mut Writer<'_>) {
    for (name, value) in writer.set_up.assumptions.differing() {
        writer.add(format_args!("assume {name}={value}\n"));
    }
}
