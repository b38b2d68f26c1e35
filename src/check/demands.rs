//! The permissions that operations need: what the specifications of several of them share, and what other Regions
//! check. Written from the API reference's *Required permissions*, independently of the table that the control planes
//! use.

use crate::api::{MultiRegionProperties, Request};
use crate::control::records::Cluster;
use crate::region::Region;
use crate::types::ClusterArn;

use super::open::OpenCall;
use super::permitted::Demand;

/// The ARN of the cluster that the call names in its Region and account; of any cluster if it names none.
pub(super) fn named_cluster(call: &OpenCall) -> String {
    let (region, account) = (call.region, call.account);
    let identifier = call.request.identifier().unwrap_or("*");
    format!("arn:aws:dsql:{region}:{account}:cluster/{identifier}")
}

/// The ARN of a stream of the cluster that the call names.
pub(super) fn named_stream(call: &OpenCall, stream: &str) -> String {
    format!("{}/stream/{stream}", named_cluster(call))
}

/// The permission of the operation's own name on `resource`.
pub(super) fn own_action<'a>(call: &OpenCall, resource: String) -> Demand<'a> {
    Demand::on(call.request.operation().action(), resource, call.region)
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
pub(super) fn multi_region<'a>(
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
