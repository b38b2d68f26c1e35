//! What is known of each identifier that was ever used, in one table, for there may be very many: the durable record of
//! its cluster, whether calls have left that without protection, and how it began.
//!
//! Records are as they were when the answer that is judged left: writes and answers come out of a node in the order in
//! which it made them.

use std::sync::Arc;

use crate::api::Request;
use crate::control::cluster::Cluster;
use crate::control::message::Commit;
use crate::map::FixedMap;
use crate::region::Region;
use crate::table::Table;
use crate::types::{Account, ClusterArn, Identifier, Instant};

use super::open::OpenCall;
use super::visible::Born;

/// Every identifier that was ever used.
#[derive(Clone, Debug, Default)]
pub(super) struct Records {
    /// In the order in which they were used first.
    known: Table<Identifier, IdentifierEntry>,
    /// How many clusters an account has in a Region: single-Region clusters, and multi-Region ones.
    counts: FixedMap<(Account, Region), [u32; 2]>,
    /// When one ceased to exist last.
    last_removed: Instant,
}

/// What is known of an identifier. That of a stream only is used.
#[derive(Clone, Debug, Default)]
struct IdentifierEntry {
    /// The cluster, if it exists, and when it was last written.
    record: Option<(Arc<Cluster>, Instant)>,
    /// Whether calls that were carried out have left it without deletion protection.
    is_unprotected: bool,
    /// How it began, from when its creation was answered until its end was seen.
    born: Option<Born>,
}

impl Records {
    /// Takes note of a cluster that exists before anything happens, once.
    pub(super) fn recall(&mut self, cluster: &Arc<Cluster>) {
        for stream in cluster.streams() {
            self.begin(stream.identifier);
        }
        let (is_unprotected, born) = (!cluster.deletion_protection, Some(Born::Kept(cluster.clone())));
        self.known.insert(cluster.arn.identifier, IdentifierEntry { record: None, is_unprotected, born });
        self.wrote(Instant::START, None, Some(cluster));
    }

    /// An identifier is used for something new; `false` if it was used before.
    pub(super) fn begin(&mut self, identifier: Identifier) -> bool {
        self.known.insert(identifier, IdentifierEntry::default()).is_none()
    }

    /// A write became durable, or was before anything happens.
    fn wrote(&mut self, now: Instant, before: Option<&Arc<Cluster>>, after: Option<&Arc<Cluster>>) {
        if let Some(cluster) = after.or(before) {
            let known = self.known.get_or_insert_with(cluster.arn.identifier, IdentifierEntry::default);
            known.record = after.map(|after| (after.clone(), now));
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
        self.known.get(&arn.identifier)?.record.as_ref().map(|(_, at)| *at)
    }

    /// A call that was carried out has left the cluster with deletion protection, or without.
    pub(super) fn protect(&mut self, identifier: Identifier, is_protected: bool) {
        self.known.get_or_insert_with(identifier, IdentifierEntry::default).is_unprotected = !is_protected;
    }

    /// Whether calls that were carried out have left the cluster without deletion protection.
    pub(super) fn is_unprotected(&self, identifier: Identifier) -> bool {
        self.known.get(&identifier).is_some_and(|known| known.is_unprotected)
    }

    /// How many identifiers were ever used.
    pub(super) fn used(&self) -> usize {
        self.known.len()
    }

    /// How each cluster began among the first that were `used`.
    pub(super) fn first_born(&self, used: usize) -> impl Iterator<Item = &Born> {
        self.known.entries().iter().take(used).filter_map(|(_, known)| known.born.as_ref())
    }

    /// How a cluster began whose creation was answered.
    pub(super) fn born(&self, identifier: Identifier) -> Option<&Born> {
        self.known.get(&identifier)?.born.as_ref()
    }

    /// The place for how a cluster began; `None` if its identifier was never used.
    pub(super) fn born_mut(&mut self, identifier: Identifier) -> Option<&mut Option<Born>> {
        self.known.get_mut(&identifier).map(|known| &mut known.born)
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
        let mut clusters = self.known.values().filter_map(|known| known.record.as_ref());
        clusters.any(|(cluster, _)| is_own(cluster, asked) && waits(cluster))
    }

    fn find(&self, identifier: Identifier) -> Option<&Cluster> {
        self.known.get(&identifier)?.record.as_ref().map(|(cluster, _)| &**cluster)
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
