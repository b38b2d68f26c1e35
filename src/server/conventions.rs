//! The paths by which people know other local stand-ins for AWS: health, reset, and injected errors.
//!
//! | request | answer or effect |
//! |---|---|
//! | `GET /health`, `GET /_localstack/health` | whether the world goes on; needs no token |
//! | `POST /moto-api/reset`, `POST /_localstack/state/reset` | `POST /_sim/reset` without a body |
//! | `GET /_localstack/chaos/faults` | the injected errors, as rules |
//! | `POST /_localstack/chaos/faults` | these rules, instead of all faults of the network and all injected errors |
//! | `PATCH /_localstack/chaos/faults` | these rules, in addition |
//! | `DELETE /_localstack/chaos/faults` | `heal`: no rule |
//!
//! A rule has the members `service` (`dsql`), `region`, `operation`, `probability` (from 0 to 1, in hundredths) and
//! `error.code` (the name of an exception of the API), each of them optional. It has an effect until it is removed.

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Number, Value, json};

use crate::Region;
use crate::scenario::injected_error;

use super::admin::{AdminAnswer, answered, judged, refused};
use super::handle::{ResetOptions, WorldHandle};

/// Whether `path` is one of these.
pub(super) fn has(path: &str) -> bool {
    path == HEALTH || path.starts_with("/_localstack/") || path.starts_with("/moto-api/")
}

/// Whether `path` is one that monitoring asks for, without a token.
pub(super) fn is_health(path: &str) -> bool {
    path == HEALTH || path == LOCALSTACK_HEALTH
}

/// Answers a request with this method, path and body.
pub(super) async fn answer(handle: &WorldHandle, method: &str, path: &str, body: &[u8]) -> AdminAnswer {
    match (method, path) {
        ("GET" | "HEAD", HEALTH | LOCALSTACK_HEALTH) => health(handle).await,
        ("POST", "/moto-api/reset" | "/_localstack/state/reset") => {
            let (status, mut answer) = judged(handle.reset(ResetOptions::default()).await);
            if status == StatusCode::OK {
                answer["status"] = Value::from("ok");
            }
            (status, answer)
        }
        ("GET", CHAOS) => rules(handle.faults().await),
        ("POST", CHAOS) => chaos(handle, body, "heal\n").await,
        ("PATCH", CHAOS) => chaos(handle, body, "").await,
        ("DELETE", CHAOS) => chaos(handle, b"[]", "heal\n").await,
        (_, HEALTH | LOCALSTACK_HEALTH | CHAOS | "/moto-api/reset" | "/_localstack/state/reset") => {
            refused(StatusCode::METHOD_NOT_ALLOWED, "the path does not take this method")
        }
        _ => {
            refused(StatusCode::NOT_FOUND, "unknown path: the control interface of dsql-sim is below /_sim/")
        }
    }
}

async fn health(handle: &WorldHandle) -> AdminAnswer {
    let (status, mut answer) = answered(handle.verdict().await);
    if status == StatusCode::OK {
        let virtual_time = answer["virtualMilliseconds"].take();
        answer = json!({
            "status": "ok",
            "services": { "dsql": "running", "sts": "running" },
            "edition": "dsql-sim",
            "version": env!("CARGO_PKG_VERSION"),
            "virtualMilliseconds": virtual_time,
        });
    }
    (status, answer)
}

/// A rule of the chaos interface of LocalStack.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChaosRule {
    service: Option<String>,
    region: Option<String>,
    operation: Option<String>,
    /// The chance of each request to get the error.
    probability: Option<Number>,
    error: Option<ChaosError>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ChaosError {
    /// The status follows from the code, and any other is refused.
    status_code: Option<u16>,
    code: Option<String>,
}

impl ChaosRule {
    /// The commands of the scenario language with the same meaning.
    fn commands(&self) -> Result<String, String> {
        if let Some(service) = self.service.as_ref().filter(|service| *service != "dsql") {
            return Err(format!("`service` is `dsql` or absent, not `{service}`"));
        }
        let rate = match self.probability.as_ref().map(percent) {
            None | Some(Some(100)) => String::new(),
            Some(Some(percent)) => format!(" rate={percent}%"),
            Some(None) => {
                return Err("`probability` is from 0 to 1 with two decimals at most, as in 0.25".to_owned());
            }
        };
        let code = self.error.as_ref().and_then(|error| error.code.as_deref()).unwrap_or(DEFAULT_ERROR);
        let status = self.error.as_ref().and_then(|error| error.status_code);
        let known = injected_error(code)
            .ok_or_else(|| format!("`error.code` is an exception of Aurora DSQL, not `{code}`"))?;
        if status.is_some_and(|status| status != known.http_status()) {
            return Err(format!("`error.statusCode` of {code} is {}", known.http_status()));
        }
        let operation = self.operation.as_deref().unwrap_or_default();
        let regions: Vec<&str> = match &self.region {
            Some(region) => vec![region.as_str()],
            None => Region::all().map(Region::name).collect(),
        };
        let line =
            |region: &str| format!("fail {region} {operation} error={code} times={}{rate}\n", u32::MAX);
        // A line feed would begin a command of its own.
        let is_word =
            |text: &str| text.chars().all(|character| character.is_ascii_alphanumeric() || character == '-');
        match is_word(operation) && regions.iter().all(|region| is_word(region)) {
            true => Ok(regions.into_iter().map(line).collect()),
            false => Err("`region` and `operation` are single words".to_owned()),
        }
    }
}

/// The percentage of a probability from 0 to 1 with two decimals at most, read from its digits.
fn percent(probability: &Number) -> Option<u8> {
    let text = probability.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let hundredths = format!("{decimals:0<2}");
    let percent = format!("{whole}{hundredths}").parse().ok()?;
    (hundredths.len() == 2 && percent <= 100).then_some(percent)
}

/// The probability of a percentage; `None` for 100, which is the default.
fn probability(percent: &str) -> Option<Number> {
    let decimals = Some(percent).filter(|percent| percent.len() <= 2)?;
    serde_json::from_str(&format!("0.{decimals:0>2}")).ok()
}

/// Injects the rules in `body`, behind the commands `first`.
async fn chaos(handle: &WorldHandle, body: &[u8], first: &str) -> AdminAnswer {
    let rules = serde_json::from_slice::<Vec<ChaosRule>>(body)
        .map_err(|error| format!("not a list of rules: {error}"));
    let commands =
        rules.and_then(|rules| rules.iter().map(ChaosRule::commands).collect::<Result<String, String>>());
    match commands {
        Err(message) => refused(StatusCode::BAD_REQUEST, &message),
        Ok(commands) => match handle.fault(format!("{first}{commands}")).await {
            Some(Err(error)) => refused(StatusCode::BAD_REQUEST, &error),
            Some(Ok(_)) => self::rules(handle.faults().await),
            None => answered(None),
        },
    }
}

/// The injected errors among the active faults, as rules.
fn rules(faults: Option<Value>) -> AdminAnswer {
    let Some(faults) = faults else { return answered(None) };
    let lines = faults["faults"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let rule = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [verb @ ("fail" | "throttle"), region, rest @ ..] = &words[..] else { return None };
        let code = rest.iter().find_map(|word| word.strip_prefix("error="));
        let operation = rest.iter().find(|word| !word.contains('='));
        let throttling = (*verb == "throttle").then_some("ThrottlingException");
        let mut rule = json!({
            "service": "dsql",
            "region": region,
            "operation": operation,
            "error": { "code": code.or(throttling) },
        });
        let rate = rest.iter().find_map(|word| word.strip_prefix("rate=")?.strip_suffix('%'));
        if let Some(probability) = rate.and_then(probability) {
            rule["probability"] = Value::Number(probability);
        }
        Some(rule)
    };
    (StatusCode::OK, lines.filter_map(rule).collect())
}

/// The path of a health check.
pub(super) const HEALTH: &str = "/health";
const LOCALSTACK_HEALTH: &str = "/_localstack/health";
const CHAOS: &str = "/_localstack/chaos/faults";

/// The error of a rule that names none.
const DEFAULT_ERROR: &str = "InternalServerException";
