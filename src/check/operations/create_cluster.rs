//! CreateCluster.

use std::collections::BTreeSet;

use crate::api::{CreateClusterInput, CreateClusterOutput, MultiRegionOutput, Request};
use crate::check::keys;
use crate::check::open::OpenCall;
use crate::check::permitted::{Demand, Known};
use crate::check::refusals::{Causes, RefusalKind};
use crate::check::responses::{has_properties, is_opaque, is_own, policy_of};
use crate::check::{clusters, demands};
use crate::control::assumptions::Assumptions;
use crate::control::records::Cluster;
use crate::types::{ClusterArn, Timestamp};

use super::{RequestSpecification, ResponseSpecification};

impl RequestSpecification for CreateClusterInput {
    fn required(&self) -> &'static [&'static str] {
        &[]
    }

    fn demands<'a>(&'a self, call: &'a OpenCall, _: Option<&Cluster>) -> Vec<Demand<'a>> {
        let any = demands::named_cluster(call);
        let on = |action| Demand::on(action, any.clone(), call.region);
        let properties = self.multi_region_properties.as_deref();
        let witness = properties.and_then(|it| it.witness_region.as_deref());
        let tags = self.tags.as_ref().filter(|tags| !tags.is_empty());
        let mut demands = vec![Demand { witness, tags, ..demands::own_action(call, any.clone()) }];
        demands.extend(tags.map(|_| Demand { tags, ..on("dsql:TagResource") }));
        demands.extend(self.policy.iter().map(|_| on("dsql:PutClusterPolicy")));
        demands.extend(demands::multi_region(properties, &any, None, call.region));
        demands.extend(keys::demands(call.key(), call, &keys::KMS));
        demands
    }

    fn causes(&self, causes: &mut Causes<'_>) {
        if let Some(policy) = &self.policy {
            let made = causes.call.record.as_ref().map(|(_, after)| after.arn);
            let tags = self.tags.as_ref().map_or(Known::None, Known::Is);
            causes.policy(policy, self.bypass_policy_lockout_safety_check, made, tags);
        }
        causes.too_many_tags(None, self.tags.as_ref());
        causes.key();
        quota(causes);
    }

    fn is_carried_out(&self, call: &OpenCall, record: &Cluster) -> bool {
        record.deletion_protection == self.deletion_protection_enabled.unwrap_or(true)
            && record.kms_key.as_deref() == call.key().as_ref().map(|key| &*key.arn)
            && record.tags == self.tags.clone().filter(|tags| !tags.is_empty())
            && record.statement_statistics == self.metric_groups.as_ref().is_some_and(|it| !it.is_empty())
            && policy_of(record) == self.policy.as_deref()
            && record.attached.as_ref().is_none_or(|attached| is_opaque(attached.policy_version))
            && has_properties(record, self.multi_region_properties.as_deref(), true)
    }
}

/// Adds the quota as a possible cause: a create is refused when the existing clusters and the creates in flight
/// have reached it, and how many of those in flight still counted is not known.
///
/// The copies and retries of a create are one create in flight: they join it by its token. A copy of this very call
/// is none, because this call would have joined it.
fn quota(causes: &mut Causes<'_>) {
    let (assumed, call) = (causes.view.assumptions(), causes.call);
    let is_multi = demands::properties(&call.request).is_some();
    // A create is compared with the quota of its arrival. One that is raised afterwards comes too late for it.
    let quota = clusters::quota(assumed, call.raised, is_multi);
    let own_token = call.request.client_token();
    let is_pending = |other: &&OpenCall| {
        other.account == call.account
            && other.arrived < call.arrived
            && matches!(*other.request, Request::CreateCluster(_))
            && demands::properties(&other.request).is_some()
            && (own_token.is_none() || other.request.client_token() != own_token)
    };
    // The other quota counts no creates in flight.
    let open = is_multi.then(|| causes.facts.open.in_region(call.region));
    let pending = open.into_iter().flatten().filter(is_pending);
    let distinct: BTreeSet<_> = pending
        .map(|other| {
            let token = other.request.client_token();
            (token, token.is_none().then_some(other.delivery))
        })
        .collect();
    let exist = causes.facts.records.count(call.account, call.region, is_multi);
    causes.may(exist + distinct.len() as u32 >= quota, RefusalKind::Quota);
}

impl ResponseSpecification for CreateClusterOutput {
    fn is_about(&self, call: &OpenCall) -> bool {
        is_own(call, self.arn)
    }

    fn properties(&self) -> Option<(&MultiRegionOutput, ClusterArn)> {
        Some((self.multi_region_properties.as_deref()?, self.arn))
    }

    fn is_like(&self, _: Option<&Cluster>, record: &Cluster, assumed: &Assumptions) -> bool {
        *self == record.created(assumed) && keys::is_named(self.encryption_details.as_ref(), record, assumed)
    }

    fn creation_time(&self) -> Option<Timestamp> {
        Some(self.creation_time)
    }
}
