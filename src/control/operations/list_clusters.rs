//! ListClusters.
//!
//! Pages follow the order of creation. A page token names the last cluster listed, not a count, so that clusters
//! created or deleted between two pages neither hide nor repeat others.

use std::sync::Arc;

use crate::api::{Error, ListClustersInput, ListClustersOutput, Operation, Response};
use crate::control::mutant::Mutant;
use crate::control::operations::page_token::{read_sealed, sealed};
use crate::control::operations::{Handler, Resource};
use crate::control::records::{Cluster, Serial};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};
use crate::coverage_mark::CoverageMark;
use crate::types::{Account, ClusterStatus};

/// The page size without `maxResults` (API model's Smithy default).
const DEFAULT_PAGE: usize = 20;

impl Handler for ListClustersInput {
    fn resource(&self) -> Resource<'_> {
        Resource::Account
    }

    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        plane.list_clusters(turn, ctx, self)
    }
}

impl ControlPlane {
    /// Handles ListClusters: one page, in the order of creation.
    fn list_clusters(
        &self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        input: &ListClustersInput,
    ) -> Result<(), Error> {
        let size = input.max_results.map_or(DEFAULT_PAGE, |size| size as usize);
        let after = match &input.next_token {
            Some(token) => self.read_page_token(ctx.caller.account, token)?,
            None => Serial(0),
        };
        if after > Serial(0) && self.storage.at(ctx.caller.account, after).is_none() {
            turn.cover(CoverageMark::PageAfterDelete);
        }
        let mut rest = self.storage.clusters_after(ctx.caller.account, after);
        let is_listed = |cluster: &&Arc<Cluster>| {
            cluster.status != ClusterStatus::PendingDelete || !self.mutants.has(Mutant::DeletedNotListed)
        };
        let page: Vec<_> = rest.by_ref().filter(is_listed).take(size).collect();
        let next = rest.next();
        let last = page.last().copied().filter(|_| next.is_some());
        let last = if self.mutants.has(Mutant::PageNamesNext) { next } else { last };
        let next_token = last.map(|last| self.page_token(ctx.caller.account, last.serial));
        let hides_updating = self.mutants.has(Mutant::UpdatingNotListed);
        let page = page.into_iter().filter(|it| it.status != ClusterStatus::Updating || !hides_updating);
        let clusters = page.map(|cluster| cluster.summary()).collect();
        let response = Arc::new(Response::ListClusters(ListClustersOutput { next_token, clusters }));
        turn.reply(&[ctx.delivery], Ok(response));
        Ok(())
    }

    /// The token of the page after the cluster `last`.
    fn page_token(&self, account: Account, last: Serial) -> String {
        let mut position = last.0;
        if self.mutants.has(Mutant::PageSkipsAfterDelete) {
            position =
                self.storage.clusters_after(account, Serial(0)).take_while(|it| it.serial <= last).count()
                    as u64;
        }
        sealed(position, |position| self.page_seal(account, position))
    }

    /// The last cluster of the page before `token`.
    fn read_page_token(&self, account: Account, token: &str) -> Result<Serial, Error> {
        let position =
            read_sealed(Operation::ListClusters, token, |position| self.page_seal(account, position))?;
        if self.mutants.has(Mutant::PageSkipsAfterDelete) {
            let listed =
                self.storage.clusters_after(account, Serial(0)).nth((position as usize).saturating_sub(1));
            return Ok(listed.map_or(Serial(u64::from(u32::MAX)), |cluster| cluster.serial));
        }
        Ok(Serial(position))
    }
}
