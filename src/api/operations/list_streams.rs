//! ListStreams.

use macro_rules_attribute::apply;
use serde::{Deserialize, Serialize};

use crate::api::constraints::{CLUSTER_ID, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::{OperationModel, PAGE};
use crate::api::shapes::StreamStatus;
use crate::types::{Identifier, Timestamp};

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "list-streams",
    method: "GET",
    path: "/stream/{clusterIdentifier}",
    query: PAGE,
    takes_client_token: false,
    is_about_streams: true,
};

/// The input of ListStreams.
#[apply(input)]
pub struct ListStreamsInput {
    /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
    pub cluster_identifier: String,
    /// The page size: 1 to 100, 10 if absent.
    pub max_results: Option<i64>,
    /// The `nextToken` of the previous page; absent for the first page.
    pub next_token: Option<String>,
}

/// The output of ListStreams.
#[apply(output)]
pub struct ListStreamsOutput {
    /// The streams of this page.
    pub streams: Vec<StreamSummary>,
    /// The token for the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// A stream in a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamSummary {
    /// The identifier of the cluster.
    pub cluster_identifier: Identifier,
    /// The identifier of the stream.
    pub stream_identifier: Identifier,
    /// The stream's ARN.
    pub arn: String,
    /// The time of creation.
    pub creation_time: Timestamp,
    /// The current status.
    pub status: StreamStatus,
}

impl Validate for ListStreamsInput {
    fn collect(&self, violations: &mut Violations) {
        violations.identifier("clusterIdentifier", &self.cluster_identifier, &CLUSTER_ID);
        violations.page(self.max_results);
    }
}
