//! The seven exceptions of the API model, with exactly their members.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::rng::{key, key_of_bytes, mix};

/// An exception that a call ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// ValidationException, 400.
    Validation {
        /// What is wrong.
        message: String,
        /// What kind of wrong.
        reason: ValidationReason,
        /// The fields that are wrong, in the order of the API model.
        field_list: Vec<Field>,
    },
    /// ServiceQuotaExceededException, 402.
    ServiceQuotaExceeded {
        /// What was reached.
        message: String,
        /// Whose quota.
        resource_id: String,
        /// Of what.
        resource_type: String,
        /// The service in Service Quotas.
        service_code: String,
        /// The quota in Service Quotas.
        quota_code: String,
    },
    /// AccessDeniedException, 403.
    AccessDenied {
        /// Who may not do what.
        message: String,
    },
    /// ResourceNotFoundException, 404.
    ResourceNotFound {
        /// What does not exist.
        message: String,
        /// Its identifier.
        resource_id: String,
        /// Its type.
        resource_type: String,
    },
    /// ConflictException, 409.
    Conflict {
        /// What stands in the way.
        message: String,
        /// The identifier of the resource in question.
        resource_id: Option<String>,
        /// Its type.
        resource_type: Option<String>,
    },
    /// ThrottlingException, 429.
    Throttling {
        /// That there were too many requests.
        message: String,
        /// The service in Service Quotas.
        service_code: Option<String>,
        /// The quota in Service Quotas.
        quota_code: Option<String>,
        /// After how many seconds to try again (header `Retry-After`).
        retry_after_seconds: Option<u32>,
    },
    /// InternalServerException, 500.
    InternalServer {
        /// That the service failed.
        message: String,
        /// After how many seconds to try again (header `Retry-After`).
        retry_after_seconds: Option<u32>,
    },
}

/// The kinds of validation errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ValidationReason {
    /// There is no such operation.
    UnknownOperation,
    /// The request cannot be read.
    CannotParse,
    /// Fields break constraints of the API model.
    FieldValidationFailed,
    /// The cluster is protected from deletion.
    DeletionProtectionEnabled,
    /// Anything else.
    Other,
}

/// A field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Where it is, as in `multiRegionProperties.clusters.1.member`.
    pub name: String,
    /// What is wrong with it.
    pub message: String,
}

impl ValidationReason {
    /// Every kind.
    pub const ALL: &[ValidationReason] = &[
        ValidationReason::UnknownOperation,
        ValidationReason::CannotParse,
        ValidationReason::FieldValidationFailed,
        ValidationReason::DeletionProtectionEnabled,
        ValidationReason::Other,
    ];
}

impl Error {
    /// The names of all exceptions.
    pub const NAMES: [&str; 7] = [
        "ValidationException",
        "ServiceQuotaExceededException",
        "AccessDeniedException",
        "ResourceNotFoundException",
        "ConflictException",
        "ThrottlingException",
        "InternalServerException",
    ];

    /// ValidationException for fields that break constraints: one entry each.
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

    /// The names that members of an error's body have.
    pub const MEMBERS: [&str; 7] =
        ["message", "reason", "fieldList", "resourceId", "resourceType", "serviceCode", "quotaCode"];

    /// The exception's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Error::Validation { .. } => "ValidationException",
            Error::ServiceQuotaExceeded { .. } => "ServiceQuotaExceededException",
            Error::AccessDenied { .. } => "AccessDeniedException",
            Error::ResourceNotFound { .. } => "ResourceNotFoundException",
            Error::Conflict { .. } => "ConflictException",
            Error::Throttling { .. } => "ThrottlingException",
            Error::InternalServer { .. } => "InternalServerException",
        }
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

    /// What went wrong, in words.
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

    /// Whether the SDKs try again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Error::Throttling { .. } | Error::InternalServer { .. })
    }

    /// Whether the caller knows that the call had no effect. After InternalServerException nobody does.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        !matches!(self, Error::InternalServer { .. })
    }

    /// The body on the wire. `retryAfterSeconds` is a header and not in it.
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

    /// After how many seconds to try again, if it says so.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            Error::Throttling { retry_after_seconds, .. }
            | Error::InternalServer { retry_after_seconds, .. } => *retry_after_seconds,
            _ => None,
        }
    }

    /// The exception called `name` with `body`: the inverse of [`Error::to_json`]; `None` if there is none of this
    /// name.
    ///
    /// # Errors
    /// A member is missing or of the wrong type.
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

    /// A number for the trace's hash.
    #[must_use]
    pub fn key(&self) -> u64 {
        let fields = match self {
            Error::Validation { field_list, .. } => field_list.len() as u64,
            _ => 0,
        };
        mix(key(&[u64::from(self.http_status()), fields]), key_of_bytes(self.message().as_bytes()))
    }
}

/// Every member that a body can have.
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

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.message())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn only_an_internal_error_leaves_the_caller_in_doubt() {
        let internal = Error::InternalServer { message: String::new(), retry_after_seconds: None };
        assert!(!internal.is_definite() && internal.is_retryable());
        assert!(Error::other(String::new()).is_definite());
    }
}
