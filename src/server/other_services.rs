//! Requests for other services of AWS: STS says who the caller is, and every other request is refused in the protocol
//! of its service.
//!
//! A client with a global `AWS_ENDPOINT_URL` sends all its requests here. Scripts and Terraform begin with
//! GetCallerIdentity; a refusal that the client of the service can read names the cause.

use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::json;

use crate::api::wire::CredentialScope;

use super::callers::Callers;

/// The answer of another service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceAnswer {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: String,
    /// The name of the error, as clients of the JSON protocols read it.
    pub(super) error: Option<&'static str>,
}

/// The protocol of a service, as far as errors differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Json10,
    Json11,
    RestJson,
    RestXml,
    Query,
    Ec2,
}

/// The answer to a request that is meant for another service; `None` if it is one for Aurora DSQL.
pub(super) fn answer(
    callers: &Callers,
    id: &str,
    head: &Parts,
    body: &[u8],
    scope: Option<&CredentialScope>,
) -> Option<ServiceAnswer> {
    let action = action(head, body);
    let target = header(head, "x-amz-target");
    let service = match scope {
        Some(scope) if scope.service == "dsql" => return None,
        Some(scope) => scope.service.as_str(),
        // A request without a signature: the operations of DSQL have neither an action nor a target.
        None if action.is_some() => "query",
        None => target?.split(['.', '_']).next().unwrap_or_default(),
    };
    if service == "sts" && action.as_deref() == Some("GetCallerIdentity") {
        return Some(caller_identity(callers, id, &scope?.access_key));
    }
    let protocol = match () {
        () if target.is_some() => match header(head, CONTENT_TYPE.as_str()) {
            Some(media_type) if media_type.contains("json-1.0") => Protocol::Json10,
            _ => Protocol::Json11,
        },
        () if service == "ec2" => Protocol::Ec2,
        () if action.is_some() => Protocol::Query,
        () if XML_SERVICES.contains(&service) => Protocol::RestXml,
        () => Protocol::RestJson,
    };
    Some(refused(protocol, service, id))
}

/// The answer of STS to GetCallerIdentity.
fn caller_identity(callers: &Callers, id: &str, access_key: &str) -> ServiceAnswer {
    let identity = callers.identity(access_key);
    let [arn, user_id, account] =
        [&identity.arn, &identity.user_id, &identity.account].map(|text| escaped(text));
    let body = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>{arn}</Arn><UserId>{user_id}</UserId><Account>{account}</Account></GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    );
    ServiceAnswer { status: StatusCode::OK, content_type: "text/xml", body, error: None }
}

/// The refusal in the form that clients of `protocol` read.
fn refused(protocol: Protocol, service: &str, id: &str) -> ServiceAnswer {
    let message = format!(
        "This server is dsql-sim, which simulates Aurora DSQL and answers sts:GetCallerIdentity; the request is one \
         for the service `{service}`. To proceed, set AWS_ENDPOINT_URL_DSQL in place of AWS_ENDPOINT_URL"
    );
    let in_json = || json!({ "__type": CODE, "message": message, "Message": message }).to_string();
    let in_xml = escaped(&message);
    let error = format!("<Error><Type>Sender</Type><Code>{CODE}</Code><Message>{in_xml}</Message></Error>");
    let (content_type, body) = match protocol {
        Protocol::Json10 => ("application/x-amz-json-1.0", in_json()),
        Protocol::Json11 => ("application/x-amz-json-1.1", in_json()),
        Protocol::RestJson => ("application/json", in_json()),
        Protocol::Query => {
            let body = format!("<ErrorResponse>{error}<RequestId>{id}</RequestId></ErrorResponse>");
            ("text/xml", body)
        }
        Protocol::Ec2 => {
            let body = format!(
                "<Response><Errors><Error><Code>{CODE}</Code><Message>{in_xml}</Message></Error></Errors>\
                 <RequestID>{id}</RequestID></Response>"
            );
            ("text/xml", body)
        }
        // S3 has the error itself at the top, Route 53 and CloudFront have it in an ErrorResponse.
        Protocol::RestXml if service.starts_with("s3") => {
            let body = format!(
                "<Error><Code>{CODE}</Code><Message>{in_xml}</Message><RequestId>{id}</RequestId></Error>"
            );
            ("application/xml", body)
        }
        Protocol::RestXml => {
            let body = format!("<ErrorResponse>{error}<RequestId>{id}</RequestId></ErrorResponse>");
            ("application/xml", body)
        }
    };
    ServiceAnswer { status: StatusCode::NOT_IMPLEMENTED, content_type, body, error: Some(CODE) }
}

/// The action of a request in the query protocol, from its form or its query.
fn action(head: &Parts, body: &[u8]) -> Option<String> {
    let is_form = header(head, CONTENT_TYPE.as_str())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    let form = if is_form { str::from_utf8(body).unwrap_or_default() } else { "" };
    let parameters = form.split('&').chain(head.uri.query().unwrap_or_default().split('&'));
    let value = parameters.filter_map(|parameter| parameter.strip_prefix("Action=")).next()?;
    percent_decode_str(value).decode_utf8().ok().map(|value| value.into_owned())
}

fn header<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.headers.get(name).and_then(|value| value.to_str().ok())
}

/// `text` as the content of an XML element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The error of every refusal. SDKs do not retry it, nor its status.
const CODE: &str = "NotImplemented";

/// The signing names of the services whose protocol is REST-XML.
const XML_SERVICES: [&str; 5] = ["s3", "s3express", "s3-object-lambda", "route53", "cloudfront"];
