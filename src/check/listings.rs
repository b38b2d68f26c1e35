//! The invariant about listings: a cluster or stream that exists throughout a listing is on exactly one of its pages.

use std::collections::BTreeSet;

use crate::api::{Request, Response};
use crate::control::message::Delivery;
use crate::control::records::{Serial, Storage};
use crate::map::FixedMap;
use crate::region::Region;
use crate::types::{Account, Identifier};

use super::invariant::{CheckContext, Invariant};
use super::{CheckResult, WorldView};

/// The listings that have not reached their last page.
#[derive(Clone, Debug, Default)]
pub(super) struct Listings {
    /// The number of the newest cluster or stream when a listing began, by the request for its first page.
    beginnings: FixedMap<Delivery, u64>,
    /// The progress of each listing, by the token of its next page.
    open: FixedMap<String, Listing>,
}

#[derive(Clone, Debug)]
struct Listing {
    /// The number of the newest one when the listing began. Those created later may be missing.
    began_after: u64,
    seen: BTreeSet<Identifier>,
}

/// A listed cluster or stream: its number in the order of creation, from 1, and its identifier.
type Listed = (u64, Identifier);

impl Listings {
    /// A request arrived at the control plane of `region`. If it begins a listing, the newest number is kept.
    pub(super) fn arrived(
        &mut self,
        view: &dyn WorldView,
        region: Region,
        account: Account,
        delivery: Delivery,
    ) {
        let Some(request) = view.request_of(delivery) else { return };
        let Some((None, _)) = list_request(request) else { return };
        let last = view.storage(region).map_or(0, |storage| match request {
            Request::ListClusters(_) => storage.next_serial(account).0 - 1,
            _ => streams(storage, request).map(|(number, _)| number).max().unwrap_or(0),
        });
        self.beginnings.insert(delivery, last);
    }

    /// A page begins after the last entry of the page before it, in the order of creation, which never changes. So no
    /// entry is listed twice, and none that exists throughout is skipped.
    pub(super) fn list_complete(
        &mut self,
        ctx: &mut CheckContext<'_>,
        region: Region,
        delivery: Delivery,
        account: Account,
        request: &Request,
        response: &Response,
    ) -> CheckResult {
        let began_after = self.beginnings.swap_remove(&delivery);
        let Some((page, next)) = page_of(response) else { return Ok(()) };
        let mut listing = match (list_request(request), began_after) {
            (Some((None, _)), Some(began_after)) => Listing { began_after, seen: BTreeSet::new() },
            (Some((Some(token), _)), _) => match self.open.get(token) {
                Some(listing) => listing.clone(),
                // A page token from before the last restart of a server: the pages before it are not known.
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        for identifier in page {
            ctx.ensure(listing.seen.insert(identifier), Invariant::ListComplete, || {
                format!("{identifier} is listed twice")
            })?;
        }
        if let Some(next) = next {
            self.open.insert(next.clone(), listing);
            return Ok(());
        }
        let storage = ctx.view.storage(region);
        let mut existing = storage.into_iter().flat_map(|storage| existing(storage, account, request));
        let missing = existing.find(|(number, identifier)| {
            *number <= listing.began_after && !listing.seen.contains(identifier)
        });
        ctx.ensure(missing.is_none(), Invariant::ListComplete, || {
            let name = missing.map_or_else(String::new, |(_, identifier)| identifier.to_string());
            format!("{name} existed throughout a listing and is on none of its pages")
        })
    }
}

/// The page token of a list request, and the cluster whose streams it lists; `None` for any other request.
fn list_request(request: &Request) -> Option<(Option<&String>, Option<&str>)> {
    match request {
        Request::ListClusters(input) => Some((input.next_token.as_ref(), None)),
        Request::ListStreams(input) => Some((input.next_token.as_ref(), Some(&input.cluster_identifier))),
        _ => None,
    }
}

/// The identifiers on a page, and the token of the next.
fn page_of(response: &Response) -> Option<(Vec<Identifier>, Option<&String>)> {
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

/// The clusters or streams that exist of those that `request` lists.
fn existing(storage: &Storage, account: Account, request: &Request) -> impl Iterator<Item = Listed> {
    let lists_clusters = matches!(request, Request::ListClusters(_));
    let clusters = lists_clusters.then(|| storage.clusters_after(account, Serial(0))).into_iter().flatten();
    let clusters = clusters.map(|cluster| (cluster.serial.0, cluster.arn.identifier));
    clusters.chain(streams(storage, request))
}

/// The streams of the cluster that `request` names; none if it lists clusters.
fn streams(storage: &Storage, request: &Request) -> impl Iterator<Item = Listed> {
    let cluster =
        list_request(request).and_then(|(_, cluster)| storage.cluster(Identifier::parse(cluster?)?));
    let streams = cluster.into_iter().flat_map(|cluster| cluster.streams());
    streams.map(|stream| (u64::from(stream.number), stream.identifier))
}
