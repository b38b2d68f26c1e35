//! An estimate of the memory of what lives in a world: clusters with all that belongs to them, and tokens that are
//! remembered.
//!
//! It follows the writes. A deletion lowers it at once, and so does a token that is forgotten.

use std::collections::VecDeque;
use std::time::Duration;

use crate::control::message::Commit;
use crate::control::records::{Batch, Cluster};
use crate::types::Instant;

/// The estimate for one world.
#[derive(Debug, Default)]
pub(super) struct LiveMemory {
    clusters: usize,
    /// The times at which tokens were recorded, oldest first.
    tokens: VecDeque<Instant>,
}

impl LiveMemory {
    /// The estimated bytes.
    pub(super) fn bytes(&self) -> usize {
        self.clusters + self.tokens.len() * TOKEN_BYTES
    }

    /// Takes in what a disk held before the world began.
    pub(super) fn recall(&mut self, batch: &Batch) {
        if let Some((_, _, Some(cluster))) = &batch.cluster {
            self.clusters += size(cluster);
        }
        self.tokens.extend(batch.token.as_ref().map(|(_, record)| record.at));
    }

    /// Takes in a write that became durable.
    pub(super) fn wrote(&mut self, commit: &Commit) {
        self.recall(&commit.batch);
        if commit.batch.cluster.is_some() {
            let before = commit.before.cluster.as_deref().map_or(0, size);
            self.clusters = self.clusters.saturating_sub(before);
        }
    }

    /// Gives back the memory of tokens that a world with this window has forgotten.
    pub(super) fn forget_tokens(&mut self, now: Instant, window: Duration) {
        // Storage drops a token when it is twice as old at the latest.
        while self.tokens.pop_front_if(|at| at.after(window.saturating_mul(2)) < now).is_some() {}
    }
}

/// The estimated memory of a cluster: its record in memory and on the disk of its node, and the knowledge of the
/// checker.
fn size(cluster: &Cluster) -> usize {
    let texts = |tags: &crate::api::TagMap| -> usize {
        tags.iter().map(|(key, value)| TEXT_BYTES + key.len() + value.len()).sum()
    };
    let tags = cluster.tags.as_deref().map_or(0, texts);
    let streams: usize = cluster.streams().iter().map(|stream| CLUSTER_BYTES + texts(&stream.tags)).sum();
    let policy = cluster.attached.as_ref().and_then(|attached| attached.policy.as_ref());
    // Beside its text there is the compiled policy.
    let policy = policy.map_or(0, |policy| policy.text.len() * 4);
    CLUSTER_BYTES + 2 * (tags + streams + policy)
}

/// A cluster without tags, or a stream. Some 400 bytes were measured.
const CLUSTER_BYTES: usize = 640;

/// A token with its answer. Some 200 bytes were measured.
const TOKEN_BYTES: usize = 384;

/// Two texts, without their letters.
const TEXT_BYTES: usize = 64;
