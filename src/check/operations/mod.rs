//! The operations once more, one in each file: what must be true of a request, of its refusal, of what it writes, and
//! of its answer.
//!
//! This is an independent specification, written from the API reference: it shares the records and the shapes with the
//! control planes, and none of their decisions.

mod create_cluster;
mod create_stream;
mod delete_cluster;
mod delete_cluster_policy;
mod delete_stream;
mod get_cluster;
mod get_cluster_policy;
mod get_stream;
mod get_vpc_endpoint_service_name;
mod list_clusters;
mod list_streams;
mod list_tags_for_resource;
mod put_cluster_policy;
mod tag_resource;
mod untag_resource;
mod update_cluster;

use crate::api::{MultiRegionOutput, Request, Response, Tags};
use crate::control::assumptions::Assumptions;
use crate::control::keys::Keys;
use crate::control::records::Cluster;
use crate::types::{ClusterArn, Timestamp};

use super::demands;
use super::open::OpenCall;
use super::permitted::Demand;
use super::refusals::Causes;
use super::visible::Fact;

/// What must be true of a request, implemented for its input.
pub(super) trait RequestSpecification {
    /// The members without which the request is refused.
    fn required(&self) -> &'static [&'static str];

    /// The permissions that the call's own Region checks before anything else (API reference, *Required permissions*).
    /// `cluster` is the cluster that the call names, if it exists. For most operations that is the action of their own
    /// name on this cluster.
    ///
    /// Left out is iam:CreateServiceLinkedRole, which depends on what other Regions did at the same time.
    fn demands<'a>(&'a self, call: &'a OpenCall, _cluster: Option<&Cluster>) -> Vec<Demand<'a>> {
        vec![demands::own_action(call, demands::named_cluster(call))]
    }

    /// Adds the causes for a refusal that lie in the request alone.
    fn causes(&self, _causes: &mut Causes<'_>) {}

    /// Adds the causes for a refusal that lie in the cluster that the call names.
    fn causes_in(&self, _cluster: &Cluster, _causes: &mut Causes<'_>) {}

    /// The members that the request sets when it is carried out: of the cluster `own`, or of a stream of it. Those of a
    /// new cluster or stream are known by the answer. `keys` are the declared keys, which the request may name.
    fn sets(&self, _own: ClusterArn, _keys: &Keys) -> Vec<Fact> {
        Vec::new()
    }

    /// Whether the record that was written for the call has what the request sets.
    fn is_carried_out(&self, _call: &OpenCall, _record: &Cluster) -> bool {
        true
    }
}

/// What must be true of an answer, implemented for the output.
pub(super) trait ResponseSpecification {
    /// Whether the answer is about the resource that the call names.
    fn is_about(&self, _call: &OpenCall) -> bool {
        true
    }

    /// The multi-Region properties in the answer, and the ARN of their cluster.
    fn properties(&self) -> Option<(&MultiRegionOutput, ClusterArn)> {
        None
    }

    /// Whether the answer agrees with the record that was written for the call, and with the one before.
    fn is_like(&self, _before: Option<&Cluster>, _record: &Cluster, _assumed: &Assumptions) -> bool {
        true
    }

    /// The time at which the answer says that its call created something.
    fn creation_time(&self) -> Option<Timestamp> {
        None
    }

    /// Whether the answer shows the members of the record that a control plane changes by itself; `None` if it shows
    /// no such member.
    fn agrees_with(&self, _record: &Cluster, _assumed: &Assumptions) -> Option<bool> {
        None
    }

    /// The members that the answer to a read shows; `None` if it shows none that a call can set.
    fn shows(&self) -> Option<ShownMembers> {
        None
    }
}

/// The members of one cluster or stream in the answer to a read.
pub(super) struct ShownMembers {
    /// The members except the tags.
    pub(super) facts: Vec<Fact>,
    /// All tags; `None` if the answer has no tags.
    pub(super) tags: Option<Tags>,
}

/// The specification of `request`.
pub(super) fn of_request(request: &Request) -> &dyn RequestSpecification {
    match request {
        Request::CreateCluster(input) => input,
        Request::UpdateCluster(input) => input,
        Request::DeleteCluster(input) => input,
        Request::GetCluster(input) => input,
        Request::ListClusters(input) => input,
        Request::TagResource(input) => input,
        Request::UntagResource(input) => input,
        Request::ListTagsForResource(input) => input,
        Request::PutClusterPolicy(input) => input,
        Request::GetClusterPolicy(input) => input,
        Request::DeleteClusterPolicy(input) => input,
        Request::GetVpcEndpointServiceName(input) => input,
        Request::CreateStream(input) => &**input,
        Request::GetStream(input) => input,
        Request::ListStreams(input) => input,
        Request::DeleteStream(input) => input,
    }
}

/// The specification of `response`.
pub(super) fn of_response(response: &Response) -> &dyn ResponseSpecification {
    match response {
        Response::CreateCluster(output) => output,
        Response::UpdateCluster(output) => output,
        Response::DeleteCluster(output) => output,
        Response::GetCluster(output) => output,
        Response::ListClusters(output) => output,
        Response::TagResource(output) => output,
        Response::UntagResource(output) => output,
        Response::ListTagsForResource(output) => output,
        Response::PutClusterPolicy(output) => output,
        Response::GetClusterPolicy(output) => output,
        Response::DeleteClusterPolicy(output) => output,
        Response::GetVpcEndpointServiceName(output) => output,
        Response::CreateStream(output) => &**output,
        Response::GetStream(output) => &**output,
        Response::ListStreams(output) => output,
        Response::DeleteStream(output) => &**output,
    }
}
