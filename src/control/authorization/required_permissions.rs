//! The permissions that a call needs: the action, the resource, the condition keys and the Region of each.
//!
//! The rules are those of the API reference, "CreateCluster" and "UpdateCluster" (*Required permissions*), and of the
//! Service Authorization Reference, "Actions, resources, and condition keys for Amazon Aurora DSQL". The permissions
//! in the cluster's own Region follow from the request and the record it names, and stand with each operation; the
//! witness Region and the peers' Regions check theirs by message.
//!
//! In the cluster's own Region:
//!
//! - CreateCluster: CreateCluster on `cluster/*`, TagResource for tags, PutClusterPolicy for a policy,
//!   iam:CreateServiceLinkedRole for the account's first cluster, six actions of AWS KMS for a key of the caller's.
//! - UpdateCluster: UpdateCluster and GetCluster on the cluster, and AWS KMS as above.
//! - Both, with multi-Region properties: PutMultiRegionProperties, PutWitnessRegion, AddPeerCluster for peers.
//! - CreateStream: CreateStream on the cluster, TagResource on `stream/*` of it for tags, iam:PassRole on the stream's
//!   role, kms:Decrypt for the cluster's key.
//! - ListClusters: ListClusters on `*`. Every other call: the action of its name on what it names.
//!
//! Elsewhere: PutWitnessRegion on `cluster/*` of the witness Region, AddPeerCluster on the exact ARN of each peer, and
//! RemovePeerCluster on that of a peer that is left out.
//!
//! `dsql:WitnessRegion` goes with CreateCluster and PutWitnessRegion alone. `aws:TagKeys` is absent without tags.
//!
//! The resource of the actions of AWS KMS is the ARN of the key, whatever the request names it by, and AWS KMS is
//! called through Aurora DSQL: hence the condition keys of [`KeyAttributes`].

use std::sync::Arc;

use crate::api::{Error, MultiRegionProperties, Operation, Tags};
use crate::control::authorization::IamAction;
use crate::control::keys::{Keys, SelectedKey};
use crate::control::operations::Resource;
use crate::control::records::Cluster;
use crate::iam::{ContextEntries, ContextValues, Key};
use crate::region::Region;
use crate::types::{Account, ClusterArn};

/// A permission that a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredPermission<'a> {
    /// The action.
    pub action: IamAction,
    /// The resource: an ARN, or `*`.
    pub resource: &'a str,
    /// The condition keys that the request supplies.
    pub attributes: RequestAttributes<'a>,
}

/// The condition keys of a request that go with an action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestAttributes<'a> {
    /// `dsql:WitnessRegion`.
    pub witness: Option<&'a str>,
    /// `aws:RequestTag/…` and `aws:TagKeys`.
    pub tags: Option<&'a Tags>,
    /// `aws:TagKeys`, of tags to be removed.
    pub tag_keys: &'a [String],
    /// A key that names the service acting for the caller, with its value.
    pub service: Option<(&'static str, &'a str)>,
    /// The condition keys of AWS KMS.
    pub key: Option<KeyAttributes<'a>>,
}

/// The condition keys that AWS KMS has for the use of a key through Aurora DSQL (AWS KMS Developer Guide, "AWS KMS
/// condition keys").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAttributes<'a> {
    /// `kms:ViaService`.
    pub via: &'a str,
    /// `kms:CallerAccount`.
    pub account: &'a str,
    /// The identifier of the cluster, which is the encryption context: `kms:EncryptionContext:aws:dsql:ClusterId` and
    /// `kms:EncryptionContextKeys` (User Guide, "Data encryption"). `None` for DescribeKey, which takes none.
    pub cluster: Option<&'a str>,
    /// `kms:RequestAlias`. DescribeKey has it, which finds the key; the actions that follow name the key by its ARN.
    pub alias: Option<&'a str>,
    /// `kms:ResourceAliases`.
    pub aliases: &'a [String],
}

/// The use that a call makes of a peer, which decides the permission that the peer's Region checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerAction {
    /// The call lists the peer: `dsql:AddPeerCluster`.
    Add,
    /// The call does not mention peers and keeps the present one: no permission, only a description of the peer.
    Keep,
    /// The call leaves the peer out: `dsql:RemovePeerCluster`.
    Remove,
}

/// An account in a Region: the scope of `cluster/*`.
#[derive(Clone, Debug)]
pub(in crate::control) struct AccountScope {
    region: Region,
    account: Account,
    /// The ARN pattern of every cluster in the scope.
    any: String,
}

/// The check of one permission; an error stops the enumeration.
pub(in crate::control) type Require<'a> = &'a mut dyn FnMut(RequiredPermission<'_>) -> Result<(), Error>;

/// The facts of a call from which its permissions in its own Region follow, besides its input.
pub(in crate::control) struct PermissionScope<'a> {
    /// The action of the operation's own name.
    pub(in crate::control) action: IamAction,
    /// The ARN of the resource that the request names, whether it exists or not; `*` if it names none.
    pub(in crate::control) arn: String,
    /// The caller's account in this Region.
    pub(in crate::control) home: &'a AccountScope,
    /// The record of the cluster that the request names, if it exists.
    pub(in crate::control) cluster: Option<&'a Cluster>,
    /// The identifier of the cluster that the request names, whether it exists or not, or of the one that it creates.
    pub(in crate::control) identifier: &'a str,
    /// Whether the account still lacks the service-linked role.
    pub(in crate::control) lacks_role: bool,
    /// The declared KMS keys.
    pub(in crate::control) keys: &'a Keys,
}

/// The permission that a witness Region checks; `home` is the caller's scope there.
pub(in crate::control) fn witness(home: &AccountScope) -> RequiredPermission<'_> {
    let witness = Some(home.region.name());
    RequiredPermission::new(IamAction::PutWitnessRegion, &home.any)
        .with(RequestAttributes { witness, ..RequestAttributes::default() })
}

/// The permission that the Region of the peer with this ARN checks; `None` if the use needs none.
pub(in crate::control) fn peer(peer: &str, purpose: PeerAction) -> Option<RequiredPermission<'_>> {
    let action = match purpose {
        PeerAction::Add => IamAction::AddPeerCluster,
        PeerAction::Keep => return None,
        PeerAction::Remove => IamAction::RemovePeerCluster,
    };
    Some(RequiredPermission::new(action, peer))
}

impl AccountScope {
    pub(in crate::control) fn of(region: Region, account: Account) -> AccountScope {
        AccountScope { region, account, any: format!("arn:aws:dsql:{region}:{account}:cluster/*") }
    }

    /// The ARN pattern of every cluster in the scope.
    pub(in crate::control) fn any(&self) -> &str {
        &self.any
    }

    /// The ARN of `resource`; `*` for a request that names none.
    pub(super) fn arn(&self, resource: Resource<'_>) -> String {
        let cluster = |identifier| format!("{}{identifier}", self.any.trim_end_matches('*'));
        match resource {
            Resource::Account => "*".to_owned(),
            Resource::Cluster(identifier) => cluster(identifier),
            Resource::Stream(identifier, stream) => format!("{}/stream/{stream}", cluster(identifier)),
            Resource::Arn(arn) => arn.to_owned(),
        }
    }
}

/// Requires `actions` on the customer managed key called `name`, if there is one.
pub(in crate::control) fn keys(
    scope: &PermissionScope<'_>,
    name: Option<&Arc<str>>,
    actions: &[IamAction],
    require: Require<'_>,
) -> Result<(), Error> {
    let Some(name) = name else { return Ok(()) };
    let AccountScope { region, account, .. } = *scope.home;
    let SelectedKey { arn, alias } = scope.keys.select(name, region, account);
    let aliases = scope.keys.get(&arn).map_or(&[][..], |key| &key.aliases);
    let (via, account) = (format!("dsql.{region}.amazonaws.com"), account.to_string());
    actions.iter().try_for_each(|action| {
        let describes = *action == IamAction::DESCRIBE_KEY;
        let key = KeyAttributes {
            via: &via,
            account: &account,
            cluster: Some(scope.identifier).filter(|_| !describes),
            alias: alias.as_deref().filter(|_| describes),
            aliases,
        };
        let attributes = RequestAttributes { key: Some(key), ..RequestAttributes::default() };
        require(RequiredPermission::new(*action, &arn).with(attributes))
    })
}

/// Requires the creation of the service-linked role, for the first cluster of an account.
pub(in crate::control) fn service_linked_role(
    home: &AccountScope,
    require: Require<'_>,
) -> Result<(), Error> {
    let role = format!("arn:aws:iam::{}:role/aws-service-role/{SERVICE}/{ROLE}", home.account);
    let service = Some(("iam:AWSServiceName", SERVICE));
    let permission = RequiredPermission::new(IamAction::CreateServiceLinkedRole, &role);
    require(permission.with(RequestAttributes { service, ..RequestAttributes::default() }))
}

/// Requires that the caller may tag `resource`, for a call that creates it with `tags`.
pub(in crate::control) fn tags_at_creation(
    resource: &str,
    tags: Option<&Tags>,
    require: Require<'_>,
) -> Result<(), Error> {
    let Some(tags) = tags.filter(|tags| !tags.is_empty()) else { return Ok(()) };
    let attributes = RequestAttributes { tags: Some(tags), ..RequestAttributes::default() };
    require(RequiredPermission::new(IamAction::Call(Operation::TagResource), resource).with(attributes))
}

/// Requires that the caller may pass `role` to the service.
pub(in crate::control) fn pass_role(role: &str, require: Require<'_>) -> Result<(), Error> {
    let service = Some(("iam:PassedToService", SERVICE));
    let permission = RequiredPermission::new(IamAction::PassRole, role);
    require(permission.with(RequestAttributes { service, ..RequestAttributes::default() }))
}

/// Requires the permissions for multi-Region properties in the cluster's own Region, on `resource`; `own` is the
/// cluster, if it exists.
pub(in crate::control) fn multi_region(
    properties: Option<&MultiRegionProperties>,
    resource: &str,
    own: Option<ClusterArn>,
    require: Require<'_>,
) -> Result<(), Error> {
    let Some(properties) = properties else { return Ok(()) };
    require(RequiredPermission::new(IamAction::PutMultiRegionProperties, resource))?;
    if let Some(witness) = properties.witness_region.as_deref() {
        let attributes = RequestAttributes { witness: Some(witness), ..RequestAttributes::default() };
        require(RequiredPermission::new(IamAction::PutWitnessRegion, resource).with(attributes))?;
    }
    let listed = properties.clusters.as_deref().unwrap_or_default();
    let adds = listed.iter().any(|arn| own.is_none() || ClusterArn::parse(arn) != own);
    if adds { require(RequiredPermission::new(IamAction::AddPeerCluster, resource)) } else { Ok(()) }
}

impl<'a> RequiredPermission<'a> {
    pub(in crate::control) fn new(action: IamAction, resource: &'a str) -> RequiredPermission<'a> {
        RequiredPermission { action, resource, attributes: RequestAttributes::default() }
    }

    pub(in crate::control) fn with(self, attributes: RequestAttributes<'a>) -> RequiredPermission<'a> {
        RequiredPermission { attributes, ..self }
    }
}

impl ContextEntries for RequestAttributes<'_> {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(Key<'a>, ContextValues<'a>)) {
        if let Some(witness) = self.witness {
            visit(Key("dsql:WitnessRegion", ""), ContextValues::One(witness));
        }
        if let Some(tags) = self.tags.filter(|tags| !tags.is_empty()) {
            tags.iter()
                .for_each(|(key, value)| visit(Key("aws:RequestTag/", key), ContextValues::One(value)));
            visit(Key("aws:TagKeys", ""), ContextValues::KeysOf(tags));
        }
        if !self.tag_keys.is_empty() {
            visit(Key("aws:TagKeys", ""), ContextValues::Several(self.tag_keys));
        }
        if let Some((key, service)) = self.service {
            visit(Key(key, ""), ContextValues::One(service));
        }
        if let Some(key) = &self.key {
            key.each(visit);
        }
    }
}

impl ContextEntries for KeyAttributes<'_> {
    fn each<'a>(&'a self, visit: &mut dyn FnMut(Key<'a>, ContextValues<'a>)) {
        visit(Key("kms:ViaService", ""), ContextValues::One(self.via));
        visit(Key("kms:CallerAccount", ""), ContextValues::One(self.account));
        if let Some(cluster) = self.cluster {
            visit(Key("kms:EncryptionContext:", CONTEXT_KEY), ContextValues::One(cluster));
            visit(Key("kms:EncryptionContextKeys", ""), ContextValues::One(CONTEXT_KEY));
        }
        if let Some(alias) = self.alias {
            visit(Key("kms:RequestAlias", ""), ContextValues::One(alias));
        }
        visit(Key("kms:ResourceAliases", ""), ContextValues::Several(self.aliases));
    }
}

/// The key of the encryption context.
const CONTEXT_KEY: &str = "aws:dsql:ClusterId";

/// The service principal.
pub(super) const SERVICE: &str = "dsql.amazonaws.com";

/// The name of the service-linked role.
const ROLE: &str = "AWSServiceRoleForAuroraDsql";
