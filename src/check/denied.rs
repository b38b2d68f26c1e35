//! The invariant about failed calls: they leave everything as it was.
//!
//! A write without a call cannot hide the effect of a failed one: `changed-only-by-its-call` lets such a write change
//! nothing that only calls may change.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::api::Request;
use crate::control::message::{Commit, Delivery, Reply};
use crate::control::records::{Cluster, Serial};
use crate::map::FixedMap;
use crate::region::Region;
use crate::types::{Account, ClusterArn, Instant};

use super::CheckResult;
use super::invariant::{CheckContext, Invariant};

/// The writes of calls whose result is not known so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Unsettled {
    /// The clusters that a call wrote to without recording an answer.
    written: FixedMap<Delivery, Touched>,
    /// Calls whose answer was recorded, oldest first, as long as a write that was begun before may still be under
    /// way: the answer of a call leaves at most that much later.
    recorded: VecDeque<(Instant, Delivery)>,
}

/// A cluster that a call wrote to.
#[derive(Clone, Debug)]
struct Touched {
    account: Account,
    serial: Serial,
    /// The record before the first write of the call.
    before: Option<Arc<Cluster>>,
    /// The record when its intent was removed. Other calls may change the cluster before the answer leaves, so the
    /// comparison uses this one.
    settled: Option<Arc<Cluster>>,
    /// Whether the call changed tags, policy or streams, which no later step of a call undoes.
    is_permanent: bool,
}

impl Unsettled {
    /// A write became durable.
    pub(super) fn wrote(&mut self, ctx: &CheckContext<'_>, commit: &Commit) {
        let (now, longest) = (ctx.view.now(), ctx.view.longest_write());
        let before = commit.before.cluster.as_ref();
        if let (Some(before), Some((_, _, Some(after)))) = (before, &commit.batch.cluster)
            && (before.intent.is_some() && after.intent.is_none())
        {
            let is_same_cluster =
                |touched: &&mut Touched| touched.before.as_ref().is_some_and(|it| it.arn == after.arn);
            self.written
                .values_mut()
                .filter(is_same_cluster)
                .for_each(|touched| touched.settled = Some(after.clone()));
        }
        match (commit.cause, &commit.batch.cluster) {
            (Some(cause), Some((account, serial, after))) if commit.batch.token.is_none() => {
                let touched = self.written.entry(cause).or_insert_with(|| {
                    let (account, serial, before) = (*account, *serial, before.cloned());
                    Touched { account, serial, before, settled: None, is_permanent: false }
                });
                touched.is_permanent |= changes_attached(before, after.as_ref());
            }
            (Some(cause), _) if commit.batch.token.is_some() => {
                self.recorded.push_back((now, cause));
                while self.recorded.pop_front_if(|(at, _)| at.after(longest) < now).is_some() {}
            }
            _ => {}
        }
    }

    /// A request is answered. A call is refused before anything is written. A call that needs the decision of the
    /// link register first writes its intent, and removes it in the step in which it is refused or given up.
    pub(super) fn replied(
        &mut self,
        ctx: &mut CheckContext<'_>,
        region: Region,
        delivery: Delivery,
        request: &Arc<Request>,
        result: &Reply,
    ) -> CheckResult {
        let touched = self.written.swap_remove(&delivery);
        if result.is_ok() {
            return Ok(());
        }
        let after = touched.as_ref().and_then(|touched| {
            let now = || ctx.view.storage(region)?.at(touched.account, touched.serial);
            touched.settled.as_ref().or_else(now)
        });
        let is_same = touched.as_ref().is_none_or(|touched| match (&touched.before, after) {
            (None, None) => true,
            (Some(before), Some(after)) => !touched.is_permanent && is_same_to_callers(before, after),
            _ => false,
        });
        let has_recorded = self.recorded.iter().any(|(_, cause)| *cause == delivery);
        ctx.ensure(is_same && !has_recorded, Invariant::DeniedChangesNothing, || {
            let before = touched.as_ref().and_then(|touched| touched.before.as_ref());
            let arn = after.or(before).map_or_else(String::new, |it| it.arn.to_string());
            let what = if has_recorded { "its token is used up" } else { "it is not as it was before" };
            format!("{} of {arn} failed, and {what}", request.operation())
        })
    }
}

/// Whether two records of a cluster agree in everything that a call can have changed before it is refused. Left out
/// are the status, which changes by itself, the decisions of the link register, and what other calls have attached
/// meanwhile.
fn is_same_to_callers(one: &Cluster, other: &Cluster) -> bool {
    has_same_settings(one, other) && one.intent == other.intent && declared(one) == declared(other)
}

fn has_same_settings(one: &Cluster, other: &Cluster) -> bool {
    one.deletion_protection == other.deletion_protection
        && one.kms_key == other.kms_key
        && one.statement_statistics == other.statement_statistics
}

fn declared(cluster: &Cluster) -> Option<(Region, Option<ClusterArn>, bool)> {
    cluster.multi_region.as_deref().map(|it| (it.witness, it.peer, it.leaving))
}

fn changes_attached(before: Option<&Arc<Cluster>>, after: Option<&Arc<Cluster>>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => before.tags != after.tags || !before.shares_attached(after),
        _ => false,
    }
}
