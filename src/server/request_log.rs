//! The log of requests: an event of `tracing` for each one, at the virtual time of its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant as WallInstant;

use hyper::http::request::Parts;
use hyper::{Method, Response, Uri};

use crate::api::Operation;
use crate::api::wire::ERROR_TYPE;
use crate::region::Region;
use crate::sim::log;
use crate::types::Instant;

/// The virtual time of the world, for the threads that do not own it. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedTime(Arc<AtomicU64>);

impl SharedTime {
    pub(super) fn set(&self, now: Instant) {
        self.0.store(now.0, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Instant {
        Instant(self.0.load(Ordering::Relaxed))
    }
}

/// A request in progress. Its line is written when it is dropped, so that a request without an answer has one too.
#[derive(Debug)]
pub(super) struct LoggedRequest {
    time: SharedTime,
    began: WallInstant,
    method: Method,
    uri: Uri,
    /// The Region and the operation, once they are known.
    call: Option<(Region, Operation)>,
    answer: Option<LoggedAnswer>,
}

#[derive(Debug)]
struct LoggedAnswer {
    status: u16,
    /// The name of the exception.
    error: Option<String>,
}

impl LoggedRequest {
    #[expect(clippy::disallowed_methods, reason = "an adapter: the duration is in wall-clock time")]
    pub(super) fn begin(head: &Parts, time: SharedTime) -> LoggedRequest {
        let (method, uri) = (head.method.clone(), head.uri.clone());
        LoggedRequest { time, began: WallInstant::now(), method, uri, call: None, answer: None }
    }

    /// The request is a call.
    pub(super) fn calls(&mut self, region: Region, operation: Operation) {
        self.call = Some((region, operation));
    }

    /// The request is answered with `response`.
    pub(super) fn answered<B>(&mut self, response: &Response<B>) {
        let error = response.headers().get(ERROR_TYPE).and_then(|name| name.to_str().ok());
        self.answer =
            Some(LoggedAnswer { status: response.status().as_u16(), error: error.map(str::to_owned) });
    }

    fn emit(&self) {
        let path = self.uri.path();
        // The head of a request may have 64 KiB, most of it in the path.
        let path = path.get(..LONGEST_PATH).unwrap_or(path);
        let region = self.call.map(|(region, _)| region.name());
        let operation = self.call.map(|(_, operation)| operation.name());
        let (method, duration) = (&self.method, self.began.elapsed());
        match &self.answer {
            Some(LoggedAnswer { status, error }) => tracing::info!(
                target: "dsql_sim::server",
                region,
                operation,
                status,
                error = error.as_deref(),
                ?duration,
                "{method} {path}"
            ),
            // The simulated network lost the answer, or the client did not wait for it.
            None => tracing::info!(
                target: "dsql_sim::server",
                region,
                operation,
                ?duration,
                "{method} {path} gets no answer"
            ),
        }
    }
}

impl Drop for LoggedRequest {
    fn drop(&mut self) {
        log::at(self.time.get(), || self.emit());
    }
}

/// The part of a path that is logged, in bytes.
const LONGEST_PATH: usize = 256;
