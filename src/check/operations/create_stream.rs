//! CreateStream.

use crate::api::{CreateStreamInput, CreateStreamOutput};
use crate::check::demands;
use crate::check::keys::{self, NamedKey};
use crate::check::open::OpenCall;
use crate::check::permitted::Demand;
use crate::check::refusals::{Causes, RefusalKind};
use crate::check::responses::{has_stream, is_in_subject, is_plain};
use crate::control::assumptions::Assumptions;
use crate::control::records::{Cluster, MAX_STREAMS};
use crate::types::{ClusterArn, ClusterStatus, Timestamp};

use super::{RequestSpecification, ResponseSpecification};

impl RequestSpecification for CreateStreamInput {
    fn required(&self) -> &'static [&'static str] {
        &["clusterIdentifier", "targetDefinition", "ordering", "format"]
    }

    fn demands<'a>(&'a self, call: &'a OpenCall, cluster: Option<&Cluster>) -> Vec<Demand<'a>> {
        let own = demands::own_action(call, demands::named_cluster(call));
        let tags = self.tags.as_ref().filter(|tags| !tags.is_empty());
        let mut demands = vec![Demand { tags, ..own }];
        let tagged = || Demand::on("dsql:TagResource", demands::named_stream(call, "*"), call.region);
        demands.extend(tags.map(|_| Demand { tags, ..tagged() }));
        let kinesis = self.target_definition.as_ref().and_then(|target| target.kinesis.as_ref());
        let role = kinesis.and_then(|kinesis| kinesis.role_arn.clone());
        demands.extend(role.map(|role| Demand::on("iam:PassRole", role, call.region)));
        let arn = cluster.and_then(|it| it.kms_key.as_deref());
        let key = arn.map(|arn| NamedKey { arn: arn.to_owned(), alias: None });
        demands.extend(keys::demands(key, call, &["kms:Decrypt"]));
        demands
    }

    fn causes_in(&self, cluster: &Cluster, causes: &mut Causes<'_>) {
        use ClusterStatus::{Active, Idle, Inactive};
        causes.too_many_tags(None, self.tags.as_ref());
        causes.add(self.is_elsewhere(cluster.arn), causes.view.assumptions().stream_target_elsewhere);
        causes.add(causes.call.has_denied_role, RefusalKind::Invalid);
        let status = cluster.status;
        // An IDLE or INACTIVE cluster is refused as invalid; every other status but ACTIVE is the wrong state.
        causes.add(matches!(status, Idle | Inactive), RefusalKind::Invalid);
        let wrong_state = causes.view.assumptions().wrong_state;
        causes.add(!matches!(status, Active | Idle | Inactive), wrong_state);
        causes.add(causes.is_busy(cluster), RefusalKind::Conflict);
        causes.add(cluster.streams().len() >= MAX_STREAMS, RefusalKind::Quota);
    }
}

impl CreateStreamInput {
    /// Whether a part of the target is outside the account of the cluster, or its Kinesis stream outside the Region.
    /// (User Guide, "Getting started with CDC streams", prerequisites.)
    fn is_elsewhere(&self, cluster: ClusterArn) -> bool {
        let kinesis = self.target_definition.as_ref().and_then(|target| target.kinesis.as_ref());
        let Some(kinesis) = kinesis else { return false };
        let stream = format!("kinesis:{}:{}:stream/", cluster.region, cluster.account);
        let role = format!("iam::{}:role/", cluster.account);
        let is_own = |arn: &Option<String>, own: &str| arn.as_deref().is_none_or(|arn| arn.contains(own));
        !is_own(&kinesis.stream_arn, &stream) || !is_own(&kinesis.role_arn, &role)
    }
}

impl ResponseSpecification for CreateStreamOutput {
    fn is_about(&self, call: &OpenCall) -> bool {
        is_in_subject(call, self.cluster_identifier)
    }

    fn is_like(&self, _: Option<&Cluster>, record: &Cluster, _: &Assumptions) -> bool {
        let shown = (self.status, self.creation_time, &*self.arn);
        has_stream(record, self.stream_identifier, shown) && is_plain(&self.ordering, &self.format)
    }

    fn creation_time(&self) -> Option<Timestamp> {
        Some(self.creation_time)
    }
}
