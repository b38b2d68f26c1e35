//! Mutants: bugs planted on purpose, to prove that each invariant can fail.
//!
//! Every control plane and witness node gets an explicit set, which is empty by default. Each mutant acts in a
//! `planted!` line of its own, which reads as the mistake it is and changes a value, or the course, of the correct
//! code around it. A reader of the protocol can skip these lines. The table below is documentation, test input and the
//! output of `dsql-sim mutants`.

mod misread;
mod mistakes;

pub(in crate::control) use mistakes::{
    forgive_reserved_keys, forgive_tags, names_trusted_key, version_of_text,
};

use std::fmt;

/// Plants a bug: `planted!(mutants, Name => mistake)` makes the mistake if the mutant is in the set,
/// `planted!(mutants, Name if condition => mistake)` only where the condition holds too, and
/// `planted!(decision => mistake)` leaves the decision to a method of [`Mutants`]. The code without these lines is
/// correct.
macro_rules! planted {
    ($mutants:expr, $mutant:ident if $condition:expr => $($mistake:tt)+) => {
        if $mutants.has($crate::control::mutant::Mutant::$mutant) && $condition { $($mistake)+; }
    };
    ($mutants:expr, $mutant:ident => $($mistake:tt)+) => {
        if $mutants.has($crate::control::mutant::Mutant::$mutant) { $($mistake)+; }
    };
    ($decision:expr => $($mistake:tt)+) => {
        if $decision { $($mistake)+; }
    };
}

pub(in crate::control) use misread::Misread;
pub(in crate::control) use mistakes::{in_own_account, restamped, without_properties, without_retry_after};
pub(in crate::control) use planted;

/// A set of mutants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mutants([u128; 2]);

impl Mutants {
    /// No mutant: the correct control plane.
    pub const NONE: Mutants = Mutants([0; 2]);

    /// The set with `mutant` added.
    #[must_use]
    pub fn with(mut self, mutant: Mutant) -> Mutants {
        self.0[mutant as usize / 128] |= 1 << (mutant as u32 % 128);
        self
    }

    /// Whether `mutant` is in the set.
    #[must_use]
    pub fn has(self, mutant: Mutant) -> bool {
        self.0[mutant as usize / 128] & 1 << (mutant as u32 % 128) != 0
    }

    /// The mutants in the set, in the table's order.
    pub fn iter(self) -> impl Iterator<Item = Mutant> {
        Mutant::ALL.iter().copied().filter(move |mutant| self.has(*mutant))
    }
}

macro_rules! mutants {
    ($($(#[doc = $breaks:literal])+ $variant:ident = $name:literal caught by $invariant:literal,)+) => {
        /// A bug planted on purpose.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Mutant { $($(#[doc = $breaks])+ $variant,)+ }

        impl Mutant {
            /// Every mutant.
            pub const ALL: &[Mutant] = &[$(Mutant::$variant),+];

            /// The name on the command line and in scenario files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Mutant::$variant => $name),+ }
            }

            /// The mistake, in a sentence.
            #[must_use]
            pub fn breaks(self) -> &'static str {
                match self { $(Mutant::$variant => concat!($($breaks),+).trim_ascii()),+ }
            }

            /// The invariant that must catch the mutant; `panic` where dsql-sim itself must catch a panic.
            #[must_use]
            pub fn caught_by(self) -> &'static str {
                match self { $(Mutant::$variant => $invariant),+ }
            }
        }
    };
}

mutants! {
    /// The witness Region is not compared with the cluster's own Region.
    WitnessInOwnRegion = "witness-in-own-region" caught by "witness-outside-own-region",
    /// A new witness Region is written without withdrawing from the register of the old one.
    WitnessChangedInPlace = "witness-changed-in-place" caught by "peers-share-witness",
    /// A replayed token is answered with the cluster as it is now, not with the recorded answer.
    ReplayFresh = "replay-fresh" caught by "retry-same-result",
    /// The token table is kept in memory only.
    TokenForgottenInCrash = "token-forgotten-in-crash" caught by "acknowledged-is-durable",
    /// A second request does not join the first one with its token, which is still in flight.
    InFlightTokenNotJoined = "in-flight-token-not-joined" caught by "one-effect-per-token",
    /// A cluster counts as linked as soon as its own declaration is chosen.
    LinkFromOneSide = "link-from-one-side" caught by "peering-symmetric",
    /// A declaration is withdrawn from the record without asking the link register.
    WithdrawWithoutRegister = "withdraw-without-register" caught by "peering-symmetric",
    /// An acceptor keeps in memory only what it promised and accepted.
    AcceptorForgetsInCrash = "acceptor-forgets-in-crash" caught by "storage-is-what-was-written",
    /// A change counts as chosen when one acceptor has accepted it.
    ChosenByOne = "chosen-by-one" caught by "peering-symmetric",
    /// A proposer starts from an empty register instead of the highest accepted value.
    ValueNotAdopted = "value-not-adopted" caught by "peering-converges",
    /// A cluster whose declaration is chosen never proposes again to learn whether its peer declared too.
    LinkNeverLearned = "link-never-learned" caught by "peering-converges",
    /// A new peer is declared without withdrawing from the old one.
    TwoPeersDeclared = "two-peers-declared" caught by "one-peer-at-most",
    /// A timer acts on a cluster that has moved on since the timer was set.
    StaleTimer = "stale-timer" caught by "legal-transition",
    /// The reply leaves before the write that it rests on is durable.
    ReplyBeforePersist = "reply-before-persist" caught by "acknowledged-is-durable",
    /// Deletion protection is not checked.
    ProtectionIgnored = "protection-ignored" caught by "protected-not-deleted",
    /// A linked cluster is deleted without asking the register whether its peer is deleted too.
    DeleteWithoutPeer = "delete-without-peer" caught by "no-delete-alone",
    /// The cluster is created before the other Regions have answered.
    CreateBeforeChecks = "create-before-checks" caught by "denied-changes-nothing",
    /// The witness Region does not check the caller's permission; only the cluster's Region does.
    WitnessRegionNotAsked = "witness-region-not-asked" caught by "authorized-in-every-region",
    /// A peer's Region checks the caller's permission on any cluster of its instead of on the peer's exact ARN.
    PeerCheckedByWildcard = "peer-checked-by-wildcard" caught by "authorized-in-every-region",
    /// The quota is compared with the clusters that exist, not counting the creates in flight.
    QuotaIgnoresInFlight = "quota-ignores-in-flight" caught by "quota-respected",
    /// A new cluster gets the identifier of the last one deleted.
    IdentifierReused = "identifier-reused" caught by "identifiers-unique",
    /// A restored cluster takes the identifier of its source.
    RestoredSharesIdentifier = "restored-shares-identifier" caught by "identifiers-unique",
    /// A page token counts clusters instead of naming the last one listed.
    PageSkipsAfterDelete = "page-skips-after-delete" caught by "list-complete",
    /// A restarted control plane does not set the timers of the clusters that it finds in a transient status.
    TimersForgottenInCrash = "timers-forgotten-in-crash" caught by "nothing-stuck",
    /// A call that joined another by its token gets no answer.
    JoinerNotAnswered = "joiner-not-answered" caught by "nothing-stuck",
    /// A cluster's streams are not counted before another is created.
    StreamQuotaIgnored = "stream-quota-ignored" caught by "quota-respected",
    /// A stream is deleted though it is still being created.
    StreamDeletedInCreation = "stream-deleted-in-creation" caught by "legal-transition",
    /// A restarted control plane does not set the timers of the streams that it finds in a transient status.
    StreamsForgottenInCrash = "streams-forgotten-in-crash" caught by "nothing-stuck",
    /// An acceptor accepts under a ballot lower than the one that it promised.
    LowerBallotAccepted = "lower-ballot-accepted" caught by "peering-converges",
    /// A proposer does not count what its own acceptor has accepted.
    OwnValueIgnored = "own-value-ignored" caught by "peering-converges",
    /// A proposer keeps in memory only what its own acceptor promised and accepted.
    OwnAcceptorForgetsInCrash = "own-acceptor-forgets-in-crash" caught by "storage-is-what-was-written",
    /// A proposer adopts the value that was promised last, whatever its ballot.
    LastAnswerAdopted = "last-answer-adopted" caught by "peering-converges",
    /// A proposer that starts over keeps the value of its last attempt instead of reading its own acceptor again.
    LastRoundValueKept = "last-round-value-kept" caught by "peering-converges",
    /// A control plane keeps a newly accepted value under the ballot of the first one.
    FirstBallotKept = "first-ballot-kept" caught by "peering-converges",
    /// A control plane's acceptor forgets what it accepted when it promises a higher ballot.
    PromiseForgetsValue = "promise-forgets-value" caught by "peering-converges",
    /// A proposer that withdraws counts the vote of its own acceptor without persisting it.
    WithdrawalNotWritten = "withdrawal-not-written" caught by "peering-symmetric",
    /// The control plane panics on an answer to a check that has ended.
    LateAnswerPanics = "late-answer-panics" caught by "panic",
    /// Tags are added and removed in memory only.
    TagsInMemory = "tags-in-memory" caught by "acknowledged-is-durable",
    /// A resource policy is put in memory only.
    PolicyInMemory = "policy-in-memory" caught by "acknowledged-is-durable",
    /// A stream is created in memory only.
    StreamInMemory = "stream-in-memory" caught by "acknowledged-is-durable",
    /// The effects of external events (idle clusters, connections, disabled keys) stay in memory only.
    ShiftInMemory = "shift-in-memory" caught by "storage-is-what-was-written",
    /// A control plane keeps in memory only what it promised to a proposer in another Region.
    PromiseInMemory = "promise-in-memory" caught by "storage-is-what-was-written",
    /// A control plane keeps in memory only what it accepted from a proposer in another Region.
    AcceptedValueInMemory = "accepted-value-in-memory" caught by "storage-is-what-was-written",
    /// A witness node keeps its promises in memory only.
    WitnessPromiseInMemory = "witness-promise-in-memory" caught by "storage-is-what-was-written",
    /// A witness node keeps the values that it accepted in memory only.
    WitnessValueInMemory = "witness-value-in-memory" caught by "storage-is-what-was-written",
    /// A connection makes a cluster ACTIVE whose key cannot be used.
    WokenWithoutKey = "woken-without-key" caught by "no-active-without-key",
    /// Work in progress leads to ACTIVE even where the key cannot be used.
    UnusableKeyForgotten = "unusable-key-forgotten" caught by "no-active-without-key",
    /// A new cluster's key counts as enabled, without a check whether it is.
    NewKeyNotTried = "new-key-not-tried" caught by "no-active-without-key",
    /// A control plane that starts does not notice that keys were disabled or enabled while it was down.
    KeysNotMetAtStart = "keys-not-met-at-start" caught by "no-active-without-key",
    /// TagResource answers without writing anything.
    TagNotWritten = "tag-not-written" caught by "acknowledged-is-durable",
    /// DeleteClusterPolicy answers without writing anything.
    PolicyRemovalNotWritten = "policy-removal-not-written" caught by "acknowledged-is-durable",
    /// DeleteStream answers without writing anything.
    StreamDeletionNotWritten = "stream-deletion-not-written" caught by "acknowledged-is-durable",
    /// An update leaves the metric groups as they were.
    MetricGroupsNotApplied = "metric-groups-not-applied" caught by "answers-say-what-was-written",
    /// An update leaves the KMS key as it was.
    KeyNotApplied = "key-not-applied" caught by "answers-say-what-was-written",
    /// A new cluster gets none of the requested tags.
    CreateForgetsTags = "create-forgets-tags" caught by "answers-say-what-was-written",
    /// UntagResource writes the tags that there were.
    UntagRemovesNothing = "untag-removes-nothing" caught by "answers-say-what-was-written",
    /// A request that joins a call in flight is added twice to its waiters.
    JoinerAnsweredTwice = "joiner-answered-twice" caught by "answers-say-what-was-written",
    /// GetCluster lists the peer alone, without the cluster itself.
    OwnArnOmitted = "own-arn-omitted" caught by "answers-say-what-was-written",
    /// PutClusterPolicy answers with the version of the policy before.
    OldPolicyVersionAnswered = "old-policy-version-answered" caught by "answers-say-what-was-written",
    /// UpdateCluster answers with the status that the cluster had before.
    UpdateAnswersOldStatus = "update-answers-old-status" caught by "answers-say-what-was-written",
    /// An update that does not mention deletion protection switches it off.
    UpdateLiftsProtection = "update-lifts-protection" caught by "changed-only-by-its-call",
    /// An update that names no KMS key goes back to a key that AWS owns.
    UpdateDropsKey = "update-drops-key" caught by "changed-only-by-its-call",
    /// TagResource replaces all tags instead of adding to them.
    TagsReplaced = "tags-replaced" caught by "changed-only-by-its-call",
    /// The policy version that a caller expects is not compared.
    PolicyVersionNotChecked = "policy-version-not-checked" caught by "changed-only-by-its-call",
    /// A restored cluster has no deletion protection.
    RestoredUnprotected = "restored-unprotected" caught by "changed-only-by-its-call",
    /// Removing a policy starts the count of its versions again.
    PolicyVersionStartsOver = "policy-version-starts-over" caught by "changed-only-by-its-call",
    /// A cluster loses its tags when its deletion begins.
    DeleteDropsTags = "delete-drops-tags" caught by "changed-only-by-its-call",
    /// An update stamps the cluster with a creation time of its own.
    CreationTimeRestamped = "creation-time-restamped" caught by "unchanging",
    /// DeleteStream stamps the stream with the time of the call.
    StreamRestamped = "stream-restamped" caught by "unchanging",
    /// A cluster loses its creation time when it is linked.
    LinkForgetsCreationTime = "link-forgets-creation-time" caught by "unchanging",
    /// GetCluster shows every cluster as protected.
    ProtectionShownOn = "protection-shown-on" caught by "acknowledged-is-visible",
    /// ListTagsForResource lists the tags of the account's first cluster.
    TagsOfFirstListed = "tags-of-first-listed" caught by "acknowledged-is-visible",
    /// GetClusterPolicy shows the policy that was in force before.
    OldPolicyShown = "old-policy-shown" caught by "acknowledged-is-visible",
    /// GetStream shows the tags of the cluster.
    ClusterTagsShownOfStream = "cluster-tags-shown-of-stream" caught by "acknowledged-is-visible",
    /// GetCluster shows the declared peer only once the pair is linked.
    PeerShownWhenLinked = "peer-shown-when-linked" caught by "acknowledged-is-visible",
    /// GetCluster shows the metric groups of an ACTIVE cluster only.
    MetricGroupsShownWhenActive = "metric-groups-shown-when-active" caught by "acknowledged-is-visible",
    /// ListClusters leaves out clusters that are UPDATING.
    UpdatingNotListed = "updating-not-listed" caught by "list-complete",
    /// An update of a multi-Region cluster leads to ACTIVE, whether it is linked or not.
    UpdateLeadsToActive = "update-leads-to-active" caught by "linked-means-linked",
    /// A multi-Region cluster begins in CREATING, as a single-Region cluster does.
    PendingSetupSkipped = "pending-setup-skipped" caught by "linked-means-linked",
    /// A cluster that learns of its link is set to CREATING, and its record does not say that it is linked.
    LinkNotWritten = "link-not-written" caught by "linked-means-linked",
    /// A side that asked to leave its pair goes without waiting for the other.
    LeftAlone = "left-alone" caught by "linked-means-linked",
    /// A deletion clears the link in the cluster's own record, and then goes as one without a peer.
    OwnLinkCleared = "own-link-cleared" caught by "no-delete-alone",
    /// A pair counts as dissolved as soon as one side's request for deletion is chosen.
    DissolvedByOne = "dissolved-by-one" caught by "no-delete-alone",
    /// A deletion that waited for the link register goes on alone, although the pair is linked.
    DeletionIgnoresLink = "deletion-ignores-link" caught by "no-delete-alone",
    /// Deletion protection is checked for single-Region clusters only.
    PairUnprotected = "pair-unprotected" caught by "protected-not-deleted",
    /// Deletion protection counts only once a cluster is set up.
    SetUpUnprotected = "set-up-unprotected" caught by "protected-not-deleted",
    /// A deletion is written before deletion protection is checked, and not undone.
    RefusedDeleteWritten = "refused-delete-written" caught by "denied-changes-nothing",
    /// An update writes its settings before the other Regions have agreed to its peers.
    SettingsBeforeChecks = "settings-before-checks" caught by "denied-changes-nothing",
    /// An update that lost to the link is answered with a conflict, and its intent stays in the record.
    LostWithdrawalKept = "lost-withdrawal-kept" caught by "denied-changes-nothing",
    /// An abandoned update is answered with a failure, and its intent stays in the record, to be carried out later.
    GivenUpKept = "given-up-kept" caught by "denied-changes-nothing",
    /// An update whose deadline passes before the link register has decided is carried out as if it had won.
    UndecidedIsWon = "undecided-is-won" caught by "peering-symmetric",
    /// An acceptor that accepts a value does not raise its promise to that ballot.
    AcceptanceIsNoPromise = "acceptance-is-no-promise" caught by "peering-symmetric",
    /// A change counts as chosen only when all three acceptors have accepted it.
    ThreeOfThree = "three-of-three" caught by "peering-converges",
    /// A proposer sends to the acceptor of its peer's Region, and not to the witness.
    WitnessNotProposedTo = "witness-not-proposed-to" caught by "peering-converges",
    /// A cluster stops proposing to its link register after a few attempts.
    RetriesEnd = "retries-end" caught by "peering-converges",
    /// A linked cluster can be given another peer.
    LinkedPeerReplaced = "linked-peer-replaced" caught by "one-peer-at-most",
    /// A side that is leaving its pair can be given another peer before the pair has come apart.
    LeaverTakesAnother = "leaver-takes-another" caught by "one-peer-at-most",
    /// A withdrawal proposes the value of the register as it is.
    WithdrawalIsVoid = "withdrawal-is-void" caught by "peering-symmetric",
    /// The witness of a linked pair can be changed on one side.
    LinkedWitnessChanged = "linked-witness-changed" caught by "peers-share-witness",
    /// An update that lost to the link is refused, and the witness that it asked for is written with the link.
    LostWitnessKept = "lost-witness-kept" caught by "peers-share-witness",
    /// A peer's Region is not compared with the witness Region.
    PeerInWitnessRegion = "peer-in-witness-region" caught by "witness-outside-own-region",
    /// A new witness Region is not compared with that of a peer that the update does not name.
    KeptPeerNotPlaced = "kept-peer-not-placed" caught by "witness-outside-own-region",
    /// The quota is exceeded by one before a create is refused.
    QuotaOffByOne = "quota-off-by-one" caught by "quota-respected",
    /// Clusters that are being deleted do not count towards the quota.
    QuotaForgetsDeleting = "quota-forgets-deleting" caught by "quota-respected",
    /// A restored cluster is not compared with the quota.
    RestoreIgnoresQuota = "restore-ignores-quota" caught by "quota-respected",
    /// A raised quota counts for both kinds of clusters.
    QuotaRaisedForBothKinds = "quota-raised-for-both-kinds" caught by "quota-respected",
    /// A cluster's identifier is made of the client token of its create.
    IdentifierFromToken = "identifier-from-token" caught by "identifiers-unique",
    /// A new stream gets the identifier of the stream created before it.
    StreamNameReused = "stream-name-reused" caught by "identifiers-unique",
    /// A page token names the first cluster that was not listed, and the next page begins behind it.
    PageNamesNext = "page-names-next" caught by "list-complete",
    /// A listing leaves out clusters in PENDING_DELETE.
    DeletedNotListed = "deleted-not-listed" caught by "list-complete",
    /// A cluster in CREATING can be deleted.
    CreatingDeleted = "creating-deleted" caught by "legal-transition",
    /// A cluster in PENDING_DELETE can be updated.
    PendingDeleteUpdated = "pending-delete-updated" caught by "legal-transition",
    /// An update that finds its cluster moved on is not answered.
    OvertakenNotAnswered = "overtaken-not-answered" caught by "nothing-stuck",
    /// A replayed creation has the present as its creation time.
    ReplayRestamped = "replay-restamped" caught by "retry-same-result",
    /// A replayed creation leaves the multi-Region properties out.
    ReplayWithoutProperties = "replay-without-properties" caught by "retry-same-result",
    /// A token counts for half of its window.
    TokenWindowHalved = "token-window-halved" caught by "one-effect-per-token",
    /// A new cluster's token is written after the cluster, in a batch of its own.
    TokenInItsOwnBatch = "token-in-its-own-batch" caught by "one-effect-per-token",
    /// CreateStream does not look its token up.
    StreamTokenNotLookedUp = "stream-token-not-looked-up" caught by "one-effect-per-token",
    /// A token counts as long as it is remembered, however old it is.
    TokenNeverExpires = "token-never-expires" caught by "retry-never-worse",
    /// A token's recorded answer is given to whatever request has the token.
    TokenMismatchNotDetected = "token-mismatch-not-detected" caught by "retry-never-worse",
    /// DeleteCluster looks its cluster up before its token.
    DeletionLooksForClusterFirst = "deletion-looks-for-cluster-first" caught by "retry-never-worse",
    /// The single-Region quota is compared with the number of clusters ever created.
    QuotaNeverReleased = "quota-never-released" caught by "every-refusal-has-a-cause",
    /// A control plane that starts does not learn of raised quotas.
    RaisedQuotaForgottenInCrash = "raised-quota-forgotten-in-crash" caught by "every-refusal-has-a-cause",
    /// A cluster's own ARN is ignored only as the first of a list.
    OwnArnOnlyFirst = "own-arn-only-first" caught by "every-refusal-has-a-cause",
    /// An update that another Region refused leaves its cluster busy.
    BusyAfterRefusal = "busy-after-refusal" caught by "every-refusal-has-a-cause",
    /// Clusters in IDLE are not found.
    IdleNotFound = "idle-not-found" caught by "every-refusal-has-a-cause",
    /// Tokens are compared without regard to case.
    TokenOfAnyCase = "token-of-any-case" caught by "every-refusal-has-a-cause",
    /// A session does not have the policies of its role.
    SessionWithoutPolicies = "session-without-policies" caught by "every-refusal-has-a-cause",
    /// An explicit deny counts as an allow in the cluster's own Region.
    ExplicitDenyIgnored = "explicit-deny-ignored" caught by "authorized-in-every-region",
    /// Permissions boundaries do not count in the cluster's own Region.
    BoundaryIgnored = "boundary-ignored" caught by "authorized-in-every-region",
    /// Tags at creation do not take dsql:TagResource.
    TagResourceNotAsked = "tag-resource-not-asked" caught by "authorized-in-every-region",
    /// CreateStream with tags does not check dsql:TagResource.
    StreamTagsNotAsked = "stream-tags-not-asked" caught by "authorized-in-every-region",
    /// Multi-Region properties do not take dsql:PutMultiRegionProperties.
    PropertiesNotAsked = "properties-not-asked" caught by "authorized-in-every-region",
    /// The Region of a peer that is left out does not check dsql:RemovePeerCluster.
    RemovePeerNotAsked = "remove-peer-not-asked" caught by "authorized-in-every-region",
    /// UpdateCluster does not take dsql:GetCluster.
    GetClusterNotAsked = "get-cluster-not-asked" caught by "authorized-in-every-region",
    /// Operations that only read need no permission.
    ReadsNotAsked = "reads-not-asked" caught by "authorized-in-every-region",
    /// GetCluster shows every KMS key as in use.
    EncryptionShownEnabled = "encryption-shown-enabled" caught by "answers-say-what-was-written",
    /// A call fails when another Region has not answered the first attempt of a check.
    AskedOnce = "asked-once" caught by "every-refusal-has-a-cause",
    /// A denial of the witness Region is reported as one of the cluster's own Region.
    DenialNamesOwnRegion = "denial-names-own-region" caught by "every-refusal-has-a-cause",
    /// A cluster that changes to a key owned by AWS keeps the encryption status of its own key.
    GivenUpKeyCounts = "given-up-key-counts" caught by "no-active-without-key",
    /// A deferred call that a restarted control plane resumes waits for the link register without a deadline.
    ResumedWithoutDeadline = "resumed-without-deadline" caught by "nothing-stuck",
    /// The policy lockout safety check lets every well-formed policy pass.
    LockoutNotChecked = "lockout-not-checked" caught by "no-success-against-a-cause",
    /// A peer that is linked with another cluster is taken as if it were free.
    TakenPeerDeclared = "taken-peer-declared" caught by "no-success-against-a-cause",
    /// A cluster that sleeps gets a stream as if it were ACTIVE.
    AsleepGetsStream = "asleep-gets-stream" caught by "no-success-against-a-cause",
    /// A second deletion answers DELETING, whatever the cluster waits for.
    SecondDeletionAnswersDeleting = "second-deletion-answers-deleting" caught by "answers-say-what-was-written",
    /// A new stream gets the creation time of its cluster.
    StreamBornWithCluster = "stream-born-with-cluster" caught by "answers-say-what-was-written",
    /// Whichever quota of clusters is reached, the error has the code of the single-Region one.
    QuotaCodeOfSingleRegion = "quota-code-of-single-region" caught by "every-refusal-has-a-cause",
    /// An update that is given up names the peer's Region alone, and the witness was silent too.
    SilentWitnessNotNamed = "silent-witness-not-named" caught by "every-refusal-has-a-cause",
    /// UntagResource compares the keys of tags without regard to case.
    UntagOfAnyCase = "untag-of-any-case" caught by "changed-only-by-its-call",
    /// DeleteStream of a stream in DELETED brings it back to DELETING.
    DeletedStreamDeletedAgain = "deleted-stream-deleted-again" caught by "legal-transition",
    /// A connection wakes a cluster in IDLE, and none in INACTIVE.
    InactiveNotWoken = "inactive-not-woken" caught by "legal-transition",
    /// The limit of tags is compared with the present and the given tags, and equal keys count twice.
    EqualTagsCountTwice = "equal-tags-count-twice" caught by "every-refusal-has-a-cause",
    /// A creation in flight counts towards the quota once for each attempt that waits for it.
    AttemptsCountTowardsQuota = "attempts-count-towards-quota" caught by "every-refusal-has-a-cause",
    /// A pair that comes apart leaves the declaration of one side in the register.
    PartedPairStaysDeclared = "parted-pair-stays-declared" caught by "peering-symmetric",
    /// A negated condition operator does not match where its key is absent.
    NegationNeedsKey = "negation-needs-key" caught by "authorized-in-every-region",
    /// A condition operator with the suffix IfExists does not match where its key is absent.
    IfExistsIgnored = "if-exists-ignored" caught by "authorized-in-every-region",
    /// ForAllValues does not match where its key is absent.
    ForAllNeedsValue = "for-all-needs-value" caught by "authorized-in-every-region",
    /// StringLike and StringNotLike compare wildcards as plain characters.
    LikeWithoutWildcards = "like-without-wildcards" caught by "authorized-in-every-region",
    /// Policy variables are plain text, whatever the version of the document.
    VariablesArePlain = "variables-are-plain" caught by "every-refusal-has-a-cause",
    /// An Allow to an account in a resource policy grants by itself, instead of delegating to the account's policies.
    AccountGrants = "account-grants" caught by "authorized-in-every-region",
    /// The Region of a peer that is left out does not look at the peer's resource policy.
    LeftPeerPolicyIgnored = "left-peer-policy-ignored" caught by "authorized-in-every-region",
    /// A page token of one cluster's streams is good for those of every other cluster.
    PageOfAnyCluster = "page-of-any-cluster" caught by "no-success-against-a-cause",
    /// A page token is refused once the cluster that it names is gone.
    PageNeedsItsLast = "page-needs-its-last" caught by "every-refusal-has-a-cause",
    /// A page of clusters holds one more than `maxResults`.
    PageOneTooLong = "page-one-too-long" caught by "list-complete",
    /// A full page has a token also where it is the last.
    FullPageIsContinued = "full-page-is-continued" caught by "list-complete",
    /// CreateStream does not validate its tags.
    StreamTagsNotValidated = "stream-tags-not-validated" caught by "no-success-against-a-cause",
    /// The Region and the account of a stream's target are not compared with those of the cluster.
    TargetElsewhereAccepted = "target-elsewhere-accepted" caught by "no-success-against-a-cause",
    /// The streams of a cluster stay as they are when its key can no longer be used.
    LostKeyLeavesStreams = "lost-key-leaves-streams" caught by "stream-health",
    /// A stream whose cluster has lost its key says INTERNAL_ERROR.
    LostKeyNotNamed = "lost-key-not-named" caught by "stream-health",
    /// A stream that recovers keeps its statusReason.
    RecoveryKeepsReason = "recovery-keeps-reason" caught by "stream-health",
    /// A FAILED stream becomes ACTIVE when the key of its cluster can be used again.
    FailedStreamHeals = "failed-stream-heals" caught by "legal-transition",
    /// A control plane that starts does not notice that targets of streams were broken or repaired meanwhile.
    TargetsNotMetAtStart = "targets-not-met-at-start" caught by "stream-health",
    /// A stream whose role cannot be assumed says that the role may not write.
    RoleDenialNotNamed = "role-denial-not-named" caught by "stream-health",
    /// CreateStream does not try whether the role can be assumed.
    RoleNotTried = "role-not-tried" caught by "no-success-against-a-cause",
    /// GetStream shows the ARN of the cluster.
    StreamHasClusterArn = "stream-has-cluster-arn" caught by "answers-say-what-was-written",
    /// Each cluster has a PrivateLink service of its own.
    ServiceOfEachCluster = "service-of-each-cluster" caught by "answers-say-what-was-written",
    /// A policy that comes with CreateCluster is not checked for public access.
    PublicPolicyAtCreation = "public-policy-at-creation" caught by "no-success-against-a-cause",
    /// A policy that names a trusted condition key is not public, whatever the operator and the values.
    TrustedKeySuffices = "trusted-key-suffices" caught by "no-success-against-a-cause",
    /// A principal `*` counts as public access, and one in a list does not.
    StarInListOverlooked = "star-in-list-overlooked" caught by "no-success-against-a-cause",
    /// TagResource compares the tags of one call with the limit, without those that the resource has.
    TagsOfOneCallCounted = "tags-of-one-call-counted" caught by "no-success-against-a-cause",
    /// TagResource sets keys with the reserved prefix.
    ReservedKeySet = "reserved-key-set" caught by "no-success-against-a-cause",
    /// The calls to AWS KMS have no encryption context.
    EncryptionContextLeftOut = "encryption-context-left-out" caught by "every-refusal-has-a-cause",
    /// A key that AWS owns is shown as one of the cluster's account.
    OwnedKeyInOwnAccount = "owned-key-in-own-account" caught by "answers-say-what-was-written",
    /// A key is recorded and shown by the id or the alias that it was named by.
    KeyShownAsNamed = "key-shown-as-named" caught by "answers-say-what-was-written",
    /// The Region of a KMS key is not compared with that of the cluster.
    KeyOfAnyRegion = "key-of-any-region" caught by "no-success-against-a-cause",
    /// A key that is disabled is taken as if it were enabled.
    DisabledKeyTaken = "disabled-key-taken" caught by "no-success-against-a-cause",
    /// A key of another account is used without looking for a key policy that allows it.
    KeyOfAnyAccount = "key-of-any-account" caught by "authorized-in-every-region",
    /// What a key policy leaves out is allowed if the caller's own policies allow it.
    KeyPolicyGrantsOnly = "key-policy-grants-only" caught by "authorized-in-every-region",
    /// The event that disables or enables one key changes the clusters with another one, too.
    OneKeyStandsForAll = "one-key-stands-for-all" caught by "legal-transition",
    /// Service control policies do not count.
    ControlIgnored = "control-ignored" caught by "authorized-in-every-region",
    /// A service control policy of one level allows for all levels.
    OneLevelSuffices = "one-level-suffices" caught by "authorized-in-every-region",
    /// A session policy grants, like a policy of the role.
    SessionPolicyGrants = "session-policy-grants" caught by "authorized-in-every-region",
    /// The tags of a principal are those of another one.
    TagsOfAnotherPrincipal = "tags-of-another-principal" caught by "every-refusal-has-a-cause",
    /// Conditions about the time see the beginning of the simulation.
    TimeStandsStill = "time-stands-still" caught by "every-refusal-has-a-cause",
    /// A request through a VPC endpoint counts as one from the internet.
    EndpointNotSeen = "endpoint-not-seen" caught by "every-refusal-has-a-cause",
    /// A negated operator is true as soon as one of several values differs.
    NegatesAny = "negates-any" caught by "every-refusal-has-a-cause",
    /// "Less than or equal" and "greater than or equal" are false for equal numbers and dates.
    OrEqualIgnored = "or-equal-ignored" caught by "every-refusal-has-a-cause",
    /// The version of a policy is a hash of its text, so that a policy that is put again has its old version.
    PolicyVersionOfText = "policy-version-of-text" caught by "changed-only-by-its-call",
    /// An InternalServerException does not say when to try again.
    RetryAfterMissing = "retry-after-missing" caught by "every-refusal-has-a-cause",
}

impl Mutant {
    /// The mutants that a search catches and no scenario of the repository does: each shows only under several faults
    /// together.
    pub const SEARCHED: [Mutant; 8] = [
        Mutant::LowerBallotAccepted,
        Mutant::OwnValueIgnored,
        Mutant::LastAnswerAdopted,
        Mutant::LastRoundValueKept,
        Mutant::FirstBallotKept,
        Mutant::PromiseForgetsValue,
        Mutant::WithdrawalNotWritten,
        Mutant::AcceptanceIsNoPromise,
    ];

    /// The mutant with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Mutant> {
        Self::ALL.iter().copied().find(|mutant| mutant.name() == name)
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_parses_back_and_fits_the_set() {
        for mutant in Mutant::ALL.iter().copied() {
            assert_eq!(Mutant::parse(mutant.name()), Some(mutant));
            assert_eq!(Mutants::NONE.with(mutant).iter().collect::<Vec<_>>(), [mutant]);
        }
    }
}
