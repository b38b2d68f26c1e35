//! CreateStream.

use std::sync::Arc;

use macro_rules_attribute::apply;

use crate::api::Tags;
use crate::api::constraints::{CLUSTER_ID, Validate, Violations};
use crate::api::members::{input, output};
use crate::api::operations::OperationModel;
use crate::api::shapes::{StreamStatus, TargetDefinition, structure};
use crate::types::{ClientToken, Identifier, Timestamp};

/// The operation in the API model.
pub(super) const MODEL: OperationModel = OperationModel {
    command: "create-stream",
    method: "POST",
    path: "/stream/{clusterIdentifier}",
    query: &[],
    takes_client_token: true,
    is_about_streams: true,
};

/// The input of CreateStream.
#[apply(input)]
pub struct CreateStreamInput {
    /// The cluster identifier: 26 characters of `a` to `z` and `0` to `9`. Required.
    pub cluster_identifier: String,
    /// The target of the stream. Required.
    #[serde(deserialize_with = "structure")]
    pub target_definition: Option<Box<TargetDefinition>>,
    /// The order of the delivered records. The model has one value, `UNORDERED`. Required.
    pub ordering: Option<Arc<str>>,
    /// The format of the delivered records. The model has one value, `JSON`. Required.
    pub format: Option<Arc<str>>,
    /// At most 200 tags. A key has 1 to 128 characters, a value 0 to 256.
    pub tags: Option<Tags>,
    /// The idempotency token: 1 to 128 printable ASCII characters. SDKs fill in a UUID if it is absent.
    pub client_token: Option<ClientToken>,
}

/// The output of CreateStream.
#[apply(output)]
pub struct CreateStreamOutput {
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
    /// The order of the delivered records: `UNORDERED`.
    pub ordering: String,
    /// The format of the delivered records: `JSON`.
    pub format: String,
}

impl Validate for CreateStreamInput {
    fn collect(&self, violations: &mut Violations) {
        violations.identifier("clusterIdentifier", &self.cluster_identifier, &CLUSTER_ID);
        violations.target(self.target_definition.as_deref());
        violations.one_of("ordering", self.ordering.as_deref(), "UNORDERED");
        violations.one_of("format", self.format.as_deref(), "JSON");
        violations.tags(self.tags.as_ref());
        violations.token(self.client_token.as_ref());
    }
}
