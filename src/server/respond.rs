//! The answer of the server to one request: access rules, then the control interface, other services, and the API.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{Either, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use serde_json::json;

use crate::api::wire::{self, CredentialScope, ERROR_TYPE, HttpRequest, HttpResponse, SignedParts};
use crate::api::{Error, ValidationReason};
use crate::types::parse_duration;

use super::access::{AccessRefusal, AccessRules};
use super::admin::{self, AdminAnswer, ControlAnswer};
use super::callers::Callers;
use super::conventions;
use super::handle::{ClientRequest, WorldHandle};
use super::live_feed::EventBody;
use super::live_page;
use super::other_services::{self, ServiceAnswer};
use super::request_log::LoggedRequest;

/// Answers requests. Clones share everything.
#[derive(Clone)]
pub(super) struct Responder {
    pub(super) handle: WorldHandle,
    pub(super) rules: Arc<AccessRules>,
    pub(super) callers: Callers,
}

/// The body of an answer: all of it, or events for as long as the client reads them.
pub(super) type ResponseBody = Either<Full<Bytes>, EventBody>;

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
    ) -> Result<Response<ResponseBody>, AnswerLost> {
        if let Err(refusal) = self.rules.check_sender(head, own) {
            return Ok(refused(&refusal).map(Either::Left));
        }
        let path = head.uri.path();
        if admin::has(path) || conventions::has(path) {
            return Ok(self.control(head, body).await);
        }
        Ok(self.call(id, head, body, logged).await?.map(Either::Left))
    }

    /// Answers a request to the control interface.
    async fn control(&self, head: &Parts, body: &Bytes) -> Response<ResponseBody> {
        let (method, path) = (head.method.as_str(), head.uri.path());
        if method == "GET"
            && let Some((content_type, content)) = admin::page_file(path)
        {
            return page_response(content_type, content).map(Either::Left);
        }
        if !conventions::is_health(path)
            && let Err(refusal) = self.rules.check_control(head, !body.is_empty())
        {
            return refused(&refusal).map(Either::Left);
        }
        let target = (path, head.uri.query().unwrap_or_default());
        let answer = match admin::has(path) {
            true => admin::answer(&self.handle, method, target, body).await,
            false => ControlAnswer::Json(conventions::answer(&self.handle, method, path, body).await),
        };
        match answer {
            ControlAnswer::Json(answer) => admin_response(answer).map(Either::Left),
            ControlAnswer::Scenario(text) => scenario_response(text).map(Either::Left),
            ControlAnswer::Events(queue) => {
                let mut response = Response::new(Either::Right(EventBody::new(queue)));
                add_headers(&mut response, &[("content-type", "text/event-stream")]);
                add_headers(&mut response, &live_page::HEADERS);
                response
            }
        }
    }

    /// Answers a request to AWS.
    async fn call(
        &self,
        id: &str,
        head: &Parts,
        body: &Bytes,
        logged: &mut LoggedRequest,
    ) -> Result<Response<Full<Bytes>>, AnswerLost> {
        let (method, path) = (head.method.as_str(), head.uri.path());
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
    let mut response = with_content(status, "application/json", body.to_string());
    add_headers(&mut response, &[("x-content-type-options", "nosniff")]);
    response
}

/// A file of the live page.
fn page_response(content_type: &'static str, content: String) -> Response<Full<Bytes>> {
    let mut response = with_content(StatusCode::OK, content_type, content);
    add_headers(&mut response, &live_page::HEADERS);
    response
}

/// A scenario, which a browser saves as a file.
fn scenario_response(text: String) -> Response<Full<Bytes>> {
    let mut response = page_response("text/plain; charset=utf-8", text);
    add_headers(&mut response, &[("content-disposition", "attachment; filename=\"recorded.scenario\"")]);
    response
}

fn add_headers<B>(response: &mut Response<B>, headers: &[(&'static str, &'static str)]) {
    for (name, value) in headers {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
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
