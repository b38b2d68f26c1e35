//! ListClusters. Whether the pages are complete is checked in [`listings`](crate::check::listings).

use crate::api::{ListClustersInput, ListClustersOutput};
use crate::check::demands;
use crate::check::open::OpenCall;
use crate::check::permitted::Demand;
use crate::check::responses::is_own;
use crate::control::records::Cluster;

use super::{RequestSpecification, ResponseSpecification};

impl RequestSpecification for ListClustersInput {
    fn required(&self) -> &'static [&'static str] {
        &[]
    }

    fn demands<'a>(&'a self, call: &'a OpenCall, _: Option<&Cluster>) -> Vec<Demand<'a>> {
        vec![demands::own_action(call, "*".to_owned())]
    }
}

impl ResponseSpecification for ListClustersOutput {
    fn is_about(&self, call: &OpenCall) -> bool {
        self.clusters.iter().all(|listed| is_own(call, listed.arn))
    }
}
