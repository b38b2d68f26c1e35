//! ListTagsForResource, for clusters and streams.

use std::sync::Arc;

use crate::api::{Error, ListTagsForResourceInput, ListTagsForResourceOutput, Response};
use crate::control::mutant::Mutant;
use crate::control::operations::resource::tags_of;
use crate::control::operations::{Handler, Resource};
use crate::control::records::Serial;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};

impl Handler for ListTagsForResourceInput {
    fn resource(&self) -> Resource<'_> {
        Resource::Arn(&self.resource_arn)
    }

    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        plane.list_tags_for_resource(turn, ctx, self)
    }
}

impl ControlPlane {
    /// Handles ListTagsForResource.
    fn list_tags_for_resource(
        &self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        input: &ListTagsForResourceInput,
    ) -> Result<(), Error> {
        let (cluster, stream) = self.find_tagged(ctx.caller.account, &input.resource_arn)?;
        let first = self.storage.clusters_after(ctx.caller.account, Serial(0)).next();
        let cluster = first.filter(|_| self.mutants.has(Mutant::TagsOfFirstListed)).unwrap_or(&cluster);
        let output = ListTagsForResourceOutput { tags: Some(tags_of(cluster, stream)) };
        turn.reply(&[ctx.delivery], Ok(Arc::new(Response::ListTagsForResource(output))));
        Ok(())
    }
}
