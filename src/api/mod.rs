//! The API: its 16 operations, their inputs and outputs, its exceptions and field constraints.
//!
//! Names, members and constraints are those of the API model (service `dsql`, version 2018-05-10), IAM actions those of
//! the Service Authorization Reference.

#[doc(hidden)]
pub mod wire;

mod constraints;
mod error;
mod fingerprint;
mod inputs;
mod outputs;
mod shape;
mod tags;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use crate::types::{Account, ClientToken, ClusterArn, ClusterStatus, Endpoint, Identifier, Timestamp};

pub use error::{Error, Field, ValidationReason};
pub use fingerprint::Fingerprint;
pub use inputs::*;
pub use outputs::*;
pub use shape::MemberKind;
pub use tags::{TagMap, Tags};

use constraints::Validate;

/// The input of an operation, with the output that answers it.
pub trait OperationInput: Default {
    /// The output of the operation.
    type Output: Clone;

    /// The request with this input.
    fn into_request(self) -> Request;

    /// The output in `response`, if the response is one of this operation.
    fn output(response: &Response) -> Option<&Self::Output>;
}

/// Defines everything that exists once per operation, from one row with name, AWS CLI command, input and output.
macro_rules! operations {
    ($($(#[doc = $doc:literal])+ $name:ident = $command:literal, $input:ty, $output:ty;)+) => {
        /// An operation of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[derive(strum::Display, strum::EnumString, strum::IntoStaticStr)]
        pub enum Operation { $($(#[doc = $doc])+ $name,)+ }

        /// A request: the input of an operation, validated or not.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Request { $($(#[doc = $doc])+ $name($input),)+ }

        /// A response: the output of an operation.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Response { $($(#[doc = $doc])+ $name($output),)+ }

        $(impl OperationInput for $input {
            type Output = $output;

            fn into_request(self) -> Request {
                Request::$name(self)
            }

            fn output(response: &Response) -> Option<&$output> {
                match response {
                    Response::$name(output) => Some(output),
                    _ => None,
                }
            }
        })+

        impl Operation {
            /// Every operation, in the order of the table.
            pub const ALL: &[Operation] = &[$(Operation::$name),+];

            /// The name in the API model, as in `CreateCluster`.
            #[must_use]
            pub fn name(self) -> &'static str {
                self.into()
            }

            /// The IAM action of the same name, as in `dsql:CreateCluster`. A call may need further actions.
            #[must_use]
            pub fn action(self) -> &'static str {
                match self { $(Operation::$name => concat!("dsql:", stringify!($name))),+ }
            }

            /// The AWS CLI command, as in `create-cluster`.
            #[must_use]
            pub fn command(self) -> &'static str {
                match self { $(Operation::$name => $command),+ }
            }

            /// The names of the output's members.
            #[must_use]
            pub fn output_members(self) -> Vec<String> {
                match self { $(Operation::$name => <$output as outputs::Members>::members()),+ }
            }

            /// The members of the input, as a structure.
            #[must_use]
            pub fn input(self) -> MemberKind {
                match self { $(Operation::$name => <$input as shape::Shape>::kind()),+ }
            }
        }

        impl Request {
            /// The operation of the request.
            #[must_use]
            pub fn operation(&self) -> Operation {
                match self { $(Request::$name(_) => Operation::$name),+ }
            }

            /// Reads the input of `operation`. Unknown members are ignored, as by the service.
            ///
            /// # Errors
            /// A member is of the wrong type.
            pub fn from_json(operation: Operation, json: Value) -> Result<Request, serde_json::Error> {
                Ok(match operation { $(Operation::$name => Request::$name(serde_json::from_value(json)?)),+ })
            }

            /// The input of `operation` without any member.
            #[must_use]
            pub fn empty(operation: Operation) -> Request {
                match operation { $(Operation::$name => Request::$name(<$input>::default())),+ }
            }

            /// The input as JSON.
            #[must_use]
            pub fn to_json(&self) -> Value {
                let json = match self { $(Request::$name(input) => serde_json::to_value(input)),+ };
                json.expect("inputs are plain JSON")
            }

            /// The members that are present: one bit each, in the order of [`Operation::members`].
            #[must_use]
            pub fn given(&self) -> u16 {
                let mut given = shape::Given::default();
                match self { $(Request::$name(input) => shape::Shape::mark(input, &mut given)),+ }
                given.bits
            }

            /// Calls `each` with every text of the input, except for the keys of tags.
            pub fn texts<'a>(&'a self, mut each: impl FnMut(&'a str)) {
                match self { $(Request::$name(input) => shape::Shape::texts(input, &mut each)),+ }
            }

            /// Replaces each text for which `new` has a replacement.
            pub fn replace_texts(&mut self, mut new: impl FnMut(&str) -> Option<String>) {
                match self { $(Request::$name(input) => shape::Shape::replace_texts(input, &mut new)),+ }
            }

            /// Validates the field constraints of the API model.
            ///
            /// # Errors
            /// ValidationException with an entry for each violated constraint, in the order of the model.
            pub fn validate(&self) -> Result<(), Error> {
                match self { $(Request::$name(input) => input.validate()),+ }
            }
        }

        impl Response {
            /// The operation of the response.
            #[must_use]
            pub fn operation(&self) -> Operation {
                match self { $(Response::$name(_) => Operation::$name),+ }
            }

            /// Reads the output of `operation`.
            ///
            /// # Errors
            /// A member is missing or of the wrong type.
            pub fn from_json(operation: Operation, json: Value) -> Result<Response, serde_json::Error> {
                Ok(match operation { $(Operation::$name => Response::$name(serde_json::from_value(json)?)),+ })
            }

            /// The output as JSON.
            #[must_use]
            pub fn to_json(&self) -> Value {
                let json = match self { $(Response::$name(output) => serde_json::to_value(output)),+ };
                json.expect("outputs are plain JSON")
            }
        }
    };
}

operations! {
    /// Creates a cluster. It becomes ACTIVE by itself, or waits in PENDING_SETUP for its peer if the request names a
    /// witness Region.
    CreateCluster = "create-cluster", CreateClusterInput, CreateClusterOutput;
    /// Changes a cluster's settings, its witness Region or its peer. Two clusters form a pair when each names the
    /// other.
    UpdateCluster = "update-cluster", UpdateClusterInput, UpdateClusterOutput;
    /// Deletes a cluster. A cluster in a pair waits in PENDING_DELETE until its peer is to be deleted as well. Deletion
    /// protection makes the call fail with ValidationException.
    DeleteCluster = "delete-cluster", DeleteClusterInput, DeleteClusterOutput;
    /// Describes a cluster, until it is deleted.
    GetCluster = "get-cluster", GetClusterInput, GetClusterOutput;
    /// Lists the account's clusters in the Region, in pages.
    ListClusters = "list-clusters", ListClustersInput, ListClustersOutput;
    /// Adds or overwrites tags of a cluster or stream. It takes no client token: a retry has the same effect.
    TagResource = "tag-resource", TagResourceInput, TagResourceOutput;
    /// Removes tags of a cluster or stream. It takes no client token: a retry has the same effect.
    UntagResource = "untag-resource", UntagResourceInput, UntagResourceOutput;
    /// Lists the tags of a cluster or stream.
    ListTagsForResource = "list-tags-for-resource", ListTagsForResourceInput, ListTagsForResourceOutput;
    /// Sets the resource policy of a cluster, or replaces it. The lockout check fails the call if the new policy would
    /// deny the caller a later change.
    PutClusterPolicy = "put-cluster-policy", PutClusterPolicyInput, PutClusterPolicyOutput;
    /// Reads the resource policy of a cluster. Without a policy the call fails with ResourceNotFoundException.
    GetClusterPolicy = "get-cluster-policy", GetClusterPolicyInput, GetClusterPolicyOutput;
    /// Deletes the resource policy of a cluster. Without a policy the call fails with ResourceNotFoundException.
    DeleteClusterPolicy = "delete-cluster-policy", DeleteClusterPolicyInput, DeleteClusterPolicyOutput;
    /// Gives the name of the PrivateLink service through which a VPC connects to a cluster.
    GetVpcEndpointServiceName = "get-vpc-endpoint-service-name",
        GetVpcEndpointServiceNameInput, GetVpcEndpointServiceNameOutput;
    /// Creates a change stream from an ACTIVE cluster to a Kinesis data stream.
    CreateStream = "create-stream", Box<CreateStreamInput>, Box<CreateStreamOutput>;
    /// Describes a stream, until it is deleted.
    GetStream = "get-stream", GetStreamInput, Box<GetStreamOutput>;
    /// Lists the streams of a cluster, in pages.
    ListStreams = "list-streams", ListStreamsInput, ListStreamsOutput;
    /// Deletes a stream.
    DeleteStream = "delete-stream", DeleteStreamInput, Box<DeleteStreamOutput>;
}

impl Operation {
    /// The operation with the AWS CLI command `command`.
    #[must_use]
    pub fn parse_command(command: &str) -> Option<Operation> {
        Self::ALL.iter().copied().find(|operation| operation.command() == command)
    }

    /// Whether the operation is about streams. A status in its response is then that of a stream.
    #[must_use]
    pub fn is_about_streams(self) -> bool {
        use Operation::*;
        matches!(self, CreateStream | GetStream | ListStreams | DeleteStream)
    }

    /// The leaf members of the input with their kinds, by paths such as `multiRegionProperties.witnessRegion`. A list
    /// is a leaf.
    #[must_use]
    pub fn members(self) -> Vec<(String, MemberKind)> {
        self.input().members()
    }

    /// Whether the operation writes.
    #[must_use]
    pub fn changes(self) -> bool {
        self.takes_client_token() || matches!(self, Operation::TagResource | Operation::UntagResource)
    }

    /// Whether the input has a client token, which SDKs fill in when it is absent.
    #[must_use]
    pub fn takes_client_token(self) -> bool {
        use Operation::*;
        matches!(
            self,
            CreateCluster
                | UpdateCluster
                | DeleteCluster
                | PutClusterPolicy
                | DeleteClusterPolicy
                | CreateStream
                | DeleteStream
        )
    }
}

/// Borrows the member that names the cluster of a request, shared or for a change.
macro_rules! identifier {
    ($request:expr, $($borrow:tt)+) => {
        match $request {
            Request::UpdateCluster(input) => Some($($borrow)+ input.identifier),
            Request::DeleteCluster(input) => Some($($borrow)+ input.identifier),
            Request::GetCluster(input) => Some($($borrow)+ input.identifier),
            Request::PutClusterPolicy(input) => Some($($borrow)+ input.identifier),
            Request::GetClusterPolicy(input) => Some($($borrow)+ input.identifier),
            Request::DeleteClusterPolicy(input) => Some($($borrow)+ input.identifier),
            Request::GetVpcEndpointServiceName(input) => Some($($borrow)+ input.identifier),
            Request::CreateStream(input) => Some($($borrow)+ input.cluster_identifier),
            Request::GetStream(input) => Some($($borrow)+ input.cluster_identifier),
            Request::ListStreams(input) => Some($($borrow)+ input.cluster_identifier),
            Request::DeleteStream(input) => Some($($borrow)+ input.cluster_identifier),
            Request::CreateCluster(_)
            | Request::ListClusters(_)
            | Request::TagResource(_)
            | Request::UntagResource(_)
            | Request::ListTagsForResource(_) => None,
        }
    };
}

/// The members that CreateCluster and UpdateCluster share.
pub(crate) struct SettingsMut<'a> {
    pub(crate) deletion_protection_enabled: &'a mut Option<bool>,
    pub(crate) kms_encryption_key: &'a mut Option<Arc<str>>,
    pub(crate) metric_groups: &'a mut Option<Box<[MetricGroupRequest]>>,
}

impl Request {
    /// The client token, if the request has one.
    #[must_use]
    pub fn client_token(&self) -> Option<&ClientToken> {
        match self {
            Request::CreateCluster(input) => input.client_token.as_ref(),
            Request::UpdateCluster(input) => input.client_token.as_ref(),
            Request::DeleteCluster(input) => input.client_token.as_ref(),
            Request::PutClusterPolicy(input) => input.client_token.as_ref(),
            Request::DeleteClusterPolicy(input) => input.client_token.as_ref(),
            Request::CreateStream(input) => input.client_token.as_ref(),
            Request::DeleteStream(input) => input.client_token.as_ref(),
            _ => None,
        }
    }

    /// Sets the client token, if the operation takes one.
    pub fn set_client_token(&mut self, token: ClientToken) {
        let member = match self {
            Request::CreateCluster(input) => &mut input.client_token,
            Request::UpdateCluster(input) => &mut input.client_token,
            Request::DeleteCluster(input) => &mut input.client_token,
            Request::PutClusterPolicy(input) => &mut input.client_token,
            Request::DeleteClusterPolicy(input) => &mut input.client_token,
            Request::CreateStream(input) => &mut input.client_token,
            Request::DeleteStream(input) => &mut input.client_token,
            _ => return,
        };
        *member = Some(token);
    }

    /// The identifier of the cluster that the request names, unvalidated.
    #[must_use]
    pub fn identifier(&self) -> Option<&str> {
        identifier!(self, &).map(String::as_str)
    }

    /// [`Request::identifier`] for a change.
    pub(crate) fn identifier_mut(&mut self) -> Option<&mut String> {
        identifier!(self, &mut)
    }

    /// The members that CreateCluster and UpdateCluster share, for a change.
    pub(crate) fn settings_mut(&mut self) -> Option<SettingsMut<'_>> {
        macro_rules! settings {
            ($input:expr) => {
                Some(SettingsMut {
                    deletion_protection_enabled: &mut $input.deletion_protection_enabled,
                    kms_encryption_key: &mut $input.kms_encryption_key,
                    metric_groups: &mut $input.metric_groups,
                })
            };
        }
        match self {
            Request::CreateCluster(input) => settings!(input),
            Request::UpdateCluster(input) => settings!(input),
            _ => None,
        }
    }

    /// The page size and the token of a list request, for a change.
    pub(crate) fn page_mut(&mut self) -> Option<(&mut Option<i64>, &mut Option<String>)> {
        match self {
            Request::ListClusters(input) => Some((&mut input.max_results, &mut input.next_token)),
            Request::ListStreams(input) => Some((&mut input.max_results, &mut input.next_token)),
            _ => None,
        }
    }

    /// The ARN of the resource, for the operations that name it by ARN, unvalidated.
    #[must_use]
    pub fn resource_arn(&self) -> Option<&str> {
        match self {
            Request::TagResource(input) => Some(&input.resource_arn),
            Request::UntagResource(input) => Some(&input.resource_arn),
            Request::ListTagsForResource(input) => Some(&input.resource_arn),
            _ => None,
        }
    }
}

impl Response {
    /// The identifier of the cluster that the response describes.
    #[must_use]
    pub fn cluster(&self) -> Option<Identifier> {
        match self {
            Response::CreateCluster(output) => Some(output.arn.identifier),
            Response::UpdateCluster(output) => Some(output.arn.identifier),
            Response::DeleteCluster(output) => Some(output.arn.identifier),
            Response::GetCluster(output) => Some(output.arn.identifier),
            _ => None,
        }
    }

    /// The status of the cluster that the response describes.
    #[must_use]
    pub fn status(&self) -> Option<ClusterStatus> {
        match self {
            Response::CreateCluster(output) => Some(output.status),
            Response::UpdateCluster(output) => Some(output.status),
            Response::DeleteCluster(output) => Some(output.status),
            Response::GetCluster(output) => Some(output.status),
            _ => None,
        }
    }

    /// The number of clusters in a ListClusters response; 0 for every other response.
    #[must_use]
    pub fn listed(&self) -> usize {
        match self {
            Response::ListClusters(output) => output.clusters.len(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_and_commands_parse_back() {
        assert_eq!(Operation::ALL.len(), 16);
        for operation in Operation::ALL.iter().copied() {
            assert_eq!(operation.name().parse(), Ok(operation));
            assert_eq!(Operation::parse_command(operation.command()), Some(operation));
        }
    }

    #[test]
    fn absent_members_stay_absent_and_unknown_ones_are_ignored() {
        let json =
            json!({ "clientToken": "blue-1", "multiRegionProperties": { "witnessRegion": "us-west-2" } });
        let mut with_more = json.clone();
        with_more["colour"] = json!("blue");
        let request = Request::from_json(Operation::CreateCluster, with_more).expect("a request");
        assert_eq!(request.to_json(), json);
        assert_eq!(request.client_token(), Some(&"blue-1".into()));
    }

    #[test]
    fn an_operation_takes_a_token_exactly_if_its_input_has_one() {
        for operation in Operation::ALL.iter().copied() {
            let mut request = Request::from_json(operation, json!({})).expect("every input may be empty");
            request.set_client_token("t".into());
            assert_eq!(request.client_token().is_some(), operation.takes_client_token(), "{operation}");
            let MemberKind::Structure(members) = operation.input() else {
                panic!("{operation} takes an object")
            };
            let has_member = members.iter().any(|(name, _)| name == "clientToken");
            assert_eq!(has_member, operation.takes_client_token(), "{operation}");
        }
    }
}
