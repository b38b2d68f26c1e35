//! ListTagsForResource, for clusters and streams.

use std::sync::Arc;

use crate::api::{Error, ListTagsForResourceInput, ListTagsForResourceOutput, Response};
use crate::control::mutant::Mutant;
use crate::control::operations::resource::tags_of;
use crate::control::records::Serial;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};

impl ControlPlane {
    /// Handles ListTagsForResource.
    pub(in crate::control) fn list_tags(
        &self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        input: &ListTagsForResourceInput,
    ) -> Result<(), Error> {
        let (cluster, stream) = self.find_tagged(ctx.account, &input.resource_arn)?;
        let first = self.storage.clusters_after(ctx.account, Serial(0)).next();
        let cluster = first.filter(|_| self.mutants.has(Mutant::TagsOfFirstListed)).unwrap_or(&cluster);
        let output = ListTagsForResourceOutput { tags: Some(tags_of(cluster, stream)) };
        turn.reply(&[ctx.delivery], Ok(Arc::new(Response::ListTagsForResource(output))));
        Ok(())
    }
}
