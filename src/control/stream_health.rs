//! The health of streams: when a stream is IMPAIRED or FAILED, for which reason, and when it recovers.
//!
//! # From ACTIVE to IMPAIRED and back
//!
//! A stream that cannot deliver is IMPAIRED, and `statusReason` has the error code. It is ACTIVE again when the cause
//! is gone, because the service repeats the delivery. A FAILED stream stays FAILED until it is deleted. (User Guide,
//! "Monitoring streams".)
//!
//! # The key of the cluster
//!
//! While the customer managed key of its cluster cannot be used, a stream is IMPAIRED with CLUSTER_CMK_INACCESSIBLE,
//! whatever ailed it before; a stream in CREATING becomes FAILED at once. (User Guide, "Configuring IAM", data
//! protection.) A new key is put to use only at the end of the update that names it, and until then the streams stay as
//! the old key left them: our choice.
//!
//! # The target
//!
//! A role that cannot be assumed or may not write, and a Kinesis stream that takes no records, leave a stream IMPAIRED;
//! a Kinesis stream that is gone makes it FAILED. (User Guide, "Monitoring streams", error code reference.)
//! CreateStream refuses a role that cannot be assumed (observed). Every other error of the target shows when CREATING
//! ends, and the stream becomes FAILED, as with the key: our choice.
//!
//! Of several errors a stream shows that which its delivery meets first ([`super::broken_targets`]), that of the key
//! before all. A control plane learns of all of them at its start and whenever they change.

use std::sync::Arc;

use crate::api::{EncryptionStatus, StreamFailureErrorCode, StreamStatus};
use crate::control::ControlPlane;
use crate::control::mutant::planted;
use crate::control::records::{Cluster, Stream};
use crate::control::turn::Turn;

impl ControlPlane {
    /// Gives the streams of a record the statuses that follow from the facts.
    pub(super) fn settle_streams(&self, turn: &Turn<'_>, record: &mut Cluster) {
        let settled = |stream: &Stream| self.settled(turn, record, stream);
        let streams: Vec<Stream> = record.streams().iter().map(settled).collect();
        // Most clusters have no stream, and share this part of the record with its former version.
        if streams != record.streams() {
            Arc::make_mut(record.attached.get_or_insert_default()).streams = streams;
        }
    }

    /// The error that keeps a stream of `cluster` from delivering; `None` if it can deliver.
    pub(super) fn delivery_error(
        &self,
        cluster: &Cluster,
        stream: &Stream,
    ) -> Option<StreamFailureErrorCode> {
        use StreamFailureErrorCode::ClusterCmkInaccessible;
        let mut is_accessible = match cluster.encryption {
            EncryptionStatus::KmsKeyInaccessible => false,
            EncryptionStatus::Enabled => true,
            EncryptionStatus::Updating | EncryptionStatus::Enabling => {
                stream.error() != Some(ClusterCmkInaccessible)
            }
        };
        planted!(self.mutants, LostKeyLeavesStreams => is_accessible = true);
        planted!(self.mutants, LostKeyNotNamed if !is_accessible => return Some(StreamFailureErrorCode::InternalError));
        if !is_accessible {
            return Some(ClusterCmkInaccessible);
        }
        let mut error = self.environment.targets.error_of(&stream.target);
        planted!(self.mutants, RoleDenialNotNamed if error == Some(StreamFailureErrorCode::RoleAccessDenied) =>
            error = Some(StreamFailureErrorCode::KinesisAccessDenied));
        error
    }

    /// Gives every stream of the Region the status that follows from the facts.
    pub(super) fn settle_all_streams(&mut self, turn: &mut Turn<'_>) {
        let with_streams = self.storage.clusters().filter(|cluster| !cluster.streams().is_empty());
        let clusters: Vec<Arc<Cluster>> = with_streams.cloned().collect();
        for cluster in clusters {
            let mut record = Cluster::clone(&cluster);
            self.settle_streams(turn, &mut record);
            if !record.shares_attached(&cluster) {
                self.write_cluster(turn, &cluster, None, None, |changed| *changed = record);
            }
        }
    }

    /// The stream as the facts demand it.
    fn settled(&self, turn: &Turn<'_>, cluster: &Cluster, stream: &Stream) -> Stream {
        use StreamFailureErrorCode::{ClusterCmkInaccessible, KinesisStreamNotFound};
        use StreamStatus::{Active, Creating, Failed, Impaired};
        let error = self.delivery_error(cluster, stream);
        let (mut heals, is_gone) = (false, error == Some(KinesisStreamNotFound));
        planted!(self.mutants, FailedStreamHeals => heals = true);
        let (status, error) = match (stream.status, error) {
            (Creating, Some(ClusterCmkInaccessible)) => (Failed, Some(ClusterCmkInaccessible)),
            (Active | Impaired, error) if is_gone => (Failed, error),
            (Active | Impaired, Some(error)) => (Impaired, Some(error)),
            (Impaired, None) => (Active, None),
            (Failed, None) if heals => (Active, None),
            (status, _) => (status, stream.error()),
        };
        let mut settled = stream.clone();
        settled.enter(status, error, turn.stamp());
        planted!(self.mutants, RecoveryKeepsReason => settled.reason = settled.reason.or(stream.reason.clone()));
        settled
    }
}
