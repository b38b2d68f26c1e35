//! What a test asks of the world itself, in JSON, under a path that no operation of the API uses.
//!
//! | | |
//! |---|---|
//! | `GET /_sim/state` | the clusters of every Region, as GetCluster shows them |
//! | `GET /_sim/trace` | the last lines of the trace, oldest first |
//! | `GET /_sim/verdict` | the invariants that did not hold so far, how much happened, and the hash of it |
//! | `GET /_sim/permissions` | the least IAM policy that allows what was called so far, by principal |
//! | `POST /_sim/faults` | the body is lines of fault verbs of the scenario language, as in `crash us-east-1` |
//! | `POST /_sim/advance` | `{"by": "30s"}`: so much virtual time passes at once |
//! | `POST /_sim/reset` | the world begins anew, as it was when it was first served |
//!
//! Each answers with the virtual time, in milliseconds. A request that makes no sense is answered with 400 and
//! `{"message": …}`.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::types::parse_duration;

use super::handle::WorldHandle;

/// What every path here begins with.
pub(super) const PREFIX: &str = "/_sim/";

pub(super) fn router(desk: WorldHandle) -> Router {
    Router::new()
        .route("/_sim/state", get(async |State(desk): State<WorldHandle>| given(desk.state().await)))
        .route("/_sim/trace", get(async |State(desk): State<WorldHandle>| given(desk.trace().await)))
        .route("/_sim/verdict", get(async |State(desk): State<WorldHandle>| given(desk.verdict().await)))
        .route(
            "/_sim/permissions",
            get(async |State(desk): State<WorldHandle>| given(desk.permissions().await)),
        )
        .route("/_sim/reset", post(async |State(desk): State<WorldHandle>| given(desk.reset().await)))
        .route("/_sim/faults", post(faults))
        .route("/_sim/advance", post(advance))
        .fallback(async || refused(StatusCode::NOT_FOUND, "there is no such thing under /_sim/"))
        .method_not_allowed_fallback(async || refused(StatusCode::METHOD_NOT_ALLOWED, "not with this method"))
        .with_state(desk)
}

type Told = (StatusCode, Json<Value>);

async fn faults(State(desk): State<WorldHandle>, body: String) -> Told {
    match desk.fault(body).await {
        Some(Err(mistake)) => refused(StatusCode::BAD_REQUEST, &mistake),
        Some(Ok(told)) => given(Some(told)),
        None => given(None),
    }
}

#[derive(Deserialize)]
struct Advance {
    by: String,
}

async fn advance(State(desk): State<WorldHandle>, body: String) -> Told {
    let by = serde_json::from_str(&body).ok().and_then(|Advance { by }| parse_duration(&by));
    match by {
        Some(by) if by <= LONGEST => given(desk.advance(by).await),
        _ => refused(StatusCode::BAD_REQUEST, "write it as in {\"by\": \"30s\"}, a year at most"),
    }
}

fn given(told: Option<Value>) -> Told {
    told.map_or_else(
        || refused(StatusCode::SERVICE_UNAVAILABLE, "the world has ended"),
        |told| (StatusCode::OK, Json(told)),
    )
}

fn refused(status: StatusCode, why: &str) -> Told {
    (status, Json(json!({ "message": why })))
}

/// The most virtual time that passes at once.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
