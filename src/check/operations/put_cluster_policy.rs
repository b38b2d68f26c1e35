//! PutClusterPolicy.

use crate::api::{PutClusterPolicyInput, PutClusterPolicyOutput};
use crate::check::authorization;
use crate::check::open::OpenCall;
use crate::check::refusals::Causes;
use crate::check::responses::{policy_of, policy_version_of};
use crate::check::visible::{Fact, PolicyFact};
use crate::control::assumptions::Assumptions;
use crate::control::keys::Keys;
use crate::control::records::Cluster;
use crate::types::ClusterArn;

use super::{RequestSpecification, ResponseSpecification};

impl RequestSpecification for PutClusterPolicyInput {
    fn required(&self) -> &'static [&'static str] {
        &["identifier", "policy"]
    }

    fn causes_in(&self, cluster: &Cluster, causes: &mut Causes<'_>) {
        let (text, arn) = (self.policy.as_deref().unwrap_or_default(), cluster.arn);
        let tags = authorization::tags_of(causes.facts.records, causes.call, cluster, &arn.to_string());
        causes.policy(text, self.bypass_policy_lockout_safety_check, Some(arn), tags);
        causes.another_version(cluster, self.expected_policy_version.as_ref());
    }

    fn sets(&self, _: ClusterArn, _: &Keys) -> Vec<Fact> {
        let policy = self.policy.clone().map(|text| PolicyFact { text, version: None });
        vec![Fact::Policy(policy)]
    }

    fn is_carried_out(&self, _: &OpenCall, record: &Cluster) -> bool {
        policy_of(record) == self.policy.as_deref()
    }
}

impl ResponseSpecification for PutClusterPolicyOutput {
    fn is_like(&self, _: Option<&Cluster>, record: &Cluster, _: &Assumptions) -> bool {
        policy_version_of(record).as_ref() == Some(&self.policy_version)
    }
}
