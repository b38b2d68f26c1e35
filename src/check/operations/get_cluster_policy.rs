//! GetClusterPolicy.

use crate::api::{GetClusterPolicyInput, GetClusterPolicyOutput};
use crate::check::refusals::{Causes, RefusalKind};
use crate::check::responses::policy_of;
use crate::check::visible::{Fact, PolicyFact};
use crate::control::records::Cluster;

use super::{RequestSpecification, ResponseSpecification, ShownMembers};

impl RequestSpecification for GetClusterPolicyInput {
    fn required(&self) -> &'static [&'static str] {
        &["identifier"]
    }

    fn causes_in(&self, cluster: &Cluster, causes: &mut Causes<'_>) {
        causes.add(policy_of(cluster).is_none(), RefusalKind::NotFound);
    }
}

impl ResponseSpecification for GetClusterPolicyOutput {
    fn shows(&self) -> Option<ShownMembers> {
        let (text, version) = (self.policy.as_str().into(), Some(self.policy_version.clone()));
        Some(ShownMembers { facts: vec![Fact::Policy(Some(PolicyFact { text, version }))], tags: None })
    }
}
