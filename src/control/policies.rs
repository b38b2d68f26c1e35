//! PutClusterPolicy, GetClusterPolicy, DeleteClusterPolicy and GetVpcEndpointServiceName.

use std::sync::Arc;

use crate::api::{
    DeleteClusterPolicyInput, DeleteClusterPolicyOutput, Error, GetClusterPolicyInput,
    GetClusterPolicyOutput, GetVpcEndpointServiceNameInput, GetVpcEndpointServiceNameOutput, Operation,
    PutClusterPolicyInput, PutClusterPolicyOutput, Response, Tags,
};
use crate::coverage_mark::CoverageMark;
use crate::rng::mix;
use crate::types::{ClusterArn, Instant};

use super::attached::ClusterPolicy;
use super::authorization::IamAction;
use super::authorizer::ResourceAttributes;
use super::cluster::Cluster;
use super::message::Effect;
use super::mutant::Mutant;
use super::required_permissions::RequiredPermission;
use super::{ControlPlane, RequestContext, errors};

impl ControlPlane {
    /// Handles PutClusterPolicy.
    pub(super) fn put_policy(
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

    /// Parses a policy and runs the lockout safety check, unless it is bypassed: under the new policy its caller must
    /// still be able to put and delete the policy.
    pub(super) fn check_policy(
        &self,
        ctx: &RequestContext,
        policy: &str,
        cluster: ClusterArn,
        tags: Option<&Tags>,
        bypass: bool,
        out: &mut Vec<Effect>,
    ) -> Result<ClusterPolicy, Error> {
        let policy = ClusterPolicy::parse(policy).map_err(|mistake| errors::malformed_policy(&mistake))?;
        let attributes = ResourceAttributes { tags, policy: Some(&policy.document) };
        let operations = [Operation::PutClusterPolicy, Operation::DeleteClusterPolicy];
        let (call, caller, arn) = (ctx.delivery, ctx.caller(), cluster.to_string());
        let mut may = |operation| {
            let permission = RequiredPermission::new(IamAction::Call(operation), &arn);
            self.authorizer.evaluate(call, caller, permission, attributes, out).is_ok()
        };
        let is_exempt = bypass || self.mutants.has(Mutant::LockoutNotChecked);
        if is_exempt || operations.into_iter().all(&mut may) { Ok(policy) } else { Err(errors::lockout()) }
    }

    /// Handles GetClusterPolicy: the policy that was put last, which need not be in force yet.
    pub(super) fn get_policy(
        &self,
        ctx: &RequestContext,
        input: &GetClusterPolicyInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let cluster = self.find(ctx.account, &input.identifier)?;
        let attached = cluster.attached.as_deref();
        let Some((attached, policy)) = attached.and_then(|it| Some((it, it.policy.as_ref()?))) else {
            return Err(errors::no_policy(cluster));
        };
        let old = attached.old_policy.as_ref().filter(|_| self.mutants.has(Mutant::OldPolicyShown));
        let policy = old.unwrap_or(policy).text.to_string();
        let policy_version = attached.policy_version();
        let output = GetClusterPolicyOutput { policy, policy_version };
        self.reply(&[ctx.delivery], Ok(Arc::new(Response::GetClusterPolicy(output))), out);
        Ok(())
    }

    /// Handles DeleteClusterPolicy.
    pub(super) fn delete_policy(
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

    /// Handles GetVpcEndpointServiceName: the PrivateLink service of the cluster's cell. Each Region has one cell.
    pub(super) fn get_vpc_endpoint_service_name(
        &self,
        ctx: &RequestContext,
        input: &GetVpcEndpointServiceNameInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let cluster = self.find(ctx.account, &input.identifier)?;
        let (region, identifier) = (self.region, cluster.arn.identifier);
        let mut number = mix(region.index() as u64, 0);
        let letters = std::iter::repeat_with(|| {
            let letter = b"abcdefghijklmnopqrstuvwxyz234567"[(number % 32) as usize];
            number /= 32;
            char::from(letter)
        });
        let cell: String = letters.take(4).collect();
        let output = GetVpcEndpointServiceNameOutput {
            service_name: format!("com.amazonaws.{region}.dsql-{cell}"),
            cluster_vpc_endpoint: Some(format!("{identifier}.dsql-{cell}.{region}.on.aws")),
        };
        self.reply(&[ctx.delivery], Ok(Arc::new(Response::GetVpcEndpointServiceName(output))), out);
        Ok(())
    }

    /// Whether the policy still has the version that the caller expects. Without it, two callers that read and
    /// replace the policy could undo each other's change.
    fn check_version(
        &self,
        cluster: &Cluster,
        expected: Option<&str>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let expected = expected.filter(|_| !self.mutants.has(Mutant::PolicyVersionNotChecked));
        let Some(expected) = expected else { return Ok(()) };
        let attached = cluster.attached.as_deref().filter(|attached| attached.policy.is_some());
        let version = attached.map(super::attached::Attached::policy_version);
        if version.as_deref() == Some(expected) {
            return Ok(());
        }
        out.push(Effect::Covered(CoverageMark::PolicyMovedOn));
        Err(errors::policy_moved_on(cluster, version.as_deref()))
    }
}
