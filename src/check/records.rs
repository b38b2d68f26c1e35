//! The durable records of clusters, as they were when the answer that is judged left: writes and answers come out of a
//! node in the order in which it made them.

use std::sync::Arc;

use crate::api::Request;
use crate::control::cluster::Cluster;
use crate::control::message::Commit;
use crate::map::FixedMap;
use crate::region::Region;
use crate::table::Table;
use crate::types::{Account, ClusterArn, Identifier, Instant};

use super::open::OpenCall;

/// The clusters that exist.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    /// Each with when it was last written.
    clusters: Table<Identifier, (Arc<Cluster>, Instant)>,
    /// How many an account has in a Region: single-Region clusters, and multi-Region ones.
    counts: FixedMap<(Account, Region), [u32; 2]>,
    /// When one ceased to exist last.
    last_removed: Instant,
}

impl Records {
    /// A write became durable, or was before anything happens.
    pub(super) fn wrote(
        &mut self,
        now: Instant,
        before: Option<&Arc<Cluster>>,
        after: Option<&Arc<Cluster>>,
    ) {
        if let Some(after) = after {
            self.clusters.insert(after.arn.identifier, (after.clone(), now));
        } else if let Some(before) = before {
            self.clusters.remove(&before.arn.identifier);
            self.last_removed = now;
        }
        let count = |cluster: &Arc<Cluster>| {
            ((cluster.arn.account, cluster.arn.region), usize::from(cluster.multi_region.is_some()))
        };
        match (before, after) {
            (None, Some(after)) => {
                let (owner, kind) = count(after);
                self.counts.entry(owner).or_default()[kind] += 1;
            }
            (Some(before), None) => {
                let (owner, kind) = count(before);
                let counted = &mut self.counts.entry(owner).or_default()[kind];
                *counted = counted.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// The same, for a batch.
    pub(super) fn committed(&mut self, now: Instant, commit: &Commit) {
        if let Some((_, _, after)) = &commit.batch.cluster {
            self.wrote(now, commit.before.cluster.as_ref(), after.as_ref());
        }
    }

    /// How many single-Region clusters, or multi-Region ones, `account` has in `region`.
    pub(super) fn count(&self, account: Account, region: Region, is_multi: bool) -> u32 {
        self.counts.get(&(account, region)).map_or(0, |counts| counts[usize::from(is_multi)])
    }

    /// The cluster with this ARN.
    pub(super) fn at(&self, arn: ClusterArn) -> Option<&Cluster> {
        self.find(arn.identifier).filter(|cluster| cluster.arn == arn)
    }

    /// When the cluster with this ARN was last written.
    pub(super) fn last_written(&self, arn: ClusterArn) -> Option<Instant> {
        self.clusters.get(&arn.identifier).map(|(_, at)| *at)
    }

    /// When any cluster ceased to exist last; the beginning, if none did.
    pub(super) fn last_removed(&self) -> Instant {
        self.last_removed
    }

    /// The cluster that `asked` is about, as far as its Region and its account have it.
    pub(super) fn named(&self, asked: &OpenCall) -> Option<&Cluster> {
        let cluster = match resource(&asked.request) {
            Some(arn) => {
                let arn = ClusterArn::parse(arn.split("/stream/").next().unwrap_or(arn));
                arn.and_then(|arn| self.at(arn))
            }
            None => asked.request.identifier().and_then(Identifier::parse).and_then(|it| self.find(it)),
        };
        cluster.filter(|cluster| is_own(cluster, asked))
    }

    /// Whether any cluster that the caller of `asked` may name waits with such a call.
    pub(super) fn any_intent(&self, asked: &OpenCall, is_it: impl Fn(&Request) -> bool) -> bool {
        let waits = |cluster: &Cluster| cluster.intent.as_ref().is_some_and(|it| is_it(&it.request));
        self.clusters.values().any(|(cluster, _)| is_own(cluster, asked) && waits(cluster))
    }

    fn find(&self, identifier: Identifier) -> Option<&Cluster> {
        self.clusters.get(&identifier).map(|(cluster, _)| &**cluster)
    }
}

/// Whether the cluster is one of the Region and the account of `asked`.
fn is_own(cluster: &Cluster, asked: &OpenCall) -> bool {
    (cluster.arn.region, cluster.arn.account) == (asked.region, asked.account)
}

/// The ARN that a call about tags names.
pub(super) fn resource(request: &Request) -> Option<&str> {
    match request {
        Request::TagResource(input) => Some(&input.resource_arn),
        Request::UntagResource(input) => Some(&input.resource_arn),
        Request::ListTagsForResource(input) => Some(&input.resource_arn),
        _ => None,
    }
}

/// Whether a call is about one cluster.
pub(super) fn is_about_one(request: &Request) -> bool {
    request.identifier().or(resource(request)).is_some()
}
