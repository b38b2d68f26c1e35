//! The resources that requests name: a cluster by its identifier, a stream, or either by its ARN; and their tags.

use std::sync::Arc;

use crate::api::{Error, TagMap, Tags};
use crate::control::mutant::Mutant;
use crate::control::records::{Cluster, Stream};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::types::{Account, ClusterArn, ClusterStatus, Identifier};

impl ControlPlane {
    /// The account's cluster with this identifier.
    ///
    /// # Errors
    /// ResourceNotFoundException, also for a cluster of another account.
    pub(in crate::control) fn find(
        &self,
        account: Account,
        identifier: &str,
    ) -> Result<&Arc<Cluster>, Error> {
        Identifier::parse(identifier)
            .and_then(|identifier| self.storage.cluster(identifier))
            .filter(|cluster| cluster.arn.account == account)
            .filter(|it| it.status != ClusterStatus::Idle || !self.mutants.has(Mutant::IdleNotFound))
            .ok_or_else(|| errors::no_such_cluster(self.region, account, identifier))
    }

    pub(in crate::control) fn find_stream(
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
    pub(in crate::control) fn find_tagged(
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
        let cluster = named.and_then(|named| self.storage.cluster(named.identifier)).ok_or_else(missing)?;
        if stream.is_some_and(|stream| cluster.stream(stream).is_none()) {
            return Err(missing());
        }
        Ok((cluster.clone(), stream))
    }

    /// Writes the tags of a cluster or of its stream.
    pub(in crate::control) fn write_tags(
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
        self.keep_in_memory(turn, Mutant::TagsInMemory);
    }
}

/// The tags of a cluster or of its stream.
pub(in crate::control) fn tags_of(cluster: &Cluster, stream: Option<Identifier>) -> Tags {
    match stream {
        None => cluster.tags.clone(),
        Some(stream) => cluster.stream(stream).map(|stream| stream.tags.clone()),
    }
    .unwrap_or_default()
}
