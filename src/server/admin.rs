//! The control interface for tests: JSON over HTTP, under a path that no operation of the API uses.
//!
//! | request | answer or effect |
//! |---|---|
//! | `GET /_sim/state?max-results=N&next-token=TOKEN` | a page of the clusters, in the shape of GetCluster's output |
//! | `GET /_sim/trace` | the latest lines of the trace, oldest first |
//! | `GET /_sim/verdict` | the violations of invariants so far, the number of events and the hash of the run |
//! | `GET /_sim/permissions` | by principal, the least IAM policy that allows the calls made so far |
//! | `GET /_sim/faults` | the active faults, as commands of the scenario language |
//! | `POST /_sim/faults` | injects faults; the body is `{"faults": ["crash us-east-1"]}`, in the same form |
//! | `POST /_sim/advance` | advances virtual time at once; the body is `{"by": "30s"}`, at most 366 days |
//! | `POST /_sim/reset` | starts the world again from the scenario it was served with; the body may be `{"seed": 7}` |
//!
//! Every answer has the virtual time as `virtualMilliseconds`. An invalid request is answered with 400, 404 or 405, one
//! that the access rules refuse with 401, 403 or 415, a request after the world has ended with 503, and the body is
//! then `{"message": …}`.

use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::types::parse_duration;

use super::handle::WorldHandle;
use super::views::StatePage;

/// The path of the control interface, without a slash behind it.
const PREFIX: &str = "/_sim";

/// A status and a JSON body.
pub(super) type AdminAnswer = (StatusCode, Value);

/// Whether `path` belongs to the control interface.
pub(super) fn has(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a request with this method, path, query and body.
pub(super) async fn answer(
    handle: &WorldHandle,
    method: &str,
    (path, query): (&str, &str),
    body: &[u8],
) -> AdminAnswer {
    match (method, path.strip_prefix(PREFIX).unwrap_or_default()) {
        ("GET", "/state") => state(handle, query).await,
        ("GET", "/trace") => answered(handle.trace().await),
        ("GET", "/verdict") => answered(handle.verdict().await),
        ("GET", "/permissions") => answered(handle.permissions().await),
        ("GET", "/faults") => answered(handle.faults().await),
        ("POST", "/faults") => faults(handle, body).await,
        ("POST", "/advance") => advance(handle, body).await,
        ("POST", "/reset") => reset(handle, body).await,
        (_, "/state" | "/trace" | "/verdict" | "/permissions" | "/faults" | "/advance" | "/reset") => {
            refused(StatusCode::METHOD_NOT_ALLOWED, "the path does not take this method")
        }
        _ => refused(StatusCode::NOT_FOUND, "unknown path under /_sim/"),
    }
}

async fn state(handle: &WorldHandle, query: &str) -> AdminAnswer {
    match StatePage::read(query) {
        Ok(page) => answered(handle.state(page).await),
        Err(message) => refused(StatusCode::BAD_REQUEST, &message),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    faults: Vec<String>,
}

async fn faults(handle: &WorldHandle, body: &[u8]) -> AdminAnswer {
    let Ok(Faults { faults }) = serde_json::from_slice(body) else {
        return refused(
            StatusCode::BAD_REQUEST,
            "expected a body such as {\"faults\": [\"outage us-west-2\"]}",
        );
    };
    judged(handle.fault(faults.join("\n")).await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    seed: Option<u64>,
}

async fn reset(handle: &WorldHandle, body: &[u8]) -> AdminAnswer {
    let body = if body.is_empty() { b"{}" } else { body };
    match serde_json::from_slice(body) {
        Ok(Reset { seed }) => answered(handle.reset(seed).await),
        Err(error) => {
            let message = format!("expected no body, or one such as {{\"seed\": 7}}: {error}");
            refused(StatusCode::BAD_REQUEST, &message)
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    by: String,
}

async fn advance(handle: &WorldHandle, body: &[u8]) -> AdminAnswer {
    let by = serde_json::from_slice(body).ok().and_then(|Advance { by }| parse_duration(&by));
    match by {
        Some(by) if by <= MAX_ADVANCE => judged(handle.advance(by).await),
        _ => {
            refused(StatusCode::BAD_REQUEST, "expected a body such as {\"by\": \"30s\"}, of at most 366 days")
        }
    }
}

/// The answer to a request that the world may refuse.
fn judged(answer: Option<Result<Value, String>>) -> AdminAnswer {
    match answer {
        Some(Err(error)) => refused(StatusCode::BAD_REQUEST, &error),
        Some(Ok(answer)) => answered(Some(answer)),
        None => answered(None),
    }
}

/// `None` means that the world's thread has ended before it answered.
pub(super) fn answered(answer: Option<Value>) -> AdminAnswer {
    answer.map_or_else(
        || refused(StatusCode::SERVICE_UNAVAILABLE, "the world has ended"),
        |answer| (StatusCode::OK, answer),
    )
}

pub(super) fn refused(status: StatusCode, message: &str) -> AdminAnswer {
    (status, json!({ "message": message }))
}

/// The longest advance. The request blocks all others while the world simulates it.
const MAX_ADVANCE: Duration = Duration::from_secs(366 * 24 * 60 * 60);
