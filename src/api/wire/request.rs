//! Requests.

use serde_json::{Map, Value};

use crate::api::{Error, Request, ValidationReason};

use super::route::{Holds, Route, decoded, encoded};
use super::{HttpRequest, Outgoing};

/// What is asked. Members that the operation does not have are ignored, as the service does; of a name that a query
/// repeats without need, the first counts.
///
/// # Errors
/// ValidationException: `unknownOperation` if there is no such route, `cannotParse` if a member is not of its type.
pub fn decode(http: HttpRequest<'_>) -> Result<Request, Error> {
    let Some((route, labels)) = Route::find(http.method, http.path) else {
        let message = format!("There is no operation {} {}", http.method, http.path);
        return Err(refused(ValidationReason::UnknownOperation, message));
    };
    let mut members = if route.has_body() { body(http.body)? } else { Map::new() };
    for (name, member, holds) in route.query {
        members.remove(*member);
        let given = || parameters(http.query).filter(|(given, _)| given == name).map(|(_, value)| value);
        let texts: Vec<&str> = given().collect();
        let value = match (holds, texts.first()) {
            (_, None) => continue,
            (Holds::Text, Some(text)) => Value::from(&*text_of(name, text)?),
            (Holds::Number, Some(text)) => {
                let number: Option<i64> = text_of(name, text)?.parse().ok();
                Value::from(number.ok_or_else(|| unreadable(&format!("{name} is not a number")))?)
            }
            (Holds::Texts, Some(_)) => {
                let texts = texts.iter().map(|text| Ok(Value::from(&*text_of(name, text)?)));
                Value::Array(texts.collect::<Result<_, Error>>()?)
            }
        };
        members.insert((*member).to_owned(), value);
    }
    for (name, value) in labels {
        members.insert(name.to_owned(), Value::from(&*value));
    }
    Request::from_json(route.operation, Value::Object(members))
        .map_err(|error| unreadable(&error.to_string()))
}

/// The parts of the HTTP request that asks for `request`.
#[must_use]
pub fn encode(request: &Request) -> Outgoing {
    let route = Route::of(request.operation());
    let Value::Object(mut members) = request.to_json() else { unreachable!("an input is an object") };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let path = route.path(|name| members.get(name).map(text).unwrap_or_default());
    let mut query = Vec::new();
    for (name, member, _) in route.query {
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
    Outgoing { method: route.method, target: format!("{path}{question}{}", query.join("&")), body }
}

impl Route {
    fn has_body(&self) -> bool {
        self.method == "POST"
    }
}

/// The members in a body; nothing at all is an object without any.
fn body(bytes: &[u8]) -> Result<Map<String, Value>, Error> {
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(unreadable("the body is not a JSON object")),
        Err(error) => Err(unreadable(&format!("the body is not JSON: {error}"))),
    }
}

/// The names in a query, as they are, and their values, encoded.
fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
}

fn text_of<'a>(name: &str, value: &'a str) -> Result<std::borrow::Cow<'a, str>, Error> {
    decoded(value).ok_or_else(|| unreadable(&format!("{name} is not UTF-8")))
}

fn unreadable(why: &str) -> Error {
    refused(ValidationReason::CannotParse, format!("The request can't be read: {why}"))
}

fn refused(reason: ValidationReason, message: String) -> Error {
    Error::Validation { message, reason, field_list: Vec::new() }
}
