//! The end of transient statuses: timers lead clusters and streams on to the status that follows.

use std::sync::Arc;

use crate::api::{EncryptionStatus, StreamStatus};
use crate::control::ControlPlane;
use crate::control::message::{DelayRange, Timer};
use crate::control::mutant::planted;
use crate::control::records::{Batch, Cluster, ClusterKey, Serial, Stream};
use crate::control::turn::Turn;
use crate::coverage_mark::CoverageMark;
use crate::types::{Account, ClusterStatus, Identifier};

/// The transitions that a control plane remembers since its start.
#[derive(Clone, Debug, Default)]
pub(in crate::control) struct Transitions {
    /// Read by a mutant only.
    last_deleted: Option<Identifier>,
    /// Clusters found in PENDING_DELETE at the start. Coverage only.
    resumed: Vec<ClusterKey>,
}

impl Transitions {
    /// Notes that the cluster with this key was found in PENDING_DELETE at the start.
    pub(in crate::control) fn resume(&mut self, key: ClusterKey) {
        self.resumed.push(key);
    }

    /// The identifier of the last cluster that was removed.
    pub(in crate::control) fn last_deleted(&self) -> Option<Identifier> {
        self.last_deleted
    }
}

impl ControlPlane {
    /// Ends a transient status: the record takes the status that follows, or is removed.
    pub(in crate::control) fn finish_transition(
        &mut self,
        turn: &mut Turn<'_>,
        account: Account,
        serial: Serial,
        version: u32,
        to: Option<ClusterStatus>,
    ) {
        // Removed since the timer was set, so there is nothing left to end.
        let Some(cluster) = self.storage.at(account, serial).cloned() else { return };
        // The status has changed since the timer was set (an update, a deletion, a link): its work was abandoned.
        let mut is_stale = cluster.version != version;
        turn.cover_if(is_stale, CoverageMark::TimerStale);
        planted!(self.mutants, StaleTimer => is_stale = false);
        if is_stale {
            return;
        }
        match to {
            Some(status) => {
                if status == ClusterStatus::Deleting && self.transitions.resumed.contains(&(account, serial))
                {
                    turn.cover(CoverageMark::PendingDeleteHealed);
                }
                // A new key is put to use only now, so this is the moment when a disabled key shows.
                let encryption = match cluster.encryption {
                    EncryptionStatus::Updating => self.encryption_with(cluster.kms_key.as_ref()),
                    encryption => encryption,
                };
                let status = self.status_with_key(encryption, status);
                let cluster = self.write_cluster(turn, &cluster, None, None, |record| {
                    record.status = status;
                    record.encryption = encryption;
                });
                // The settled status may want something of the register: PENDING_SETUP declares again, a leaving pair
                // goes on.
                self.propose(turn, &cluster, 0);
            }
            None => {
                self.transitions.last_deleted = Some(cluster.arn.identifier);
                let batch = Batch { cluster: Some((account, serial, None)), ..Batch::default() };
                self.persist(turn, batch, None);
            }
        }
    }

    /// Sets the timer that leads out of the cluster's transient status, if it is in one.
    pub(in crate::control) fn set_status_timer(&self, turn: &mut Turn<'_>, cluster: &Cluster) {
        if let Some((after, timer)) = self.status_timer(cluster) {
            turn.set_timer(after, timer);
        }
    }

    /// The timer that leads out of the cluster's transient status, and its delay; `None` if the status stays.
    pub(in crate::control) fn status_timer(&self, cluster: &Cluster) -> Option<(DelayRange, Timer)> {
        use ClusterStatus::{Active, Creating, Deleted, Deleting, Failed, Updating};
        let assumed = &*self.assumptions;
        let is_linked = cluster.linked_peer().is_some();
        let visible = assumed.deleted_visible;
        let mut settled = cluster.settled_status();
        planted!(self.mutants, UpdateLeadsToActive => settled = Active);
        let (after, to) = match cluster.status {
            Creating if is_linked => {
                (assumed.peering_time, Some(if assumed.peering_fails { Failed } else { Active }))
            }
            Creating => (assumed.create_time, Some(if assumed.creation_fails { Failed } else { Active })),
            Updating => (assumed.update_time, Some(settled)),
            Deleting if visible.is_zero() => (assumed.delete_time, None),
            Deleting => (assumed.delete_time, Some(Deleted)),
            Deleted => (DelayRange { min: visible, max: visible }, None),
            // PENDING_SETUP and PENDING_DELETE end by the register's decision, the settled statuses by a call.
            _ => return None,
        };
        let ((account, serial), version) = (cluster.key(), cluster.version);
        Some((after, Timer::Status { account, serial, version, to }))
    }

    /// Ends a stream's transient status: the stream takes the status that follows, or is removed.
    pub(super) fn finish_stream_transition(
        &mut self,
        turn: &mut Turn<'_>,
        account: Account,
        serial: Serial,
        number: u32,
        to: Option<StreamStatus>,
    ) {
        // The cluster was removed with its streams.
        let Some(cluster) = self.storage.at(account, serial).cloned() else { return };
        let stream = cluster.streams().iter().find(|stream| stream.number == number);
        // The stream was deleted while it was being created, for example: its work was abandoned.
        let Some(mut stream) = stream.filter(|stream| self.next_status(stream).1 == to).cloned() else {
            return;
        };
        if let Some(status) = to {
            // The end of a creation is the first delivery, which tries the target.
            let is_created = stream.status == StreamStatus::Creating;
            let error = || self.delivery_error(&cluster, &stream).or(self.assumptions.stream_fails);
            match is_created.then(error).flatten() {
                Some(error) => stream.enter(StreamStatus::Failed, Some(error), turn.stamp()),
                None => stream.enter(status, None, turn.stamp()),
            }
            self.set_stream_timer(turn, &cluster, &stream);
        }
        self.write_cluster(turn, &cluster, None, None, |record| {
            let attached = Arc::make_mut(record.attached.get_or_insert_default());
            match to {
                Some(_) => {
                    let streams = attached.streams.iter_mut();
                    streams.filter(|it| it.number == number).for_each(|it| *it = stream.clone());
                }
                None => attached.streams.retain(|it| it.number != number),
            }
        });
    }

    /// Sets the timer that leads out of the stream's transient status, if it is in one.
    pub(super) fn set_stream_timer(&self, turn: &mut Turn<'_>, cluster: &Cluster, stream: &Stream) {
        if stream.is_transient() {
            let (after, to) = self.next_status(stream);
            let (account, serial, number) = (cluster.arn.account, cluster.serial, stream.number);
            turn.set_timer(after, Timer::Stream { account, serial, number, to });
        }
    }

    /// The status that follows a transient one, and the delay until then.
    fn next_status(&self, stream: &Stream) -> (DelayRange, Option<StreamStatus>) {
        let assumed = &*self.assumptions;
        let visible = assumed.deleted_visible;
        match stream.status {
            StreamStatus::Creating => (assumed.stream_time, Some(StreamStatus::Active)),
            StreamStatus::Deleting if !visible.is_zero() => {
                (assumed.delete_time, Some(StreamStatus::Deleted))
            }
            StreamStatus::Deleted => (DelayRange { min: visible, max: visible }, None),
            _ => (assumed.delete_time, None),
        }
    }
}
