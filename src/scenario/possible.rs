//! The possible values of members of answers. A comparison with an impossible value always fails or, with `!=`, always
//! holds, and so tests nothing: it gets a warning.

use serde::Serialize;
use serde_json::Value;
use strum::{VariantArray, VariantNames};

use crate::api::{
    EncryptionStatus, EncryptionType, Error, MetricGroup, Operation, StreamFailureErrorCode, StreamStatus,
    ValidationReason,
};
use crate::types::ClusterStatus;

use super::diagnostic::{Diagnostic, Span, did_you_mean};
use super::expect::{Comparison, Operator};

/// The kind of value that a member can have.
enum SubjectKind {
    /// One of a list of texts.
    OneOf(Vec<String>),
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// Any text.
    Text,
}

/// The warning about a `test` that compares `subject`, in the answer to a call of `operation`, with a value that cannot
/// occur; `None` if the value can occur, or if the operation is not known.
pub(super) fn impossible(
    operation: Option<Operation>,
    subject: &str,
    test: &Comparison,
    span: Span,
) -> Option<Diagnostic> {
    let Comparison::Compares(operator, value) = test else { return None };
    let is_compared = matches!(operator, Operator::Equal | Operator::Unequal);
    if !is_compared || value.as_str().is_some_and(|text| text.contains('$')) {
        // The value of a reference is known only when the scenario runs.
        return None;
    }
    let wanted = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let help = match kind(operation, subject)? {
        SubjectKind::OneOf(names) if names.iter().any(|name| value == name) => return None,
        SubjectKind::OneOf(names) => {
            let all = format!("it is one of {}", names.join(", "));
            did_you_mean(&wanted, names.iter().map(String::as_str)).unwrap_or(all)
        }
        SubjectKind::Boolean if value.is_boolean() => return None,
        SubjectKind::Boolean => "it is true or false".to_owned(),
        SubjectKind::Number if value.is_number() => return None,
        SubjectKind::Number => "it is a number".to_owned(),
        SubjectKind::Text if value.is_string() => return None,
        SubjectKind::Text => format!("it is text: write it in quotes, as in \"{value}\""),
    };
    let message = format!("{subject} can never be {value}");
    Some(Diagnostic::new(message, span).help(help).warning())
}

fn kind(operation: Option<Operation>, subject: &str) -> Option<SubjectKind> {
    let is_of_stream = operation?.is_about_streams();
    let last = subject.rsplit('.').next().unwrap_or_default();
    Some(match (subject, last) {
        ("creationTime", _) | (_, "length") => SubjectKind::Number,
        ("error", _) => SubjectKind::OneOf(Error::VARIANTS.iter().copied().map(str::to_owned).collect()),
        ("http", _) => SubjectKind::Number,
        ("deletionProtectionEnabled", _) => SubjectKind::Boolean,
        ("reason", _) => names(ValidationReason::VARIANTS),
        (_, "status") if is_of_stream => names(StreamStatus::VARIANTS),
        ("status", _) => names(ClusterStatus::VARIANTS),
        ("encryptionDetails.encryptionStatus", _) => names(EncryptionStatus::VARIANTS),
        ("encryptionDetails.encryptionType", _) => names(EncryptionType::VARIANTS),
        ("statusReason.error", _) => names(StreamFailureErrorCode::VARIANTS),
        (_, "metricGroup") => names(MetricGroup::VARIANTS),
        (member, _) if TEXTS.contains(&member) || member.starts_with("tags.") => SubjectKind::Text,
        _ => return None,
    })
}

fn names(all: &[impl Serialize]) -> SubjectKind {
    let name = |value: &_| serde_json::to_value(value).unwrap_or(Value::Null);
    SubjectKind::OneOf(all.iter().filter_map(|value| name(value).as_str().map(str::to_owned)).collect())
}

/// Members of answers and errors that are text of any kind.
const TEXTS: [&str; 13] = [
    "arn",
    "clusterIdentifier",
    "endpoint",
    "identifier",
    "message",
    "multiRegionProperties.witnessRegion",
    "nextToken",
    "policy",
    "policyVersion",
    "quotaCode",
    "resourceId",
    "resourceType",
    "serviceCode",
];
