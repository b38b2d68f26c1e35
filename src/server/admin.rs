//! The control interface for tests: JSON over HTTP, under a path that no operation of the API uses.
//!
//! | request | answer or effect |
//! |---|---|
//! | `GET /_sim/` | the live page, in HTML; its files are `live.js` and `live.css` |
//! | `GET /_sim/events` | server-sent events: a `picture` of the world, then its `changes` |
//! | `GET /_sim/state?max-results=N&next-token=TOKEN` | a page of the clusters, in the shape of GetCluster's output |
//! | `GET /_sim/trace` | the latest lines of the trace, oldest first |
//! | `GET /_sim/time` | the virtual time in nanoseconds, and the time of day at virtual time 0 |
//! | `GET /_sim/verdict` | the violations of invariants so far, events, hash, end of the trace, faults without effect |
//! | `POST /_sim/verdict` | the same at the end of the run: the world is healed, and must converge |
//! | `GET /_sim/permissions` | by principal, the least IAM policy that allows the calls made so far |
//! | `GET /_sim/faults` | the active faults, as commands of the scenario language |
//! | `POST /_sim/faults` | injects faults; the body is `{"faults": ["crash us-east-1"]}`, in the same form |
//! | `POST /_sim/advance` | advances virtual time at once; the body is `{"by": "30s"}`, at most 366 days |
//! | `GET /_sim/clock` | the kind of the clock, the virtual time, and whether it passes |
//! | `POST /_sim/clock` | changes it; the body has some of `{"paused": true, "speed": 60, "step": true}` |
//! | `GET /_sim/scenario` | the run so far as a scenario file, if the calls are recorded |
//! | `POST /_sim/reset` | starts the world again from its scenario; the body may be `{"seed": 7, "faults": "swarm"}` |
//!
//! A run begins with a reset and ends with `POST /_sim/verdict`. From then on calls, faults and advances are refused,
//! until the next reset; the world can still be read. The member `faults` of a reset is `swarm`, for random recoverable
//! faults that the seed draws about the Regions in `regions`, or lines of fault verbs. The answer has the faults as
//! such lines, each with those that end it. After a reset with a seed, the same requests get the same answers.
//!
//! A clock that follows the wall clock can be paused: calls then wait, and so do their clients. `step` lets the next
//! event happen in a clock that is paused or stepped. A stepped clock stands still by itself, so it refuses the other
//! two members. A reset begins with the clock with which the server was started. The page needs no token, and all that
//! it reads and does needs it.
//!
//! Every answer in JSON has the virtual time as `virtualMilliseconds`. An invalid request is answered with 400, 404 or
//! 405, one that the access rules refuse with 401, 403 or 415, a request after the world has ended with 503, and the
//! body is then `{"message": …}`.

use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::region::Region;
use crate::sim::DEFAULT_EPOCH;
use crate::types::parse_duration;

use super::MOST_SPEED;
use super::handle::{ClockChange, ResetFaults, ResetOptions, WorldHandle};
use super::live_feed::EventQueue;
use super::live_page::{self, PageFile};
use super::views::StatePage;

/// The path of the control interface, without a slash behind it.
const PREFIX: &str = "/_sim";

/// A status and a JSON body.
pub(super) type AdminAnswer = (StatusCode, Value);

/// The answer of the control interface.
#[derive(Debug)]
pub(super) enum ControlAnswer {
    /// A JSON body.
    Json(AdminAnswer),
    /// The text of a scenario.
    Scenario(String),
    /// Events for as long as the client reads them.
    Events(EventQueue),
}

/// Whether `path` belongs to the control interface.
pub(super) fn has(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The file of the live page at `path`. It holds nothing about the world, so every client may have it.
pub(super) fn page_file(path: &str) -> Option<PageFile> {
    live_page::file(path.strip_prefix(PREFIX)?)
}

/// Answers a request with this method, path, query and body.
pub(super) async fn answer(
    handle: &WorldHandle,
    method: &str,
    (path, query): (&str, &str),
    body: &[u8],
) -> ControlAnswer {
    let path = path.strip_prefix(PREFIX).unwrap_or_default();
    ControlAnswer::Json(match (method, path) {
        ("GET", "/events") => match handle.watch().await {
            Some(Ok(queue)) => return ControlAnswer::Events(queue),
            Some(Err(message)) => refused(StatusCode::TOO_MANY_REQUESTS, &message),
            None => answered(None),
        },
        ("GET", "/scenario") => match handle.scenario().await {
            Some(Ok(text)) => return ControlAnswer::Scenario(text),
            Some(Err(message)) => refused(StatusCode::CONFLICT, &message),
            None => answered(None),
        },
        _ => answer_in_json(handle, method, (path, query), body).await,
    })
}

async fn answer_in_json(
    handle: &WorldHandle,
    method: &str,
    (path, query): (&str, &str),
    body: &[u8],
) -> AdminAnswer {
    match (method, path) {
        ("GET", "/state") => state(handle, query).await,
        ("GET", "/trace") => answered(handle.trace().await),
        ("GET", "/time") => answered(Some(time(handle))),
        ("GET", "/verdict") => answered(handle.verdict().await),
        ("POST", "/verdict") => judged(handle.end_run().await),
        ("GET", "/permissions") => answered(handle.permissions().await),
        ("GET", "/faults") => answered(handle.faults().await),
        ("POST", "/faults") => faults(handle, body).await,
        ("POST", "/advance") => advance(handle, body).await,
        ("GET", "/clock") => judged(handle.clock(ClockChange::default()).await),
        ("POST", "/clock") => clock(handle, body).await,
        ("POST", "/reset") => reset(handle, body).await,
        (_, path) if KNOWN_PATHS.contains(&path) => {
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
    faults: Option<String>,
    regions: Option<Vec<String>>,
}

impl Reset {
    fn options(self) -> Result<ResetOptions, String> {
        let regions = self.regions.map(|names| {
            let read = |name: String| Region::parse(&name).ok_or_else(|| format!("unknown Region {name}"));
            names.into_iter().map(read).collect::<Result<Vec<_>, _>>()
        });
        let faults = match (self.faults, regions.transpose()?) {
            (Some(swarm), regions) if swarm == "swarm" => {
                Some(ResetFaults::Swarm(regions.unwrap_or_else(|| SWARM_REGIONS.to_vec())))
            }
            (_, Some(_)) => return Err("`regions` are those of `\"faults\": \"swarm\"`".to_owned()),
            (text, None) => text.map(ResetFaults::Text),
        };
        Ok(ResetOptions { seed: self.seed, faults })
    }
}

async fn reset(handle: &WorldHandle, body: &[u8]) -> AdminAnswer {
    let body = if body.is_empty() { b"{}" } else { body };
    let read = serde_json::from_slice::<Reset>(body).map_err(|error| {
        format!("expected no body, or one such as {{\"seed\": 7, \"faults\": \"swarm\"}}: {error}")
    });
    match read.and_then(Reset::options) {
        Ok(options) => judged(handle.reset(options).await),
        Err(message) => refused(StatusCode::BAD_REQUEST, &message),
    }
}

/// The virtual time, to the nanosecond, and the time of day at its beginning.
fn time(handle: &WorldHandle) -> Value {
    let now = handle.time().get();
    json!({
        "virtualMilliseconds": now.0 / 1_000_000,
        "virtualNanoseconds": now.0,
        "epochMilliseconds": DEFAULT_EPOCH.0,
    })
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    paused: Option<bool>,
    speed: Option<u32>,
    #[serde(default)]
    step: bool,
}

async fn clock(handle: &WorldHandle, body: &[u8]) -> AdminAnswer {
    let Ok(ClockBody { paused, speed, step }) = serde_json::from_slice(body) else {
        return refused(
            StatusCode::BAD_REQUEST,
            "expected a body with some of {\"paused\": true, \"speed\": 60, \"step\": true}",
        );
    };
    if speed.is_some_and(|speed| !(1..=MOST_SPEED).contains(&speed)) {
        return refused(StatusCode::BAD_REQUEST, &format!("the speed is from 1 to {MOST_SPEED}"));
    }
    judged(handle.clock(ClockChange { is_paused: paused, speed, steps: step }).await)
}

/// The answer to a request that the world may refuse.
pub(super) fn judged(answer: Option<Result<Value, String>>) -> AdminAnswer {
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

/// The paths below that of the control interface.
const KNOWN_PATHS: [&str; 15] = [
    "",
    "/",
    "/live.js",
    "/live.css",
    "/events",
    "/state",
    "/trace",
    "/time",
    "/verdict",
    "/permissions",
    "/faults",
    "/advance",
    "/clock",
    "/scenario",
    "/reset",
];

/// The Regions of random faults, if a reset names none: two for clusters, and one that witnesses them.
const SWARM_REGIONS: [Region; 3] = [Region::US_EAST_1, Region::US_EAST_2, Region::US_WEST_2];

/// The longest advance. The request blocks all others while the world simulates it.
const MAX_ADVANCE: Duration = Duration::from_secs(366 * 24 * 60 * 60);
