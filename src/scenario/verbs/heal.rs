//! `heal`: rules end.

use super::target::link;
use super::{Chapter, FaultText, VerbEntry, VerbReader};
use crate::scenario::SetUp;
use crate::scenario::arguments::Arguments;
use crate::scenario::diagnostic::Parsed;
use crate::scenario::write::Writer;
use crate::sim::fault::{Fault, Heal};

pub(super) const HEAL: VerbEntry = VerbEntry {
    name: "heal",
    chapter: Chapter::Faults,
    usage: "heal [LINK...]",
    meaning: "\
Ends the rules on these links; without a link, ends every rule, hold, denial, `throttle` and `fail`. The fault acts
when there was something to end.",
    example: "heal use1<->use2",
    reader: VerbReader::Fault(read),
};

fn read(set_up: &SetUp, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    let mut healed = Vec::new();
    while let Some(word) = arguments.word() {
        let (one, other, _) = link(set_up, word)?;
        healed.push(Fault::heal(one, other));
    }
    Ok(if healed.is_empty() { Fault::Heal(Heal { between: None }) } else { Fault::all(healed) })
}

impl FaultText for Heal {
    fn write(&self, writer: &mut Writer<'_>) {
        writer.add(format_args!("heal"));
        if let Some((one, other)) = self.between {
            writer.add(format_args!(" {}", writer.link(one, other, true)));
        }
    }

    fn idle(&self, _set_up: &SetUp) -> String {
        match self.between {
            Some(_) => "no rule that could still apply was on this link".to_owned(),
            None => "there was nothing to heal".to_owned(),
        }
    }
}
