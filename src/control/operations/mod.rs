//! The operations, one in each file, and what several of them share: the resources that requests name, page tokens, and
//! the rules of multi-Region properties and of policies.

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
mod multi_region_properties;
mod page_token;
mod policy_checks;
mod put_cluster_policy;
mod resource;
mod tag_resource;
mod untag_resource;
mod update_cluster;

pub(in crate::control) use create_cluster::customer_key;
