//! Numbers for hashes, and fingerprints: everything in a request or a response, folded.
//!
//! The simulated operations are folded member by member, without a detour over JSON. Each structure is taken
//! apart by name, so that a new member fails to compile. Every optional part says whether it is there and
//! every list how long it is, so that no two inputs fold the same words.
//!
//! A key of 64 bits is for hashes of many things, where a collision hides nothing for long. Whether two requests are
//! the same is decided by fingerprints of 128 bits.

use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::rng::{self, key_of_bytes, mix};
use crate::types::ClusterArn;

use super::inputs::*;
use super::outputs::*;
use super::{Request, Response, TagMap};

/// What stands for a request where requests are compared: 128 bits of a hash that mixes every bit of every text, the
/// same on every machine and in every version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint([u64; 2]);

impl Request {
    /// A number that two different requests hardly ever share: for the hash of a trace.
    #[must_use]
    pub fn key(&self) -> u64 {
        mix(self.fold(Sum(self.operation() as u64)).0, 0)
    }

    /// What two different requests do not share.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let hash = self.fold(Mixed(SipHasher13::new()).word(self.operation() as u64)).0.finish128();
        Fingerprint([hash.h1, hash.h2])
    }

    fn fold<S: FingerprintState>(&self, state: S) -> S {
        match self {
            Request::CreateCluster(input) => input.fold(state),
            Request::UpdateCluster(input) => input.fold(state),
            Request::DeleteCluster(input) => input.fold(state),
            Request::GetCluster(input) => input.fold(state),
            Request::ListClusters(input) => input.fold(state),
            other => state.text(&other.to_json().to_string()),
        }
    }
}

impl Response {
    /// A number that two different responses hardly ever share: for the hash of a trace.
    #[must_use]
    pub fn key(&self) -> u64 {
        let state = Sum(self.operation() as u64);
        let folded = match self {
            Response::CreateCluster(output) => output.fold(state),
            Response::UpdateCluster(output) => output.fold(state),
            Response::DeleteCluster(output) => output.fold(state),
            Response::GetCluster(output) => output.fold(state),
            Response::ListClusters(output) => output.fold(state),
            other => state.text(&other.to_json().to_string()),
        };
        mix(folded.0, 0)
    }
}

/// What words and texts are folded into.
trait FingerprintState: Sized {
    fn word(self, word: u64) -> Self;
    fn text(self, text: &str) -> Self;
}

/// A sum of 64 bits, quickly made.
struct Sum(u64);

impl FingerprintState for Sum {
    fn word(self, word: u64) -> Sum {
        Sum(rng::fold(self.0, word))
    }

    fn text(self, text: &str) -> Sum {
        self.word(key_of_bytes(text.as_bytes()))
    }
}

/// A hash of 128 bits.
struct Mixed(SipHasher13);

impl FingerprintState for Mixed {
    fn word(mut self, word: u64) -> Mixed {
        self.0.write(&word.to_le_bytes());
        self
    }

    fn text(self, text: &str) -> Mixed {
        let mut state = self.word(text.len() as u64);
        state.0.write(text.as_bytes());
        state
    }
}

/// What can be folded into a key.
trait Fold {
    fn fold<S: FingerprintState>(&self, state: S) -> S;
}

/// Folds the named members, all of them, in order.
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

/// Folds types that are one word or one text.
macro_rules! words {
    ($($type:ty: |$it:ident, $state:ident| $folded:expr;)+) => {$(
        impl Fold for $type {
            fn fold<S: FingerprintState>(&self, $state: S) -> S {
                let $it = self;
                $folded
            }
        }
    )+};
}

words! {
    bool: |it, state| state.word(u64::from(*it));
    i64: |it, state| state.word(it.cast_unsigned());
    str: |it, state| state.text(it);
    String: |it, state| state.text(it);
    crate::types::ClientToken: |it, state| match it.free_text() {
        Some(text) => state.word(0).text(text),
        None => it.words().into_iter().fold(state, S::word),
    };
    crate::types::Timestamp: |it, state| state.word(it.0);
    crate::types::ClusterStatus: |it, state| state.word(*it as u64);
    crate::region::Region: |it, state| state.word(it.index() as u64);
    EncryptionType: |it, state| state.word(*it as u64);
    EncryptionStatus: |it, state| state.word(*it as u64);
    MetricGroup: |it, state| state.word(*it as u64);
    ClusterArn: |it, state| {
        state.word(it.identifier.digest()).word(it.region.index() as u64).word(it.account.number())
    };
    TagMap: |it, state| {
        let state = state.word(it.len() as u64);
        it.iter().fold(state, |state, (name, value)| value.fold(name.fold(state)))
    };
}

impl<T: Fold> Fold for Option<T> {
    fn fold<S: FingerprintState>(&self, state: S) -> S {
        match self {
            None => state.word(0),
            Some(content) => content.fold(state.word(1)),
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
        self.iter().fold(state.word(self.len() as u64), |state, element| element.fold(state))
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

    fn are_different(requests: impl IntoIterator<Item = Request>) {
        let (mut seen, mut count) = (BTreeSet::new(), 0);
        for request in requests {
            count += 1;
            seen.insert(request.fingerprint().0);
        }
        assert_eq!(seen.len(), count);
    }

    /// Two of their characters are in places where a sum of eight bytes at a time lets one make up for the other.
    #[test]
    fn texts_that_differ_in_one_or_two_characters_are_told_apart() {
        let letters = || ('a'..='z').chain('0'..='9');
        let texts = letters().flat_map(|one| letters().map(move |other| format!("orders-{one}01{other}")));
        are_different(texts.map(|text| tagged(&text)));
    }

    #[test]
    fn random_texts_are_told_apart_whatever_their_lengths() {
        let text = |number: u64| {
            let word = draw(7, Purpose::Scenario, number);
            format!("{word:x}{number:x}").repeat(1 + (word % 5) as usize)
        };
        are_different((0..20_000).map(|number| tagged(&text(number))));
    }

    #[test]
    fn what_one_member_says_is_not_taken_for_what_another_says() {
        let of = |operation, json| Request::from_json(operation, json).expect("a request");
        let update = |json| of(Operation::UpdateCluster, json);
        are_different([
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

    /// A change of this value makes every token that a server kept a mismatch.
    #[test]
    fn the_fingerprint_is_pinned() {
        assert_eq!(tagged("blue").fingerprint(), Fingerprint([0x0366_018b_702b_53c0, 0xe6e7_37a7_db41_f56f]));
    }
}
