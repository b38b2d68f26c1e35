//! What comes over clusters from outside the control plane, and of which nothing is simulated but what it does to
//! them: whether anybody connects, and whether their KMS keys can be used.
//!
//! That somebody connects, or that nobody did for long, is an event: a control plane that is down does not hear of it.
//! That keys are disabled is a fact, which is so whether or not a control plane runs. It meets the fact when it starts,
//! hears of it when it changes, and looks at it whenever it puts a key to use.
//!
//! # No cluster is ACTIVE while its key cannot be used
//!
//! The record of such a cluster says KMS_KEY_INACCESSIBLE, and wherever another would become ACTIVE it becomes IDLE:
//! when it was created or linked, when an update is done, when a connection wakes it. A new key is UPDATING until the
//! update is done, and only then it is seen whether it can be used. (User Guide, "Data encryption": the status IDLE.
//! What happens to a creation or an update with a key that is disabled is not on record; that it leads to the same is
//! ours.)

use std::sync::Arc;

use crate::api::EncryptionStatus;
use crate::types::ClusterStatus;

use super::ControlPlane;
use super::cluster::Cluster;
use super::message::Effect;
use super::mutant::{Mutant, Mutants};

/// What is so in a Region, whether its control plane is up or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Whether customer managed keys are disabled.
    pub keys_disabled: bool,
}

/// What comes over all clusters of a Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExternalEvent {
    /// Nobody has connected for long: ACTIVE becomes IDLE, and IDLE becomes INACTIVE.
    /// (User Guide, "Cluster lifecycle".)
    Doze,
    /// Somebody connects: IDLE and INACTIVE become ACTIVE. (The same.)
    Wake,
    /// Customer managed keys are disabled: `encryptionStatus` is KMS_KEY_INACCESSIBLE, and ACTIVE becomes IDLE.
    /// (User Guide, "Data encryption".)
    DisableKeys,
    /// Customer managed keys are enabled again. (The same.)
    EnableKeys,
}

impl Environment {
    /// What is so after `event`.
    #[must_use]
    pub fn after(self, event: ExternalEvent) -> Environment {
        match event {
            ExternalEvent::DisableKeys => Environment { keys_disabled: true },
            ExternalEvent::EnableKeys => Environment { keys_disabled: false },
            ExternalEvent::Doze | ExternalEvent::Wake => self,
        }
    }
}

impl ControlPlane {
    /// Learns what is so outside, when it starts.
    pub(super) fn observe_environment(&mut self, environment: Environment, out: &mut Vec<Effect>) {
        let changed =
            if environment.keys_disabled { ExternalEvent::DisableKeys } else { ExternalEvent::EnableKeys };
        if !self.mutants.has(Mutant::KeysNotMetAtStart) {
            self.apply_external_event(changed, out);
        }
    }

    /// What the encryption of a cluster with customer key `key` is, or comes to be once the key is in use.
    pub(super) fn encryption_with(&self, key: Option<&Arc<str>>) -> EncryptionStatus {
        match key {
            Some(_) if self.environment.keys_disabled => EncryptionStatus::KmsKeyInaccessible,
            _ => EncryptionStatus::Enabled,
        }
    }

    /// Where work leads that is to lead to `status`, if the encryption of the cluster is `encryption` then.
    pub(super) fn settled(&self, encryption: EncryptionStatus, status: ClusterStatus) -> ClusterStatus {
        let can_be_used = encryption != EncryptionStatus::KmsKeyInaccessible
            || self.mutants.has(Mutant::UnusableKeyForgotten);
        if status == ClusterStatus::Active && !can_be_used { ClusterStatus::Idle } else { status }
    }

    /// Carries out what comes over the clusters here.
    pub(super) fn apply_external_event(&mut self, event: ExternalEvent, out: &mut Vec<Effect>) {
        self.environment = self.environment.after(event);
        let clusters: Vec<Arc<Cluster>> = self.storage.clusters().cloned().collect();
        for cluster in clusters {
            let (status, encryption) = status_after(self.mutants, event, &cluster);
            if (status, encryption) != (cluster.status, cluster.encryption) {
                self.write(&cluster, None, None, out, |record| {
                    record.status = status;
                    record.encryption = encryption;
                });
                self.keep_in_memory(Mutant::ShiftInMemory, out);
            }
        }
    }
}

fn status_after(
    mutants: Mutants,
    event: ExternalEvent,
    cluster: &Cluster,
) -> (ClusterStatus, EncryptionStatus) {
    use ClusterStatus::{Active, Idle, Inactive};
    use EncryptionStatus::{Enabled, KmsKeyInaccessible};
    let (status, encryption) = (cluster.status, cluster.encryption);
    match (event, status) {
        (ExternalEvent::Doze, Active) => (Idle, encryption),
        (ExternalEvent::Doze, Idle) => (Inactive, encryption),
        (ExternalEvent::Wake, Idle | Inactive) if mutants.has(Mutant::WokenWithoutKey) => {
            (Active, encryption)
        }
        (ExternalEvent::Wake, Inactive) if mutants.has(Mutant::InactiveNotWoken) => (status, encryption),
        (ExternalEvent::Wake, Idle | Inactive) if encryption != KmsKeyInaccessible => (Active, encryption),
        (ExternalEvent::DisableKeys, _) if cluster.kms_key.is_some() => {
            (if status == Active { Idle } else { status }, KmsKeyInaccessible)
        }
        (ExternalEvent::EnableKeys, _) if encryption == KmsKeyInaccessible => {
            (if status == Idle { Active } else { status }, Enabled)
        }
        _ => (status, encryption),
    }
}
