//! The disk of a process: a map that outlives its crashes, with the rules of a disk.
//!
//! A write is durable when its call returns. A crash before that keeps the writes under way up to a drawn one, and
//! loses that one and those behind it: a disk keeps the order of its writes, and no caller was promised more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rand::RngExt;

use crate::rng::{Purpose, fingerprint, stream};
use crate::types::Instant;

use super::mailbox::Mailbox;

/// A durable map of text, by name. Handles with one name, in any life of the process, are the same disk.
///
/// ```
/// use dsql_sim::sdk;
///
/// sdk::check("remembers").seeds(0..5).run(|sim| async move {
///     let client = sim.client("us-east-1");
///     let disk = sim.disk("main");
///     let token = disk.read("token").unwrap_or_else(|| "create-1".to_owned());
///     disk.write("token", &token).await;
///     client.create_cluster().client_token(token).send().await
/// });
/// ```
#[derive(Clone, Debug)]
pub struct ProcessDisk {
    pub(super) mailbox: Arc<Mailbox>,
    /// The index of the process.
    pub(super) process: usize,
}

/// The contents of a disk.
#[derive(Debug, Default)]
pub(super) struct DiskContents {
    durable: BTreeMap<String, String>,
    /// The writes under way, oldest first, each with the time at which it is durable.
    unfinished: VecDeque<(Instant, DiskWrite)>,
}

/// A write: a key, and its new value, or none if the key goes.
type DiskWrite = (String, Option<String>);

impl ProcessDisk {
    /// The value of `key`, as last written; it may not be durable yet.
    #[must_use]
    pub fn read(&self, key: &str) -> Option<String> {
        self.with(|contents| contents.value(key))
    }

    /// Sets the value of `key`. When this returns, it is durable.
    pub async fn write(&self, key: &str, value: &str) {
        self.begin((key.to_owned(), Some(value.to_owned()))).await;
    }

    /// Removes `key`. When this returns, that is durable.
    pub async fn remove(&self, key: &str) {
        self.begin((key.to_owned(), None)).await;
    }

    /// The keys that have a value, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.with(|contents| {
            let pending = contents.unfinished.iter().map(|(_, (key, _))| key.clone());
            let mut keys: Vec<String> = contents.durable.keys().cloned().chain(pending).collect();
            keys.sort();
            keys.dedup();
            keys.retain(|key| contents.value(key).is_some());
            keys
        })
    }

    async fn begin(&self, write: DiskWrite) {
        let disk_time = self.mailbox.disk_time;
        let done = self.mailbox.now().after(disk_time);
        self.with(|contents| contents.unfinished.push_back((done, write)));
        tokio::time::sleep_until(self.mailbox.moment(done)).await;
    }

    fn with<T>(&self, look: impl FnOnce(&mut DiskContents) -> T) -> T {
        let now = self.mailbox.now();
        let contents = &mut self.mailbox.state().processes[self.process].disk;
        contents.finish(now);
        look(contents)
    }
}

impl DiskContents {
    fn value(&self, key: &str) -> Option<String> {
        let latest = self.unfinished.iter().rev().find(|(_, (known, _))| known == key);
        latest.map_or_else(|| self.durable.get(key).cloned(), |(_, (_, value))| value.clone())
    }

    /// Makes the writes durable whose time has come.
    fn finish(&mut self, now: Instant) {
        while self.unfinished.front().is_some_and(|(done, _)| *done <= now) {
            self.apply_first();
        }
    }

    fn apply_first(&mut self) {
        match self.unfinished.pop_front() {
            Some((_, (key, Some(value)))) => drop(self.durable.insert(key, value)),
            Some((_, (key, None))) => drop(self.durable.remove(&key)),
            None => {}
        }
    }

    /// The process crashes: of the writes under way, a drawn number reaches the disk.
    pub(super) fn crash(&mut self, seed: u64, process: &str, life: u32, now: Instant) {
        self.finish(now);
        let key = fingerprint(&(process, life));
        let kept = stream(seed, Purpose::Unfinished, key).random_range(0..=self.unfinished.len());
        (0..kept).for_each(|_| self.apply_first());
        self.unfinished.clear();
    }
}
