//! What the invariants look at.

use std::fmt;
use std::time::Duration;

use crate::api::Request;
use crate::control::assumptions::Assumptions;
use crate::control::disk::Disk;
use crate::control::environment::Environment;
use crate::control::message::Delivery;
use crate::control::storage::{Batch, Storage};
use crate::iam::Identity;
use crate::region::Region;
use crate::sim::World;
use crate::types::{Instant, NodeId, PrincipalId, Timestamp};

/// What the invariants look at: a world, or a model of one.
pub trait WorldView: fmt::Debug {
    /// What time it is.
    fn now(&self) -> Instant;
    /// What the wall clock of `region` says.
    fn wall_clock(&self, region: Region) -> Timestamp;
    /// How long a write may be under way, at most.
    fn longest_write(&self) -> Duration;
    /// How open questions are answered.
    fn assumptions(&self) -> &Assumptions;
    /// What the control plane of `region` has in storage, if there is one.
    fn storage(&self, region: Region) -> Option<&Storage>;
    /// What a node has of its storage; nothing, if nobody ever spoke to it.
    fn memory(&self, node: NodeId) -> Option<Memory<'_>>;
    /// What is so outside the control plane of `region`.
    fn environment(&self, region: Region) -> Environment;
    /// What was asked, if it is known.
    fn request_of(&self, delivery: Delivery) -> Option<&Request>;
    /// Who a principal is, and what he may do.
    fn identity(&self, _principal: PrincipalId) -> Option<&Identity> {
        None
    }
    /// How many requests the control plane of `region` has taken in since it started and not answered.
    fn unanswered(&self, region: Region) -> usize;
    /// Who waits for whom to do what, in lines that each begin with a line break.
    fn who_waits(&self) -> String;
    /// `text` with identifiers replaced by names, where they have some.
    fn in_words(&self, text: &str) -> String;
}

/// What a node has of its storage.
#[derive(Debug)]
pub struct Memory<'a> {
    /// In memory.
    pub storage: &'a Storage,
    /// On its disk.
    pub disk: &'a Disk,
    /// What of the memory is not on the disk yet, oldest first.
    pub unsynced: Vec<&'a Batch>,
}

impl WorldView for World {
    fn now(&self) -> Instant {
        self.now()
    }

    fn wall_clock(&self, region: Region) -> Timestamp {
        self.wall_clock(region)
    }

    fn longest_write(&self) -> Duration {
        // It may have to wait for those that the disk is busy with.
        self.options().disk.saturating_mul(2)
    }

    fn assumptions(&self) -> &Assumptions {
        &self.options().assumptions
    }

    fn storage(&self, region: Region) -> Option<&Storage> {
        self.storage(region)
    }

    fn memory(&self, node: NodeId) -> Option<Memory<'_>> {
        let (storage, disk, unsynced) = self.memory(node)?;
        Some(Memory { storage, disk, unsynced })
    }

    fn environment(&self, region: Region) -> Environment {
        self.environment(region)
    }

    fn request_of(&self, delivery: Delivery) -> Option<&Request> {
        self.request_of(delivery)
    }

    fn identity(&self, principal: PrincipalId) -> Option<&Identity> {
        self.options().principals.known.get(principal.index()).map(|identity| &**identity)
    }

    fn unanswered(&self, region: Region) -> usize {
        self.unanswered(region)
    }

    fn who_waits(&self) -> String {
        self.who_waits()
    }

    fn in_words(&self, text: &str) -> String {
        self.names().in_text(text)
    }
}
