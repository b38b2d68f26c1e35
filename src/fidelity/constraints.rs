//! The field constraints of `api/constraints.rs`, by the constant or the kind of each.

use super::source::{MODEL, SMITHY, TAGGING};
use super::{ServiceRule, documented, inferred, rule};

/// A field constraint.
#[derive(Clone, Copy, Debug)]
pub struct ConstraintRule {
    /// The constant in `api/constraints.rs`; empty for a constraint that has none.
    pub constant: &'static str,
    /// A part of the message, which the traces of the scenarios have.
    pub message: &'static str,
    /// What is demanded.
    pub rule: ServiceRule,
}

const fn constraint(constant: &'static str, message: &'static str, rule: ServiceRule) -> ConstraintRule {
    ConstraintRule { constant, message, rule }
}

/// Every constraint. A violation is a ValidationException, reason fieldValidationFailed; its text is the generic
/// form of AWS.
pub const CONSTRAINTS: &[ConstraintRule] = &[
    constraint(
        "CLUSTER_ID",
        "at 'identifier' failed to satisfy constraint",
        rule(
            "The identifier of a cluster fits `[a-z0-9]{26}`; a text that does not is no ResourceNotFoundException.",
            documented(&[MODEL, SMITHY], &["mistakes/the_identifier_does_not_match_its_pattern"]),
        ),
    ),
    constraint(
        "STREAM_ID",
        "at 'streamIdentifier' failed to satisfy constraint",
        rule("The identifier of a stream fits `[a-z0-9]{26}`.", documented(&[MODEL], &[EVERY_KIND])),
    ),
    constraint(
        "CLIENT_TOKEN",
        "at 'clientToken' failed to satisfy constraint",
        rule(
            "A client token has 1 to 128 printable ASCII characters without spaces.",
            documented(&[MODEL], &[IN_ORDER]),
        ),
    ),
    constraint(
        "KMS_KEY",
        "at 'kmsEncryptionKey' failed to satisfy constraint",
        rule("A key has 1 to 2048 characters of `[a-zA-Z0-9:/_-]`.", documented(&[MODEL], &[IN_ORDER])),
    ),
    constraint(
        "TAG_KEY",
        "at 'tags.app?' failed to satisfy constraint",
        rule(
            "A tag key has 1 to 128 characters of `[a-zA-Z0-9_.:/=+\\-@ ]`.",
            documented(&[MODEL], &[IN_ORDER]),
        ),
    ),
    constraint(
        "TAG_VALUE",
        "Value 'orders*' at 'tags.app' failed to satisfy constraint",
        rule("A tag value has up to 256 characters of the same set.", documented(&[MODEL], &[EVERY_KIND])),
    ),
    constraint(
        "RESERVED_PREFIX",
        "Member must not begin with the reserved prefix aws:",
        rule(
            "A tag key does not begin with `aws:`, in any case of the letters.",
            documented(&[TAGGING], &["tags/a_tag_key_must_not_begin_with_aws"]),
        ),
    ),
    constraint(
        "REGION",
        "at 'multiRegionProperties.witnessRegion' failed to satisfy constraint",
        rule("The name of the witness Region has up to 50 characters.", documented(&[MODEL], &[EVERY_KIND])),
    ),
    constraint(
        "CLUSTER_ARN",
        "at 'multiRegionProperties.clusters.1.member' failed to satisfy constraint",
        rule("An ARN in `clusters` fits the pattern of cluster ARNs.", documented(&[MODEL], &[IN_ORDER])),
    ),
    constraint(
        "POLICY",
        "at 'policy' failed to satisfy constraint",
        rule("A policy has 1 to 20,480 characters.", documented(&[MODEL], &[IN_ORDER])),
    ),
    constraint(
        "RESOURCE_ARN",
        "at 'resourceArn' failed to satisfy constraint",
        rule(
            "The ARN of a tagged resource fits `arn:.+` and has up to 1011 characters.",
            documented(&[MODEL], &[EVERY_KIND]),
        ),
    ),
    constraint(
        "KINESIS_ARN",
        "at 'targetDefinition.kinesis.streamArn' failed to satisfy constraint",
        rule("The target of a stream is the ARN of a Kinesis stream.", documented(&[MODEL], &[EVERY_KIND])),
    ),
    constraint(
        "ROLE_ARN",
        "at 'targetDefinition.kinesis.roleArn' failed to satisfy constraint",
        rule(
            "The role of a stream is the ARN of a role, of 20 to 2048 characters.",
            documented(&[MODEL], &[EVERY_KIND]),
        ),
    ),
    constraint(
        "",
        "at 'metricGroups' failed to satisfy constraint: Member must have length less than or equal to 20",
        rule("A call names up to 200 tags and up to 20 metric groups.", documented(&[MODEL], &[EVERY_KIND])),
    ),
    constraint(
        "",
        "Member must not contain duplicate entries",
        rule(
            "`clusters` and `metricGroups` have no entry twice.",
            documented(&[SMITHY], &["limits/an_arn_listed_twice_is_refused"]),
        ),
    ),
    constraint(
        "",
        "Member must have value less than or equal to 100",
        rule("A page has 1 to 100 entries.", documented(&[MODEL], &["limits/a_page_holds_twenty_clusters"])),
    ),
    constraint(
        "",
        "Member must not be null",
        rule(
            "A required member is given.",
            documented(&[MODEL], &["streams/a_stream_needs_an_active_cluster"]),
        ),
    ),
    constraint(
        "",
        "Member must satisfy enum value set",
        rule(
            "A member of an enum has one of its values.",
            documented(&[MODEL], &["streams/a_stream_needs_an_active_cluster"]),
        ),
    ),
    constraint(
        "",
        "5 validation errors detected",
        rule(
            "Every violation is listed in fieldList, in the order of the model, before any other rule is looked at.",
            inferred(&[MODEL], &[IN_ORDER]),
        ),
    ),
];

const IN_ORDER: &str = "limits/every_bad_field_is_listed_in_order";
const EVERY_KIND: &str = "limits/every_kind_of_field_has_a_constraint";
