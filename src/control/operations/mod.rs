//! The operations, one in each file: the permissions that its request needs, what it accepts, does and answers.
//!
//! Beside them is what several operations share: the resources that requests name, page tokens, and the rules of
//! multi-Region properties and of policies.

mod create_cluster;
mod create_stream;
mod customer_key;
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
mod multi_region_properties;
mod page_token;
mod policy_checks;
mod put_cluster_policy;
mod resource;
mod shown_status;
mod tag_resource;
mod untag_resource;
mod update_cluster;

use crate::api::{Error, Request};
use crate::control::authorization::{PermissionScope, Require, RequiredPermission};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};

pub(in crate::control) use resource::Resource;
pub(in crate::control) use shown_status::ShownStatuses;

/// An operation, implemented for its input.
pub(in crate::control) trait Handler {
    /// Requires every permission that the request needs in its own Region, up to the first denial. For most operations
    /// that is the action of their own name on the resource.
    fn permissions(&self, scope: &PermissionScope<'_>, require: Require<'_>) -> Result<(), Error> {
        require(RequiredPermission::new(scope.action, &scope.arn))
    }

    /// Carries out a request that is valid, permitted and not a retry: writes and answers, or starts a wait that will.
    ///
    /// # Errors
    /// The refusal, after which nothing is written.
    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error>;
}

/// The operation of `request` with its input: the only match on all operations.
pub(in crate::control) fn handler(request: &Request) -> &dyn Handler {
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
