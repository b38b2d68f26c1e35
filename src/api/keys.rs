//! Numbers for hashes and fingerprints: everything in a request or a response, folded.
//!
//! The simulated operations are folded member by member, without a detour over JSON. Each structure is taken
//! apart by name, so that a new member fails to compile. Every optional part says whether it is there and
//! every list how long it is, so that no two inputs fold the same words.

use crate::rng::{self, key_of_bytes, mix};
use crate::types::ClusterArn;

use super::shapes::*;
use super::{Request, Response, TagMap};

impl Request {
    /// A number that two different requests do not share.
    #[must_use]
    pub fn key(&self) -> u64 {
        let state = self.operation() as u64;
        let folded = match self {
            Request::CreateCluster(input) => input.fold(state),
            Request::UpdateCluster(input) => input.fold(state),
            Request::DeleteCluster(input) => input.fold(state),
            Request::GetCluster(input) => input.fold(state),
            Request::ListClusters(input) => input.fold(state),
            other => of_text(state, &other.to_json().to_string()),
        };
        mix(folded, 0)
    }
}

impl Response {
    /// A number that two different responses do not share.
    #[must_use]
    pub fn key(&self) -> u64 {
        let state = self.operation() as u64;
        let folded = match self {
            Response::CreateCluster(output) => output.fold(state),
            Response::UpdateCluster(output) => output.fold(state),
            Response::DeleteCluster(output) => output.fold(state),
            Response::GetCluster(output) => output.fold(state),
            Response::ListClusters(output) => output.fold(state),
            other => of_text(state, &other.to_json().to_string()),
        };
        mix(folded, 0)
    }
}

/// What can be folded into a key.
trait Fold {
    fn fold(&self, state: u64) -> u64;
}

/// Folds the named members, all of them, in order.
macro_rules! members {
    ($($name:ident { $($field:ident),+ })+) => {$(
        impl Fold for $name {
            fn fold(&self, state: u64) -> u64 {
                let $name { $($field),+ } = self;
                $(let state = $field.fold(state);)+
                state
            }
        }
    )+};
}

members! {
    CreateClusterInput {
        deletion_protection_enabled, kms_encryption_key, tags, client_token, multi_region_properties, policy,
        metric_groups, bypass_policy_lockout_safety_check
    }
    UpdateClusterInput {
        identifier, deletion_protection_enabled, kms_encryption_key, client_token, multi_region_properties,
        metric_groups
    }
    DeleteClusterInput { identifier, client_token }
    GetClusterInput { identifier }
    ListClustersInput { max_results, next_token }
    MultiRegionProperties { witness_region, clusters }
    MetricGroupRequest { metric_group }
    CreateClusterOutput {
        arn, status, creation_time, deletion_protection_enabled, multi_region_properties, encryption_details,
        metric_groups
    }
    UpdateClusterOutput { arn, status, creation_time }
    DeleteClusterOutput { arn, status, creation_time }
    GetClusterOutput {
        arn, status, creation_time, deletion_protection_enabled, multi_region_properties, tags, encryption_details,
        metric_groups
    }
    ListClustersOutput { clusters, next_token }
    MultiRegionOutput { witness_region, clusters }
    ClusterSummary { arn }
    EncryptionDetails { encryption_type, encryption_status, kms_key_arn }
    MetricGroupResponse { metric_group }
}

/// Folds types that are one word or one text.
macro_rules! words {
    ($($type:ty: |$it:ident, $state:ident| $folded:expr;)+) => {$(
        impl Fold for $type {
            fn fold(&self, $state: u64) -> u64 {
                let $it = self;
                $folded
            }
        }
    )+};
}

words! {
    bool: |it, state| rng::fold(state, u64::from(*it));
    i64: |it, state| rng::fold(state, it.cast_unsigned());
    str: |it, state| of_text(state, it);
    String: |it, state| of_text(state, it);
    crate::types::ClientToken: |it, state| it.words().into_iter().fold(state, rng::fold);
    crate::types::Timestamp: |it, state| rng::fold(state, it.0);
    crate::types::ClusterStatus: |it, state| rng::fold(state, *it as u64);
    crate::region::Region: |it, state| rng::fold(state, it.index() as u64);
    EncryptionType: |it, state| rng::fold(state, *it as u64);
    EncryptionStatus: |it, state| rng::fold(state, *it as u64);
    MetricGroup: |it, state| rng::fold(state, *it as u64);
    ClusterArn: |it, state| {
        rng::fold(rng::fold(rng::fold(state, it.identifier.word()), it.region.index() as u64), it.account.number())
    };
    TagMap: |it, state| {
        let state = rng::fold(state, it.len() as u64);
        it.iter().fold(state, |state, (name, value)| value.fold(name.fold(state)))
    };
}

impl<T: Fold> Fold for Option<T> {
    fn fold(&self, state: u64) -> u64 {
        match self {
            None => rng::fold(state, 0),
            Some(content) => content.fold(rng::fold(state, 1)),
        }
    }
}

impl<T: Fold> Fold for Vec<T> {
    fn fold(&self, state: u64) -> u64 {
        self.as_slice().fold(state)
    }
}

impl<T: Fold> Fold for [T] {
    fn fold(&self, state: u64) -> u64 {
        self.iter().fold(rng::fold(state, self.len() as u64), |state, element| element.fold(state))
    }
}

impl<T: Fold + ?Sized> Fold for Box<T> {
    fn fold(&self, state: u64) -> u64 {
        T::fold(self, state)
    }
}

impl<T: Fold + ?Sized> Fold for std::sync::Arc<T> {
    fn fold(&self, state: u64) -> u64 {
        T::fold(self, state)
    }
}

fn of_text(state: u64, text: &str) -> u64 {
    rng::fold(state, key_of_bytes(text.as_bytes()))
}
