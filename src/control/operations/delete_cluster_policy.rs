//! DeleteClusterPolicy.

use std::sync::Arc;

use crate::api::{DeleteClusterPolicyInput, DeleteClusterPolicyOutput, Error, Response};
use crate::control::mutant::planted;
use crate::control::operations::{Handler, Resource};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};

impl Handler for DeleteClusterPolicyInput {
    fn resource(&self) -> Resource<'_> {
        Resource::Cluster(&self.identifier)
    }

    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        plane.delete_cluster_policy(turn, ctx, self)
    }
}

impl ControlPlane {
    /// Handles DeleteClusterPolicy.
    fn delete_cluster_policy(
        &mut self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        input: &DeleteClusterPolicyInput,
    ) -> Result<(), Error> {
        let cluster = self.find(ctx.caller.account, &input.identifier)?.clone();
        let attached = cluster.attached.as_deref().filter(|attached| attached.policy.is_some());
        let policy_version = attached.ok_or_else(|| errors::no_policy(&cluster))?.policy_version();
        self.check_version(turn, &cluster, input.expected_policy_version.as_deref())?;
        let response = Arc::new(Response::DeleteClusterPolicy(DeleteClusterPolicyOutput { policy_version }));
        let token = ctx.token_write(turn, &response);
        planted!(self.mutants, PolicyRemovalNotWritten => return turn.answer(ctx.delivery, response));
        let (now, delay, mutants) = (turn.now(), self.assumptions.policy_delay, self.mutants);
        self.write_attached(turn, ctx, &cluster, token, |attached| {
            attached.put_policy(now, delay, None);
            planted!(mutants, PolicyVersionStartsOver => attached.policies = 0);
        });
        turn.answer(ctx.delivery, response)
    }
}
