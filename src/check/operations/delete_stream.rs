//! DeleteStream.

use crate::api::{DeleteStreamInput, DeleteStreamOutput, StreamStatus};
use crate::check::demands;
use crate::check::open::OpenCall;
use crate::check::permitted::Demand;
use crate::check::refusals::{Causes, RefusalKind};
use crate::check::responses::{has_stream, is_stream};
use crate::check::visible::Fact;
use crate::control::assumptions::Assumptions;
use crate::control::keys::Keys;
use crate::control::records::Cluster;
use crate::types::{ClusterArn, Identifier};

use super::{RequestSpecification, ResponseSpecification};

impl RequestSpecification for DeleteStreamInput {
    fn required(&self) -> &'static [&'static str] {
        &["clusterIdentifier", "streamIdentifier"]
    }

    fn demands<'a>(&'a self, call: &'a OpenCall, _: Option<&Cluster>) -> Vec<Demand<'a>> {
        vec![demands::own_action(call, demands::named_stream(call, &self.stream_identifier))]
    }

    fn causes_in(&self, cluster: &Cluster, causes: &mut Causes<'_>) {
        causes.missing_stream(cluster);
        let stream = Identifier::parse(&self.stream_identifier).and_then(|it| cluster.stream(it));
        let is_new = stream.is_some_and(|it| it.status == StreamStatus::Creating);
        causes.add(is_new, RefusalKind::Conflict);
    }

    fn sets(&self, _: ClusterArn, _: &Keys) -> Vec<Fact> {
        vec![Fact::Deleted(true)]
    }
}

impl ResponseSpecification for DeleteStreamOutput {
    fn is_about(&self, call: &OpenCall) -> bool {
        is_stream(call, self.cluster_identifier, self.stream_identifier)
    }

    fn is_like(&self, _: Option<&Cluster>, record: &Cluster, _: &Assumptions) -> bool {
        let shown = (self.status, self.creation_time, &*self.arn);
        has_stream(record, self.stream_identifier, shown)
    }
}
