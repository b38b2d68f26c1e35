//! PutClusterPolicy.

use std::sync::Arc;

use crate::api::{Error, PutClusterPolicyInput, PutClusterPolicyOutput, Response};
use crate::control::mutant::planted;
use crate::control::operations::{Handler, Resource};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext};

impl Handler for PutClusterPolicyInput {
    fn resource(&self) -> Resource<'_> {
        Resource::Cluster(&self.identifier)
    }

    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        plane.put_cluster_policy(turn, ctx, self)
    }
}

impl ControlPlane {
    /// Handles PutClusterPolicy.
    fn put_cluster_policy(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        input: &PutClusterPolicyInput,
    ) -> Result<(), Error> {
        let cluster = self.find(ctx.caller.account, &input.identifier)?.clone();
        let text = input.policy.as_deref().unwrap_or_default();
        let bypass = input.bypass_policy_lockout_safety_check.unwrap_or(false);
        let policy = self.check_policy(turn, ctx, text, cluster.arn, cluster.tags.as_ref(), bypass)?;
        self.check_version(turn, &cluster, input.expected_policy_version.as_deref())?;
        let last = cluster.attached.as_ref().map_or(0, |attached| attached.policies);
        let mut version = last + 1;
        planted!(self.mutants, OldPolicyVersionAnswered => version = last);
        let output = PutClusterPolicyOutput { policy_version: version.to_string() };
        let response = Arc::new(Response::PutClusterPolicy(output));
        let token = ctx.token_write(turn, &response);
        let (now, delay) = (turn.now(), self.assumptions.policy_delay);
        self.write_attached(turn, ctx, &cluster, token, |attached| {
            attached.put_policy(now, delay, Some(policy))
        });
        planted!(self.mutants, PolicyInMemory => turn.drop_last_persist());
        turn.answer(ctx.delivery, response)
    }
}
