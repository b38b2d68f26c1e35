//! TagResource, for clusters and streams: adds to the tags, replacing equal keys.

use std::sync::Arc;

use crate::api::{Error, Response, TagMap, TagResourceInput, TagResourceOutput};
use crate::control::authorization::{PermissionScope, RequestAttributes, Require, RequiredPermission};
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::operations::resource::tags_of;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};

impl Handler for TagResourceInput {
    fn permissions(&self, scope: &PermissionScope<'_>, require: Require<'_>) -> Result<(), Error> {
        let attributes = RequestAttributes { tags: self.tags.as_ref(), ..RequestAttributes::default() };
        require(RequiredPermission::new(scope.action, &scope.arn).with(attributes))
    }

    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let (cluster, stream) = plane.find_tagged(ctx.caller.account, &self.resource_arn)?;
        let mut tags = TagMap::clone(&tags_of(&cluster, stream));
        planted!(plane.mutants, TagsReplaced => tags.clear());
        for (key, value) in self.tags.iter().flat_map(|tags| tags.iter()) {
            tags.insert(key.clone(), value.clone());
        }
        let mut count = tags.len();
        let given = self.tags.as_ref().map_or(0, |tags| tags.len());
        planted!(plane.mutants, EqualTagsCountTwice => count = tags_of(&cluster, stream).len() + given);
        planted!(plane.mutants, TagsOfOneCallCounted => count = given);
        let identifier = stream.unwrap_or(cluster.arn.identifier).to_string();
        let kind = if stream.is_some() { "stream" } else { "cluster" };
        plane.check_tag_count(turn, count, (&identifier, kind))?;
        let response = Arc::new(Response::TagResource(TagResourceOutput {}));
        planted!(plane.mutants, TagNotWritten => return turn.answer(ctx.delivery, response));
        plane.write_tags(turn, ctx, &cluster, stream, tags);
        turn.answer(ctx.delivery, response)
    }
}
