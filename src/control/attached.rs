//! What is attached to a cluster besides its tags: its resource policy, its streams.
//!
//! It is part of the cluster's record, so that it is written, lost and taken back with it. Most clusters have none.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::api::{
    CreateStreamOutput, DeleteStreamOutput, GetStreamOutput, StatusReason, StreamFailureErrorCode,
    StreamStatus, StreamSummary, Tags, TargetDefinition,
};
use crate::iam::Document;
use crate::types::{ClusterArn, Identifier, Instant, Timestamp};

/// How many streams a cluster has at most ("Quotas and limits").
pub const MAX_STREAMS: usize = 5;

/// What is attached to a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// Its resource policy.
    pub policy: Option<Arc<ClusterPolicy>>,
    /// The policy that was in force when that was put on or taken off, and goes on for a while.
    #[serde(default)]
    pub old_policy: Option<Arc<ClusterPolicy>>,
    /// When the policy was last put on or taken off.
    #[serde(default)]
    pub policy_changed: Instant,
    /// How many policies it has had: the version of the last.
    pub policies: u64,
    /// Its streams, in the order of creation.
    pub streams: Vec<Stream>,
    /// How many streams it has had.
    pub numbered: u32,
}

/// A resource policy, as it was given, and compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterPolicy {
    /// As it was given.
    pub text: Arc<str>,
    /// What it says.
    pub document: Document,
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

    /// Puts a policy on at `now`, or takes it off. `delay` is how long the old one goes on.
    pub(super) fn put_policy(&mut self, now: Instant, delay: Duration, policy: Option<ClusterPolicy>) {
        self.policies += u64::from(policy.is_some());
        self.old_policy = self.policy_in_force(now, delay).cloned();
        self.policy = policy.map(Arc::new);
        self.policy_changed = now;
    }

    /// The policy that decides at `now`; `delay` is how long a change takes to have effect.
    #[must_use]
    pub fn policy_in_force(&self, now: Instant, delay: Duration) -> Option<&Arc<ClusterPolicy>> {
        let is_old = now.since(self.policy_changed) < delay;
        if is_old { self.old_policy.as_ref() } else { self.policy.as_ref() }
    }

    /// The policy's version, as callers see it.
    #[must_use]
    pub fn policy_version(&self) -> String {
        self.policies.to_string()
    }
}

impl ClusterPolicy {
    /// Reads a resource policy.
    ///
    /// # Errors
    /// What is wrong with it.
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

    /// The stream as GetStream shows it.
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
