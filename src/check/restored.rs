//! Clusters that no call created. (AWS Backup Developer Guide, "Restore an Aurora DSQL cluster".)

use std::sync::Arc;

use crate::control::environment::ExternalEvent;
use crate::control::message::Commit;
use crate::control::records::Cluster;
use crate::map::FixedMap;
use crate::region::Region;
use crate::types::{Account, ClusterStatus};

use super::CheckResult;
use super::invariant::{CheckContext, Invariant};

/// The restores that AWS Backup began, by the Region and the account of the clusters.
#[derive(Clone, Debug, Default)]
pub(super) struct Restores {
    /// The number of restores whose cluster has not become durable. Some of them never make one: at the quota, or
    /// because of a crash.
    begun: FixedMap<(Region, Account), u32>,
}

impl Restores {
    /// An event of the environment reached the control plane of `region`.
    pub(super) fn outside(&mut self, region: Region, event: &ExternalEvent) {
        if let ExternalEvent::RestoreCluster { account } = event {
            *self.begun.entry((region, *account)).or_default() += 1;
        }
    }

    /// A cluster that [`appeared`] is that of a restore, which knows none of the members that a call could have.
    pub(super) fn wrote(&mut self, ctx: &mut CheckContext<'_>, cluster: &Cluster) -> CheckResult {
        let begun = self.begun.get_mut(&(cluster.arn.region, cluster.arn.account));
        let is_restored = begun.and_then(|begun| begun.checked_sub(1).map(|left| *begun = left)).is_some();
        ctx.ensure(is_restored && is_as_restored(cluster), Invariant::ChangedOnlyByItsCall, || {
            let but =
                if is_restored { "with other properties than a restored one" } else { "without a restore" };
            format!("{} appeared without a call, {but}", cluster.arn)
        })
    }
}

/// The cluster that a write makes without a call: a call creates a cluster in the turn that answers it.
pub(super) fn appeared(commit: &Commit) -> Option<&Arc<Cluster>> {
    let (_, _, after) = commit.batch.cluster.as_ref()?;
    let is_new = commit.cause.is_none() && commit.before.cluster.is_none();
    after.as_ref().filter(|_| is_new)
}

/// Whether a cluster is as AWS Backup makes it.
fn is_as_restored(cluster: &Cluster) -> bool {
    cluster.status == ClusterStatus::Creating
        && cluster.deletion_protection
        && cluster.kms_key.is_none()
        && cluster.multi_region.is_none()
        && cluster.tags.is_none()
        && cluster.attached.is_none()
        && cluster.intent.is_none()
        && !cluster.statement_statistics
}
