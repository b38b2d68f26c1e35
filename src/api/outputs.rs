//! The outputs of the 16 operations, with the member names of the API model (`dsql`, 2018-05-10).
//!
//! Outputs are typed, as only the service produces them. Times are seconds since 1970 by the clock of the Region.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::region::Region;
use crate::types::{ClusterArn, ClusterStatus, Endpoint, Identifier, Timestamp};

use super::inputs::TargetDefinition;
use super::shape::camel;
use super::tags::Tags;

/// Defines output structures. Members that follow from the ARN, such as the identifier, are not stored: serialization
/// derives them.
macro_rules! outputs {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident {
            $($(#[$attribute:meta])* $field:ident: $type:ty,)*
        } $(and from its ARN { $($derived:ident),* })?
        $(optional { $($(#[$optional_attribute:meta])* $optional:ident: $content:ty,)* })?
    )+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $(
                $(#[$attribute])*
                pub $field: $type,
            )*
            $($(
                #[serde(default, skip_serializing_if = "Option::is_none")]
                $(#[$optional_attribute])*
                pub $optional: Option<$content>,
            )*)?
        }

        impl Members for $name {
            fn members() -> Vec<String> {
                let derived = [$($(stringify!($derived),)*)?];
                let names = [$(stringify!($field),)* $($(stringify!($optional),)*)?];
                derived.into_iter().chain(names).map(camel).collect()
            }
        }
    )+};
}

outputs! {
    /// The output of CreateCluster.
    CreateClusterOutput {
        /// The cluster's ARN. On the wire, the identifier and the endpoint stand beside it.
        #[serde(flatten, with = "with_endpoint")]
        arn: ClusterArn,
        /// The status after the call.
        status: ClusterStatus,
        /// The time of creation.
        creation_time: Timestamp,
        /// Whether DeleteCluster is rejected.
        deletion_protection_enabled: bool,
    } and from its ARN { identifier, endpoint } optional {
        /// The witness Region and the linked clusters; absent for a single-Region cluster.
        multi_region_properties: Box<MultiRegionOutput>,
        /// The encryption at rest.
        encryption_details: EncryptionDetails,
        /// The published metric groups; absent if there are none.
        metric_groups: Box<[MetricGroupResponse]>,
    }
    /// The output of UpdateCluster.
    UpdateClusterOutput {
        /// The cluster's ARN. On the wire, the identifier stands beside it.
        #[serde(flatten, with = "with_identifier")]
        arn: ClusterArn,
        /// The status after the call.
        status: ClusterStatus,
        /// The time of creation.
        creation_time: Timestamp,
    } and from its ARN { identifier }
    /// The output of DeleteCluster.
    DeleteClusterOutput {
        /// The cluster's ARN. On the wire, the identifier stands beside it.
        #[serde(flatten, with = "with_identifier")]
        arn: ClusterArn,
        /// The status after the call.
        status: ClusterStatus,
        /// The time of creation.
        creation_time: Timestamp,
    } and from its ARN { identifier }
    /// The output of GetCluster.
    GetClusterOutput {
        /// The cluster's ARN. On the wire, the identifier and the endpoint stand beside it.
        #[serde(flatten, with = "with_endpoint")]
        arn: ClusterArn,
        /// The current status.
        status: ClusterStatus,
        /// The time of creation.
        creation_time: Timestamp,
        /// Whether DeleteCluster is rejected.
        deletion_protection_enabled: bool,
    } and from its ARN { identifier, endpoint } optional {
        /// The witness Region and the linked clusters; absent for a single-Region cluster.
        multi_region_properties: Box<MultiRegionOutput>,
        /// The resource's tags; absent if it has none.
        tags: Tags,
        /// The encryption at rest.
        encryption_details: EncryptionDetails,
        /// The published metric groups; absent if there are none.
        metric_groups: Box<[MetricGroupResponse]>,
    }
    /// The output of ListClusters.
    ListClustersOutput {
        /// The clusters of this page.
        clusters: Vec<ClusterSummary>,
    } optional {
        /// The token for the next page; absent on the last page.
        next_token: String,
    }
    /// The output of TagResource.
    TagResourceOutput {}
    /// The output of UntagResource.
    UntagResourceOutput {}
    /// The output of ListTagsForResource.
    ListTagsForResourceOutput {} optional {
        /// The resource's tags; absent if it has none.
        tags: Tags,
    }
    /// The output of PutClusterPolicy.
    PutClusterPolicyOutput {
        /// The version of the policy: an opaque text that changes with every write.
        policy_version: String,
    }
    /// The output of GetClusterPolicy.
    GetClusterPolicyOutput {
        /// The resource policy, byte for byte as it was written.
        policy: String,
        /// The version of the policy: an opaque text that changes with every write.
        policy_version: String,
    }
    /// The output of DeleteClusterPolicy.
    DeleteClusterPolicyOutput {
        /// The version of the deleted policy.
        policy_version: String,
    }
    /// The output of GetVpcEndpointServiceName.
    GetVpcEndpointServiceNameOutput {
        /// The name of the PrivateLink service, as in `com.amazonaws.us-east-1.dsql-fnh4`.
        service_name: String,
    } optional {
        /// The cluster's host name for connections through PrivateLink.
        cluster_vpc_endpoint: String,
    }
    /// The output of CreateStream.
    CreateStreamOutput {
        /// The identifier of the cluster.
        cluster_identifier: Identifier,
        /// The identifier of the stream.
        stream_identifier: Identifier,
        /// The stream's ARN.
        arn: String,
        /// The status after the call.
        status: StreamStatus,
        /// The time of creation.
        creation_time: Timestamp,
        /// The order of the delivered records: `UNORDERED`.
        ordering: String,
        /// The format of the delivered records: `JSON`.
        format: String,
    }
    /// The output of GetStream.
    GetStreamOutput {
        /// The identifier of the cluster.
        cluster_identifier: Identifier,
        /// The identifier of the stream.
        stream_identifier: Identifier,
        /// The stream's ARN.
        arn: String,
        /// The current status.
        status: StreamStatus,
        /// The time of creation.
        creation_time: Timestamp,
        /// The order of the delivered records: `UNORDERED`.
        ordering: String,
        /// The format of the delivered records: `JSON`.
        format: String,
    } optional {
        /// The target of the stream.
        target_definition: Box<TargetDefinition>,
        /// The reason for IMPAIRED or FAILED; absent in every other status.
        status_reason: StatusReason,
        /// The resource's tags; absent if it has none.
        tags: Tags,
    }
    /// The output of ListStreams.
    ListStreamsOutput {
        /// The streams of this page.
        streams: Vec<StreamSummary>,
    } optional {
        /// The token for the next page; absent on the last page.
        next_token: String,
    }
    /// The output of DeleteStream.
    DeleteStreamOutput {
        /// The identifier of the cluster.
        cluster_identifier: Identifier,
        /// The identifier of the stream.
        stream_identifier: Identifier,
        /// The stream's ARN.
        arn: String,
        /// The status after the call.
        status: StreamStatus,
        /// The time of creation.
        creation_time: Timestamp,
    }
    /// The multi-Region part of a CreateCluster or GetCluster output.
    MultiRegionOutput {
        /// The witness Region.
        witness_region: Region,
        /// The ARNs of the linked clusters, this cluster included.
        clusters: Vec<ClusterArn>,
    }
    /// A cluster in a list. The model has no status and no tags here.
    ClusterSummary {
        /// The cluster's ARN. On the wire, the identifier stands beside it.
        #[serde(flatten, with = "with_identifier")]
        arn: ClusterArn,
    } and from its ARN { identifier }
    /// A stream in a list.
    StreamSummary {
        /// The identifier of the cluster.
        cluster_identifier: Identifier,
        /// The identifier of the stream.
        stream_identifier: Identifier,
        /// The stream's ARN.
        arn: String,
        /// The time of creation.
        creation_time: Timestamp,
        /// The current status.
        status: StreamStatus,
    }
    /// The encryption at rest of a cluster.
    EncryptionDetails {
        /// The owner of the key.
        encryption_type: EncryptionType,
        /// The state of the key or of its change.
        encryption_status: EncryptionStatus,
    }
    optional {
        /// The ARN of the customer managed key; absent for an AWS-owned key.
        kms_key_arn: Arc<str>,
    }
    /// A published metric group.
    MetricGroupResponse {
        /// The metric group.
        metric_group: MetricGroup,
    }
    /// The reason for which a stream is IMPAIRED or FAILED.
    StatusReason {
        /// The error code.
        error: StreamFailureErrorCode,
        /// The time of the failure.
        updated_at: Timestamp,
    }
}

/// The owner of the key that encrypts a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::VariantArray)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the API model documents only the names")]
pub enum EncryptionType {
    AwsOwnedKmsKey,
    CustomerManagedKmsKey,
}

/// The state of a cluster's key or of its change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::VariantArray)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the API model documents only the names")]
pub enum EncryptionStatus {
    Enabled,
    Updating,
    KmsKeyInaccessible,
    Enabling,
}

/// The metric groups that a cluster can publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::VariantArray)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the API model documents only the names")]
pub enum MetricGroup {
    StatementStatistics,
}

/// The status of a stream.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::VariantArray, strum::IntoStaticStr,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the API model documents only the names")]
pub enum StreamStatus {
    Creating,
    Active,
    Deleting,
    Deleted,
    Failed,
    Impaired,
}

/// The error codes of an IMPAIRED or FAILED stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::VariantArray)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the API model documents only the names")]
pub enum StreamFailureErrorCode {
    KinesisThroughputExceeded,
    KinesisStreamNotFound,
    RoleAccessDenied,
    KinesisAccessDenied,
    KinesisKmsAccessDenied,
    KinesisOversizeRecord,
    ClusterCmkInaccessible,
    InternalError,
}

/// Serializes an ARN with the identifier that it ends in.
mod with_identifier {
    use super::*;

    #[derive(Serialize)]
    struct IdentifiedArn {
        identifier: Identifier,
        arn: ClusterArn,
    }

    pub(super) fn serialize<S: Serializer>(arn: &ClusterArn, to: S) -> Result<S::Ok, S::Error> {
        IdentifiedArn { identifier: arn.identifier, arn: *arn }.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ClusterArn, D::Error> {
        Ok(ArnOnly::deserialize(from)?.arn)
    }
}

/// Serializes an ARN with the identifier that it ends in and the cluster's endpoint.
mod with_endpoint {
    use super::*;

    #[derive(Serialize)]
    struct ReachableArn {
        identifier: Identifier,
        arn: ClusterArn,
        endpoint: Endpoint,
    }

    pub(super) fn serialize<S: Serializer>(arn: &ClusterArn, to: S) -> Result<S::Ok, S::Error> {
        ReachableArn { identifier: arn.identifier, arn: *arn, endpoint: arn.endpoint() }.serialize(to)
    }

    pub(super) use super::with_identifier::deserialize;
}

/// The ARN alone: the derived members follow from it, so they are not read.
#[derive(Deserialize)]
struct ArnOnly {
    arn: ClusterArn,
}

/// The names of the members of an output.
pub(super) trait Members {
    fn members() -> Vec<String>;
}

impl<T: Members> Members for Box<T> {
    fn members() -> Vec<String> {
        T::members()
    }
}
