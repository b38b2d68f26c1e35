//! Goals: situations that a search must have met, or its silence says nothing.
//!
//! A goal is no demand: what must be true is an invariant. A goal says that something interesting was there to be
//! judged. Each is reported in one visible line beside the code that it is about, and enters neither the trace nor its
//! hash. The table below is documentation, test input and what a search counts.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use serde::{Deserialize, Serialize};

macro_rules! goals {
    ($($(#[doc = $meaning:literal])+ $variant:ident = $name:literal,)+) => {
        /// A situation that a search must have met.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(u32)]
        pub enum Goal { $($(#[doc = $meaning])+ #[serde(rename = $name)] $variant,)+ }

        impl Goal {
            /// Every goal.
            pub const ALL: &[Goal] = &[$(Goal::$variant),+];

            /// Its name in summaries.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Goal::$variant => $name),+ }
            }

            /// The situation, in a sentence.
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
    /// A call joined another with its token, which waited for other Regions.
    CallsJoined = "calls-joined",
    /// A second copy of a request came while the first was being carried out.
    DuplicateJoined = "duplicate-joined",
    /// A call joined another with its token, which waited for the link register.
    RegisterCallsJoined = "register-calls-joined",
    /// A deletion joined another one, which waited for the link register, with a token of its own.
    DeletionsJoined = "deletions-joined",
    /// A token was used again with other parameters.
    TokenMismatched = "token-mismatched",
    /// A token was used again after it had expired.
    TokenExpired = "token-expired",
    /// A create was refused only because of creates in flight.
    QuotaHitInFlight = "quota-hit-in-flight",
    /// A page was asked for after the cluster that its token names was gone.
    PageAfterDelete = "page-after-delete",
    /// The witness Region refused to be one.
    WitnessDenied = "witness-denied",
    /// A call gave up because the witness Region was silent.
    WitnessSilent = "witness-silent",
    /// The peer's Region refused to have its cluster added.
    PeerDenied = "peer-denied",
    /// The peer's Region knew of no such cluster.
    PeerMissing = "peer-missing",
    /// A call gave up because the peer's Region was silent.
    PeerSilent = "peer-silent",
    /// Another Region's answer was late, and it was asked again.
    CheckRepeated = "check-repeated",
    /// A cluster had moved on by the time that the other Regions agreed to its update.
    UpdateOvertaken = "update-overtaken",
    /// A declaration was chosen that the peer has not answered.
    DeclaredOneSided = "declared-one-sided",
    /// A link was chosen by the two control planes, without the witness node.
    LinkedWithoutWitness = "linked-without-witness",
    /// A link was chosen by one control plane and the witness node, without the peer's Region.
    LinkedWithoutPeer = "linked-without-peer",
    /// A cluster was told of its link by accepting its peer's value.
    LinkLearned = "link-learned",
    /// A proposer was refused for a higher ballot.
    BallotLost = "ballot-lost",
    /// An acceptor promised a higher ballot while another proposer's was under way.
    ProposerOvertaken = "proposer-overtaken",
    /// A message to an acceptor was overtaken by a later one of its sender.
    MessageOvertaken = "message-overtaken",
    /// A proposer took over the value that another had got accepted.
    ValueAdopted = "value-adopted",
    /// A declaration was taken back before the peer answered it.
    WithdrawalWon = "withdrawal-won",
    /// A declaration was to be taken back, and the pair was linked already.
    WithdrawalLost = "withdrawal-lost",
    /// A linked pair came apart because both sides asked.
    PairParted = "pair-parted",
    /// A cluster that had not heard of its link was deleted, and had to wait for its peer.
    DeletionFoundLink = "deletion-found-link",
    /// A delete was answered at its deadline, before the link register had decided.
    DeleteDeadlinePassed = "delete-deadline-passed",
    /// An update was given up at its deadline, before the link register had decided.
    UpdateDeadlinePassed = "update-deadline-passed",
    /// A timer fired for a cluster that had moved on since it was set.
    TimerStale = "timer-stale",
    /// A restarted control plane took up a transient status where it was left.
    WorkResumed = "work-resumed",
    /// A restarted control plane took up a call that waits for the link register.
    IntentResumed = "intent-resumed",
    /// A crash fell after a write was durable and before the answer behind it left.
    CrashBeforeReply = "crash-before-reply",
    /// A crash lost a write that was not finished.
    WriteLost = "write-lost",
    /// A crash left a write that was not finished on disk.
    WriteKept = "write-kept",
    /// A cluster that a crash met in PENDING_DELETE became DELETING.
    PendingDeleteHealed = "pending-delete-healed",
    /// A stream was refused because its cluster has as many as it may.
    StreamLimitReached = "stream-limit-reached",
    /// A restarted control plane took up a stream's transient status where it was left.
    StreamResumed = "stream-resumed",
    /// A policy was to be changed that had been changed meanwhile.
    PolicyMovedOn = "policy-moved-on",
    /// An answer came to an attempt that its client no longer waited for.
    AnswerLate = "answer-late",
    /// A call whose outcome its client does not know had been carried out.
    UnknownHappened = "unknown-happened",
    /// A call whose outcome its client does not know had not been carried out.
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

    /// Puts `goal` in.
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
