//! The invariant about storage: what a node has there is what it wrote.
//!
//! A node has its storage in memory, ahead of the disk by what is still being written, and finds after a crash what the
//! disk holds. A change that it made in memory and never persisted looks right as long as it runs. The two are changed
//! by the same batches and by different hands, the memory by the node, and the disk by the world when a batch is
//! durable. So each is the other's witness, and they are compared:
//!
//! - at every write: what was in that place of memory is what was in that place of the disk;
//! - when a node stops: what it had in memory is what it wrote, and what the crash made it forget;
//! - when it has started again, and at quiet: what it has in memory is what it wrote, and what it is writing.
//!
//! Between a change that was never written and the next of these nobody can lose it. A comparison of a whole storage
//! costs a look at each of its records, most of which are shared and so the same; it is made only where a node starts
//! or stops, which looks at all of them, too.

use std::fmt::Display;

use crate::control::disk::{Disk, Replaced};
use crate::control::message::Commit;
use crate::control::storage::{Batch, Storage, TokenKey, TokenRecord};
use crate::map::FixedMap;
use crate::region::Region;
use crate::sim::Change;
use crate::types::NodeId;

use super::invariant::{CheckContext, Invariant};
use super::view::Memory;
use super::{CheckResult, WorldView};

/// Every change of a record is made by the one function that persists it, too. Tokens are never written twice, but for
/// those that were forgotten.
pub(super) fn wrote(
    judge: &mut CheckContext<'_>,
    node: NodeId,
    commit: &Commit,
    replaced: &Replaced,
) -> CheckResult {
    let (Replaced { cluster, register }, before) = (replaced, &commit.before);
    if commit.batch.cluster.is_some() {
        judge.ensure(*cluster == before.cluster, Invariant::StorageIsWhatWasWritten, || {
            let arn = cluster.as_ref().or(before.cluster.as_ref()).map(|cluster| cluster.arn.to_string());
            unwritten(node, format_args!("a record of {}", arn.unwrap_or_default()))
        })?;
    }
    if commit.batch.register.is_some() {
        let is_same = register.as_ref() == before.register.as_deref();
        judge.ensure(is_same, Invariant::StorageIsWhatWasWritten, || {
            unwritten(node, "what it remembers of a link register")
        })?;
    }
    Ok(())
}

/// Nothing is changed in memory but by what is persisted in the same step, so that a node that stops has in memory what
/// its disk holds by then and, of the rest, what the crash has made it forget. That is among `changes`; the node
/// stopped at `place` there.
pub(super) fn crashed(
    judge: &mut CheckContext<'_>,
    node: NodeId,
    (memory, disk): (&Storage, &Disk),
    changes: &[Change],
    place: usize,
) -> CheckResult {
    let starts = |change: &Change| matches!(change, Change::Restarted(started) if *started == node);
    let from = changes[..place].iter().rposition(starts).map_or(0, |last| last + 1);
    let life = changes[from..].iter().take_while(|change| !starts(change));
    let forgotten = life.filter_map(|change| match change {
        Change::Forgot { node: whose, commit } if *whose == node => Some(&commit.batch),
        _ => None,
    });
    compare(judge, node, memory, disk, forgotten)
}

/// A node that starts replays what its disk holds, and derives what it then does from that.
pub(super) fn is_what_was_written(judge: &mut CheckContext<'_>, node: NodeId) -> CheckResult {
    let Some(Memory { storage, disk, unsynced }) = judge.scene.memory(node) else { return Ok(()) };
    compare(judge, node, storage, disk, unsynced.into_iter())
}

/// The same, of all nodes.
pub(super) fn are_what_was_written(judge: &mut CheckContext<'_>) -> CheckResult {
    let nodes = Region::all().flat_map(|region| [NodeId::ControlPlane(region), NodeId::Witness(region)]);
    nodes.into_iter().try_for_each(|node| is_what_was_written(judge, node))
}

fn compare<'a>(
    judge: &mut CheckContext<'_>,
    node: NodeId,
    memory: &Storage,
    disk: &Disk,
    unsynced: impl Iterator<Item = &'a Batch>,
) -> CheckResult {
    let mut unsynced = unsynced.peekable();
    let difference = match unsynced.peek() {
        None => difference(judge.scene, disk, memory),
        Some(_) => {
            let mut disk = disk.clone();
            unsynced.for_each(|batch| drop(disk.write(batch, judge.scene.assumptions().token_window)));
            difference(judge.scene, &disk, memory)
        }
    };
    judge.ensure(difference.is_none(), Invariant::StorageIsWhatWasWritten, || {
        unwritten(node, difference.unwrap_or_default())
    })
}

/// What `memory` has that is not what was written; tokens that have expired may be in either, or in none.
fn difference(scene: &dyn WorldView, disk: &Disk, memory: &Storage) -> Option<String> {
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
