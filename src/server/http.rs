//! The HTTP server: accepts connections, decodes requests and encodes answers.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use uuid::Uuid;

use crate::api::wire::{self, HttpRequest, HttpResponse};
use crate::api::{Error, ValidationReason};

use super::Limits;
use super::admin::{self, AdminAnswer};
use super::handle::WorldHandle;
use super::request_log::LoggedRequest;

/// Serves until the process receives SIGTERM or SIGINT.
pub(super) async fn serve(listener: TcpListener, handle: &WorldHandle, limits: Limits) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let permits = Arc::new(Semaphore::new(limits.connections));
    let service = HttpService { handle: handle.clone(), limits, served: Arc::default() };
    loop {
        // Without a permit, connections wait in the backlog of the socket, where they take no memory of this process.
        let permit = permits.clone().acquire_owned().await.map_err(io::Error::other)?;
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Too many open files, or the client has disconnected: neither concerns the next connection.
                Err(_) => continue,
            },
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        };
        let service = service.clone();
        tokio::spawn(async move {
            service.serve_connection(stream).await;
            drop(permit);
        });
    }
}

/// The state that every connection shares.
#[derive(Clone)]
struct HttpService {
    handle: WorldHandle,
    limits: Limits,
    /// The number of requests so far. Request ids count, so that they are the same in every run.
    served: Arc<AtomicU64>,
}

/// The request has no answer, because the simulated network lost it or the body did not arrive. The error makes hyper
/// close the connection without a response.
#[derive(Debug, thiserror::Error)]
#[error("the answer is lost")]
struct AnswerLost;

impl HttpService {
    async fn serve_connection(self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let limits = self.limits;
        let service = service_fn(move |request| {
            let service = self.clone();
            async move { service.answer(request).await }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(limits.patience).max_buf_size(MAX_HEAD_BYTES);
        // An error of one connection, as when its client disconnects or sends no HTTP, does not concern the server.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.patience));
        let _ = http.serve_connection(TokioIo::new(Box::pin(stream)), service).await;
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, AnswerLost> {
        let number = self.served.fetch_add(1, Ordering::Relaxed);
        let id = Uuid::from_u64_pair(0, number).to_string();
        let (head, body) = request.into_parts();
        let mut logged = LoggedRequest::begin(&head, self.handle.time());
        let response = self.respond(&id, head, body, &mut logged).await?;
        logged.answered(&response);
        Ok(response)
    }

    async fn respond(
        self,
        id: &str,
        head: Parts,
        body: Incoming,
        logged: &mut LoggedRequest,
    ) -> Result<Response<Full<Bytes>>, AnswerLost> {
        let body = match timeout(self.limits.patience, Limited::new(body, self.limits.body).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                let message = format!("The request's body is larger than {} bytes", self.limits.body);
                let reason = ValidationReason::CannotParse;
                let mut response = response(wire::encode(
                    Err(&Error::Validation { message, reason, field_list: Vec::new() }),
                    id,
                ));
                // The rest of the body is not read, so the connection cannot carry another request.
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                return Ok(response);
            }
            // The client disconnected within the body, or sent it too slowly.
            Ok(Err(_)) | Err(_) => return Err(AnswerLost),
        };
        if head.uri.path().starts_with(admin::PREFIX) {
            let (method, path) = (head.method.as_str(), head.uri.path());
            return Ok(admin_response(admin::answer(&self.handle, method, path, &body).await));
        }
        let header = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
        let parts = HttpRequest {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            body: &body,
        };
        let (origin, request) = match wire::receive(parts, header(AUTHORIZATION), header(HOST)) {
            Ok(received) => received,
            Err(error) => return Ok(response(wire::encode(Err(&error), id))),
        };
        logged.calls(origin.region, request.operation());
        let answer = self.handle.call(origin, request, body.len()).await.ok_or(AnswerLost)?;
        Ok(response(wire::encode(answer.as_deref().map_err(|error| &**error), id)))
    }
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
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The largest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
