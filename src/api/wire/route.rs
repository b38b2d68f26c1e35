//! The routes of the API: method, path and query of each operation.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::api::Operation;

/// The HTTP binding of an operation (API model, `http` and `location`). Members that are neither in the path nor in the
/// query are in the body.
pub(super) struct Route {
    pub(super) operation: Operation,
    pub(super) method: &'static str,
    /// The path, with members in braces.
    path: &'static str,
    /// The members in the query: parameter, member and kind.
    pub(super) query: &'static [(&'static str, &'static str, QueryKind)],
}

/// The members of a path, by name, decoded.
pub(super) type Labels<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// The kind of a query parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueryKind {
    /// A string.
    Text,
    /// A whole number.
    Number,
    /// A list of strings: the parameter is repeated.
    Texts,
}

const CLIENT_TOKEN: (&str, &str, QueryKind) = ("client-token", "clientToken", QueryKind::Text);
const PAGE: &[(&str, &str, QueryKind)] =
    &[("max-results", "maxResults", QueryKind::Number), ("next-token", "nextToken", QueryKind::Text)];

/// Every operation's route.
const ROUTES: &[Route] = &[
    route(Operation::CreateCluster, "POST", "/cluster", &[]),
    route(Operation::UpdateCluster, "POST", "/cluster/{identifier}", &[]),
    route(Operation::DeleteCluster, "DELETE", "/cluster/{identifier}", &[CLIENT_TOKEN]),
    route(Operation::GetCluster, "GET", "/cluster/{identifier}", &[]),
    route(Operation::ListClusters, "GET", "/cluster", PAGE),
    route(Operation::TagResource, "POST", "/tags/{resourceArn}", &[]),
    route(
        Operation::UntagResource,
        "DELETE",
        "/tags/{resourceArn}",
        &[("tagKeys", "tagKeys", QueryKind::Texts)],
    ),
    route(Operation::ListTagsForResource, "GET", "/tags/{resourceArn}", &[]),
    route(Operation::PutClusterPolicy, "POST", "/cluster/{identifier}/policy", &[]),
    route(Operation::GetClusterPolicy, "GET", "/cluster/{identifier}/policy", &[]),
    route(
        Operation::DeleteClusterPolicy,
        "DELETE",
        "/cluster/{identifier}/policy",
        &[("expected-policy-version", "expectedPolicyVersion", QueryKind::Text), CLIENT_TOKEN],
    ),
    route(
        Operation::GetVpcEndpointServiceName,
        "GET",
        "/clusters/{identifier}/vpc-endpoint-service-name",
        &[],
    ),
    route(Operation::CreateStream, "POST", "/stream/{clusterIdentifier}", &[]),
    route(Operation::GetStream, "GET", "/stream/{clusterIdentifier}/{streamIdentifier}", &[]),
    route(Operation::ListStreams, "GET", "/stream/{clusterIdentifier}", PAGE),
    route(
        Operation::DeleteStream,
        "DELETE",
        "/stream/{clusterIdentifier}/{streamIdentifier}",
        &[CLIENT_TOKEN],
    ),
];

const fn route(
    operation: Operation,
    method: &'static str,
    path: &'static str,
    query: &'static [(&'static str, &'static str, QueryKind)],
) -> Route {
    Route { operation, method, path, query }
}

/// The bytes that SDKs encode in a path or query: all but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Route {
    pub(super) fn of(operation: Operation) -> &'static Route {
        let found = ROUTES.iter().find(|route| route.operation == operation);
        found.expect("every operation has a route")
    }

    /// The route of `method` and the encoded `path`, with the members of the path.
    pub(super) fn find<'a>(method: &str, path: &'a str) -> Option<(&'static Route, Labels<'a>)> {
        ROUTES
            .iter()
            .filter(|route| route.method == method)
            .find_map(|route| Some((route, route.labels(path)?)))
    }

    /// The encoded path, with the values that `member` gives.
    pub(super) fn path(&self, member: impl Fn(&str) -> String) -> String {
        let segments = self.path.split('/').map(|segment| match label(segment) {
            Some(name) => encoded(&member(name)),
            None => segment.to_owned(),
        });
        segments.collect::<Vec<_>>().join("/")
    }

    /// The names of the members in the path, in order.
    pub(super) fn members(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(label)
    }

    fn labels<'a>(&self, path: &'a str) -> Option<Labels<'a>> {
        let mut labels = Vec::new();
        let mut rest = Some(path);
        for expected in self.path.split('/') {
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
