//! The progress of listings that have not reached their last page.

use std::collections::BTreeSet;

use crate::check::listings::REMEMBERED;
use crate::map::Generations;
use crate::types::{Identifier, Instant};

use super::Moment;

/// The pages of listings so far, by the token of the page that follows. One that is forgotten makes nothing known of
/// the rest of its listing.
#[derive(Clone, Debug, Default)]
pub(super) struct ListedPages(Generations<String, ListedPage>);

/// The beginning of a listing.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListingBegin {
    pub(super) began: Moment,
    /// The number of identifiers that had been used when it began. Clusters created later may be missing.
    pub(super) used: u64,
}

/// A page of a listing. It leads to the pages before it, so that all of them together take no more than the entries.
#[derive(Clone, Debug)]
struct ListedPage {
    begin: ListingBegin,
    entries: Box<[Identifier]>,
    /// The token with which it was asked for; `None` for the first page.
    token: Option<String>,
}

impl ListedPages {
    /// The beginning of the listing that goes on with `token`; `None` if the pages before are not known.
    pub(super) fn begin(&self, token: &String) -> Option<ListingBegin> {
        self.0.get(token).map(|page| page.begin)
    }

    /// Notes a page that was asked for with `token`, and that the page of `next` follows.
    pub(super) fn add(
        &mut self,
        now: Instant,
        begin: ListingBegin,
        token: Option<&String>,
        entries: Box<[Identifier]>,
        next: &str,
    ) {
        self.0.rotate(now, REMEMBERED);
        self.0.insert(next.to_owned(), ListedPage { begin, entries, token: token.cloned() });
    }

    /// The entries on all pages before the one of `token`; `None` if they are not known any more.
    pub(super) fn entries_before<'a>(
        &'a self,
        mut token: Option<&'a String>,
    ) -> Option<BTreeSet<Identifier>> {
        let mut entries = BTreeSet::new();
        while let Some(known) = token {
            let page = self.0.get(known)?;
            let count = entries.len();
            entries.extend(page.entries.iter().copied());
            // A faulty control plane may return a token that leads back.
            if entries.len() == count {
                return None;
            }
            token = page.token.as_ref();
        }
        Some(entries)
    }
}
