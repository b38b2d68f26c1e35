//! The HTTP server: accepts connections, decodes requests and encodes answers.

use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Either, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use uuid::Uuid;

use crate::types::print_duration;

use super::Limits;
use super::request_log::LoggedRequest;
use super::respond::{self, AnswerLost, Responder, ResponseBody};

/// Serves until the process receives SIGTERM, SIGINT or SIGHUP.
pub(super) async fn serve(listener: TcpListener, responder: Responder, limits: Limits) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let permits = Arc::new(Semaphore::new(limits.connections));
    let service = HttpService { responder, limits, served: Arc::default() };
    loop {
        let (stream, permit) = tokio::select! {
            accepted = accept(&listener, &permits) => accepted?,
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hang_up.recv() => return Ok(()),
        };
        let service = service.clone();
        tokio::spawn(async move {
            service.serve_connection(stream).await;
            drop(permit);
        });
    }
}

/// Accepts the next connection, with one of `permits`.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    // Without a permit, connections wait in the backlog of the socket, where they take no memory of this process.
    let permit = permits.clone().acquire_owned().await.map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Ok((stream, permit)),
            // Too many open files, or the client has disconnected: neither concerns the next connection. A descriptor
            // becomes free when another connection ends, and until then the connection stays in the backlog.
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// The state that every connection shares.
#[derive(Clone)]
struct HttpService {
    responder: Responder,
    limits: Limits,
    /// The number of requests so far. Request ids count, so that they are the same in every run.
    served: Arc<AtomicU64>,
}

impl HttpService {
    async fn serve_connection(self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let limits = self.limits;
        let own = stream.local_addr().ok().map(|address| address.ip());
        let service = service_fn(move |request| {
            let service = self.clone();
            async move { service.answer(own, request).await }
        });
        let mut http = http1::Builder::new();
        // A client that has sent everything may close its half of the connection, and gets its answer all the same.
        http.half_close(true);
        http.timer(TokioTimer::new()).header_read_timeout(limits.patience).max_buf_size(MAX_HEAD_BYTES);
        // An error of one connection, as when its client disconnects or sends no HTTP, does not concern the server.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.patience));
        let _ = http.serve_connection(TokioIo::new(Box::pin(stream)), service).await;
    }

    async fn answer(
        self,
        own: Option<IpAddr>,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, AnswerLost> {
        let number = self.served.fetch_add(1, Ordering::Relaxed);
        let id = Uuid::from_u64_pair(0, number).to_string();
        let (head, body) = request.into_parts();
        let mut logged = LoggedRequest::begin(&head, self.responder.handle.time());
        let response = self.respond(&id, own, &head, body, &mut logged).await?;
        logged.answered(&response);
        Ok(response)
    }

    async fn respond(
        self,
        id: &str,
        own: Option<IpAddr>,
        head: &Parts,
        body: Incoming,
        logged: &mut LoggedRequest,
    ) -> Result<Response<ResponseBody>, AnswerLost> {
        let Limits { body: most, patience, .. } = self.limits;
        let message = match timeout(patience, Limited::new(body, most).collect()).await {
            Ok(Ok(body)) => return self.responder.respond(id, own, head, &body.to_bytes(), logged).await,
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                format!("The request's body is larger than {most} bytes")
            }
            // The chunks are not well-formed, or the client sends no more than a part.
            Ok(Err(error)) => format!("The request's body cannot be read: {}", first_cause(&*error)),
            Err(_) => format!("The request's body did not arrive within {}", print_duration(patience)),
        };
        let mut response = respond::unreadable(message, id).map(Either::Left);
        // The rest of the body is not read, so the connection cannot carry another request.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        Ok(response)
    }
}

/// The cause at the root of `error`. hyper's own errors name the step that failed, and their cause names the reason.
fn first_cause<'a>(mut error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    while let Some(cause) = error.source() {
        error = cause;
    }
    error
}

/// The pause after a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The largest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
