//! A change stream of a cluster, its status graph, and its form in the API.

use serde::{Deserialize, Serialize};

use crate::api::{
    CreateStreamOutput, DeleteStreamOutput, GetStreamOutput, StatusReason, StreamFailureErrorCode,
    StreamStatus, StreamSummary, Tags, TargetDefinition,
};
use crate::types::{ClusterArn, Identifier, Timestamp};

/// The most streams that a cluster may have ("Quotas and limits").
pub const MAX_STREAMS: usize = 5;

/// A change stream of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stream {
    /// The stream's number within the cluster, in the order of creation, from 1.
    pub number: u32,
    /// The identifier.
    pub identifier: Identifier,
    /// The status, as the API shows it.
    pub status: StreamStatus,
    /// The time of creation, by the Region's wall clock.
    pub creation_time: Timestamp,
    /// The target that the stream delivers to.
    pub target: Box<TargetDefinition>,
    /// The tags; empty without any.
    pub tags: Tags,
    /// The reason for which the stream is IMPAIRED or FAILED, with the time since when; `None` in any other status.
    #[serde(default)]
    pub reason: Option<StatusReason>,
}

/// The only ordering and format that the API knows.
const ORDERING: &str = "UNORDERED";
const FORMAT: &str = "JSON";

impl Stream {
    /// Whether the status changes by itself.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.status, StreamStatus::Creating | StreamStatus::Deleting | StreamStatus::Deleted)
    }

    /// The error code of an IMPAIRED or FAILED stream.
    #[must_use]
    pub fn error(&self) -> Option<StreamFailureErrorCode> {
        self.reason.as_ref().map(|reason| reason.error)
    }

    /// Gives the stream a status and the error code that led to it, at the time `stamp` of the Region's wall clock.
    pub(in crate::control) fn enter(
        &mut self,
        status: StreamStatus,
        error: Option<StreamFailureErrorCode>,
        stamp: Timestamp,
    ) {
        if (status, error) != (self.status, self.error()) {
            self.status = status;
            self.reason = error.map(|error| StatusReason { error, updated_at: stamp });
        }
    }

    /// The ARN of the stream, as one of `cluster`.
    #[must_use]
    pub fn arn(&self, cluster: ClusterArn) -> String {
        format!("{cluster}/stream/{}", self.identifier)
    }

    pub(in crate::control) fn created(&self, cluster: ClusterArn) -> CreateStreamOutput {
        CreateStreamOutput {
            cluster_identifier: cluster.identifier,
            stream_identifier: self.identifier,
            arn: self.arn(cluster),
            status: self.status,
            creation_time: self.creation_time,
            ordering: ORDERING.to_owned(),
            format: FORMAT.to_owned(),
        }
    }

    /// The response of GetStream.
    #[must_use]
    pub fn describe(&self, cluster: ClusterArn) -> GetStreamOutput {
        GetStreamOutput {
            cluster_identifier: cluster.identifier,
            stream_identifier: self.identifier,
            arn: self.arn(cluster),
            status: self.status,
            creation_time: self.creation_time,
            ordering: ORDERING.to_owned(),
            format: FORMAT.to_owned(),
            target_definition: Some(self.target.clone()),
            status_reason: self.reason.clone(),
            tags: (!self.tags.is_empty()).then(|| self.tags.clone()),
        }
    }

    pub(in crate::control) fn deleted(&self, cluster: ClusterArn) -> DeleteStreamOutput {
        DeleteStreamOutput {
            cluster_identifier: cluster.identifier,
            stream_identifier: self.identifier,
            arn: self.arn(cluster),
            status: self.status,
            creation_time: self.creation_time,
        }
    }

    pub(in crate::control) fn summary(&self, cluster: ClusterArn) -> StreamSummary {
        StreamSummary {
            cluster_identifier: cluster.identifier,
            stream_identifier: self.identifier,
            arn: self.arn(cluster),
            creation_time: self.creation_time,
            status: self.status,
        }
    }
}

/// Whether a stream's status may be `to` after `from`; `None` is a stream that does not exist yet, or any more.
#[must_use]
pub fn stream_may_become(from: Option<StreamStatus>, to: Option<StreamStatus>) -> bool {
    use StreamStatus::{Active, Creating, Deleted, Deleting, Failed, Impaired};
    match (from, to) {
        (None, to) => matches!(to, None | Some(Creating)),
        (Some(from), None) => matches!(from, Deleting | Deleted),
        (Some(from), Some(to)) => {
            from == to
                || match from {
                    Creating => matches!(to, Active | Failed),
                    // Directly to FAILED if the Kinesis stream is gone.
                    Active => matches!(to, Impaired | Failed | Deleting),
                    Impaired => matches!(to, Active | Failed | Deleting),
                    Failed => to == Deleting,
                    Deleting => to == Deleted,
                    Deleted => false,
                }
        }
    }
}
