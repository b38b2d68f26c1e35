//! DeleteClusterPolicy.

use crate::api::{DeleteClusterPolicyInput, DeleteClusterPolicyOutput};
use crate::check::open::OpenCall;
use crate::check::refusals::{Causes, RefusalKind};
use crate::check::responses::{policy_of, policy_version_of};
use crate::check::visible::Fact;
use crate::control::assumptions::Assumptions;
use crate::control::keys::Keys;
use crate::control::records::Cluster;
use crate::types::ClusterArn;

use super::{RequestSpecification, ResponseSpecification};

impl RequestSpecification for DeleteClusterPolicyInput {
    fn required(&self) -> &'static [&'static str] {
        &["identifier"]
    }

    fn causes_in(&self, cluster: &Cluster, causes: &mut Causes<'_>) {
        causes.add(policy_of(cluster).is_none(), RefusalKind::NotFound);
        causes.another_version(cluster, self.expected_policy_version.as_ref());
    }

    fn sets(&self, _: ClusterArn, _: &Keys) -> Vec<Fact> {
        vec![Fact::Policy(None)]
    }

    fn is_carried_out(&self, _: &OpenCall, record: &Cluster) -> bool {
        policy_of(record).is_none()
    }
}

impl ResponseSpecification for DeleteClusterPolicyOutput {
    /// The answer names the version that was removed, which only the record before has.
    fn is_like(&self, before: Option<&Cluster>, _: &Cluster, _: &Assumptions) -> bool {
        before.and_then(policy_version_of).as_ref() == Some(&self.policy_version)
    }
}
