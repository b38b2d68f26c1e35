//! The customer managed key of a request: which key a name stands for, and what AWS KMS learns of its use. Written from
//! the AWS KMS Developer Guide ("Key identifiers", "AWS KMS condition keys") and the User Guide ("Data encryption"),
//! independently of the control planes.

use std::sync::Arc;

use crate::api::{EncryptionDetails, EncryptionType, Request};
use crate::control::assumptions::Assumptions;
use crate::control::keys::{KeyArn, Keys, key_of_undeclared_alias};
use crate::control::records::Cluster;
use crate::region::Region;
use crate::types::{Account, ClusterArn};

use super::open::OpenCall;
use super::permitted::{Demand, KeyFacts, Known};

/// A customer managed key, and the alias that a request named it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedKey {
    pub(super) arn: String,
    pub(super) alias: Option<String>,
}

/// The key that `name` stands for in a request of `account` to `region`; `None` without a key and for the key that AWS
/// owns.
pub(super) fn named(keys: &Keys, name: Option<&str>, region: Region, account: Account) -> Option<NamedKey> {
    let name = name.filter(|name| *name != "AWS_OWNED_KMS_KEY")?;
    let prefix = format!("arn:aws:kms:{region}:{account}:");
    let whole = match (name.strip_prefix("arn:"), name.strip_prefix("alias/")) {
        (Some(_), _) => name.to_owned(),
        (_, Some(_)) => format!("{prefix}{name}"),
        (None, None) => format!("{prefix}key/{name}"),
    };
    // An ARN has five colons before its last part.
    let Some((owner, alias)) = whole.split_once(":alias/").filter(|(owner, _)| owner.split(':').count() == 5)
    else {
        return Some(NamedKey { arn: whole, alias: None });
    };
    let alias = format!("alias/{alias}");
    let is_behind = |arn: &str| arn.strip_prefix(owner).is_some_and(|rest| rest.starts_with(":key/"));
    let declared = keys.declared.iter().find(|key| is_behind(&key.arn) && key.aliases.contains(&alias));
    let Some(arn) = declared
        .map(|key| key.arn.to_string())
        .or_else(|| KeyArn::parse(&whole).filter(|it| it.alias().is_some()).map(key_of_undeclared_alias))
    else {
        return Some(NamedKey { arn: whole, alias: None });
    };
    Some(NamedKey { arn, alias: Some(alias) })
}

/// The customer managed key that an answer names.
pub(super) fn customer_key(details: Option<&EncryptionDetails>) -> Option<Arc<str>> {
    let details = details.filter(|it| it.encryption_type == EncryptionType::CustomerManagedKmsKey)?;
    details.kms_key_arn.clone()
}

/// Whether an answer names the key of `cluster`: a customer managed one by its ARN, and one that AWS owns only by the
/// assumption `aws_owned_key_shown`. Such a key is in the Region of its cluster and in an account of the service, which
/// owns no clusters. (AWS KMS Developer Guide, "AWS owned keys".)
pub(super) fn is_named(
    details: Option<&EncryptionDetails>,
    cluster: &Cluster,
    assumed: &Assumptions,
) -> bool {
    let shown = details.and_then(|it| it.kms_key_arn.as_deref());
    if cluster.kms_key.is_some() || !assumed.aws_owned_key_shown {
        return shown == cluster.kms_key.as_deref();
    }
    let ClusterArn { region, account, .. } = cluster.arn;
    shown.and_then(KeyArn::parse).is_some_and(|key| {
        key.region == region.name() && key.account != account.to_string() && key.id().is_some()
    })
}

/// The key that a request of `account` to `region` selects for its cluster.
pub(super) fn of_request(
    keys: &Keys,
    request: &Request,
    region: Region,
    account: Account,
) -> Option<NamedKey> {
    let name = match request {
        Request::CreateCluster(input) => input.kms_encryption_key.as_deref(),
        Request::UpdateCluster(input) => input.kms_encryption_key.as_deref(),
        _ => None,
    };
    named(keys, name, region, account)
}

/// Whether a call with this request may use a key.
pub(super) fn may_use_key(request: &Request) -> bool {
    match request {
        Request::CreateCluster(input) => input.kms_encryption_key.is_some(),
        Request::UpdateCluster(input) => input.kms_encryption_key.is_some(),
        Request::CreateStream(_) => true,
        _ => false,
    }
}

/// Whether `arn` can be the ARN of a key in `region`.
pub(super) fn is_key_of(arn: &str, region: Region) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, "kms", of, owner, resource] = parts[..] else { return false };
    let is_owned = owner.len() == 12 && owner.bytes().all(|digit| digit.is_ascii_digit());
    let is_id = |id: &str| !id.is_empty() && id.chars().all(|it| it.is_ascii_alphanumeric() || it == '-');
    let is_key = resource.strip_prefix("key/").is_some_and(is_id);
    of == region.name() && is_owned && partition.starts_with("aws") && is_key
}

/// The permissions on `key` that `call` needs: these actions.
pub(super) fn demands<'a>(
    key: Option<NamedKey>,
    call: &OpenCall,
    actions: &[&'static str],
) -> Vec<Demand<'a>> {
    let Some(NamedKey { arn, alias }) = key else { return Vec::new() };
    let declared = call.keys.declared.iter().find(|key| *key.arn == *arn);
    let aliases = declared.map_or_else(Vec::new, |key| key.aliases.clone());
    let demand = |action: &&'static str| {
        let describes = *action == "kms:DescribeKey";
        let key = KeyFacts {
            via: format!("dsql.{}.amazonaws.com", call.region),
            account: call.account.to_string(),
            // Every action but DescribeKey takes an encryption context.
            cluster: if describes { Known::None } else { cluster_of(call) },
            // The actions behind DescribeKey name the key by its ARN.
            alias: alias.clone().filter(|_| describes),
            aliases: aliases.clone(),
            policy: declared.and_then(|key| key.policy.clone()),
            is_foreign: arn.split(':').nth(4).is_some_and(|owner| owner != call.account.to_string()),
        };
        Demand { key: Some(key), ..Demand::on(action, arn.clone(), call.region) }
    };
    actions.iter().map(demand).collect()
}

/// The identifier of the cluster in the encryption context. That of a new cluster is known once it is written.
fn cluster_of(call: &OpenCall) -> Known<String> {
    let made = call.record.as_ref().map(|(_, made)| made.arn.identifier);
    match (call.request.identifier(), made) {
        (Some(named), _) => Known::Is(named.to_owned()),
        (None, Some(made)) => Known::Is(made.to_string()),
        (None, None) => Known::Unknown,
    }
}

/// The actions that the service performs with a customer managed key on behalf of the caller.
pub(super) const KMS: [&str; 6] = [
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];
