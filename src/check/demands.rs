//! The permissions that each operation needs: the API reference's *Required permissions*, written a second time,
//! independently of the table that the control planes use.

use crate::api::{MultiRegionProperties, Request};
use crate::control::records::Cluster;
use crate::region::Region;
use crate::types::ClusterArn;

use super::open::OpenCall;
use super::permitted::Demand;

/// The permissions that the call's own Region checks before anything else. `cluster` is the cluster that the call
/// names, if it exists.
///
/// Left out is iam:CreateServiceLinkedRole, which depends on what other Regions did at the same time.
pub(super) fn of_own_region<'a>(call: &'a OpenCall, cluster: Option<&Cluster>) -> Vec<Demand<'a>> {
    let (region, account) = (call.region, call.account);
    let named = |identifier: &str| format!("arn:aws:dsql:{region}:{account}:cluster/{identifier}");
    let on = |action, resource| Demand::on(action, resource, region);
    let own = call.request.operation().action();
    let about = named(call.request.identifier().unwrap_or("*"));
    match &*call.request {
        Request::CreateCluster(input) => {
            let properties = input.multi_region_properties.as_deref();
            let witness = properties.and_then(|it| it.witness_region.as_deref());
            let tags = input.tags.as_ref().filter(|tags| !tags.is_empty());
            let mut demands = vec![Demand { witness, tags, ..on(own, about.clone()) }];
            demands.extend(tags.map(|_| Demand { tags, ..on("dsql:TagResource", about.clone()) }));
            demands.extend(input.policy.iter().map(|_| on("dsql:PutClusterPolicy", about.clone())));
            demands.extend(multi_region(properties, &about, None, region));
            demands.extend(keys(input.kms_encryption_key.as_deref(), call, &KMS));
            demands
        }
        Request::UpdateCluster(input) => {
            let mut demands = vec![on(own, about.clone()), on("dsql:GetCluster", about.clone())];
            let properties = input.multi_region_properties.as_deref();
            demands.extend(multi_region(properties, &about, Some(&about), region));
            demands.extend(keys(input.kms_encryption_key.as_deref(), call, &KMS));
            demands
        }
        Request::ListClusters(_) => vec![on(own, "*".to_owned())],
        Request::TagResource(input) => {
            vec![Demand { tags: input.tags.as_ref(), ..on(own, input.resource_arn.clone()) }]
        }
        Request::UntagResource(input) => {
            let tag_keys = input.tag_keys.as_deref().unwrap_or_default();
            vec![Demand { tag_keys, ..on(own, input.resource_arn.clone()) }]
        }
        Request::ListTagsForResource(input) => vec![on(own, input.resource_arn.clone())],
        Request::CreateStream(input) => {
            let mut demands = vec![Demand { tags: input.tags.as_ref(), ..on(own, about) }];
            let kinesis = input.target_definition.as_ref().and_then(|target| target.kinesis.as_ref());
            let role = kinesis.and_then(|kinesis| kinesis.role_arn.clone());
            demands.extend(role.map(|role| on("iam:PassRole", role)));
            demands.extend(keys(cluster.and_then(|it| it.kms_key.as_deref()), call, &["kms:Decrypt"]));
            demands
        }
        Request::GetStream(input) => vec![on(own, format!("{about}/stream/{}", input.stream_identifier))],
        Request::DeleteStream(input) => vec![on(own, format!("{about}/stream/{}", input.stream_identifier))],
        _ => vec![on(own, about)],
    }
}

/// The permissions that the Regions of the witness and of the peers check before the call is carried out, each with
/// the peer that it concerns. `cluster` is the cluster that an update names, as it was before.
pub(super) fn of_other_regions<'a>(
    call: &'a OpenCall,
    cluster: Option<&Cluster>,
) -> Vec<(Option<ClusterArn>, Demand<'a>)> {
    let Some(properties) = properties(&call.request) else { return Vec::new() };
    let witness = properties.witness_region.as_deref();
    let account = call.account;
    let mut demands = Vec::new();
    demands.extend(witness.and_then(Region::parse).map(|region| {
        let any = format!("arn:aws:dsql:{region}:{account}:cluster/*");
        (None, Demand { witness, ..Demand::on("dsql:PutWitnessRegion", any, region) })
    }));
    // Without a list the peer stays as it is: no peer is added or removed.
    let Some(listed) = &properties.clusters else { return demands };
    let listed: Vec<ClusterArn> = listed.iter().filter_map(|arn| ClusterArn::parse(arn)).collect();
    let own = cluster.map(|cluster| cluster.arn);
    let about = |action, peer: ClusterArn| (Some(peer), Demand::on(action, peer.to_string(), peer.region));
    let added = listed.iter().filter(|peer| Some(**peer) != own);
    demands.extend(added.map(|peer| about("dsql:AddPeerCluster", *peer)));
    let left = cluster.and_then(|cluster| cluster.multi_region.as_deref()?.peer);
    demands.extend(left.and_then(|peer| of_left_peer(call, peer)));
    demands
}

/// The permission that the Region of `peer` checks, if the call leaves this peer of its cluster out.
pub(super) fn of_left_peer<'a>(
    call: &'a OpenCall,
    peer: ClusterArn,
) -> Option<(Option<ClusterArn>, Demand<'a>)> {
    let listed = properties(&call.request)?.clusters.as_ref()?;
    let is_left = !listed.iter().any(|arn| ClusterArn::parse(arn) == Some(peer));
    is_left.then(|| (Some(peer), Demand::on("dsql:RemovePeerCluster", peer.to_string(), peer.region)))
}

/// The multi-Region properties of a request, if it has any.
pub(super) fn properties(request: &Request) -> Option<&MultiRegionProperties> {
    match request {
        Request::CreateCluster(input) => input.multi_region_properties.as_deref(),
        Request::UpdateCluster(input) => input.multi_region_properties.as_deref(),
        _ => None,
    }
}

/// The permissions that multi-Region properties need on `resource` in the cluster's own Region. `own` is the ARN of
/// the cluster, if it exists.
fn multi_region<'a>(
    properties: Option<&'a MultiRegionProperties>,
    resource: &str,
    own: Option<&str>,
    region: Region,
) -> Vec<Demand<'a>> {
    let Some(properties) = properties else { return Vec::new() };
    let on = |action| Demand::on(action, resource.to_owned(), region);
    let mut demands = vec![on("dsql:PutMultiRegionProperties")];
    let witness = properties.witness_region.as_deref();
    demands.extend(witness.map(|_| Demand { witness, ..on("dsql:PutWitnessRegion") }));
    let mut listed = properties.clusters.iter().flatten();
    // A list must name the cluster itself as well; only another ARN in it adds a peer.
    let adds = listed.any(|arn| own.is_none_or(|own| !own.eq_ignore_ascii_case(arn)));
    demands.extend(adds.then(|| on("dsql:AddPeerCluster")));
    demands
}

/// The permissions on a customer managed key; none for a key that AWS owns.
fn keys<'a>(key: Option<&str>, call: &OpenCall, actions: &[&'static str]) -> Vec<Demand<'a>> {
    let Some(key) = key.filter(|key| *key != "AWS_OWNED_KMS_KEY") else { return Vec::new() };
    let (region, account) = (call.region, call.account);
    let resource = match (key.starts_with("arn:"), key.starts_with("alias/")) {
        (true, _) => key.to_owned(),
        (_, true) => format!("arn:aws:kms:{region}:{account}:{key}"),
        _ => format!("arn:aws:kms:{region}:{account}:key/{key}"),
    };
    actions.iter().map(|action| Demand::on(action, resource.clone(), region)).collect()
}

/// The actions that the service performs with a customer managed key on behalf of the caller.
const KMS: [&str; 6] = [
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];
