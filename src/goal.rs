//! Goals: situations that a search must have reached before the absence of violations means anything.
//!
//! A goal is not a requirement; invariants are. It marks that an interesting situation came up. The code that handles
//! the situation reports the goal in one line, and goals enter neither the trace nor its hash. The table below is at
//! once the documentation, the input of tests, and the list that a search counts.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use serde::{Deserialize, Serialize};

macro_rules! goals {
    ($($(#[doc = $meaning:literal])+ $variant:ident = $name:literal,)+) => {
        /// A situation that a search must reach.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(u32)]
        pub enum Goal { $($(#[doc = $meaning])+ #[serde(rename = $name)] $variant,)+ }

        impl Goal {
            /// Every goal.
            pub const ALL: &[Goal] = &[$(Goal::$variant),+];

            /// The name in summaries.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Goal::$variant => $name),+ }
            }

            /// The situation in a sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Goal::$variant => concat!($($meaning),+).trim_ascii()),+ }
            }
        }
    };
}

goals! {
    /// A retry was answered from the token table.
    RetryReplayed = "retry-replayed",
    /// A call joined another with the same token, which was waiting for other Regions.
    CallsJoined = "calls-joined",
    /// A second copy of a request arrived while the first was being carried out.
    DuplicateJoined = "duplicate-joined",
    /// A call joined another with the same token, which was waiting for the link register.
    RegisterCallsJoined = "register-calls-joined",
    /// A deletion joined another with a different token, which was waiting for the link register.
    DeletionsJoined = "deletions-joined",
    /// A token was reused with other parameters.
    TokenMismatched = "token-mismatched",
    /// A token was reused after it had expired.
    TokenExpired = "token-expired",
    /// A creation was refused for the quota only because of other creations in flight.
    QuotaHitInFlight = "quota-hit-in-flight",
    /// A page was requested after the cluster named by its page token was deleted.
    PageAfterDelete = "page-after-delete",
    /// The witness Region denied the caller's permission to use it.
    WitnessDenied = "witness-denied",
    /// A call timed out because the witness Region did not answer.
    WitnessSilent = "witness-silent",
    /// The peer's Region denied the caller's permission to link its cluster.
    PeerDenied = "peer-denied",
    /// The peer's Region did not find the cluster.
    PeerMissing = "peer-missing",
    /// A call timed out because the peer's Region did not answer.
    PeerSilent = "peer-silent",
    /// A remote check was sent again because its answer was late.
    CheckRepeated = "check-repeated",
    /// A cluster changed before the other Regions had agreed to its update.
    UpdateOvertaken = "update-overtaken",
    /// A declaration was chosen before the peer declared the link too.
    DeclaredOneSided = "declared-one-sided",
    /// A link was chosen by the two control planes without the witness node.
    LinkedWithoutWitness = "linked-without-witness",
    /// A link was chosen by one control plane and the witness node without the peer's Region.
    LinkedWithoutPeer = "linked-without-peer",
    /// A cluster learned of its link by accepting its peer's value.
    LinkLearned = "link-learned",
    /// An acceptor refused a proposer because of a higher ballot.
    BallotLost = "ballot-lost",
    /// An acceptor promised a higher ballot during another proposer's round.
    ProposerOvertaken = "proposer-overtaken",
    /// A later message of the same sender overtook a message to an acceptor.
    MessageOvertaken = "message-overtaken",
    /// A proposer adopted a value that another proposer had got accepted.
    ValueAdopted = "value-adopted",
    /// A declaration was withdrawn before the peer declared the link too.
    WithdrawalWon = "withdrawal-won",
    /// A declaration could not be withdrawn because the pair was linked already.
    WithdrawalLost = "withdrawal-lost",
    /// A linked pair was dissolved because both sides requested it.
    PairParted = "pair-parted",
    /// The deletion of a cluster that did not know of its link had to wait for its peer.
    DeletionFoundLink = "deletion-found-link",
    /// A deletion was answered at its deadline, before the link register had decided.
    DeleteDeadlinePassed = "delete-deadline-passed",
    /// An update was abandoned at its deadline, before the link register had decided.
    UpdateDeadlinePassed = "update-deadline-passed",
    /// A timer fired for a cluster that had changed since it was set.
    TimerStale = "timer-stale",
    /// A restarted control plane resumed a cluster's transient status.
    WorkResumed = "work-resumed",
    /// A restarted control plane resumed a call that waits for the link register.
    IntentResumed = "intent-resumed",
    /// A crash happened after a write was durable and before its answer was sent.
    CrashBeforeReply = "crash-before-reply",
    /// A crash lost an unfinished write.
    WriteLost = "write-lost",
    /// An unfinished write reached the disk in spite of a crash.
    WriteKept = "write-kept",
    /// A cluster that was in PENDING_DELETE during a crash became DELETING.
    PendingDeleteHealed = "pending-delete-healed",
    /// A stream was refused because its cluster had reached the limit.
    StreamLimitReached = "stream-limit-reached",
    /// A restarted control plane resumed a stream's transient status.
    StreamResumed = "stream-resumed",
    /// A change of a policy expected a version that was no longer current.
    PolicyMovedOn = "policy-moved-on",
    /// An answer arrived for an attempt that its client no longer waited for.
    AnswerLate = "answer-late",
    /// A call with unknown outcome had been carried out.
    UnknownHappened = "unknown-happened",
    /// A call with unknown outcome had not been carried out.
    UnknownHadNot = "unknown-had-not",
}

impl Goal {
    /// The goal called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Goal> {
        Self::ALL.iter().copied().find(|goal| goal.name() == name)
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of goals. `|` joins two; as data it is the list of their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Goal>", into = "Vec<Goal>")]
pub struct Goals(u128);

impl Goals {
    /// No goal.
    pub const NONE: Goals = Goals(0);

    /// Adds a goal.
    pub fn insert(&mut self, goal: Goal) {
        self.0 |= 1 << goal as u32;
    }

    /// Whether `goal` is in the set.
    #[must_use]
    pub fn has(self, goal: Goal) -> bool {
        self.0 & 1 << goal as u32 != 0
    }

    /// The goals in the set, in the table's order.
    pub fn iter(self) -> impl Iterator<Item = Goal> {
        Goal::ALL.iter().copied().filter(move |goal| self.has(*goal))
    }
}

impl BitOr for Goals {
    type Output = Goals;

    fn bitor(self, other: Goals) -> Goals {
        Goals(self.0 | other.0)
    }
}

impl BitOrAssign for Goals {
    fn bitor_assign(&mut self, other: Goals) {
        *self = *self | other;
    }
}

impl Extend<Goal> for Goals {
    fn extend<T: IntoIterator<Item = Goal>>(&mut self, goals: T) {
        goals.into_iter().for_each(|goal| self.insert(goal));
    }
}

impl From<Vec<Goal>> for Goals {
    fn from(goals: Vec<Goal>) -> Goals {
        let mut set = Goals::NONE;
        set.extend(goals);
        set
    }
}

impl From<Goals> for Vec<Goal> {
    fn from(goals: Goals) -> Vec<Goal> {
        goals.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_goal_parses_back_and_fits_the_set() {
        for goal in Goal::ALL.iter().copied() {
            assert_eq!(Goal::parse(goal.name()), Some(goal));
            assert_eq!(Goals::from(vec![goal]).iter().collect::<Vec<_>>(), [goal]);
        }
        assert!(Goal::ALL.len() <= 128);
    }

    #[test]
    fn a_set_is_the_list_of_its_names_as_data() {
        let goals = Goals::from(vec![Goal::BallotLost]) | Goals::from(vec![Goal::RetryReplayed]);
        let json = serde_json::to_string(&goals).expect("plain JSON");
        assert_eq!(json, r#"["retry-replayed","ballot-lost"]"#);
        assert_eq!(serde_json::from_str::<Goals>(&json).expect("the same"), goals);
    }
}
