//! TagResource.

use crate::api::{TagResourceInput, TagResourceOutput};
use crate::check::demands;
use crate::check::open::OpenCall;
use crate::check::permitted::Demand;
use crate::check::refusals::Causes;
use crate::check::responses::tags_of;
use crate::check::visible::{Fact, of_tags};
use crate::control::keys::Keys;
use crate::control::records::Cluster;
use crate::types::{ClusterArn, Identifier};

use super::{RequestSpecification, ResponseSpecification};

impl RequestSpecification for TagResourceInput {
    fn required(&self) -> &'static [&'static str] {
        &["resourceArn", "tags"]
    }

    fn demands<'a>(&'a self, call: &'a OpenCall, _: Option<&Cluster>) -> Vec<Demand<'a>> {
        let own = demands::own_action(call, self.resource_arn.clone());
        vec![Demand { tags: self.tags.as_ref(), ..own }]
    }

    fn causes_in(&self, cluster: &Cluster, causes: &mut Causes<'_>) {
        causes.missing_stream(cluster);
        let stream = self.resource_arn.split_once("/stream/").and_then(|(_, it)| Identifier::parse(it));
        let known = match stream {
            None => cluster.tags.as_ref(),
            Some(stream) => cluster.stream(stream).map(|stream| &stream.tags),
        };
        causes.too_many_tags(known, self.tags.as_ref());
    }

    fn sets(&self, _: ClusterArn, _: &Keys) -> Vec<Fact> {
        self.tags.as_deref().map(of_tags).unwrap_or_default()
    }

    fn is_carried_out(&self, call: &OpenCall, record: &Cluster) -> bool {
        let known = tags_of(call, record);
        let mut requested = self.tags.iter().flat_map(|tags| tags.iter());
        requested.all(|(key, value)| known.and_then(|tags| tags.get(key)) == Some(value))
    }
}

impl ResponseSpecification for TagResourceOutput {}
