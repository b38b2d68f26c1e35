//! Invariants about the records of clusters, as they become durable.

use std::sync::Arc;

use crate::api::{EncryptionStatus, Request};
use crate::control::cluster::{Cluster, may_become};
use crate::control::message::{Commit, Delivery};
use crate::map::FixedMap;
use crate::region::Region;
use crate::types::{Account, ClusterStatus};

use super::invariant::{CheckContext, Invariant};
use super::pairs::{Pairs, is_being_deleted};
use super::records::Records;
use super::{CheckResult, streams};

/// The durable truth about clusters.
#[derive(Clone, Debug, Default)]
pub(super) struct Clusters {
    pairs: Pairs,
    /// How many clusters count towards a quota: by account, Region, and whether multi-Region.
    counted: FixedMap<(Account, Region, bool), u32>,
}

/// A record that became durable, and what was there before.
pub(super) struct RecordWrite<'a> {
    pub(super) before: Option<&'a Arc<Cluster>>,
    pub(super) after: Option<&'a Arc<Cluster>>,
}

impl Clusters {
    /// The multi-Region clusters that exist.
    pub(super) fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    /// Takes note of a cluster that exists before anything happens, once.
    pub(super) fn recall(&mut self, cluster: &Arc<Cluster>) {
        let is_multi = cluster.multi_region.is_some();
        *self.counted.entry((cluster.arn.account, cluster.arn.region, is_multi)).or_default() += 1;
        if is_multi {
            self.pairs.remember(&RecordWrite { before: None, after: Some(cluster) });
        }
    }

    /// Looks at a write that became durable.
    pub(super) fn wrote(
        &mut self,
        judge: &mut CheckContext<'_>,
        records: &mut Records,
        commit: &Commit,
    ) -> CheckResult {
        let Some((_, _, after)) = &commit.batch.cluster else { return Ok(()) };
        let before = commit.before.cluster.as_ref();
        let written = RecordWrite { before, after: after.as_ref() };
        legal_transition(judge, &written)?;
        if before.is_none() {
            identifiers_unique(judge, records, &written)?;
        }
        protected_not_deleted(judge, records, &written, commit.cause)?;
        no_active_without_key(judge, &written)?;
        self.quota_respected(judge, &written)?;
        streams::look(judge, written.before, written.after, records)?;
        if before.or(after.as_ref()).is_some_and(|cluster| cluster.multi_region.is_some()) {
            self.pairs.wrote(judge, &written)?;
        }
        Ok(())
    }

    /// A create is refused when what exists and what is in flight have reached the quota, and every create counts as
    /// in flight until it exists.
    fn quota_respected(&mut self, judge: &mut CheckContext<'_>, written: &RecordWrite<'_>) -> CheckResult {
        let Some(cluster) = written.after.or(written.before) else { return Ok(()) };
        let assumed = judge.scene.assumptions();
        let counts = |it: Option<&Arc<Cluster>>| {
            it.is_some_and(|it| assumed.quota_counts_deleting || !is_being_deleted(it))
        };
        let (was, is) = (counts(written.before), counts(written.after));
        if was == is {
            return Ok(());
        }
        let is_multi = cluster.multi_region.is_some();
        let count = self.counted.entry((cluster.arn.account, cluster.arn.region, is_multi)).or_default();
        *count = if is { *count + 1 } else { count.saturating_sub(1) };
        let quota = if is_multi { assumed.multi_region_quota } else { assumed.single_region_quota };
        if was {
            return Ok(());
        }
        judge.ensure(*count <= quota, Invariant::QuotaRespected, || {
            let (account, region) = (cluster.arn.account, cluster.arn.region);
            format!("account {account} has {count} clusters in {region}, its quota is {quota}")
        })
    }
}

/// Every change of status goes through one function that writes the record and sets the timer for the next; a timer
/// set for an earlier version of the record does nothing.
fn legal_transition(judge: &mut CheckContext<'_>, written: &RecordWrite<'_>) -> CheckResult {
    let status = |cluster: Option<&Arc<Cluster>>| cluster.map(|cluster| cluster.status);
    let (from, to) = (status(written.before), status(written.after));
    if from == to {
        return Ok(());
    }
    // Work leads to IDLE only where it would lead to ACTIVE and the key cannot be used.
    let is_kept_idle = matches!(from, Some(ClusterStatus::Creating | ClusterStatus::Updating))
        && written.after.is_some_and(|after| after.status == ClusterStatus::Idle && !is_without_key(after));
    judge.ensure(may_become(from, to) && !is_kept_idle, Invariant::LegalTransition, || {
        let name = |status: Option<ClusterStatus>| status.map_or("nothing", ClusterStatus::name);
        let arn =
            written.after.or(written.before).map_or_else(String::new, |cluster| cluster.arn.to_string());
        format!("{arn} went from {} to {}", name(from), name(to))
    })
}

/// DeleteCluster looks at the protection of the record that it is about to change, in the same step, and only calls
/// that name the protection change it. What is judged is what these calls asked for, not what the record says.
fn protected_not_deleted(
    judge: &mut CheckContext<'_>,
    records: &mut Records,
    written: &RecordWrite<'_>,
    cause: Option<Delivery>,
) -> CheckResult {
    let Some(cluster) = written.after.or(written.before) else { return Ok(()) };
    let identifier = cluster.arn.identifier;
    if let Some(is_protected) = asked_protection(judge, written, cause) {
        records.protect(identifier, is_protected);
    }
    let is_going = |cluster: Option<&Arc<Cluster>>| cluster.is_none_or(|it| is_being_deleted(it));
    if !is_going(written.after) || written.before.is_none() || is_going(written.before) {
        return Ok(());
    }
    let is_free = records.is_unprotected(identifier) && !cluster.deletion_protection;
    judge.ensure(is_free, Invariant::ProtectedNotDeleted, || {
        format!("{} is {} with deletion protection on", cluster.arn, cluster.status)
    })
}

/// Identifiers are 128 random bits each; a collision is as good as impossible.
fn identifiers_unique(
    judge: &mut CheckContext<'_>,
    records: &mut Records,
    written: &RecordWrite<'_>,
) -> CheckResult {
    let Some(after) = written.after else { return Ok(()) };
    let is_new = records.begin(after.arn.identifier);
    judge.ensure(is_new, Invariant::IdentifiersUnique, || {
        format!("the identifier of {} was used before", after.arn)
    })
}

/// Whatever would make a cluster ACTIVE goes through one function that looks at its encryption status, and what makes
/// that status KMS_KEY_INACCESSIBLE takes ACTIVE away in the same write.
fn no_active_without_key(judge: &mut CheckContext<'_>, written: &RecordWrite<'_>) -> CheckResult {
    let Some(after) = written.after.filter(|after| after.kms_key.is_some()) else { return Ok(()) };
    let is_active = after.status == ClusterStatus::Active;
    judge.ensure(!is_active || !is_without_key(after), Invariant::NoActiveWithoutKey, || {
        format!("{} is ACTIVE, and its key cannot be used", after.arn)
    })
}

fn is_without_key(cluster: &Cluster) -> bool {
    cluster.encryption == EncryptionStatus::KmsKeyInaccessible
}

/// What a call that was carried out by this write says of deletion protection, if it says something. A call that was
/// made known by nobody is taken at the record's word.
fn asked_protection(
    judge: &CheckContext<'_>,
    written: &RecordWrite<'_>,
    cause: Option<Delivery>,
) -> Option<bool> {
    let after = written.after?;
    let intent = written.before.and_then(|before| before.intent.as_deref());
    // An update is carried out when its cluster begins to be UPDATING.
    let is_updated = after.status == ClusterStatus::Updating
        && written.before.is_some_and(|before| before.status != ClusterStatus::Updating);
    let request = match intent {
        Some(intent) => Some(&*intent.request),
        None => cause.and_then(|cause| judge.scene.request_of(cause)),
    };
    match (request, written.before) {
        (Some(Request::CreateCluster(input)), None) => {
            Some(input.deletion_protection_enabled.unwrap_or(true))
        }
        (Some(Request::UpdateCluster(input)), Some(_)) if is_updated => input.deletion_protection_enabled,
        (None, _) if written.before.is_none() || is_updated => Some(after.deletion_protection),
        _ => None,
    }
}
