//! The link register: its value, its ballots, and the acceptor that two control planes and a witness node each run.
//!
//! This file is the pure part: no messages, no clock, no storage. Who proposes what, and when, is in
//! [`peering`](super::peering).

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::goal::Goal;
use crate::region::Region;
use crate::rng::mix;
use crate::types::ClusterArn;

/// Names a link register: an unordered pair of clusters, and the witness that both must name.
///
/// The witness is part of the name because its node is the third acceptor: two sides that name different witnesses
/// write to different registers, and so can never be linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RegisterKey {
    low: ClusterArn,
    high: ClusterArn,
    witness: Region,
}

impl RegisterKey {
    /// The register of the pair `one`, `other` (in any order) with `witness`.
    #[must_use]
    pub fn new(one: ClusterArn, other: ClusterArn, witness: Region) -> RegisterKey {
        RegisterKey { low: one.min(other), high: one.max(other), witness }
    }

    /// The Region whose witness node is the third acceptor.
    #[must_use]
    pub fn witness(&self) -> Region {
        self.witness
    }

    /// Which side of the pair `arn` is.
    #[must_use]
    pub fn side(&self, arn: ClusterArn) -> Side {
        if arn == self.low { Side::Low } else { Side::High }
    }

    /// The other cluster of the pair, if `arn` is one of the two.
    #[must_use]
    pub fn other(&self, arn: ClusterArn) -> Option<ClusterArn> {
        match arn {
            _ if arn == self.low => Some(self.high),
            _ if arn == self.high => Some(self.low),
            _ => None,
        }
    }

    /// The two clusters, in the order of their ARNs.
    #[must_use]
    pub fn pair(&self) -> [ClusterArn; 2] {
        [self.low, self.high]
    }

    /// The side of the pair that is in `region`, if any.
    #[must_use]
    pub fn cluster_in(&self, region: Region) -> Option<ClusterArn> {
        [self.low, self.high].into_iter().find(|cluster| cluster.region == region)
    }

    /// A number for keys and hashes.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let pair = mix(self.low.identifier.digest(), self.high.identifier.digest());
        mix(pair, self.witness.index() as u64)
    }
}

/// One of the two clusters of a pair, by the order of their ARNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The cluster with the lower ARN.
    Low,
    /// The cluster with the higher ARN.
    High,
}

/// What a register says: what each side has asked for, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkValue {
    declared: [bool; 2],
    leaving: [bool; 2],
    deleting: [bool; 2],
    /// What came of it.
    pub outcome: LinkOutcome,
}

/// What came of a link register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkOutcome {
    /// No agreement: at most one side has declared the other.
    #[default]
    Open,
    /// Both sides declared each other. From here on neither can withdraw alone.
    Linked,
    /// Both sides of a linked pair asked for deletion. Final.
    Dissolved,
}

/// What one side asks of a register. Each is idempotent: asking again changes nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkChange {
    /// Name the other side as peer; links the pair if the other side has declared too.
    Declare,
    /// Take the declaration back; loses if the pair is linked already.
    Withdraw,
    /// Leave a linked pair; opens the register again once the other side has left too, or was deleted. (Assumption
    /// `unpeer_active`.)
    Leave,
    /// Delete: takes back a declaration that led to nothing; dissolves a linked pair once both sides have asked, and
    /// opens the register of one that the other side leaves.
    Delete,
}

impl LinkValue {
    /// The value after `side` asked for `change`.
    #[must_use]
    pub fn after(mut self, side: Side, change: LinkChange) -> LinkValue {
        let me = side as usize;
        match (self.outcome, change) {
            (LinkOutcome::Open, LinkChange::Declare) => self.declared[me] = true,
            (LinkOutcome::Open, LinkChange::Withdraw | LinkChange::Leave | LinkChange::Delete) => {
                self.declared[me] = false
            }
            (LinkOutcome::Linked, LinkChange::Declare | LinkChange::Withdraw) => {}
            (LinkOutcome::Linked, LinkChange::Leave) => self.leaving[me] = true,
            (LinkOutcome::Linked, LinkChange::Delete) => self.deleting[me] = true,
            (LinkOutcome::Dissolved, _) => {}
        }
        match self.outcome {
            LinkOutcome::Open if self.declared == [true, true] => self.outcome = LinkOutcome::Linked,
            LinkOutcome::Linked if self.deleting == [true, true] => self.outcome = LinkOutcome::Dissolved,
            // Each side has given the pair up, in its own way: none may wait for the other any more.
            LinkOutcome::Linked if self.has_given_up(0) && self.has_given_up(1) => {
                self = LinkValue::default()
            }
            _ => {}
        }
        self
    }

    /// Whether the side at `place` asked to leave or to be deleted.
    fn has_given_up(&self, side: usize) -> bool {
        self.leaving[side] || self.deleting[side]
    }

    /// Whether `side` has declared the other.
    #[must_use]
    pub fn has_declared(&self, side: Side) -> bool {
        self.declared[side as usize]
    }

    /// A number for keys and hashes.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let bits = [self.declared, self.leaving, self.deleting].into_iter().flatten();
        bits.fold(self.outcome as u64, |digest, bit| digest << 1 | u64::from(bit))
    }
}

/// The number of an attempt to change a register: rounds first, then the Region that proposes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ballot {
    round: u32,
    proposer: u8,
}

impl Ballot {
    /// The lowest ballot of `region` above this one.
    #[must_use]
    pub fn next(self, region: Region) -> Ballot {
        Ballot { round: self.round + 1, proposer: region.index() as u8 }
    }

    /// Whether `region` proposes under it.
    #[must_use]
    pub fn is_of(self, region: Region) -> bool {
        self.proposer == region.index() as u8
    }

    /// The round, from 1.
    #[must_use]
    pub fn round(self) -> u32 {
        self.round
    }

    /// A number for keys and hashes.
    #[must_use]
    pub fn digest(self) -> u64 {
        u64::from(self.round) << 8 | u64::from(self.proposer)
    }
}

/// A value that an acceptor accepted, and the ballot that it accepted it under.
pub type AcceptedValue = (Ballot, LinkValue);

/// What one acceptor remembers of one register; durable before any answer leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptor {
    /// No ballot below this one is answered any more.
    pub promised: Ballot,
    /// The last value accepted.
    pub accepted: Option<AcceptedValue>,
}

impl Acceptor {
    /// What there is to tell about a message under `ballot` that comes now.
    pub(super) fn coverage_of(&self, ballot: Ballot) -> Option<Goal> {
        let is_same = ballot.proposer == self.promised.proposer;
        let is_under_way =
            self.promised != Ballot::default() && self.accepted.is_none_or(|(last, _)| last < self.promised);
        match ballot.cmp(&self.promised) {
            Ordering::Less if is_same => Some(Goal::MessageOvertaken),
            Ordering::Greater if !is_same && is_under_way => Some(Goal::ProposerOvertaken),
            _ => None,
        }
    }

    /// Phase one: promise to ignore ballots below `ballot`, or refuse because of a promise given.
    ///
    /// # Errors
    /// The ballot promised before, when it is not lower.
    pub fn prepare(&mut self, ballot: Ballot) -> Result<Option<AcceptedValue>, Ballot> {
        if ballot <= self.promised {
            return Err(self.promised);
        }
        self.promised = ballot;
        Ok(self.accepted)
    }

    /// Phase two: accept `value` under `ballot`, or refuse because of a promise given.
    ///
    /// # Errors
    /// The ballot promised, when it is higher.
    pub fn accept(&mut self, ballot: Ballot, value: LinkValue) -> Result<(), Ballot> {
        if ballot < self.promised {
            return Err(self.promised);
        }
        *self = Acceptor { promised: ballot, accepted: Some((ballot, value)) };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_linked_only_when_both_sides_declared() {
        let one = LinkValue::default().after(Side::Low, LinkChange::Declare);
        assert_eq!(one.outcome, LinkOutcome::Open);
        assert_eq!(one.after(Side::High, LinkChange::Declare).outcome, LinkOutcome::Linked);
    }

    #[test]
    fn a_withdrawal_wins_before_the_link_and_loses_after_it() {
        let one = LinkValue::default().after(Side::Low, LinkChange::Declare);
        assert_eq!(one.after(Side::Low, LinkChange::Withdraw), LinkValue::default());
        let linked = one.after(Side::High, LinkChange::Declare);
        assert_eq!(linked.after(Side::Low, LinkChange::Withdraw), linked);
    }

    #[test]
    fn a_linked_pair_is_dissolved_only_when_both_sides_asked() {
        let linked =
            LinkValue::default().after(Side::Low, LinkChange::Declare).after(Side::High, LinkChange::Declare);
        let asked = linked.after(Side::Low, LinkChange::Delete);
        assert_eq!(asked.outcome, LinkOutcome::Linked);
        assert_eq!(asked.after(Side::Low, LinkChange::Delete), asked);
        assert_eq!(asked.after(Side::High, LinkChange::Delete).outcome, LinkOutcome::Dissolved);
    }

    #[test]
    fn a_pair_comes_apart_when_one_side_leaves_and_the_other_is_deleted_in_any_order() {
        let linked =
            LinkValue::default().after(Side::Low, LinkChange::Declare).after(Side::High, LinkChange::Declare);
        for (left, deleted) in [(Side::Low, Side::High), (Side::High, Side::Low)] {
            let half = linked.after(left, LinkChange::Leave);
            assert_eq!(half.outcome, LinkOutcome::Linked);
            assert_eq!(half.after(deleted, LinkChange::Delete), LinkValue::default());
            let half = linked.after(deleted, LinkChange::Delete);
            assert_eq!(half.outcome, LinkOutcome::Linked);
            assert_eq!(half.after(left, LinkChange::Leave), LinkValue::default());
        }
    }

    #[test]
    fn an_acceptor_keeps_its_promise() {
        let region = Region::parse("us-east-1").expect("a Region");
        let (first, second) = (Ballot::default().next(region), Ballot::default().next(region).next(region));
        let mut acceptor = Acceptor::default();
        assert_eq!(acceptor.prepare(second), Ok(None));
        assert_eq!(acceptor.prepare(first), Err(second));
        assert_eq!(acceptor.accept(first, LinkValue::default()), Err(second));
        assert_eq!(acceptor.accept(second, LinkValue::default()), Ok(()));
        assert_eq!(acceptor.accepted, Some((second, LinkValue::default())));
    }
}
