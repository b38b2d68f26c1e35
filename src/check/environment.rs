//! What an event outside does to the clusters of its Region. (User Guide, "Cluster lifecycle" and "Data encryption".)

use crate::api::EncryptionStatus;
use crate::control::cluster::Cluster;
use crate::control::environment::ExternalEvent;
use crate::region::Region;
use crate::types::ClusterStatus;

use super::CheckResult;
use super::invariant::{CheckContext, Invariant};
use super::records::Records;

/// A control plane that is up rewrites each of its clusters in the step in which it hears of the event, and what it has
/// in storage afterwards says so. How a cluster was before is known where its durable record is still as it is now, or
/// differs in nothing but its encryption: a record's version goes up with every change of its status.
pub(super) fn has_come_over(
    judge: &mut CheckContext<'_>,
    records: &Records,
    region: Region,
    event: ExternalEvent,
) -> CheckResult {
    let Some(storage) = judge.scene.storage(region) else { return Ok(()) };
    storage.clusters().try_for_each(|cluster| {
        let before = records.at(cluster.arn).filter(|before| before.version == cluster.version);
        judge.ensure(is_reached(event, before, cluster), Invariant::LegalTransition, || {
            let Cluster { arn, status, encryption, .. } = &**cluster;
            format!("{arn} is in {status}, its encryption {encryption:?}, after {event:?} came over it")
        })
    })
}

/// Whether `event` can have left `cluster` as it is; `before` is known only where its status has not changed since.
fn is_reached(event: ExternalEvent, before: Option<&Cluster>, cluster: &Cluster) -> bool {
    use ClusterStatus::{Active, Idle, Inactive};
    let (status, key) = (cluster.status, cluster.kms_key.is_some());
    let is_usable = cluster.encryption != EncryptionStatus::KmsKeyInaccessible;
    match event {
        ExternalEvent::Doze => status != Active && !(status == Idle && before.is_some()),
        ExternalEvent::Wake => !is_usable || !matches!(status, Idle | Inactive),
        ExternalEvent::DisableKeys => !key || (!is_usable && status != Active),
        ExternalEvent::EnableKeys => {
            let was_usable = |it: &Cluster| it.encryption != EncryptionStatus::KmsKeyInaccessible;
            is_usable && (status != Idle || before.is_none_or(was_usable))
        }
    }
}
