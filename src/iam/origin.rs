//! The network origin of a client: the condition keys by which policies tell networks apart.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::context::ContextValues;

/// The network from which a client calls, and how it presents itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkOrigin {
    /// The address of the client: a public one (`aws:SourceIp`), or with a VPC endpoint the one inside the VPC
    /// (`aws:VpcSourceIp`).
    pub address: IpAddr,
    /// The VPC endpoint through which the client calls, if it uses one.
    pub endpoint: Option<VpcEndpoint>,
    /// The name of the client program (`aws:UserAgent`).
    pub user_agent: Cow<'static, str>,
}

/// An interface endpoint of a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcEndpoint {
    /// The id of the endpoint, as in `vpce-0123456789abcdef0` (`aws:SourceVpce`).
    pub id: Arc<str>,
    /// The id of its VPC, as in `vpc-0123456789abcdef0` (`aws:SourceVpc`).
    pub vpc: Arc<str>,
}

/// [`NetworkOrigin::DEFAULT`], for references.
static DEFAULT_ORIGIN: NetworkOrigin = NetworkOrigin::DEFAULT;

impl NetworkOrigin {
    /// A public address that is reserved for documentation (RFC 5737), without a VPC endpoint.
    pub const DEFAULT: NetworkOrigin = NetworkOrigin {
        address: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)),
        endpoint: None,
        user_agent: Cow::Borrowed("dsql-sim"),
    };

    /// The default origin, by reference.
    #[must_use]
    pub fn default_ref() -> &'static NetworkOrigin {
        &DEFAULT_ORIGIN
    }

    /// The values of a condition key about the network, which is written in lower case; `None` if the request does not
    /// have it.
    ///
    /// A request has `aws:SourceIp` or the keys of a VPC endpoint, never both (IAM User Guide, "AWS global condition
    /// context keys").
    #[must_use]
    pub fn value(&self, key: &str) -> Option<ContextValues<'_>> {
        Some(match key {
            "aws:useragent" => ContextValues::One(&self.user_agent),
            "aws:sourceip" if self.endpoint.is_none() => ContextValues::Owned(self.address.to_string()),
            "aws:vpcsourceip" if self.endpoint.is_some() => ContextValues::Owned(self.address.to_string()),
            "aws:sourcevpc" => ContextValues::One(&self.endpoint.as_ref()?.vpc),
            "aws:sourcevpce" => ContextValues::One(&self.endpoint.as_ref()?.id),
            _ => return None,
        })
    }
}

impl Default for NetworkOrigin {
    fn default() -> NetworkOrigin {
        NetworkOrigin::DEFAULT
    }
}
