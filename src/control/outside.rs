//! What comes over clusters from outside the control plane, and of which nothing is simulated but what it does to
//! them: whether anybody connects, and whether their KMS keys can be used.

use std::sync::Arc;

use crate::api::EncryptionStatus;
use crate::types::ClusterStatus;

use super::ControlPlane;
use super::cluster::Cluster;
use super::message::Effect;
use super::mutant::Mutant;

/// What comes over all clusters of a Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
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

impl ControlPlane {
    /// Carries out what comes over the clusters here.
    pub(super) fn shift(&mut self, shift: Shift, out: &mut Vec<Effect>) {
        let clusters: Vec<Arc<Cluster>> = self.durable.clusters().cloned().collect();
        for cluster in clusters {
            let (status, encryption) = shifted(shift, &cluster);
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

fn shifted(shift: Shift, cluster: &Cluster) -> (ClusterStatus, EncryptionStatus) {
    use ClusterStatus::{Active, Idle, Inactive};
    use EncryptionStatus::{Enabled, KmsKeyInaccessible};
    let (status, encryption) = (cluster.status, cluster.encryption);
    match (shift, status) {
        (Shift::Doze, Active) => (Idle, encryption),
        (Shift::Doze, Idle) => (Inactive, encryption),
        (Shift::Wake, Idle | Inactive) if encryption != KmsKeyInaccessible => (Active, encryption),
        (Shift::DisableKeys, _) if cluster.kms_key.is_some() => {
            (if status == Active { Idle } else { status }, KmsKeyInaccessible)
        }
        (Shift::EnableKeys, _) if encryption == KmsKeyInaccessible => {
            (if status == Idle { Active } else { status }, Enabled)
        }
        _ => (status, encryption),
    }
}
