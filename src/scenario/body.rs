//! The JSON bodies of calls: validated against the API's shapes when a file is read, and completed with members of
//! earlier answers when the call is made.
//!
//! `$NAME.MEMBER` inside a string refers to a member of the answer to the call that was named `NAME`; `$$` is a plain
//! dollar sign.

use std::borrow::Cow;

use serde_json::Value;

use crate::api::{MemberKind, Operation, Request};

use super::diagnostic::{Diagnostic, Span, did_you_mean};
use super::named_calls::VisibleCalls;
use super::script::{Json, JsonKind};

/// The mistakes in `json` as the input of `operation`: unknown members, wrong types, and references that `calls` cannot
/// resolve.
pub(super) fn check(operation: Operation, json: &Json, calls: VisibleCalls<'_>) -> Vec<Diagnostic> {
    let mut mistakes = Vec::new();
    check_kind(operation.name(), json, &operation.input(), &mut mistakes);
    check_references(json, calls, &mut mistakes);
    mistakes
}

/// The reason why a reference has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The call was left out.
    #[error("call `{name}` was not made")]
    NotMade {
        /// The name of the call.
        name: String,
    },
    /// The end of the call has no such member.
    #[error("`${name}.{member}` has no value: call `{name}` ended {outcome}")]
    NoValue {
        /// The name of the call.
        name: String,
        /// The path of the member.
        member: String,
        /// The name of the call's outcome.
        outcome: &'static str,
    },
}

/// A reference in a text, as in `$blue.identifier`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// The offset of its `$` in the text, in bytes.
    pub(super) start: usize,
    /// The offset behind its end.
    pub(super) end: usize,
    /// The name of the call.
    pub(super) name: &'a str,
    /// The path of members of the call's answer; empty if there is none.
    pub(super) member: &'a str,
}

/// The references in `text`.
pub(super) fn references(text: &str) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find('$').map(|at| from + at) {
        let rest = &text[start + 1..];
        // `$$` is a dollar sign.
        if rest.starts_with('$') {
            from = start + 2;
            continue;
        }
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        let length = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        // A full stop behind a reference ends the sentence around it.
        let (name, member) =
            rest[..length].trim_end_matches('.').split_once('.').unwrap_or((&rest[..length], ""));
        let end = start + 1 + name.len() + if member.is_empty() { 0 } else { 1 + member.len() };
        if !name.is_empty() {
            found.push(Reference { start, end, name, member });
        }
        from = (start + 1).max(end);
    }
    found
}

/// The names of the calls to which the texts of `json` refer.
pub(super) fn names_in(json: &Value) -> Vec<String> {
    match json {
        Value::String(text) => names_in_text(text).collect(),
        Value::Array(items) => items.iter().flat_map(names_in).collect(),
        Value::Object(members) => members.values().flat_map(names_in).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// The names of the calls to which `text` refers.
pub(super) fn names_in_text(text: &str) -> impl Iterator<Item = String> {
    references(text).into_iter().map(|it| it.name.to_owned())
}

/// The reference of which `text` consists, if it is one and nothing else.
pub(super) fn only_reference(text: &str) -> Option<Reference<'_>> {
    references(text).into_iter().find(|reference| (reference.start, reference.end) == (0, text.len()))
}

/// `request` with every reference filled in by `resolve`.
///
/// # Errors
/// The first error of `resolve`.
pub(super) fn fill_request(
    request: &Request,
    resolve: &dyn Fn(&str, &str) -> Result<String, ReferenceError>,
) -> Result<Request, ReferenceError> {
    let mut filled = request.clone();
    let mut missing = None;
    filled.replace_texts(|text| {
        // Most texts hold no reference, and most requests are filled often.
        if !text.contains('$') || missing.is_some() {
            return None;
        }
        fill_text(text, resolve).map_err(|error| missing = Some(error)).ok()
    });
    missing.map_or(Ok(filled), Err)
}

/// `json` with every reference filled in by `resolve`.
///
/// # Errors
/// The first error of `resolve`.
pub(super) fn fill(
    json: &Value,
    resolve: &dyn Fn(&str, &str) -> Result<String, ReferenceError>,
) -> Result<Value, ReferenceError> {
    Ok(match json {
        Value::String(text) => Value::String(fill_text(text, resolve)?),
        Value::Array(items) => items.iter().map(|item| fill(item, resolve)).collect::<Result<_, _>>()?,
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| Ok((name.clone(), fill(member, resolve)?)))
            .collect::<Result<serde_json::Map<_, _>, ReferenceError>>()?
            .into(),
        other => other.clone(),
    })
}

/// `text` with every reference filled in by `resolve`.
pub(super) fn fill_text(
    text: &str,
    resolve: &dyn Fn(&str, &str) -> Result<String, ReferenceError>,
) -> Result<String, ReferenceError> {
    let mut filled = String::new();
    let mut from = 0;
    for reference in references(text) {
        filled.push_str(&text[from..reference.start].replace("$$", "$"));
        filled.push_str(&resolve(reference.name, reference.member)?);
        from = reference.end;
    }
    filled.push_str(&text[from..].replace("$$", "$"));
    Ok(filled)
}

/// `request` as a file holds it: every dollar sign doubled, so that no text reads as a reference.
pub(super) fn plain(mut request: Request) -> Request {
    request.replace_texts(|text| text.contains('$').then(|| text.replace('$', "$$")));
    request
}

/// The value behind `path`, as in `multiRegionProperties.clusters`; `length` behind a list counts it.
pub(super) fn member<'a>(json: &'a Value, path: &str) -> Option<Cow<'a, Value>> {
    let (list, names) = match path.rsplit_once('.') {
        Some((list, "length")) => (true, list),
        _ => (false, path),
    };
    let value =
        names.split('.').filter(|name| !name.is_empty()).try_fold(json, |value, name| match value {
            Value::Array(items) => items.get(name.parse::<usize>().ok()?),
            Value::Object(members) => members.get(name),
            _ => None,
        })?;
    match value {
        Value::Array(items) if list => Some(Cow::Owned(Value::from(items.len()))),
        // A member may have that name, too.
        _ if list => value.get("length").map(Cow::Borrowed),
        _ => Some(Cow::Borrowed(value)),
    }
}

fn check_kind(path: &str, json: &Json, kind: &MemberKind, mistakes: &mut Vec<Diagnostic>) {
    match (kind, &json.kind) {
        (MemberKind::Text, JsonKind::String(_)) | (MemberKind::Boolean, JsonKind::Bool(_)) => {}
        (MemberKind::Integer, JsonKind::Number(number)) if number.is_i64() => {}
        (MemberKind::Structure(known), JsonKind::Object(members)) => {
            for member in members {
                let name = &member.name.text;
                match known.iter().find(|(known, _)| known == name) {
                    Some((_, kind)) => check_kind(&format!("{path}.{name}"), &member.value, kind, mistakes),
                    None => {
                        let names = known.iter().map(|(known, _)| known.as_str());
                        let closest = did_you_mean(name, names.clone());
                        let all = || Some(format!("it has {}", names.clone().collect::<Vec<_>>().join(", ")));
                        mistakes.push(
                            Diagnostic::new(format!("unknown member `{name}` of {path}"), member.name.span)
                                .help(closest.or_else(all)),
                        );
                    }
                }
            }
        }
        (MemberKind::TextMap, JsonKind::Object(members)) => {
            for member in members {
                check_kind(
                    &format!("{path}.{}", member.name.text),
                    &member.value,
                    &MemberKind::Text,
                    mistakes,
                );
            }
        }
        (MemberKind::List(kind), JsonKind::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                check_kind(&format!("{path}.{index}"), item, kind, mistakes);
            }
        }
        (kind, _) => {
            let wanted = match kind {
                MemberKind::Text => "a string",
                MemberKind::Boolean => "`true` or `false`",
                MemberKind::Integer => "a whole number of 64 bits",
                MemberKind::TextMap => "an object of strings",
                MemberKind::List(_) => "a list",
                MemberKind::Structure(_) => "an object",
            };
            let members = match kind {
                MemberKind::Structure(known) => {
                    let names: Vec<_> = known.iter().map(|(name, _)| name.as_str()).collect();
                    Some(format!("its members are {}", names.join(", ")))
                }
                _ => None,
            };
            let mistake = Diagnostic::new(format!("{path} must be {wanted}"), json.span);
            mistakes.push(mistake.label("this is not").help(members));
        }
    }
}

fn check_references(json: &Json, calls: VisibleCalls<'_>, mistakes: &mut Vec<Diagnostic>) {
    match &json.kind {
        JsonKind::String(text) => mistakes.extend(check_text(text, json.span, calls)),
        JsonKind::Array(items) => items.iter().for_each(|item| check_references(item, calls, mistakes)),
        JsonKind::Object(members) => {
            members.iter().for_each(|member| check_references(&member.value, calls, mistakes));
        }
        _ => {}
    }
}

/// The mistakes in the references of `text`, which stands at `span`.
pub(super) fn check_text(text: &str, span: Span, calls: VisibleCalls<'_>) -> Vec<Diagnostic> {
    let references = references(text).into_iter();
    references.filter_map(|reference| calls.mistake_in(reference.name, reference.member, span)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_found_and_filled() {
        let resolve = |name: &str, member: &str| Ok(format!("<{name}:{member}>"));
        assert_eq!(fill_text("$blue.arn", &resolve).as_deref(), Ok("<blue:arn>"));
        assert_eq!(fill_text("a $blue.arn/b $c.d.e.", &resolve).as_deref(), Ok("a <blue:arn>/b <c:d.e>."));
        assert_eq!(fill_text("5 $ and $$5 $$blue.arn", &resolve).as_deref(), Ok("5 $ and $5 $blue.arn"));
        assert_eq!(fill_text("$$$blue.arn", &resolve).as_deref(), Ok("$<blue:arn>"));
        let input = json!({ "tags": { "$a": "$$b" }, "policy": "$c.arn $", "clientToken": "$" });
        let request = Request::from_json(Operation::CreateCluster, input).expect("an input");
        assert_eq!(fill_request(&plain(request.clone()), &resolve), Ok(request));
    }

    #[test]
    fn members_are_found_by_path() {
        let json = json!({ "a": { "b": ["x", "y"] } });
        let found = |path| member(&json, path).map(Cow::into_owned);
        assert_eq!(found("a.b.1"), Some(json!("y")));
        assert_eq!(found("a.b.length"), Some(json!(2)));
        assert_eq!(found("a.c"), None);
        assert_eq!(found("a.length"), None);
    }
}
