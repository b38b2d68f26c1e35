//! GetCluster and ListClusters.
//!
//! Pages follow the order of creation. A page token names the last cluster listed, not a count, so that clusters
//! created or deleted between two pages neither hide nor repeat others.

use std::sync::Arc;

use crate::api::{
    EncryptionStatus, Error, Field, GetClusterInput, GetClusterOutput, ListClustersInput, ListClustersOutput,
    Operation, Response,
};
use crate::coverage_mark::CoverageMark;
use crate::rng::mix;
use crate::types::{Account, ClusterStatus, Identifier};

use super::cluster::{Cluster, Serial};
use super::message::Effect;
use super::mutant::Mutant;
use super::register::LinkOutcome;
use super::{ControlPlane, RequestContext, errors};

/// The page size without `maxResults` (API model's Smithy default).
const DEFAULT_PAGE: usize = 20;

impl ControlPlane {
    /// Handles GetCluster.
    pub(super) fn get_cluster(
        &self,
        ctx: &RequestContext,
        input: &GetClusterInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let cluster = self.find(ctx.account, &input.identifier)?;
        let mut output = cluster.describe();
        if self.assumptions.silent_peer_shows_declaration {
            self.show_silent_declaration(cluster, &mut output);
        }
        if let Some(details) =
            output.encryption_details.as_mut().filter(|_| self.mutants.has(Mutant::EncryptionShownEnabled))
        {
            details.encryption_status = EncryptionStatus::Enabled;
        }
        output.deletion_protection_enabled |= self.mutants.has(Mutant::ProtectionShownOn);
        if self.mutants.has(Mutant::MetricGroupsShownWhenActive) && cluster.status != ClusterStatus::Active {
            output.metric_groups = None;
        }
        if let Some(properties) = &mut output.multi_region_properties {
            let hides_peer = self.mutants.has(Mutant::PeerShownWhenLinked) && cluster.linked_peer().is_none();
            let hides_own = self.mutants.has(Mutant::OwnArnOmitted);
            properties.clusters.retain(|arn| if *arn == cluster.arn { !hides_own } else { !hides_peer });
        }
        let response = Arc::new(Response::GetCluster(output));
        self.reply(&[ctx.delivery], Ok(response), out);
        Ok(())
    }

    /// Handles ListClusters: one page, in the order of creation.
    pub(super) fn list_clusters(
        &self,
        ctx: &RequestContext,
        input: &ListClustersInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let size = input.max_results.map_or(DEFAULT_PAGE, |size| size as usize);
        let after = match &input.next_token {
            Some(token) => self.read_page_token(ctx.account, token)?,
            None => Serial(0),
        };
        if after > Serial(0) && self.storage.at(ctx.account, after).is_none() {
            out.push(Effect::Covered(CoverageMark::PageAfterDelete));
        }
        let mut rest = self.storage.clusters_after(ctx.account, after);
        let is_listed = |cluster: &&Arc<Cluster>| {
            cluster.status != ClusterStatus::PendingDelete || !self.mutants.has(Mutant::DeletedNotListed)
        };
        let page: Vec<_> = rest.by_ref().filter(is_listed).take(size).collect();
        let next = rest.next();
        let last = page.last().copied().filter(|_| next.is_some());
        let last = if self.mutants.has(Mutant::PageNamesNext) { next } else { last };
        let next_token = last.map(|last| self.page_token(ctx.account, last.serial));
        let hides_updating = self.mutants.has(Mutant::UpdatingNotListed);
        let page = page.into_iter().filter(|it| it.status != ClusterStatus::Updating || !hides_updating);
        let clusters = page.map(|cluster| cluster.summary()).collect();
        let response = Arc::new(Response::ListClusters(ListClustersOutput { next_token, clusters }));
        self.reply(&[ctx.delivery], Ok(response), out);
        Ok(())
    }

    /// The account's cluster with this identifier.
    ///
    /// # Errors
    /// ResourceNotFoundException, also for a cluster of another account.
    pub(super) fn find(&self, account: Account, identifier: &str) -> Result<&Arc<Cluster>, Error> {
        Identifier::parse(identifier)
            .and_then(|identifier| self.storage.cluster(identifier))
            .filter(|cluster| cluster.arn.account == account)
            .filter(|it| it.status != ClusterStatus::Idle || !self.mutants.has(Mutant::IdleNotFound))
            .ok_or_else(|| errors::no_such_cluster(self.region, account, identifier))
    }

    /// Adds the ARN of a cluster that has declared this one, while this one declares no peer (assumption
    /// `silent_peer_shows_declaration`).
    fn show_silent_declaration(&self, cluster: &Cluster, output: &mut GetClusterOutput) {
        let Some(properties) = output.multi_region_properties.as_mut().filter(|it| it.clusters.len() == 1)
        else {
            return;
        };
        properties.clusters.extend(self.storage.registers().iter().find_map(|(register, acceptor)| {
            let other = register.other(cluster.arn)?;
            let (_, value) = acceptor.accepted?;
            (value.outcome == LinkOutcome::Open && value.has_declared(register.side(other))).then_some(other)
        }));
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

    /// The seal of a page token: it ties the token to its Region and account.
    pub(super) fn page_seal(&self, account: Account, position: u64) -> u64 {
        mix(mix(account.number(), self.region.index() as u64), position)
    }
}

/// A page token: a position and the seal of the listing. A token of another listing is refused, not misread.
pub(super) fn sealed(position: u64, seal: impl Fn(u64) -> u64) -> String {
    format!("{position:016x}{:016x}", seal(position))
}

/// The position in a page token that `operation` returned.
pub(super) fn read_sealed(
    operation: Operation,
    token: &str,
    seal: impl Fn(u64) -> u64,
) -> Result<u64, Error> {
    let (position, sealed) = token.split_at_checked(16).unwrap_or_default();
    let numbers = (u64::from_str_radix(position, 16), u64::from_str_radix(sealed, 16));
    match numbers {
        (Ok(position), Ok(sealed)) if sealed == seal(position) => Ok(position),
        _ => {
            let message = format!("The pagination token is not one that {operation} returned here.");
            Err(Error::field_validation(vec![Field { name: "nextToken".to_owned(), message }]))
        }
    }
}
