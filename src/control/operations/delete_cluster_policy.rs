//! DeleteClusterPolicy.

use std::sync::Arc;

use crate::api::{DeleteClusterPolicyInput, DeleteClusterPolicyOutput, Error, Response};
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};

impl Handler for DeleteClusterPolicyInput {
    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let cluster = plane.find(ctx.caller.account, &self.identifier)?.clone();
        let attached = cluster.attached.as_deref().filter(|attached| attached.policy.is_some());
        let policy_version = attached.ok_or_else(|| errors::no_policy(&cluster))?.shown_policy_version();
        plane.check_version(turn, &cluster, self.expected_policy_version.as_deref())?;
        let response = Arc::new(Response::DeleteClusterPolicy(DeleteClusterPolicyOutput { policy_version }));
        let token = ctx.token_write(turn, &response);
        planted!(plane.mutants, PolicyRemovalNotWritten => return turn.answer(ctx.delivery, response));
        let (now, delay, mutants) = (turn.now(), plane.assumptions.policy_delay, plane.mutants);
        plane.write_attached(turn, ctx, &cluster, token, |attached| {
            attached.put_policy(now, delay, None);
            planted!(mutants, PolicyVersionStartsOver => attached.policy_version = 0);
        });
        turn.answer(ctx.delivery, response)
    }
}
