//! What is attached to a cluster besides its tags: its resource policy, its streams.
//!
//! It is part of the cluster's record, so that it is written, lost and taken back with it. Most clusters have none.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::api::{
    CreateStreamOutput, DeleteStreamOutput, GetStreamOutput, StatusReason, StreamFailureErrorCode,
    StreamStatus, StreamSummary, Tags, TargetDefinition,
};
use crate::types::{ClusterArn, Identifier, Timestamp};

/// How many streams a cluster has at most ("Quotas and limits").
pub const MOST_STREAMS: usize = 5;

/// What is attached to a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// Its resource policy, as it was given.
    pub policy: Option<Arc<str>>,
    /// How many policies it has had: the version of the last.
    pub policies: u64,
    /// Its streams, in the order of creation.
    pub streams: Vec<Stream>,
    /// How many streams it has had.
    pub numbered: u32,
}

/// A change stream of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Its place in the order of creation of the cluster's streams, from 1.
    pub number: u32,
    /// Its name.
    pub identifier: Identifier,
    /// Its status.
    pub status: StreamStatus,
    /// When it was created, by the Region's wall clock.
    pub creation_time: Timestamp,
    /// Where it delivers to.
    pub target: Box<TargetDefinition>,
    /// Its tags; empty if it has none.
    pub tags: Tags,
}

impl Attached {
    /// The stream called `identifier`.
    #[must_use]
    pub fn stream(&self, identifier: Identifier) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.identifier == identifier)
    }

    /// The policy's version, as callers see it.
    #[must_use]
    pub fn policy_version(&self) -> String {
        self.policies.to_string()
    }
}

/// The order and the format that streams have: the API knows one of each.
const ORDERING: &str = "UNORDERED";
const FORMAT: &str = "JSON";

impl Stream {
    /// Whether its status changes by itself.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.status, StreamStatus::Creating | StreamStatus::Deleting | StreamStatus::Deleted)
    }

    /// Its ARN, as a stream of `cluster`.
    #[must_use]
    pub fn arn(&self, cluster: ClusterArn) -> String {
        format!("{cluster}/stream/{}", self.identifier)
    }

    pub(super) fn created(&self, cluster: ClusterArn) -> CreateStreamOutput {
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

    pub(super) fn describe(&self, cluster: ClusterArn) -> GetStreamOutput {
        let failed = self.status == StreamStatus::Failed;
        let error = StreamFailureErrorCode::KinesisStreamNotFound;
        GetStreamOutput {
            cluster_identifier: cluster.identifier,
            stream_identifier: self.identifier,
            arn: self.arn(cluster),
            status: self.status,
            creation_time: self.creation_time,
            ordering: ORDERING.to_owned(),
            format: FORMAT.to_owned(),
            target_definition: Some(self.target.clone()),
            status_reason: failed.then_some(StatusReason { error, updated_at: self.creation_time }),
            tags: (!self.tags.is_empty()).then(|| self.tags.clone()),
        }
    }

    pub(super) fn deleted(&self, cluster: ClusterArn) -> DeleteStreamOutput {
        DeleteStreamOutput {
            cluster_identifier: cluster.identifier,
            stream_identifier: self.identifier,
            arn: self.arn(cluster),
            status: self.status,
            creation_time: self.creation_time,
        }
    }

    pub(super) fn summary(&self, cluster: ClusterArn) -> StreamSummary {
        StreamSummary {
            cluster_identifier: cluster.identifier,
            stream_identifier: self.identifier,
            arn: self.arn(cluster),
            creation_time: self.creation_time,
            status: self.status,
        }
    }
}

/// Whether a stream's status may go from `from` to `to`; `None` is a stream that does not exist (yet, or any more).
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
                    Active => matches!(to, Impaired | Deleting),
                    Impaired => matches!(to, Active | Failed | Deleting),
                    Failed => to == Deleting,
                    Deleting => to == Deleted,
                    Deleted => false,
                }
        }
    }
}
