//! The invariant about listings, and the page tokens that it knows: a cluster or stream that exists throughout a
//! listing is on exactly one of its pages, in the order of creation, and no page is longer than requested.
//!
//! A page token continues the listing that returned it, for the same account in the same Region, whatever crashed or
//! was deleted since. No other listing accepts it, and none accepts one that no page returned.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::api::{ListClustersInput, ListStreamsInput, Request, Response};
use crate::control::records::{Serial, Storage};
use crate::map::Generations;
use crate::region::Region;
use crate::types::{Account, Identifier, Instant};

use super::invariant::{CheckContext, Invariant};
use super::open::OpenCall;
use super::{CheckResult, WorldView};

/// The time for which a page token is remembered at least, so that a server that runs for long does not collect them
/// for ever. A token that is forgotten may be accepted or refused.
pub(super) const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);

/// The page tokens that were answered, each with the listing that it continues.
#[derive(Clone, Debug, Default)]
pub(super) struct Listings {
    pages: Generations<Page, Listing>,
    /// Whether the world began with the records of an earlier one, whose page tokens are not known.
    has_a_past: bool,
}

/// A page after the first: the token that requests it, and the listing to which it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Page {
    account: Account,
    region: Region,
    /// The cluster whose streams are listed; `None` for a listing of clusters.
    cluster: Option<Identifier>,
    token: String,
}

/// The progress of a listing.
#[derive(Clone, Copy, Debug, Default)]
struct Listing {
    /// The number of the newest one when the listing began. Those created later may be missing.
    began_after: u64,
    /// The number of the last one on the pages so far. It stands for all of them: the pages are in the order of
    /// creation.
    last: u64,
}

/// A listed cluster or stream: its number in the order of creation, from 1, and its identifier.
type Listed = (u64, Identifier);

impl Listings {
    /// The world begins with records of an earlier one.
    pub(super) fn recall(&mut self) {
        self.has_a_past = true;
    }

    /// Whether the page token of `call`, if it has one, was returned to an earlier page of this listing; `None` if that
    /// is not known any more.
    pub(super) fn is_own_page(&self, now: Instant, call: &OpenCall) -> Option<bool> {
        let Some(token) = call.request.next_token() else { return Some(true) };
        let is_known = self.pages.get(&page(call, token)).is_some();
        let may_be_forgotten = self.has_a_past || now >= Instant::START.after(REMEMBERED);
        (is_known || !may_be_forgotten).then_some(is_known)
    }

    /// A page begins after the last entry of the page before it, in the order of creation, which never changes. So no
    /// entry is listed twice, and none that exists throughout is skipped. A page token is returned only if there is an
    /// entry after the last one of the page.
    pub(super) fn list_complete(
        &mut self,
        ctx: &mut CheckContext<'_>,
        call: &OpenCall,
        response: &Response,
    ) -> CheckResult {
        let Some((entries, next)) = page_of(response) else { return Ok(()) };
        let mut listing = match call.request.next_token() {
            None => Listing { began_after: call.newest, ..Listing::default() },
            // Without the pages before it, which may be forgotten, nothing is known to be missing.
            Some(token) => self.pages.get(&page(call, token)).copied().unwrap_or_default(),
        };
        let size = page_size(&call.request);
        ctx.ensure(entries.len() <= size, Invariant::ListComplete, || {
            format!("a page has {} entries, and {size} were requested", entries.len())
        })?;
        let storage = ctx.view.storage(call.region);
        let (before, mut seen) = (listing.last, BTreeSet::new());
        for identifier in entries {
            // An entry that has ceased to exist since it was listed has no number any more.
            let number = storage.and_then(|storage| number(storage, call, identifier));
            let is_new = seen.insert(identifier) && number.is_none_or(|number| number > before);
            ctx.ensure(is_new, Invariant::ListComplete, || format!("{identifier} is listed twice"))?;
            let Some(number) = number else { continue };
            ctx.ensure(listing.last < number, Invariant::ListComplete, || {
                format!("{identifier} is listed after one that was created later")
            })?;
            listing.last = number;
        }
        if next.is_some() {
            let is_last = listing.last > 0 && listing.last == newest(ctx.view, call);
            ctx.ensure(!is_last, Invariant::ListComplete, || {
                "a page that ends with the newest entry has the token of another page".to_owned()
            })?;
        }
        // A page accounts for every number up to its last entry, the last page for all.
        let end = if next.is_some() { listing.last } else { u64::MAX };
        let existing = storage.into_iter().flat_map(|storage| existing(storage, call, before));
        let missing = existing
            .take_while(|(number, _)| *number <= end.min(listing.began_after))
            .find(|(_, identifier)| !seen.contains(identifier));
        if let (Some(next), None) = (next, missing) {
            self.pages.rotate(ctx.view.now(), REMEMBERED);
            self.pages.insert(page(call, next), listing);
            return Ok(());
        }
        ctx.ensure(missing.is_none(), Invariant::ListComplete, || {
            let name = missing.map_or_else(String::new, |(_, identifier)| identifier.to_string());
            format!("{name} existed throughout a listing and is on none of its pages")
        })
    }
}

/// For a call that lists, the number of the newest cluster or stream; zero for any other.
pub(super) fn newest(view: &dyn WorldView, call: &OpenCall) -> u64 {
    let Some(storage) = view.storage(call.region) else { return 0 };
    match &*call.request {
        Request::ListClusters(_) => storage.next_serial(call.account).0 - 1,
        Request::ListStreams(input) => {
            let cluster = Identifier::parse(&input.cluster_identifier).and_then(|it| storage.cluster(it));
            cluster.and_then(|it| it.attached.as_deref()).map_or(0, |attached| attached.numbered.into())
        }
        _ => 0,
    }
}

/// The most entries that a page of `request` may have. Without `maxResults` these are 20 clusters or 10 streams (API
/// reference, ListClusters and ListStreams).
fn page_size(request: &Request) -> usize {
    let (requested, usual) = match request {
        Request::ListClusters(ListClustersInput { max_results, .. }) => (max_results, 20),
        Request::ListStreams(ListStreamsInput { max_results, .. }) => (max_results, 10),
        _ => return 0,
    };
    requested.map_or(usual, |size| usize::try_from(size).unwrap_or(0))
}

/// The page that `token` requests of the listing of `call`.
fn page(call: &OpenCall, token: &str) -> Page {
    let cluster = call.request.identifier().and_then(Identifier::parse);
    Page { account: call.account, region: call.region, cluster, token: token.to_owned() }
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

/// The number of the cluster or stream `identifier` among those that `call` lists, if it exists.
fn number(storage: &Storage, call: &OpenCall, identifier: Identifier) -> Option<u64> {
    match &*call.request {
        Request::ListClusters(_) => storage.cluster(identifier).map(|cluster| cluster.serial.0),
        request => streams(storage, request).find(|(_, it)| *it == identifier).map(|(number, _)| number),
    }
}

/// The clusters or streams with a number after `after` that exist of those that `call` lists, in the order of their
/// numbers.
fn existing(storage: &Storage, call: &OpenCall, after: u64) -> impl Iterator<Item = Listed> {
    let lists_clusters = matches!(*call.request, Request::ListClusters(_));
    let clusters =
        lists_clusters.then(|| storage.clusters_after(call.account, Serial(after))).into_iter().flatten();
    let clusters = clusters.map(|cluster| (cluster.serial.0, cluster.arn.identifier));
    clusters.chain(streams(storage, &call.request).filter(move |(number, _)| *number > after))
}

/// The streams of the cluster that `request` names; none if it lists clusters.
fn streams(storage: &Storage, request: &Request) -> impl Iterator<Item = Listed> {
    let cluster = match request {
        Request::ListStreams(input) => Identifier::parse(&input.cluster_identifier),
        _ => None,
    };
    let streams =
        cluster.and_then(|it| storage.cluster(it)).into_iter().flat_map(|cluster| cluster.streams());
    streams.map(|stream| (u64::from(stream.number), stream.identifier))
}
