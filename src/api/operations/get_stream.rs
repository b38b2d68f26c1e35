//! GetStream.

use macro_rules_attribute::apply;

use crate::api::Tags;
use crate::api::constraints::{CLUSTER_ID, STREAM_ID, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::OperationModel;
use crate::api::shapes::{StatusReason, StreamStatus, TargetDefinition};
use crate::types::{Identifier, Timestamp};

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "get-stream",
    method: "GET",
    path: "/stream/{clusterIdentifier}/{streamIdentifier}",
    query: &[],
    takes_client_token: false,
    is_about_streams: true,
};

/// The input of GetStream.
#[apply(input)]
pub struct GetStreamInput {
    /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
    pub cluster_identifier: String,
    /// The stream identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
    pub stream_identifier: String,
}

/// The output of GetStream.
#[apply(output)]
pub struct GetStreamOutput {
    /// The identifier of the cluster.
    pub cluster_identifier: Identifier,
    /// The identifier of the stream.
    pub stream_identifier: Identifier,
    /// The stream's ARN.
    pub arn: String,
    /// The current status.
    pub status: StreamStatus,
    /// The time of creation.
    pub creation_time: Timestamp,
    /// The order of the delivered records: `UNORDERED`.
    pub ordering: String,
    /// The format of the delivered records: `JSON`.
    pub format: String,
    /// The target of the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_definition: Option<Box<TargetDefinition>>,
    /// The reason for IMPAIRED or FAILED; absent in every other status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<StatusReason>,
    /// The resource's tags; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
}

impl Validate for GetStreamInput {
    fn collect(&self, violations: &mut Violations) {
        violations.identifier("clusterIdentifier", &self.cluster_identifier, &CLUSTER_ID);
        violations.identifier("streamIdentifier", &self.stream_identifier, &STREAM_ID);
    }
}
