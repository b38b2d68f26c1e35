//! DeleteStream.

use macro_rules_attribute::apply;

use crate::api::constraints::{CLUSTER_ID, STREAM_ID, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::{CLIENT_TOKEN, OperationModel};
use crate::api::shapes::StreamStatus;
use crate::types::{ClientToken, Identifier, Timestamp};

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "delete-stream",
    method: "DELETE",
    path: "/stream/{clusterIdentifier}/{streamIdentifier}",
    query: &[CLIENT_TOKEN],
    takes_client_token: true,
    is_about_streams: true,
};

/// The input of DeleteStream.
#[apply(input)]
pub struct DeleteStreamInput {
    /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
    pub cluster_identifier: String,
    /// The stream identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
    pub stream_identifier: String,
    /// The idempotency token: 1 to 128 printable ASCII characters. SDKs fill in a UUID if it is absent.
    pub client_token: Option<ClientToken>,
}

/// The output of DeleteStream.
#[apply(output)]
pub struct DeleteStreamOutput {
    /// The identifier of the cluster.
    pub cluster_identifier: Identifier,
    /// The identifier of the stream.
    pub stream_identifier: Identifier,
    /// The stream's ARN.
    pub arn: String,
    /// The status after the call.
    pub status: StreamStatus,
    /// The time of creation.
    pub creation_time: Timestamp,
}

impl Validate for DeleteStreamInput {
    fn collect(&self, violations: &mut Violations) {
        violations.identifier("clusterIdentifier", &self.cluster_identifier, &CLUSTER_ID);
        violations.identifier("streamIdentifier", &self.stream_identifier, &STREAM_ID);
        violations.token(self.client_token.as_ref());
    }
}
