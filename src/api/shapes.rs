//! The structures and enums that inputs and outputs consist of, and what serde needs to know about them.

use std::sync::Arc;

use macro_rules_attribute::apply;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::region::Region;
use crate::types::{ClusterArn, Endpoint, Identifier, Timestamp};

use super::members::input;

/// The multi-Region part of a CreateCluster or UpdateCluster input.
#[apply(input)]
pub struct MultiRegionProperties {
    /// The witness Region, by its name: at most 50 characters.
    pub witness_region: Option<String>,
    /// The ARNs of the peer and, optionally, of the cluster itself, without duplicates.
    pub clusters: Option<Vec<String>>,
}

/// A metric group to publish.
#[apply(input)]
pub struct MetricGroupRequest {
    /// The model has one value, `STATEMENT_STATISTICS`. Required.
    pub metric_group: Option<String>,
}

/// The target of a stream: a union, of which the model has one member.
#[apply(input)]
pub struct TargetDefinition {
    /// A Kinesis data stream. Required, as the only member of the union.
    #[serde(deserialize_with = "structure")]
    pub kinesis: Option<KinesisTargetDefinition>,
}

/// A Kinesis data stream, and the role that writes to it.
#[apply(input)]
pub struct KinesisTargetDefinition {
    /// The ARN of the Kinesis data stream: at most 2048 characters. Required.
    pub stream_arn: Option<String>,
    /// The ARN of the role that writes to the data stream: 20 to 2048 characters. Required.
    pub role_arn: Option<String>,
}

/// The multi-Region part of a CreateCluster or GetCluster output.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MultiRegionOutput {
    /// The witness Region.
    pub witness_region: Region,
    /// The ARNs of the linked clusters, this cluster included.
    pub clusters: Vec<ClusterArn>,
}

/// The encryption at rest of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EncryptionDetails {
    /// The owner of the key.
    pub encryption_type: EncryptionType,
    /// The state of the key or of its change.
    pub encryption_status: EncryptionStatus,
    /// The ARN of the customer managed key. Whether an AWS-owned key is named is an assumption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_arn: Option<Arc<str>>,
}

/// A published metric group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricGroupResponse {
    /// The metric group.
    pub metric_group: MetricGroup,
}

/// The reason for which a stream is IMPAIRED or FAILED.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReason {
    /// The error code.
    pub error: StreamFailureErrorCode,
    /// The time of the failure.
    pub updated_at: Timestamp,
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
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
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
pub(super) mod with_identifier {
    use super::*;

    #[derive(Serialize)]
    struct IdentifiedArn {
        identifier: Identifier,
        arn: ClusterArn,
    }

    pub(in crate::api) fn serialize<S: Serializer>(arn: &ClusterArn, to: S) -> Result<S::Ok, S::Error> {
        IdentifiedArn { identifier: arn.identifier, arn: *arn }.serialize(to)
    }

    pub(in crate::api) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ClusterArn, D::Error> {
        Ok(ArnOnly::deserialize(from)?.arn)
    }
}

/// Serializes an ARN with the identifier that it ends in and the cluster's endpoint.
pub(super) mod with_endpoint {
    use super::*;

    #[derive(Serialize)]
    struct ReachableArn {
        identifier: Identifier,
        arn: ClusterArn,
        endpoint: Endpoint,
    }

    pub(in crate::api) fn serialize<S: Serializer>(arn: &ClusterArn, to: S) -> Result<S::Ok, S::Error> {
        ReachableArn { identifier: arn.identifier, arn: *arn, endpoint: arn.endpoint() }.serialize(to)
    }

    pub(in crate::api) use super::with_identifier::deserialize;
}

/// The ARN alone: the derived members follow from it, so they are not read.
#[derive(Deserialize)]
struct ArnOnly {
    arn: ClusterArn,
}

/// Reads a structure from an object only. Serde also accepts an array of the members in order, which the API rejects.
pub(super) fn structure<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Option::<Map<String, Value>>::deserialize(from)?.map(from_members).transpose().map_err(D::Error::custom)
}

/// Reads an array of structures, each as [`structure`] does.
pub(super) fn structures<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Option<Box<[T]>>, D::Error> {
    let list = Option::<Vec<Map<String, Value>>>::deserialize(from)?;
    let read = |list: Vec<_>| list.into_iter().map(from_members).collect();
    list.map(read).transpose().map_err(D::Error::custom)
}

fn from_members<T: DeserializeOwned>(members: Map<String, Value>) -> serde_json::Result<T> {
    T::deserialize(Value::Object(members))
}
