//! `idle`, `connect`, `disable-keys` and `enable-keys`: events in the environment of a Region's clusters.

use super::{Chapter, FaultText, Verb, VerbEntry, VerbReader};
use crate::control::environment::ExternalEvent;
use crate::scenario::SetUp;
use crate::scenario::arguments::Arguments;
use crate::scenario::diagnostic::Parsed;
use crate::scenario::write::Writer;
use crate::sim::fault::{Fault, InjectedEvent};

pub(super) const IDLE: VerbEntry = VerbEntry {
    name: "idle",
    chapter: Chapter::Faults,
    usage: "idle REGION",
    meaning: "\
Lets a Region's clusters go without connections for long: ACTIVE ones become IDLE, and IDLE ones INACTIVE. A control
plane that is down misses this. The fault acts when a cluster changes because of it.",
    example: "idle use1",
    reader: VerbReader::Fault(|set_up, arguments| read(set_up, arguments, ExternalEvent::Idle)),
};

pub(super) const CONNECT: VerbEntry = VerbEntry {
    name: "connect",
    chapter: Chapter::Faults,
    usage: "connect REGION",
    meaning: "\
Connects to a Region's clusters: IDLE and INACTIVE ones become ACTIVE. A control plane that is down misses this. The
fault acts when a cluster changes because of it.",
    example: "connect use1",
    reader: VerbReader::Fault(|set_up, arguments| read(set_up, arguments, ExternalEvent::Connect)),
};

pub(super) const DISABLE_KEYS: VerbEntry = VerbEntry {
    name: "disable-keys",
    chapter: Chapter::Faults,
    usage: "disable-keys REGION",
    meaning: "\
Disables the customer managed keys of a Region's clusters, those to come as well: their `encryptionStatus` is
KMS_KEY_INACCESSIBLE, and ACTIVE ones become IDLE. A control plane that is down finds them so when it starts. The fault
acts when a cluster changes because of it.",
    example: "disable-keys use1",
    reader: VerbReader::Fault(|set_up, arguments| read(set_up, arguments, ExternalEvent::DisableKeys)),
};

pub(super) const ENABLE_KEYS: VerbEntry = VerbEntry {
    name: "enable-keys",
    chapter: Chapter::Faults,
    usage: "enable-keys REGION",
    meaning: "\
Enables the customer managed keys of a Region's clusters again. The fault acts when keys were disabled.",
    example: "enable-keys use1",
    reader: VerbReader::Fault(|set_up, arguments| read(set_up, arguments, ExternalEvent::EnableKeys)),
};

fn read(set_up: &SetUp, arguments: &mut Arguments<'_>, event: ExternalEvent) -> Parsed<Fault> {
    Ok(Fault::external_event(set_up.region(arguments.required("a Region")?)?, event))
}

impl FaultText for InjectedEvent {
    fn write(&self, writer: &mut Writer<'_>) {
        let verb = match self.event {
            ExternalEvent::Idle => Verb::Idle,
            ExternalEvent::Connect => Verb::Connect,
            ExternalEvent::DisableKeys => Verb::DisableKeys,
            ExternalEvent::EnableKeys => Verb::EnableKeys,
        };
        writer.add(format_args!("{} {}", verb.name(), writer.region(self.region)));
    }

    fn idle(&self, set_up: &SetUp) -> String {
        let region = set_up.region_name(self.region);
        match self.event {
            ExternalEvent::Idle => format!("no cluster in {region} was ACTIVE or IDLE"),
            ExternalEvent::Connect => format!("no cluster in {region} was IDLE or INACTIVE"),
            ExternalEvent::DisableKeys => format!("no cluster in {region} had a key of its own"),
            ExternalEvent::EnableKeys => format!("no key in {region} was disabled"),
        }
    }
}
