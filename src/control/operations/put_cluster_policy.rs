//! PutClusterPolicy.

use std::sync::Arc;

use crate::api::{Error, PutClusterPolicyInput, PutClusterPolicyOutput, Response};
use crate::control::message::Effect;
use crate::control::mutant::Mutant;
use crate::control::{ControlPlane, RequestContext};
use crate::types::Instant;

impl ControlPlane {
    /// Handles PutClusterPolicy.
    pub(in crate::control) fn put_policy(
        &mut self,
        now: Instant,
        ctx: &RequestContext,
        input: &PutClusterPolicyInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let cluster = self.find(ctx.account, &input.identifier)?.clone();
        let text = input.policy.as_deref().unwrap_or_default();
        let bypass = input.bypass_policy_lockout_safety_check.unwrap_or(false);
        let policy = self.check_policy(ctx, text, cluster.arn, cluster.tags.as_ref(), bypass, out)?;
        self.check_version(&cluster, input.expected_policy_version.as_deref(), out)?;
        let last = cluster.attached.as_ref().map_or(0, |attached| attached.policies);
        let version = if self.mutants.has(Mutant::OldPolicyVersionAnswered) { last } else { last + 1 };
        let output = PutClusterPolicyOutput { policy_version: version.to_string() };
        let response = Arc::new(Response::PutClusterPolicy(output));
        let token = self.token_write(now, ctx.account, &ctx.request, &response);
        let delay = self.assumptions.policy_delay;
        self.write_attached(ctx, &cluster, token, out, |attached| {
            attached.put_policy(now, delay, Some(policy))
        });
        self.keep_in_memory(Mutant::PolicyInMemory, out);
        self.reply(&[ctx.delivery], Ok(response), out);
        Ok(())
    }
}
