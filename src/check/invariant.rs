//! The list of invariants, and the counts of their evaluations.

use super::{CheckResult, WorldView};

macro_rules! invariants {
    ($($variant:ident = $name:literal: $sentence:literal,)+) => {
        /// An invariant of the list [`INVARIANTS`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Invariant { $($variant,)+ }

        /// The name of each invariant and its statement, one sentence.
        pub const INVARIANTS: [(&str, &str); [$($name),+].len()] = [$(($name, $sentence)),+];
    };
}

invariants! {
    WitnessOutsideOwnRegion = "witness-outside-own-region":
        "no cluster's witness Region is its own Region, nor its peer's",
    PeersShareWitness = "peers-share-witness": "linked clusters name the same witness",
    RetrySameResult = "retry-same-result":
        "every successful answer to one (account, Region, operation, token) is the same answer",
    OneEffectPerToken = "one-effect-per-token":
        "at most one call is carried out per token, as long as its window lasts",
    PeeringSymmetric = "peering-symmetric":
        "a linked cluster's peer durably declares it, until both are being deleted",
    PeeringConverges = "peering-converges":
        "at quiet, both clusters of a pair list each other and have statuses of the same family",
    OnePeerAtMost = "one-peer-at-most": "a cluster is linked to at most one other, and declares no third",
    LegalTransition = "legal-transition": "statuses move only along the documented graph",
    AcknowledgedIsDurable = "acknowledged-is-durable":
        "a change that is acknowledged is durable when its answer leaves, and survives any crash",
    AcknowledgedIsVisible = "acknowledged-is-visible":
        "later reads show what was acknowledged, or what a call with an unknown outcome may have set since",
    AnswersSayWhatWasWritten = "answers-say-what-was-written":
        "a request is answered once, about what it names, in agreement with what was asked for and written",
    ChangedOnlyByItsCall = "changed-only-by-its-call":
        "protection, key, tags, metric groups, peers, policy and streams change only as a call says that names them",
    Unchanging = "unchanging":
        "a cluster's ARN, creation time and kind, a linked pair's witness, a stream's identity and target never \
         change, and time never goes back",
    ProtectedNotDeleted = "protected-not-deleted":
        "no cluster that calls have left with deletion protection enters PENDING_DELETE or DELETING",
    NoDeleteAlone = "no-delete-alone":
        "a cluster enters DELETING only when no other that lives on claims to be linked with it",
    LinkedMeansLinked = "linked-means-linked":
        "a multi-Region cluster is up only while it is linked, and a link ends only when both sides gave it up",
    DeniedChangesNothing = "denied-changes-nothing":
        "a call that a control plane answers with an error changed nothing durable",
    AuthorizedInEveryRegion = "authorized-in-every-region":
        "what a call did was allowed to its caller in every Region that has a say",
    RetryNeverWorse = "retry-never-worse":
        "within its window a token stands for one request: that gets its success again, another a conflict",
    EveryRefusalHasACause = "every-refusal-has-a-cause":
        "a refusal follows from the request, from what is stored, or from who asks",
    NoSuccessAgainstACause = "no-success-against-a-cause":
        "a call succeeds only where nothing in the request or in what is stored stood in its way",
    QuotaRespected = "quota-respected": "an account never has more clusters in a Region than its quota",
    IdentifiersUnique = "identifiers-unique": "no identifier is ever used again",
    ListComplete = "list-complete": "pages list each cluster that existed throughout exactly once",
    NoActiveWithoutKey = "no-active-without-key":
        "no cluster is ACTIVE while its key cannot be used, and at quiet its record says whether it can",
    StorageIsWhatWasWritten = "storage-is-what-was-written":
        "what a node has in storage, running or restarted, is what it wrote",
    NothingStuck = "nothing-stuck":
        "requests are answered in time, and at quiet none is unanswered and no status is transient",
}

impl Invariant {
    /// Its name, as users see it.
    pub(super) fn name(self) -> &'static str {
        INVARIANTS[self as usize].0
    }
}

/// The number of evaluations of each invariant, in the order of [`INVARIANTS`]. A run in which an invariant was never
/// evaluated says nothing about it.
pub type CheckCounts = [u64; INVARIANTS.len()];

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
