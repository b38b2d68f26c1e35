//! Coverage marks: situations that a search must have met before the absence of violations means anything.
//!
//! A mark is not a requirement; invariants are. The code that handles an interesting situation reports its mark in one
//! line, and marks enter neither the trace nor its hash. The enum is at once the documentation, the input of tests, and
//! the list that a search counts. Sets of marks are [`EnumSet`]s; as data they are lists of names.
//!
//! [`EnumSet`]: enumset::EnumSet

use enumset::EnumSetType;
use serde::{Deserialize, Serialize};
use strum::EnumMessage;

/// A situation that a search must meet.
#[derive(
    Debug,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    EnumSetType,
    strum::Display,
    strum::EnumCount,
    strum::EnumMessage,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[enumset(serialize_repr = "list")]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum CoverageMark {
    /// A retry was answered from the token table.
    RetryReplayed,
    /// A call joined another with the same token, which was waiting for other Regions.
    CallsJoined,
    /// A second copy of a request arrived while the first was being carried out.
    DuplicateJoined,
    /// A call joined another with the same token, which was waiting for the link register.
    RegisterCallsJoined,
    /// A deletion joined another with a different token, which was waiting for the link register.
    DeletionsJoined,
    /// A token was reused with other parameters.
    TokenMismatched,
    /// A token was reused after it had expired.
    TokenExpired,
    /// A creation was refused for the quota only because of other creations in flight.
    QuotaHitInFlight,
    /// A page was requested after the cluster named by its page token was deleted.
    PageAfterDelete,
    /// A call was refused for a KMS key of another Region.
    KeyElsewhere,
    /// A call was refused for a KMS key that does not exist.
    KeyMissing,
    /// A call was refused for a disabled KMS key.
    KeyDisabled,
    /// The witness Region denied the caller's permission to use it.
    WitnessDenied,
    /// The service control policies of the caller's account did not allow a permission.
    ControlDenied,
    /// The caller's session policies did not allow a permission.
    SessionPolicyDenied,
    /// A call timed out because the witness Region did not answer.
    WitnessSilent,
    /// The peer's Region denied the caller's permission to link its cluster.
    PeerDenied,
    /// The peer's Region did not find the cluster.
    PeerMissing,
    /// A call timed out because the peer's Region did not answer.
    PeerSilent,
    /// A remote check was sent again because its answer was late.
    CheckRepeated,
    /// A cluster changed before the other Regions had agreed to its update.
    UpdateOvertaken,
    /// A declaration was chosen before the peer declared the link too.
    DeclaredOneSided,
    /// A link was chosen by the two control planes without the witness node.
    LinkedWithoutWitness,
    /// A link was chosen by one control plane and the witness node without the peer's Region.
    LinkedWithoutPeer,
    /// A cluster learned of its link by accepting its peer's value.
    LinkLearned,
    /// An acceptor refused a proposer because of a higher ballot.
    BallotLost,
    /// An acceptor promised a higher ballot during another proposer's round.
    ProposerOvertaken,
    /// A later message of the same sender overtook a message to an acceptor.
    MessageOvertaken,
    /// A proposer adopted a value that another proposer had got accepted.
    ValueAdopted,
    /// A declaration was withdrawn before the peer declared the link too.
    WithdrawalWon,
    /// A declaration could not be withdrawn because the pair was linked already.
    WithdrawalLost,
    /// A linked pair was dissolved because both sides requested it.
    PairParted,
    /// The deletion of a cluster that did not know of its link had to wait for its peer.
    DeletionFoundLink,
    /// A deletion was answered at its deadline, before the link register had decided.
    DeleteDeadlinePassed,
    /// An update was abandoned at its deadline, before the link register had decided.
    UpdateDeadlinePassed,
    /// A timer fired for a cluster that had changed since it was set.
    TimerStale,
    /// A restarted control plane resumed a cluster's transient status.
    WorkResumed,
    /// A restarted control plane resumed a call that waits for the link register.
    IntentResumed,
    /// A crash happened after a write was durable and before its answer was sent.
    CrashBeforeReply,
    /// A crash lost an unfinished write.
    WriteLost,
    /// An unfinished write reached the disk in spite of a crash.
    WriteKept,
    /// A cluster that was in PENDING_DELETE during a crash became DELETING.
    PendingDeleteHealed,
    /// A stream was refused because its cluster had reached the limit.
    StreamLimitReached,
    /// A restarted control plane resumed a stream's transient status.
    StreamResumed,
    /// A policy was refused because it grants public access.
    PublicPolicyRefused,
    /// A call was refused because of the limit of tags of one resource.
    TagLimitReached,
    /// A change of a policy expected a version that was no longer current.
    PolicyMovedOn,
    /// An answer arrived for an attempt that its client no longer waited for.
    AnswerLate,
    /// A call with unknown outcome had been carried out.
    UnknownHappened,
    /// A call with unknown outcome had not been carried out.
    UnknownHadNot,
}

impl CoverageMark {
    /// The situation in a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.get_documentation().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use enumset::EnumSet;

    use super::*;

    #[test]
    fn every_mark_parses_back_and_has_a_meaning() {
        for mark in EnumSet::<CoverageMark>::all() {
            assert_eq!(mark.to_string().parse(), Ok(mark));
            assert!(mark.meaning().ends_with('.'), "{mark}: {}", mark.meaning());
        }
    }

    #[test]
    fn a_set_is_the_list_of_its_names_as_data() {
        let marks = CoverageMark::BallotLost | CoverageMark::RetryReplayed;
        let json = serde_json::to_string(&marks).expect("plain JSON");
        assert_eq!(json, r#"["retry-replayed","ballot-lost"]"#);
        assert_eq!(serde_json::from_str::<EnumSet<CoverageMark>>(&json).expect("the same"), marks);
    }
}
