//! `regions`: short names of Regions.

use super::{Chapter, VerbEntry, VerbReader};
use crate::region::Region;
use crate::scenario::SetUp;
use crate::scenario::arguments::Arguments;
use crate::scenario::diagnostic::{Diagnostic, Parsed, did_you_mean};
use crate::scenario::script::Word;
use crate::scenario::write::Writer;

pub(super) const REGIONS: VerbEntry = VerbEntry {
    name: "regions",
    chapter: Chapter::SetUp,
    usage: "regions NAME=REGION...",
    meaning: "\
Gives Regions short names, which can stand wherever a Region can. A Region needs no other declaration.",
    example: "regions use1=us-east-1 use2=us-east-2 usw2=us-west-2",
    reader: VerbReader::SetUp { read, write },
};

fn read(set_up: &mut SetUp, arguments: &mut Arguments<'_>) -> Parsed<()> {
    let pairs = arguments.pairs();
    if pairs.is_empty() {
        return Err(Diagnostic::new("`regions` needs names, as in use1=us-east-1", arguments.span()));
    }
    for (name, region) in pairs {
        let region = region_called(region)?;
        set_up.regions.push((name.text.as_str().into(), region));
    }
    Ok(())
}

fn write(writer: &mut Writer<'_>) {
    let regions = &writer.set_up.regions;
    if !regions.is_empty() {
        let pairs = regions.iter().map(|(name, region)| format!(" {name}={region}"));
        writer.add(format_args!("regions{}\n", pairs.collect::<String>()));
    }
}

impl SetUp {
    /// The Region that `word` names, by its short name or its own.
    pub(in crate::scenario) fn region(&self, word: &Word) -> Parsed<Region> {
        if let Some((_, region)) = self.regions.iter().find(|(name, _)| **name == *word.text) {
            return Ok(*region);
        }
        region_called(word).map_err(|mistake| {
            let closest = did_you_mean(&word.text, self.regions.iter().map(|(name, _)| &**name));
            if closest.is_some() { mistake.help(closest) } else { mistake }
        })
    }

    /// The name of a Region in the file: its short name, if it has one.
    pub(in crate::scenario) fn region_name(&self, region: Region) -> &str {
        let named = self.regions.iter().find(|(_, known)| *known == region);
        named.map_or(region.name(), |(name, _)| name)
    }
}

fn region_called(word: &Word) -> Parsed<Region> {
    Region::parse(&word.text).ok_or_else(|| {
        let closest = did_you_mean(&word.text, Region::all().map(Region::name));
        Diagnostic::new(format!("unknown Region `{}`", word.text), word.span).help(closest)
    })
}
