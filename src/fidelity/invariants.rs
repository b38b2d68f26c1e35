//! The invariants that state behaviour of the service.

use super::source::{
    AUTHORIZATION, ENCRYPTION, INSIDE, LIFECYCLE, MODEL, MULTI_REGION, QUOTAS, RESILIENCY, SAMPLES,
    SINGLE_REGION, SMITHY, STREAM_HEALTH, STREAM_ROLES, Source, TERRAFORM_REVIEW,
};
use super::{Evidence, documented, inferred, observed};
use crate::check::Invariant;

/// The evidence for each invariant but `storage-is-what-was-written`, which compares storage with the simulator's own
/// writes.
pub const INVARIANTS: &[(Invariant, Evidence)] = &[
    (
        Invariant::WitnessOutsideOwnRegion,
        documented(&[Source::Api("CreateCluster")], &["create/any_third_region_can_be_the_witness"]),
    ),
    (Invariant::PeersShareWitness, documented(&[MULTI_REGION], &[PAIR])),
    (
        Invariant::RetrySameResult,
        documented(&[Source::Api("CreateCluster"), MODEL], &["retry/a_replay_says_what_was_said_first"]),
    ),
    (
        Invariant::OneEffectPerToken,
        documented(
            &[Source::Api("CreateCluster"), MODEL],
            &["retry/a_lost_response_and_a_retry_make_one_cluster"],
        ),
    ),
    (Invariant::PeeringSymmetric, documented(&[MULTI_REGION], &[PAIR])),
    (
        Invariant::PeeringConverges,
        inferred(&[MULTI_REGION, SAMPLES], &["network/a_third_of_all_messages_lost_still_makes_a_pair"]),
    ),
    (
        Invariant::OnePeerAtMost,
        inferred(&[MULTI_REGION, INSIDE], &["peering/two_clusters_race_for_one_peer_and_one_gets_it"]),
    ),
    (
        Invariant::LegalTransition,
        documented(&[LIFECYCLE, MULTI_REGION], &["delete/a_pair_is_deleted_from_both_sides"]),
    ),
    (
        Invariant::AcknowledgedIsDurable,
        inferred(&[RESILIENCY], &["crash/an_update_is_done_before_its_answer_leaves"]),
    ),
    (Invariant::AcknowledgedIsVisible, observed(&[SAMPLES], &["update/a_new_setting_counts_at_once"])),
    (Invariant::AnswersSayWhatWasWritten, documented(&[MODEL], &["create/three_steps_make_a_pair"])),
    (
        Invariant::ChangedOnlyByItsCall,
        documented(&[Source::Api("UpdateCluster")], &["update/a_key_is_changed_by_an_update"]),
    ),
    (
        Invariant::Unchanging,
        inferred(&[MODEL, TERRAFORM_REVIEW], &["clock/a_corrected_clock_leaves_creation_times_alone"]),
    ),
    (
        Invariant::ProtectedNotDeleted,
        documented(&[SINGLE_REGION, SMITHY], &["delete/deletion_protection_is_on_by_default"]),
    ),
    (
        Invariant::NoDeleteAlone,
        documented(&[MULTI_REGION, TERRAFORM_REVIEW], &["delete/a_pair_is_deleted_from_both_sides"]),
    ),
    (
        Invariant::LinkedMeansLinked,
        documented(&[MULTI_REGION, LIFECYCLE], &["create/a_one_sided_declaration_stays_in_pending_setup"]),
    ),
    (
        Invariant::DeniedChangesNothing,
        inferred(&[MODEL], &["network/an_update_whose_peer_cannot_be_reached_changes_nothing"]),
    ),
    (
        Invariant::AuthorizedInEveryRegion,
        documented(
            &[Source::Api("CreateCluster"), Source::Api("UpdateCluster"), AUTHORIZATION],
            &["permissions/a_pair_is_made_under_a_policy_of_exact_actions"],
        ),
    ),
    (
        Invariant::RetryNeverWorse,
        documented(
            &[Source::Api("CreateCluster"), MODEL],
            &["retry/a_token_with_other_parameters_is_a_conflict"],
        ),
    ),
    (Invariant::EveryRefusalHasACause, documented(&[MODEL], &["limits/every_bad_field_is_listed_in_order"])),
    (Invariant::NoSuccessAgainstACause, documented(&[MODEL], &[PAIR])),
    (
        Invariant::QuotaRespected,
        documented(&[QUOTAS], &["limits/concurrent_creates_do_not_slip_past_the_quota"]),
    ),
    (
        Invariant::IdentifiersUnique,
        inferred(&[MODEL], &["crash/a_crash_leaves_nothing_of_a_create_that_waits_for_the_witness"]),
    ),
    (Invariant::ListComplete, inferred(&[MODEL], &["limits/a_page_token_survives_a_create_and_a_delete"])),
    (
        Invariant::NoActiveWithoutKey,
        documented(&[ENCRYPTION], &["encryption/a_disabled_key_makes_a_cluster_idle"]),
    ),
    (
        Invariant::StreamHealth,
        documented(
            &[STREAM_HEALTH, STREAM_ROLES],
            &["streams/a_lost_key_impairs_a_stream_until_it_is_found"],
        ),
    ),
    (
        Invariant::NothingStuck,
        inferred(&[LIFECYCLE, MULTI_REGION], &["delete/a_crash_in_pending_delete_heals"]),
    ),
];

const PAIR: &str = "create/three_steps_make_a_pair";
