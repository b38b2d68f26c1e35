//! PutClusterPolicy, GetClusterPolicy and DeleteClusterPolicy, and GetVpcEndpointServiceName.

use std::sync::Arc;

use serde_json::Value;

use crate::api::{
    DeleteClusterPolicyInput, DeleteClusterPolicyOutput, Error, GetClusterPolicyInput,
    GetClusterPolicyOutput, GetVpcEndpointServiceNameInput, GetVpcEndpointServiceNameOutput,
    PutClusterPolicyInput, PutClusterPolicyOutput, Response,
};
use crate::goal::Goal;
use crate::rng::mix;
use crate::types::Instant;

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
        check_policy(&policy, input.bypass_policy_lockout_safety_check.unwrap_or(false))?;
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

/// A policy is a JSON object, and does not lock its own caller out unless that is asked for.
pub(super) fn check_policy(policy: &str, bypass: bool) -> Result<(), Error> {
    let document = serde_json::from_str(policy).ok().filter(Value::is_object);
    let Some(document) = document else { return Err(refuse::malformed_policy()) };
    if !bypass && locks_everybody_out(&document) { Err(refuse::lockout()) } else { Ok(()) }
}

/// Whether a statement denies everybody, and so the caller, to change the policy again.
fn locks_everybody_out(document: &Value) -> bool {
    let several = |value: &Value| match value {
        Value::Array(several) => several.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    several(&document["Statement"]).iter().any(|statement| {
        let principal = &statement["Principal"];
        let is_everybody = *principal == "*" || several(&principal["AWS"]).iter().any(|one| *one == "*");
        let is_action = |action: &Value| {
            let action = action.as_str().unwrap_or_default().to_ascii_lowercase();
            ["*", "dsql:*", "dsql:putclusterpolicy", "dsql:deleteclusterpolicy"].contains(&action.as_str())
        };
        statement["Effect"] == "Deny"
            && statement["Condition"].is_null()
            && is_everybody
            && several(&statement["Action"]).iter().any(is_action)
    })
}
