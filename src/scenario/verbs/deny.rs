//! `deny` and `allow`: an action is denied to every caller in a Region.

use super::{Chapter, FaultText, Verb, VerbEntry, VerbReader};
use crate::control::authorization::IamAction;
use crate::scenario::SetUp;
use crate::scenario::arguments::{Arguments, one_of};
use crate::scenario::diagnostic::Parsed;
use crate::scenario::write::Writer;
use crate::sim::fault::{Deny, Fault};

pub(super) const DENY: VerbEntry = VerbEntry {
    name: "deny",
    chapter: Chapter::Faults,
    usage: "deny REGION ACTION",
    meaning: "\
Denies an action to every principal in a Region: an operation's name, PutMultiRegionProperties, PutWitnessRegion,
AddPeerCluster, RemovePeerCluster, CreateServiceLinkedRole, PassRole, or an action of AWS KMS, as in Decrypt. The fault
acts when something is refused because of it.",
    example: "deny usw2 PutWitnessRegion",
    reader: VerbReader::Fault(|set_up, arguments| read(set_up, arguments, true)),
};

pub(super) const ALLOW: VerbEntry = VerbEntry {
    name: "allow",
    chapter: Chapter::Faults,
    usage: "allow REGION ACTION",
    meaning: "Allows a denied action again. The fault acts when the action was denied.",
    example: "allow usw2 PutWitnessRegion",
    reader: VerbReader::Fault(|set_up, arguments| read(set_up, arguments, false)),
};

fn read(set_up: &SetUp, arguments: &mut Arguments<'_>, denied: bool) -> Parsed<Fault> {
    let region = set_up.region(arguments.required("a Region")?)?;
    let actions: Vec<_> = IamAction::all().map(|action| (action.name(), action)).collect();
    let action = one_of(arguments.required("an action")?, "an action", &actions)?;
    Ok(Fault::Deny(Deny { region, action, denied }))
}

impl FaultText for Deny {
    fn write(&self, writer: &mut Writer<'_>) {
        let verb = if self.denied { Verb::Deny } else { Verb::Allow };
        writer.add(format_args!("{} {} {}", verb.name(), writer.region(self.region), self.action.name()));
    }

    fn idle(&self, set_up: &SetUp) -> String {
        let (region, action) = (set_up.region_name(self.region), self.action.name());
        match self.denied {
            true => format!("nothing was refused in {region} for want of {action}"),
            false => format!("{action} was not denied in {region}"),
        }
    }
}
