//! The resource policy of a cluster: its text, its compiled form, and the time from which it is in force.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::control::records::Attached;
use crate::iam::{Document, PolicyError};
use crate::rng::fingerprint;
use crate::types::{Identifier, Instant, Timestamp};

/// A resource policy, as text and compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterPolicy {
    /// The text, as the caller gave it.
    pub text: Arc<str>,
    /// The compiled policy.
    pub document: Document,
}

/// The reason why a text is not a resource policy.
#[derive(Debug, thiserror::Error)]
pub enum ClusterPolicyError {
    /// The text is not JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The JSON is not a policy document.
    #[error("{0}")]
    Policy(PolicyError),
}

// The compiled policy follows from the text.
impl Hash for ClusterPolicy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ClusterPolicy { text, document: _ } = self;
        text.hash(state);
    }
}

impl Attached {
    /// Puts a policy with its version at `now`, or removes it. The old one stays in force for `delay`.
    pub(in crate::control) fn put_policy(
        &mut self,
        now: Instant,
        delay: Duration,
        policy: Option<(ClusterPolicy, u64)>,
    ) {
        self.old_policy = self.policy_in_force(now, delay).cloned();
        self.policy_version = policy.as_ref().map_or(self.policy_version, |(_, version)| *version);
        self.policy = policy.map(|(policy, _)| Arc::new(policy));
        self.policy_changed = now;
    }

    /// The version of a policy that is put by the request with the time `stamp` and the identifier `fresh`.
    ///
    /// On AWS versions were seen that are milliseconds of the epoch. Up to a second is added by a draw, so that no
    /// program can know a version in advance, and each is above the last one, whatever the clock of the Region does.
    #[must_use]
    pub(in crate::control) fn next_policy_version(&self, stamp: Timestamp, fresh: Identifier) -> u64 {
        let drawn = fingerprint(&fresh) % 1000;
        stamp.0.max(self.policy_version + 1) + drawn
    }

    /// The policy in force at `now`; `delay` is the time that a change takes.
    #[must_use]
    pub fn policy_in_force(&self, now: Instant, delay: Duration) -> Option<&Arc<ClusterPolicy>> {
        let is_old = now.since(self.policy_changed) < delay;
        if is_old { self.old_policy.as_ref() } else { self.policy.as_ref() }
    }

    /// The version of the last policy, as the API shows it.
    #[must_use]
    pub fn shown_policy_version(&self) -> String {
        self.policy_version.to_string()
    }
}

impl ClusterPolicy {
    /// Parses a resource policy.
    ///
    /// # Errors
    /// The text is not JSON, or not a policy.
    pub fn parse(text: &str) -> Result<ClusterPolicy, ClusterPolicyError> {
        let json = serde_json::from_str(text)?;
        let document = Document::resource(&json).map_err(ClusterPolicyError::Policy)?;
        Ok(ClusterPolicy { text: text.into(), document })
    }
}

impl TryFrom<String> for ClusterPolicy {
    type Error = ClusterPolicyError;

    fn try_from(text: String) -> Result<ClusterPolicy, ClusterPolicyError> {
        ClusterPolicy::parse(&text)
    }
}

impl From<ClusterPolicy> for String {
    fn from(policy: ClusterPolicy) -> String {
        (*policy.text).to_owned()
    }
}
