//! What the disk of a node holds, and the one way from it back into a node's memory.
//!
//! A node changes what it has in memory ([`Durable`]) and asks for the change to be made durable. Whoever owns the disk
//! writes the batch here when that has happened, and only then. A node that starts finds what [`Disk::replay`] gives,
//! be it after a crash in a simulation or after its process was killed: a change that was never written is gone.
//!
//! Records are shared with the memory of the node, so that a cluster takes no more than a pointer here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::types::Account;

use super::cluster::{Cluster, Serial};
use super::durable::{Batch, Durable, TokenWrite};
use super::register::{Acceptor, RegisterKey};

/// What the batches that became durable have left.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// By account, in the order of creation; those that are gone leave their place empty.
    clusters: BTreeMap<Account, Vec<Option<Arc<Cluster>>>>,
    /// In the order in which they were recorded.
    tokens: VecDeque<TokenWrite>,
    registers: BTreeMap<RegisterKey, Acceptor>,
}

impl Disk {
    /// Writes `batch` and gives back which records of a cluster and of an acceptor were in its places before. Tokens
    /// that are as old as `window` by then are no use to anybody and are left out from now on.
    pub fn write(&mut self, batch: &Batch, window: Duration) -> (Option<Arc<Cluster>>, Option<Acceptor>) {
        let cluster = batch.cluster.as_ref().and_then(|(account, serial, record)| {
            let places = self.clusters.entry(*account).or_default();
            if serial.index() >= places.len() {
                places.resize(serial.index() + 1, None);
            }
            std::mem::replace(&mut places[serial.index()], record.clone())
        });
        if let Some((key, record)) = &batch.token {
            let has_expired = |(_, old): &mut TokenWrite| old.at.after(window) <= record.at;
            while self.tokens.pop_front_if(has_expired).is_some() {}
            self.tokens.push_back((key.clone(), record.clone()));
        }
        let register = batch.register.as_deref();
        (cluster, register.and_then(|(key, acceptor)| self.registers.insert(*key, *acceptor)))
    }

    /// What a node that starts has in storage.
    #[must_use]
    pub fn replay(&self) -> Durable {
        let mut storage = Durable::default();
        for batch in self.batches() {
            storage.apply(&batch);
        }
        storage
    }

    /// Every place of a cluster, by account and order of creation, with the cluster's record if it is not gone.
    pub fn clusters(&self) -> impl Iterator<Item = (Account, Serial, Option<&Arc<Cluster>>)> {
        self.clusters.iter().flat_map(|(account, places)| {
            (1..).map(Serial).zip(places).map(|(serial, record)| (*account, serial, record.as_ref()))
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
