//! TagResource, UntagResource and ListTagsForResource, for clusters and streams.

use std::sync::Arc;

use crate::api::{
    Error, ListTagsForResourceInput, ListTagsForResourceOutput, Response, TagMap, TagResourceInput,
    TagResourceOutput, Tags, UntagResourceInput, UntagResourceOutput,
};
use crate::types::{Account, ClusterArn, Identifier};

use super::cluster::{Cluster, Serial};
use super::message::Effect;
use super::mutant::Mutant;
use super::{ControlPlane, RequestContext, errors};

/// The most tags that a resource may have (API model, TagMap).
const MAX_TAGS: usize = 200;

impl ControlPlane {
    /// Handles TagResource: adds to the tags, replacing equal keys.
    pub(super) fn tag_resource(
        &mut self,
        ctx: &RequestContext,
        input: &TagResourceInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let (cluster, stream) = self.find_tagged(ctx.account, &input.resource_arn)?;
        let mut tags = TagMap::clone(&tags_of(&cluster, stream));
        if self.mutants.has(Mutant::TagsReplaced) {
            tags.clear();
        }
        for (key, value) in input.tags.iter().flat_map(|tags| tags.iter()) {
            tags.insert(key.clone(), value.clone());
        }
        if tags.len() > MAX_TAGS {
            return Err(errors::tag_limit(&input.resource_arn));
        }
        if !self.mutants.has(Mutant::TagNotWritten) {
            self.write_tags(ctx, &cluster, stream, tags, out);
        }
        self.reply(&[ctx.delivery], Ok(Arc::new(Response::TagResource(TagResourceOutput {}))), out);
        Ok(())
    }

    /// Handles UntagResource. Keys that are not there are ignored.
    pub(super) fn untag_resource(
        &mut self,
        ctx: &RequestContext,
        input: &UntagResourceInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let (cluster, stream) = self.find_tagged(ctx.account, &input.resource_arn)?;
        let mut tags = TagMap::clone(&tags_of(&cluster, stream));
        let gone = input.tag_keys.as_deref().unwrap_or_default();
        if self.mutants.has(Mutant::UntagOfAnyCase) {
            tags.retain(|key, _| !gone.iter().any(|it| it.eq_ignore_ascii_case(key)));
        }
        tags.retain(|key, _| !gone.contains(key) || self.mutants.has(Mutant::UntagRemovesNothing));
        self.write_tags(ctx, &cluster, stream, tags, out);
        self.reply(&[ctx.delivery], Ok(Arc::new(Response::UntagResource(UntagResourceOutput {}))), out);
        Ok(())
    }

    /// Handles ListTagsForResource.
    pub(super) fn list_tags(
        &self,
        ctx: &RequestContext,
        input: &ListTagsForResourceInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let (cluster, stream) = self.find_tagged(ctx.account, &input.resource_arn)?;
        let first = self.storage.clusters_after(ctx.account, Serial(0)).next();
        let cluster = first.filter(|_| self.mutants.has(Mutant::TagsOfFirstListed)).unwrap_or(&cluster);
        let output = ListTagsForResourceOutput { tags: Some(tags_of(cluster, stream)) };
        self.reply(&[ctx.delivery], Ok(Arc::new(Response::ListTagsForResource(output))), out);
        Ok(())
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
        let cluster = named.and_then(|named| self.storage.cluster(named.identifier)).ok_or_else(missing)?;
        if stream.is_some_and(|stream| cluster.stream(stream).is_none()) {
            return Err(missing());
        }
        Ok((cluster.clone(), stream))
    }

    /// Writes the tags of a cluster or of its stream.
    fn write_tags(
        &mut self,
        ctx: &RequestContext,
        cluster: &Arc<Cluster>,
        stream: Option<Identifier>,
        tags: TagMap,
        out: &mut Vec<Effect>,
    ) {
        match stream {
            None => {
                let tags = Some(tags).filter(|tags| !tags.is_empty()).map(Arc::new);
                self.write_cluster(cluster, None, Some(ctx.delivery), out, |record| record.tags = tags);
            }
            Some(identifier) => self.write_attached(ctx, cluster, None, out, |attached| {
                let stream = attached.streams.iter_mut().find(|stream| stream.identifier == identifier);
                stream.expect("the stream was found above").tags = Arc::new(tags);
            }),
        }
        self.keep_in_memory(Mutant::TagsInMemory, out);
    }
}

/// The tags of a cluster or of its stream.
fn tags_of(cluster: &Cluster, stream: Option<Identifier>) -> Tags {
    match stream {
        None => cluster.tags.clone(),
        Some(stream) => cluster.stream(stream).map(|stream| stream.tags.clone()),
    }
    .unwrap_or_default()
}
