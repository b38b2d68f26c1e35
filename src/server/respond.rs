//! The answer of the server to one request: access rules, then the control interface, other services, and the API.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde_json::json;

use crate::api::wire::{self, CredentialScope, ERROR_TYPE, HttpRequest, HttpResponse, SignedParts};
use crate::api::{Error, ValidationReason};
use crate::types::parse_duration;

use super::access::{AccessRefusal, AccessRules};
use super::admin::{self, AdminAnswer};
use super::callers::Callers;
use super::conventions;
use super::handle::{ClientRequest, WorldHandle};
use super::other_services::{self, ServiceAnswer};
use super::request_log::LoggedRequest;

/// Answers requests. Clones share everything.
#[derive(Clone)]
pub(super) struct Responder {
    pub(super) handle: WorldHandle,
    pub(super) rules: Arc<AccessRules>,
    pub(super) callers: Callers,
}

/// The request has no answer, because the simulated network lost it. The error makes hyper close the connection without
/// a response.
#[derive(Debug, thiserror::Error)]
#[error("the answer is lost")]
pub(super) struct AnswerLost;

impl Responder {
    /// Answers the request with this head and body. `id` identifies it; `own` is the address at which it arrived.
    pub(super) async fn respond(
        &self,
        id: &str,
        own: Option<IpAddr>,
        head: &Parts,
        body: &Bytes,
        logged: &mut LoggedRequest,
    ) -> Result<Response<Full<Bytes>>, AnswerLost> {
        if let Err(refusal) = self.rules.check_sender(head, own) {
            return Ok(refused(&refusal));
        }
        let (method, path) = (head.method.as_str(), head.uri.path());
        if admin::has(path) || conventions::has(path) {
            let has_body = !body.is_empty();
            if !conventions::is_health(path)
                && let Err(refusal) = self.rules.check_control(head, has_body)
            {
                return Ok(refused(&refusal));
            }
            let target = (path, head.uri.query().unwrap_or_default());
            return Ok(admin_response(match admin::has(path) {
                true => admin::answer(&self.handle, method, target, body).await,
                false => conventions::answer(&self.handle, method, path, body).await,
            }));
        }
        let header = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
        let signed = SignedParts {
            authorization: header(AUTHORIZATION),
            region_set: header(REGION_SET),
            host: header(HOST),
            query: head.uri.query().unwrap_or_default(),
        };
        let scope = CredentialScope::of(signed);
        if let Some(answer) = other_services::answer(&self.callers, id, head, body, scope.as_ref()) {
            return Ok(service_response(answer));
        }
        let request = HttpRequest { method, path, query: signed.query, body };
        let (origin, request) = match wire::receive(request, signed) {
            Ok(received) => received,
            Err(error) => return Ok(response(wire::encode(Err(&error), id))),
        };
        let time_out = match header(CLIENT_TIMEOUT).map(client_timeout).transpose() {
            Ok(time_out) => time_out,
            Err(message) => return Ok(unreadable(message, id)),
        };
        logged.calls(origin.region, request.operation());
        let call = ClientRequest { origin, request, bytes: body.len(), time_out };
        let answer = self.handle.call(call).await.ok_or(AnswerLost)?;
        Ok(response(wire::encode(answer.as_deref().map_err(|error| &**error), id)))
    }
}

/// The virtual time that a client waits for an answer, as `--client-timeout` and its header have it.
///
/// # Errors
/// The text is no duration from a millisecond to a day.
pub fn client_timeout(text: &str) -> Result<Duration, String> {
    parse_duration(text)
        .filter(|time_out| CLIENT_TIMEOUTS.contains(time_out))
        .ok_or_else(|| format!("the time-out of a client is from 1ms to 1day, as in `2s500ms`, not `{text}`"))
}

/// The answer to a request whose body cannot be read, for the reason in `message`.
pub(super) fn unreadable(message: String, id: &str) -> Response<Full<Bytes>> {
    let error = Error::Validation { message, reason: ValidationReason::CannotParse, field_list: Vec::new() };
    response(wire::encode(Err(&error), id))
}

fn response(parts: HttpResponse) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(parts.body));
    *response.status_mut() = StatusCode::from_u16(parts.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in parts.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

fn admin_response((status, body): AdminAnswer) -> Response<Full<Bytes>> {
    with_content(status, "application/json", body.to_string())
}

/// The refusal of the access rules, which an SDK reads as AccessDeniedException.
fn refused(refusal: &AccessRefusal) -> Response<Full<Bytes>> {
    let body = json!({ "message": refusal.message }).to_string();
    let mut response = with_content(refusal.status, "application/json", body);
    response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static("AccessDeniedException"));
    response
}

fn service_response(answer: ServiceAnswer) -> Response<Full<Bytes>> {
    let mut response = with_content(answer.status, answer.content_type, answer.body);
    if let Some(error) = answer.error {
        response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(error));
    }
    response
}

fn with_content(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The header with the time-out of one request's client.
const CLIENT_TIMEOUT: HeaderName = HeaderName::from_static("x-dsql-sim-client-timeout");

const CLIENT_TIMEOUTS: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(24 * 60 * 60);

const REGION_SET: HeaderName = HeaderName::from_static("x-amz-region-set");
