//! Responses and exceptions in HTTP responses.

use serde::de::Error as _;
use serde_json::Value;

use crate::api::{Error, Operation, Response};

use super::{ERROR_TYPE, HttpResponse, REQUEST_ID, RETRY_AFTER};

/// Encodes `answer` as an HTTP response with the id of its request.
#[must_use]
pub fn encode(answer: Result<&Response, &Error>, request_id: &str) -> HttpResponse {
    let mut headers =
        vec![("content-type", "application/json".to_owned()), (REQUEST_ID, request_id.to_owned())];
    let (status, body) = match answer {
        Ok(response) => (200, response.to_json()),
        Err(error) => {
            headers.push((ERROR_TYPE, error.name().to_owned()));
            headers.extend(error.retry_after_seconds().map(|seconds| (RETRY_AFTER, seconds.to_string())));
            (error.http_status(), error.to_json())
        }
    };
    HttpResponse { status, headers, body: body.to_string().into_bytes() }
}

/// Decodes the answer to a request of `operation`.
///
/// # Errors
/// The body is not JSON, a member is missing or of the wrong type, or the exception is unknown.
pub fn decode(
    operation: Operation,
    http: &HttpResponse,
) -> Result<Result<Response, Error>, serde_json::Error> {
    let header =
        |name: &str| http.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value);
    let body: Value = serde_json::from_slice(&http.body)?;
    if http.status == 200 {
        return Response::from_json(operation, body).map(Ok);
    }
    // As in SDKs: the header takes precedence over the body. A namespace before `#` and a URI after `:` are dropped.
    let error_type = header(ERROR_TYPE).or_else(|| body["__type"].as_str()).unwrap_or_default();
    let without_uri = error_type.split(':').next().unwrap_or_default();
    let name = without_uri.rsplit('#').next().unwrap_or_default().to_owned();
    let seconds = header(RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
    let error = Error::from_json(&name, body, seconds)?;
    error.map(Err).ok_or_else(|| serde_json::Error::custom(format!("unknown exception {name:?}")))
}
