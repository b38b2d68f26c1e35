//! Hash keys and fingerprints of requests and responses.
//!
//! The cluster operations are folded member by member, which is faster than by way of JSON. Each structure is
//! destructured by name, so that a new member fails to compile until it is folded. An optional part contributes its
//! presence and a list its length, so that different inputs fold different sequences.
//!
//! Keys have 64 bits and feed the hash of a trace. Fingerprints have 128 bits and decide whether a retry with a client
//! token has the same parameters, where a collision would be an error.

use serde::{Deserialize, Serialize};
use siphasher::sip128::SipHasher13;

use crate::rng::{self, key_of_bytes, mix};
use crate::types::ClusterArn;

use super::inputs::*;
use super::outputs::*;
use super::{Request, Response, TagMap};

/// A hash of 128 bits that stands for a request in comparisons. It is the same on every machine and in every version,
/// because data directories contain it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint([u64; 2]);

impl Request {
    /// The contribution to the hash of a trace, of 64 bits.
    #[must_use]
    pub fn key(&self) -> u64 {
        mix(self.fold(KeyState(self.operation() as u64)).0, 0)
    }

    /// The fingerprint, which covers every member and the client token.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let bytes = self.fold(ByteState(Vec::with_capacity(512)).add(self.operation() as u64)).0;
        let hash = SipHasher13::new().hash(&bytes);
        Fingerprint([hash.h1, hash.h2])
    }

    fn fold<S: FingerprintState>(&self, state: S) -> S {
        match self {
            Request::CreateCluster(input) => input.fold(state),
            Request::UpdateCluster(input) => input.fold(state),
            Request::DeleteCluster(input) => input.fold(state),
            Request::GetCluster(input) => input.fold(state),
            Request::ListClusters(input) => input.fold(state),
            other => state.add_text(&other.to_json().to_string()),
        }
    }
}

impl Response {
    /// The contribution to the hash of a trace, of 64 bits.
    #[must_use]
    pub fn key(&self) -> u64 {
        let state = KeyState(self.operation() as u64);
        let folded = match self {
            Response::CreateCluster(output) => output.fold(state),
            Response::UpdateCluster(output) => output.fold(state),
            Response::DeleteCluster(output) => output.fold(state),
            Response::GetCluster(output) => output.fold(state),
            Response::ListClusters(output) => output.fold(state),
            other => state.add_text(&other.to_json().to_string()),
        };
        mix(folded.0, 0)
    }
}

/// A state into which numbers and texts are folded.
trait FingerprintState: Sized {
    fn add(self, number: u64) -> Self;
    fn add_text(self, text: &str) -> Self;
}

/// The state of a key: fast, and good enough for traces.
struct KeyState(u64);

impl FingerprintState for KeyState {
    fn add(self, number: u64) -> KeyState {
        KeyState(rng::fold(self.0, number))
    }

    fn add_text(self, text: &str) -> KeyState {
        self.add(key_of_bytes(text.as_bytes()))
    }
}

/// The bytes of a fingerprint, which are hashed together: hashing each short part by itself takes longer.
struct ByteState(Vec<u8>);

impl FingerprintState for ByteState {
    fn add(mut self, number: u64) -> ByteState {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn add_text(self, text: &str) -> ByteState {
        let mut state = self.add(text.len() as u64);
        state.0.extend_from_slice(text.as_bytes());
        state
    }
}

/// A type that can be folded into a state.
trait Fold {
    fn fold<S: FingerprintState>(&self, state: S) -> S;
}

/// Implements [`Fold`] for structures: all members, in the given order.
macro_rules! members {
    ($($name:ident { $($field:ident),+ })+) => {$(
        impl Fold for $name {
            fn fold<S: FingerprintState>(&self, state: S) -> S {
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

/// Implements [`Fold`] for types that are not structures.
macro_rules! scalars {
    ($($type:ty: |$it:ident, $state:ident| $folded:expr;)+) => {$(
        impl Fold for $type {
            fn fold<S: FingerprintState>(&self, $state: S) -> S {
                let $it = self;
                $folded
            }
        }
    )+};
}

scalars! {
    bool: |it, state| state.add(u64::from(*it));
    i64: |it, state| state.add(it.cast_unsigned());
    str: |it, state| state.add_text(it);
    String: |it, state| state.add_text(it);
    crate::types::ClientToken: |it, state| match it.free_text() {
        Some(text) => state.add(0).add_text(text),
        None => it.words().into_iter().fold(state, S::add),
    };
    crate::types::Timestamp: |it, state| state.add(it.0);
    crate::types::ClusterStatus: |it, state| state.add(*it as u64);
    crate::region::Region: |it, state| state.add(it.index() as u64);
    EncryptionType: |it, state| state.add(*it as u64);
    EncryptionStatus: |it, state| state.add(*it as u64);
    MetricGroup: |it, state| state.add(*it as u64);
    ClusterArn: |it, state| {
        state.add(it.identifier.digest()).add(it.region.index() as u64).add(it.account.number())
    };
    TagMap: |it, state| {
        let state = state.add(it.len() as u64);
        it.iter().fold(state, |state, (name, value)| value.fold(name.fold(state)))
    };
}

impl<T: Fold> Fold for Option<T> {
    fn fold<S: FingerprintState>(&self, state: S) -> S {
        match self {
            None => state.add(0),
            Some(content) => content.fold(state.add(1)),
        }
    }
}

impl<T: Fold> Fold for Vec<T> {
    fn fold<S: FingerprintState>(&self, state: S) -> S {
        self.as_slice().fold(state)
    }
}

impl<T: Fold> Fold for [T] {
    fn fold<S: FingerprintState>(&self, state: S) -> S {
        self.iter().fold(state.add(self.len() as u64), |state, element| element.fold(state))
    }
}

impl<T: Fold + ?Sized> Fold for Box<T> {
    fn fold<S: FingerprintState>(&self, state: S) -> S {
        T::fold(self, state)
    }
}

impl<T: Fold + ?Sized> Fold for std::sync::Arc<T> {
    fn fold<S: FingerprintState>(&self, state: S) -> S {
        T::fold(self, state)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::api::Operation;
    use crate::rng::{Purpose, draw};

    fn tagged(team: &str) -> Request {
        let json = json!({ "clientToken": "t", "tags": { "team": team } });
        Request::from_json(Operation::CreateCluster, json).expect("a request")
    }

    fn assert_distinct(requests: impl IntoIterator<Item = Request>) {
        let (mut seen, mut count) = (BTreeSet::new(), 0);
        for request in requests {
            count += 1;
            seen.insert(request.fingerprint().0);
        }
        assert_eq!(seen.len(), count);
    }

    /// The two characters are in different blocks of eight bytes, where a sum over blocks could cancel the differences.
    #[test]
    fn texts_that_differ_in_one_or_two_characters_have_different_fingerprints() {
        let letters = || ('a'..='z').chain('0'..='9');
        let texts = letters().flat_map(|one| letters().map(move |other| format!("orders-{one}01{other}")));
        assert_distinct(texts.map(|text| tagged(&text)));
    }

    #[test]
    fn random_texts_of_any_length_have_different_fingerprints() {
        let text = |number: u64| {
            let drawn = draw(7, Purpose::Scenario, number);
            format!("{drawn:x}{number:x}").repeat(1 + (drawn % 5) as usize)
        };
        assert_distinct((0..20_000).map(|number| tagged(&text(number))));
    }

    #[test]
    fn the_same_text_in_different_members_has_different_fingerprints() {
        let of = |operation, json| Request::from_json(operation, json).expect("a request");
        let update = |json| of(Operation::UpdateCluster, json);
        assert_distinct([
            tagged(""),
            of(Operation::CreateCluster, json!({ "clientToken": "t", "tags": {} })),
            of(Operation::CreateCluster, json!({ "clientToken": "t", "tags": { "te": "am" } })),
            of(Operation::CreateCluster, json!({ "clientToken": "t", "kmsEncryptionKey": "team" })),
            of(Operation::CreateCluster, json!({ "clientToken": "t", "policy": "team" })),
            update(json!({ "clientToken": "t", "identifier": "a" })),
            update(json!({ "clientToken": "ta", "identifier": "" })),
            update(json!({ "clientToken": "", "identifier": "ta" })),
            of(Operation::DeleteCluster, json!({ "clientToken": "t", "identifier": "a" })),
            of(Operation::DeleteClusterPolicy, json!({ "clientToken": "t", "identifier": "a" })),
        ]);
    }

    /// A change of this value would make every retry a mismatch with the tokens in existing data directories.
    #[test]
    fn the_fingerprint_is_pinned() {
        assert_eq!(tagged("blue").fingerprint(), Fingerprint([0x0366_018b_702b_53c0, 0xe6e7_37a7_db41_f56f]));
    }
}
