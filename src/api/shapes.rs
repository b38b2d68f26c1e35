//! The inputs and outputs of the 16 operations, with the API model's member names.
//!
//! Inputs are as they come off the wire: text stays text until it is validated. Outputs are typed. Which member
//! travels in a path or a query is a matter of the wire and not of these.

use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::region::Region;
use crate::types::{ClientToken, ClusterArn, ClusterStatus, Endpoint, Identifier, Timestamp};

use super::shape::{Given, MemberKind, Shape};
use super::tags::Tags;

/// Defines structures whose absent members are absent in JSON, and lists their members' names.
macro_rules! shapes {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $(
                #[doc = concat!("API model, `", stringify!($field), "`.")]
                #[serde(skip_serializing_if = "Absent::is_absent")]
                $(#[$attribute])*
                pub $field: $type,
            )*
        }

        impl Shape for $name {
            const MEMBERS: u32 = 0 $(+ <$type as Shape>::MEMBERS)*;

            fn kind() -> MemberKind {
                MemberKind::Structure(vec![$((camel(stringify!($field)), <$type>::kind())),*])
            }

            fn mark(&self, given: &mut Given) {
                $(self.$field.mark(given);)*
            }

            fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
                $(self.$field.texts(each);)*
            }

            fn replace_texts(&mut self, new: &mut dyn FnMut(&str) -> Option<String>) {
                $(self.$field.replace_texts(new);)*
            }
        }
    )+};
}

/// Defines structures all of whose members are present. Members that the ARN says already are written from it.
macro_rules! outputs {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident {
            $($(#[serde($($how:tt)+)])? $field:ident: $type:ty,)*
        } $(and from its ARN { $($said:ident),* })? $(optional { $($maybe:ident: $some:ty,)* })?
    )+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $(
                #[doc = concat!("API model, `", stringify!($field), "`.")]
                $(#[serde($($how)+)])?
                pub $field: $type,
            )*
            $($(
                #[doc = concat!("API model, `", stringify!($maybe), "`; absent if there is none.")]
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $maybe: Option<$some>,
            )*)?
        }

        impl Members for $name {
            fn members() -> Vec<String> {
                let said = [$($(stringify!($said),)*)?];
                let names = [$(stringify!($field),)* $($(stringify!($maybe),)*)?];
                said.into_iter().chain(names).map(camel).collect()
            }
        }
    )+};
}

shapes! {
    /// CreateCluster's input.
    CreateClusterInput {
        deletion_protection_enabled: Option<bool>,
        kms_encryption_key: Option<Arc<str>>,
        tags: Option<Tags>,
        client_token: Option<ClientToken>,
        #[serde(deserialize_with = "structure")]
        multi_region_properties: Option<Box<MultiRegionProperties>>,
        policy: Option<Arc<str>>,
        #[serde(deserialize_with = "structures")]
        metric_groups: Option<Box<[MetricGroupRequest]>>,
        bypass_policy_lockout_safety_check: Option<bool>,
    }
    /// UpdateCluster's input.
    UpdateClusterInput {
        identifier: String,
        deletion_protection_enabled: Option<bool>,
        kms_encryption_key: Option<Arc<str>>,
        client_token: Option<ClientToken>,
        #[serde(deserialize_with = "structure")]
        multi_region_properties: Option<Box<MultiRegionProperties>>,
        #[serde(deserialize_with = "structures")]
        metric_groups: Option<Box<[MetricGroupRequest]>>,
    }
    /// DeleteCluster's input.
    DeleteClusterInput { identifier: String, client_token: Option<ClientToken>, }
    /// GetCluster's input.
    GetClusterInput { identifier: String, }
    /// ListClusters' input.
    ListClustersInput { max_results: Option<i64>, next_token: Option<String>, }
    /// TagResource's input.
    TagResourceInput { resource_arn: String, tags: Option<Tags>, }
    /// UntagResource's input.
    UntagResourceInput { resource_arn: String, tag_keys: Option<Vec<String>>, }
    /// ListTagsForResource's input.
    ListTagsForResourceInput { resource_arn: String, }
    /// PutClusterPolicy's input.
    PutClusterPolicyInput {
        identifier: String,
        policy: Option<Arc<str>>,
        bypass_policy_lockout_safety_check: Option<bool>,
        expected_policy_version: Option<String>,
        client_token: Option<ClientToken>,
    }
    /// GetClusterPolicy's input.
    GetClusterPolicyInput { identifier: String, }
    /// DeleteClusterPolicy's input.
    DeleteClusterPolicyInput {
        identifier: String,
        expected_policy_version: Option<String>,
        client_token: Option<ClientToken>,
    }
    /// GetVpcEndpointServiceName's input.
    GetVpcEndpointServiceNameInput { identifier: String, }
    /// CreateStream's input.
    CreateStreamInput {
        cluster_identifier: String,
        #[serde(deserialize_with = "structure")]
        target_definition: Option<Box<TargetDefinition>>,
        ordering: Option<Arc<str>>,
        format: Option<Arc<str>>,
        tags: Option<Tags>,
        client_token: Option<ClientToken>,
    }
    /// GetStream's input.
    GetStreamInput { cluster_identifier: String, stream_identifier: String, }
    /// ListStreams' input.
    ListStreamsInput { cluster_identifier: String, max_results: Option<i64>, next_token: Option<String>, }
    /// DeleteStream's input.
    DeleteStreamInput { cluster_identifier: String, stream_identifier: String, client_token: Option<ClientToken>, }
    /// The multi-Region part of a CreateCluster or UpdateCluster input.
    MultiRegionProperties { witness_region: Option<String>, clusters: Option<Vec<String>>, }
    /// A metric group, as asked for.
    MetricGroupRequest { metric_group: Option<String>, }
    /// Where a stream delivers to: the union has one kind of target.
    TargetDefinition {
        #[serde(deserialize_with = "structure")]
        kinesis: Option<KinesisTargetDefinition>,
    }
    /// A Kinesis data stream, and the role that may write to it.
    KinesisTargetDefinition { stream_arn: Option<String>, role_arn: Option<String>, }
}

outputs! {
    /// CreateCluster's output.
    CreateClusterOutput {
        #[serde(flatten, with = "reachable")]
        arn: ClusterArn,
        status: ClusterStatus,
        creation_time: Timestamp,
        deletion_protection_enabled: bool,
    } and from its ARN { identifier, endpoint } optional {
        multi_region_properties: Box<MultiRegionOutput>,
        encryption_details: EncryptionDetails,
        metric_groups: Box<[MetricGroupResponse]>,
    }
    /// UpdateCluster's output.
    UpdateClusterOutput {
        #[serde(flatten, with = "identified")]
        arn: ClusterArn,
        status: ClusterStatus,
        creation_time: Timestamp,
    } and from its ARN { identifier }
    /// DeleteCluster's output.
    DeleteClusterOutput {
        #[serde(flatten, with = "identified")]
        arn: ClusterArn,
        status: ClusterStatus,
        creation_time: Timestamp,
    } and from its ARN { identifier }
    /// GetCluster's output.
    GetClusterOutput {
        #[serde(flatten, with = "reachable")]
        arn: ClusterArn,
        status: ClusterStatus,
        creation_time: Timestamp,
        deletion_protection_enabled: bool,
    } and from its ARN { identifier, endpoint } optional {
        multi_region_properties: Box<MultiRegionOutput>,
        tags: Tags,
        encryption_details: EncryptionDetails,
        metric_groups: Box<[MetricGroupResponse]>,
    }
    /// ListClusters' output.
    ListClustersOutput { clusters: Vec<ClusterSummary>, } optional { next_token: String, }
    /// TagResource's output.
    TagResourceOutput {}
    /// UntagResource's output.
    UntagResourceOutput {}
    /// ListTagsForResource's output.
    ListTagsForResourceOutput {} optional { tags: Tags, }
    /// PutClusterPolicy's output.
    PutClusterPolicyOutput { policy_version: String, }
    /// GetClusterPolicy's output.
    GetClusterPolicyOutput { policy: String, policy_version: String, }
    /// DeleteClusterPolicy's output.
    DeleteClusterPolicyOutput { policy_version: String, }
    /// GetVpcEndpointServiceName's output.
    GetVpcEndpointServiceNameOutput { service_name: String, } optional { cluster_vpc_endpoint: String, }
    /// CreateStream's output.
    CreateStreamOutput {
        cluster_identifier: Identifier,
        stream_identifier: Identifier,
        arn: String,
        status: StreamStatus,
        creation_time: Timestamp,
        ordering: String,
        format: String,
    }
    /// GetStream's output.
    GetStreamOutput {
        cluster_identifier: Identifier,
        stream_identifier: Identifier,
        arn: String,
        status: StreamStatus,
        creation_time: Timestamp,
        ordering: String,
        format: String,
    } optional {
        target_definition: Box<TargetDefinition>,
        status_reason: StatusReason,
        tags: Tags,
    }
    /// ListStreams' output.
    ListStreamsOutput { streams: Vec<StreamSummary>, } optional { next_token: String, }
    /// DeleteStream's output.
    DeleteStreamOutput {
        cluster_identifier: Identifier,
        stream_identifier: Identifier,
        arn: String,
        status: StreamStatus,
        creation_time: Timestamp,
    }
    /// The multi-Region part of an output: the cluster's own ARN is among `clusters`.
    MultiRegionOutput { witness_region: Region, clusters: Vec<ClusterArn>, }
    /// A cluster in a list: no status, no tags.
    ClusterSummary {
        #[serde(flatten, with = "identified")]
        arn: ClusterArn,
    } and from its ARN { identifier }
    /// A stream in a list.
    StreamSummary {
        cluster_identifier: Identifier,
        stream_identifier: Identifier,
        arn: String,
        creation_time: Timestamp,
        status: StreamStatus,
    }
    /// How a cluster is encrypted.
    EncryptionDetails { encryption_type: EncryptionType, encryption_status: EncryptionStatus, }
    optional { kms_key_arn: Arc<str>, }
    /// A metric group that is published.
    MetricGroupResponse { metric_group: MetricGroup, }
    /// Why a stream is impaired or failed.
    StatusReason { error: StreamFailureErrorCode, updated_at: Timestamp, }
}

/// Defines enumerations with the API model's spelling, which is their variants' in capitals.
macro_rules! enumerations {
    ($($(#[doc = $doc:literal])+ $name:ident { $($variant:ident,)+ })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        #[expect(missing_docs, reason = "the API model has nothing to say of them but their names")]
        pub enum $name { $($variant,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &[$name] = &[$($name::$variant,)+];
        }
    )+};
}

enumerations! {
    /// Who owns the key that a cluster is encrypted with.
    EncryptionType { AwsOwnedKmsKey, CustomerManagedKmsKey, }
    /// How far a change of key has come.
    EncryptionStatus { Enabled, Updating, KmsKeyInaccessible, Enabling, }
    /// Groups of metrics that a cluster can publish.
    MetricGroup { StatementStatistics, }
    /// The status of a stream.
    StreamStatus { Creating, Active, Deleting, Deleted, Failed, Impaired, }
    /// Why a stream fails.
    StreamFailureErrorCode {
        KinesisThroughputExceeded,
        KinesisStreamNotFound,
        RoleAccessDenied,
        KinesisAccessDenied,
        KinesisKmsAccessDenied,
        KinesisOversizeRecord,
        ClusterCmkInaccessible,
        InternalError,
    }
}

/// An ARN, and the identifier that it ends in.
mod identified {
    use super::*;

    #[derive(Serialize)]
    struct Said {
        identifier: Identifier,
        arn: ClusterArn,
    }

    pub(super) fn serialize<S: Serializer>(arn: &ClusterArn, to: S) -> Result<S::Ok, S::Error> {
        Said { identifier: arn.identifier, arn: *arn }.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ClusterArn, D::Error> {
        Ok(ArnOnly::deserialize(from)?.arn)
    }
}

/// An ARN, the identifier that it ends in, and the endpoint that follows from both.
mod reachable {
    use super::*;

    #[derive(Serialize)]
    struct Said {
        identifier: Identifier,
        arn: ClusterArn,
        endpoint: Endpoint,
    }

    pub(super) fn serialize<S: Serializer>(arn: &ClusterArn, to: S) -> Result<S::Ok, S::Error> {
        Said { identifier: arn.identifier, arn: *arn, endpoint: arn.endpoint() }.serialize(to)
    }

    pub(super) use super::identified::deserialize;
}

/// The ARN, which says all the rest.
#[derive(Deserialize)]
struct ArnOnly {
    arn: ClusterArn,
}

/// The names of an output's members.
pub(super) trait Members {
    fn members() -> Vec<String>;
}

impl<T: Members> Members for Box<T> {
    fn members() -> Vec<String> {
        T::members()
    }
}

/// Reads a structure from an object alone: serde would take an array of its members as well, and the API does not.
fn structure<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    Option::<Map<String, Value>>::deserialize(from)?.map(of_members).transpose().map_err(D::Error::custom)
}

/// Reads a list of what [`structure`] reads.
fn structures<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<Box<[T]>>, D::Error> {
    let list = Option::<Vec<Map<String, Value>>>::deserialize(from)?;
    let read = |list: Vec<_>| list.into_iter().map(of_members).collect();
    list.map(read).transpose().map_err(D::Error::custom)
}

fn of_members<T: DeserializeOwned>(members: Map<String, Value>) -> serde_json::Result<T> {
    T::deserialize(Value::Object(members))
}

/// `client_token` as the API spells it: `clientToken`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_ascii_uppercase() + &word[1..])
}

/// Whether a member of an input was not given. A required text that was not given is empty, and validation says so.
trait Absent {
    fn is_absent(&self) -> bool;
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl Absent for String {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}
