//! Which permissions a call needs: which action, on which resource, with which condition keys, in which Region.
//!
//! The rules are those of the API reference, "CreateCluster" and "UpdateCluster" (*Required permissions*), and of the
//! Service Authorization Reference, "Actions, resources, and condition keys for Amazon Aurora DSQL". What a call needs
//! in its own Region depends on the request and on what it is about alone; the witness Region and the Regions of peers
//! are asked by message.
//!
//! In the cluster's own Region:
//!
//! - CreateCluster: CreateCluster on `cluster/*`, TagResource for tags, PutClusterPolicy for a policy,
//!   iam:CreateServiceLinkedRole for the account's first cluster, six actions of AWS KMS for a key of the caller's.
//! - UpdateCluster: UpdateCluster and GetCluster on the cluster, and AWS KMS as above.
//! - Both, with multi-Region properties: PutMultiRegionProperties, PutWitnessRegion, AddPeerCluster for peers.
//! - CreateStream: CreateStream on the cluster, iam:PassRole on the stream's role, kms:Decrypt for the cluster's key.
//! - ListClusters: ListClusters on `*`. Every other call: the action of its name on what it names.
//!
//! Elsewhere: PutWitnessRegion on `cluster/*` of the witness Region, AddPeerCluster on the exact ARN of each peer, and
//! RemovePeerCluster on that of a peer that is left out.
//!
//! `dsql:WitnessRegion` goes with CreateCluster and PutWitnessRegion alone. `aws:TagKeys` is left out where there are
//! no tags. A key that is named by its alias is checked on the alias's ARN, for nobody here knows which key it means.

use std::borrow::Cow;

use crate::api::{CreateClusterInput, Error, MultiRegionProperties, Operation, Request, Tags};
use crate::iam::{Context, Key, Values};
use crate::region::Region;
use crate::types::{Account, ClusterArn};

use super::authorization::Action;
use super::cluster::Cluster;
use super::create::customer_key;

/// A permission that a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need<'a> {
    /// To do what.
    pub action: Action,
    /// With what: an ARN, or `*`.
    pub resource: &'a str,
    /// What the request says of itself.
    pub says: Says<'a>,
}

/// What a request says of itself, as far as an action carries the keys for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Says<'a> {
    /// `dsql:WitnessRegion`.
    pub witness: Option<&'a str>,
    /// `aws:RequestTag/…` and `aws:TagKeys`.
    pub tags: Option<&'a Tags>,
    /// `aws:TagKeys`, of tags to be removed.
    pub tag_keys: &'a [String],
    /// A key that says which service it is for, and that service.
    pub service: Option<(&'static str, &'a str)>,
}

/// Why another Region is asked about a peer of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// The call lists it.
    Add,
    /// The call does not speak of peers, and keeps it: there is nothing to allow.
    Keep,
    /// The call leaves it out.
    Remove,
}

impl Asks {
    /// A number for keys: none for what is always asked.
    pub(super) fn word(self) -> u64 {
        u64::from(self == Asks::Remove)
    }
}

/// The clusters of an account in a Region.
#[derive(Clone, Debug)]
pub(super) struct Home {
    region: Region,
    account: Account,
    /// The ARN of any cluster, as a pattern.
    any: String,
}

/// Asks whether a permission is there.
type Ask<'a> = &'a mut dyn FnMut(Need<'_>) -> Result<(), Error>;

/// Asks for everything that `request` needs in its own Region, and stops at the first refusal; `cluster` is what it is
/// about, if that exists.
pub(super) fn local(
    request: &Request,
    home: &Home,
    cluster: Option<&Cluster>,
    lacks_role: bool,
    ask: Ask<'_>,
) -> Result<(), Error> {
    let own = Action::Call(request.operation());
    let named = request.identifier().map(|identifier| home.cluster(identifier)).unwrap_or_default();
    match request {
        Request::CreateCluster(input) => home.create(input, lacks_role, ask),
        Request::UpdateCluster(input) => {
            ask(Need::new(own, &named))?;
            ask(Need::new(Action::Call(Operation::GetCluster), &named))?;
            let arn = cluster.map(|cluster| cluster.arn);
            multi_region(input.multi_region_properties.as_deref(), &named, arn, ask)?;
            home.keys(customer_key(input.kms_encryption_key.as_ref()).as_deref(), &Action::KMS, ask)
        }
        Request::ListClusters(_) => ask(Need::new(own, "*")),
        Request::TagResource(input) => {
            ask(Need::new(own, &input.resource_arn)
                .saying(Says { tags: input.tags.as_ref(), ..Says::default() }))
        }
        Request::UntagResource(input) => {
            let tag_keys = input.tag_keys.as_deref().unwrap_or_default();
            ask(Need::new(own, &input.resource_arn).saying(Says { tag_keys, ..Says::default() }))
        }
        Request::ListTagsForResource(input) => ask(Need::new(own, &input.resource_arn)),
        Request::GetStream(input) => ask(Need::new(own, &stream(&named, &input.stream_identifier))),
        Request::DeleteStream(input) => ask(Need::new(own, &stream(&named, &input.stream_identifier))),
        Request::CreateStream(input) => {
            ask(Need::new(own, &named).saying(Says { tags: input.tags.as_ref(), ..Says::default() }))?;
            let target = input.target_definition.as_ref().and_then(|target| target.kinesis.as_ref());
            if let Some(role) = target.and_then(|target| target.role_arn.as_deref()) {
                let service = Some(("iam:PassedToService", SERVICE));
                ask(Need::new(Action::PassRole, role).saying(Says { service, ..Says::default() }))?;
            }
            home.keys(cluster.and_then(|cluster| cluster.kms_key.as_deref()), &[Action::DECRYPT], ask)
        }
        _ => ask(Need::new(own, &named)),
    }
}

/// What the witness Region is asked for, whose clusters are `home`.
pub(super) fn witness(home: &Home) -> Need<'_> {
    let witness = Some(home.region.name());
    Need::new(Action::PutWitnessRegion, &home.any).saying(Says { witness, ..Says::default() })
}

/// What the Region of the peer with this ARN is asked for.
pub(super) fn peer(peer: &str, asks: Asks) -> Option<Need<'_>> {
    let action = match asks {
        Asks::Add => Action::AddPeerCluster,
        Asks::Keep => return None,
        Asks::Remove => Action::RemovePeerCluster,
    };
    Some(Need::new(action, peer))
}

impl Home {
    pub(super) fn of(region: Region, account: Account) -> Home {
        Home { region, account, any: format!("arn:aws:dsql:{region}:{account}:cluster/*") }
    }

    /// The ARN of any cluster, as a pattern.
    pub(super) fn any(&self) -> &str {
        &self.any
    }

    fn cluster(&self, identifier: &str) -> String {
        format!("{}{identifier}", self.any.trim_end_matches('*'))
    }

    fn create(&self, input: &CreateClusterInput, lacks_role: bool, ask: Ask<'_>) -> Result<(), Error> {
        let any = &self.any;
        let tags = input.tags.as_ref().filter(|tags| !tags.is_empty());
        let properties = input.multi_region_properties.as_deref();
        let witness = properties.and_then(|it| it.witness_region.as_deref());
        let need = |operation| Need::new(Action::Call(operation), any);
        ask(need(Operation::CreateCluster).saying(Says { witness, tags, ..Says::default() }))?;
        if lacks_role {
            let role = format!("arn:aws:iam::{}:role/aws-service-role/{SERVICE}/{ROLE}", self.account);
            let service = Some(("iam:AWSServiceName", SERVICE));
            let need = Need::new(Action::CreateServiceLinkedRole, &role);
            ask(need.saying(Says { service, ..Says::default() }))?;
        }
        if tags.is_some() {
            ask(need(Operation::TagResource).saying(Says { tags, ..Says::default() }))?;
        }
        multi_region(properties, any, None, ask)?;
        if input.policy.is_some() {
            ask(need(Operation::PutClusterPolicy))?;
        }
        self.keys(customer_key(input.kms_encryption_key.as_ref()).as_deref(), &Action::KMS, ask)
    }

    /// A key is known by its ARN, or by its identifier in the account.
    fn keys(&self, key: Option<&str>, actions: &[Action], ask: Ask<'_>) -> Result<(), Error> {
        let Some(key) = key else { return Ok(()) };
        let kind = if key.starts_with("alias/") { "" } else { "key/" };
        let resource: Cow<'_, str> = match key.starts_with("arn:") {
            true => key.into(),
            false => format!("arn:aws:kms:{}:{}:{kind}{key}", self.region, self.account).into(),
        };
        let through = format!("dsql.{}.amazonaws.com", self.region);
        let says = Says { service: Some(("kms:ViaService", &through)), ..Says::default() };
        actions.iter().try_for_each(|action| ask(Need::new(*action, &resource).saying(says)))
    }
}

/// What multi-Region properties need in the cluster's own Region, on `resource`; `own` is the cluster, if it exists.
fn multi_region(
    properties: Option<&MultiRegionProperties>,
    resource: &str,
    own: Option<ClusterArn>,
    ask: Ask<'_>,
) -> Result<(), Error> {
    let Some(properties) = properties else { return Ok(()) };
    ask(Need::new(Action::PutMultiRegionProperties, resource))?;
    if let Some(witness) = properties.witness_region.as_deref() {
        let says = Says { witness: Some(witness), ..Says::default() };
        ask(Need::new(Action::PutWitnessRegion, resource).saying(says))?;
    }
    let listed = properties.clusters.as_deref().unwrap_or_default();
    let adds = listed.iter().any(|arn| own.is_none() || ClusterArn::parse(arn) != own);
    if adds { ask(Need::new(Action::AddPeerCluster, resource)) } else { Ok(()) }
}

fn stream(cluster: &str, identifier: &str) -> String {
    format!("{cluster}/stream/{identifier}")
}

impl<'a> Need<'a> {
    pub(super) fn new(action: Action, resource: &'a str) -> Need<'a> {
        Need { action, resource, says: Says::default() }
    }

    fn saying(self, says: Says<'a>) -> Need<'a> {
        Need { says, ..self }
    }
}

impl Context for Says<'_> {
    fn each<'a>(&'a self, see: &mut dyn FnMut(Key<'a>, Values<'a>)) {
        if let Some(witness) = self.witness {
            see(Key("dsql:WitnessRegion", ""), Values::One(witness));
        }
        if let Some(tags) = self.tags.filter(|tags| !tags.is_empty()) {
            tags.iter().for_each(|(key, value)| see(Key("aws:RequestTag/", key), Values::One(value)));
            see(Key("aws:TagKeys", ""), Values::KeysOf(tags));
        }
        if !self.tag_keys.is_empty() {
            see(Key("aws:TagKeys", ""), Values::Several(self.tag_keys));
        }
        if let Some((key, service)) = self.service {
            see(Key(key, ""), Values::One(service));
        }
    }
}

/// The service, as IAM knows it.
const SERVICE: &str = "dsql.amazonaws.com";

/// The role that the service acts with.
const ROLE: &str = "AWSServiceRoleForAuroraDsql";
