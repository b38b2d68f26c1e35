//! ListClusters.
//!
//! Pages follow the order of creation. A page token names the last cluster listed, not a count, so that clusters
//! created or deleted between two pages neither hide nor repeat others.

use std::sync::Arc;

use crate::api::{Error, ListClustersInput, ListClustersOutput, Operation, Response};
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::operations::page_token::{read_sealed, sealed};
use crate::control::records::Serial;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};
use crate::coverage_mark::CoverageMark;
use crate::types::{Account, ClusterStatus};

/// The page size without `maxResults` (API model's Smithy default).
const DEFAULT_PAGE: usize = 20;

impl Handler for ListClustersInput {
    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let mut size = self.max_results.map_or(DEFAULT_PAGE, |size| size as usize);
        planted!(plane.mutants, PageOneTooLong => size += 1);
        let after = match &self.next_token {
            Some(token) => plane.read_page_token(ctx.caller.account, token)?,
            None => Serial(0),
        };
        if after > Serial(0) && plane.storage.at(ctx.caller.account, after).is_none() {
            turn.cover(CoverageMark::PageAfterDelete);
        }
        let mut rest = plane.storage.clusters_after(ctx.caller.account, after);
        let mut page: Vec<_> = rest.by_ref().take(size).collect();
        let next = rest.next();
        let mut last = page.last().copied().filter(|_| next.is_some());
        planted!(plane.mutants, PageNamesNext => last = next);
        planted!(plane.mutants, FullPageIsContinued if page.len() == size => last = page.last().copied());
        let next_token = last.map(|last| plane.page_token(ctx.caller.account, last.serial));
        planted!(plane.mutants, DeletedNotListed => page.retain(|it| it.status != ClusterStatus::PendingDelete));
        planted!(plane.mutants, UpdatingNotListed => page.retain(|it| it.status != ClusterStatus::Updating));
        let clusters = page.into_iter().map(|cluster| cluster.summary()).collect();
        let response = Arc::new(Response::ListClusters(ListClustersOutput { next_token, clusters }));
        turn.answer(ctx.delivery, response)
    }
}

impl ControlPlane {
    /// The token of the page after the cluster `last`.
    fn page_token(&self, account: Account, last: Serial) -> String {
        let mut position = last.0;
        planted!(self.mutants, PageSkipsAfterDelete => position = self.count_listed(account, last));
        sealed(position, |position| self.page_seal(account, position))
    }

    /// The last cluster of the page before `token`.
    fn read_page_token(&self, account: Account, token: &str) -> Result<Serial, Error> {
        let position =
            read_sealed(Operation::ListClusters, token, |position| self.page_seal(account, position))?;
        planted!(self.mutants, PageSkipsAfterDelete => return Ok(self.nth_listed(account, position)));
        planted!(self.mutants, PageNeedsItsLast if self.storage.at(account, Serial(position)).is_none() =>
            read_sealed(Operation::ListClusters, "", |position| position)?);
        Ok(Serial(position))
    }
}
