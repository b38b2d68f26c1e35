//! restJson1: from the parts of an HTTP message to requests and answers, and back. Nothing here knows a socket.
//!
//! Whoever has a socket, or a simulated one, takes an HTTP request apart, lets [`receive`] say what is asked, by whom
//! and where, has it carried out, and sends what [`encode`] makes of the answer, which comes later. A client does the
//! same the other way round, with [`encode_request`] and [`decode_answer`].
//!
//! Routes, names and places of members are those of the API model (service `dsql`, version 2018-05-10); one table says
//! them for both directions. A request that cannot be read is answered in the model's own shape: ValidationException
//! with reason `unknownOperation` if no route leads anywhere, `cannotParse` if a member is of the wrong type.

mod answer;
mod origin;
mod request;
mod route;

pub use answer::{decode as decode_answer, encode};
pub use origin::Origin;
pub use request::{decode, encode as encode_request};

use super::{Error, Request};

/// What is asked, by whom and where. `authorization` and `host` are the headers of these names.
///
/// # Errors
/// What [`decode`] and [`Origin::of`] refuse, in this order.
pub fn receive(
    http: HttpRequest<'_>,
    authorization: Option<&str>,
    host: Option<&str>,
) -> Result<(Origin, Request), Error> {
    let request = decode(http)?;
    Ok((Origin::of(authorization, host)?, request))
}

/// The parts of an HTTP request, as they came.
#[derive(Clone, Copy, Debug)]
pub struct HttpRequest<'a> {
    /// As in `POST`.
    pub method: &'a str,
    /// The path as it was sent, percent-encoded.
    pub path: &'a str,
    /// What follows the question mark, percent-encoded; empty if nothing does.
    pub query: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// The parts of an HTTP request that a client is to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// As in `POST`.
    pub method: &'static str,
    /// Path and query, percent-encoded.
    pub target: String,
    /// The body; empty for an operation that has none.
    pub body: Vec<u8>,
}

/// The parts of an HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Headers by name, in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body: JSON.
    pub body: Vec<u8>,
}

/// The header that names an exception.
const ERROR_TYPE: &str = "x-amzn-errortype";
/// The header that names a request.
const REQUEST_ID: &str = "x-amzn-requestid";
/// The header that says after how many seconds to try again.
const RETRY_AFTER: &str = "retry-after";
