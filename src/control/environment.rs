//! The environment of a control plane: client connections and KMS keys, modelled only by their effect on clusters.
//!
//! A connection, or a long time without one, is an event: a control plane that is down misses it. Disabled keys are a
//! fact, whether or not a control plane runs: it learns the fact at its start and whenever it changes, and consults
//! it when it puts a key to use.
//!
//! # No cluster is ACTIVE while its key cannot be used
//!
//! The record of such a cluster has KMS_KEY_INACCESSIBLE, and wherever another cluster would become ACTIVE it becomes
//! IDLE: when it was created or linked, when an update is done, when a client connects. A new key is UPDATING until
//! the update is done; only then it shows whether the key can be used. (User Guide, "Data encryption": the status
//! IDLE. The effect of a disabled key on a creation or an update is not documented; the same effect is our choice.)

use std::sync::Arc;

use crate::api::EncryptionStatus;
use crate::control::ControlPlane;
use crate::control::mutant::{Mutants, planted};
use crate::control::records::Cluster;
use crate::control::turn::Turn;
use crate::types::ClusterStatus;

/// The facts of a Region that hold whether its control plane is up or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Whether customer managed keys are disabled.
    pub keys_disabled: bool,
}

/// An event that affects all clusters of a Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExternalEvent {
    /// No client has connected for a long time: ACTIVE becomes IDLE, and IDLE becomes INACTIVE. Other statuses do not
    /// change. (User Guide, "Cluster lifecycle".)
    Idle,
    /// A client connects: IDLE and INACTIVE become ACTIVE, unless the cluster's key cannot be used. (User Guide,
    /// "Cluster lifecycle".)
    Connect,
    /// Customer managed keys are disabled: clusters with such a key get KMS_KEY_INACCESSIBLE, and ACTIVE becomes
    /// IDLE. A control plane that is down learns of it at its start. (User Guide, "Data encryption".)
    DisableKeys,
    /// Customer managed keys are enabled again: `encryptionStatus` becomes ENABLED, and IDLE becomes ACTIVE. (User
    /// Guide, "Data encryption".)
    EnableKeys,
}

impl Environment {
    /// The environment after `event`.
    #[must_use]
    pub fn after(self, event: ExternalEvent) -> Environment {
        match event {
            ExternalEvent::DisableKeys => Environment { keys_disabled: true },
            ExternalEvent::EnableKeys => Environment { keys_disabled: false },
            ExternalEvent::Idle | ExternalEvent::Connect => self,
        }
    }
}

impl ControlPlane {
    /// Applies the environment that the node finds at its start: keys may have changed while it was down.
    pub(super) fn observe_environment(&mut self, turn: &mut Turn<'_>, environment: Environment) {
        let changed =
            if environment.keys_disabled { ExternalEvent::DisableKeys } else { ExternalEvent::EnableKeys };
        planted!(self.mutants, KeysNotMetAtStart => return);
        self.apply_external_event(turn, changed);
    }

    /// The encryption status of a cluster with the customer key `key` once the key is in use.
    pub(super) fn encryption_with(&self, key: Option<&Arc<str>>) -> EncryptionStatus {
        match key {
            Some(_) if self.environment.keys_disabled => EncryptionStatus::KmsKeyInaccessible,
            _ => EncryptionStatus::Enabled,
        }
    }

    /// The status that work leads to when it should lead to `status`: IDLE instead of ACTIVE while the key cannot be
    /// used.
    pub(super) fn status_with_key(
        &self,
        encryption: EncryptionStatus,
        status: ClusterStatus,
    ) -> ClusterStatus {
        let mut can_be_used = encryption != EncryptionStatus::KmsKeyInaccessible;
        planted!(self.mutants, UnusableKeyForgotten => can_be_used = true);
        if status == ClusterStatus::Active && !can_be_used { ClusterStatus::Idle } else { status }
    }

    /// Applies an event to every cluster of the Region.
    pub(super) fn apply_external_event(&mut self, turn: &mut Turn<'_>, event: ExternalEvent) {
        self.environment = self.environment.after(event);
        let clusters: Vec<Arc<Cluster>> = self.storage.clusters().cloned().collect();
        for cluster in clusters {
            let (status, encryption) = status_after(self.mutants, event, &cluster);
            // An unchanged record is not written: an event that repeats a fact must not outdate a timer.
            if (status, encryption) != (cluster.status, cluster.encryption) {
                self.write_cluster(turn, &cluster, None, None, |record| {
                    record.status = status;
                    record.encryption = encryption;
                });
                planted!(self.mutants, ShiftInMemory => turn.drop_last_persist());
            }
        }
    }
}

/// The status and the encryption of a cluster after `event`.
fn status_after(
    mutants: Mutants,
    event: ExternalEvent,
    cluster: &Cluster,
) -> (ClusterStatus, EncryptionStatus) {
    use ClusterStatus::{Active, Idle, Inactive};
    use EncryptionStatus::{Enabled, KmsKeyInaccessible};
    let (status, encryption) = (cluster.status, cluster.encryption);
    let mut can_wake = encryption != KmsKeyInaccessible;
    planted!(mutants, InactiveNotWoken if status == Inactive => can_wake = false);
    planted!(mutants, WokenWithoutKey => can_wake = true);
    match (event, status) {
        (ExternalEvent::Idle, Active) => (Idle, encryption),
        (ExternalEvent::Idle, Idle) => (Inactive, encryption),
        (ExternalEvent::Connect, Idle | Inactive) if can_wake => (Active, encryption),
        // A transient status goes on: the work that it stands for ends as IDLE.
        (ExternalEvent::DisableKeys, _) if cluster.kms_key.is_some() => {
            (if status == Active { Idle } else { status }, KmsKeyInaccessible)
        }
        // Only a cluster that lost its key has this encryption status; one that is IDLE for want of connections keeps
        // it.
        (ExternalEvent::EnableKeys, _) if encryption == KmsKeyInaccessible => {
            (if status == Idle { Active } else { status }, Enabled)
        }
        _ => (status, encryption),
    }
}
