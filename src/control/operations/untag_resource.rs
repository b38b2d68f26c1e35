//! UntagResource, for clusters and streams. Keys that are not there are ignored.

use std::sync::Arc;

use crate::api::{Error, Response, TagMap, UntagResourceInput, UntagResourceOutput};
use crate::control::authorization::{PermissionScope, RequestAttributes, Require, RequiredPermission};
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::operations::resource::tags_of;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};

impl Handler for UntagResourceInput {
    fn permissions(&self, scope: &PermissionScope<'_>, require: Require<'_>) -> Result<(), Error> {
        let tag_keys = self.tag_keys.as_deref().unwrap_or_default();
        let attributes = RequestAttributes { tag_keys, ..RequestAttributes::default() };
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
        let gone = self.tag_keys.as_deref().unwrap_or_default();
        tags.retain(|key, _| !gone.contains(key));
        planted!(plane.mutants, UntagOfAnyCase =>
            tags.retain(|key, _| !gone.iter().any(|it| it.eq_ignore_ascii_case(key))));
        planted!(plane.mutants, UntagRemovesNothing => tags = TagMap::clone(&tags_of(&cluster, stream)));
        plane.write_tags(turn, ctx, &cluster, stream, tags);
        turn.answer(ctx.delivery, Arc::new(Response::UntagResource(UntagResourceOutput {})))
    }
}
