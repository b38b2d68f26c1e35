//! The environment of a control plane: client connections, KMS keys, the targets of streams, failures of a creation and
//! raised quotas, modelled only by their effect on clusters and streams.
//!
//! A connection, or a long time without one, is an event: a control plane that is down misses it. Disabled keys are a
//! fact, whether or not a control plane runs: it learns the fact at its start and whenever it changes, and consults
//! it when it puts a key to use. A raised quota is a fact, too.
//!
//! # No cluster is ACTIVE while its key cannot be used
//!
//! The record of such a cluster has KMS_KEY_INACCESSIBLE, and wherever another cluster would become ACTIVE it becomes
//! IDLE: when it was created or linked, when an update is done, when a client connects. A new key is UPDATING until
//! the update is done; only then it shows whether the key can be used. (User Guide, "Data encryption": the status
//! IDLE. The effect of a key that is disabled during a creation or an update is not documented; the same effect is our
//! choice.)
//!
//! A key that is scheduled for deletion has the same effect as one that is disabled (User Guide, "Data encryption"), so
//! a key has two states here.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::api::{EncryptionStatus, StreamFailureErrorCode};
use crate::control::ControlPlane;
use crate::control::broken_targets::BrokenTargets;
use crate::control::mutant::{Mutants, planted};
use crate::control::quotas::{ClusterQuota, RaisedQuotas};
use crate::control::records::Cluster;
use crate::control::turn::Turn;
use crate::types::{Account, ClusterStatus};

/// The facts of a Region that hold whether its control plane is up or not: the customer managed keys that are
/// disabled, the targets that streams cannot deliver to, and the quotas that are raised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Whether a key is disabled that is not among the exceptions.
    all_disabled: bool,
    /// The ARNs of the keys in the other state.
    exceptions: BTreeSet<Arc<str>>,
    /// The targets that streams cannot deliver to.
    pub targets: BrokenTargets,
    /// The quotas that were raised.
    pub raised: RaisedQuotas,
}

/// An event that affects clusters or streams of a Region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ExternalEvent {
    /// No client has connected for a long time: ACTIVE becomes IDLE, and IDLE becomes INACTIVE. Other statuses do not
    /// change. (User Guide, "Cluster lifecycle".)
    Idle,
    /// A client connects: IDLE and INACTIVE become ACTIVE, unless the cluster's key cannot be used. (User Guide,
    /// "Cluster lifecycle".)
    Connect,
    /// Customer managed keys are disabled: clusters with such a key get KMS_KEY_INACCESSIBLE, and ACTIVE becomes
    /// IDLE. A control plane that is down learns of it at its start. (User Guide, "Data encryption".)
    DisableKeys(KeyScope),
    /// Customer managed keys are enabled again: `encryptionStatus` of their clusters becomes ENABLED, and IDLE becomes
    /// ACTIVE. (User Guide, "Data encryption".)
    EnableKeys(KeyScope),
    /// Deliveries to a Kinesis stream, or with a role, fail: streams with this target become IMPAIRED, or FAILED if the
    /// Kinesis stream is gone. A control plane that is down learns of it at its start. (User Guide, "Monitoring
    /// streams".)
    BreakTarget {
        /// The ARN of the Kinesis stream or the role.
        target: Arc<str>,
        /// The error code that the streams show.
        error: StreamFailureErrorCode,
    },
    /// Deliveries to a Kinesis stream, or with a role, succeed again: IMPAIRED streams become ACTIVE, FAILED ones stay.
    /// (User Guide, "Monitoring streams".)
    RepairTarget {
        /// The ARN of the Kinesis stream or the role.
        target: Arc<str>,
    },
    /// The creation of clusters meets an error: CREATING becomes FAILED, except for a linked cluster, whose creation is
    /// over. No member of the API has the reason. (User Guide, "Cluster lifecycle".)
    FailCreation,
    /// AWS Backup restores a cluster of an account into the Region, unless its quota is used up. (AWS Backup Developer
    /// Guide, "Restore an Aurora DSQL cluster".)
    RestoreCluster {
        /// The account that owns the cluster.
        account: Account,
    },
    /// A quota of every account in the Region is raised. (User Guide, "Quotas".)
    RaiseQuota {
        /// The quota.
        quota: ClusterQuota,
        /// Its new value. One that is no raise changes nothing.
        to: u32,
    },
}

/// The keys that an event concerns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyScope {
    /// Every customer managed key of the Region, those to come as well.
    All,
    /// The key with this ARN.
    One(Arc<str>),
}

impl KeyScope {
    /// Whether the key with this ARN is concerned.
    #[must_use]
    pub fn covers(&self, arn: &str) -> bool {
        match self {
            KeyScope::All => true,
            KeyScope::One(one) => **one == *arn,
        }
    }
}

impl Environment {
    /// The environment after `event`.
    #[must_use]
    pub fn after(mut self, event: &ExternalEvent) -> Environment {
        match event {
            ExternalEvent::DisableKeys(scope) => self.set_keys(scope, true),
            ExternalEvent::EnableKeys(scope) => self.set_keys(scope, false),
            ExternalEvent::BreakTarget { target, error } => self.targets.set(target, Some(*error)),
            ExternalEvent::RepairTarget { target } => self.targets.set(target, None),
            ExternalEvent::RaiseQuota { quota, to } => self.raised = self.raised.with(*quota, *to),
            ExternalEvent::Idle
            | ExternalEvent::Connect
            | ExternalEvent::FailCreation
            | ExternalEvent::RestoreCluster { .. } => {}
        }
        self
    }

    fn set_keys(&mut self, scope: &KeyScope, are_disabled: bool) {
        match scope {
            KeyScope::All => {
                self.all_disabled = are_disabled;
                self.exceptions.clear();
            }
            KeyScope::One(arn) if self.all_disabled == are_disabled => {
                self.exceptions.remove(arn);
            }
            KeyScope::One(arn) => {
                self.exceptions.insert(arn.clone());
            }
        }
    }

    /// Whether the key with this ARN is disabled.
    #[must_use]
    pub fn is_disabled(&self, arn: &str) -> bool {
        self.all_disabled != self.exceptions.contains(arn)
    }

    /// Whether a key that `scope` covers is disabled.
    #[must_use]
    pub fn disables_any(&self, scope: &KeyScope) -> bool {
        match scope {
            KeyScope::All => self.all_disabled || !self.exceptions.is_empty(),
            KeyScope::One(arn) => self.is_disabled(arn),
        }
    }

    /// The events that lead to this environment from one without disabled keys, broken targets and raised quotas.
    #[must_use]
    pub fn events(&self) -> Vec<ExternalEvent> {
        let all = self.all_disabled.then_some(ExternalEvent::DisableKeys(KeyScope::All));
        let each = self.exceptions.iter().map(|arn| match self.all_disabled {
            true => ExternalEvent::EnableKeys(KeyScope::One(arn.clone())),
            false => ExternalEvent::DisableKeys(KeyScope::One(arn.clone())),
        });
        let targets = self
            .targets
            .iter()
            .map(|(target, error)| ExternalEvent::BreakTarget { target: target.clone(), error });
        let raised = self.raised.iter().map(|(quota, to)| ExternalEvent::RaiseQuota { quota, to });
        all.into_iter().chain(each).chain(targets).chain(raised).collect()
    }
}

impl ControlPlane {
    /// Applies the environment that the node finds at its start: keys, targets and quotas may have changed while it was
    /// down.
    pub(super) fn observe_environment(&mut self, turn: &mut Turn<'_>, environment: Environment) {
        self.environment = environment;
        planted!(self.mutants, RaisedQuotaForgottenInCrash => self.environment.raised = RaisedQuotas::default());
        planted!(self.mutants, KeysNotMetAtStart => self.environment = Environment::default(); return);
        planted!(self.mutants, TargetsNotMetAtStart => self.environment.targets = BrokenTargets::default());
        self.change_clusters(turn, |environment, cluster| match cluster.kms_key.as_deref() {
            Some(key) => with_key(cluster, environment.is_disabled(key)),
            None => (cluster.status, cluster.encryption),
        });
    }

    /// The encryption status of a cluster with the customer key `key` once the key is in use.
    pub(super) fn encryption_with(&self, key: Option<&Arc<str>>) -> EncryptionStatus {
        match key {
            Some(key) if self.environment.is_disabled(key) => EncryptionStatus::KmsKeyInaccessible,
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

    /// Applies an event to the clusters of the Region, and to their streams.
    pub(super) fn apply_external_event(&mut self, turn: &mut Turn<'_>, event: &ExternalEvent) {
        self.environment = std::mem::take(&mut self.environment).after(event);
        planted!(self.mutants, QuotaRaisedForBothKinds => if let ExternalEvent::RaiseQuota { to, .. } = event {
            let RaisedQuotas { single, multi } = self.environment.raised;
            self.environment.raised = RaisedQuotas { single: single.max(*to), multi: multi.max(*to) };
        });
        let mutants = self.mutants;
        self.change_clusters(turn, |environment, cluster| status_after(mutants, event, environment, cluster));
    }

    /// Gives every cluster of the Region the status and the encryption that `next` returns.
    fn change_clusters(
        &mut self,
        turn: &mut Turn<'_>,
        next: impl Fn(&Environment, &Cluster) -> (ClusterStatus, EncryptionStatus),
    ) {
        let clusters: Vec<Arc<Cluster>> = self.storage.clusters().cloned().collect();
        for cluster in clusters {
            let (status, encryption) = next(&self.environment, &cluster);
            // An unchanged record is not written: an event that repeats a fact must not outdate a timer.
            if (status, encryption) != (cluster.status, cluster.encryption) {
                self.write_cluster(turn, &cluster, None, None, |record| {
                    record.status = status;
                    record.encryption = encryption;
                });
                planted!(self.mutants, ShiftInMemory => turn.drop_last_persist());
            }
        }
        self.settle_all_streams(turn);
    }
}

/// The status and the encryption of a cluster after `event`, which led to `environment`.
fn status_after(
    mutants: Mutants,
    event: &ExternalEvent,
    environment: &Environment,
    cluster: &Cluster,
) -> (ClusterStatus, EncryptionStatus) {
    use ClusterStatus::{Active, Creating, Failed, Idle, Inactive};
    let (status, encryption) = (cluster.status, cluster.encryption);
    let mut can_wake = encryption != EncryptionStatus::KmsKeyInaccessible;
    planted!(mutants, InactiveNotWoken if status == Inactive => can_wake = false);
    planted!(mutants, WokenWithoutKey => can_wake = true);
    match (event, status) {
        (ExternalEvent::Idle, Active) => (Idle, encryption),
        (ExternalEvent::Idle, Idle) => (Inactive, encryption),
        (ExternalEvent::Connect, Idle | Inactive) if can_wake => (Active, encryption),
        (ExternalEvent::FailCreation, Creating) if cluster.linked_peer().is_none() => (Failed, encryption),
        (ExternalEvent::DisableKeys(scope) | ExternalEvent::EnableKeys(scope), _) => {
            let Some(key) = cluster.kms_key.as_deref() else { return (status, encryption) };
            let (mut is_covered, mut is_disabled) = (scope.covers(key), environment.is_disabled(key));
            planted!(mutants, OneKeyStandsForAll => is_covered = true;
                is_disabled = matches!(event, ExternalEvent::DisableKeys(_)));
            if is_covered { with_key(cluster, is_disabled) } else { (status, encryption) }
        }
        _ => (status, encryption),
    }
}

/// The status and the encryption of a cluster whose key is disabled or enabled.
fn with_key(cluster: &Cluster, is_disabled: bool) -> (ClusterStatus, EncryptionStatus) {
    use ClusterStatus::{Active, Idle};
    use EncryptionStatus::{Enabled, KmsKeyInaccessible};
    match (is_disabled, cluster.status, cluster.encryption) {
        // A transient status goes on: the work that it stands for ends as IDLE.
        (true, Active, _) => (Idle, KmsKeyInaccessible),
        (true, status, _) => (status, KmsKeyInaccessible),
        // Only a cluster that lost its key has this encryption status; one that is IDLE for want of connections keeps
        // it.
        (false, Idle, KmsKeyInaccessible) => (Active, Enabled),
        (false, status, KmsKeyInaccessible) => (status, Enabled),
        (false, status, encryption) => (status, encryption),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_and_all_keys_are_disabled_and_enabled() {
        use ExternalEvent::{DisableKeys, EnableKeys};
        let one = |arn: &str| KeyScope::One(arn.into());
        let after = |events: &[ExternalEvent]| events.iter().fold(Environment::default(), Environment::after);
        let states = |environment: &Environment| [environment.is_disabled("a"), environment.is_disabled("b")];
        for (events, expected) in [
            (vec![DisableKeys(one("a"))], [true, false]),
            (vec![DisableKeys(KeyScope::All)], [true, true]),
            (vec![DisableKeys(KeyScope::All), EnableKeys(one("a"))], [false, true]),
            (vec![DisableKeys(KeyScope::All), EnableKeys(one("a")), DisableKeys(one("a"))], [true, true]),
            (vec![DisableKeys(one("a")), DisableKeys(KeyScope::All), EnableKeys(one("b"))], [true, false]),
            (vec![DisableKeys(one("a")), EnableKeys(KeyScope::All)], [false, false]),
        ] {
            let environment = after(&events);
            assert_eq!(states(&environment), expected, "{events:?}");
            assert_eq!(after(&environment.events()), environment, "{events:?}");
        }
    }
}
