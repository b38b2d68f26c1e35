//! The routes of the API: method, path and query of each operation.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::api::Operation;
use crate::api::operations::{OperationModel, QueryKind};

/// The HTTP binding of an operation: a view of its model.
#[derive(Clone, Copy)]
pub(super) struct Route {
    pub(super) operation: Operation,
    model: &'static OperationModel,
}

/// The members of a path, by name, decoded.
pub(super) type Labels<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// The bytes that SDKs encode in a path or query: all but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Route {
    pub(super) fn of(operation: Operation) -> Route {
        Route { operation, model: operation.model() }
    }

    /// The route of `method` and the encoded `path`, with the members of the path.
    pub(super) fn find<'a>(method: &str, path: &'a str) -> Option<(Route, Labels<'a>)> {
        let routes = Operation::ALL.iter().copied().map(Route::of);
        routes.filter(|route| route.method() == method).find_map(|route| Some((route, route.labels(path)?)))
    }

    pub(super) fn method(self) -> &'static str {
        self.model.method
    }

    /// The members in the query: parameter, member and kind.
    pub(super) fn query(self) -> &'static [(&'static str, &'static str, QueryKind)] {
        self.model.query
    }

    /// The encoded path, with the values that `member` gives.
    pub(super) fn path(self, member: impl Fn(&str) -> String) -> String {
        let segments = self.model.path.split('/').map(|segment| match label(segment) {
            Some(name) => encoded(&member(name)),
            None => segment.to_owned(),
        });
        segments.collect::<Vec<_>>().join("/")
    }

    /// The names of the members in the path, in order.
    pub(super) fn members(self) -> impl Iterator<Item = &'static str> {
        self.model.path.split('/').filter_map(label)
    }

    fn labels<'a>(self, path: &'a str) -> Option<Labels<'a>> {
        let mut labels = Vec::new();
        let mut rest = Some(path);
        for expected in self.model.path.split('/') {
            let remaining = rest?;
            // An ARN contains a slash, which not every client encodes, so it takes the rest of the path.
            let takes_rest = expected == "{resourceArn}";
            let (segment, after) = match remaining.split_once('/').filter(|_| !takes_rest) {
                Some((segment, after)) => (segment, Some(after)),
                None => (remaining, None),
            };
            match label(expected) {
                Some(name) => labels.push((name, decoded(segment)?)),
                None if segment == expected => {}
                None => return None,
            }
            rest = after;
        }
        rest.is_none().then_some(labels)
    }
}

/// Encodes `text` for a path or a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// Decodes `text` of a path or a query; `None` if the result is not UTF-8.
pub(super) fn decoded(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().ok()
}

/// The member that a segment of a route's path stands for.
fn label(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}
