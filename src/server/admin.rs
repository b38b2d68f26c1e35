//! The control interface for tests: JSON over HTTP, under a path that no operation of the API uses.
//!
//! | request | answer or effect |
//! |---|---|
//! | `GET /_sim/state` | the clusters of every Region, in the shape of GetCluster's output |
//! | `GET /_sim/trace` | the latest lines of the trace, oldest first |
//! | `GET /_sim/verdict` | the violations of invariants so far, the number of events and the hash of the run |
//! | `GET /_sim/permissions` | by principal, the least IAM policy that allows the calls made so far |
//! | `POST /_sim/faults` | injects faults; the body is lines of the scenario language, as in `crash us-east-1` |
//! | `POST /_sim/advance` | advances virtual time at once; the body is `{"by": "30s"}`, at most 366 days |
//! | `POST /_sim/reset` | starts the world again from the scenario it was served with |
//!
//! Every answer has the virtual time as `virtualMilliseconds`. An invalid request is answered with 400, 404 or 405, a
//! request after the world has ended with 503, and the body is then `{"message": …}`.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::types::parse_duration;

use super::handle::WorldHandle;

/// The prefix of every path of the control interface.
pub(super) const PREFIX: &str = "/_sim/";

pub(super) fn router(handle: WorldHandle) -> Router {
    Router::new()
        .route("/_sim/state", get(async |State(handle): State<WorldHandle>| answered(handle.state().await)))
        .route("/_sim/trace", get(async |State(handle): State<WorldHandle>| answered(handle.trace().await)))
        .route(
            "/_sim/verdict",
            get(async |State(handle): State<WorldHandle>| answered(handle.verdict().await)),
        )
        .route(
            "/_sim/permissions",
            get(async |State(handle): State<WorldHandle>| answered(handle.permissions().await)),
        )
        .route("/_sim/reset", post(async |State(handle): State<WorldHandle>| answered(handle.reset().await)))
        .route("/_sim/faults", post(faults))
        .route("/_sim/advance", post(advance))
        .fallback(async || refused(StatusCode::NOT_FOUND, "unknown path under /_sim/"))
        .method_not_allowed_fallback(async || {
            refused(StatusCode::METHOD_NOT_ALLOWED, "the path does not take this method")
        })
        .with_state(handle)
}

type AdminAnswer = (StatusCode, Json<Value>);

async fn faults(State(handle): State<WorldHandle>, body: String) -> AdminAnswer {
    match handle.fault(body).await {
        Some(Err(error)) => refused(StatusCode::BAD_REQUEST, &error),
        Some(Ok(answer)) => answered(Some(answer)),
        None => answered(None),
    }
}

#[derive(Deserialize)]
struct Advance {
    by: String,
}

async fn advance(State(handle): State<WorldHandle>, body: String) -> AdminAnswer {
    let by = serde_json::from_str(&body).ok().and_then(|Advance { by }| parse_duration(&by));
    match by {
        Some(by) if by <= MAX_ADVANCE => answered(handle.advance(by).await),
        _ => {
            refused(StatusCode::BAD_REQUEST, "expected a body such as {\"by\": \"30s\"}, of at most 366 days")
        }
    }
}

/// `None` means that the world's thread has ended before it answered.
fn answered(answer: Option<Value>) -> AdminAnswer {
    answer.map_or_else(
        || refused(StatusCode::SERVICE_UNAVAILABLE, "the world has ended"),
        |answer| (StatusCode::OK, Json(answer)),
    )
}

fn refused(status: StatusCode, message: &str) -> AdminAnswer {
    (status, Json(json!({ "message": message })))
}

/// The longest advance. The request blocks all others while the world simulates it.
const MAX_ADVANCE: Duration = Duration::from_secs(366 * 24 * 60 * 60);
