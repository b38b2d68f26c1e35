//! Numbers for the trace's hash: everything in a request or a response, folded, without a detour over JSON where it counts.

use crate::rng::{key, key_of_bytes, mix};
use crate::types::ClusterArn;

use super::{CreateClusterInput, Request, Response};

impl Request {
    /// A number that two different requests do not share.
    #[must_use]
    pub fn key(&self) -> u64 {
        let content = match self {
            Request::CreateCluster(input) => input.key(),
            Request::GetCluster(input) => key_of_bytes(input.identifier.as_bytes()),
            other => key_of_bytes(other.to_json().to_string().as_bytes()),
        };
        mix(content, self.operation() as u64)
    }
}

impl Response {
    /// A number that two different responses do not share.
    #[must_use]
    pub fn key(&self) -> u64 {
        let content = match self {
            Response::CreateCluster(output) => {
                let clusters = output.multi_region_properties.iter().flat_map(|it| &it.clusters);
                let words = [
                    output.identifier.word(),
                    output.status as u64,
                    output.creation_time.0,
                    u64::from(output.deletion_protection_enabled),
                ];
                clusters.fold(key(&words), |state, arn| mix(state, of_arn(*arn)))
            }
            Response::UpdateCluster(output) => {
                key(&[output.identifier.word(), output.status as u64, output.creation_time.0])
            }
            Response::DeleteCluster(output) => {
                key(&[output.identifier.word(), output.status as u64, output.creation_time.0])
            }
            other => key_of_bytes(other.to_json().to_string().as_bytes()),
        };
        mix(content, self.operation() as u64)
    }
}

impl CreateClusterInput {
    fn key(&self) -> u64 {
        let flag = |flag: Option<bool>| flag.map_or(2, u64::from);
        let text = |text: Option<&str>| text.map_or(0, |text| key_of_bytes(text.as_bytes()));
        let properties = self.multi_region_properties.as_ref();
        let words = [
            flag(self.deletion_protection_enabled),
            text(self.kms_encryption_key.as_deref()),
            text(self.client_token.as_ref().map(|token| &*token.0)),
            text(properties.and_then(|it| it.witness_region.as_deref())),
            text(self.policy.as_deref()),
            self.metric_groups.as_ref().map_or(0, |groups| 1 + groups.len() as u64),
            flag(self.bypass_policy_lockout_safety_check),
        ];
        let tags = self.tags.iter().flat_map(|tags| &**tags).flat_map(|(name, value)| [name, value]);
        let clusters = properties.and_then(|it| it.clusters.as_ref()).into_iter().flatten();
        tags.chain(clusters).fold(key(&words), |state, text| mix(state, key_of_bytes(text.as_bytes())))
    }
}

fn of_arn(arn: ClusterArn) -> u64 {
    key(&[arn.identifier.word(), arn.region.index() as u64, arn.account.number()])
}
