//! The protocol restJson1: encodes and decodes requests and answers as parts of HTTP messages. It is independent of
//! sockets.
//!
//! A server, real or simulated, splits an HTTP request into its parts, calls [`receive`] for the request, the Region
//! and the access key id, executes the request, and sends what [`encode`] makes of the answer. A client does the
//! inverse with [`encode_request`] and [`decode_answer`].
//!
//! Methods, paths and bindings of members are those of the API model (service `dsql`, version 2018-05-10); one table
//! holds them for both directions. A request that cannot be decoded is answered in the shape of the model:
//! ValidationException with reason `unknownOperation` if no route matches, `cannotParse` if the body or a member is
//! malformed.

mod answer;
mod origin;
mod request;
mod route;
mod signature;

pub use answer::{decode as decode_answer, encode};
pub use origin::Origin;
pub use request::{decode, encode as encode_request};
pub use signature::{CredentialScope, SignedParts};

use super::{Error, Request};

/// Decodes a request and its origin.
///
/// # Errors
/// ValidationException, as from [`decode`] and [`Origin::of`], in this order.
pub fn receive(http: HttpRequest<'_>, signed: SignedParts<'_>) -> Result<(Origin, Request), Error> {
    let request = decode(http)?;
    Ok((Origin::of(signed)?, request))
}

/// The parts of a received HTTP request.
#[derive(Clone, Copy, Debug)]
pub struct HttpRequest<'a> {
    /// The method, as in `POST`.
    pub method: &'a str,
    /// The path, percent-encoded as received.
    pub path: &'a str,
    /// The query without its question mark, percent-encoded as received; empty if there is none.
    pub query: &'a str,
    /// The body; it is ignored for methods other than POST.
    pub body: &'a [u8],
}

/// The parts of an HTTP request for a client to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The method, as in `POST`.
    pub method: &'static str,
    /// The path and the query, percent-encoded.
    pub target: String,
    /// The body: JSON for POST, empty for every other method.
    pub body: Vec<u8>,
}

/// The parts of an HTTP response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The headers; names are in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body: JSON.
    pub body: Vec<u8>,
}

/// The header with the name of the exception.
pub(crate) const ERROR_TYPE: &str = "x-amzn-errortype";
/// The header with the id of the request.
const REQUEST_ID: &str = "x-amzn-requestid";
/// The header with the delay before a retry, in seconds.
const RETRY_AFTER: &str = "retry-after";
