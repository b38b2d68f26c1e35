//! The seven exceptions of the API model (`dsql`, 2018-05-10), with exactly their members.

use std::fmt::Display;
use std::hash::{Hash, Hasher};
use std::mem;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An exception of the API. Each variant is one exception of the model, with its HTTP status.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantNames, thiserror::Error)]
#[error("{}: {}", self.name(), self.message())]
#[strum(suffix = "Exception")]
pub enum Error {
    /// ValidationException, 400: the request is malformed, or the state of a resource forbids it for a reason that a
    /// retry does not cure.
    Validation {
        /// The cause, in a sentence.
        message: String,
        /// The kind of the cause.
        reason: ValidationReason,
        /// The invalid fields, in the order of the API model. Empty unless the reason is `fieldValidationFailed`.
        field_list: Vec<Field>,
    },
    /// ServiceQuotaExceededException, 402: the account has as many resources as its quota allows. All members are
    /// required by the model.
    ServiceQuotaExceeded {
        /// The quota that was reached.
        message: String,
        /// The owner of the quota.
        resource_id: String,
        /// The type of the resource, as in `cluster`.
        resource_type: String,
        /// The code of the service in Service Quotas: `dsql`.
        service_code: String,
        /// The code of the quota in Service Quotas.
        quota_code: String,
    },
    /// AccessDeniedException, 403: the caller lacks a permission.
    AccessDenied {
        /// The principal, the action and the resource.
        message: String,
    },
    /// ResourceNotFoundException, 404: the resource does not exist in the caller's account and Region.
    ResourceNotFound {
        /// The missing resource.
        message: String,
        /// The identifier of the resource.
        resource_id: String,
        /// The type of the resource, as in `cluster`.
        resource_type: String,
    },
    /// ConflictException, 409: the current state of a resource forbids the call. SDKs do not retry it.
    Conflict {
        /// The conflicting state.
        message: String,
        /// The identifier of the resource.
        resource_id: Option<String>,
        /// The type of the resource, as in `cluster`.
        resource_type: Option<String>,
    },
    /// ThrottlingException, 429: too many requests. The call had no effect, and SDKs retry it.
    Throttling {
        /// The limit, in a sentence.
        message: String,
        /// The code of the service in Service Quotas.
        service_code: Option<String>,
        /// The code of the quota in Service Quotas.
        quota_code: Option<String>,
        /// The delay before a retry, in seconds: the header `Retry-After`, not a member of the body.
        retry_after_seconds: Option<u32>,
    },
    /// InternalServerException, 500: the service failed. Whether the call had an effect is unknown, and SDKs retry it.
    InternalServer {
        /// The failure, in a sentence.
        message: String,
        /// The delay before a retry, in seconds: the header `Retry-After`, not a member of the body.
        retry_after_seconds: Option<u32>,
    },
}

/// The reasons of a ValidationException (API model, `ValidationExceptionReason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::VariantArray)]
#[serde(rename_all = "camelCase")]
pub enum ValidationReason {
    /// No operation has this method and path.
    UnknownOperation,
    /// The request cannot be parsed: it is not JSON, or a member is of the wrong type.
    CannotParse,
    /// Fields violate constraints of the API model.
    FieldValidationFailed,
    /// The cluster is protected from deletion.
    DeletionProtectionEnabled,
    /// Any other reason.
    Other,
}

/// An invalid field (API model, `ValidationExceptionField`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The path of the field, as in `multiRegionProperties.clusters.1.member`.
    pub name: String,
    /// The violated constraint.
    pub message: String,
}

impl Error {
    /// ValidationException with reason `fieldValidationFailed`, and one entry for each violated constraint.
    #[must_use]
    pub fn field_validation(field_list: Vec<Field>) -> Error {
        let count = field_list.len();
        let noun = if count == 1 { "error" } else { "errors" };
        let sentences: Vec<_> = field_list.iter().map(|field| field.message.as_str()).collect();
        let message = format!("{count} validation {noun} detected: {}", sentences.join("; "));
        Error::Validation { message, reason: ValidationReason::FieldValidationFailed, field_list }
    }

    /// ValidationException with reason `other`.
    #[must_use]
    pub fn other(message: String) -> Error {
        Error::Validation { message, reason: ValidationReason::Other, field_list: Vec::new() }
    }

    /// ResourceNotFoundException for a cluster.
    #[must_use]
    pub fn not_found(arn: impl Display, identifier: &str) -> Error {
        Error::ResourceNotFound {
            message: format!("The resource with ARN {arn} doesn't exist. Verify the ARN and try again."),
            resource_id: identifier.to_owned(),
            resource_type: "cluster".to_owned(),
        }
    }

    /// The delay before a retry that the service asks for with ThrottlingException and InternalServerException, in
    /// seconds. The model has the member for both, and the value is not published.
    pub const RETRY_AFTER_SECONDS: Option<u32> = Some(1);

    /// The names of the members that the body of an exception may have.
    pub const MEMBERS: [&str; 7] =
        ["message", "reason", "fieldList", "resourceId", "resourceType", "serviceCode", "quotaCode"];

    /// The name of the exception, as in `ConflictException`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// The HTTP status.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self {
            Error::Validation { .. } => 400,
            Error::ServiceQuotaExceeded { .. } => 402,
            Error::AccessDenied { .. } => 403,
            Error::ResourceNotFound { .. } => 404,
            Error::Conflict { .. } => 409,
            Error::Throttling { .. } => 429,
            Error::InternalServer { .. } => 500,
        }
    }

    /// The message, which every exception has.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Error::Validation { message, .. }
            | Error::ServiceQuotaExceeded { message, .. }
            | Error::AccessDenied { message }
            | Error::ResourceNotFound { message, .. }
            | Error::Conflict { message, .. }
            | Error::Throttling { message, .. }
            | Error::InternalServer { message, .. } => message,
        }
    }

    /// Whether SDKs retry the call. The model marks the two exceptions as retryable.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Error::Throttling { .. } | Error::InternalServer { .. })
    }

    /// Whether the caller knows that the call had no effect. After InternalServerException the effect is unknown: the
    /// node may have failed before or after its write.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        !matches!(self, Error::InternalServer { .. })
    }

    /// The body on the wire, without `retryAfterSeconds`, which the model binds to a header.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = match self {
            Error::Validation { message, reason, field_list } => {
                json!({ "message": message, "reason": reason, "fieldList": field_list })
            }
            Error::ServiceQuotaExceeded { message, resource_id, resource_type, service_code, quota_code } => {
                json!({
                    "message": message,
                    "resourceId": resource_id,
                    "resourceType": resource_type,
                    "serviceCode": service_code,
                    "quotaCode": quota_code,
                })
            }
            Error::ResourceNotFound { message, resource_id, resource_type } => {
                json!({ "message": message, "resourceId": resource_id, "resourceType": resource_type })
            }
            Error::Conflict { message, resource_id, resource_type } => {
                json!({ "message": message, "resourceId": resource_id, "resourceType": resource_type })
            }
            Error::Throttling { message, service_code, quota_code, .. } => {
                json!({ "message": message, "serviceCode": service_code, "quotaCode": quota_code })
            }
            Error::AccessDenied { message } | Error::InternalServer { message, .. } => {
                json!({ "message": message })
            }
        };
        if let Value::Object(members) = &mut body {
            members.retain(|_, member| !member.is_null() && *member != json!([]));
        }
        body
    }

    /// The delay before a retry in seconds, if the exception has one.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            Error::Throttling { retry_after_seconds, .. }
            | Error::InternalServer { retry_after_seconds, .. } => *retry_after_seconds,
            _ => None,
        }
    }

    /// The exception `name` with `body`: the inverse of [`Error::to_json`]. `None` if the model has no such exception.
    ///
    /// # Errors
    /// The message is missing, or a member is of the wrong type.
    pub fn from_json(
        name: &str,
        body: Value,
        retry_after_seconds: Option<u32>,
    ) -> Result<Option<Error>, serde_json::Error> {
        let ErrorBody { message, reason, field_list, resource_id, resource_type, service_code, quota_code } =
            serde_json::from_value(body)?;
        let required = |member: Option<String>| member.unwrap_or_default();
        Ok(Some(match name {
            "ValidationException" => {
                let reason = reason.unwrap_or(ValidationReason::Other);
                Error::Validation { message, reason, field_list }
            }
            "ServiceQuotaExceededException" => Error::ServiceQuotaExceeded {
                message,
                resource_id: required(resource_id),
                resource_type: required(resource_type),
                service_code: required(service_code),
                quota_code: required(quota_code),
            },
            "AccessDeniedException" => Error::AccessDenied { message },
            "ResourceNotFoundException" => Error::ResourceNotFound {
                message,
                resource_id: required(resource_id),
                resource_type: required(resource_type),
            },
            "ConflictException" => Error::Conflict { message, resource_id, resource_type },
            "ThrottlingException" => {
                Error::Throttling { message, service_code, quota_code, retry_after_seconds }
            }
            "InternalServerException" => Error::InternalServer { message, retry_after_seconds },
            _ => return Ok(None),
        }))
    }
}

/// The union of the members of all exceptions.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody {
    message: String,
    reason: Option<ValidationReason>,
    #[serde(default)]
    field_list: Vec<Field>,
    resource_id: Option<String>,
    resource_type: Option<String>,
    service_code: Option<String>,
    quota_code: Option<String>,
}

// An exception counts by its kind and its typed members. A message is a text for people: a better wording must not
// change the hash of a run.
impl Hash for Error {
    fn hash<H: Hasher>(&self, state: &mut H) {
        mem::discriminant(self).hash(state);
        match self {
            Error::Validation { message: _, reason, field_list } => (reason, field_list).hash(state),
            Error::ServiceQuotaExceeded {
                message: _,
                resource_id,
                resource_type,
                service_code,
                quota_code,
            } => {
                (resource_id, resource_type, service_code, quota_code).hash(state);
            }
            Error::ResourceNotFound { message: _, resource_id, resource_type } => {
                (resource_id, resource_type).hash(state);
            }
            Error::Conflict { message: _, resource_id, resource_type } => {
                (resource_id, resource_type).hash(state);
            }
            Error::Throttling { message: _, service_code, quota_code, retry_after_seconds } => {
                (service_code, quota_code, retry_after_seconds).hash(state);
            }
            Error::InternalServer { message: _, retry_after_seconds } => retry_after_seconds.hash(state),
            Error::AccessDenied { message: _ } => {}
        }
    }
}

// The message is a text for people.
impl Hash for Field {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Field { name, message: _ } = self;
        name.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::fingerprint;

    #[test]
    fn a_quota_error_carries_all_four_members() {
        let error = Error::ServiceQuotaExceeded {
            message: "You have reached the cluster limit.".to_owned(),
            resource_id: "111122223333".to_owned(),
            resource_type: "cluster".to_owned(),
            service_code: "dsql".to_owned(),
            quota_code: "L-B3A4E51E".to_owned(),
        };
        assert_eq!(error.http_status(), 402);
        for member in ["resourceId", "resourceType", "serviceCode", "quotaCode"] {
            assert!(error.to_json()[member].is_string(), "{member}");
        }
    }

    #[test]
    fn absent_members_are_absent_on_the_wire() {
        let error = Error::Conflict { message: "m".to_owned(), resource_id: None, resource_type: None };
        assert_eq!(error.to_json(), json!({ "message": "m" }));
        let error = Error::other("m".to_owned());
        assert_eq!(error.to_json(), json!({ "message": "m", "reason": "other" }));
    }

    #[test]
    fn the_wording_of_a_message_is_no_part_of_the_fingerprint() {
        let error = |message: &str, resource_id: &str| Error::ResourceNotFound {
            message: message.to_owned(),
            resource_id: resource_id.to_owned(),
            resource_type: "cluster".to_owned(),
        };
        let known = fingerprint(&error("no such cluster", "a"));
        assert_eq!(fingerprint(&error("the cluster does not exist", "a")), known);
        assert_ne!(fingerprint(&error("no such cluster", "b")), known);
        assert_ne!(fingerprint(&Error::other("no such cluster".to_owned())), known);
    }

    #[test]
    fn only_an_internal_error_leaves_the_caller_in_doubt() {
        let internal = Error::InternalServer { message: String::new(), retry_after_seconds: None };
        assert!(!internal.is_definite() && internal.is_retryable());
        assert!(Error::other(String::new()).is_definite());
    }
}
