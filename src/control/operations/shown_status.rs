//! The status that GetCluster shows, which two assumptions let differ from that of the record for a while.
//!
//! Both are about reads alone: calls are judged by the record, and a status of a deletion is always shown.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::api::GetClusterOutput;
use crate::control::assumptions::Assumptions;
use crate::types::{ClusterStatus, Identifier, Instant, Timestamp};

/// The statuses that reads have shown. A crash forgets them, and the next read shows the record.
#[derive(Clone, Debug, Default)]
pub(in crate::control) struct ShownStatuses(BTreeMap<Identifier, ShownStatus>);

#[derive(Clone, Copy, Debug)]
struct ShownStatus {
    /// The status of the record at the latest read.
    latest: ClusterStatus,
    /// The status of the record before it changed to `latest`.
    former: ClusterStatus,
    /// The time of the first read that found `latest`.
    since: Instant,
    /// The number of reads that found it.
    reads: u32,
}

impl ShownStatuses {
    /// The status that a read at `now`, by the clock of the Region at `stamp`, shows of `cluster`, which is as its
    /// record is.
    pub(in crate::control) fn show(
        &mut self,
        cluster: &GetClusterOutput,
        now: Instant,
        stamp: Timestamp,
        assumptions: &Assumptions,
    ) -> ClusterStatus {
        let actual = settled(cluster, stamp, assumptions);
        if assumptions.status_flaps.is_zero() {
            return actual;
        }
        let first = ShownStatus { latest: actual, former: actual, since: now, reads: 0 };
        let shown = self.0.entry(cluster.arn.identifier).or_insert(first);
        if shown.latest != actual {
            *shown = ShownStatus { former: shown.latest, ..first };
        }
        shown.reads += 1;
        // The first read after a change shows the new status, the second the former one, and so on in turn.
        let is_former = shown.reads.is_multiple_of(2) && now.since(shown.since) < assumptions.status_flaps;
        if is_former && !is_of_deletion(actual) { shown.former } else { actual }
    }
}

/// The status without flapping.
fn settled(cluster: &GetClusterOutput, stamp: Timestamp, assumptions: &Assumptions) -> ClusterStatus {
    let age = Duration::from_millis(stamp.0.saturating_sub(cluster.creation_time.0));
    let is_young = age < assumptions.creating_before_setup;
    match cluster.status {
        ClusterStatus::PendingSetup if is_young => ClusterStatus::Creating,
        status => status,
    }
}

fn is_of_deletion(status: ClusterStatus) -> bool {
    matches!(status, ClusterStatus::PendingDelete | ClusterStatus::Deleting | ClusterStatus::Deleted)
}
