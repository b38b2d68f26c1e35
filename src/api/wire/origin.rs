//! The origin of an HTTP request: its access key id and its Region.

use crate::api::Error;
use crate::region::Region;

use super::signature::{CredentialScope, SignedParts};

/// The caller and the Region of an HTTP request.
///
/// The Region is that of the SigV4 credential scope, or the first known one of a SigV4a Region set; for an unsigned
/// request, the first Region among the labels of the host name, as in `dsql.us-east-1.api.aws`. The signature is not
/// verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The access key id; `None` for an unsigned request.
    pub access_key: Option<String>,
    /// The Region that executes the request.
    pub region: Region,
}

impl Origin {
    /// Reads the signature, and without one the host name.
    ///
    /// # Errors
    /// ValidationException: the request is signed for another service, or its Region is missing or unknown.
    pub fn of(parts: SignedParts<'_>) -> Result<Origin, Error> {
        let Some(scope) = CredentialScope::of(parts) else {
            let region = region_of_host(parts.host).ok_or_else(|| {
                Error::other(
                    "The request names no Region. To proceed, sign it (SigV4), or send it to a host name with the \
                     Region in it, as in dsql.us-east-1.api.aws"
                        .to_owned(),
                )
            })?;
            return Ok(Origin { access_key: None, region });
        };
        if scope.service != "dsql" {
            return Err(Error::other(format!(
                "The request is signed for the service {}. To proceed, sign it for dsql",
                scope.service
            )));
        }
        let named = scope.regions.iter().find_map(|region| Region::parse(region));
        // A Region set may be a pattern, which means the Region that the host names.
        let is_pattern = scope.regions.iter().any(|region| region.contains('*'));
        let region = named.or_else(|| region_of_host(parts.host).filter(|_| is_pattern)).ok_or_else(|| {
            Error::other(format!(
                "The request is signed for {}, where Aurora DSQL is not available. To proceed, choose one of: {}",
                scope.regions.join(","),
                Region::all().map(Region::name).collect::<Vec<_>>().join(", ")
            ))
        })?;
        Ok(Origin { access_key: Some(scope.access_key), region })
    }
}

/// The first Region among the labels of a host name.
fn region_of_host(host: Option<&str>) -> Option<Region> {
    let host = host.unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.split('.').find_map(Region::parse)
}
