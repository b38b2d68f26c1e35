//! PutClusterPolicy.

use std::sync::Arc;

use crate::api::{Error, PutClusterPolicyInput, PutClusterPolicyOutput, Response};
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};

impl Handler for PutClusterPolicyInput {
    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let cluster = plane.find(ctx.caller.account, &self.identifier)?.clone();
        let text = self.policy.as_deref().unwrap_or_default();
        let bypass = self.bypass_policy_lockout_safety_check.unwrap_or(false);
        let policy = plane.check_policy(turn, ctx, text, cluster.arn, cluster.tags.as_ref(), bypass)?;
        plane.check_version(turn, &cluster, self.expected_policy_version.as_deref())?;
        let last = cluster.attached.as_ref().map_or(0, |attached| attached.policies);
        let mut version = last + 1;
        planted!(plane.mutants, OldPolicyVersionAnswered => version = last);
        let output = PutClusterPolicyOutput { policy_version: version.to_string() };
        let response = Arc::new(Response::PutClusterPolicy(output));
        let token = ctx.token_write(turn, &response);
        let (now, delay) = (turn.now(), plane.assumptions.policy_delay);
        plane.write_attached(turn, ctx, &cluster, token, |attached| {
            attached.put_policy(now, delay, Some(policy))
        });
        planted!(plane.mutants, PolicyInMemory => turn.drop_last_persist());
        turn.answer(ctx.delivery, response)
    }
}
