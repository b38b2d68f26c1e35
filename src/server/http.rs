//! Sockets: HTTP taken apart and put together, and nothing else.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONNECTION, HOST, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;
use uuid::Uuid;

use crate::api::wire::{self, HttpRequest, HttpResponse};
use crate::api::{Error, ValidationReason};

use super::Limits;
use super::admin;
use super::handle::WorldHandle;

/// Serves until the process is told to end.
pub(super) async fn serve(listener: TcpListener, desk: &WorldHandle, limits: Limits) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let places = Arc::new(Semaphore::new(limits.connections));
    let door =
        Door { desk: desk.clone(), admin: admin::router(desk.clone()), limits, served: Arc::default() };
    loop {
        let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Too many open files, or a client that has gone already: others may still come.
                Err(_) => continue,
            },
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        };
        let door = door.clone();
        tokio::spawn(async move {
            door.converse(stream).await;
            drop(place);
        });
    }
}

/// What every connection needs.
#[derive(Clone)]
struct Door {
    desk: WorldHandle,
    admin: Router,
    limits: Limits,
    /// How many requests there were.
    served: Arc<AtomicU64>,
}

/// The simulated network has lost the answer, so nothing is said and the connection ends.
#[derive(Debug)]
struct Lost;

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer is lost")
    }
}

impl std::error::Error for Lost {}

impl Door {
    async fn converse(self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let limits = self.limits;
        let service = service_fn(move |request| {
            let door = self.clone();
            async move { door.answer(request).await }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(limits.patience).max_buf_size(LARGEST_HEAD);
        // A connection ends well, or its client has gone or broken the rules: there is nobody to tell.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.patience));
        let _ = http.serve_connection(TokioIo::new(Box::pin(stream)), service).await;
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Lost> {
        let number = self.served.fetch_add(1, Ordering::Relaxed);
        let id = Uuid::from_u64_pair(0, number).to_string();
        let (head, body) = request.into_parts();
        let body = match timeout(self.limits.patience, Limited::new(body, self.limits.body).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                let message = format!("The request's body is larger than {} bytes", self.limits.body);
                let reason = ValidationReason::CannotParse;
                let mut response = response(wire::encode(
                    Err(&Error::Validation { message, reason, field_list: Vec::new() }),
                    &id,
                ));
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                return Ok(response);
            }
            Ok(Err(_)) | Err(_) => return Err(Lost),
        };
        if head.uri.path().starts_with(admin::PREFIX) {
            let request = Request::from_parts(head, Body::from(body));
            return self.admin.oneshot(request).await.map_err(|never| match never {});
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
            Err(error) => return Ok(response(wire::encode(Err(&error), &id))),
        };
        let answer = self.desk.call(origin, request, body.len()).await.ok_or(Lost)?;
        Ok(response(wire::encode(answer.as_deref().map_err(|error| &**error), &id)))
    }
}

fn response(parts: HttpResponse) -> Response<Body> {
    let mut response = Response::new(Body::from(parts.body));
    *response.status_mut() = StatusCode::from_u16(parts.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in parts.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// The most bytes that the head of a request may have.
const LARGEST_HEAD: usize = 64 * 1024;
