//! Requests in HTTP requests.

use serde_json::{Map, Value};

use crate::api::operations::QueryKind;
use crate::api::{Error, Request, ValidationReason};

use super::route::{Route, decoded, encoded};
use super::{HttpRequest, Outgoing};

/// Decodes a request. Unknown members are ignored, as by the service. If a query repeats the name of a single-valued
/// member, the first occurrence counts.
///
/// # Errors
/// ValidationException with reason `unknownOperation` if no route matches, `cannotParse` if the body is not a JSON
/// object or a member is of the wrong type.
pub fn decode(http: HttpRequest<'_>) -> Result<Request, Error> {
    let Some((route, labels)) = Route::find(http.method, http.path) else {
        let message = format!("There is no operation {} {}", http.method, http.path);
        return Err(validation_error(ValidationReason::UnknownOperation, message));
    };
    let mut members = if route.has_body() { body(http.body)? } else { Map::new() };
    for (name, member, kind) in route.query() {
        // A member that is bound to the query is not read from the body.
        members.remove(*member);
        let texts: Vec<&str> =
            parameters(http.query).filter(|(known, _)| known == name).map(|(_, value)| value).collect();
        let value = match (kind, texts.first()) {
            (_, None) => continue,
            (QueryKind::Text, Some(text)) => Value::from(&*decode_text(name, text)?),
            (QueryKind::Number, Some(text)) => {
                let number = number(&decode_text(name, text)?);
                Value::from(number.ok_or_else(|| parse_error(&format!("{name} is not an integer")))?)
            }
            (QueryKind::Texts, Some(_)) => {
                let texts = texts.iter().map(|text| Ok(Value::from(&*decode_text(name, text)?)));
                Value::Array(texts.collect::<Result<_, Error>>()?)
            }
        };
        members.insert((*member).to_owned(), value);
    }
    for (name, value) in labels {
        members.insert(name.to_owned(), Value::from(&*value));
    }
    Request::from_json(route.operation, Value::Object(members))
        .map_err(|error| parse_error(&error.to_string()))
}

/// Encodes `request` as the parts of an HTTP request.
#[must_use]
pub fn encode(request: &Request) -> Outgoing {
    let route = Route::of(request.operation());
    let Value::Object(mut members) = request.to_json() else { unreachable!("an input is an object") };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let path = route.path(|name| members.get(name).map(text).unwrap_or_default());
    let mut query = Vec::new();
    for (name, member, _) in route.query() {
        let given = match members.remove(*member) {
            None => continue,
            Some(Value::Array(several)) => several,
            Some(one) => vec![one],
        };
        query.extend(given.iter().map(|value| format!("{name}={}", encoded(&text(value)))));
    }
    for name in route.members() {
        members.remove(name);
    }
    let body = if route.has_body() { Value::Object(members).to_string().into_bytes() } else { Vec::new() };
    let question = if query.is_empty() { "" } else { "?" };
    Outgoing { method: route.method(), target: format!("{path}{question}{}", query.join("&")), body }
}

impl Route {
    fn has_body(self) -> bool {
        self.method() == "POST"
    }
}

/// The members of a body. SDKs send an empty body for an input without members.
fn body(bytes: &[u8]) -> Result<Map<String, Value>, Error> {
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(parse_error("the body is not a JSON object")),
        Err(error) => Err(parse_error(&format!("the body is not JSON: {error}"))),
    }
}

/// The integer of 32 bits that `text` is in decimal digits, with a minus sign if it is negative. Spaces, a plus sign,
/// a fraction and an exponent are no parts of it, by the serialization of integers in Smithy.
fn number(text: &str) -> Option<i32> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The parameters of a query: names, and values that are still encoded.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
}

fn decode_text<'a>(name: &str, value: &'a str) -> Result<std::borrow::Cow<'a, str>, Error> {
    decoded(value).ok_or_else(|| parse_error(&format!("{name} is not UTF-8")))
}

fn parse_error(reason: &str) -> Error {
    validation_error(ValidationReason::CannotParse, format!("The request can't be read: {reason}"))
}

fn validation_error(reason: ValidationReason, message: String) -> Error {
    Error::Validation { message, reason, field_list: Vec::new() }
}
