//! The origin of an HTTP request: its access key id and its Region.

use crate::api::Error;
use crate::region::Region;

/// The caller and the Region of an HTTP request.
///
/// The Region is that of the SigV4 credential scope, or, for an unsigned request, the first Region among the labels of
/// the host name, as in `dsql.us-east-1.api.aws`. The signature is not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The access key id; `None` for an unsigned request.
    pub access_key: Option<String>,
    /// The Region that executes the request.
    pub region: Region,
}

impl Origin {
    /// Reads the headers `Authorization` and `Host`.
    ///
    /// # Errors
    /// ValidationException: the request is signed for another service, or its Region is missing or unknown.
    pub fn of(authorization: Option<&str>, host: Option<&str>) -> Result<Origin, Error> {
        if let Some([access_key, _, region, service, _]) = authorization.and_then(credential_scope) {
            if service != "dsql" {
                return Err(Error::other(format!(
                    "The request is signed for the service {service}. To proceed, sign it for dsql"
                )));
            }
            let region = Region::parse(region).ok_or_else(|| {
                Error::other(format!(
                    "The request is signed for {region}, where Aurora DSQL is not available. To proceed, choose one \
                     of: {}",
                    Region::all().map(Region::name).collect::<Vec<_>>().join(", ")
                ))
            })?;
            return Ok(Origin { access_key: Some(access_key.to_owned()), region });
        }
        let host = host.unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let region = name.split('.').find_map(Region::parse).ok_or_else(|| {
            Error::other(
                "The request names no Region. To proceed, sign it (SigV4), or send it to a host name with the Region \
                 in it, as in dsql.us-east-1.api.aws"
                    .to_owned(),
            )
        })?;
        Ok(Origin { access_key: None, region })
    }
}

/// The credential scope of a SigV4 `Authorization` header: access key id, date, Region, service, terminator.
fn credential_scope(authorization: &str) -> Option<[&str; 5]> {
    let (_, rest) = authorization.split_once("Credential=")?;
    let credential = rest.split([',', ' ']).next()?;
    let parts: Vec<&str> = credential.split('/').collect();
    parts.try_into().ok()
}
