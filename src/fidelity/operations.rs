//! The operations of the API.

use super::source::{AUTHORIZATION, MODEL, PRIVATE_LINK, SMITHY, Source};
use super::{ServiceRule, documented, inferred, rule};
use crate::api::Operation;

/// The contract of each operation.
pub const OPERATIONS: &[(Operation, ServiceRule)] = &[
    (
        Operation::CreateCluster,
        rule(
            "It creates a cluster, in CREATING, or in PENDING_SETUP with a witness Region; the answer has the \
             identifier.",
            documented(&[Source::Api("CreateCluster"), MODEL], &["create/three_steps_make_a_pair"]),
        ),
    ),
    (
        Operation::UpdateCluster,
        rule(
            "It changes the members that it names; a list of clusters replaces the whole list. The answer is UPDATING.",
            documented(&[Source::Api("UpdateCluster"), MODEL], &["update/a_new_setting_counts_at_once"]),
        ),
    ),
    (
        Operation::DeleteCluster,
        rule(
            "It asks for the deletion of one cluster; one of a pair waits for its peer.",
            documented(&[Source::Api("DeleteCluster"), MODEL], &["delete/a_pair_is_deleted_from_both_sides"]),
        ),
    ),
    (
        Operation::GetCluster,
        rule(
            "It shows a cluster; multiRegionProperties is absent for a single-Region cluster.",
            documented(
                &[Source::Api("GetCluster"), MODEL],
                &["create/a_single_region_cluster_has_no_multi_region_properties"],
            ),
        ),
    ),
    (
        Operation::ListClusters,
        rule(
            "It lists identifier and ARN alone, twenty on a page by default.",
            documented(
                &[Source::Api("ListClusters"), SMITHY],
                &["limits/a_page_holds_twenty_clusters", "mistakes/the_list_shows_neither_status_nor_tags"],
            ),
        ),
    ),
    (
        Operation::TagResource,
        rule(
            "It adds tags to a cluster or a stream and replaces the values of keys that exist.",
            documented(&[Source::Api("TagResource"), MODEL], &["tags/tags_are_added_listed_and_removed"]),
        ),
    ),
    (
        Operation::UntagResource,
        rule(
            "It removes tags by key; a key that is not there is no error.",
            inferred(&[Source::Api("UntagResource"), MODEL], &["tags/tags_are_added_listed_and_removed"]),
        ),
    ),
    (
        Operation::ListTagsForResource,
        rule(
            "It lists the tags of a cluster or a stream, as an empty map if there are none.",
            documented(
                &[Source::Api("ListTagsForResource"), MODEL],
                &["tags/a_cluster_without_tags_shows_none"],
            ),
        ),
    ),
    (
        Operation::PutClusterPolicy,
        rule(
            "It sets the resource policy of a cluster and returns its version.",
            documented(&[Source::Api("PutClusterPolicy"), MODEL], &["policies/a_policy_has_versions"]),
        ),
    ),
    (
        Operation::GetClusterPolicy,
        rule(
            "It shows the policy of a cluster with its version.",
            documented(&[Source::Api("GetClusterPolicy"), MODEL], &["policies/a_policy_has_versions"]),
        ),
    ),
    (
        Operation::DeleteClusterPolicy,
        rule(
            "It deletes the policy of a cluster and returns the version.",
            documented(
                &[Source::Api("DeleteClusterPolicy"), AUTHORIZATION],
                &["policies/a_policy_has_versions"],
            ),
        ),
    ),
    (
        Operation::GetVpcEndpointServiceName,
        rule(
            "It names the PrivateLink service of the cell that a cluster is in.",
            documented(
                &[Source::Api("GetVpcEndpointServiceName"), PRIVATE_LINK],
                &["policies/the_private_link_service_of_a_cluster_is_named"],
            ),
        ),
    ),
    (
        Operation::CreateStream,
        rule(
            "It creates a stream of a cluster, in CREATING.",
            documented(&[Source::Api("CreateStream"), MODEL], &["streams/a_stream_lives_and_goes"]),
        ),
    ),
    (
        Operation::GetStream,
        rule(
            "It shows a stream.",
            documented(&[Source::Api("GetStream"), MODEL], &["streams/a_stream_lives_and_goes"]),
        ),
    ),
    (
        Operation::ListStreams,
        rule(
            "It lists the streams of a cluster, ten on a page by default.",
            documented(
                &[Source::Api("ListStreams"), MODEL],
                &["streams/a_page_token_continues_the_streams_of_one_cluster"],
            ),
        ),
    ),
    (
        Operation::DeleteStream,
        rule(
            "It deletes a stream, by way of DELETING.",
            documented(&[Source::Api("DeleteStream"), MODEL], &["streams/a_stream_lives_and_goes"]),
        ),
    ),
];
