//! TagResource.

use crate::api::{TagResourceInput, TagResourceOutput};
use crate::check::demands;
use crate::check::open::OpenCall;
use crate::check::permitted::Demand;
use crate::check::refusals::{Causes, RefusalKind};
use crate::check::responses::tags_of;
use crate::check::visible::{Fact, of_tags};
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
        causes.add(self.are_too_many_in(cluster), RefusalKind::Quota);
    }

    fn sets(&self, _: ClusterArn) -> Vec<Fact> {
        self.tags.as_deref().map(of_tags).unwrap_or_default()
    }

    fn is_carried_out(&self, call: &OpenCall, record: &Cluster) -> bool {
        let known = tags_of(call, record);
        let mut requested = self.tags.iter().flat_map(|tags| tags.iter());
        requested.all(|(key, value)| known.and_then(|tags| tags.get(key)) == Some(value))
    }
}

impl TagResourceInput {
    /// Whether the tags would leave the resource with more than 200.
    fn are_too_many_in(&self, cluster: &Cluster) -> bool {
        let stream = self.resource_arn.split_once("/stream/").and_then(|(_, it)| Identifier::parse(it));
        let known = match stream {
            None => cluster.tags.as_ref(),
            Some(stream) => cluster.stream(stream).map(|stream| &stream.tags),
        };
        let is_new = |key: &String| known.is_none_or(|known| !known.contains_key(key));
        let added = self.tags.iter().flat_map(|tags| tags.keys()).filter(|key| is_new(key)).count();
        known.map_or(0, |known| known.len()) + added > 200
    }
}

impl ResponseSpecification for TagResourceOutput {}
