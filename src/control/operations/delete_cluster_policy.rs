//! DeleteClusterPolicy.

use std::sync::Arc;

use crate::api::{DeleteClusterPolicyInput, DeleteClusterPolicyOutput, Error, Response};
use crate::control::message::Effect;
use crate::control::mutant::Mutant;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::types::Instant;

impl ControlPlane {
    /// Handles DeleteClusterPolicy.
    pub(in crate::control) fn delete_policy(
        &mut self,
        now: Instant,
        ctx: &RequestContext,
        input: &DeleteClusterPolicyInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let cluster = self.find(ctx.account, &input.identifier)?.clone();
        let attached = cluster.attached.as_deref().filter(|attached| attached.policy.is_some());
        let policy_version = attached.ok_or_else(|| errors::no_policy(&cluster))?.policy_version();
        self.check_version(&cluster, input.expected_policy_version.as_deref(), out)?;
        let response = Arc::new(Response::DeleteClusterPolicy(DeleteClusterPolicyOutput { policy_version }));
        let token = self.token_write(now, ctx.account, &ctx.request, &response);
        let delay = self.assumptions.policy_delay;
        let starts_over = self.mutants.has(Mutant::PolicyVersionStartsOver);
        if !self.mutants.has(Mutant::PolicyRemovalNotWritten) {
            self.write_attached(ctx, &cluster, token, out, |attached| {
                attached.put_policy(now, delay, None);
                attached.policies = if starts_over { 0 } else { attached.policies };
            });
        }
        self.reply(&[ctx.delivery], Ok(response), out);
        Ok(())
    }
}
