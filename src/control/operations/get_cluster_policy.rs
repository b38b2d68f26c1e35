//! GetClusterPolicy: the policy that was put last, which need not be in force yet.

use std::sync::Arc;

use crate::api::{Error, GetClusterPolicyInput, GetClusterPolicyOutput, Response};
use crate::control::mutant::planted;
use crate::control::operations::Handler;
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};

impl Handler for GetClusterPolicyInput {
    fn carry_out(
        &self,
        plane: &mut ControlPlane,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
    ) -> Result<(), Error> {
        let cluster = plane.find(ctx.caller.account, &self.identifier)?;
        let attached = cluster.attached.as_deref();
        let Some((attached, mut policy)) = attached.and_then(|it| Some((it, it.policy.as_ref()?))) else {
            return Err(errors::no_policy(cluster));
        };
        planted!(plane.mutants, OldPolicyShown => policy = attached.old_policy.as_ref().unwrap_or(policy));
        let policy = policy.text.to_string();
        let policy_version = attached.shown_policy_version();
        let output = GetClusterPolicyOutput { policy, policy_version };
        turn.answer(ctx.delivery, Arc::new(Response::GetClusterPolicy(output)))
    }
}
