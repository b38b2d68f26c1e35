//! DeleteCluster.

use crate::api::{DeleteClusterInput, DeleteClusterOutput};
use crate::check::open::OpenCall;
use crate::check::pairs;
use crate::check::refusals::{Causes, RefusalKind};
use crate::check::responses::is_subject;
use crate::check::visible::Fact;
use crate::control::assumptions::Assumptions;
use crate::control::keys::Keys;
use crate::control::records::Cluster;
use crate::types::{ClusterArn, ClusterStatus};

use super::{RequestSpecification, ResponseSpecification};

impl RequestSpecification for DeleteClusterInput {
    fn required(&self) -> &'static [&'static str] {
        &["identifier"]
    }

    fn causes_in(&self, cluster: &Cluster, causes: &mut Causes<'_>) {
        use ClusterStatus::{Creating, Deleted, Deleting, PendingDelete, Updating};
        let assumed = causes.view.assumptions();
        let status = cluster.status;
        let is_going = matches!(status, PendingDelete | Deleting | Deleted);
        // A second deletion is answered like the first.
        if is_going && assumed.delete_again {
            return;
        }
        let is_updating = status == Updating && !assumed.delete_while_updating;
        causes.add(is_going || is_updating || status == Creating, assumed.wrong_state);
        causes.add(causes.is_busy(cluster), RefusalKind::Conflict);
        causes.add(cluster.deletion_protection, RefusalKind::Protected);
        causes.add(assumed.streams_keep_cluster && !cluster.streams().is_empty(), RefusalKind::Conflict);
    }

    fn sets(&self, _: ClusterArn, _: &Keys) -> Vec<Fact> {
        vec![Fact::Deleted(true)]
    }

    fn is_carried_out(&self, _: &OpenCall, record: &Cluster) -> bool {
        pairs::is_being_deleted(record)
    }
}

impl ResponseSpecification for DeleteClusterOutput {
    fn is_about(&self, call: &OpenCall) -> bool {
        is_subject(call, self.arn)
    }

    fn is_like(&self, _: Option<&Cluster>, record: &Cluster, _: &Assumptions) -> bool {
        *self == record.deleted()
    }

    fn agrees_with(&self, record: &Cluster, _assumed: &Assumptions) -> Option<bool> {
        Some(*self == record.deleted())
    }
}
