//! A cluster that AWS Backup restores: it appears in the Region, and no call of a client creates it.
//!
//! A restore makes a new cluster, with an identifier of its own and with deletion protection. (AWS Backup Developer
//! Guide, "Restore an Aurora DSQL cluster".) That it counts towards the quota like any other, has no tags and is
//! encrypted with a key of AWS's is our choice. A restored pair is made by the ordinary calls, so it needs no event.

use std::sync::Arc;

use crate::api::EncryptionStatus;
use crate::control::ControlPlane;
use crate::control::mutant::planted;
use crate::control::records::{Batch, Cluster};
use crate::control::turn::Turn;
use crate::types::{Account, ClusterArn, ClusterStatus, Identifier, Timestamp};

impl ControlPlane {
    /// Creates the cluster of a restore job. At the quota the job fails, and nothing is left of it here.
    pub(super) fn restore_cluster(
        &mut self,
        turn: &mut Turn<'_>,
        account: Account,
        fresh: Identifier,
        stamp: Timestamp,
    ) {
        let mut is_full = self.check_quota(turn, account, false).is_err();
        planted!(self.mutants, RestoreIgnoresQuota => is_full = false);
        if is_full {
            return;
        }
        let mut identifier = fresh;
        planted!(self.mutants, RestoredSharesIdentifier =>
            identifier = self.storage.clusters().last().map_or(fresh, |source| source.arn.identifier));
        let mut is_protected = true;
        planted!(self.mutants, RestoredUnprotected => is_protected = false);
        let cluster = Arc::new(Cluster {
            arn: ClusterArn { region: self.region, account, identifier },
            serial: self.storage.next_serial(account),
            status: ClusterStatus::Creating,
            version: 1,
            creation_time: stamp,
            deletion_protection: is_protected,
            kms_key: None,
            tags: None,
            attached: None,
            statement_statistics: false,
            encryption: EncryptionStatus::Enabled,
            multi_region: None,
            intent: None,
        });
        let record = Some((account, cluster.serial, Some(cluster.clone())));
        self.persist(turn, Batch { cluster: record, ..Batch::default() }, None);
        self.set_status_timer(turn, &cluster);
    }
}
