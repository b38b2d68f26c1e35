//! The rules of `multiRegionProperties` that one Region can check by itself.

use crate::api::{Error, MultiRegionProperties};
use crate::control::assumptions::Refusal;
use crate::control::mutant::planted;
use crate::control::{ControlPlane, errors};
use crate::region::Region;
use crate::types::{Account, ClusterArn};

/// The parsed multi-Region properties of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// The witness Region.
    pub(super) witness: Region,
    /// The peer: `None` if the request does not mention peers, `Some(None)` if it wants none.
    pub(super) peer: Option<Option<ClusterArn>>,
}

impl ControlPlane {
    /// Parses and checks `properties` for the cluster `own` of `account`; a creation has no `own` yet.
    ///
    /// The cluster's own ARN in the list is accepted and ignored, as GetCluster lists it too.
    ///
    /// # Errors
    /// The first rule that the properties break.
    pub(super) fn parse_properties(
        &self,
        verb: &str,
        account: Account,
        own: Option<ClusterArn>,
        properties: &MultiRegionProperties,
    ) -> Result<Wanted, Error> {
        let witness = self.parse_witness(verb, properties)?;
        let Some(listed) = &properties.clusters else { return Ok(Wanted { witness, peer: None }) };
        let mut peers: Vec<&String> =
            listed.iter().filter(|arn| own.is_none() || ClusterArn::parse(arn) != own).collect();
        planted!(self.mutants, OwnArnOnlyFirst if own.is_some() =>
            peers = listed.iter().skip(usize::from(peers.first().copied() != listed.first())).collect());
        peers.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
        match peers[..] {
            [] => Ok(Wanted { witness, peer: Some(None) }),
            [peer] => {
                Ok(Wanted { witness, peer: Some(Some(self.parse_peer(verb, account, witness, peer)?)) })
            }
            _ => Err(errors::properties(
                self.assumptions.several_peers,
                verb,
                "A multi-Region cluster has one peer",
                "name one peer cluster and try again",
            )),
        }
    }

    /// The witness Region of `properties`: a Region, not the cluster's own, and in the same Region set.
    fn parse_witness(&self, verb: &str, properties: &MultiRegionProperties) -> Result<Region, Error> {
        let refused =
            |cause: String, remedy: &str| errors::properties(Refusal::Validation, verb, cause, remedy);
        let name = properties.witness_region.as_deref().unwrap_or_default();
        if name.is_empty() {
            return Err(refused(
                "No witness Region is given".to_owned(),
                "give a witnessRegion and try again",
            ));
        }
        let witness = Region::parse(name).ok_or_else(|| {
            refused(
                format!("{name} can't be a witness Region"),
                "choose another witness Region and try again",
            )
        })?;
        let mut is_own = witness == self.region;
        planted!(self.mutants, WitnessInOwnRegion => is_own = false);
        if is_own {
            return Err(refused(
                format!("The witness Region {witness} is the cluster's own Region"),
                "choose another witness Region and try again",
            ));
        }
        if !self.region.may_join(witness, self.assumptions.canada_in_americas) {
            return Err(refused(
                format!("The witness Region {witness} is not in the Region set of {}", self.region),
                "choose a witness Region of the same Region set and try again",
            ));
        }
        Ok(witness)
    }

    /// The peer with this ARN: well-formed, of the same account, and in a Region that can peer.
    fn parse_peer(
        &self,
        verb: &str,
        account: Account,
        witness: Region,
        text: &str,
    ) -> Result<ClusterArn, Error> {
        let Some(peer) = ClusterArn::parse(text) else {
            return Err(errors::missing_peer(self.assumptions.missing_peer, verb, text));
        };
        if peer.account != account {
            return Err(errors::properties(
                self.assumptions.peer_of_other_account,
                verb,
                format_args!("Peer cluster {peer} belongs to another account"),
                "name a peer cluster of the same account and try again",
            ));
        }
        self.check_peer_region(verb, peer, witness)?;
        Ok(peer)
    }

    /// Whether the Region of a peer fits the cluster's own and the witness.
    pub(super) fn check_peer_region(
        &self,
        verb: &str,
        peer: ClusterArn,
        witness: Region,
    ) -> Result<(), Error> {
        let mut is_witness = peer.region == witness;
        planted!(self.mutants, PeerInWitnessRegion => is_witness = false);
        let wrong = if peer.region == self.region {
            "is in the cluster's own Region"
        } else if is_witness {
            "is in the witness Region"
        } else if !self.region.may_join(peer.region, self.assumptions.canada_in_americas) {
            "is not in a Region of the same Region set"
        } else {
            return Ok(());
        };
        Err(errors::properties(
            self.assumptions.peer_in_wrong_region,
            verb,
            format_args!("Peer cluster {peer} {wrong}"),
            "name a peer cluster in another Region of the Region set and try again",
        ))
    }
}
