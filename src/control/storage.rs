//! What a control plane or a witness node knows of its storage, and the one way to change it.
//!
//! It is in memory, ahead of the disk by what is still being written, and gone after a crash: then it is made anew of
//! what the [`Disk`](super::disk::Disk) holds. A [`Batch`] is written as a whole or not at all. Applying one gives back
//! what was there [`Undo`], for those who judge the change. Everything else in here (the index by identifier, the
//! counts for quotas) is derived from what was written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prefetch_index::prefetch_index;
use serde::{Deserialize, Serialize};

use crate::api::{Fingerprint, Operation, Response};
use crate::index::Index;
use crate::map::{FixedMap, Generations};
use crate::rng::fold;
use crate::types::{Account, ClientToken, Identifier, Instant};

use super::cluster::{Cluster, Serial};
use super::register::{Acceptor, RegisterKey};

/// The name of a token: tokens of different accounts and operations never meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenKey {
    /// Who called.
    pub account: Account,
    /// What was called; `None` under the assumption that tokens are shared by all operations.
    pub operation: Option<Operation>,
    /// The caller's token.
    pub token: ClientToken,
}

/// A call that was carried out, and the answer that any retry with its token gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// What the call asked for; a retry must ask for the same.
    pub fingerprint: Fingerprint,
    /// Its answer.
    pub response: Arc<Response>,
    /// When it was carried out.
    pub at: Instant,
}

/// A token's record to be written.
pub type TokenWrite = (TokenKey, TokenRecord);

/// Writes that become durable together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// A cluster's record, or its removal.
    pub cluster: Option<(Account, Serial, Option<Arc<Cluster>>)>,
    /// A token's record.
    pub token: Option<TokenWrite>,
    /// An acceptor's memory of a link register. Most batches have none, so it is kept small.
    pub register: Option<Box<(RegisterKey, Acceptor)>>,
}

/// What was in the places that a batch wrote to. Few tokens and registers are written twice, so it is kept small.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Undo {
    /// The cluster's record.
    pub cluster: Option<Arc<Cluster>>,
    /// The token's record.
    pub token: Option<Box<TokenRecord>>,
    /// The acceptor's memory.
    pub register: Option<Box<Acceptor>>,
}

/// How many clusters an account has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterCounts {
    /// Single-Region clusters.
    pub single: u32,
    /// Clusters of multi-Region pairs, peered or not.
    pub multi: u32,
}

/// Everything a node has in storage.
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
    /// The cluster with serial 1 first; those that are gone leave their place empty.
    clusters: Vec<Option<Arc<Cluster>>>,
    counts: ClusterCounts,
    /// Where clusters are in the list, beside a part of their identifiers: there are very many, and none is looked at
    /// to find another.
    slots: Index<(u32, u32)>,
}

impl Storage {
    /// Applies `batch` and gives back what was there before.
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

    /// The cluster called `identifier`.
    #[must_use]
    pub fn cluster(&self, identifier: Identifier) -> Option<&Arc<Cluster>> {
        self.owners.values().find_map(|owner| owner.find(identifier))
    }

    /// The cluster of `account` with `serial`.
    #[must_use]
    pub fn at(&self, account: Account, serial: Serial) -> Option<&Arc<Cluster>> {
        self.owners.get(&account)?.clusters.get(serial.index())?.as_ref()
    }

    /// Has the place of a cluster fetched from memory, for it will be looked at soon.
    pub fn prefetch_slot(&self, account: Account, serial: Serial) {
        if let Some(owner) = self.owners.get(&account) {
            prefetch_index(&owner.clusters, serial.index());
        }
    }

    /// Every cluster, by account and order of creation.
    pub fn clusters(&self) -> impl Iterator<Item = &Arc<Cluster>> {
        self.owners.values().flat_map(|owner| &owner.clusters).flatten()
    }

    /// The clusters of `account` created after `serial`, in order of creation.
    pub fn clusters_after(&self, account: Account, serial: Serial) -> impl Iterator<Item = &Arc<Cluster>> {
        let clusters = self.owners.get(&account).map_or(&[][..], |owner| &owner.clusters);
        clusters.iter().skip(serial.0 as usize).flatten()
    }

    /// The serial that the account's next cluster gets.
    #[must_use]
    pub fn next_serial(&self, account: Account) -> Serial {
        Serial(self.owners.get(&account).map_or(0, |owner| owner.clusters.len() as u64) + 1)
    }

    /// How many clusters `account` has.
    #[must_use]
    pub fn counts(&self, account: Account) -> ClusterCounts {
        self.owners.get(&account).map(|owner| owner.counts).unwrap_or_default()
    }

    /// The record of a token that has not been forgotten.
    #[must_use]
    pub fn token(&self, key: &TokenKey) -> Option<&TokenRecord> {
        self.tokens.get(&(key.account, key.operation))?.get(&key.token)
    }

    /// Forgets tokens that are older than `window`, some at once and all before they are twice as old.
    pub fn forget_tokens(&mut self, now: Instant, window: Duration) {
        self.tokens.values_mut().for_each(|tokens| tokens.rotate(now, window));
    }

    /// Every record of a token that has not been forgotten.
    pub fn token_records(&self) -> impl Iterator<Item = &TokenRecord> {
        self.tokens.values().flat_map(Generations::values)
    }

    /// What the acceptor here remembers of the register `key`.
    #[must_use]
    pub fn register(&self, key: &RegisterKey) -> Acceptor {
        self.registers.get(key).copied().unwrap_or_default()
    }

    /// What the acceptor here remembers of each register.
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
        if serial.index() >= owner.clusters.len() {
            owner.clusters.resize(serial.index() + 1, None);
        }
        let before = std::mem::replace(&mut owner.clusters[serial.index()], record);
        let after = &owner.clusters[serial.index()];
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
        let at = |slot: u32| self.clusters[slot as usize].as_ref();
        let is_it = |(known, slot): &(u32, u32)| {
            *known == part && at(*slot).is_some_and(|cluster| cluster.arn.identifier == identifier)
        };
        let (_, slot) = self.slots.find(hash(part), is_it)?;
        at(*slot)
    }
}

/// Counts and places follow from the list.
impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        self.clusters == other.clusters
    }
}

/// A part of an identifier that tells it from almost all others.
fn part(identifier: Identifier) -> u32 {
    identifier.digest() as u32
}

/// Identifiers are random bits, and so are their parts; they only have to be spread over those of a hash.
fn hash(part: u32) -> u64 {
    fold(0, part.into())
}

impl ClusterCounts {
    fn of(&mut self, cluster: &Cluster) -> &mut u32 {
        if cluster.multi_region.is_some() { &mut self.multi } else { &mut self.single }
    }
}
