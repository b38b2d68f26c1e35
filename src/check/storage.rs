//! The invariant about storage: a node has in storage exactly what it wrote.
//!
//! A node's storage in memory is ahead of its disk by the writes under way, and after a crash the node finds what the
//! disk holds. A change that it made in memory and never persisted looks right as long as the node runs. Memory and
//! disk are changed by the same batches but by different code: the node changes its memory, and the world changes the
//! disk when a batch is durable. So each can be checked against the other:
//!
//! - at every write: the record that the batch replaced in memory is the one that it replaced on disk;
//! - when a node stops: its memory is what its disk holds, with the writes that the crash lost;
//! - when it has started again, and at quiet: its memory is what its disk holds, with the writes under way.
//!
//! No change can be lost between the moment when it should have been written and the next of these comparisons.
//! Comparing a whole storage touches each record, most of which are shared and thus equal by address. It is done only
//! where a node starts or stops, which touches all of them as well.

use std::fmt::Display;

use crate::control::message::Commit;
use crate::control::records::{Batch, Disk, Replaced, Storage, TokenKey, TokenRecord};
use crate::map::FixedMap;
use crate::region::Region;
use crate::sim::Change;
use crate::types::NodeId;

use super::invariant::{CheckContext, Invariant};
use super::view::Memory;
use super::{CheckResult, WorldView};

/// One function changes a record in memory and persists it. Tokens are not compared: a token is written twice only
/// after it was forgotten, and memory and disk may forget it at different times.
pub(super) fn wrote(
    ctx: &mut CheckContext<'_>,
    node: NodeId,
    commit: &Commit,
    replaced: &Replaced,
) -> CheckResult {
    let (Replaced { cluster, register }, before) = (replaced, &commit.before);
    if commit.batch.cluster.is_some() {
        ctx.ensure(*cluster == before.cluster, Invariant::StorageIsWhatWasWritten, || {
            let arn = cluster.as_ref().or(before.cluster.as_ref()).map(|cluster| cluster.arn.to_string());
            unwritten(node, format_args!("a record of {}", arn.unwrap_or_default()))
        })?;
    }
    if commit.batch.register.is_some() {
        let is_same = register.as_ref() == before.register.as_deref();
        ctx.ensure(is_same, Invariant::StorageIsWhatWasWritten, || {
            unwritten(node, "what it remembers of a link register")
        })?;
    }
    Ok(())
}

/// Memory changes only by batches that are persisted in the same step. When a node stops, its memory is therefore
/// what its disk holds together with the writes that the crash lost. These are among `changes`, in which the stop is
/// the one at `index`.
pub(super) fn crashed(
    ctx: &mut CheckContext<'_>,
    node: NodeId,
    (memory, disk): (&Storage, &Disk),
    changes: &[Change],
    index: usize,
) -> CheckResult {
    // One event may restart a node and stop it again: only writes of the life that ended here count.
    let starts = |change: &Change| matches!(change, Change::Restarted(started) if *started == node);
    let from = changes[..index].iter().rposition(starts).map_or(0, |last| last + 1);
    let life = changes[from..].iter().take_while(|change| !starts(change));
    let forgotten = life.filter_map(|change| match change {
        Change::Forgot { node: owner, commit } if *owner == node => Some(&commit.batch),
        _ => None,
    });
    compare(ctx, node, memory, disk, forgotten)
}

/// A node that starts replays its disk, and derives its work from the result.
pub(super) fn is_what_was_written(ctx: &mut CheckContext<'_>, node: NodeId) -> CheckResult {
    let Some(Memory { storage, disk, unsynced }) = ctx.view.memory(node) else { return Ok(()) };
    compare(ctx, node, storage, disk, unsynced.into_iter())
}

/// The same comparison for every node.
pub(super) fn are_what_was_written(ctx: &mut CheckContext<'_>) -> CheckResult {
    let nodes = Region::all().flat_map(|region| [NodeId::ControlPlane(region), NodeId::Witness(region)]);
    nodes.into_iter().try_for_each(|node| is_what_was_written(ctx, node))
}

fn compare<'a>(
    ctx: &mut CheckContext<'_>,
    node: NodeId,
    memory: &Storage,
    disk: &Disk,
    unsynced: impl Iterator<Item = &'a Batch>,
) -> CheckResult {
    let mut unsynced = unsynced.peekable();
    let difference = match unsynced.peek() {
        None => difference(ctx.view, disk, memory),
        Some(_) => {
            let mut disk = disk.clone();
            unsynced.for_each(|batch| drop(disk.write(batch, ctx.view.assumptions().token_window)));
            difference(ctx.view, &disk, memory)
        }
    };
    ctx.ensure(difference.is_none(), Invariant::StorageIsWhatWasWritten, || {
        unwritten(node, difference.unwrap_or_default())
    })
}

/// The first difference between `memory` and what was written, in words. An expired token may be in both, in either,
/// or in none.
fn difference(view: &dyn WorldView, disk: &Disk, memory: &Storage) -> Option<String> {
    let mut written = 0;
    for (account, serial, record) in disk.clusters() {
        let known = memory.at(account, serial);
        if known != record {
            let arn = known.or(record).map_or_else(String::new, |cluster| cluster.arn.to_string());
            return Some(format!("a record of {arn}"));
        }
        // The slot of a removed cluster is empty, and must not be used again: page tokens name it.
        if serial >= memory.next_serial(account) {
            return Some("a number of created clusters".to_owned());
        }
        written += usize::from(record.is_some());
    }
    // Every record on disk was compared above, so a difference in number is a record that only memory has.
    if memory.clusters().count() != written {
        return Some("a cluster".to_owned());
    }
    if memory.registers() != disk.registers() {
        return Some("what it remembers of a link register".to_owned());
    }
    let (now, window) = (view.now(), view.assumptions().token_window);
    let lives = |record: &TokenRecord| now.since(record.at) < window;
    let live = disk.tokens().filter(|(_, record)| lives(record));
    // A token may have been written again after it expired; the last record counts.
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
