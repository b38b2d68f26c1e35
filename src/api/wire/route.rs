//! Which operation is where.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::api::Operation;

/// Where an operation is, and which of its members are not in the body.
pub(super) struct Route {
    pub(super) operation: Operation,
    pub(super) method: &'static str,
    /// The path; what is in braces is a member.
    path: &'static str,
    /// Members in the query: the name there, the member's own, and what it holds.
    pub(super) query: &'static [(&'static str, &'static str, Holds)],
}

/// Members in a path by name, decoded.
pub(super) type Labels<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// What a member of a query holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// A string.
    Text,
    /// A whole number.
    Number,
    /// Strings: the name is repeated.
    Texts,
}

const CLIENT_TOKEN: (&str, &str, Holds) = ("client-token", "clientToken", Holds::Text);
const PAGE: &[(&str, &str, Holds)] =
    &[("max-results", "maxResults", Holds::Number), ("next-token", "nextToken", Holds::Text)];

/// Every operation's route.
const ROUTES: &[Route] = &[
    route(Operation::CreateCluster, "POST", "/cluster", &[]),
    route(Operation::UpdateCluster, "POST", "/cluster/{identifier}", &[]),
    route(Operation::DeleteCluster, "DELETE", "/cluster/{identifier}", &[CLIENT_TOKEN]),
    route(Operation::GetCluster, "GET", "/cluster/{identifier}", &[]),
    route(Operation::ListClusters, "GET", "/cluster", PAGE),
    route(Operation::TagResource, "POST", "/tags/{resourceArn}", &[]),
    route(Operation::UntagResource, "DELETE", "/tags/{resourceArn}", &[("tagKeys", "tagKeys", Holds::Texts)]),
    route(Operation::ListTagsForResource, "GET", "/tags/{resourceArn}", &[]),
    route(Operation::PutClusterPolicy, "POST", "/cluster/{identifier}/policy", &[]),
    route(Operation::GetClusterPolicy, "GET", "/cluster/{identifier}/policy", &[]),
    route(
        Operation::DeleteClusterPolicy,
        "DELETE",
        "/cluster/{identifier}/policy",
        &[("expected-policy-version", "expectedPolicyVersion", Holds::Text), CLIENT_TOKEN],
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
    query: &'static [(&'static str, &'static str, Holds)],
) -> Route {
    Route { operation, method, path, query }
}

/// What SDKs leave as it is in a path and in a query.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Route {
    pub(super) fn of(operation: Operation) -> &'static Route {
        let found = ROUTES.iter().find(|route| route.operation == operation);
        found.expect("every operation has a route")
    }

    /// The route that `method` and the raw `path` lead to, and the members in the path, decoded.
    pub(super) fn find<'a>(method: &str, path: &'a str) -> Option<(&'static Route, Labels<'a>)> {
        ROUTES
            .iter()
            .filter(|route| route.method == method)
            .find_map(|route| Some((route, route.labels(path)?)))
    }

    /// The path with `member`s in it, encoded.
    pub(super) fn path(&self, member: impl Fn(&str) -> String) -> String {
        let segments = self.path.split('/').map(|segment| match label(segment) {
            Some(name) => encoded(&member(name)),
            None => segment.to_owned(),
        });
        segments.collect::<Vec<_>>().join("/")
    }

    /// The members in the path, in its order.
    pub(super) fn members(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(label)
    }

    fn labels<'a>(&self, path: &'a str) -> Option<Labels<'a>> {
        let mut labels = Vec::new();
        let mut rest = Some(path);
        for wanted in self.path.split('/') {
            let left = rest?;
            // An ARN has a slash of its own, which not every client encodes.
            let is_whole = wanted == "{resourceArn}";
            let (segment, after) = match left.split_once('/').filter(|_| !is_whole) {
                Some((segment, after)) => (segment, Some(after)),
                None => (left, None),
            };
            match label(wanted) {
                Some(name) => labels.push((name, decoded(segment)?)),
                None if segment == wanted => {}
                None => return None,
            }
            rest = after;
        }
        rest.is_none().then_some(labels)
    }
}

/// `text` as it is written in a path or a query.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// What `text`, written in a path or a query, stands for; `None` if that is not UTF-8.
pub(super) fn decoded(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().ok()
}

fn label(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}
