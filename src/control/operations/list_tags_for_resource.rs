//! ListTagsForResource, for clusters and streams.

use std::sync::Arc;

use crate::api::{Error, ListTagsForResourceInput, ListTagsForResourceOutput, Response};
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::operations::resource::tags_of;
use crate::control::records::Serial;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};

impl Handler for ListTagsForResourceInput {
    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let (mut cluster, stream) = plane.find_tagged(ctx.caller.account, &self.resource_arn)?;
        planted!(plane.mutants, TagsOfFirstListed =>
            cluster = plane.storage.clusters_after(ctx.caller.account, Serial(0)).next().unwrap_or(&cluster).clone());
        let output = ListTagsForResourceOutput { tags: Some(tags_of(&cluster, stream)) };
        turn.answer(ctx.delivery, Arc::new(Response::ListTagsForResource(output)))
    }
}
