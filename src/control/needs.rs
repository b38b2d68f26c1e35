//! Which permissions a call needs: which action, on which resource, with which condition keys, in which Region.
//!
//! The rules are those of the API reference, "CreateCluster" and "UpdateCluster" (*Required permissions*), and of the
//! Service Authorization Reference, "Actions, resources, and condition keys for Amazon Aurora DSQL". What a call needs
//! in its own Region depends on the request and on what it is about alone ([`local`]); the witness Region
//! ([`witness`]) and the Regions of peers ([`peer`]) are asked by message.

use crate::api::{CreateClusterInput, MultiRegionProperties, Operation, Request, Tags, UpdateClusterInput};
use crate::iam::Context;
use crate::region::Region;
use crate::types::{Account, ClusterArn};

use super::authorization::Action;
use super::cluster::Cluster;
use super::create::customer_key;

/// A permission that a call needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// To do what.
    pub action: Action,
    /// With what: an ARN, or `*`.
    pub resource: String,
    /// What the request says of itself.
    pub keys: Context,
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

/// What `request` of the account needs in its own Region; `cluster` is what it is about, if that exists.
pub(super) fn local(
    request: &Request,
    region: Region,
    account: Account,
    cluster: Option<&Cluster>,
    lacks_role: bool,
) -> Vec<Need> {
    let home = Home { region, account };
    let operation = Action::Call(request.operation());
    let named = request.identifier().map(|identifier| home.cluster(identifier));
    let own = |resource| Need::new(operation, resource);
    match request {
        Request::CreateCluster(input) => home.create(input, lacks_role),
        Request::UpdateCluster(input) => home.update(input, &named.unwrap_or_default(), cluster),
        Request::ListClusters(_) => vec![own("*".to_owned())],
        Request::TagResource(input) => vec![own(input.resource_arn.clone()).with_tags(input.tags.as_ref())],
        Request::UntagResource(input) => {
            let mut need = own(input.resource_arn.clone());
            need.keys.set("aws:TagKeys", input.tag_keys.clone().unwrap_or_default());
            vec![need]
        }
        Request::ListTagsForResource(input) => vec![own(input.resource_arn.clone())],
        Request::GetStream(input) => {
            vec![own(format!("{}/stream/{}", named.unwrap_or_default(), input.stream_identifier))]
        }
        Request::DeleteStream(input) => {
            vec![own(format!("{}/stream/{}", named.unwrap_or_default(), input.stream_identifier))]
        }
        Request::CreateStream(input) => {
            let mut needs = vec![own(named.unwrap_or_default()).with_tags(input.tags.as_ref())];
            let target = input.target_definition.as_ref().and_then(|target| target.kinesis.as_ref());
            needs.extend(target.and_then(|target| target.role_arn.clone()).map(|role| {
                let mut pass = Need::new(Action::PassRole, role);
                pass.keys.set("iam:PassedToService", [SERVICE]);
                pass
            }));
            let key = cluster.and_then(|cluster| cluster.kms_key.as_deref());
            needs.extend(key.map(|key| home.key(Action::Kms("Decrypt"), key)));
            needs
        }
        _ => vec![own(named.unwrap_or_default())],
    }
}

/// What the witness Region is asked for.
pub(super) fn witness(region: Region, account: Account) -> Need {
    Need::new(Action::PutWitnessRegion, Home { region, account }.cluster("*")).with_witness(region.name())
}

/// What a peer's Region is asked for.
pub(super) fn peer(peer: ClusterArn, asks: Asks) -> Option<Need> {
    let action = match asks {
        Asks::Add => Action::AddPeerCluster,
        Asks::Keep => return None,
        Asks::Remove => Action::RemovePeerCluster,
    };
    Some(Need::new(action, peer.to_string()))
}

/// Putting a policy on, or taking it off, as whoever puts one on must still be able to.
pub(super) fn policy_change(operation: Operation, cluster: ClusterArn) -> Need {
    Need::new(Action::Call(operation), cluster.to_string())
}

/// Where a call is made.
#[derive(Clone, Copy)]
struct Home {
    region: Region,
    account: Account,
}

impl Home {
    fn cluster(self, identifier: &str) -> String {
        format!("arn:aws:dsql:{}:{}:cluster/{identifier}", self.region, self.account)
    }

    fn create(self, input: &CreateClusterInput, lacks_role: bool) -> Vec<Need> {
        let any = self.cluster("*");
        let tags = input.tags.as_ref().filter(|tags| !tags.is_empty());
        let create = Need::new(Action::Call(Operation::CreateCluster), any.clone()).with_tags(tags);
        let properties = input.multi_region_properties.as_deref();
        let witness = properties.and_then(|it| it.witness_region.as_deref());
        let mut needs = vec![witness.into_iter().fold(create, Need::with_witness)];
        needs.extend(lacks_role.then(|| {
            let role = format!(
                "arn:aws:iam::{}:role/aws-service-role/{SERVICE}/AWSServiceRoleForAuroraDsql",
                self.account
            );
            let mut need = Need::new(Action::CreateServiceLinkedRole, role);
            need.keys.set("iam:AWSServiceName", [SERVICE]);
            need
        }));
        needs.extend(
            tags.map(|tags| {
                Need::new(Action::Call(Operation::TagResource), any.clone()).with_tags(Some(tags))
            }),
        );
        needs.extend(properties.into_iter().flat_map(|it| multi_region(it, &any, None)));
        needs.extend(
            input.policy.is_some().then(|| Need::new(Action::Call(Operation::PutClusterPolicy), any)),
        );
        needs.extend(self.keys(customer_key(input.kms_encryption_key.as_ref()).as_deref()));
        needs
    }

    fn update(self, input: &UpdateClusterInput, own: &str, cluster: Option<&Cluster>) -> Vec<Need> {
        let both = [Operation::UpdateCluster, Operation::GetCluster];
        let mut needs: Vec<Need> =
            both.into_iter().map(|operation| Need::new(Action::Call(operation), own.to_owned())).collect();
        let properties = input.multi_region_properties.as_deref();
        needs.extend(properties.into_iter().flat_map(|it| multi_region(it, own, cluster)));
        needs.extend(self.keys(customer_key(input.kms_encryption_key.as_ref()).as_deref()));
        needs
    }

    fn keys(self, key: Option<&str>) -> impl Iterator<Item = Need> {
        key.into_iter().flat_map(move |key| Action::KMS.map(|action| self.key(action, key)))
    }

    /// A key is known by its ARN, or by its identifier in the account.
    fn key(self, action: Action, key: &str) -> Need {
        let resource = if key.starts_with("arn:") {
            key.to_owned()
        } else {
            let kind = if key.starts_with("alias/") { "" } else { "key/" };
            format!("arn:aws:kms:{}:{}:{kind}{key}", self.region, self.account)
        };
        let mut need = Need::new(action, resource);
        need.keys.set("kms:ViaService", [format!("dsql.{}.amazonaws.com", self.region)]);
        need
    }
}

/// What multi-Region properties need in the cluster's own Region, on `resource`.
fn multi_region<'a>(
    properties: &'a MultiRegionProperties,
    resource: &'a str,
    cluster: Option<&Cluster>,
) -> impl Iterator<Item = Need> + use<'a> {
    let need = |action| Need::new(action, resource.to_owned());
    let own = cluster.map(|cluster| cluster.arn);
    let listed = properties.clusters.as_deref().unwrap_or_default();
    let adds = listed.iter().any(|arn| own.is_none() || ClusterArn::parse(arn) != own);
    let witness = properties.witness_region.as_deref();
    let put = [need(Action::PutMultiRegionProperties)].into_iter();
    put.chain(witness.map(|witness| need(Action::PutWitnessRegion).with_witness(witness)))
        .chain(adds.then(|| need(Action::AddPeerCluster)))
}

impl Need {
    /// The same on any cluster of the Region.
    pub(super) fn of_any_cluster(mut self) -> Need {
        let end = self.resource.rfind('/').map_or(0, |at| at + 1);
        self.resource.replace_range(end.., "*");
        self
    }

    fn new(action: Action, resource: String) -> Need {
        Need { action, resource, keys: Context::default() }
    }

    fn with_witness(mut self, witness: &str) -> Need {
        self.keys.set("dsql:WitnessRegion", [witness]);
        self
    }

    fn with_tags(mut self, tags: Option<&Tags>) -> Need {
        let Some(tags) = tags.filter(|tags| !tags.is_empty()) else { return self };
        for (key, value) in tags.iter() {
            self.keys.set(format!("aws:RequestTag/{key}"), [value.as_str()]);
        }
        self.keys.set("aws:TagKeys", tags.keys().cloned());
        self
    }
}

/// The service, as IAM knows it.
const SERVICE: &str = "dsql.amazonaws.com";
