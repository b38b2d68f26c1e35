//! Behaviour that is neither an operation's contract nor a refusal: statuses, pairs, tokens, permissions, answers.

use super::source::{
    ALCHEMY, AUTHORIZATION, BACKUP, BILLING, CLOUDFORMATION, CONDITIONS, CUSTODIAN, DENIALS, ENCRYPTION,
    EVALUATION, INSIDE, KMS_CONDITIONS, KMS_NAMES, KMS_POLICIES, LIFECYCLE, MISSING_ROLE, MODEL, MOTO,
    MULTI_REGION, OTHER_SERVICES, POLICIES, PRIVATE_LINK, PUBLIC_ACCESS, QUOTAS, REGIONS, RELEASES,
    RESILIENCY, SAMPLES, SERVICE_ROLE, SINGLE_REGION, SMITHY, STREAM_HEALTH, STREAM_ROLES, STREAMS, Source,
    TAG_EDITOR, TEMPLATES, TERRAFORM, TERRAFORM_REVIEW,
};
use super::{ServiceRule, assumed, documented, inferred, observed, rule};

/// The rules by subject.
pub const BEHAVIOUR: &[(&str, &[ServiceRule])] = &[
    ("Statuses", STATUSES),
    ("Pairs and witness Regions", PAIRS),
    ("Deletion", DELETION),
    ("Client tokens", TOKENS),
    ("Quotas and pages", LIMITS),
    ("Permissions", PERMISSIONS),
    ("Resource policies and tags", ATTACHED),
    ("Streams", OF_STREAMS),
    ("Keys and idleness", ENVIRONMENT),
    ("Answers", ANSWERS),
];

const STATUSES: &[ServiceRule] = &[
    rule(
        "A single-Region cluster goes from CREATING to ACTIVE by itself.",
        documented(
            &[SINGLE_REGION, LIFECYCLE],
            &["create/a_single_region_cluster_has_no_multi_region_properties"],
        ),
    ),
    rule(
        "A creation may end in FAILED, very rarely.",
        documented(
            &[LIFECYCLE, TERRAFORM_REVIEW],
            &["assumptions/creation_may_end_in_failed", "create/one_creation_meets_an_error"],
        ),
    ),
    rule(
        "A multi-Region cluster without an agreed peer is in PENDING_SETUP, which a call ends and no time.",
        documented(
            &[MULTI_REGION, TERRAFORM_REVIEW],
            &["mistakes/the_cluster_stays_in_pending_setup_after_its_creation"],
        ),
    ),
    rule(
        "An update goes through UPDATING and back to the status that it came from; the new value can be read at once.",
        observed(&[SAMPLES, TERRAFORM], &["update/a_new_setting_counts_at_once"]),
    ),
    rule(
        "A cluster in PENDING_SETUP takes updates of its settings.",
        documented(&[TERRAFORM_REVIEW], &["mistakes/the_cluster_returns_to_pending_setup_and_not_to_active"]),
    ),
    rule(
        "A second update in UPDATING or CREATING is a conflict.",
        assumed(&[ALCHEMY], &["update/an_update_while_updating_is_a_conflict"]),
    ),
    rule(
        "Once linked, both clusters go to CREATING and to ACTIVE, each in its own time.",
        documented(&[MULTI_REGION, SAMPLES], &["create/three_steps_make_a_pair"]),
    ),
];

const PAIRS: &[ServiceRule] = &[
    rule(
        "A pair comes about when each cluster has named the other, in three steps or in four.",
        documented(
            &[MULTI_REGION, SAMPLES],
            &["create/three_steps_make_a_pair", "create/the_two_updates_come_in_either_order"],
        ),
    ),
    rule(
        "GetCluster lists the own ARN and the peer's as soon as the cluster has named its peer.",
        documented(&[MULTI_REGION], &["create/a_one_sided_declaration_stays_in_pending_setup"]),
    ),
    rule(
        "The own ARN in a request is accepted and ignored.",
        documented(&[TEMPLATES], &["create/one_template_serves_both_regions"]),
    ),
    rule(
        "The own ARN is listed first. The order of the list is not promised.",
        inferred(&[MULTI_REGION, SMITHY], &["create/the_own_arn_is_listed_first"]),
    ),
    rule(
        "Any third Region of the Region set can be the witness, and it holds no cluster.",
        documented(
            &[CONDITIONS, RESILIENCY, MULTI_REGION],
            &["create/any_third_region_can_be_the_witness", "create/european_regions_make_a_pair"],
        ),
    ),
    rule(
        "An update repeats the witness Region beside the list.",
        inferred(&[MULTI_REGION, SAMPLES], &["mistakes/no_witness_region_is_given"]),
    ),
    rule(
        "The witness can be changed in PENDING_SETUP.",
        inferred(&[Source::Api("UpdateCluster")], &["peering/the_witness_can_be_changed_before_peering"]),
    ),
    rule(
        "A list without the declared peer takes the declaration back.",
        inferred(
            &[Source::Api("UpdateCluster")],
            &["mistakes/the_cluster_stays_in_pending_setup_although_both_sides_were_updated"],
        ),
    ),
    rule(
        "The protocol by which two Regions agree is this project's. A majority of both Regions and the witness \
         decides, as it does about commits.",
        assumed(&[INSIDE, RESILIENCY], &["network/peers_cut_from_each_other_link_through_the_witness"]),
    ),
];

const DELETION: &[ServiceRule] = &[
    rule(
        "Deletion protection is on by default, on each cluster by itself.",
        documented(&[SMITHY, SINGLE_REGION, BACKUP], &["delete/deletion_protection_is_on_by_default"]),
    ),
    rule(
        "The first deleted cluster of a pair stays in PENDING_DELETE without limit; the other stays ACTIVE.",
        documented(&[MULTI_REGION, BILLING], &["delete/a_pair_is_deleted_from_both_sides"]),
    ),
    rule(
        "The last DeleteCluster answers PENDING_DELETE too; seconds later both are DELETING.",
        documented(&[MULTI_REGION], &["delete/a_pair_is_deleted_from_both_sides"]),
    ),
    rule(
        "A cluster without an agreed peer goes alone.",
        assumed(&[SAMPLES], &["delete/a_cluster_without_agreement_goes_alone"]),
    ),
    rule(
        "A cluster in UPDATING can be deleted (switch `delete_while_updating`).",
        observed(&[SAMPLES], &["delete/an_updating_cluster_can_be_deleted"]),
    ),
    rule(
        "A PENDING_DELETE cannot be cancelled: no call does it.",
        inferred(&[MODEL], &["delete/a_cluster_pending_deletion_takes_no_update"]),
    ),
    rule(
        "The end of a deletion is ResourceNotFoundException.",
        documented(&[SINGLE_REGION, MODEL], &["retry/a_waiter_for_the_end_takes_not_found_for_success"]),
    ),
];

const TOKENS: &[ServiceRule] = &[
    rule(
        "A retry with the token gets the original result and has no further effect.",
        documented(
            &[Source::Api("CreateCluster"), MODEL],
            &[
                "retry/a_lost_response_and_a_retry_make_one_cluster",
                "retry/updates_and_deletes_are_replayed_too",
            ],
        ),
    ),
    rule(
        "A failed call does not use its token up.",
        inferred(&[MODEL], &["retry/a_failed_call_does_not_use_up_its_token"]),
    ),
    rule(
        "A token counts within one account and one Region.",
        inferred(
            &[MODEL],
            &["retry/a_token_counts_within_one_account", "retry/a_token_counts_within_one_region"],
        ),
    ),
    rule(
        "A token is forgotten after eight hours (switch `token_window`).",
        assumed(&[OTHER_SERVICES], &["retry/a_token_is_forgotten_after_eight_hours"]),
    ),
    rule(
        "A retry of a create is answered after its cluster is gone.",
        assumed(&[MODEL], &["retry/a_replay_outlives_its_cluster"]),
    ),
    rule(
        "An SDK gives each call a token of its own and keeps it over its attempts.",
        observed(&[OTHER_SERVICES], &["retry/the_sdks_own_retry_makes_one_cluster"]),
    ),
];

const LIMITS: &[ServiceRule] = &[
    rule(
        "An account has at most 20 single-Region and 5 multi-Region clusters in a Region, unless its quota is raised.",
        documented(
            &[QUOTAS],
            &[
                "limits/the_twenty_first_single_region_cluster_is_refused",
                "limits/the_sixth_multi_region_cluster_is_refused",
                "limits/each_region_and_account_has_its_own_quota",
            ],
        ),
    ),
    rule(
        "AWS Backup restores into a new cluster, with deletion protection; it counts towards the quota.",
        inferred(&[BACKUP, QUOTAS], &["create/a_restored_cluster_appears_without_a_call"]),
    ),
    rule(
        "A quota is raised while clusters exist, and the new value counts from then on.",
        documented(&[QUOTAS], &["limits/a_quota_is_raised_while_clusters_exist"]),
    ),
    rule(
        "A cluster counts until it is gone (switch `quota_counts_deleting`), and not in its witness Region.",
        assumed(&[QUOTAS], &["limits/a_cluster_counts_until_it_is_gone"]),
    ),
    rule(
        "A page token continues the listing that it came from, and no other.",
        assumed(&[MODEL], &["limits/a_foreign_page_token_is_refused"]),
    ),
    rule(
        "A page token stays good while clusters come and go, and over a restart.",
        assumed(
            &[MODEL],
            &["limits/a_page_token_survives_a_create_and_a_delete", "limits/a_page_token_survives_a_restart"],
        ),
    ),
];

const PERMISSIONS: &[ServiceRule] = &[
    rule(
        "CreateCluster is checked on `cluster/*`.",
        documented(
            &[Source::Api("CreateCluster"), AUTHORIZATION],
            &["permissions/create_cluster_is_checked_on_all_clusters_and_not_on_one"],
        ),
    ),
    rule(
        "multiRegionProperties need dsql:PutMultiRegionProperties.",
        documented(
            &[Source::Api("CreateCluster"), Source::Api("UpdateCluster")],
            &["permissions/multi_region_properties_need_a_permission_of_their_own"],
        ),
    ),
    rule(
        "dsql:PutWitnessRegion is checked in the cluster's Region and in the witness Region.",
        documented(
            &[Source::Api("CreateCluster"), Source::Api("UpdateCluster")],
            &[
                "permissions/put_witness_region_is_needed_in_the_clusters_own_region_too",
                "permissions/put_witness_region_is_needed_in_the_witness_region_too",
            ],
        ),
    ),
    rule(
        "dsql:AddPeerCluster is checked here, and on each listed peer's exact ARN in its Region.",
        documented(
            &[Source::Api("CreateCluster"), Source::Api("UpdateCluster")],
            &[
                "permissions/a_peer_is_added_here_and_on_its_own_arn_there",
                "permissions/an_update_asks_the_witness_region_and_every_listed_peer",
            ],
        ),
    ),
    rule(
        "dsql:RemovePeerCluster is checked on the exact ARN of a peer that the list leaves out, in its Region.",
        documented(
            &[Source::Api("UpdateCluster")],
            &["permissions/a_peer_that_is_left_out_is_removed_on_its_own_arn_there"],
        ),
    ),
    rule(
        "UpdateCluster needs dsql:GetCluster too.",
        documented(&[Source::Api("UpdateCluster")], &["permissions/update_cluster_needs_get_cluster_too"]),
    ),
    rule(
        "DeleteCluster needs its own permission alone.",
        documented(
            &[Source::Api("DeleteCluster")],
            &["permissions/delete_cluster_needs_no_other_permission"],
        ),
    ),
    rule(
        "Tags at creation need dsql:TagResource, a policy at creation dsql:PutClusterPolicy.",
        documented(
            &[Source::Api("CreateCluster"), AUTHORIZATION],
            &[
                "permissions/tags_at_creation_need_tag_resource",
                "permissions/a_policy_at_creation_needs_put_cluster_policy",
            ],
        ),
    ),
    rule(
        "A customer managed key is used through the caller.",
        documented(&[ENCRYPTION], &["permissions/a_customer_managed_key_is_used_through_the_caller"]),
    ),
    rule(
        "The encryption context of each call to AWS KMS is the cluster's identifier; DescribeKey takes none.",
        documented(
            &[ENCRYPTION, KMS_CONDITIONS],
            &["permissions/a_managed_policy_of_aws_makes_a_cluster_with_a_customer_key"],
        ),
    ),
    rule(
        "AWS KMS checks the ARN of the key, whatever the call names it by; DescribeKey alone has kms:RequestAlias.",
        inferred(
            &[ENCRYPTION, KMS_CONDITIONS],
            &["permissions/a_policy_can_allow_keys_by_alias_caller_and_cluster"],
        ),
    ),
    rule(
        "An IAM policy allows the use of a key only where the key policy leaves the decision to the account.",
        documented(&[KMS_POLICIES], &["permissions/a_key_policy_has_the_first_word_about_its_key"]),
    ),
    rule(
        "A key of another account needs a key policy that allows the caller, and an IAM policy.",
        inferred(&[KMS_POLICIES], &["permissions/a_key_of_another_account_needs_its_key_policy"]),
    ),
    rule(
        "CreateStream needs iam:PassRole, and kms:Decrypt for an encrypted cluster.",
        documented(
            &[Source::Api("CreateStream")],
            &["permissions/a_stream_needs_its_role_passed_and_its_key_decrypted"],
        ),
    ),
    rule(
        "CreateStream with tags needs dsql:TagResource on the streams of the cluster.",
        documented(&[AUTHORIZATION], &["permissions/the_tags_of_a_new_stream_take_tag_resource"]),
    ),
    rule(
        "Every other call needs the action of its name.",
        documented(
            &[AUTHORIZATION],
            &["permissions/other_calls_need_the_action_of_their_name_on_what_they_name"],
        ),
    ),
    rule(
        "dsql:WitnessRegion goes with CreateCluster and PutWitnessRegion alone.",
        documented(
            &[CONDITIONS],
            &["permissions/a_witness_condition_on_an_action_without_the_key_never_matches"],
        ),
    ),
    rule(
        "The handler of AWS CloudFormation calls three reads more than a template names.",
        documented(
            &[CLOUDFORMATION],
            &["permissions/a_role_for_templates_needs_reads_that_no_template_names"],
        ),
    ),
    rule(
        "The creator of an account's first cluster needs iam:CreateServiceLinkedRole (switch `service_linked_role`); \
         the text of the refusal is observed.",
        observed(
            &[SERVICE_ROLE, MISSING_ROLE],
            &["assumptions/the_first_cluster_of_an_account_may_create_a_role"],
        ),
    ),
    rule(
        "A Deny wins over every Allow; a permissions boundary must allow a call, too.",
        documented(
            &[EVALUATION],
            &[
                "permissions/a_deny_by_tag_wins_over_every_allow",
                "permissions/a_permissions_boundary_must_allow_a_call_too",
            ],
        ),
    ),
    rule(
        "AccessDeniedException names the caller, the action, the resource and the kind of policy; where the check was \
         made is this project's addition.",
        documented(&[DENIALS], &["permissions/a_session_is_named_and_its_role_is_meant"]),
    ),
];

const ATTACHED: &[ServiceRule] = &[
    rule(
        "Within an account, the policy of the caller or that of the cluster is enough.",
        documented(
            &[POLICIES, EVALUATION],
            &["permissions/a_clusters_own_policy_grants_what_an_identity_policy_does_not"],
        ),
    ),
    rule(
        "A peer's own policy is evaluated in its Region.",
        inferred(
            &[POLICIES, Source::Api("UpdateCluster")],
            &["permissions/the_peers_own_policy_has_a_say_in_its_region"],
        ),
    ),
    rule(
        "A policy that locks its caller out is refused unless the call bypasses the check.",
        documented(
            &[Source::Api("PutClusterPolicy")],
            &["permissions/a_resource_policy_that_locks_its_caller_out_stands_if_the_caller_insists"],
        ),
    ),
    rule(
        "The version of a policy is a text that cannot be known in advance, as milliseconds of the epoch, and never \
         comes back.",
        observed(&[CUSTODIAN], &["policies/a_policy_has_versions"]),
    ),
    rule(
        "A policy that allows everyone something is blocked, unless a trusted condition key with fixed values limits \
         it.",
        documented(&[PUBLIC_ACCESS], &["policies/a_public_policy_is_blocked"]),
    ),
    rule(
        "A resource has at most 50 tags of its user, however many calls they come in (switch `tags_per_resource`).",
        documented(&[TAG_EDITOR], &["tags/more_than_fifty_tags_are_refused"]),
    ),
];

const OF_STREAMS: &[ServiceRule] = &[
    rule(
        "A stream needs an ACTIVE cluster.",
        observed(
            &[ALCHEMY],
            &[
                "streams/a_stream_needs_an_active_cluster",
                "idle/an_idle_cluster_is_no_failure_but_a_waiter_waits_in_vain",
            ],
        ),
    ),
    rule(
        "A cluster has at most five streams.",
        documented(&[QUOTAS, STREAMS], &["streams/a_cluster_has_five_streams_at_most"]),
    ),
    rule(
        "A stream is in CREATING for one to three minutes, here for less than two (switch `stream_time`).",
        observed(&[ALCHEMY, STREAMS], &["streams/a_stream_lives_and_goes"]),
    ),
    rule(
        "The waiters StreamActive and StreamNotExists wait for their status alone.",
        documented(&[MODEL, STREAMS], &["streams/the_waiters_of_streams_wait_for_their_status_alone"]),
    ),
    rule(
        "While the key of its cluster cannot be used, a stream is IMPAIRED, and ACTIVE once it can.",
        documented(
            &[STREAM_ROLES, STREAM_HEALTH],
            &["streams/a_lost_key_impairs_a_stream_until_it_is_found"],
        ),
    ),
    rule(
        "A stream in CREATING whose cluster loses its key is FAILED; a FAILED stream never recovers.",
        documented(
            &[STREAM_ROLES, STREAM_HEALTH],
            &["streams/a_key_that_is_lost_during_a_creation_fails_the_stream"],
        ),
    ),
    rule(
        "A new key counts for the streams when it is in use, at the end of the update.",
        inferred(&[STREAM_HEALTH, ENCRYPTION], &["streams/a_new_key_heals_a_stream_when_it_is_in_use"]),
    ),
    rule(
        "A stream that cannot deliver is IMPAIRED with the error code of the cause, and ACTIVE once the cause is gone.",
        documented(&[STREAM_HEALTH], &["streams/a_broken_target_impairs_its_streams_until_it_is_repaired"]),
    ),
    rule(
        "A stream whose Kinesis stream is gone is FAILED, and stays so.",
        documented(&[STREAM_HEALTH], &["streams/a_kinesis_stream_that_is_gone_fails_its_streams"]),
    ),
    rule(
        "A creation whose target is broken at its end is FAILED.",
        assumed(&[STREAM_HEALTH], &["streams/a_creation_tries_its_target_at_the_end"]),
    ),
    rule(
        "Of several causes the key comes first, then the role, then the Kinesis stream.",
        assumed(&[STREAM_ROLES, STREAM_HEALTH], &["streams/a_stream_names_the_first_error_of_its_delivery"]),
    ),
    rule(
        "Cluster, Kinesis stream, role and caller are of one account, the Kinesis stream of the cluster's Region.",
        documented(&[STREAMS], &["streams/a_stream_delivers_within_its_region_and_account"]),
    ),
];

const ENVIRONMENT: &[ServiceRule] = &[
    rule(
        "Without connections a cluster becomes IDLE, later INACTIVE; a connection makes it ACTIVE.",
        documented(&[LIFECYCLE], &["idle/an_idle_cluster_is_no_failure_but_a_waiter_waits_in_vain"]),
    ),
    rule(
        "An IDLE or INACTIVE cluster takes updates and ends in ACTIVE.",
        assumed(&[LIFECYCLE], &["idle/an_update_of_an_inactive_cluster_leads_to_active"]),
    ),
    rule(
        "A cluster whose key is disabled is IDLE, with KMS_KEY_INACCESSIBLE; enabled, it is ACTIVE again.",
        documented(&[ENCRYPTION], &["encryption/a_disabled_key_makes_a_cluster_idle"]),
    ),
    rule(
        "A key that is disabled or scheduled for deletion has this effect on its own clusters alone.",
        documented(&[ENCRYPTION], &["encryption/one_disabled_key_makes_its_own_clusters_idle"]),
    ),
    rule(
        "A key is named by its ARN, its id, an alias or the ARN of an alias, and shown by its ARN.",
        documented(&[ENCRYPTION, KMS_NAMES, MODEL], &["encryption/a_key_is_shown_by_its_arn"]),
    ),
    rule(
        "An answer does not name a key that AWS owns (switch `aws_owned_key_shown`).",
        assumed(&[ENCRYPTION, MODEL], &["assumptions/an_aws_owned_key_may_be_shown"]),
    ),
    rule(
        "A cluster whose key is disabled during a creation, an update or a link becomes IDLE where it would be ACTIVE.",
        assumed(
            &[ENCRYPTION],
            &[
                "assumptions/a_disabled_key_may_be_accepted",
                "encryption/keys_that_are_disabled_meanwhile_make_a_cluster_idle",
                "encryption/a_pair_is_linked_with_one_key_disabled",
            ],
        ),
    ),
    rule(
        "A new key is UPDATING until it is in use.",
        documented(&[ENCRYPTION, TERRAFORM], &["encryption/another_key_is_updating_until_it_is_in_use"]),
    ),
];

const ANSWERS: &[ServiceRule] = &[
    rule(
        "UpdateCluster and DeleteCluster answer identifier, ARN, status and creation time alone.",
        documented(&[MODEL], &["update/a_new_setting_counts_at_once"]),
    ),
    rule(
        "The pairs and witnesses of a Region set stay within it; Canada, for now, is outside (switch \
         `canada_in_americas`).",
        documented(&[REGIONS, RELEASES], &["assumptions/canada_may_stay_outside_the_americas"]),
    ),
    rule(
        "The host of a cluster behind PrivateLink belongs to the service of its cell.",
        documented(&[PRIVATE_LINK], &["policies/the_private_link_service_of_a_cluster_is_named"]),
    ),
    rule(
        "Every exception of the model has its HTTP status, and 429 and 500 are retryable.",
        documented(
            &[MODEL],
            &["limits/every_error_of_the_api_can_be_injected", "retry/throttled_calls_are_tried_again"],
        ),
    ),
    rule(
        "A ClusterActive waiter of an SDK asks sixty times, every two seconds, and knows no failure.",
        documented(&[MODEL], &["retry/a_waiter_ends_on_an_unexpected_error"]),
    ),
    rule(
        "Of every violated constraint the text is the generic form of AWS.",
        assumed(&[OTHER_SERVICES, MOTO], &["limits/every_bad_field_is_listed_in_order"]),
    ),
];
