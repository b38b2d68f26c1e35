//! The invariant about storage: what a node has there is what it wrote.
//!
//! A node has its storage in memory, ahead of the disk by what is still being written, and finds after a crash what the
//! disk holds. A change that it made in memory and never persisted looks right as long as it runs. So what became
//! durable is written down here a second time, from [`Change::Wrote`] alone, and compared:
//!
//! - at every write: what was in that place before is what was written there last;
//! - when a node stops: what it had in memory is what it wrote, and what the crash made it forget;
//! - when it has started again, and at quiet: what it has in memory is what it wrote, and what it is writing.
//!
//! Between a change that was never written and the next of these nobody can lose it. A comparison of a whole storage
//! costs a look at each of its records, most of which are shared and so the same; it is made only where a node starts
//! or stops, which looks at all of them, too.

use std::fmt::Display;

use crate::control::disk::Disk;
use crate::control::durable::{Batch, Durable, TokenKey, TokenRecord};
use crate::control::message::Commit;
use crate::map::FixedMap;
use crate::sim::Change;
use crate::types::NodeId;

use super::invariant::{Invariant, Judge};
use super::{Scene, Verdict};

/// What nodes wrote, as far as it is durable.
#[derive(Clone, Debug, Default)]
pub(super) struct Storages {
    disks: FixedMap<NodeId, Disk>,
}

impl Storages {
    /// Takes note of what a node wrote before anything happens.
    pub(super) fn recall(&mut self, scene: &dyn Scene, node: NodeId, batch: &Batch) {
        self.disks.entry(node).or_default().write(batch, scene.assumptions().token_window);
    }

    /// Every change of a record is made by the one function that persists it, too. Tokens are never written twice, but
    /// for those that were forgotten.
    pub(super) fn wrote(&mut self, judge: &mut Judge<'_>, node: NodeId, commit: &Commit) -> Verdict {
        let window = judge.scene.assumptions().token_window;
        let (cluster, register) = self.disks.entry(node).or_default().write(&commit.batch, window);
        let before = &commit.before;
        judge.ensure(cluster == before.cluster, Invariant::StorageIsWhatWasWritten, || {
            let arn = cluster.as_ref().or(before.cluster.as_ref()).map(|cluster| cluster.arn.to_string());
            unwritten(node, format_args!("a record of {}", arn.unwrap_or_default()))
        })?;
        judge.ensure(
            register.as_ref() == before.register.as_deref(),
            Invariant::StorageIsWhatWasWritten,
            || unwritten(node, "what it remembers of a link register"),
        )
    }

    /// Nothing is changed in memory but by what is persisted in the same step, so that a node that stops has in memory
    /// what is durable and, of the rest, what the crash has made it forget. Both are among `changes`; the node stopped
    /// at `place` there.
    pub(super) fn crashed(
        &self,
        judge: &mut Judge<'_>,
        node: NodeId,
        memory: &Durable,
        changes: &[Change],
        place: usize,
    ) -> Verdict {
        let starts = |change: &Change| matches!(change, Change::Restarted(started) if *started == node);
        let from = changes[..place].iter().rposition(starts).map_or(0, |last| last + 1);
        let life = changes[from..].iter().take_while(|change| !starts(change));
        let forgotten = life.filter_map(|change| match change {
            Change::Forgot { node: whose, commit } if *whose == node => Some(&commit.batch),
            _ => None,
        });
        self.compare(judge, node, memory, forgotten)
    }

    /// A node that starts replays what its disk holds, and derives what it then does from that.
    pub(super) fn is_what_was_written(&self, judge: &mut Judge<'_>, node: NodeId) -> Verdict {
        let Some((memory, unsynced)) = judge.scene.memory(node) else { return Ok(()) };
        self.compare(judge, node, memory, unsynced.into_iter())
    }

    /// The same, of all nodes.
    pub(super) fn are_what_was_written(&self, judge: &mut Judge<'_>) -> Verdict {
        self.disks.keys().try_for_each(|node| self.is_what_was_written(judge, *node))
    }

    fn compare<'a>(
        &self,
        judge: &mut Judge<'_>,
        node: NodeId,
        memory: &Durable,
        unsynced: impl Iterator<Item = &'a Batch>,
    ) -> Verdict {
        let nothing = Disk::default();
        let durable = self.disks.get(&node).unwrap_or(&nothing);
        let mut unsynced = unsynced.peekable();
        let difference = match unsynced.peek() {
            None => difference(judge.scene, durable, memory),
            Some(_) => {
                let mut disk = durable.clone();
                unsynced.for_each(|batch| drop(disk.write(batch, judge.scene.assumptions().token_window)));
                difference(judge.scene, &disk, memory)
            }
        };
        judge.ensure(difference.is_none(), Invariant::StorageIsWhatWasWritten, || {
            unwritten(node, difference.unwrap_or_default())
        })
    }
}

/// What `memory` has that is not what was written; tokens that have expired may be in either, or in none.
fn difference(scene: &dyn Scene, disk: &Disk, memory: &Durable) -> Option<String> {
    let mut written = 0;
    for (account, serial, record) in disk.clusters() {
        let known = memory.at(account, serial);
        if known != record {
            let arn = known.or(record).map_or_else(String::new, |cluster| cluster.arn.to_string());
            return Some(format!("a record of {arn}"));
        }
        written += usize::from(record.is_some());
    }
    if memory.clusters().count() != written {
        return Some("a cluster".to_owned());
    }
    if memory.registers() != disk.registers() {
        return Some("what it remembers of a link register".to_owned());
    }
    let (now, window) = (scene.now(), scene.assumptions().token_window);
    let lives = |record: &TokenRecord| now.since(record.at) < window;
    let live = disk.tokens().filter(|(_, record)| lives(record));
    // The last record of a token counts.
    let live: FixedMap<&TokenKey, &TokenRecord> = live.map(|(key, record)| (key, record)).collect();
    if let Some((key, _)) = live.iter().find(|(key, record)| memory.token(key) != Some(record)) {
        return Some(format!("what it remembers of token {}", key.token));
    }
    let known = memory.token_records().filter(|record| lives(record)).count();
    (known != live.len()).then(|| "what it remembers of a token".to_owned())
}

fn unwritten(node: NodeId, what: impl Display) -> String {
    let name = match node {
        NodeId::Witness(region) => format!("the witness node of {region}"),
        _ => format!("the control plane of {}", node.region().map_or("nowhere", |region| region.name())),
    };
    format!("{name} has in storage {what} that is not what it wrote")
}
