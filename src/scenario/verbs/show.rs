//! `show`: the true state of clusters in the trace.

use std::sync::Arc;

use super::{Chapter, VerbEntry, VerbReader};
use crate::scenario::Action;
use crate::scenario::arguments::Arguments;
use crate::scenario::diagnostic::Parsed;
use crate::scenario::read::ScenarioReader;
use crate::scenario::run::{Done, Run};
use crate::scenario::write::Writer;

pub(super) const SHOW: VerbEntry = VerbEntry {
    name: "show",
    chapter: Chapter::Expectations,
    usage: "show NAME...",
    meaning: "Writes the true state of clusters, whatever callers know, into the trace.",
    example: "show blue green",
    reader: VerbReader::Step(read),
};

fn read(reader: &mut ScenarioReader, arguments: &mut Arguments<'_>) -> Parsed<Action> {
    let words = arguments.words("the name of a call")?.into_iter();
    let names = words.map(|word| reader.calls.all().named(&word.text, word.span));
    Ok(Action::Show(names.collect::<Parsed<_>>()?))
}

pub(in crate::scenario) fn write(names: &[Arc<str>], writer: &mut Writer<'_>) {
    writer.add(format_args!("show"));
    for name in names {
        writer.add(format_args!(" {name}"));
    }
}

pub(in crate::scenario) fn run(names: &[Arc<str>], run: &mut Run<'_>) -> Done {
    for name in names {
        let text = run.describe(name);
        run.simulation.world_mut().remark(|| text);
    }
    Ok(())
}

impl Run<'_> {
    /// The true state of a cluster, as a text.
    pub(super) fn describe(&self, name: &str) -> String {
        let names = self.world().names();
        let Some(cluster) = self.cluster(name) else { return format!("{name} is gone") };
        let mut text = format!("{name} in {} is {}", names.region(cluster.arn.region), cluster.status);
        if let Some(multi_region) = &cluster.multi_region {
            let witness = names.region(multi_region.witness);
            text += &match (multi_region.peer, multi_region.linked) {
                (None, _) => format!(", witness {witness}, no peer declared"),
                (Some(peer), false) => {
                    format!(", witness {witness}, declares {}", names.cluster(peer.identifier))
                }
                (Some(peer), true) => {
                    format!(", witness {witness}, linked with {}", names.cluster(peer.identifier))
                }
            };
        }
        if cluster.deletion_protection { text + ", protected" } else { text }
    }
}
