//! `key`: a KMS key and its aliases.

use std::sync::Arc;

use super::{Chapter, VerbEntry, VerbReader, principal};
use crate::control::keys::{KeyArn, KmsKey};
use crate::iam::Document;
use crate::region::Region;
use crate::scenario::SetUp;
use crate::scenario::arguments::Arguments;
use crate::scenario::diagnostic::{Diagnostic, Parsed, did_you_mean};
use crate::scenario::script::Word;
use crate::scenario::write::Writer;

pub(super) const KEY: VerbEntry = VerbEntry {
    name: "key",
    chapter: Chapter::SetUp,
    usage: "\
        key NAME arn=ARN [aliases=ALIAS,...]\n\
        { KEY POLICY }",
    meaning: "\
Declares a KMS key and its aliases. `kmsEncryptionKey` of a call can name the key by its ARN, by its id, by an alias or
by the ARN of an alias; ids and aliases are those of the caller's account in the Region of the call. A key that is not
declared exists too, and so does one behind every alias. The AWS JSON that may follow on the next line is the key
policy; without it the key has the default one, which leaves the decision to the IAM policies of the key's account.",
    example: "key orders arn=arn:aws:kms:us-east-1:111122223333:key/1234abcd aliases=alias/orders",
    reader: VerbReader::SetUp { read, write },
};

fn read(set_up: &mut SetUp, arguments: &mut Arguments<'_>) -> Parsed<()> {
    let name = arguments.required("a name")?;
    let arn = arguments.required_option("arn", "the ARN of the key")?;
    if KeyArn::parse(&arn.text).and_then(KeyArn::id).is_none() {
        return Err(Diagnostic::new(format!("`{}` is not the ARN of a KMS key", arn.text), arn.span)
            .help("write it as in arn=arn:aws:kms:us-east-1:111122223333:key/1234abcd".to_owned()));
    }
    let is_taken =
        |word: &&Word| set_up.keys.iter().any(|(known, key)| **known == *word.text || *key.arn == *word.text);
    if let Some(word) = [name, arn].into_iter().find(is_taken) {
        return Err(Diagnostic::new(format!("there is a key `{}` already", word.text), word.span));
    }
    let aliases = match arguments.option("aliases") {
        None => Vec::new(),
        Some(word) => {
            word.text.split(',').map(|alias| alias_called(set_up, arn, alias, word)).collect::<Parsed<_>>()?
        }
    };
    let policy = match arguments.body() {
        None => None,
        Some(body) => {
            let document = Document::resource(&body.value.to_value());
            Some(document.map_err(|mistake| principal::located(&mistake, &body.value))?)
        }
    };
    set_up.keys.push((name.text.as_str().into(), KmsKey { arn: arn.text.as_str().into(), aliases, policy }));
    Ok(())
}

fn write(writer: &mut Writer<'_>) {
    for (name, key) in &writer.set_up.keys {
        writer.add(format_args!("key {name} arn={}", key.arn));
        if !key.aliases.is_empty() {
            writer.add(format_args!(" aliases={}", key.aliases.join(",")));
        }
        writer.add(format_args!("\n"));
        if let Some(policy) = &key.policy {
            writer.add(format_args!("{:#}\n", policy.source()));
        }
    }
}

/// The key that `word` names, by the name of its declaration or by its ARN, with its Region.
pub(super) fn called(set_up: &SetUp, word: &Word) -> Parsed<(Region, Arc<str>)> {
    let declared = set_up.keys.iter().find(|(name, _)| **name == *word.text);
    let arn: Arc<str> = declared.map_or_else(|| word.text.as_str().into(), |(_, key)| key.arn.clone());
    let Some(parts) = KeyArn::parse(&arn).filter(|parts| parts.id().is_some()) else {
        let closest = did_you_mean(&word.text, set_up.keys.iter().map(|(name, _)| &**name));
        let advice = || Some("give its ARN, or declare it first with `key`".to_owned());
        return Err(
            Diagnostic::new(format!("unknown key `{}`", word.text), word.span).help(closest.or_else(advice))
        );
    };
    let region = Region::parse(parts.region).ok_or_else(|| {
        Diagnostic::new(format!("no cluster can have the key `{}`", word.text), word.span)
            .help(format!("Aurora DSQL has no clusters in {}", parts.region))
    })?;
    Ok((region, arn))
}

/// The name of the key with this ARN in the file: that of its declaration, if it has one.
pub(super) fn name<'a>(set_up: &'a SetUp, arn: &'a str) -> &'a str {
    set_up.keys.iter().find(|(_, key)| *key.arn == *arn).map_or(arn, |(name, _)| name)
}

/// The name of an alias of the key with the ARN `arn`. No other key of the account and the Region may have it.
fn alias_called(set_up: &SetUp, arn: &Word, alias: &str, word: &Word) -> Parsed<String> {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b":/_-".contains(&byte);
    let is_alias =
        alias.strip_prefix("alias/").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_of_name));
    if !is_alias {
        return Err(Diagnostic::new(format!("`{alias}` is not an alias"), word.span)
            .help("write it as in aliases=alias/orders".to_owned()));
    }
    let is_taken =
        |key: &KmsKey| has_one_owner(&key.arn, &arn.text) && key.aliases.iter().any(|known| known == alias);
    match set_up.keys.iter().find(|(_, key)| is_taken(key)) {
        None => Ok(alias.to_owned()),
        Some((name, _)) => {
            Err(Diagnostic::new(format!("`{alias}` is an alias of the key `{name}` already"), word.span))
        }
    }
}

/// Whether two keys belong to the same account in the same Region.
fn has_one_owner(one: &str, other: &str) -> bool {
    let owner = |parts: KeyArn<'_>| (parts.region.to_owned(), parts.account.to_owned());
    KeyArn::parse(one).map(owner) == KeyArn::parse(other).map(owner)
}
