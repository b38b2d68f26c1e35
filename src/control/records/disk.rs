//! The disk of a node, and the one way from it back into memory.
//!
//! A node changes its records in memory ([`Storage`]) and emits the batch. The driver writes it here when it has
//! become durable, and not before. A node that starts gets [`Disk::replay`], after a crash in a simulation as after a
//! killed process: a batch that was never written is gone.
//!
//! Cluster records are shared with the node's memory, so each takes no more than a pointer here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::control::peering::{Acceptor, RegisterKey};
use crate::control::records::{Batch, Cluster, Serial, Storage, TokenWrite};
use crate::slots::Slots;
use crate::types::Account;

/// The records of all batches that became durable.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// Sorted by account. Most worlds have one account, which a list finds sooner than a tree does.
    clusters: Vec<(Account, AccountRecords)>,
    /// In the order of writing, so that expired tokens are at the front.
    tokens: VecDeque<TokenWrite>,
    registers: BTreeMap<RegisterKey, Acceptor>,
}

/// The records on the disk that a batch replaced. They equal the batch's [`Undo`](super::Undo) unless memory
/// and disk have come apart. Tokens are not looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    /// The replaced cluster record.
    pub cluster: Option<Arc<Cluster>>,
    /// The replaced acceptor state.
    pub register: Option<Acceptor>,
}

/// The clusters of an account by serial, from 1; a removed cluster leaves its slot empty.
type AccountRecords = Slots<Arc<Cluster>>;

impl Disk {
    /// Writes `batch` and returns the records that it replaced. Tokens that have reached the age `window` are
    /// dropped: no retry may be answered from them.
    pub fn write(&mut self, batch: &Batch, window: Duration) -> Replaced {
        let cluster = batch.cluster.as_ref();
        let cluster = cluster
            .and_then(|(account, serial, record)| self.slots(*account).set(serial.index(), record.clone()));
        if let Some(token) = &batch.token {
            // The disk has no clock, so the new token's time stands for the present. An expired token that is kept
            // until the next one is written only takes space: readers compare its age.
            let has_expired = |(_, old): &TokenWrite| token.1.at.since(old.at) >= window;
            while self.tokens.front().is_some_and(has_expired) {
                self.tokens.pop_front();
            }
            self.tokens.push_back(token.clone());
        }
        let register =
            batch.register.as_deref().and_then(|(key, acceptor)| self.registers.insert(*key, *acceptor));
        Replaced { cluster, register }
    }

    /// The records of a node that starts from this disk.
    #[must_use]
    pub fn replay(&self) -> Storage {
        let mut storage = Storage::default();
        for batch in self.batches() {
            storage.apply(&batch);
        }
        storage
    }

    /// The records, by account and serial, and the last slot of each account even if its cluster was removed: it keeps
    /// serials from being used again.
    pub fn clusters(&self) -> impl Iterator<Item = (Account, Serial, Option<&Arc<Cluster>>)> {
        self.clusters.iter().flat_map(|(account, slots)| {
            // An account has a slot from its first write on.
            let last = slots.len() - 1;
            let empty = slots.get(last).is_none().then_some((last, None));
            let filled = slots.from(0).map(|(index, record)| (index, Some(record)));
            filled.chain(empty).map(|(index, record)| (*account, Serial(index as u64 + 1), record))
        })
    }

    /// The token records, in the order of writing.
    pub fn tokens(&self) -> impl Iterator<Item = &TokenWrite> {
        self.tokens.iter()
    }

    /// The acceptor's state for each register that was written.
    #[must_use]
    pub fn registers(&self) -> &BTreeMap<RegisterKey, Acceptor> {
        &self.registers
    }

    fn slots(&mut self, account: Account) -> &mut AccountRecords {
        let slot = self.clusters.binary_search_by_key(&account, |(owner, _)| *owner);
        let slot = slot.unwrap_or_else(|slot| {
            self.clusters.insert(slot, (account, AccountRecords::default()));
            slot
        });
        &mut self.clusters[slot].1
    }

    /// Batches that reproduce this disk when they are written to an empty one in order.
    fn batches(&self) -> impl Iterator<Item = Batch> {
        let clusters = self.clusters().map(|(account, serial, record)| Batch {
            cluster: Some((account, serial, record.cloned())),
            ..Batch::default()
        });
        let tokens = self.tokens().map(|token| Batch { token: Some(token.clone()), ..Batch::default() });
        let registers = self
            .registers
            .iter()
            .map(|(key, acceptor)| Batch { register: Some(Box::new((*key, *acceptor))), ..Batch::default() });
        clusters.chain(tokens).chain(registers)
    }
}
