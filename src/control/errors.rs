//! The texts of errors, except those of field constraints, in the style of the service:
//! `Can't <verb> cluster: <cause>. To proceed, <remedy>.`

use std::fmt::Display;

use crate::api::{Error, Field, ValidationReason};
use crate::control::assumptions::Refusal;
use crate::control::records::{Cluster, Stream};
use crate::region::Region;
use crate::types::{Account, ClusterArn, ClusterStatus};

/// The exception of kind `refusal` for the cluster `resource_id`.
pub(super) fn refused(refusal: Refusal, message: String, resource_id: &str) -> Error {
    let (resource_id, resource_type) = (resource_id.to_owned(), "cluster".to_owned());
    match refusal {
        Refusal::Validation => Error::other(message),
        Refusal::Conflict => {
            Error::Conflict { message, resource_id: Some(resource_id), resource_type: Some(resource_type) }
        }
        Refusal::AccessDenied => Error::AccessDenied { message },
        Refusal::NotFound => Error::ResourceNotFound { message, resource_id, resource_type },
    }
}

pub(super) fn wrong_state(refusal: Refusal, verb: &str, cluster: &Cluster) -> Error {
    let identifier = cluster.arn.identifier.to_string();
    let remedy = match cluster.status {
        ClusterStatus::Creating | ClusterStatus::Updating => "wait until the cluster is ACTIVE and try again",
        _ => "choose another cluster",
    };
    let status = cluster.status;
    let message =
        format!("Can't {verb} cluster: Cluster {identifier} is in {status} state. To proceed, {remedy}.");
    refused(refusal, message, &identifier)
}

pub(super) fn empty_update() -> Error {
    Error::other(
        "Can't update cluster: The request names nothing to change. To proceed, name a setting.".to_owned(),
    )
}

pub(super) fn busy(verb: &str, cluster: &Cluster) -> Error {
    let identifier = cluster.arn.identifier.to_string();
    let message = format!(
        "Can't {verb} cluster: Another operation on cluster {identifier} is in progress. To proceed, wait until it is \
         done and try again."
    );
    refused(Refusal::Conflict, message, &identifier)
}

pub(super) fn lost_to_link(cluster: &Cluster, peer: ClusterArn) -> Error {
    let identifier = cluster.arn.identifier.to_string();
    let message = format!(
        "Can't update cluster: Cluster {identifier} is peered with {peer} by now. To proceed, wait until the \
         cluster is ACTIVE and try again."
    );
    refused(Refusal::Conflict, message, &identifier)
}

pub(super) fn protected() -> Error {
    Error::Validation {
        message: "Can't delete cluster: Deletion protection is enabled. To proceed, disable deletion protection and \
                  try again."
            .to_owned(),
        reason: ValidationReason::DeletionProtectionEnabled,
        field_list: Vec::new(),
    }
}

pub(super) fn no_such_cluster(region: Region, account: Account, identifier: &str) -> Error {
    Error::not_found(format_args!("arn:aws:dsql:{region}:{account}:cluster/{identifier}"), identifier)
}

pub(super) fn quota(account: Option<Account>, code: &str) -> Error {
    Error::ServiceQuotaExceeded {
        message: "You have reached the cluster limit.".to_owned(),
        resource_id: account.map(|account| account.to_string()).unwrap_or_default(),
        resource_type: "cluster".to_owned(),
        service_code: "dsql".to_owned(),
        quota_code: code.to_owned(),
    }
}

pub(super) fn token_mismatch(refusal: Refusal) -> Error {
    let message = "A request was already made with this client token and different parameters.".to_owned();
    match refusal {
        Refusal::Conflict => Error::Conflict { message, resource_id: None, resource_type: None },
        other => refused(other, message, ""),
    }
}

/// InternalServerException for a call whose remote checks were not answered in time.
pub(super) fn unreachable(regions: &[Region]) -> Error {
    let names: Vec<_> = regions.iter().map(|region| region.name()).collect();
    Error::InternalServer {
        message: format!("The request could not be completed: no answer from {}.", names.join(", ")),
        retry_after_seconds: Error::RETRY_AFTER_SECONDS,
    }
}

/// InternalServerException for a deferred update whose deadline passed: neither acceptor in `regions` answered.
pub(super) fn undecided(regions: &[Region]) -> Error {
    let names: Vec<_> = regions.iter().map(|region| region.name()).collect();
    Error::InternalServer {
        message: format!(
            "The request could not be completed, and nothing was changed: no agreement in time with {}.",
            names.join(" or ")
        ),
        retry_after_seconds: Error::RETRY_AFTER_SECONDS,
    }
}

/// A refusal of multi-Region properties, with its cause and its remedy.
pub(super) fn properties(refusal: Refusal, verb: &str, cause: impl Display, remedy: impl Display) -> Error {
    refused(refusal, format!("Can't {verb} cluster: {cause}. To proceed, {remedy}."), "")
}

/// A refusal of the KMS key that a request names, with its cause and its remedy.
pub(super) fn key(verb: &str, cause: impl Display, remedy: impl Display) -> Error {
    properties(Refusal::Validation, verb, cause, remedy)
}

pub(super) fn missing_peer(refusal: Refusal, verb: &str, peer: &str) -> Error {
    let message = format!(
        "Can't {verb} cluster: Peer cluster {peer} doesn't exist. To proceed, verify the ARN and try again."
    );
    match refusal {
        Refusal::Validation => Error::Validation {
            reason: ValidationReason::Other,
            field_list: vec![Field {
                name: "multiRegionProperties.clusters".to_owned(),
                message: message.clone(),
            }],
            message,
        },
        other => refused(other, message, peer),
    }
}

/// The resource has no identifier yet while it is created.
pub(super) fn tag_limit(resource_id: &str, resource_type: &str) -> Error {
    Error::ServiceQuotaExceeded {
        message: "You have reached the tag limit.".to_owned(),
        resource_id: resource_id.to_owned(),
        resource_type: resource_type.to_owned(),
        service_code: "dsql".to_owned(),
        quota_code: String::new(),
    }
}

pub(super) fn no_policy(cluster: &Cluster) -> Error {
    Error::ResourceNotFound {
        message: format!("Cluster {} has no resource policy.", cluster.arn),
        resource_id: cluster.arn.identifier.to_string(),
        resource_type: "cluster-policy".to_owned(),
    }
}

pub(super) fn malformed_policy(why: &dyn Display) -> Error {
    Error::other(format!("Can't put cluster policy: The policy is malformed: {why}. To proceed, correct it."))
}

pub(super) fn foreign_action(action: &str) -> Error {
    Error::other(format!(
        "Can't put cluster policy: {action} is no action of Aurora DSQL. To proceed, leave it out and try again."
    ))
}

pub(super) fn public_policy(is_denied: bool, statement: usize) -> Error {
    let message = format!(
        "Can't put cluster policy: Statement[{statement}] grants public access. To proceed, name its principals, or \
         restrict it by a trusted condition key with fixed values."
    );
    if is_denied { Error::AccessDenied { message } } else { Error::other(message) }
}

pub(super) fn lockout() -> Error {
    Error::other(
        "Can't put cluster policy: The policy would keep its caller from changing it again. To proceed, change it or \
         bypass the policy lockout safety check."
            .to_owned(),
    )
}

pub(super) fn policy_moved_on(cluster: &Cluster, has_policy: bool) -> Error {
    let identifier = cluster.arn.identifier.to_string();
    let now = if has_policy { "its policy has another version" } else { "it has no policy" };
    let message = format!(
        "Can't change cluster policy: Cluster {identifier} has moved on: {now}. To proceed, read the policy and try \
         again."
    );
    refused(Refusal::Conflict, message, &identifier)
}

pub(super) fn asleep(cluster: &Cluster) -> Error {
    let (identifier, status) = (cluster.arn.identifier, cluster.status);
    Error::other(format!(
        "Can't create stream: Cluster {identifier} is in {status} state. To proceed, connect to the cluster and try \
         again when it is ACTIVE."
    ))
}

/// The beginning of the message is that of the service.
pub(super) fn role_inaccessible(role: &str) -> Error {
    Error::other(format!(
        "Aurora DSQL can't access the specified IAM role {role}. To proceed, verify that its trust policy lets \
         dsql.amazonaws.com assume it and try again."
    ))
}

pub(super) fn target_elsewhere(refusal: Refusal, part: &str, cluster: &Cluster) -> Error {
    let identifier = cluster.arn.identifier.to_string();
    let message = format!(
        "Can't create stream: Cluster {identifier} can't deliver to this target: {part}. To proceed, choose a target \
         in the Region and the account of the cluster."
    );
    refused(refusal, message, &identifier)
}

pub(super) fn has_streams(cluster: &Cluster) -> Error {
    let identifier = cluster.arn.identifier.to_string();
    let message = format!(
        "Can't delete cluster: Cluster {identifier} has streams. To proceed, delete its streams and try again."
    );
    refused(Refusal::Conflict, message, &identifier)
}

pub(super) fn stream_limit(cluster: &Cluster) -> Error {
    Error::ServiceQuotaExceeded {
        message: "You have reached the stream limit.".to_owned(),
        resource_id: cluster.arn.identifier.to_string(),
        resource_type: "stream".to_owned(),
        service_code: "dsql".to_owned(),
        quota_code: String::new(),
    }
}

pub(super) fn no_such_stream(cluster: &Cluster, stream: &str) -> Error {
    Error::ResourceNotFound {
        message: format!(
            "The resource with ARN {}/stream/{stream} doesn't exist. Verify the ARN and try again.",
            cluster.arn
        ),
        resource_id: stream.to_owned(),
        resource_type: "stream".to_owned(),
    }
}

pub(super) fn stream_in_creation(cluster: &Cluster, stream: &Stream) -> Error {
    let message = format!(
        "Can't delete stream: Stream {} of cluster {} is in CREATING state. To proceed, wait until the stream is \
         ACTIVE and try again.",
        stream.identifier, cluster.arn.identifier
    );
    Error::Conflict {
        message,
        resource_id: Some(stream.identifier.to_string()),
        resource_type: Some("stream".to_owned()),
    }
}
