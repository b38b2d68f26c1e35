//! The effect of an environment event on the clusters of its Region. (User Guide, "Cluster lifecycle" and "Data
//! encryption".)

use crate::api::EncryptionStatus;
use crate::control::environment::{ExternalEvent, KeyScope};
use crate::control::records::Cluster;
use crate::region::Region;
use crate::types::ClusterStatus;

use super::invariant::{CheckContext, Invariant};
use super::records::Records;
use super::{CheckResult, streams};

/// A control plane that is up changes each of its clusters in the step in which it receives the event, and its
/// storage shows the result afterwards. The record from before the event is known only if the durable record has the
/// same version as the one in memory, because the version increases with every change of the status.
pub(super) fn took_effect(
    ctx: &mut CheckContext<'_>,
    records: &Records,
    region: Region,
    event: &ExternalEvent,
) -> CheckResult {
    let Some(storage) = ctx.view.storage(region) else { return Ok(()) };
    streams::agree_with_facts(ctx, region)?;
    storage.clusters().try_for_each(|cluster| {
        let before = records.at(cluster.arn).filter(|before| before.version == cluster.version);
        let is_disabled = |key: &str| ctx.view.environment(region).is_disabled(key);
        let is_possible = is_possible_after(event, is_disabled, before, cluster);
        ctx.ensure(is_possible, Invariant::LegalTransition, || {
            let Cluster { arn, status, encryption, .. } = &**cluster;
            format!("{arn} is in {status}, its encryption {encryption:?}, after {event:?} came over it")
        })
    })
}

/// Whether `cluster` can be in this state right after `event`. `before` is its record before the event, given only if
/// the status has not changed since.
fn is_possible_after(
    event: &ExternalEvent,
    is_disabled: impl Fn(&str) -> bool,
    before: Option<&Cluster>,
    cluster: &Cluster,
) -> bool {
    use ClusterStatus::{Active, Creating, Idle, Inactive};
    use EncryptionStatus::{Enabled, KmsKeyInaccessible};
    let (status, encryption) = (cluster.status, cluster.encryption);
    let is_usable = encryption != KmsKeyInaccessible;
    match (event, cluster.kms_key.as_deref()) {
        // No cluster stays ACTIVE, and one that was IDLE before is INACTIVE now.
        (ExternalEvent::Idle, _) => status != Active && !(status == Idle && before.is_some()),
        // A cluster whose key cannot be used stays as it is, although a client connects.
        (ExternalEvent::Connect, _) => !is_usable || !matches!(status, Idle | Inactive),
        (ExternalEvent::DisableKeys(keys), Some(key)) if concerns(keys, key) => {
            !is_usable && status != Active
        }
        (ExternalEvent::EnableKeys(keys), Some(key)) if concerns(keys, key) => {
            // An IDLE cluster whose key was usable before was idle for lack of clients, and stays IDLE.
            let was_usable = |it: &Cluster| it.encryption != KmsKeyInaccessible;
            is_usable && (status != Idle || before.is_none_or(was_usable))
        }
        // The event is about other keys: the encryption says of this one what was so before.
        (ExternalEvent::DisableKeys(_) | ExternalEvent::EnableKeys(_), Some(key)) => {
            encryption != if is_disabled(key) { Enabled } else { KmsKeyInaccessible }
        }
        (ExternalEvent::DisableKeys(_) | ExternalEvent::EnableKeys(_), None)
        | (ExternalEvent::BreakTarget { .. } | ExternalEvent::RepairTarget { .. }, _) => true,
        // A linked cluster is in CREATING a second time, and its creation is over.
        (ExternalEvent::FailCreation, _) => status != Creating || cluster.linked_peer().is_some(),
        // A quota concerns the clusters to come, and a restore makes one of its own.
        (ExternalEvent::RaiseQuota { .. } | ExternalEvent::RestoreCluster { .. }, _) => true,
    }
}

/// Whether an event that names `keys` is about `key`.
fn concerns(keys: &KeyScope, key: &str) -> bool {
    match keys {
        KeyScope::All => true,
        KeyScope::One(one) => **one == *key,
    }
}
