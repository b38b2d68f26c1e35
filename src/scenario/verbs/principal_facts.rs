//! The options of `principal` that describe the principal: its tags, its organization, its credentials.

use crate::iam::{Identity, date_seconds, date_text};
use crate::scenario::arguments::{Arguments, one_of};
use crate::scenario::diagnostic::{Diagnostic, Parsed};
use crate::scenario::script::Word;
use crate::scenario::write::Writer;

/// Reads the options into `identity`.
pub(super) fn read(identity: &mut Identity, arguments: &mut Arguments<'_>) -> Parsed<()> {
    for (key, value) in arguments.options_after(TAG) {
        add_tag(identity, key, value)?;
    }
    identity.organization = arguments.option("organization").map(organization).transpose()?;
    let credentials = &mut identity.credentials;
    credentials.id = arguments.option("id").map(|word| word.text.as_str().into());
    credentials.issued = match arguments.option("issued") {
        None => None,
        Some(word) => Some(date_seconds(&word.text).ok_or_else(|| {
            Diagnostic::new(format!("`{}` is not a date", word.text), word.span)
                .help("write it as in 2026-11-24T10:00:00Z".to_owned())
        })?),
    };
    if let Some(word) = arguments.option("mfa") {
        credentials.has_mfa = one_of(word, "a Boolean", &[("true", true), ("false", false)])?;
    }
    Ok(())
}

/// Appends the options that `identity` needs.
pub(super) fn write(identity: &Identity, writer: &mut Writer<'_>) {
    for (key, value) in identity.tags.iter() {
        writer.add(format_args!(" {TAG}{key}=\"{value}\""));
    }
    if let Some(path) = &identity.organization {
        writer.add(format_args!(" organization={path}"));
    }
    let credentials = &identity.credentials;
    if let Some(id) = &credentials.id {
        writer.add(format_args!(" id={id}"));
    }
    if let Some(issued) = credentials.issued {
        writer.add(format_args!(" issued={}", date_text(issued)));
    }
    if credentials.has_mfa {
        writer.add(format_args!(" mfa=true"));
    }
}

fn add_tag(identity: &mut Identity, key: &str, value: &Word) -> Parsed<()> {
    if key.is_empty() || key.to_ascii_lowercase().starts_with("aws:") {
        let help = "a tag has a key that does not begin with `aws:`, as in `tag:team=orders`";
        return Err(Diagnostic::new(format!("`{key}` is no key of a tag"), value.span).help(help.to_owned()));
    }
    // IAM compares the keys of a principal's tags without regard to case.
    if identity.tags.iter().any(|(known, _)| known.eq_ignore_ascii_case(key)) {
        return Err(Diagnostic::new(format!("the principal has a tag `{key}` already"), value.span));
    }
    identity.tags.insert(key.to_owned(), value.text.clone());
    Ok(())
}

/// The path of an organization, with the slash at its end that the condition key has.
fn organization(word: &Word) -> Parsed<std::sync::Arc<str>> {
    let path = word.text.trim_end_matches('/');
    let mut parts = path.split('/');
    let is_id = |part: Option<&str>, prefix: &str| {
        part.is_some_and(|it| it.strip_prefix(prefix).is_some_and(|it| !it.is_empty()))
    };
    let is_path =
        is_id(parts.next(), "o-") && is_id(parts.next(), "r-") && parts.all(|part| is_id(Some(part), "ou-"));
    if !is_path {
        return Err(Diagnostic::new(format!("`{}` is no path in an organization", word.text), word.span)
            .help("write it as in o-a1b2c3d4e5/r-ab12/ou-ab12-11111111".to_owned()));
    }
    Ok(format!("{path}/").into())
}

/// The prefix of the options that are tags.
const TAG: &str = "tag:";
