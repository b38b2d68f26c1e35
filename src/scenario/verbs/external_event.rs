//! `idle`, `connect`, `disable-keys`, `disable-key` and their ends, `fail-creation`, `restore-cluster` and
//! `raise-quota`: events in the environment of a Region's clusters.

use super::{Chapter, FaultText, Verb, VerbEntry, VerbReader, clients, key};
use crate::control::environment::{ExternalEvent, KeyScope};
use crate::control::quotas::ClusterQuota;
use crate::scenario::SetUp;
use crate::scenario::arguments::{Arguments, number, one_of};
use crate::scenario::diagnostic::Parsed;
use crate::scenario::write::Writer;
use crate::sim::fault::{Fault, InjectedEvent};
use crate::types::Account;

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

pub(super) const FAIL_CREATION: VerbEntry = VerbEntry {
    name: "fail-creation",
    chapter: Chapter::Faults,
    usage: "fail-creation REGION",
    meaning: "\
Lets the creation of a Region's clusters meet an error: those in CREATING become FAILED, except linked ones, whose
creation is over. No member of the API has a reason. The switch `creation_fails` fails every creation instead. A control
plane that is down misses this. The fault acts when a cluster changes because of it.",
    example: "fail-creation use1",
    reader: VerbReader::Fault(|set_up, arguments| read(set_up, arguments, ExternalEvent::FailCreation)),
};

pub(super) const RESTORE_CLUSTER: VerbEntry = VerbEntry {
    name: "restore-cluster",
    chapter: Chapter::Faults,
    usage: "restore-cluster REGION [account=DIGITS]",
    meaning: "\
Lets AWS Backup restore a single-Region cluster into a Region: a new cluster with deletion protection, which no call
created. ListClusters shows it. At the quota, and while the control plane is down, the restore fails. The fault acts
when a cluster appears.",
    example: "restore-cluster use1",
    reader: VerbReader::Fault(restore_cluster),
};

pub(super) const RAISE_QUOTA: VerbEntry = VerbEntry {
    name: "raise-quota",
    chapter: Chapter::Faults,
    usage: "raise-quota REGION single-region|multi-region to=N",
    meaning: "\
Raises a quota of every account in a Region, as Service Quotas does at the request of a customer. A control plane that
is down finds it so when it starts. The fault acts when the quota was raised to less before, if at all; a value below
the switches `single_region_quota` and `multi_region_quota` has no effect.",
    example: "raise-quota use1 multi-region to=6",
    reader: VerbReader::Fault(raise_quota),
};

fn restore_cluster(set_up: &SetUp, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    let region = set_up.region(arguments.required("a Region")?)?;
    let account = arguments.option("account").map(clients::read_account).transpose()?;
    let account = account.unwrap_or(Account::DEFAULT);
    Ok(Fault::external_event(region, ExternalEvent::RestoreCluster { account }))
}

fn raise_quota(set_up: &SetUp, arguments: &mut Arguments<'_>) -> Parsed<Fault> {
    let region = set_up.region(arguments.required("a Region")?)?;
    let quota = one_of(arguments.required("a quota")?, "a quota", &ClusterQuota::NAMED)?;
    let to = number(arguments.required_option("to", "as in to=6")?)?;
    Ok(Fault::external_event(region, ExternalEvent::RaiseQuota { quota, to }))
}

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
            ExternalEvent::FailCreation => (Verb::FailCreation, None),
            ExternalEvent::RestoreCluster { .. } => (Verb::RestoreCluster, None),
            ExternalEvent::RaiseQuota { .. } => (Verb::RaiseQuota, None),
        };
        let subject = match one {
            None => writer.region(self.region),
            Some(arn) => key::name(writer.set_up, arn),
        };
        writer.add(format_args!("{} {subject}", verb.name()));
        match &self.event {
            ExternalEvent::RaiseQuota { quota, to } => writer.add(format_args!(" {} to={to}", quota.name())),
            ExternalEvent::RestoreCluster { account } if *account != Account::DEFAULT => {
                writer.add(format_args!(" account={account}"));
            }
            _ => {}
        }
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
            ExternalEvent::FailCreation => {
                format!("no cluster in {region} was in CREATING for the first time")
            }
            ExternalEvent::RestoreCluster { account } => {
                format!(
                    "the quota of account {account} in {region} was used up, or the control plane was down"
                )
            }
            ExternalEvent::RaiseQuota { to, .. } => {
                format!("the quota in {region} was raised to {to} already")
            }
        }
    }
}
