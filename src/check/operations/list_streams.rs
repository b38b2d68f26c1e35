//! ListStreams. Whether the pages are complete is checked in [`listings`](crate::check::listings).

use crate::api::{ListStreamsInput, ListStreamsOutput, StreamSummary};
use crate::check::open::OpenCall;
use crate::check::responses::{has_stream, is_in_subject};
use crate::control::assumptions::Assumptions;
use crate::control::records::Cluster;

use super::{RequestSpecification, ResponseSpecification};

impl RequestSpecification for ListStreamsInput {
    fn required(&self) -> &'static [&'static str] {
        &["clusterIdentifier"]
    }
}

impl ResponseSpecification for ListStreamsOutput {
    fn is_about(&self, call: &OpenCall) -> bool {
        self.streams.iter().all(|listed| is_in_subject(call, listed.cluster_identifier))
    }

    fn agrees_with(&self, record: &Cluster, _assumed: &Assumptions) -> Option<bool> {
        let is_listed = |listed: &StreamSummary| {
            let shown = (listed.status, listed.creation_time, &*listed.arn);
            has_stream(record, listed.stream_identifier, shown)
        };
        Some(self.streams.iter().all(is_listed))
    }
}
