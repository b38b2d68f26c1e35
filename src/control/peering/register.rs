//! The link register, as pure data: its value, its ballots, and the acceptor that each of its three nodes runs.
//!
//! No messages, no clock, no storage. The [proposer](super) decides who proposes what, and when.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::coverage_mark::CoverageMark;
use crate::region::Region;
use crate::types::ClusterArn;

/// The key of a link register: an unordered pair of clusters, and the witness that both must name.
///
/// The witness is part of the key because its node is the third acceptor. Two clusters that name each other with
/// different witnesses declare in different registers, and so can never be linked.
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

    /// The side of `arn`, which must be one of the two clusters.
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

    /// The other cluster of the one on `side`.
    #[must_use]
    pub fn opposite(&self, side: Side) -> ClusterArn {
        match side {
            Side::Low => self.high,
            Side::High => self.low,
        }
    }

    /// The two clusters, in the order of their ARNs.
    #[must_use]
    pub fn pair(&self) -> [ClusterArn; 2] {
        [self.low, self.high]
    }

    /// The cluster of the pair in `region`, if there is one.
    #[must_use]
    pub fn cluster_in(&self, region: Region) -> Option<ClusterArn> {
        [self.low, self.high].into_iter().find(|cluster| cluster.region == region)
    }
}

/// One of the two clusters of a pair, by the order of their ARNs. Both control planes derive the same side without a
/// message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The cluster with the lower ARN.
    Low,
    /// The cluster with the higher ARN.
    High,
}

/// The value of a link register: the requests of each side, and the outcome that follows from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LinkValue {
    declared: [bool; 2],
    leaving: [bool; 2],
    deleting: [bool; 2],
    /// The outcome.
    pub outcome: LinkOutcome,
}

/// The outcome of a link register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LinkOutcome {
    /// No link: at most one side has declared the other. A side that has declared can still withdraw alone.
    #[default]
    Open,
    /// Both sides have declared each other. From here on neither can withdraw alone: a declaration or withdrawal
    /// changes nothing, and the link ends only by both sides' deletion or leaving.
    Linked,
    /// Both sides of a linked pair have requested deletion. Final: no later change has an effect, so both may delete
    /// without looking back.
    Dissolved,
}

/// A change that one side requests of a register. Each is idempotent, so a proposer that does not know whether its
/// change was chosen repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkChange {
    /// Declare the other side as the peer. It links the pair if the other side has declared too. Proposed by a
    /// cluster in PENDING_SETUP for as long as it is there.
    Declare,
    /// Take the declaration back, for an update that gives the peer up or changes the witness. It has no effect on a
    /// linked pair; the proposer then finds the outcome `Linked` and refuses the update.
    Withdraw,
    /// Leave a linked pair, for an update that removes the peer (assumption `unpeer_active`). The register opens
    /// again once the other side has left too, or has requested deletion. Before the link it is the same as a
    /// withdrawal.
    Leave,
    /// Give the pair up for a deletion. It takes back a declaration that led to nothing, dissolves a linked pair once
    /// both sides have requested it, and opens the register if the other side leaves.
    Delete,
}

impl LinkValue {
    /// The value after `side` requested `change`. The whole protocol rests on this function: proposers apply it to
    /// the value that they adopt, and nothing else changes a register.
    #[must_use]
    pub fn after(mut self, side: Side, change: LinkChange) -> LinkValue {
        let me = side as usize;
        match (self.outcome, change) {
            (LinkOutcome::Open, LinkChange::Declare) => self.declared[me] = true,
            // Not linked: no promise binds this side, and all three take the declaration back. A side that never
            // declared finds nothing to take back, which makes a repeated change harmless.
            (LinkOutcome::Open, LinkChange::Withdraw | LinkChange::Leave | LinkChange::Delete) => {
                self.declared[me] = false
            }
            // The link stands. A repeated declaration is how a side learns of it; a withdrawal comes too late.
            (LinkOutcome::Linked, LinkChange::Declare | LinkChange::Withdraw) => {}
            // One side's request alone does not end the link: the other side may be ACTIVE and rely on it.
            (LinkOutcome::Linked, LinkChange::Leave) => self.leaving[me] = true,
            (LinkOutcome::Linked, LinkChange::Delete) => self.deleting[me] = true,
            // Both sides may be gone by now: an outcome that could change would strand the slower one.
            (LinkOutcome::Dissolved, _) => {}
        }
        match self.outcome {
            LinkOutcome::Open if self.declared == [true, true] => self.outcome = LinkOutcome::Linked,
            // Before the rule below: both sides deleted is an end, not a pair that came apart.
            LinkOutcome::Linked if self.deleting == [true, true] => self.outcome = LinkOutcome::Dissolved,
            // Each side has given the pair up, in its own way: neither may wait for the other any more.
            LinkOutcome::Linked if self.has_given_up(0) && self.has_given_up(1) => {
                self = LinkValue::default()
            }
            _ => {}
        }
        self
    }

    /// Whether the side with index `side` has requested to leave or to be deleted.
    fn has_given_up(&self, side: usize) -> bool {
        self.leaving[side] || self.deleting[side]
    }

    /// Whether the pair was linked in this value and is no more in the `next`. Mutants only.
    pub(super) fn has_come_apart(self, next: LinkValue) -> bool {
        self.outcome == LinkOutcome::Linked && next.outcome == LinkOutcome::Open
    }

    /// Whether `side` has declared the other.
    #[must_use]
    pub fn has_declared(&self, side: Side) -> bool {
        self.declared[side as usize]
    }
}

/// The number of a proposal: the round first, then the Region that proposes. Two proposers never share one, so an
/// acceptance under a ballot names a single value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ballot {
    round: u32,
    proposer: u8,
}

impl Ballot {
    /// The lowest ballot of `region` above this one, whatever its own proposer.
    #[must_use]
    pub fn next(self, region: Region) -> Ballot {
        Ballot { round: self.round + 1, proposer: region.index() as u8 }
    }

    /// Whether `region` proposes under this ballot.
    #[must_use]
    pub fn is_of(self, region: Region) -> bool {
        self.proposer == region.index() as u8
    }

    /// The round, from 1.
    #[must_use]
    pub fn round(self) -> u32 {
        self.round
    }
}

/// A value that an acceptor accepted, and the ballot of its acceptance.
pub type AcceptedValue = (Ballot, LinkValue);

/// The state of one acceptor for one register. It is durable before any answer that rests on it leaves; an acceptor
/// that forgot a promise would let an old proposer overwrite a chosen value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Acceptor {
    /// The highest ballot promised: everything below it is refused.
    pub promised: Ballot,
    /// The value accepted last, which may have been chosen.
    pub accepted: Option<AcceptedValue>,
}

impl Acceptor {
    /// The situation, if any, that a message under `ballot` meets here. Coverage only.
    pub(super) fn coverage_of(&self, ballot: Ballot) -> Option<CoverageMark> {
        let is_same = ballot.proposer == self.promised.proposer;
        let is_under_way =
            self.promised != Ballot::default() && self.accepted.is_none_or(|(last, _)| last < self.promised);
        match ballot.cmp(&self.promised) {
            Ordering::Less if is_same => Some(CoverageMark::MessageOvertaken),
            Ordering::Greater if !is_same && is_under_way => Some(CoverageMark::ProposerOvertaken),
            _ => None,
        }
    }

    /// Phase one: promises to refuse every ballot below `ballot`, and returns the value accepted last.
    ///
    /// # Errors
    /// The promised ballot, when it is not lower than `ballot`.
    pub fn prepare(&mut self, ballot: Ballot) -> Result<Option<AcceptedValue>, Ballot> {
        // An equal ballot is refused too. It is a duplicate of a Prepare that was answered: a second promise would
        // add nothing, and after an acceptance under the same ballot it would report the proposer's own value.
        if ballot <= self.promised {
            return Err(self.promised);
        }
        self.promised = ballot;
        Ok(self.accepted)
    }

    /// Phase two: accepts `value` under `ballot`.
    ///
    /// # Errors
    /// The promised ballot, when it is higher than `ballot`.
    pub fn accept(&mut self, ballot: Ballot, value: LinkValue) -> Result<(), Ballot> {
        // An equal ballot is accepted, also twice: one ballot has one value, so a duplicate changes nothing.
        if ballot < self.promised {
            return Err(self.promised);
        }
        // Accepting promises too. This acceptor may not have seen the Prepare, and must not accept an older value
        // afterwards.
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
