//! ListStreams. Whether the pages are complete is checked in [`listings`](crate::check::listings).

use crate::api::{ListStreamsInput, ListStreamsOutput};
use crate::check::open::OpenCall;
use crate::check::responses::is_in_subject;
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
        let mut streams = self.streams.iter().map(|it| (record.stream(it.stream_identifier), it.status));
        Some(streams.all(|(stream, status)| stream.is_some_and(|stream| stream.status == status)))
    }
}
