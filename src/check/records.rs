//! The durable records of clusters, and the origin and protection of each identifier in use. One table holds all of it,
//! because there may be very many identifiers.
//!
//! A cluster or stream that was removed leaves its identifier, so that a server that runs for long does not grow with
//! the number of its calls.
//!
//! Writes and answers leave a node in the order in which it made them. When an answer is checked, the records are
//! therefore those that the node decided by.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::api::Request;
use crate::control::keys::Keys;
use crate::control::message::Commit;
use crate::control::records::Cluster;
use crate::map::{FixedMap, Latest};
use crate::region::Region;
use crate::table::Table;
use crate::types::{Account, ClusterArn, Identifier, Instant};

use super::open::{Moment, OpenCall, Subject};
use super::visible::Born;

/// The identifiers in use, and those that were.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    known: Table<Identifier, IdentifierEntry>,
    /// The number of identifiers that were ever used.
    used: u64,
    /// Clusters and streams that were removed, oldest first, each with the moment of its removal: an open call may
    /// still be about them.
    removed: VecDeque<(Moment, Subject)>,
    /// The identifiers of those that no open call is about.
    ended: Latest<Identifier>,
    /// The number of single-Region and of multi-Region clusters, by account and Region.
    counts: FixedMap<(Account, Region), [u32; 2]>,
    /// The time at which a cluster last ceased to exist.
    last_removed: Instant,
}

/// The knowledge about an identifier. For that of a stream it stays empty.
#[derive(Clone, Debug, Default)]
struct IdentifierEntry {
    /// Its number in the order of first use, from 0.
    number: u64,
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
        let entry = self.entry(cluster.arn.identifier);
        (entry.is_unprotected, entry.born) = (is_unprotected, born);
        self.wrote(Instant::START, None, Some(cluster));
    }

    /// A cluster that no call created was restored: reads show it from now on.
    pub(super) fn appeared(&mut self, cluster: &Arc<Cluster>, keys: Arc<Keys>) {
        self.entry(cluster.arn.identifier).born = Some(Born::Kept(cluster.clone(), keys));
    }

    /// Marks an identifier as used; `false` if it was used before.
    pub(super) fn begin(&mut self, identifier: Identifier) -> bool {
        let used = self.used;
        self.entry(identifier);
        self.used > used && !self.ended.contains(&identifier)
    }

    /// Records a write to a cluster that became durable.
    fn wrote(&mut self, now: Instant, before: Option<&Arc<Cluster>>, after: Option<&Arc<Cluster>>) {
        if let Some(cluster) = after.or(before) {
            let known = self.entry(cluster.arn.identifier);
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

    /// Records a batch that became durable at `now`. Returns whether it removed a cluster or a stream.
    pub(super) fn committed(&mut self, now: Moment, commit: &Commit) -> bool {
        let Some((_, _, after)) = &commit.batch.cluster else { return false };
        let before = commit.before.cluster.as_ref();
        self.wrote(now.at, before, after.as_ref());
        let waiting = self.removed.len();
        self.removed.extend(removed(before, after.as_ref()).map(|subject| (now, subject)));
        self.removed.len() > waiting
    }

    /// Forgets the next cluster or stream that was removed before `earliest`, except that it has existed.
    pub(super) fn forget_removed(&mut self, earliest: Moment) -> Option<Subject> {
        let (_, subject) = self.removed.pop_front_if(|(at, _)| *at < earliest)?;
        let identifier = subject.identifier();
        self.known.remove(&identifier);
        self.ended.insert(identifier);
        Some(subject)
    }

    /// Whether the cluster or stream with this identifier was removed before every open call arrived.
    pub(super) fn has_ended(&self, identifier: Identifier) -> bool {
        self.ended.contains(&identifier)
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
        self.entry(identifier).is_unprotected = !is_protected;
    }

    /// Whether the calls that were carried out have turned the deletion protection of the cluster off.
    pub(super) fn is_unprotected(&self, identifier: Identifier) -> bool {
        self.known.get(&identifier).is_some_and(|known| known.is_unprotected)
    }

    /// The number of identifiers that were ever used.
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// The origins of the clusters among the first `used` identifiers.
    pub(super) fn first_born(&self, used: u64) -> impl Iterator<Item = &Born> {
        self.known.values().filter(move |known| known.number < used).filter_map(|known| known.born.as_ref())
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

    fn entry(&mut self, identifier: Identifier) -> &mut IdentifierEntry {
        let used = &mut self.used;
        self.known.get_or_insert_with(identifier, || {
            *used += 1;
            IdentifierEntry { number: *used - 1, ..IdentifierEntry::default() }
        })
    }

    fn find(&self, identifier: Identifier) -> Option<&Cluster> {
        self.known.get(&identifier)?.record.as_ref().map(|(cluster, _)| &**cluster)
    }
}

/// The streams that a write removes, and the cluster if it removes that.
fn removed<'a>(
    before: Option<&'a Arc<Cluster>>,
    after: Option<&'a Arc<Cluster>>,
) -> impl Iterator<Item = Subject> + use<'a> {
    let is_unchanged = |before: &&Arc<Cluster>| after.is_some_and(|after| before.shares_attached(after));
    let streams = before.filter(|before| !is_unchanged(before)).into_iter().flat_map(|before| {
        before.streams().iter().map(|stream| Subject::of_stream(before.arn, stream.identifier))
    });
    let remains = move |subject: &Subject| {
        let mut rest = after.into_iter().flat_map(|after| after.streams());
        rest.any(|stream| Some(stream.identifier) == subject.stream)
    };
    let cluster = before.filter(|_| after.is_none()).map(|before| Subject::from(before.arn));
    streams.filter(move |subject| !remains(subject)).chain(cluster)
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
