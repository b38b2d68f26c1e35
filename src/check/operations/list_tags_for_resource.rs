//! ListTagsForResource.

use crate::api::{ListTagsForResourceInput, ListTagsForResourceOutput};
use crate::check::demands;
use crate::check::open::OpenCall;
use crate::check::permitted::Demand;
use crate::check::refusals::Causes;
use crate::control::records::Cluster;

use super::{RequestSpecification, ResponseSpecification, ShownMembers};

impl RequestSpecification for ListTagsForResourceInput {
    fn required(&self) -> &'static [&'static str] {
        &["resourceArn"]
    }

    fn demands<'a>(&'a self, call: &'a OpenCall, _: Option<&Cluster>) -> Vec<Demand<'a>> {
        vec![demands::own_action(call, self.resource_arn.clone())]
    }

    fn causes_in(&self, cluster: &Cluster, causes: &mut Causes<'_>) {
        causes.missing_stream(cluster);
    }
}

impl ResponseSpecification for ListTagsForResourceOutput {
    fn shows(&self) -> Option<ShownMembers> {
        Some(ShownMembers { facts: Vec::new(), tags: Some(self.tags.clone().unwrap_or_default()) })
    }
}
