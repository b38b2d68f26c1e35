//! The state that the invariants examine.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::api::Request;
use crate::control::assumptions::Assumptions;
use crate::control::environment::Environment;
use crate::control::keys::Keys;
use crate::control::message::Delivery;
use crate::control::records::{Batch, Disk, Storage};
use crate::iam::{Identity, NetworkOrigin};
use crate::region::Region;
use crate::sim::World;
use crate::types::{ClientId, Instant, NodeId, PrincipalId, Timestamp};

/// The state that the invariants examine: of a [`World`], or of a state of the model checker.
pub(crate) trait WorldView: fmt::Debug {
    /// The virtual time.
    fn now(&self) -> Instant;
    /// The wall-clock time at virtual time 0, in every Region without skew.
    fn epoch(&self) -> Timestamp;
    /// The reading of the wall clock of `region`, with its skew.
    fn wall_clock(&self, region: Region) -> Timestamp;
    /// The longest time that a write may take to become durable.
    fn longest_write(&self) -> Duration;
    /// The assumptions about behaviour that is not documented.
    fn assumptions(&self) -> &Assumptions;
    /// The storage of the control plane of `region`, as it has it in memory; `None` if the node was never created.
    fn storage(&self, region: Region) -> Option<&Storage>;
    /// The storage of `node`, in memory and on disk; `None` if the node was never created.
    fn memory(&self, node: NodeId) -> Option<Memory<'_>>;
    /// The environment of the control plane of `region`.
    fn environment(&self, region: Region) -> &Environment;
    /// The request of this delivery; `None` if it is not known any more.
    fn request_of(&self, delivery: Delivery) -> Option<&Request>;
    /// The identity of a principal with its policies; `None` if it has no restrictions.
    fn identity(&self, _principal: PrincipalId) -> Option<&Identity> {
        None
    }
    /// The declared KMS keys.
    fn keys(&self) -> Arc<Keys> {
        Arc::default()
    }
    /// The network from which a client calls.
    fn network_of(&self, client: ClientId) -> &NetworkOrigin;
    /// The number of requests that the control plane of `region` has taken in since its start and not answered.
    fn unanswered(&self, region: Region) -> usize;
    /// The calls and clusters that wait, and for what: lines that each begin with a line break.
    fn who_waits(&self) -> String;
    /// `text` with each identifier that has a name replaced by the name.
    fn in_words(&self, text: &str) -> String;
}

/// The storage of a node, in its three parts.
#[derive(Debug)]
pub(crate) struct Memory<'a> {
    /// The storage in memory, which includes every write.
    pub(crate) storage: &'a Storage,
    /// The contents of the disk: the durable writes.
    pub(crate) disk: &'a Disk,
    /// The writes in memory that are not durable yet, oldest first.
    pub(crate) unsynced: Vec<&'a Batch>,
}

impl WorldView for World {
    fn now(&self) -> Instant {
        self.now()
    }

    fn epoch(&self) -> Timestamp {
        self.options().epoch
    }

    fn wall_clock(&self, region: Region) -> Timestamp {
        self.wall_clock(region)
    }

    fn longest_write(&self) -> Duration {
        // A write may have to wait until the disk has finished the batch that it is busy with.
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

    fn environment(&self, region: Region) -> &Environment {
        self.environment(region)
    }

    fn request_of(&self, delivery: Delivery) -> Option<&Request> {
        self.request_of(delivery)
    }

    fn identity(&self, principal: PrincipalId) -> Option<&Identity> {
        self.options().principals.known.get(principal.index()).map(|identity| &**identity)
    }

    fn keys(&self) -> Arc<Keys> {
        self.options().keys.clone()
    }

    fn network_of(&self, client: ClientId) -> &NetworkOrigin {
        &self.options().clients[client.0 as usize].origin
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
