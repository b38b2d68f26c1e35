//! Observations that the world's thread collects after each event.

use crate::control::records::Batch;
use crate::permissions::Audit;
use crate::sim::{Change, World};
use crate::types::{Instant, NodeId};

use super::live_memory::LiveMemory;

/// Observations that are collected after each event of the world.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// Batches that are durable in the world and not yet committed to the store, oldest first.
    pub(super) batches: Vec<(NodeId, Batch)>,
    pub(super) last_end: Instant,
    /// The memory of what lives.
    pub(super) memory: LiveMemory,
    /// The permissions that calls needed.
    pub(super) audit: Audit,
}

impl Observed {
    /// Collects the changes of the last event of `world`.
    pub(super) fn observe(&mut self, world: &World, is_persistent: bool) {
        self.audit.look(world);
        for change in world.changes() {
            match change {
                Change::Wrote { node, commit, .. } => {
                    self.memory.wrote(commit);
                    if is_persistent {
                        self.batches.push((*node, commit.batch.clone()));
                    }
                }
                Change::Ended(_) => self.last_end = world.now(),
                _ => {}
            }
        }
    }
}
