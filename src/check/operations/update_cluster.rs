//! UpdateCluster.

use crate::api::{UpdateClusterInput, UpdateClusterOutput};
use crate::check::demands;
use crate::check::keys;
use crate::check::open::OpenCall;
use crate::check::permitted::Demand;
use crate::check::refusals::{Causes, RefusalKind};
use crate::check::responses::{has_properties, is_subject};
use crate::check::visible::{Fact, requested_properties};
use crate::control::assumptions::Assumptions;
use crate::control::keys::Keys;
use crate::control::records::Cluster;
use crate::types::{ClusterArn, ClusterStatus};

use super::{RequestSpecification, ResponseSpecification};

impl RequestSpecification for UpdateClusterInput {
    fn required(&self) -> &'static [&'static str] {
        &["identifier"]
    }

    fn demands<'a>(&'a self, call: &'a OpenCall, _: Option<&Cluster>) -> Vec<Demand<'a>> {
        let named = demands::named_cluster(call);
        let mut demands = vec![
            demands::own_action(call, named.clone()),
            Demand::on("dsql:GetCluster", named.clone(), call.region),
        ];
        let properties = self.multi_region_properties.as_deref();
        demands.extend(demands::multi_region(properties, &named, Some(&named), call.region));
        demands.extend(keys::demands(call.key(), call, &keys::KMS));
        demands
    }

    fn causes(&self, causes: &mut Causes<'_>) {
        let fresh = UpdateClusterInput {
            identifier: self.identifier.clone(),
            client_token: self.client_token.clone(),
            ..UpdateClusterInput::default()
        };
        causes.add(causes.view.assumptions().empty_update_refused && *self == fresh, RefusalKind::Invalid);
    }

    fn causes_in(&self, cluster: &Cluster, causes: &mut Causes<'_>) {
        use ClusterStatus::{Active, Idle, Inactive, PendingSetup};
        let is_ready = matches!(cluster.status, Active | Idle | Inactive | PendingSetup);
        causes.add(!is_ready, causes.view.assumptions().wrong_state);
        causes.add(causes.is_busy(cluster), RefusalKind::Conflict);
        causes.key();
    }

    fn sets(&self, own: ClusterArn, keys: &Keys) -> Vec<Fact> {
        let protection = self.deletion_protection_enabled.map(Fact::Protection);
        let named = |name: &str| keys::named(keys, Some(name), own.region, own.account);
        let key =
            self.kms_encryption_key.as_deref().map(|name| Fact::Key(named(name).map(|key| key.arn.into())));
        let groups = self.metric_groups.as_ref().map(|groups| Fact::MetricGroups(!groups.is_empty()));
        let properties = self.multi_region_properties.as_deref();
        let properties = properties.into_iter().flat_map(|it| requested_properties(it, Some(own)));
        [protection, key, groups].into_iter().flatten().chain(properties).collect()
    }

    fn is_carried_out(&self, call: &OpenCall, record: &Cluster) -> bool {
        let has_key = || record.kms_key.as_deref() == call.key().as_ref().map(|key| &*key.arn);
        self.deletion_protection_enabled.is_none_or(|on| record.deletion_protection == on)
            && (self.kms_encryption_key.is_none() || has_key())
            && self.metric_groups.as_ref().is_none_or(|it| record.statement_statistics != it.is_empty())
            && has_properties(record, self.multi_region_properties.as_deref(), false)
    }
}

impl ResponseSpecification for UpdateClusterOutput {
    fn is_about(&self, call: &OpenCall) -> bool {
        is_subject(call, self.arn)
    }

    fn is_like(&self, _: Option<&Cluster>, record: &Cluster, _: &Assumptions) -> bool {
        *self == record.updated()
    }
}
