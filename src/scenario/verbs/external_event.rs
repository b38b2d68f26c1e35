//! `idle`, `connect`, `disable-keys`, `disable-key` and their ends: events in the environment of a Region's clusters.

use super::{Chapter, FaultText, Verb, VerbEntry, VerbReader, key};
use crate::control::environment::{ExternalEvent, KeyScope};
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
Disables the customer managed keys of a Region, those to come as well: `encryptionStatus` of the clusters that have one
is KMS_KEY_INACCESSIBLE, and ACTIVE ones become IDLE. A call that selects a disabled key is refused. A control plane
that is down finds the keys so when it starts. The fault acts when a cluster changes because of it, or a call is
refused.",
    example: "disable-keys use1",
    reader: VerbReader::Fault(|set_up, arguments| {
        read(set_up, arguments, ExternalEvent::DisableKeys(KeyScope::All))
    }),
};

pub(super) const ENABLE_KEYS: VerbEntry = VerbEntry {
    name: "enable-keys",
    chapter: Chapter::Faults,
    usage: "enable-keys REGION",
    meaning: "\
Enables the customer managed keys of a Region again. The fault acts when keys were disabled.",
    example: "enable-keys use1",
    reader: VerbReader::Fault(|set_up, arguments| {
        read(set_up, arguments, ExternalEvent::EnableKeys(KeyScope::All))
    }),
};

pub(super) const DISABLE_KEY: VerbEntry = VerbEntry {
    name: "disable-key",
    chapter: Chapter::Faults,
    usage: "disable-key KEY",
    meaning: "\
Disables one customer managed key, named by the name with which `key` declares it or by its ARN, or schedules it for
deletion: both have the effect of `disable-keys`, on the clusters with this key alone.",
    example: "disable-key arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    reader: VerbReader::Fault(|set_up, arguments| read_one(set_up, arguments, ExternalEvent::DisableKeys)),
};

pub(super) const ENABLE_KEY: VerbEntry = VerbEntry {
    name: "enable-key",
    chapter: Chapter::Faults,
    usage: "enable-key KEY",
    meaning: "\
Enables one customer managed key again. The fault acts when it was disabled, be it alone or with all of its Region.",
    example: "enable-key arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    reader: VerbReader::Fault(|set_up, arguments| read_one(set_up, arguments, ExternalEvent::EnableKeys)),
};

fn read(set_up: &SetUp, arguments: &mut Arguments<'_>, event: ExternalEvent) -> Parsed<Fault> {
    Ok(Fault::external_event(set_up.region(arguments.required("a Region")?)?, event))
}

fn read_one(
    set_up: &SetUp,
    arguments: &mut Arguments<'_>,
    event: fn(KeyScope) -> ExternalEvent,
) -> Parsed<Fault> {
    let (region, arn) = key::called(set_up, arguments.required("a key")?)?;
    Ok(Fault::external_event(region, event(KeyScope::One(arn))))
}

impl FaultText for InjectedEvent {
    fn write(&self, writer: &mut Writer<'_>) {
        let (verb, one) = match &self.event {
            ExternalEvent::Idle => (Verb::Idle, None),
            ExternalEvent::Connect => (Verb::Connect, None),
            ExternalEvent::DisableKeys(KeyScope::All) => (Verb::DisableKeys, None),
            ExternalEvent::EnableKeys(KeyScope::All) => (Verb::EnableKeys, None),
            ExternalEvent::DisableKeys(KeyScope::One(arn)) => (Verb::DisableKey, Some(arn)),
            ExternalEvent::EnableKeys(KeyScope::One(arn)) => (Verb::EnableKey, Some(arn)),
            ExternalEvent::BreakTarget { target, error } => {
                let region = writer.region(self.region);
                return writer
                    .add(format_args!("{} {region} {target} error={error}", Verb::BreakTarget.name()));
            }
            ExternalEvent::RepairTarget { target } => {
                let region = writer.region(self.region);
                return writer.add(format_args!("{} {region} {target}", Verb::RepairTarget.name()));
            }
        };
        let subject = match one {
            None => writer.region(self.region),
            Some(arn) => key::name(writer.set_up, arn),
        };
        writer.add(format_args!("{} {subject}", verb.name()));
    }

    fn idle(&self, set_up: &SetUp) -> String {
        let region = set_up.region_name(self.region);
        match &self.event {
            ExternalEvent::Idle => format!("no cluster in {region} was ACTIVE or IDLE"),
            ExternalEvent::Connect => format!("no cluster in {region} was IDLE or INACTIVE"),
            ExternalEvent::DisableKeys(KeyScope::All) => {
                format!("no cluster in {region} had or was to have a key of its own")
            }
            ExternalEvent::EnableKeys(KeyScope::All) => format!("no key in {region} was disabled"),
            ExternalEvent::DisableKeys(KeyScope::One(arn)) => {
                format!("no cluster had or was to have the key {}", key::name(set_up, arn))
            }
            ExternalEvent::EnableKeys(KeyScope::One(arn)) => {
                format!("the key {} was not disabled", key::name(set_up, arn))
            }
            ExternalEvent::BreakTarget { target, error } => {
                format!("no stream in {region} that delivers to or with {target} met {error}")
            }
            ExternalEvent::RepairTarget { target } => {
                format!("the target {target} was not broken in {region}")
            }
        }
    }
}
