//! The API's own words: its 16 operations, their inputs and outputs, its errors and constraints.
//!
//! Names and members are those of the API model (service `dsql`, version 2018-05-10). What an operation *does* is in
//! [`control`](crate::control).

pub mod wire;

mod constraints;
mod error;
mod inputs;
mod keys;
mod outputs;
mod shape;
mod tags;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::{ClientToken, ClusterStatus, Identifier};

pub use error::{Error, Field, ValidationReason};
pub use inputs::*;
pub use keys::Fingerprint;
pub use outputs::*;
pub use shape::MemberKind;
pub use tags::{TagMap, Tags};

use constraints::Validate;

/// One row per operation: its name, its AWS CLI command, its input and its output.
macro_rules! operations {
    ($($(#[doc = $doc:literal])+ $name:ident = $command:literal, $input:ty, $output:ty;)+) => {
        /// An operation of the API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Operation { $($(#[doc = $doc])+ $name,)+ }

        /// A request: an operation's input.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Request { $($(#[doc = $doc])+ $name($input),)+ }

        /// A response: an operation's output.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Response { $($(#[doc = $doc])+ $name($output),)+ }

        impl Operation {
            /// Every operation.
            pub const ALL: &[Operation] = &[$(Operation::$name),+];

            /// Its name, as in `CreateCluster`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Operation::$name => stringify!($name)),+ }
            }

            /// The IAM action of its own name, as in `dsql:CreateCluster`.
            #[must_use]
            pub fn action(self) -> &'static str {
                match self { $(Operation::$name => concat!("dsql:", stringify!($name))),+ }
            }

            /// Its AWS CLI command, as in `create-cluster`.
            #[must_use]
            pub fn command(self) -> &'static str {
                match self { $(Operation::$name => $command),+ }
            }

            /// The names of its output's members.
            #[must_use]
            pub fn output_members(self) -> Vec<String> {
                match self { $(Operation::$name => <$output as outputs::Members>::members()),+ }
            }

            /// What its input may hold.
            #[must_use]
            pub fn input(self) -> MemberKind {
                match self { $(Operation::$name => <$input as shape::Shape>::kind()),+ }
            }
        }

        impl Request {
            /// What is called.
            #[must_use]
            pub fn operation(&self) -> Operation {
                match self { $(Request::$name(_) => Operation::$name),+ }
            }

            /// Reads `operation`'s input. Unknown members are ignored, as the service does.
            ///
            /// # Errors
            /// A member is of the wrong type.
            pub fn from_json(operation: Operation, json: Value) -> Result<Request, serde_json::Error> {
                Ok(match operation { $(Operation::$name => Request::$name(serde_json::from_value(json)?)),+ })
            }

            /// `operation`'s input without any member.
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

            /// Which members are given: one bit for each, in the order of [`Operation::members`].
            #[must_use]
            pub fn given(&self) -> u16 {
                let mut given = shape::Given::default();
                match self { $(Request::$name(input) => shape::Shape::mark(input, &mut given)),+ }
                given.bits
            }

            /// Gives every text in it to `each`, the names of tags left out.
            pub fn texts<'a>(&'a self, mut each: impl FnMut(&'a str)) {
                match self { $(Request::$name(input) => shape::Shape::texts(input, &mut each)),+ }
            }

            /// Replaces each of these for which there is a `new` one.
            pub fn replace_texts(&mut self, mut new: impl FnMut(&str) -> Option<String>) {
                match self { $(Request::$name(input) => shape::Shape::replace_texts(input, &mut new)),+ }
            }

            /// Checks every constraint of the API model.
            ///
            /// # Errors
            /// ValidationException with an entry for each field that breaks one, in the model's order.
            pub fn validate(&self) -> Result<(), Error> {
                match self { $(Request::$name(input) => input.validate()),+ }
            }
        }

        impl Response {
            /// What was called.
            #[must_use]
            pub fn operation(&self) -> Operation {
                match self { $(Response::$name(_) => Operation::$name),+ }
            }

            /// Reads `operation`'s output.
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
    /// Creates a cluster.
    CreateCluster = "create-cluster", CreateClusterInput, CreateClusterOutput;
    /// Changes a cluster's settings, its witness Region or its peer.
    UpdateCluster = "update-cluster", UpdateClusterInput, UpdateClusterOutput;
    /// Deletes a cluster.
    DeleteCluster = "delete-cluster", DeleteClusterInput, DeleteClusterOutput;
    /// Describes a cluster.
    GetCluster = "get-cluster", GetClusterInput, GetClusterOutput;
    /// Lists the account's clusters in the Region.
    ListClusters = "list-clusters", ListClustersInput, ListClustersOutput;
    /// Tags a resource.
    TagResource = "tag-resource", TagResourceInput, TagResourceOutput;
    /// Removes tags from a resource.
    UntagResource = "untag-resource", UntagResourceInput, UntagResourceOutput;
    /// Lists a resource's tags.
    ListTagsForResource = "list-tags-for-resource", ListTagsForResourceInput, ListTagsForResourceOutput;
    /// Attaches a resource policy to a cluster.
    PutClusterPolicy = "put-cluster-policy", PutClusterPolicyInput, PutClusterPolicyOutput;
    /// Shows a cluster's resource policy.
    GetClusterPolicy = "get-cluster-policy", GetClusterPolicyInput, GetClusterPolicyOutput;
    /// Removes a cluster's resource policy.
    DeleteClusterPolicy = "delete-cluster-policy", DeleteClusterPolicyInput, DeleteClusterPolicyOutput;
    /// Names the PrivateLink service of a cluster.
    GetVpcEndpointServiceName = "get-vpc-endpoint-service-name",
        GetVpcEndpointServiceNameInput, GetVpcEndpointServiceNameOutput;
    /// Creates a change stream of a cluster.
    CreateStream = "create-stream", Box<CreateStreamInput>, Box<CreateStreamOutput>;
    /// Describes a stream.
    GetStream = "get-stream", GetStreamInput, Box<GetStreamOutput>;
    /// Lists a cluster's streams.
    ListStreams = "list-streams", ListStreamsInput, ListStreamsOutput;
    /// Deletes a stream.
    DeleteStream = "delete-stream", DeleteStreamInput, Box<DeleteStreamOutput>;
}

impl Operation {
    /// The operation with the API name `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Operation> {
        Self::ALL.iter().copied().find(|operation| operation.name() == name)
    }

    /// The operation with the AWS CLI command `command`.
    #[must_use]
    pub fn parse_command(command: &str) -> Option<Operation> {
        Self::ALL.iter().copied().find(|operation| operation.command() == command)
    }

    /// Whether its answer is about streams, and a status in it that of a stream.
    #[must_use]
    pub fn is_about_streams(self) -> bool {
        use Operation::*;
        matches!(self, CreateStream | GetStream | ListStreams | DeleteStream)
    }

    /// The members of its input that have no members of their own, by their paths, with what they may be. A list has
    /// none.
    #[must_use]
    pub fn members(self) -> Vec<(String, MemberKind)> {
        self.input().members()
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn changes(self) -> bool {
        self.takes_client_token() || matches!(self, Operation::TagResource | Operation::UntagResource)
    }

    /// Whether its input has a client token, which SDKs fill in when it is absent.
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

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The members that CreateCluster and UpdateCluster share.
pub(crate) struct SettingsMut<'a> {
    pub(crate) deletion_protection_enabled: &'a mut Option<bool>,
    pub(crate) kms_encryption_key: &'a mut Option<Arc<str>>,
    pub(crate) metric_groups: &'a mut Option<Box<[MetricGroupRequest]>>,
}

impl Request {
    /// The client token, if it carries one.
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

    /// Puts a client token in, if the operation takes one.
    pub fn set_client_token(&mut self, token: ClientToken) {
        let place = match self {
            Request::CreateCluster(input) => &mut input.client_token,
            Request::UpdateCluster(input) => &mut input.client_token,
            Request::DeleteCluster(input) => &mut input.client_token,
            Request::PutClusterPolicy(input) => &mut input.client_token,
            Request::DeleteClusterPolicy(input) => &mut input.client_token,
            Request::CreateStream(input) => &mut input.client_token,
            Request::DeleteStream(input) => &mut input.client_token,
            _ => return,
        };
        *place = Some(token);
    }

    /// The cluster that it is about, as the caller wrote it.
    #[must_use]
    pub fn identifier(&self) -> Option<&str> {
        match self {
            Request::UpdateCluster(input) => Some(&input.identifier),
            Request::DeleteCluster(input) => Some(&input.identifier),
            Request::GetCluster(input) => Some(&input.identifier),
            Request::PutClusterPolicy(input) => Some(&input.identifier),
            Request::GetClusterPolicy(input) => Some(&input.identifier),
            Request::DeleteClusterPolicy(input) => Some(&input.identifier),
            Request::GetVpcEndpointServiceName(input) => Some(&input.identifier),
            Request::CreateStream(input) => Some(&input.cluster_identifier),
            Request::GetStream(input) => Some(&input.cluster_identifier),
            Request::ListStreams(input) => Some(&input.cluster_identifier),
            Request::DeleteStream(input) => Some(&input.cluster_identifier),
            Request::CreateCluster(_)
            | Request::ListClusters(_)
            | Request::TagResource(_)
            | Request::UntagResource(_)
            | Request::ListTagsForResource(_) => None,
        }
    }

    /// The same, to be written.
    pub(crate) fn identifier_mut(&mut self) -> Option<&mut String> {
        match self {
            Request::UpdateCluster(input) => Some(&mut input.identifier),
            Request::DeleteCluster(input) => Some(&mut input.identifier),
            Request::GetCluster(input) => Some(&mut input.identifier),
            Request::PutClusterPolicy(input) => Some(&mut input.identifier),
            Request::GetClusterPolicy(input) => Some(&mut input.identifier),
            Request::DeleteClusterPolicy(input) => Some(&mut input.identifier),
            Request::GetVpcEndpointServiceName(input) => Some(&mut input.identifier),
            Request::CreateStream(input) => Some(&mut input.cluster_identifier),
            Request::GetStream(input) => Some(&mut input.cluster_identifier),
            Request::ListStreams(input) => Some(&mut input.cluster_identifier),
            Request::DeleteStream(input) => Some(&mut input.cluster_identifier),
            Request::CreateCluster(_)
            | Request::ListClusters(_)
            | Request::TagResource(_)
            | Request::UntagResource(_)
            | Request::ListTagsForResource(_) => None,
        }
    }

    /// The members that CreateCluster and UpdateCluster share, to be written.
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

    /// The members of a listing: how many entries a page holds, and which page.
    pub(crate) fn page_mut(&mut self) -> Option<(&mut Option<i64>, &mut Option<String>)> {
        match self {
            Request::ListClusters(input) => Some((&mut input.max_results, &mut input.next_token)),
            Request::ListStreams(input) => Some((&mut input.max_results, &mut input.next_token)),
            _ => None,
        }
    }

    /// The ARN of what it is about, if that is how it names it.
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
    /// The cluster that it is about.
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

    /// The status that it shows.
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

    /// How many clusters it lists.
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

    /// With the two counters of an `Arc` and the allocator's own word, that makes 128 bytes: up to there, glibc keeps
    /// what is freed as it is, and above it joins it to its neighbours, which reads what is in no cache.
    #[test]
    fn a_request_and_a_response_are_small_enough_to_be_freed_without_a_look_at_their_neighbours() {
        assert!(size_of::<Request>() <= 104, "{}", size_of::<Request>());
        assert!(size_of::<Response>() <= 104, "{}", size_of::<Response>());
    }

    #[test]
    fn names_and_commands_parse_back() {
        assert_eq!(Operation::ALL.len(), 16);
        for operation in Operation::ALL.iter().copied() {
            assert_eq!(Operation::parse(operation.name()), Some(operation));
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
