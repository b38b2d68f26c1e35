//! The API: its 16 operations, their inputs and outputs, its exceptions and field constraints.
//!
//! Names, members and constraints are those of the API model (service `dsql`, version 2018-05-10), IAM actions those of
//! the Service Authorization Reference.

#[doc(hidden)]
pub mod wire;

mod constraints;
mod error;
mod fingerprint;
mod members;
mod operations;
mod shapes;
mod tags;

pub use crate::types::{Account, ClientToken, ClusterArn, ClusterStatus, Endpoint, Identifier, Timestamp};

pub(crate) use constraints::{is_kinesis_arn, is_role_arn};
pub use error::{Error, Field, ValidationReason};
pub use fingerprint::Fingerprint;
pub use members::MemberKind;
pub use operations::*;
pub use shapes::*;
pub use tags::{TagMap, Tags};

impl Operation {
    /// The operation with the AWS CLI command `command`.
    #[must_use]
    pub fn parse_command(command: &str) -> Option<Operation> {
        Self::ALL.iter().copied().find(|operation| operation.command() == command)
    }

    /// The name in the API model, as in `CreateCluster`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The AWS CLI command, as in `create-cluster`.
    #[must_use]
    pub fn command(self) -> &'static str {
        self.model().command
    }

    /// Whether the operation is about streams. A status in its response is then that of a stream.
    #[must_use]
    pub fn is_about_streams(self) -> bool {
        self.model().is_about_streams
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
        self.model().method != "GET"
    }

    /// Whether the input has a client token, which SDKs fill in when it is absent.
    #[must_use]
    pub fn takes_client_token(self) -> bool {
        self.model().takes_client_token
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

    /// The status of the stream that the response describes.
    #[must_use]
    pub fn stream_status(&self) -> Option<StreamStatus> {
        match self {
            Response::CreateStream(output) => Some(output.status),
            Response::DeleteStream(output) => Some(output.status),
            Response::GetStream(output) => Some(output.status),
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
