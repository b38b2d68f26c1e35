//! GetStream.

use crate::api::{GetStreamInput, GetStreamOutput, StreamStatus};
use crate::check::demands;
use crate::check::open::OpenCall;
use crate::check::permitted::Demand;
use crate::check::refusals::Causes;
use crate::check::responses::{has_stream, is_plain, is_stream};
use crate::check::visible::Fact;
use crate::control::assumptions::Assumptions;
use crate::control::records::Cluster;

use super::{RequestSpecification, ResponseSpecification, ShownMembers};

impl RequestSpecification for GetStreamInput {
    fn required(&self) -> &'static [&'static str] {
        &["clusterIdentifier", "streamIdentifier"]
    }

    fn demands<'a>(&'a self, call: &'a OpenCall, _: Option<&Cluster>) -> Vec<Demand<'a>> {
        vec![demands::own_action(call, demands::named_stream(call, &self.stream_identifier))]
    }

    fn causes_in(&self, cluster: &Cluster, causes: &mut Causes<'_>) {
        causes.missing_stream(cluster);
    }
}

impl ResponseSpecification for GetStreamOutput {
    fn is_about(&self, call: &OpenCall) -> bool {
        is_stream(call, self.cluster_identifier, self.stream_identifier)
    }

    fn agrees_with(&self, record: &Cluster, _assumed: &Assumptions) -> Option<bool> {
        let shown = (self.status, self.creation_time, &*self.arn);
        let reason = record.stream(self.stream_identifier).and_then(|stream| stream.reason.as_ref());
        Some(
            has_stream(record, self.stream_identifier, shown)
                && is_plain(&self.ordering, &self.format)
                && self.status_reason.as_ref() == reason,
        )
    }

    fn shows(&self) -> Option<ShownMembers> {
        let is_going = matches!(self.status, StreamStatus::Deleting | StreamStatus::Deleted);
        let mut facts = vec![Fact::Created(self.creation_time), Fact::Deleted(is_going)];
        facts.extend(self.target_definition.clone().map(Fact::Target));
        Some(ShownMembers { facts, tags: Some(self.tags.clone().unwrap_or_default()) })
    }
}
