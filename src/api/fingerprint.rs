//! The fingerprint of a request, by which retries with one client token are compared.
//!
//! It is taken from the JSON of the request, because data directories contain it: JSON stays the same when a compiler
//! or the order of a structure's members in memory changes. It has 128 bits, since a collision would replay the answer
//! of another request. The hash of a trace needs neither, and uses [`rng::fingerprint`](crate::rng::fingerprint).

use serde::{Deserialize, Serialize};
use siphasher::sip128::SipHasher13;

use super::Request;

/// A hash of 128 bits that stands for a request in comparisons. It is the same on every machine and in every version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint(u64, u64);

impl Request {
    /// The fingerprint, which covers every member and the client token.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        // Room for the usual request, which is several times what `to_vec` begins with.
        let mut json = Vec::with_capacity(1024);
        serde_json::to_writer(&mut json, self).expect("inputs are plain JSON");
        let hash = SipHasher13::new().hash(&json);
        Fingerprint(hash.h1, hash.h2)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::Rng;
    use serde_json::json;

    use super::*;
    use crate::api::Operation;
    use crate::rng::{Purpose, stream};

    fn tagged(team: &str) -> Request {
        let json = json!({ "clientToken": "t", "tags": { "team": team } });
        Request::from_json(Operation::CreateCluster, json).expect("a request")
    }

    fn assert_distinct(requests: impl IntoIterator<Item = Request>) {
        let (mut seen, mut count) = (BTreeSet::new(), 0);
        for request in requests {
            count += 1;
            let Fingerprint(high, low) = request.fingerprint();
            seen.insert((high, low));
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
            let drawn = stream(7, Purpose::Scenario, number).next_u64();
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
        assert_eq!(tagged("blue").fingerprint(), Fingerprint(0x9bba_a31f_b4ad_86eb, 0xc390_1b87_bea2_4c47));
    }
}
