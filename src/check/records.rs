//! The durable records of clusters, and the origin and protection of each identifier that was ever used. One table
//! holds all of it, because there may be very many identifiers.
//!
//! Writes and answers leave a node in the order in which it made them. When an answer is checked, the records are
//! therefore those that the node decided by.

use std::sync::Arc;

use crate::api::Request;
use crate::control::keys::Keys;
use crate::control::message::Commit;
use crate::control::records::Cluster;
use crate::map::FixedMap;
use crate::region::Region;
use crate::table::Table;
use crate::types::{Account, ClusterArn, Identifier, Instant};

use super::open::OpenCall;
use super::visible::Born;

/// Every identifier that was ever used.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    /// In the order of their first use.
    known: Table<Identifier, IdentifierEntry>,
    /// The number of single-Region and of multi-Region clusters, by account and Region.
    counts: FixedMap<(Account, Region), [u32; 2]>,
    /// The time at which a cluster last ceased to exist.
    last_removed: Instant,
}

/// The knowledge about an identifier. For that of a stream it stays empty.
#[derive(Clone, Debug, Default)]
struct IdentifierEntry {
    /// The record of the cluster, if it exists, and the time of its last write.
    record: Option<(Arc<Cluster>, Instant)>,
    /// The time at which the tags of the cluster or of one of its streams last changed.
    tagged: Instant,
    /// Whether the calls that were carried out have turned its deletion protection off.
    is_unprotected: bool,
    /// How the cluster was created, from the answer to its creation until a read shows that it is gone.
    born: Option<Born>,
}

impl Records {
    /// Takes in a cluster that exists before the world begins. Each cluster is passed once.
    pub(super) fn recall(&mut self, cluster: &Arc<Cluster>, keys: &Arc<Keys>) {
        for stream in cluster.streams() {
            self.begin(stream.identifier);
        }
        let (is_unprotected, born) =
            (!cluster.deletion_protection, Some(Born::Kept(cluster.clone(), keys.clone())));
        self.known
            .insert(cluster.arn.identifier, IdentifierEntry { is_unprotected, born, ..Default::default() });
        self.wrote(Instant::START, None, Some(cluster));
    }

    /// Marks an identifier as used; `false` if it was used before.
    pub(super) fn begin(&mut self, identifier: Identifier) -> bool {
        self.known.insert(identifier, IdentifierEntry::default()).is_none()
    }

    /// Records a write to a cluster that became durable.
    fn wrote(&mut self, now: Instant, before: Option<&Arc<Cluster>>, after: Option<&Arc<Cluster>>) {
        if let Some(cluster) = after.or(before) {
            let known = self.known.get_or_insert_with(cluster.arn.identifier, IdentifierEntry::default);
            known.record = after.map(|after| (after.clone(), now));
            if !before.zip(after).is_some_and(|(before, after)| has_same_tags(before, after)) {
                known.tagged = now;
            }
            if after.is_none() {
                self.last_removed = now;
            }
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

    /// Records a batch that became durable.
    pub(super) fn committed(&mut self, now: Instant, commit: &Commit) {
        if let Some((_, _, after)) = &commit.batch.cluster {
            self.wrote(now, commit.before.cluster.as_ref(), after.as_ref());
        }
    }

    /// The number of single-Region or of multi-Region clusters that `account` has in `region`.
    pub(super) fn count(&self, account: Account, region: Region, is_multi: bool) -> u32 {
        self.counts.get(&(account, region)).map_or(0, |counts| counts[usize::from(is_multi)])
    }

    /// The record of the cluster with this ARN.
    pub(super) fn at(&self, arn: ClusterArn) -> Option<&Cluster> {
        self.find(arn.identifier).filter(|cluster| cluster.arn == arn)
    }

    /// The time of the last write to the cluster with this ARN.
    pub(super) fn last_written(&self, arn: ClusterArn) -> Option<Instant> {
        self.known.get(&arn.identifier)?.record.as_ref().map(|(_, at)| *at)
    }

    /// Whether the tags of the cluster and of its streams are the same since before `at`.
    pub(super) fn is_tagged_since(&self, cluster: &Cluster, at: Instant) -> bool {
        self.known.get(&cluster.arn.identifier).is_some_and(|known| known.tagged < at)
    }

    /// A call that was carried out turned the deletion protection of the cluster on or off.
    pub(super) fn protect(&mut self, identifier: Identifier, is_protected: bool) {
        self.known.get_or_insert_with(identifier, IdentifierEntry::default).is_unprotected = !is_protected;
    }

    /// Whether the calls that were carried out have turned the deletion protection of the cluster off.
    pub(super) fn is_unprotected(&self, identifier: Identifier) -> bool {
        self.known.get(&identifier).is_some_and(|known| known.is_unprotected)
    }

    /// The number of identifiers that were ever used.
    pub(super) fn used(&self) -> usize {
        self.known.len()
    }

    /// The origins of the clusters among the first `used` identifiers.
    pub(super) fn first_born(&self, used: usize) -> impl Iterator<Item = &Born> {
        self.known.entries().iter().take(used).filter_map(|(_, known)| known.born.as_ref())
    }

    /// The origin of a cluster whose creation was answered.
    pub(super) fn born(&self, identifier: Identifier) -> Option<&Born> {
        self.known.get(&identifier)?.born.as_ref()
    }

    /// The entry for the origin of a cluster; `None` if its identifier was never used.
    pub(super) fn born_mut(&mut self, identifier: Identifier) -> Option<&mut Option<Born>> {
        self.known.get_mut(&identifier).map(|known| &mut known.born)
    }

    /// The time at which a cluster last ceased to exist; the start of the world if none has.
    pub(super) fn last_removed(&self) -> Instant {
        self.last_removed
    }

    /// The cluster that `call` names, if it exists in its Region and account: a control plane knows no other.
    pub(super) fn cluster_of(&self, call: &OpenCall) -> Option<&Cluster> {
        let cluster = match call.request.resource_arn() {
            Some(arn) => named_cluster(arn).and_then(|arn| self.at(arn)),
            None => call.request.identifier().and_then(Identifier::parse).and_then(|it| self.find(it)),
        };
        cluster.filter(|cluster| is_named(cluster, call))
    }

    /// Whether a call that satisfies `matches` waits as the intent of any cluster of the Region and account of `call`.
    pub(super) fn any_intent(&self, call: &OpenCall, matches: impl Fn(&Request) -> bool) -> bool {
        let waits =
            |cluster: &Cluster| cluster.intent.as_ref().is_some_and(|it| matches(&it.request.to_request()));
        let mut clusters = self.known.values().filter_map(|known| known.record.as_ref());
        clusters.any(|(cluster, _)| is_own(cluster, call) && waits(cluster))
    }

    fn find(&self, identifier: Identifier) -> Option<&Cluster> {
        self.known.get(&identifier)?.record.as_ref().map(|(cluster, _)| &**cluster)
    }
}

/// Whether two records of a cluster have the same tags and streams with the same tags.
fn has_same_tags(before: &Cluster, after: &Cluster) -> bool {
    let of_streams = |cluster: &'_ Cluster| {
        cluster.streams().iter().map(|it| (it.identifier, it.tags.clone())).collect::<Vec<_>>()
    };
    before.tags == after.tags && (before.shares_attached(after) || of_streams(before) == of_streams(after))
}

/// Whether `call` names the cluster: by its identifier in the call's own Region and account, or by its whole ARN.
pub(super) fn is_named(cluster: &Cluster, call: &OpenCall) -> bool {
    let by_arn = call.request.resource_arn().map(named_cluster);
    is_own(cluster, call) && by_arn.is_none_or(|arn| arn == Some(cluster.arn))
}

/// The ARN of the cluster in an ARN of a cluster or of its stream.
fn named_cluster(arn: &str) -> Option<ClusterArn> {
    ClusterArn::parse(arn.split("/stream/").next().unwrap_or(arn))
}

/// Whether the cluster belongs to the Region and the account of `call`.
fn is_own(cluster: &Cluster, call: &OpenCall) -> bool {
    (cluster.arn.region, cluster.arn.account) == (call.region, call.account)
}

/// Whether a call names one cluster or stream.
pub(super) fn names_one_resource(request: &Request) -> bool {
    request.identifier().or(request.resource_arn()).is_some()
}
