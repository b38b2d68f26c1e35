//! Invariants about the records of clusters, checked as the records become durable.

use std::sync::Arc;

use crate::api::{EncryptionStatus, Request};
use crate::control::assumptions::Assumptions;
use crate::control::message::{Commit, Delivery};
use crate::control::quotas::RaisedQuotas;
use crate::control::records::{Cluster, may_become};
use crate::map::FixedMap;
use crate::region::Region;
use crate::types::{Account, ClusterStatus};

use super::invariant::{CheckContext, Invariant};
use super::pairs::{Pairs, is_being_deleted};
use super::records::Records;
use super::{CheckResult, streams};

/// The relations and the numbers of the clusters that durably exist.
#[derive(Clone, Debug, Default)]
pub(super) struct Clusters {
    pairs: Pairs,
    /// The number of clusters that count towards each quota, by account, Region, and whether they are multi-Region.
    counted: FixedMap<(Account, Region, bool), u32>,
}

/// A write to the record of a cluster. `None` stands for no record: the write creates or removes the cluster.
pub(super) struct RecordWrite<'a> {
    pub(super) before: Option<&'a Arc<Cluster>>,
    pub(super) after: Option<&'a Arc<Cluster>>,
}

impl Clusters {
    /// The multi-Region clusters that exist.
    pub(super) fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    /// Takes in a cluster that exists before the world begins. Each cluster is passed once.
    pub(super) fn recall(&mut self, cluster: &Arc<Cluster>) {
        let is_multi = cluster.multi_region.is_some();
        *self.counted.entry((cluster.arn.account, cluster.arn.region, is_multi)).or_default() += 1;
        if is_multi {
            self.pairs.remember(&RecordWrite { before: None, after: Some(cluster) });
        }
    }

    /// Checks a write that became durable.
    pub(super) fn wrote(
        &mut self,
        ctx: &mut CheckContext<'_>,
        records: &mut Records,
        commit: &Commit,
    ) -> CheckResult {
        let Some((_, _, after)) = &commit.batch.cluster else { return Ok(()) };
        let before = commit.before.cluster.as_ref();
        let written = RecordWrite { before, after: after.as_ref() };
        legal_transition(ctx, &written)?;
        if before.is_none() {
            identifiers_unique(ctx, records, &written)?;
        }
        protected_not_deleted(ctx, records, &written, commit.cause)?;
        no_active_without_key(ctx, &written)?;
        self.quota_respected(ctx, &written)?;
        streams::look(ctx, written.before, written.after, records)?;
        if before.or(after.as_ref()).is_some_and(|cluster| cluster.multi_region.is_some()) {
            self.pairs.wrote(ctx, &written)?;
        }
        Ok(())
    }

    /// A create is refused when the existing clusters and the creates in flight have reached the quota, and every
    /// create counts as in flight until its cluster exists.
    fn quota_respected(&mut self, ctx: &mut CheckContext<'_>, written: &RecordWrite<'_>) -> CheckResult {
        let Some(cluster) = written.after.or(written.before) else { return Ok(()) };
        let assumed = ctx.view.assumptions();
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
        // A quota is never lowered, so the one of now is no smaller than the one that the create was compared with.
        let quota = quota(assumed, ctx.view.environment(cluster.arn.region).raised, is_multi);
        // A cluster that stops counting cannot break a quota.
        if was {
            return Ok(());
        }
        ctx.ensure(*count <= quota, Invariant::QuotaRespected, || {
            let (account, region) = (cluster.arn.account, cluster.arn.region);
            format!("account {account} has {count} clusters in {region}, its quota is {quota}")
        })
    }
}

/// The number of clusters of a kind that an account may have in a Region where these quotas were raised.
pub(super) fn quota(assumed: &Assumptions, raised: RaisedQuotas, is_multi: bool) -> u32 {
    match is_multi {
        true => assumed.multi_region_quota.max(raised.multi),
        false => assumed.single_region_quota.max(raised.single),
    }
}

/// Every change of a status goes through one function, which writes the record and sets the timer for the next. A
/// timer that was set for an earlier version of the record does nothing.
fn legal_transition(ctx: &mut CheckContext<'_>, written: &RecordWrite<'_>) -> CheckResult {
    let status = |cluster: Option<&Arc<Cluster>>| cluster.map(|cluster| cluster.status);
    let (from, to) = (status(written.before), status(written.after));
    if from == to {
        return Ok(());
    }
    // CREATING and UPDATING lead to IDLE only where they would lead to ACTIVE and the key cannot be used.
    let is_kept_idle = matches!(from, Some(ClusterStatus::Creating | ClusterStatus::Updating))
        && written.after.is_some_and(|after| after.status == ClusterStatus::Idle && !is_without_key(after));
    ctx.ensure(may_become(from, to) && !is_kept_idle, Invariant::LegalTransition, || {
        let name = |status: Option<ClusterStatus>| status.map_or("nothing", ClusterStatus::name);
        let arn =
            written.after.or(written.before).map_or_else(String::new, |cluster| cluster.arn.to_string());
        format!("{arn} went from {} to {}", name(from), name(to))
    })
}

/// DeleteCluster reads the protection of the record that it is about to change, in the same step, and only calls that
/// name the protection change it. The check goes by the requests of these calls, not by the record, which an error in
/// the control plane could have changed.
fn protected_not_deleted(
    ctx: &mut CheckContext<'_>,
    records: &mut Records,
    written: &RecordWrite<'_>,
    cause: Option<Delivery>,
) -> CheckResult {
    let Some(cluster) = written.after.or(written.before) else { return Ok(()) };
    let identifier = cluster.arn.identifier;
    if let Some(is_protected) = requested_protection(ctx, written, cause) {
        records.protect(identifier, is_protected);
    }
    let is_going = |cluster: Option<&Arc<Cluster>>| cluster.is_none_or(|it| is_being_deleted(it));
    if !is_going(written.after) || written.before.is_none() || is_going(written.before) {
        return Ok(());
    }
    let is_free = records.is_unprotected(identifier) && !cluster.deletion_protection;
    ctx.ensure(is_free, Invariant::ProtectedNotDeleted, || {
        format!("{} is {} with deletion protection on", cluster.arn, cluster.status)
    })
}

/// An identifier is 128 random bits, so that a collision is practically impossible.
fn identifiers_unique(
    ctx: &mut CheckContext<'_>,
    records: &mut Records,
    written: &RecordWrite<'_>,
) -> CheckResult {
    let Some(after) = written.after else { return Ok(()) };
    let is_new = records.begin(after.arn.identifier);
    ctx.ensure(is_new, Invariant::IdentifiersUnique, || {
        format!("the identifier of {} was used before", after.arn)
    })
}

/// Every step to ACTIVE goes through one function, which reads the encryption status. Every step that makes this
/// status KMS_KEY_INACCESSIBLE ends ACTIVE in the same write.
fn no_active_without_key(ctx: &mut CheckContext<'_>, written: &RecordWrite<'_>) -> CheckResult {
    let Some(after) = written.after.filter(|after| after.kms_key.is_some()) else { return Ok(()) };
    let is_active = after.status == ClusterStatus::Active;
    ctx.ensure(!is_active || !is_without_key(after), Invariant::NoActiveWithoutKey, || {
        format!("{} is ACTIVE, and its key cannot be used", after.arn)
    })
}

fn is_without_key(cluster: &Cluster) -> bool {
    cluster.encryption == EncryptionStatus::KmsKeyInaccessible
}

/// The value that a call carried out by this write sets the protection to, if it sets it. If the request is not
/// known, the record is trusted.
fn requested_protection(
    ctx: &CheckContext<'_>,
    written: &RecordWrite<'_>,
    cause: Option<Delivery>,
) -> Option<bool> {
    let after = written.after?;
    let intent = written.before.and_then(|before| before.intent.as_deref());
    // An update is carried out in the write that makes its cluster UPDATING.
    let is_updated = after.status == ClusterStatus::Updating
        && written.before.is_some_and(|before| before.status != ClusterStatus::Updating);
    let deferred = intent.map(|intent| intent.request.to_request());
    let request = match &deferred {
        // A deferred call is its intent; the cause of the write may be another call, which joined it.
        Some(request) => Some(request),
        None => cause.and_then(|cause| ctx.view.request_of(cause)),
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
