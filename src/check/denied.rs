//! The invariant about calls that fail: they leave everything as it was.
//!
//! A write that no call is named for cannot hide what a failed call did: `changed-only-by-its-call` lets such a write
//! change nothing that only calls change.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::api::Request;
use crate::control::cluster::{Cluster, Serial};
use crate::control::message::{Commit, Delivery, Reply};
use crate::map::FixedMap;
use crate::region::Region;
use crate::types::{Account, ClusterArn, Instant};

use super::CheckResult;
use super::invariant::{CheckContext, Invariant};

/// What calls have written that have no result so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Unsettled {
    /// Clusters that a call wrote to without recording an answer.
    written: FixedMap<Delivery, Touched>,
    /// Calls whose answer was recorded since the oldest write that may be under way was begun, oldest first.
    recorded: VecDeque<(Instant, Delivery)>,
}

/// A cluster that a call wrote to.
#[derive(Clone, Debug)]
struct Touched {
    account: Account,
    serial: Serial,
    /// As it was before.
    before: Option<Arc<Cluster>>,
    /// As it was when its intent was taken back: other calls may change it before the answer leaves.
    ended: Option<Arc<Cluster>>,
    /// Whether the call changed something that no call takes back: tags, policy, streams.
    for_good: bool,
}

impl Unsettled {
    /// A write became durable.
    pub(super) fn wrote(&mut self, judge: &CheckContext<'_>, commit: &Commit) {
        let (now, longest) = (judge.scene.now(), judge.scene.longest_write());
        let before = commit.before.cluster.as_ref();
        if let (Some(before), Some((_, _, Some(after)))) = (before, &commit.batch.cluster)
            && (before.intent.is_some() && after.intent.is_none())
        {
            let is_it =
                |touched: &&mut Touched| touched.before.as_ref().is_some_and(|it| it.arn == after.arn);
            self.written.values_mut().filter(is_it).for_each(|touched| touched.ended = Some(after.clone()));
        }
        match (commit.cause, &commit.batch.cluster) {
            (Some(cause), Some((account, serial, after))) if commit.batch.token.is_none() => {
                let touched = self.written.entry(cause).or_insert_with(|| {
                    let (account, serial, before) = (*account, *serial, before.cloned());
                    Touched { account, serial, before, ended: None, for_good: false }
                });
                touched.for_good |= changes_attached(before, after.as_ref());
            }
            (Some(cause), _) if commit.batch.token.is_some() => {
                self.recorded.push_back((now, cause));
                while self.recorded.pop_front_if(|(at, _)| at.after(longest) < now).is_some() {}
            }
            _ => {}
        }
    }

    /// A request is answered. A call is refused before anything is written; one that has to write its intent down
    /// first, because the link register decides, takes it back in the step in which it is refused or given up.
    pub(super) fn replied(
        &mut self,
        judge: &mut CheckContext<'_>,
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
            let now = || judge.scene.storage(region)?.at(touched.account, touched.serial);
            touched.ended.as_ref().or_else(now)
        });
        let is_same = touched.as_ref().is_none_or(|touched| match (&touched.before, after) {
            (None, None) => true,
            (Some(before), Some(after)) => !touched.for_good && is_same_to_callers(before, after),
            _ => false,
        });
        let has_recorded = self.recorded.iter().any(|(_, cause)| *cause == delivery);
        judge.ensure(is_same && !has_recorded, Invariant::DeniedChangesNothing, || {
            let before = touched.as_ref().and_then(|touched| touched.before.as_ref());
            let arn = after.or(before).map_or_else(String::new, |it| it.arn.to_string());
            let what = if has_recorded { "its token is used up" } else { "it is not as it was before" };
            format!("{} of {arn} failed, and {what}", request.operation())
        })
    }
}

/// Whether two records of a cluster agree in everything that a call that writes before it is refused can change: the
/// status, which moves by itself, what the link register has decided meanwhile, and what others have attached
/// meanwhile are left out.
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
