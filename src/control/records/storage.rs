//! The records of a node in memory, and the one way to change them.
//!
//! They are ahead of the disk by the writes under way, and gone after a crash: a restarted node replays the
//! [`Disk`](super::Disk). A [`Batch`] is written whole or not at all; applying one returns an [`Undo`], by
//! which checkers judge the change. Everything else here (the index by identifier, the counts for quotas) is derived
//! from the records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::api::Operation;
use crate::control::peering::{Acceptor, RegisterKey};
use crate::control::records::{Cluster, Serial, TokenKey, TokenRecord, TokenWrite};
use crate::index::Index;
use crate::map::{FixedMap, Generations};
use crate::rng::fold;
use crate::slots::Slots;
use crate::types::{Account, ClientToken, Identifier, Instant};

/// Records that become durable together. A call's change and its token share a batch, or a crash could keep one
/// without the other.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Batch {
    /// A cluster's record, by its key; `None` for the record removes the cluster.
    pub cluster: Option<(Account, Serial, Option<Arc<Cluster>>)>,
    /// A token's record.
    pub token: Option<TokenWrite>,
    /// An acceptor's state for one register. Boxed, because most batches have none.
    pub register: Option<Box<(RegisterKey, Acceptor)>>,
}

/// The records that a batch replaced. `None` where there was none. Tokens and registers are boxed, because few are
/// written twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Undo {
    /// The replaced cluster record.
    pub cluster: Option<Arc<Cluster>>,
    /// The replaced token record.
    pub token: Option<Box<TokenRecord>>,
    /// The replaced acceptor state.
    pub register: Option<Box<Acceptor>>,
}

/// The numbers of an account's clusters, for its quotas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterCounts {
    /// The number of single-Region clusters.
    pub single: u32,
    /// The number of multi-Region clusters, linked or not.
    pub multi: u32,
}

/// The records of a node: clusters and tokens of a control plane, acceptors of both kinds of node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Storage {
    owners: BTreeMap<Account, Owner>,
    /// By account and operation, of which there are few, so that a token's own entry is small.
    tokens: FixedMap<(Account, Option<Operation>), Generations<ClientToken, TokenRecord>>,
    registers: BTreeMap<RegisterKey, Acceptor>,
}

/// The clusters of an account, in the order of creation.
#[derive(Clone, Debug, Default)]
struct Owner {
    /// By serial. A removed cluster leaves its slot empty, so that a serial is never used again.
    clusters: Slots<Arc<Cluster>>,
    counts: ClusterCounts,
    /// The index: a part of each identifier, and the slot. Its entries are small, because there may be very many, and a
    /// lookup reads no other cluster's record.
    slots: Index<(u32, u32)>,
}

impl Storage {
    /// Applies `batch` and returns the records that it replaced.
    pub fn apply(&mut self, batch: &Batch) -> Undo {
        Undo {
            cluster: batch
                .cluster
                .as_ref()
                .and_then(|(account, serial, record)| self.put_cluster(*account, *serial, record.clone())),
            token: batch
                .token
                .as_ref()
                .and_then(|(key, record)| self.put_token(key, record.clone()))
                .map(Box::new),
            register: batch
                .register
                .as_deref()
                .and_then(|(key, acceptor)| self.registers.insert(*key, *acceptor))
                .map(Box::new),
        }
    }

    /// The cluster with this identifier, of any account.
    #[must_use]
    pub fn cluster(&self, identifier: Identifier) -> Option<&Arc<Cluster>> {
        self.owners.values().find_map(|owner| owner.find(identifier))
    }

    /// The cluster of `account` with `serial`.
    #[must_use]
    pub fn at(&self, account: Account, serial: Serial) -> Option<&Arc<Cluster>> {
        self.owners.get(&account)?.clusters.get(serial.index())
    }

    /// All clusters, by account and order of creation.
    pub fn clusters(&self) -> impl Iterator<Item = &Arc<Cluster>> {
        self.owners.values().flat_map(|owner| owner.clusters.from(0)).map(|(_, cluster)| cluster)
    }

    /// The clusters of `account` created after `serial`, in order of creation.
    pub fn clusters_after(&self, account: Account, serial: Serial) -> impl Iterator<Item = &Arc<Cluster>> {
        let owner = self.owners.get(&account).into_iter();
        owner.flat_map(move |owner| owner.clusters.from(serial.0 as usize)).map(|(_, cluster)| cluster)
    }

    /// The serial of the account's next cluster.
    #[must_use]
    pub fn next_serial(&self, account: Account) -> Serial {
        Serial(self.owners.get(&account).map_or(0, |owner| owner.clusters.len() as u64) + 1)
    }

    /// The numbers of the account's clusters.
    #[must_use]
    pub fn counts(&self, account: Account) -> ClusterCounts {
        self.owners.get(&account).map(|owner| owner.counts).unwrap_or_default()
    }

    /// The record of a token, unless it was dropped. It may be older than the window: the caller compares.
    #[must_use]
    pub fn token(&self, key: &TokenKey) -> Option<&TokenRecord> {
        self.tokens.get(&(key.account, key.operation))?.get(&key.token)
    }

    /// Drops tokens older than `window`: each at the latest when it is twice as old. Whole generations are dropped,
    /// so the cost does not depend on the number of tokens.
    pub fn forget_tokens(&mut self, now: Instant, window: Duration) {
        self.tokens.values_mut().for_each(|tokens| tokens.rotate(now, window));
    }

    /// All token records that were not dropped.
    pub fn token_records(&self) -> impl Iterator<Item = &TokenRecord> {
        self.tokens.values().flat_map(Generations::values)
    }

    /// The acceptor's state for the register `key`; a register that was never written has promised nothing.
    #[must_use]
    pub fn register(&self, key: &RegisterKey) -> Acceptor {
        self.registers.get(key).copied().unwrap_or_default()
    }

    /// The acceptor's state for each register that was written.
    #[must_use]
    pub fn registers(&self) -> &BTreeMap<RegisterKey, Acceptor> {
        &self.registers
    }

    fn put_cluster(
        &mut self,
        account: Account,
        serial: Serial,
        record: Option<Arc<Cluster>>,
    ) -> Option<Arc<Cluster>> {
        let owner = self.owners.entry(account).or_default();
        let before = owner.clusters.set(serial.index(), record);
        let after = owner.clusters.get(serial.index());
        let slot = |cluster: &Cluster| (part(cluster.arn.identifier), serial.index() as u32);
        match (&before, after) {
            (None, Some(after)) => {
                let slot = slot(after);
                owner.slots.insert(hash(slot.0), slot, |(part, _)| hash(*part));
                *owner.counts.of(after) += 1;
            }
            (Some(before), None) => {
                let slot = slot(before);
                owner.slots.remove(hash(slot.0), |known| *known == slot);
                *owner.counts.of(before) -= 1;
            }
            // A record replaced by another has the same identifier and kind: neither index nor counts change.
            _ => {}
        }
        before
    }

    fn put_token(&mut self, key: &TokenKey, record: TokenRecord) -> Option<TokenRecord> {
        let tokens = self.tokens.entry((key.account, key.operation)).or_default();
        tokens.insert(key.token.clone(), record)
    }
}

impl Owner {
    fn find(&self, identifier: Identifier) -> Option<&Arc<Cluster>> {
        let part = part(identifier);
        let at = |slot: u32| self.clusters.get(slot as usize);
        let is_match = |(known, slot): &(u32, u32)| {
            *known == part && at(*slot).is_some_and(|cluster| cluster.arn.identifier == identifier)
        };
        // Parts can collide, so the record itself is compared.
        let (_, slot) = self.slots.find(hash(part), is_match)?;
        at(*slot)
    }
}

/// Counts and index follow from the records.
impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        self.clusters == other.clusters
    }
}

/// The part of an identifier that the index keeps; it tells the identifier from almost all others.
fn part(identifier: Identifier) -> u32 {
    identifier.first_half() as u32
}

/// The hash of a part. Identifiers are random bits, so a part only has to be spread over 64 bits.
fn hash(part: u32) -> u64 {
    fold(0, part.into())
}

impl ClusterCounts {
    fn of(&mut self, cluster: &Cluster) -> &mut u32 {
        if cluster.multi_region.is_some() { &mut self.multi } else { &mut self.single }
    }
}
