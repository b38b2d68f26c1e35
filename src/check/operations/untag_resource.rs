//! UntagResource.

use crate::api::{UntagResourceInput, UntagResourceOutput};
use crate::check::demands;
use crate::check::open::OpenCall;
use crate::check::permitted::Demand;
use crate::check::refusals::Causes;
use crate::check::responses::tags_of;
use crate::check::visible::Fact;
use crate::control::keys::Keys;
use crate::control::records::Cluster;
use crate::types::ClusterArn;

use super::{RequestSpecification, ResponseSpecification};

impl RequestSpecification for UntagResourceInput {
    fn required(&self) -> &'static [&'static str] {
        &["resourceArn", "tagKeys"]
    }

    fn demands<'a>(&'a self, call: &'a OpenCall, _: Option<&Cluster>) -> Vec<Demand<'a>> {
        let tag_keys = self.tag_keys.as_deref().unwrap_or_default();
        vec![Demand { tag_keys, ..demands::own_action(call, self.resource_arn.clone()) }]
    }

    fn causes_in(&self, cluster: &Cluster, causes: &mut Causes<'_>) {
        causes.missing_stream(cluster);
    }

    fn sets(&self, _: ClusterArn, _: &Keys) -> Vec<Fact> {
        let keys = self.tag_keys.iter().flatten();
        keys.map(|key| Fact::Tag(key.clone(), None)).collect()
    }

    fn is_carried_out(&self, call: &OpenCall, record: &Cluster) -> bool {
        let known = tags_of(call, record);
        self.tag_keys.iter().flatten().all(|key| known.is_none_or(|tags| !tags.contains_key(key)))
    }
}

impl ResponseSpecification for UntagResourceOutput {}
