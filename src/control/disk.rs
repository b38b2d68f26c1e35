//! What the disk of a node holds, and the one way from it back into a node's memory.
//!
//! A node changes what it has in memory ([`Storage`]) and asks for the change to be made durable. Whoever owns the disk
//! writes the batch here when that has happened, and only then. A node that starts finds what [`Disk::replay`] gives,
//! be it after a crash in a simulation or after its process was killed: a change that was never written is gone.
//!
//! Records are shared with the memory of the node, so that a cluster takes no more than a pointer here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::types::Account;

use super::cluster::{Cluster, Serial};
use super::register::{Acceptor, RegisterKey};
use super::storage::{Batch, Storage, TokenWrite};

/// What the batches that became durable have left.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// By account, sorted, in the order of creation; those that are gone leave their place empty. Most worlds have one
    /// account, which a list finds sooner than a tree.
    clusters: Vec<(Account, AccountRecords)>,
    /// In the order in which they were recorded.
    tokens: VecDeque<TokenWrite>,
    registers: BTreeMap<RegisterKey, Acceptor>,
}

/// What was on the disk in the places that a batch wrote to. Tokens are not looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replaced {
    /// The cluster's record.
    pub cluster: Option<Arc<Cluster>>,
    /// The acceptor's memory.
    pub register: Option<Acceptor>,
}

/// The clusters of an account; the one with serial 1 first.
type AccountRecords = Vec<Option<Arc<Cluster>>>;

impl Disk {
    /// Writes `batch` and gives back what was in its places before. Tokens that are as old as `window` by then are no
    /// use to anybody and are left out from now on.
    pub fn write(&mut self, batch: &Batch, window: Duration) -> Replaced {
        let cluster = batch.cluster.as_ref().and_then(|(account, serial, record)| {
            let slots = self.slots(*account);
            match slots.get_mut(serial.index()) {
                Some(slot) => std::mem::replace(slot, record.clone()),
                None => {
                    slots.resize(serial.index(), None);
                    slots.push(record.clone());
                    None
                }
            }
        });
        if let Some(token) = &batch.token {
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

    /// What a node that starts has in storage.
    #[must_use]
    pub fn replay(&self) -> Storage {
        let mut storage = Storage::default();
        for batch in self.batches() {
            storage.apply(&batch);
        }
        storage
    }

    /// Every place of a cluster, by account and order of creation, with the cluster's record if it is not gone.
    pub fn clusters(&self) -> impl Iterator<Item = (Account, Serial, Option<&Arc<Cluster>>)> {
        self.clusters.iter().flat_map(|(account, slots)| {
            (1..).map(Serial).zip(slots).map(|(serial, record)| (*account, serial, record.as_ref()))
        })
    }

    /// The records of tokens, in the order in which they were made.
    pub fn tokens(&self) -> impl Iterator<Item = &TokenWrite> {
        self.tokens.iter()
    }

    /// What the acceptor here remembers of each register.
    #[must_use]
    pub fn registers(&self) -> &BTreeMap<RegisterKey, Acceptor> {
        &self.registers
    }

    fn slots(&mut self, account: Account) -> &mut AccountRecords {
        let slot = self.clusters.binary_search_by_key(&account, |(owner, _)| *owner);
        let slot = slot.unwrap_or_else(|slot| {
            self.clusters.insert(slot, (account, AccountRecords::new()));
            slot
        });
        &mut self.clusters[slot].1
    }

    /// Batches that leave what is here, when they are written to an empty disk one after the other.
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
