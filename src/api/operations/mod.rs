//! The operations, one in each file: its method, path and query, its input and its output, and the field constraints of
//! its input.
//!
//! Members, constraints and bindings are those of the API model (`dsql`, 2018-05-10). Inputs are unvalidated:
//! identifiers, ARNs and Regions are text, and required members may be absent. Outputs are typed, as only the service
//! produces them. Times are seconds since 1970 by the clock of the Region.

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

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::ClientToken;

use super::constraints::Validate;
use super::error::Error;
use super::members::{Given, InputMembers, MemberKind, OutputMembers, Shape};

/// What the API model has about an operation beside its members. Members that are neither in the path nor in the query
/// are in the body.
pub(super) struct OperationModel {
    /// The AWS CLI command.
    pub(super) command: &'static str,
    pub(super) method: &'static str,
    /// The path, with members in braces.
    pub(super) path: &'static str,
    /// The members in the query: parameter, member and kind.
    pub(super) query: &'static [(&'static str, &'static str, QueryKind)],
    /// Whether the input has a client token.
    pub(super) takes_client_token: bool,
    /// Whether a status in the output is that of a stream.
    pub(super) is_about_streams: bool,
}

/// The kind of a query parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueryKind {
    /// A string.
    Text,
    /// A whole number.
    Number,
    /// A list of strings: the parameter is repeated.
    Texts,
}

/// The client token in a query.
const CLIENT_TOKEN: (&str, &str, QueryKind) = ("client-token", "clientToken", QueryKind::Text);

/// The members of a request for a page, in a query.
const PAGE: &[(&str, &str, QueryKind)] =
    &[("max-results", "maxResults", QueryKind::Number), ("next-token", "nextToken", QueryKind::Text)];

/// The input of an operation, with the output that answers it.
pub trait OperationInput: Default {
    /// The output of the operation.
    type Output: Clone;

    /// The request with this input.
    fn into_request(self) -> Request;

    /// The output in `response`, if the response is one of this operation.
    fn output(response: &Response) -> Option<&Self::Output>;
}

/// Defines everything that exists once per operation, from one row with its module, name, input and output.
macro_rules! operations {
    ($($(#[doc = $doc:literal])+ $module:ident: $name:ident($input:ty) -> $output:ty;)+) => {
        $(pub use $module::*;)+

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

            /// The IAM action of the same name, as in `dsql:CreateCluster`. A call may need further actions.
            #[must_use]
            pub fn action(self) -> &'static str {
                match self { $(Operation::$name => concat!("dsql:", stringify!($name))),+ }
            }

            /// What the API model has about the operation.
            pub(super) fn model(self) -> &'static OperationModel {
                match self { $(Operation::$name => &$module::MODEL),+ }
            }

            /// The names of the output's members.
            #[must_use]
            pub fn output_members(self) -> Vec<String> {
                match self { $(Operation::$name => <$output as OutputMembers>::names()),+ }
            }

            /// The members of the input, as a structure.
            #[must_use]
            pub fn input(self) -> MemberKind {
                match self { $(Operation::$name => <$input as Shape>::kind()),+ }
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
                let mut given = Given::default();
                match self { $(Request::$name(input) => Shape::mark(Some(input), &mut given)),+ }
                given.bits
            }

            /// Replaces each text for which `new` has a replacement, except for the keys of tags.
            pub fn replace_texts(&mut self, mut new: impl FnMut(&str) -> Option<String>) {
                match self { $(Request::$name(input) => input.replace_texts(&mut new)),+ }
            }

            /// Validates the field constraints of the API model.
            ///
            /// # Errors
            /// ValidationException with an entry for each violated constraint, in the order of the model.
            pub fn validate(&self) -> Result<(), Error> {
                match self { $(Request::$name(input) => input.validate()),+ }
            }

            /// The client token, if the request has one.
            #[must_use]
            pub fn client_token(&self) -> Option<&ClientToken> {
                match self { $(Request::$name(input) => input.client_token()),+ }
            }

            /// Sets the client token, if the operation takes one.
            pub fn set_client_token(&mut self, token: ClientToken) {
                let member = match self { $(Request::$name(input) => input.client_token_mut()),+ };
                if let Some(member) = member {
                    *member = Some(token);
                }
            }

            /// The identifier of the cluster that the request names, unvalidated.
            #[must_use]
            pub fn identifier(&self) -> Option<&str> {
                match self { $(Request::$name(input) => input.identifier()),+ }
            }

            /// [`Request::identifier`] for a change.
            pub(crate) fn identifier_mut(&mut self) -> Option<&mut String> {
                match self { $(Request::$name(input) => input.identifier_mut()),+ }
            }

            /// The identifier of the stream that the request names, unvalidated.
            pub(crate) fn stream_identifier(&self) -> Option<&str> {
                match self { $(Request::$name(input) => input.stream_identifier()),+ }
            }

            /// [`Request::stream_identifier`] for a change.
            pub(crate) fn stream_identifier_mut(&mut self) -> Option<&mut String> {
                match self { $(Request::$name(input) => input.stream_identifier_mut()),+ }
            }

            /// The ARN of the resource, for the operations that name it by ARN, unvalidated.
            #[must_use]
            pub fn resource_arn(&self) -> Option<&str> {
                match self { $(Request::$name(input) => input.resource_arn()),+ }
            }

            /// [`Request::resource_arn`] for a change.
            pub(crate) fn resource_arn_mut(&mut self) -> Option<&mut String> {
                match self { $(Request::$name(input) => input.resource_arn_mut()),+ }
            }

            /// The token of the page that a list request asks for.
            pub(crate) fn next_token(&self) -> Option<&String> {
                match self { $(Request::$name(input) => input.next_token()),+ }
            }

            /// [`Request::next_token`] for a change; `None` if the operation takes none.
            pub(crate) fn next_token_mut(&mut self) -> Option<&mut Option<String>> {
                match self { $(Request::$name(input) => input.next_token_mut()),+ }
            }

            /// The page size of a list request, for a change.
            pub(crate) fn max_results_mut(&mut self) -> Option<&mut Option<i64>> {
                match self { $(Request::$name(input) => input.max_results_mut()),+ }
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
    create_cluster: CreateCluster(CreateClusterInput) -> CreateClusterOutput;
    /// Changes a cluster's settings, its witness Region or its peer. Two clusters form a pair when each names the
    /// other.
    update_cluster: UpdateCluster(UpdateClusterInput) -> UpdateClusterOutput;
    /// Deletes a cluster. A cluster in a pair waits in PENDING_DELETE until its peer is to be deleted as well. Deletion
    /// protection makes the call fail with ValidationException.
    delete_cluster: DeleteCluster(DeleteClusterInput) -> DeleteClusterOutput;
    /// Describes a cluster, until it is deleted.
    get_cluster: GetCluster(GetClusterInput) -> GetClusterOutput;
    /// Lists the account's clusters in the Region, in pages.
    list_clusters: ListClusters(ListClustersInput) -> ListClustersOutput;
    /// Adds or overwrites tags of a cluster or stream. It takes no client token: a retry has the same effect.
    tag_resource: TagResource(TagResourceInput) -> TagResourceOutput;
    /// Removes tags of a cluster or stream. It takes no client token: a retry has the same effect.
    untag_resource: UntagResource(UntagResourceInput) -> UntagResourceOutput;
    /// Lists the tags of a cluster or stream.
    list_tags_for_resource: ListTagsForResource(ListTagsForResourceInput) -> ListTagsForResourceOutput;
    /// Sets the resource policy of a cluster, or replaces it. The lockout check fails the call if the new policy would
    /// deny the caller a later change.
    put_cluster_policy: PutClusterPolicy(PutClusterPolicyInput) -> PutClusterPolicyOutput;
    /// Reads the resource policy of a cluster. Without a policy the call fails with ResourceNotFoundException.
    get_cluster_policy: GetClusterPolicy(GetClusterPolicyInput) -> GetClusterPolicyOutput;
    /// Deletes the resource policy of a cluster. Without a policy the call fails with ResourceNotFoundException.
    delete_cluster_policy: DeleteClusterPolicy(DeleteClusterPolicyInput) -> DeleteClusterPolicyOutput;
    /// Gives the name of the PrivateLink service through which a VPC connects to a cluster.
    get_vpc_endpoint_service_name: GetVpcEndpointServiceName(GetVpcEndpointServiceNameInput)
        -> GetVpcEndpointServiceNameOutput;
    /// Creates a change stream from an ACTIVE cluster to a Kinesis data stream.
    create_stream: CreateStream(Box<CreateStreamInput>) -> Box<CreateStreamOutput>;
    /// Describes a stream, until it is deleted.
    get_stream: GetStream(GetStreamInput) -> Box<GetStreamOutput>;
    /// Lists the streams of a cluster, in pages.
    list_streams: ListStreams(ListStreamsInput) -> ListStreamsOutput;
    /// Deletes a stream.
    delete_stream: DeleteStream(DeleteStreamInput) -> Box<DeleteStreamOutput>;
}
