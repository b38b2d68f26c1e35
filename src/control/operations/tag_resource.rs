//! TagResource, for clusters and streams.

use std::sync::Arc;

use crate::api::{Error, Response, TagMap, TagResourceInput, TagResourceOutput};
use crate::control::authorization::{PermissionScope, RequestAttributes, Require, RequiredPermission};
use crate::control::mutant::planted;
use crate::control::operations::resource::tags_of;
use crate::control::operations::{Handler, Resource};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};

/// The most tags that a resource may have (API model, TagMap).
const MAX_TAGS: usize = 200;

impl Handler for TagResourceInput {
    fn resource(&self) -> Resource<'_> {
        Resource::Arn(&self.resource_arn)
    }

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
        plane.tag_resource(turn, ctx, self)
    }
}

impl ControlPlane {
    /// Handles TagResource: adds to the tags, replacing equal keys.
    fn tag_resource(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        input: &TagResourceInput,
    ) -> Result<(), Error> {
        let (cluster, stream) = self.find_tagged(ctx.caller.account, &input.resource_arn)?;
        let mut tags = TagMap::clone(&tags_of(&cluster, stream));
        planted!(self.mutants, TagsReplaced => tags.clear());
        for (key, value) in input.tags.iter().flat_map(|tags| tags.iter()) {
            tags.insert(key.clone(), value.clone());
        }
        let mut count = tags.len();
        planted!(self.mutants, EqualTagsCountTwice =>
            count = tags_of(&cluster, stream).len() + input.tags.as_ref().map_or(0, |tags| tags.len()));
        if count > MAX_TAGS {
            return Err(errors::tag_limit(&input.resource_arn));
        }
        let response = Arc::new(Response::TagResource(TagResourceOutput {}));
        planted!(self.mutants, TagNotWritten => return turn.answer(ctx.delivery, response));
        self.write_tags(turn, ctx, &cluster, stream, tags);
        turn.answer(ctx.delivery, response)
    }
}
