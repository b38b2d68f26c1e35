//! PutClusterPolicy.

use std::sync::Arc;

use crate::api::{Error, PutClusterPolicyInput, PutClusterPolicyOutput, Response};
use crate::control::mutant::{planted, version_of_text};
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
        let attached = cluster.attached.as_deref().cloned().unwrap_or_default();
        let mut version = attached.next_policy_version(ctx.stamp, ctx.fresh);
        planted!(plane.mutants, PolicyVersionOfText => version = version_of_text(&policy));
        let mut answered = version;
        planted!(plane.mutants, OldPolicyVersionAnswered => answered = attached.policy_version);
        let output = PutClusterPolicyOutput { policy_version: answered.to_string() };
        let response = Arc::new(Response::PutClusterPolicy(output));
        let token = ctx.token_write(turn, &response);
        let (now, delay) = (turn.now(), plane.assumptions.policy_delay);
        plane.write_attached(turn, ctx, &cluster, token, |attached| {
            attached.put_policy(now, delay, Some((policy, version)))
        });
        planted!(plane.mutants, PolicyInMemory => turn.drop_last_persist());
        turn.answer(ctx.delivery, response)
    }
}
