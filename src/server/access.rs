//! The access rules: which requests the server accepts, so that no web page can control it.
//!
//! A browser lets every page send requests to loopback, and a page whose host name resolves to 127.0.0.1 (DNS
//! rebinding) reads the answers as well. The first kind is recognized by `Origin` and `Sec-Fetch-Site`, which a page
//! cannot change, the second by `Host`. No program other than a browser sends the former two.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use hyper::http::request::Parts;

use crate::Region;

/// The host names that a server answers to, and the token that its control interface demands.
#[derive(Clone, Debug, Default)]
pub struct AccessRules {
    /// Host names in addition to those of loopback; `*.NAME` stands for every name below `NAME`.
    pub hosts: Vec<String>,
    /// The token of the control interface; without one, it demands none.
    pub token: Option<String>,
}

/// The refusal of a request before it is read as a call: its status and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AccessRefusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

impl AccessRules {
    /// Refuses a request of a web page: a host name that is not the server's, or another origin.
    ///
    /// `own` is the address at which the connection arrived.
    pub(super) fn check_sender(&self, head: &Parts, own: Option<IpAddr>) -> Result<(), AccessRefusal> {
        let forbid = |message: String| Err(AccessRefusal { status: StatusCode::FORBIDDEN, message });
        let in_target = head.uri.authority().map(|authority| authority.as_str());
        let mut hosts: Vec<&str> = in_target.into_iter().collect();
        hosts.extend(values(head, HOST.as_str()));
        if hosts.is_empty() {
            return forbid("The request has no Host header".to_owned());
        }
        for host in &hosts {
            if !host_name(host).is_some_and(|name| self.has_host(&name, own)) {
                return forbid(format!(
                    "The host `{host}` is not a name of this server. To proceed, start it with `--allow-host NAME`"
                ));
            }
        }
        let is_own = |origin: &str| {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            authority.is_some_and(|authority| hosts.iter().all(|host| authority.eq_ignore_ascii_case(host)))
        };
        if let Some(origin) = values(head, ORIGIN.as_str()).find(|origin| !is_own(origin)) {
            return forbid(format!("Web pages of `{origin}` have no access to this server"));
        }
        let mut sites = values(head, "sec-fetch-site");
        if let Some(site) = sites.find(|site| !matches!(*site, "same-origin" | "none")) {
            return forbid(format!("Web pages of another origin (`{site}`) have no access to this server"));
        }
        Ok(())
    }

    /// Refuses a request to the control interface without the token, or with a body that is not declared as JSON: only
    /// for that type do browsers ask before they send.
    pub(super) fn check_control(&self, head: &Parts, has_body: bool) -> Result<(), AccessRefusal> {
        if let Some(token) = &self.token {
            let bearer = |value: &str| Some(value.split_once(' ')?.1.trim_start().to_owned());
            let given = values(head, AUTHORIZATION.as_str()).find_map(bearer).unwrap_or_default();
            if !is_equal(given.as_bytes(), token.as_bytes()) {
                return Err(AccessRefusal {
                    status: StatusCode::UNAUTHORIZED,
                    message: "The control interface demands the header `Authorization: Bearer TOKEN` with the token of \
                              `--token`"
                        .to_owned(),
                });
            }
        }
        let media_type = |value: &str| value.split(';').next().unwrap_or_default().trim().to_owned();
        let is_json = |value: &str| media_type(value).eq_ignore_ascii_case("application/json");
        if has_body && !values(head, CONTENT_TYPE.as_str()).any(is_json) {
            return Err(AccessRefusal {
                status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
                message: "The body must be JSON, with the header `Content-Type: application/json`".to_owned(),
            });
        }
        Ok(())
    }

    /// Whether `name`, in lower case, names the server.
    fn has_host(&self, name: &str, own: Option<IpAddr>) -> bool {
        let is_allowed = |allowed: &String| match allowed.strip_prefix("*.") {
            Some(parent) => is_below(name, &parent.to_ascii_lowercase()),
            None => allowed.eq_ignore_ascii_case(name),
        };
        // An address is no name that a page could rebind, but only the one that was connected to is the server's.
        let address = name.parse::<IpAddr>().ok();
        address.is_some_and(|address| is_loopback(address) || own == Some(address))
            || LOCAL_NAMES.iter().any(|local| name == *local || is_below(name, local))
            || is_endpoint_of_service(name)
            || self.hosts.iter().any(is_allowed)
    }
}

/// The values of a header that are text. Any other is replaced by one that no rule accepts.
fn values<'a>(head: &'a Parts, name: &str) -> impl Iterator<Item = &'a str> {
    head.headers.get_all(name).into_iter().map(|value| value.to_str().unwrap_or("?"))
}

/// The name in an authority, without its port, in lower case; `None` if it is malformed.
fn host_name(authority: &str) -> Option<String> {
    let (name, port) = match authority.strip_prefix('[') {
        Some(rest) => rest
            .split_once(']')
            .map(|(name, rest)| (name, rest.strip_prefix(':').or(rest.is_empty().then_some("0"))))?,
        None => match authority.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (authority, Some("0")),
        },
    };
    let is_port = port?.bytes().all(|byte| byte.is_ascii_digit());
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    (is_port && !name.is_empty()).then_some(name)
}

fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets()[0] == Ipv4Addr::LOCALHOST.octets()[0],
        IpAddr::V6(address) => address == Ipv6Addr::LOCALHOST,
    }
}

fn is_below(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// Whether `name` is an endpoint of Aurora DSQL, as a client without a signature writes it to name the Region. Only
/// AWS can serve a page there.
fn is_endpoint_of_service(name: &str) -> bool {
    let region = name.strip_prefix("dsql.").or(name.strip_prefix("dsql-fips."));
    region.and_then(|rest| rest.strip_suffix(".api.aws")).is_some_and(|name| Region::parse(name).is_some())
}

/// Compares in a time that does not depend on where the two differ.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |all, (one, other)| all | (one ^ other)) == 0
}

/// Names that resolve to this machine and at which no other machine serves a page; so do the names below them.
const LOCAL_NAMES: [&str; 3] = ["localhost", "localhost.localstack.cloud", "host.docker.internal"];
