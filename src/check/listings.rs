//! The invariant about listings: what exists throughout one is on one of its pages.

use std::collections::BTreeSet;

use crate::api::{Request, Response};
use crate::control::cluster::Serial;
use crate::control::message::Delivery;
use crate::control::storage::Storage;
use crate::map::FixedMap;
use crate::region::Region;
use crate::types::{Account, Identifier};

use super::invariant::{CheckContext, Invariant};
use super::{CheckResult, WorldView};

/// Listings that have not come to their last page.
#[derive(Clone, Debug, Default)]
pub(super) struct Listings {
    /// The last that there was when a listing began.
    beginnings: FixedMap<Delivery, u64>,
    /// What was listed so far, by the token of the next page.
    open: FixedMap<String, Listing>,
}

#[derive(Clone, Debug)]
struct Listing {
    /// What was created after this one may be missing.
    began_after: u64,
    seen: BTreeSet<Identifier>,
}

/// What is listed: its place in the order of creation, from 1, and its name.
type Listed = (u64, Identifier);

impl Listings {
    /// A request comes to a control plane.
    pub(super) fn arrived(
        &mut self,
        scene: &dyn WorldView,
        region: Region,
        account: Account,
        delivery: Delivery,
    ) {
        let Some(request) = scene.request_of(delivery) else { return };
        let Some((None, _)) = asked(request) else { return };
        let last = scene.storage(region).map_or(0, |storage| match request {
            Request::ListClusters(_) => storage.next_serial(account).0 - 1,
            _ => streams(storage, request).map(|(number, _)| number).max().unwrap_or(0),
        });
        self.beginnings.insert(delivery, last);
    }

    /// A page begins after the last one of the page before, in the order of creation, which never changes.
    pub(super) fn list_complete(
        &mut self,
        judge: &mut CheckContext<'_>,
        region: Region,
        delivery: Delivery,
        account: Account,
        request: &Request,
        response: &Response,
    ) -> CheckResult {
        let began_after = self.beginnings.swap_remove(&delivery);
        let Some((page, next)) = answered(response) else { return Ok(()) };
        let mut listing = match (asked(request), began_after) {
            (Some((None, _)), Some(began_after)) => Listing { began_after, seen: BTreeSet::new() },
            (Some((Some(token), _)), _) => match self.open.get(token) {
                Some(listing) => listing.clone(),
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        for identifier in page {
            judge.ensure(listing.seen.insert(identifier), Invariant::ListComplete, || {
                format!("{identifier} is listed twice")
            })?;
        }
        if let Some(next) = next {
            self.open.insert(next.clone(), listing);
            return Ok(());
        }
        let storage = judge.scene.storage(region);
        let mut existing = storage.into_iter().flat_map(|storage| existing(storage, account, request));
        let missing = existing
            .find(|(place, identifier)| *place <= listing.began_after && !listing.seen.contains(identifier));
        judge.ensure(missing.is_none(), Invariant::ListComplete, || {
            let name = missing.map_or_else(String::new, |(_, identifier)| identifier.to_string());
            format!("{name} existed throughout a listing and is on none of its pages")
        })
    }
}

/// The page that `request` asks for, if it asks for one, and the cluster whose streams it lists.
fn asked(request: &Request) -> Option<(Option<&String>, Option<&str>)> {
    match request {
        Request::ListClusters(input) => Some((input.next_token.as_ref(), None)),
        Request::ListStreams(input) => Some((input.next_token.as_ref(), Some(&input.cluster_identifier))),
        _ => None,
    }
}

/// What is on a page, and the token of the next.
fn answered(response: &Response) -> Option<(Vec<Identifier>, Option<&String>)> {
    match response {
        Response::ListClusters(page) => {
            Some((page.clusters.iter().map(|it| it.arn.identifier).collect(), page.next_token.as_ref()))
        }
        Response::ListStreams(page) => {
            Some((page.streams.iter().map(|it| it.stream_identifier).collect(), page.next_token.as_ref()))
        }
        _ => None,
    }
}

/// What there is of what `request` lists.
fn existing(storage: &Storage, account: Account, request: &Request) -> impl Iterator<Item = Listed> {
    let lists_clusters = matches!(request, Request::ListClusters(_));
    let clusters = lists_clusters.then(|| storage.clusters_after(account, Serial(0))).into_iter().flatten();
    let clusters = clusters.map(|cluster| (cluster.serial.0, cluster.arn.identifier));
    clusters.chain(streams(storage, request))
}

/// The streams that `request` lists, if it lists any.
fn streams(storage: &Storage, request: &Request) -> impl Iterator<Item = Listed> {
    let cluster = asked(request).and_then(|(_, cluster)| storage.cluster(Identifier::parse(cluster?)?));
    let streams = cluster.into_iter().flat_map(|cluster| cluster.streams());
    streams.map(|stream| (u64::from(stream.number), stream.identifier))
}
