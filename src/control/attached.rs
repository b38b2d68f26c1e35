//! The policy and the streams of a cluster.
//!
//! They are part of the cluster's record, and so are written and undone with it. Most clusters have none.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::api::{
    CreateStreamOutput, DeleteStreamOutput, GetStreamOutput, StatusReason, StreamFailureErrorCode,
    StreamStatus, StreamSummary, Tags, TargetDefinition,
};
use crate::iam::Document;
use crate::types::{ClusterArn, Identifier, Instant, Timestamp};

/// The most streams that a cluster may have ("Quotas and limits").
pub const MAX_STREAMS: usize = 5;

/// The policy and the streams of a cluster, with the counters that outlive them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// The resource policy.
    pub policy: Option<Arc<ClusterPolicy>>,
    /// The policy in force when the present one was put or removed; it stays in force for the policy delay.
    #[serde(default)]
    pub old_policy: Option<Arc<ClusterPolicy>>,
    /// The time when the policy was last put or removed.
    #[serde(default)]
    pub policy_changed: Instant,
    /// The number of policies so far, which is the version of the last one.
    pub policies: u64,
    /// The streams, in the order of creation.
    pub streams: Vec<Stream>,
    /// The number of streams so far.
    pub numbered: u32,
}

/// A resource policy, as text and compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterPolicy {
    /// The text, as the caller gave it.
    pub text: Arc<str>,
    /// The compiled policy.
    pub document: Document,
}

/// A change stream of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl Attached {
    /// The stream with this identifier.
    #[must_use]
    pub fn stream(&self, identifier: Identifier) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.identifier == identifier)
    }

    /// Puts a policy at `now`, or removes it. The old one stays in force for `delay`.
    pub(super) fn put_policy(&mut self, now: Instant, delay: Duration, policy: Option<ClusterPolicy>) {
        self.policies += u64::from(policy.is_some());
        self.old_policy = self.policy_in_force(now, delay).cloned();
        self.policy = policy.map(Arc::new);
        self.policy_changed = now;
    }

    /// The policy in force at `now`; `delay` is the time that a change takes.
    #[must_use]
    pub fn policy_in_force(&self, now: Instant, delay: Duration) -> Option<&Arc<ClusterPolicy>> {
        let is_old = now.since(self.policy_changed) < delay;
        if is_old { self.old_policy.as_ref() } else { self.policy.as_ref() }
    }

    /// The version of the last policy, as the API shows it.
    #[must_use]
    pub fn policy_version(&self) -> String {
        self.policies.to_string()
    }
}

impl ClusterPolicy {
    /// Parses a resource policy.
    ///
    /// # Errors
    /// The mistake in the policy, in words.
    pub fn parse(text: &str) -> Result<ClusterPolicy, String> {
        let json = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let document = Document::resource(&json).map_err(|mistake| mistake.to_string())?;
        Ok(ClusterPolicy { text: text.into(), document })
    }
}

impl TryFrom<String> for ClusterPolicy {
    type Error = String;

    fn try_from(text: String) -> Result<ClusterPolicy, String> {
        ClusterPolicy::parse(&text)
    }
}

impl From<ClusterPolicy> for String {
    fn from(policy: ClusterPolicy) -> String {
        (*policy.text).to_owned()
    }
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

    /// The ARN of the stream, as one of `cluster`.
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

    /// The response of GetStream.
    #[must_use]
    pub fn describe(&self, cluster: ClusterArn) -> GetStreamOutput {
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
                    Active => matches!(to, Impaired | Deleting),
                    Impaired => matches!(to, Active | Failed | Deleting),
                    Failed => to == Deleting,
                    Deleting => to == Deleted,
                    Deleted => false,
                }
        }
    }
}
