//! The list of invariants, and the counts of their evaluations.

use strum::{EnumCount, EnumMessage, VariantArray};

use super::{CheckResult, WorldView};

/// An invariant that is checked after every event.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    strum::EnumCount,
    strum::EnumMessage,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
#[expect(missing_docs, reason = "each has a sentence, which is its documentation")]
pub enum Invariant {
    #[strum(message = "no cluster's witness Region is its own Region, nor its peer's")]
    WitnessOutsideOwnRegion,
    #[strum(message = "linked clusters name the same witness")]
    PeersShareWitness,
    #[strum(
        message = "every successful answer to one (account, Region, operation, token) is the same answer"
    )]
    RetrySameResult,
    #[strum(message = "at most one call is carried out per token, as long as its window lasts")]
    OneEffectPerToken,
    #[strum(message = "a linked cluster's peer durably declares it, until both are being deleted")]
    PeeringSymmetric,
    #[strum(
        message = "at quiet, both clusters of a pair list each other and have statuses of the same family"
    )]
    PeeringConverges,
    #[strum(message = "a cluster is linked to at most one other, and declares no third")]
    OnePeerAtMost,
    #[strum(message = "statuses move only along the documented graph")]
    LegalTransition,
    #[strum(
        message = "a change that is acknowledged is durable when its answer leaves, and survives any crash"
    )]
    AcknowledgedIsDurable,
    #[strum(
        message = "later reads show what was acknowledged, or what a call with an unknown outcome may have set since"
    )]
    AcknowledgedIsVisible,
    #[strum(
        message = "a request is answered once, about what it names, in agreement with what was asked for and written"
    )]
    AnswersSayWhatWasWritten,
    #[strum(
        message = "protection, key, tags, metric groups, peers, policy and streams change only as a call says \
                   that names them, and a cluster appears by a call or a restore"
    )]
    ChangedOnlyByItsCall,
    #[strum(
        message = "a cluster's ARN, creation time and kind, a linked pair's witness, a stream's identity and target \
                   never change, and time never goes back"
    )]
    Unchanging,
    #[strum(
        message = "no cluster that calls have left with deletion protection enters PENDING_DELETE or DELETING"
    )]
    ProtectedNotDeleted,
    #[strum(
        message = "a cluster enters DELETING only when no other that lives on claims to be linked with it"
    )]
    NoDeleteAlone,
    #[strum(
        message = "a multi-Region cluster is up only while it is linked, and a link ends only when both sides \
                   gave it up"
    )]
    LinkedMeansLinked,
    #[strum(message = "a call that a control plane answers with an error changed nothing durable")]
    DeniedChangesNothing,
    #[strum(message = "what a call did was allowed to its caller in every Region that has a say")]
    AuthorizedInEveryRegion,
    #[strum(
        message = "within its window a token stands for one request: that gets its success again, another a conflict"
    )]
    RetryNeverWorse,
    #[strum(message = "a refusal follows from the request, from what is stored, or from who asks")]
    EveryRefusalHasACause,
    #[strum(
        message = "a call succeeds only where nothing in the request or in what is stored stood in its way"
    )]
    NoSuccessAgainstACause,
    #[strum(message = "an account never has more clusters in a Region than its quota")]
    QuotaRespected,
    #[strum(message = "no identifier is ever used again")]
    IdentifiersUnique,
    #[strum(message = "pages list each cluster that existed throughout exactly once")]
    ListComplete,
    #[strum(
        message = "no cluster is ACTIVE while its key cannot be used, and at quiet its record says whether it can"
    )]
    NoActiveWithoutKey,
    #[strum(
        message = "a stream is IMPAIRED or FAILED for a reason that was there, shows it, and ACTIVE only where it can \
                   deliver"
    )]
    StreamHealth,
    #[strum(message = "what a node has in storage, running or restarted, is what it wrote")]
    StorageIsWhatWasWritten,
    #[strum(
        message = "requests are answered in time, and at quiet none is unanswered and no status is transient"
    )]
    NothingStuck,
}

impl Invariant {
    /// The invariant with this name; `None` for an invariant that a user gave a name of their own.
    #[must_use]
    pub fn named(name: &str) -> Option<Invariant> {
        Invariant::VARIANTS.iter().copied().find(|invariant| invariant.name() == name)
    }

    /// The name, as in `unchanging`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The statement that must hold, a sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        self.get_message().unwrap_or_default()
    }
}

/// The number of evaluations of each invariant, in the order of [`Invariant`]. A run in which an invariant was never
/// evaluated says nothing about it.
pub type CheckCounts = [u64; Invariant::COUNT];

/// The context of a check: the state to examine and the counts of evaluations. Checks count only where an event
/// concerns the invariant, so that the counts show which invariants a run really tested.
#[derive(Debug)]
pub(super) struct CheckContext<'a> {
    pub(super) view: &'a dyn WorldView,
    pub(super) exercised: &'a mut CheckCounts,
}

impl CheckContext<'_> {
    /// Evaluates `invariant`: it is violated unless it `holds`, and `message` describes the observation.
    pub(super) fn ensure(
        &mut self,
        holds: bool,
        invariant: Invariant,
        message: impl FnOnce() -> String,
    ) -> CheckResult {
        self.exercised[invariant as usize] += 1;
        if holds { Ok(()) } else { Err((invariant, message())) }
    }
}
