//! The inputs of the 16 operations, with the member names and constraints of the API model (`dsql`, 2018-05-10).
//!
//! Inputs are unvalidated: identifiers, ARNs and Regions are text, and required members may be absent. Whether a member
//! travels in the path, the query or the body is defined in [`wire`](super::wire).

use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::types::ClientToken;

use super::shape::{Given, MemberKind, Shape, camel};
use super::tags::Tags;

/// Defines input structures. An absent member is also absent in JSON, and a new member reaches every function over
/// members.
macro_rules! inputs {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $(
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

inputs! {
    /// The input of CreateCluster.
    CreateClusterInput {
        /// Whether DeleteCluster is rejected; `true` if absent.
        deletion_protection_enabled: Option<bool>,
        /// A KMS key, as its ARN, id or alias, or `AWS_OWNED_KMS_KEY`: 1 to 2048 characters. The key is AWS-owned if
        /// absent.
        kms_encryption_key: Option<Arc<str>>,
        /// At most 200 tags. A key has 1 to 128 characters, a value 0 to 256.
        tags: Option<Tags>,
        /// The idempotency token: 1 to 128 printable ASCII characters. SDKs fill in a UUID if it is absent.
        client_token: Option<ClientToken>,
        /// The witness Region and the peer; absent for a single-Region cluster.
        #[serde(deserialize_with = "structure")]
        multi_region_properties: Option<Box<MultiRegionProperties>>,
        /// A resource policy as JSON text: 1 to 20,480 characters.
        policy: Option<Arc<str>>,
        /// The metric groups to publish: at most 20, without duplicates.
        #[serde(deserialize_with = "structures")]
        metric_groups: Option<Box<[MetricGroupRequest]>>,
        /// Whether to accept a policy that would deny the caller PutClusterPolicy and DeleteClusterPolicy.
        bypass_policy_lockout_safety_check: Option<bool>,
    }
    /// The input of UpdateCluster.
    UpdateClusterInput {
        /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
        identifier: String,
        /// Whether DeleteCluster is rejected; unchanged if absent.
        deletion_protection_enabled: Option<bool>,
        /// A KMS key, as its ARN, id or alias, or `AWS_OWNED_KMS_KEY`: 1 to 2048 characters.
        kms_encryption_key: Option<Arc<str>>,
        /// The idempotency token: 1 to 128 printable ASCII characters. SDKs fill in a UUID if it is absent.
        client_token: Option<ClientToken>,
        /// The new witness Region and the new peer; both unchanged if absent.
        #[serde(deserialize_with = "structure")]
        multi_region_properties: Option<Box<MultiRegionProperties>>,
        /// The metric groups to publish instead of the current ones: at most 20, without duplicates.
        #[serde(deserialize_with = "structures")]
        metric_groups: Option<Box<[MetricGroupRequest]>>,
    }
    /// The input of DeleteCluster.
    DeleteClusterInput {
        /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
        identifier: String,
        /// The idempotency token: 1 to 128 printable ASCII characters. SDKs fill in a UUID if it is absent.
        client_token: Option<ClientToken>,
    }
    /// The input of GetCluster.
    GetClusterInput {
        /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
        identifier: String,
    }
    /// The input of ListClusters.
    ListClustersInput {
        /// The page size: 1 to 100, 20 if absent.
        max_results: Option<i64>,
        /// The `nextToken` of the previous page; absent for the first page.
        next_token: Option<String>,
    }
    /// The input of TagResource.
    TagResourceInput {
        /// The ARN of a cluster or stream: 1 to 1011 characters. Required.
        resource_arn: String,
        /// The tags to add or overwrite: at most 200. A key has 1 to 128 characters, a value 0 to 256. Required.
        tags: Option<Tags>,
    }
    /// The input of UntagResource.
    UntagResourceInput {
        /// The ARN of a cluster or stream: 1 to 1011 characters. Required.
        resource_arn: String,
        /// The tag keys to remove: at most 200, each of 1 to 128 characters. Required.
        tag_keys: Option<Vec<String>>,
    }
    /// The input of ListTagsForResource.
    ListTagsForResourceInput {
        /// The ARN of a cluster or stream: 1 to 1011 characters. Required.
        resource_arn: String,
    }
    /// The input of PutClusterPolicy.
    PutClusterPolicyInput {
        /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
        identifier: String,
        /// The resource policy as JSON text: 1 to 20,480 characters. Required.
        policy: Option<Arc<str>>,
        /// Whether to accept a policy that would deny the caller PutClusterPolicy and DeleteClusterPolicy.
        bypass_policy_lockout_safety_check: Option<bool>,
        /// The policy version that the call replaces. If the current version differs, the call fails with
        /// ConflictException.
        expected_policy_version: Option<String>,
        /// The idempotency token: 1 to 128 printable ASCII characters. SDKs fill in a UUID if it is absent.
        client_token: Option<ClientToken>,
    }
    /// The input of GetClusterPolicy.
    GetClusterPolicyInput {
        /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
        identifier: String,
    }
    /// The input of DeleteClusterPolicy.
    DeleteClusterPolicyInput {
        /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
        identifier: String,
        /// The policy version that the call deletes. If the current version differs, the call fails with
        /// ConflictException.
        expected_policy_version: Option<String>,
        /// The idempotency token: 1 to 128 printable ASCII characters. SDKs fill in a UUID if it is absent.
        client_token: Option<ClientToken>,
    }
    /// The input of GetVpcEndpointServiceName.
    GetVpcEndpointServiceNameInput {
        /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
        identifier: String,
    }
    /// The input of CreateStream.
    CreateStreamInput {
        /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
        cluster_identifier: String,
        /// The target of the stream. Required.
        #[serde(deserialize_with = "structure")]
        target_definition: Option<Box<TargetDefinition>>,
        /// The order of the delivered records. The model has one value, `UNORDERED`. Required.
        ordering: Option<Arc<str>>,
        /// The format of the delivered records. The model has one value, `JSON`. Required.
        format: Option<Arc<str>>,
        /// At most 200 tags. A key has 1 to 128 characters, a value 0 to 256.
        tags: Option<Tags>,
        /// The idempotency token: 1 to 128 printable ASCII characters. SDKs fill in a UUID if it is absent.
        client_token: Option<ClientToken>,
    }
    /// The input of GetStream.
    GetStreamInput {
        /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
        cluster_identifier: String,
        /// The stream identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
        stream_identifier: String,
    }
    /// The input of ListStreams.
    ListStreamsInput {
        /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
        cluster_identifier: String,
        /// The page size: 1 to 100, 10 if absent.
        max_results: Option<i64>,
        /// The `nextToken` of the previous page; absent for the first page.
        next_token: Option<String>,
    }
    /// The input of DeleteStream.
    DeleteStreamInput {
        /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
        cluster_identifier: String,
        /// The stream identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
        stream_identifier: String,
        /// The idempotency token: 1 to 128 printable ASCII characters. SDKs fill in a UUID if it is absent.
        client_token: Option<ClientToken>,
    }
    /// The multi-Region part of a CreateCluster or UpdateCluster input.
    MultiRegionProperties {
        /// The witness Region, by its name: at most 50 characters.
        witness_region: Option<String>,
        /// The ARNs of the peer and, optionally, of the cluster itself, without duplicates.
        clusters: Option<Vec<String>>,
    }
    /// A metric group to publish.
    MetricGroupRequest {
        /// The model has one value, `STATEMENT_STATISTICS`. Required.
        metric_group: Option<String>,
    }
    /// The target of a stream: a union, of which the model has one member.
    TargetDefinition {
        /// A Kinesis data stream. Required, as the only member of the union.
        #[serde(deserialize_with = "structure")]
        kinesis: Option<KinesisTargetDefinition>,
    }
    /// A Kinesis data stream, and the role that writes to it.
    KinesisTargetDefinition {
        /// The ARN of the Kinesis data stream: at most 2048 characters. Required.
        stream_arn: Option<String>,
        /// The ARN of the role that writes to the data stream: 20 to 2048 characters. Required.
        role_arn: Option<String>,
    }
}

/// Reads a structure from an object only. Serde also accepts an array of the members in order, which the API rejects.
fn structure<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    Option::<Map<String, Value>>::deserialize(from)?.map(from_members).transpose().map_err(D::Error::custom)
}

/// Reads an array of structures, each as [`structure`] does.
fn structures<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<Box<[T]>>, D::Error> {
    let list = Option::<Vec<Map<String, Value>>>::deserialize(from)?;
    let read = |list: Vec<_>| list.into_iter().map(from_members).collect();
    list.map(read).transpose().map_err(D::Error::custom)
}

fn from_members<T: DeserializeOwned>(members: Map<String, Value>) -> serde_json::Result<T> {
    T::deserialize(Value::Object(members))
}

/// Whether a member of an input is absent. An absent required text is the empty text, which validation rejects.
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
