//! The resources that requests name: a cluster by its identifier, a stream, or either by its ARN; and their tags.

use std::sync::Arc;

use crate::api::{Error, Request, TagMap, Tags};
use crate::control::mutant::planted;
use crate::control::records::{Cluster, Stream};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::coverage_mark::CoverageMark;
use crate::types::{Account, ClusterArn, ClusterStatus, Identifier};

/// The resource that a request names, unvalidated. Its tags and its policy count when permissions are evaluated.
#[derive(Clone, Copy, Debug)]
pub(in crate::control) enum Resource<'a> {
    /// None but the account itself: the request creates a cluster, or lists them.
    Account,
    /// The cluster with this identifier.
    Cluster(&'a str),
    /// The stream with the second identifier, of the cluster with the first.
    Stream(&'a str, &'a str),
    /// The cluster or the stream with this ARN.
    Arn(&'a str),
}

impl Resource<'_> {
    pub(in crate::control) fn of(request: &Request) -> Resource<'_> {
        match (request.identifier(), request.stream_identifier(), request.resource_arn()) {
            (Some(cluster), Some(stream), _) => Resource::Stream(cluster, stream),
            (Some(cluster), None, _) => Resource::Cluster(cluster),
            (None, _, Some(arn)) => Resource::Arn(arn),
            (None, _, None) => Resource::Account,
        }
    }
}

impl ControlPlane {
    /// The cluster and the stream that `resource` names, as far as they exist. A resource that is missing has no
    /// attributes; permissions are checked all the same, so that the answer does not reveal what exists.
    pub(in crate::control) fn find_resource(
        &self,
        account: Account,
        resource: Resource<'_>,
    ) -> (Option<Arc<Cluster>>, Option<Identifier>) {
        match resource {
            Resource::Account => (None, None),
            Resource::Cluster(identifier) => (self.find(account, identifier).ok().cloned(), None),
            Resource::Stream(identifier, stream) => {
                (self.find(account, identifier).ok().cloned(), Identifier::parse(stream))
            }
            Resource::Arn(arn) => {
                let found = self.find_tagged(account, arn);
                found.map_or((None, None), |(cluster, stream)| (Some(cluster), stream))
            }
        }
    }

    /// The account's cluster with this identifier.
    ///
    /// # Errors
    /// ResourceNotFoundException, also for a cluster of another account.
    pub(in crate::control) fn find(
        &self,
        account: Account,
        identifier: &str,
    ) -> Result<&Arc<Cluster>, Error> {
        let found = Identifier::parse(identifier).and_then(|identifier| self.storage.cluster(identifier));
        let mut own = found.filter(|cluster| cluster.arn.account == account);
        planted!(self.mutants, IdleNotFound => own = own.filter(|it| it.status != ClusterStatus::Idle));
        own.ok_or_else(|| errors::no_such_cluster(self.region, account, identifier))
    }

    /// The account's cluster with the identifier `cluster`, and its stream with the identifier `stream`.
    ///
    /// # Errors
    /// ResourceNotFoundException.
    pub(super) fn find_stream(
        &self,
        account: Account,
        cluster: &str,
        stream: &str,
    ) -> Result<(&Arc<Cluster>, &Stream), Error> {
        let cluster = self.find(account, cluster)?;
        let found = Identifier::parse(stream).and_then(|stream| cluster.stream(stream));
        found.map(|found| (cluster, found)).ok_or_else(|| errors::no_such_stream(cluster, stream))
    }

    /// The cluster that `arn` names or whose stream it names, and that stream.
    ///
    /// # Errors
    /// ResourceNotFoundException.
    pub(super) fn find_tagged(
        &self,
        account: Account,
        arn: &str,
    ) -> Result<(Arc<Cluster>, Option<Identifier>), Error> {
        let missing = || Error::not_found(arn, arn.rsplit('/').next().unwrap_or_default());
        let (cluster, stream) = match arn.split_once("/stream/") {
            Some((cluster, stream)) => (cluster, Some(Identifier::parse(stream).ok_or_else(missing)?)),
            None => (arn, None),
        };
        let named = ClusterArn::parse(cluster).filter(|it| it.region == self.region && it.account == account);
        // The identifier alone would find another account's cluster: the whole ARN has to be the cluster's own.
        let found =
            named.and_then(|named| self.storage.cluster(named.identifier).filter(|it| it.arn == named));
        let cluster = found.ok_or_else(missing)?;
        if stream.is_some_and(|stream| cluster.stream(stream).is_none()) {
            return Err(missing());
        }
        Ok((cluster.clone(), stream))
    }

    /// Compares a number of tags with the limit of one resource.
    ///
    /// # Errors
    /// ServiceQuotaExceededException, for the resource with this identifier and type.
    pub(super) fn check_tag_count(
        &self,
        turn: &mut Turn<'_>,
        count: usize,
        (resource_id, resource_type): (&str, &str),
    ) -> Result<(), Error> {
        if count <= self.assumptions.tags_per_resource as usize {
            return Ok(());
        }
        turn.cover(CoverageMark::TagLimitReached);
        Err(errors::tag_limit(resource_id, resource_type))
    }

    /// Writes the tags of a cluster or of its stream.
    pub(super) fn write_tags(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        cluster: &Arc<Cluster>,
        stream: Option<Identifier>,
        tags: TagMap,
    ) {
        match stream {
            None => {
                let tags = Some(tags).filter(|tags| !tags.is_empty()).map(Arc::new);
                self.write_cluster(turn, cluster, None, Some(ctx.delivery), |record| record.tags = tags);
            }
            Some(identifier) => self.write_attached(turn, ctx, cluster, None, |attached| {
                let stream = attached.streams.iter_mut().find(|stream| stream.identifier == identifier);
                stream.expect("the stream was found above").tags = Arc::new(tags);
            }),
        }
        planted!(self.mutants, TagsInMemory => turn.drop_last_persist());
    }
}

/// The tags of a cluster or of its stream.
pub(super) fn tags_of(cluster: &Cluster, stream: Option<Identifier>) -> Tags {
    match stream {
        None => cluster.tags.clone(),
        Some(stream) => cluster.stream(stream).map(|stream| stream.tags.clone()),
    }
    .unwrap_or_default()
}
