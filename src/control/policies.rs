//! PutClusterPolicy, GetClusterPolicy and DeleteClusterPolicy, and GetVpcEndpointServiceName.

use std::sync::Arc;

use crate::api::{
    DeleteClusterPolicyInput, DeleteClusterPolicyOutput, Error, GetClusterPolicyInput,
    GetClusterPolicyOutput, GetVpcEndpointServiceNameInput, GetVpcEndpointServiceNameOutput,
    PutClusterPolicyInput, PutClusterPolicyOutput, Response,
};
use crate::goal::Goal;
use crate::iam::{Context, Document, Effect as Decided, Policies, Principal, Question, decide};
use crate::rng::mix;
use crate::types::{ClusterArn, Instant};

use super::cluster::Cluster;
use super::message::Effect;
use super::{Caller, ControlPlane, refuse};

impl ControlPlane {
    pub(super) fn put_policy(
        &mut self,
        now: Instant,
        caller: &Caller,
        input: &PutClusterPolicyInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let cluster = self.find(caller.account, &input.identifier)?.clone();
        let policy: Arc<str> = input.policy.as_deref().unwrap_or_default().into();
        check_policy(&policy, cluster.arn, input.bypass_policy_lockout_safety_check.unwrap_or(false))?;
        expect_version(&cluster, input.expected_policy_version.as_deref(), out)?;
        let policies = cluster.attached.as_ref().map_or(0, |attached| attached.policies) + 1;
        let output = PutClusterPolicyOutput { policy_version: policies.to_string() };
        let response = Arc::new(Response::PutClusterPolicy(output));
        let token = self.token_write(now, caller.account, &caller.request, caller.fingerprint, &response);
        self.attach(caller, &cluster, token, out, |attached| {
            attached.policy = Some(policy);
            attached.policies = policies;
        });
        self.reply(&[caller.delivery], &Ok(response), out);
        Ok(())
    }

    pub(super) fn get_policy(
        &self,
        caller: &Caller,
        input: &GetClusterPolicyInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let cluster = self.find(caller.account, &input.identifier)?;
        let attached = cluster.attached.as_deref();
        let Some((attached, policy)) = attached.and_then(|it| Some((it, it.policy.as_deref()?))) else {
            return Err(refuse::no_policy(cluster));
        };
        let (policy, policy_version) = (policy.to_owned(), attached.policy_version());
        let output = GetClusterPolicyOutput { policy, policy_version };
        self.reply(&[caller.delivery], &Ok(Arc::new(Response::GetClusterPolicy(output))), out);
        Ok(())
    }

    pub(super) fn delete_policy(
        &mut self,
        now: Instant,
        caller: &Caller,
        input: &DeleteClusterPolicyInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let cluster = self.find(caller.account, &input.identifier)?.clone();
        let attached = cluster.attached.as_deref().filter(|attached| attached.policy.is_some());
        let policy_version = attached.ok_or_else(|| refuse::no_policy(&cluster))?.policy_version();
        expect_version(&cluster, input.expected_policy_version.as_deref(), out)?;
        let response = Arc::new(Response::DeleteClusterPolicy(DeleteClusterPolicyOutput { policy_version }));
        let token = self.token_write(now, caller.account, &caller.request, caller.fingerprint, &response);
        self.attach(caller, &cluster, token, out, |attached| attached.policy = None);
        self.reply(&[caller.delivery], &Ok(response), out);
        Ok(())
    }

    /// The PrivateLink service of the cell that a cluster is in. The Region has one cell.
    pub(super) fn get_vpc_endpoint_service_name(
        &self,
        caller: &Caller,
        input: &GetVpcEndpointServiceNameInput,
        out: &mut Vec<Effect>,
    ) -> Result<(), Error> {
        let cluster = self.find(caller.account, &input.identifier)?;
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
        self.reply(&[caller.delivery], &Ok(Arc::new(Response::GetVpcEndpointServiceName(output))), out);
        Ok(())
    }
}

/// Whether the cluster's policy is still the one that the caller has in mind.
fn expect_version(cluster: &Cluster, expected: Option<&str>, out: &mut Vec<Effect>) -> Result<(), Error> {
    let Some(expected) = expected else { return Ok(()) };
    let attached = cluster.attached.as_deref().filter(|attached| attached.policy.is_some());
    let version = attached.map(super::attached::Attached::policy_version);
    if version.as_deref() == Some(expected) {
        return Ok(());
    }
    out.push(Effect::Reached(Goal::PolicyMovedOn));
    Err(refuse::policy_moved_on(cluster, version.as_deref()))
}

/// A policy is well-formed, and does not lock its own caller out unless that is asked for.
pub(super) fn check_policy(policy: &str, cluster: ClusterArn, bypass: bool) -> Result<(), Error> {
    let policy = serde_json::from_str(policy).map_err(|error| refuse::malformed_policy(&error))?;
    let policy = Document::resource(&policy).map_err(|mistake| refuse::malformed_policy(&mistake))?;
    if bypass || may_change_policies(&policy, cluster) { Ok(()) } else { Err(refuse::lockout()) }
}

/// Whether under `policy` a caller may put and delete policies who may do everything without it: nobody here is named,
/// so it is the cluster's account itself.
fn may_change_policies(policy: &Document, cluster: ClusterArn) -> bool {
    let arn = format!("arn:aws:iam::{}:root", cluster.account);
    let root = Principal::parse(&arn).expect("the root of an account");
    let mut context = Context::default();
    context.set("aws:PrincipalArn", [arn]);
    context.set("aws:PrincipalAccount", [cluster.account.to_string()]);
    let (everything, resource) = (Document::everything(), cluster.to_string());
    let policies = Policies { identity: &[everything], boundaries: &[], resource: Some(policy) };
    ["dsql:PutClusterPolicy", "dsql:DeleteClusterPolicy"].into_iter().all(|action| {
        let question = Question { principal: &root, action, resource: &resource, context: &context };
        decide(policies, question).effect == Decided::Allow
    })
}
