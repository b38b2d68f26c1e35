//! The signature of an HTTP request: its access key id, its service and its Regions. It is read, not verified.

use percent_encoding::percent_decode_str;

use super::request::parameters;

/// The parts of an HTTP request that name its sender, its service and its Region.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignedParts<'a> {
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// The header `X-Amz-Region-Set`, which SigV4a signs instead of a Region.
    pub region_set: Option<&'a str>,
    /// The header `Host`.
    pub host: Option<&'a str>,
    /// The query, percent-encoded as received. A presigned request has its signature there.
    pub query: &'a str,
}

/// The credential scope of SigV4 or SigV4a, from the header `Authorization` or from the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialScope {
    /// The access key id.
    pub access_key: String,
    /// The signing name of the service, as in `dsql`.
    pub service: String,
    /// The Regions: one by SigV4, or those of the Region set, which may be patterns such as `*`.
    pub regions: Vec<String>,
}

impl CredentialScope {
    /// Reads the scope; `None` for an unsigned request.
    #[must_use]
    pub fn of(parts: SignedParts<'_>) -> Option<CredentialScope> {
        let signed = parts.authorization.and_then(|value| {
            let (_, rest) = value.split_once("Credential=")?;
            Some((rest.split([',', ' ']).next()?.to_owned(), parts.region_set.map(str::to_owned)))
        });
        let in_query = |name| in_query(parts.query, name);
        let presigned = || Some((in_query("X-Amz-Credential")?, in_query("X-Amz-Region-Set")));
        let (credential, region_set) = signed.or_else(presigned)?;
        let fields: Vec<&str> = credential.split('/').collect();
        let (access_key, service, regions) = match fields[..] {
            [access_key, _, region, service, TERMINATOR] => (access_key, service, vec![region.to_owned()]),
            // SigV4a has no Region in its scope.
            [access_key, _, service, TERMINATOR] => {
                let regions = region_set?;
                (access_key, service, regions.split(',').map(|region| region.trim().to_owned()).collect())
            }
            _ => return None,
        };
        Some(CredentialScope { access_key: access_key.to_owned(), service: service.to_owned(), regions })
    }
}

/// The decoded value of a parameter, whose name may be written in any case.
fn in_query(query: &str, name: &str) -> Option<String> {
    let (_, value) = parameters(query).find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    percent_decode_str(value).decode_utf8().ok().map(|value| value.into_owned())
}

/// The last part of every credential scope.
const TERMINATOR: &str = "aws4_request";
