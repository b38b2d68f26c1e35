//! The checks of a resource policy before it is put or removed: its syntax, its actions, Block Public Access, the
//! lockout safety check, its version.

use crate::api::{Error, Operation, Tags};
use crate::control::authorization::{IamAction, RequiredPermission, ResourceAttributes};
use crate::control::mutant::{names_trusted_key, planted};
use crate::control::records::{Attached, Cluster, ClusterPolicy};
use crate::control::turn::Turn;
use crate::control::{ControlPlane, RequestContext, errors};
use crate::coverage_mark::CoverageMark;
use crate::types::ClusterArn;

impl ControlPlane {
    /// Parses a policy and refuses public access. Then runs the lockout safety check, unless it is bypassed: under the
    /// new policy its caller must still be able to put and delete the policy.
    pub(super) fn check_policy(
        &self,
        turn: &mut Turn<'_>,
        ctx: &RequestContext,
        policy: &str,
        cluster: ClusterArn,
        tags: Option<&Tags>,
        bypass: bool,
    ) -> Result<ClusterPolicy, Error> {
        let policy = ClusterPolicy::parse(policy).map_err(|mistake| errors::malformed_policy(&mistake))?;
        let foreign = policy.document.action_of_other_service("dsql");
        if let Some(action) = foreign.filter(|_| !self.assumptions.foreign_actions) {
            return Err(errors::foreign_action(action));
        }
        let mut public = policy.document.public_statement();
        planted!(self.mutants, PublicPolicyAtCreation if cluster.identifier == ctx.fresh => public = None);
        planted!(self.mutants, TrustedKeySuffices if names_trusted_key(&policy) => public = None);
        planted!(self.mutants, StarInListOverlooked if policy.text.contains("[\"*\"]") => public = None);
        if let Some(statement) = public {
            turn.cover(CoverageMark::PublicPolicyRefused);
            return Err(errors::public_policy(self.assumptions.public_policy_denied, statement));
        }
        let policy_itself = Some(&policy.document);
        let attributes = ResourceAttributes { tags, policy: policy_itself, ..ResourceAttributes::default() };
        let operations = [Operation::PutClusterPolicy, Operation::DeleteClusterPolicy];
        let (call, caller, arn) = (ctx.delivery, ctx.caller, cluster.to_string());
        let mut may = |operation| {
            let permission = RequiredPermission::new(IamAction::Call(operation), &arn);
            self.authorizer.evaluate(turn, call, caller, permission, attributes).is_ok()
        };
        let mut is_exempt = bypass;
        planted!(self.mutants, LockoutNotChecked => is_exempt = true);
        if is_exempt || operations.into_iter().all(&mut may) { Ok(policy) } else { Err(errors::lockout()) }
    }

    /// Whether the policy still has the version that the caller expects. Without it, two callers that read and
    /// replace the policy could undo each other's change.
    pub(super) fn check_version(
        &self,
        turn: &mut Turn<'_>,
        cluster: &Cluster,
        expected: Option<&str>,
    ) -> Result<(), Error> {
        planted!(self.mutants, PolicyVersionNotChecked => return Ok(()));
        let Some(expected) = expected else { return Ok(()) };
        let attached = cluster.attached.as_deref().filter(|attached| attached.policy.is_some());
        let version = attached.map(Attached::shown_policy_version);
        if version.as_deref() == Some(expected) {
            return Ok(());
        }
        turn.cover(CoverageMark::PolicyMovedOn);
        Err(errors::policy_moved_on(cluster, version.is_some()))
    }
}
