//! The refusals of `control/errors.rs`, by the function that makes each.

use super::source::{
    ALCHEMY, AUTHORIZATION, BACKUP, ENCRYPTION, FAILED_STACK, INSIDE, KMS_NAMES, KMS_STATES, LIFECYCLE,
    MODEL, MOTO, MULTI_REGION, OTHER_SERVICES, POLICIES, PUBLIC_ACCESS, QUOTAS, REGIONS, RESILIENCY, SAMPLES,
    SMITHY, STREAMS, Source, TAG_EDITOR, TERRAFORM, TERRAFORM_REVIEW,
};
use super::{ServiceRule, assumed, documented, inferred, observed, rule};

/// A refusal.
#[derive(Clone, Copy, Debug)]
pub struct RefusalRule {
    /// The function in `control/errors.rs`.
    pub function: &'static str,
    /// A part of the message, which the traces of the scenarios have.
    pub message: &'static str,
    /// What is refused, and how.
    pub rule: ServiceRule,
}

const fn refusal(function: &'static str, message: &'static str, rule: ServiceRule) -> RefusalRule {
    RefusalRule { function, message, rule }
}

/// Every refusal. The causes of `properties` are those of `multiRegionProperties`.
pub const REFUSALS: &[RefusalRule] = &[
    refusal(
        "wrong_state",
        "state. To proceed, ",
        rule(
            "ConflictException for a call that the status does not allow (switch `wrong_state`). Observed for \
             DeleteCluster in CREATING; the text is this project's.",
            observed(&[ALCHEMY], &["mistakes/the_cluster_is_in_creating_state"]),
        ),
    ),
    refusal(
        "empty_update",
        "names nothing to change",
        rule(
            "ValidationException for an UpdateCluster that names nothing to change, with the switch \
             `empty_update_refused`.",
            assumed(&[MODEL], &["assumptions/an_update_of_nothing_may_be_refused"]),
        ),
    ),
    refusal(
        "busy",
        "Another operation on cluster",
        rule(
            "ConflictException while another call about the cluster waits for other Regions.",
            assumed(&[MODEL, ALCHEMY], &["peering/two_updates_of_one_cluster_cannot_name_two_peers"]),
        ),
    ),
    refusal(
        "lost_to_link",
        "by now. To proceed",
        rule(
            "ConflictException for a withdrawal that the peer's declaration has overtaken.",
            assumed(&[MODEL], &["peering/a_withdrawal_that_comes_too_late_is_refused"]),
        ),
    ),
    refusal(
        "protected",
        "Can't delete cluster: Deletion protection is enabled.",
        rule(
            "ValidationException, reason deletionProtectionEnabled, with this text and HTTP 400.",
            observed(&[FAILED_STACK, MODEL], &["delete/deletion_protection_is_on_by_default"]),
        ),
    ),
    refusal(
        "no_such_cluster",
        "doesn't exist. Verify the ARN and try again.",
        rule(
            "ResourceNotFoundException for a well-formed identifier of no cluster; the text is that of a mock in the \
             service's style.",
            inferred(&[MODEL, SMITHY, MOTO], &["mistakes/the_cluster_does_not_exist_in_this_region"]),
        ),
    ),
    refusal(
        "quota",
        "You have reached the cluster limit.",
        rule(
            "ServiceQuotaExceededException, HTTP 402, with this text and the code of the quota.",
            documented(&[QUOTAS, MODEL], &["limits/the_twenty_first_single_region_cluster_is_refused"]),
        ),
    ),
    refusal(
        "token_mismatch",
        "already made with this client token and different parameters",
        rule(
            "ConflictException for a token that returns with other parameters (switch `token_mismatch`).",
            assumed(&[OTHER_SERVICES, MOTO], &["retry/a_token_with_other_parameters_is_a_conflict"]),
        ),
    ),
    refusal(
        "unreachable",
        "The request could not be completed: no answer from",
        rule(
            "InternalServerException, nothing done, when another Region does not answer in time (switch \
             `remote_deadline`).",
            assumed(
                &[MODEL, RESILIENCY],
                &["network/an_update_whose_peer_cannot_be_reached_changes_nothing"],
            ),
        ),
    ),
    refusal(
        "undecided",
        "nothing was changed: no agreement in time",
        rule(
            "InternalServerException, nothing changed, when no majority decides about an update in time.",
            assumed(&[MODEL, RESILIENCY], &["peering/a_withdrawal_that_failed_is_not_carried_out_later"]),
        ),
    ),
    refusal(
        "properties",
        "No witness Region is given",
        rule(
            "ValidationException for multiRegionProperties without a witness: every published example repeats it.",
            assumed(&[MULTI_REGION, SAMPLES], &["limits/multi_region_properties_need_a_witness"]),
        ),
    ),
    refusal(
        "properties",
        "is the cluster's own Region",
        rule(
            "ValidationException for a witness in the cluster's own Region. The rule is documented; the exception is \
             not.",
            documented(
                &[Source::Api("CreateCluster"), Source::Api("UpdateCluster")],
                &["mistakes/the_witness_region_is_the_clusters_own_region"],
            ),
        ),
    ),
    refusal(
        "properties",
        "is not in the Region set of",
        rule(
            "ValidationException for a witness of another Region set. The rule is documented; the exception is not.",
            documented(&[REGIONS, BACKUP], &["mistakes/the_witness_region_is_not_in_the_region_set"]),
        ),
    ),
    refusal(
        "properties",
        "can't be a witness Region",
        rule(
            "ValidationException for a witness that is no Region of the service.",
            inferred(&[REGIONS], &["mistakes/the_witness_region_is_not_in_the_region_set"]),
        ),
    ),
    refusal(
        "properties",
        "A multi-Region cluster has one peer",
        rule(
            "ValidationException for more than one peer (switch `several_peers`).",
            assumed(&[MULTI_REGION, INSIDE], &["limits/a_cluster_has_one_peer"]),
        ),
    ),
    refusal(
        "properties",
        "belongs to another account",
        rule(
            "AccessDeniedException for a peer of another account (switch `peer_of_other_account`).",
            assumed(
                &[POLICIES, Source::Api("UpdateCluster")],
                &["limits/a_peer_of_another_account_is_denied"],
            ),
        ),
    ),
    refusal(
        "properties",
        "is not in a Region of the same Region set",
        rule(
            "ValidationException for a peer in the own Region, in the witness Region or outside of the Region set \
             (switch `peer_in_wrong_region`).",
            assumed(&[REGIONS, BACKUP], &["limits/a_peer_lives_in_another_region_of_the_set"]),
        ),
    ),
    refusal(
        "properties",
        "is a single-Region cluster",
        rule(
            "ValidationException for a single-Region peer (switch `single_region_peer_refused`).",
            assumed(&[TERRAFORM, LIFECYCLE], &["mistakes/the_peer_cluster_is_a_single_region_cluster"]),
        ),
    ),
    refusal(
        "properties",
        "has the witness Region",
        rule(
            "ValidationException for a peer with another witness (switch `witness_mismatch_refused`). That both share \
             one witness is documented.",
            assumed(&[MULTI_REGION], &["mistakes/the_peer_cluster_has_another_witness_region"]),
        ),
    ),
    refusal(
        "properties",
        "A single-Region cluster can't become a multi-Region cluster",
        rule(
            "ValidationException for multiRegionProperties on a single-Region cluster (switch \
             `single_to_multi_region`).",
            assumed(&[TERRAFORM], &["update/a_single_region_cluster_stays_one"]),
        ),
    ),
    refusal(
        "properties",
        "The witness Region of a peered cluster is",
        rule(
            "ValidationException for another witness of a linked cluster (switch `witness_change_when_linked`).",
            assumed(
                &[Source::Api("UpdateCluster"), TERRAFORM_REVIEW],
                &["peering/a_linked_pair_refuses_another_witness"],
            ),
        ),
    ),
    refusal(
        "properties",
        "The cluster is peered with",
        rule(
            "ValidationException for a list without the peer of a linked cluster (switch `unpeer_active`).",
            assumed(
                &[TERRAFORM_REVIEW],
                &["mistakes/the_cluster_is_peered_with_a_cluster_that_the_list_leaves_out"],
            ),
        ),
    ),
    refusal(
        "properties",
        "The cluster is leaving its peer",
        rule(
            "ValidationException for a side that asked to leave its pair and names its peer again.",
            assumed(&[TERRAFORM_REVIEW], &["peering/a_side_that_is_leaving_cannot_stay"]),
        ),
    ),
    refusal(
        "properties",
        "is peered with another cluster",
        rule(
            "ConflictException for a peer that is linked with another cluster (switch `peer_taken`).",
            assumed(&[MULTI_REGION], &["limits/a_linked_cluster_takes_no_other_peer"]),
        ),
    ),
    refusal(
        "missing_peer",
        "doesn't exist. To proceed, verify the ARN",
        rule(
            "ValidationException for a peer that does not exist (switch `missing_peer`): CreateCluster has no \
             ResourceNotFoundException.",
            assumed(&[MODEL], &["limits/a_peer_is_an_existing_multi_region_cluster"]),
        ),
    ),
    refusal(
        "key",
        "Can't create cluster: KMS key",
        rule(
            "ValidationException for a KMS key of another Region, a disabled one (switch `disabled_key_refused`), and \
             one that does not exist (switch `keys_must_exist`): CreateCluster has no ResourceNotFoundException.",
            inferred(
                &[MODEL, ENCRYPTION, KMS_NAMES, KMS_STATES],
                &[
                    "encryption/a_key_lives_in_the_region_of_its_cluster",
                    "encryption/a_disabled_key_encrypts_no_cluster",
                ],
            ),
        ),
    ),
    refusal(
        "tag_limit",
        "You have reached the tag limit.",
        rule(
            "ServiceQuotaExceededException for a resource that would have more than 50 tags. The limit is documented; \
             of the exceptions of the model this one is for limits.",
            inferred(&[TAG_EDITOR, MODEL], &["tags/more_than_fifty_tags_are_refused"]),
        ),
    ),
    refusal(
        "no_policy",
        "has no resource policy",
        rule(
            "ResourceNotFoundException from GetClusterPolicy for a cluster without a policy; the text is this \
             project's.",
            observed(&[TERRAFORM, ALCHEMY], &["policies/a_policy_has_versions"]),
        ),
    ),
    refusal(
        "malformed_policy",
        "Can't put cluster policy: The policy is malformed",
        rule(
            "ValidationException for a text that is no policy.",
            assumed(&[POLICIES, MODEL], &["policies/a_policy_that_locks_its_caller_out_is_refused"]),
        ),
    ),
    refusal(
        "foreign_action",
        "is no action of Aurora DSQL",
        rule(
            "ValidationException for a policy with an action of another service (switch `foreign_actions`).",
            assumed(&[POLICIES], &["policies/an_action_of_another_service_is_refused"]),
        ),
    ),
    refusal(
        "public_policy",
        "grants public access",
        rule(
            "ValidationException for a policy that grants public access. The check is documented; the exception is not \
             (switch `public_policy_denied`).",
            documented(&[PUBLIC_ACCESS], &["policies/a_public_policy_is_blocked"]),
        ),
    ),
    refusal(
        "lockout",
        "would keep its caller from changing it again",
        rule(
            "ValidationException for a policy that locks its caller out. The check is documented; the exception is \
             not.",
            documented(
                &[Source::Api("PutClusterPolicy"), ALCHEMY, AUTHORIZATION],
                &["policies/a_policy_that_locks_its_caller_out_is_refused"],
            ),
        ),
    ),
    refusal(
        "policy_moved_on",
        "Can't change cluster policy: Cluster",
        rule(
            "ConflictException for another expectedPolicyVersion than that of the policy.",
            observed(
                &[ALCHEMY, Source::Api("PutClusterPolicy")],
                &["policies/a_policy_that_was_changed_meanwhile_is_a_conflict"],
            ),
        ),
    ),
    refusal(
        "asleep",
        "connect to the cluster and try again when it is ACTIVE",
        rule(
            "ValidationException for a stream of a cluster that is IDLE; INACTIVE is taken to be the same.",
            observed(&[ALCHEMY], &["idle/an_idle_cluster_is_no_failure_but_a_waiter_waits_in_vain"]),
        ),
    ),
    refusal(
        "role_inaccessible",
        "Aurora DSQL can't access the specified IAM role",
        rule(
            "ValidationException, with this beginning, for a stream whose role cannot be assumed.",
            observed(&[ALCHEMY], &["streams/a_role_that_cannot_be_assumed_is_refused"]),
        ),
    ),
    refusal(
        "target_elsewhere",
        "can't deliver to this target",
        rule(
            "ValidationException for a target outside the Region or the account (switch `stream_target_elsewhere`).",
            assumed(&[STREAMS], &["streams/a_stream_delivers_within_its_region_and_account"]),
        ),
    ),
    refusal(
        "has_streams",
        "has streams. To proceed",
        rule(
            "ConflictException for the deletion of a cluster with streams (switch `streams_keep_cluster`).",
            assumed(&[ALCHEMY], &["streams/a_stream_lives_and_goes"]),
        ),
    ),
    refusal(
        "stream_limit",
        "You have reached the stream limit.",
        rule(
            "ServiceQuotaExceededException, with this text, for the sixth stream of a cluster.",
            documented(&[QUOTAS, STREAMS], &["streams/a_cluster_has_five_streams_at_most"]),
        ),
    ),
    refusal(
        "no_such_stream",
        "/stream/",
        rule(
            "ResourceNotFoundException for a stream that does not exist.",
            inferred(&[MODEL, MOTO], &["streams/a_stream_lives_and_goes"]),
        ),
    ),
    refusal(
        "stream_in_creation",
        "Can't delete stream: Stream",
        rule(
            "ConflictException for the deletion of a stream in CREATING.",
            observed(&[ALCHEMY], &["streams/a_stream_lives_and_goes"]),
        ),
    ),
];
