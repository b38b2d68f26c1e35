//! Who asks, and in which Region.

use crate::api::Error;
use crate::region::Region;

/// What an HTTP request says of where it comes from and where it is to go, besides what it asks.
///
/// The Region is that of the SigV4 credential scope, else of the host name (`dsql.us-east-1.api.aws`, or any name
/// with a Region among its labels). The signature itself is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The access key id of a signed request.
    pub access_key: Option<String>,
    /// Where the request is to be carried out.
    pub region: Region,
}

impl Origin {
    /// What the headers `Authorization` and `Host` say, if they are there.
    ///
    /// # Errors
    /// ValidationException: the request is signed for another service, or names no Region, or one that is not known.
    pub fn of(authorization: Option<&str>, host: Option<&str>) -> Result<Origin, Error> {
        if let Some([access_key, _, region, service, _]) = authorization.and_then(scope) {
            if service != "dsql" {
                return Err(Error::other(format!(
                    "The request is signed for the service {service}. To proceed, sign it for dsql"
                )));
            }
            let region = Region::parse(region).ok_or_else(|| {
                Error::other(format!(
                    "The request is signed for {region}, where Aurora DSQL is not. To proceed, choose one of: {}",
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
fn scope(authorization: &str) -> Option<[&str; 5]> {
    let (_, rest) = authorization.split_once("Credential=")?;
    let credential = rest.split([',', ' ']).next()?;
    let parts: Vec<&str> = credential.split('/').collect();
    parts.try_into().ok()
}
