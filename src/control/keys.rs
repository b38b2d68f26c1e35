//! KMS keys: those that a world declares, and the names by which calls select a key.
//!
//! A call names a key by its ARN, its id, the name of an alias, or the ARN of an alias. Ids and names of aliases are
//! those of the caller's account in the Region of the call. (AWS KMS Developer Guide, "Key identifiers".)
//!
//! A key that is not declared exists too: a program under test need not list the keys of its account. The key behind an
//! alias that is not declared has an id that follows from the ARN of the alias.
//!
//! A cluster without a customer managed key is encrypted with a key that AWS owns, in an account of the service. (AWS
//! KMS Developer Guide, "AWS owned keys".)

use std::sync::Arc;

use crate::iam::Document;
use crate::region::Region;
use crate::rng::{fingerprint, mix};
use crate::types::Account;

/// A declared key of AWS KMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsKey {
    /// The ARN, as in `arn:aws:kms:us-east-1:111122223333:key/ID`.
    pub arn: Arc<str>,
    /// The names of its aliases, as in `alias/orders`. They belong to the account and the Region of the key.
    pub aliases: Vec<String>,
    /// The key policy; `None` for the one that AWS KMS gives a key by default, which leaves the decision to the
    /// policies of the key's account.
    pub policy: Option<Document>,
}

/// The keys that a world declares, in the order of declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// The keys.
    pub declared: Vec<KmsKey>,
}

/// The parts of the ARN of a key or of an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyArn<'a> {
    /// The Region, which need not be one of Aurora DSQL.
    pub region: &'a str,
    /// The account, twelve digits.
    pub account: &'a str,
    /// The last part: `key/ID` or `alias/NAME`.
    pub resource: &'a str,
}

/// A key as a call selects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::control) struct SelectedKey {
    /// The ARN of the key. It is no ARN of a key if the call's text can be none.
    pub(in crate::control) arn: Arc<str>,
    /// The alias by which the call selects the key.
    pub(in crate::control) alias: Option<Arc<str>>,
}

impl KmsKey {
    /// The parts of the ARN.
    ///
    /// # Panics
    /// The ARN is not one of a key.
    #[must_use]
    pub fn parts(&self) -> KeyArn<'_> {
        KeyArn::parse(&self.arn).expect("a declared key has the ARN of a key")
    }
}

impl Keys {
    /// The declared key with this ARN.
    #[must_use]
    pub fn get(&self, arn: &str) -> Option<&KmsKey> {
        self.declared.iter().find(|key| *key.arn == *arn)
    }

    /// The key that `name` selects in a call of `account` to `region`.
    pub(in crate::control) fn select(&self, name: &str, region: Region, account: Account) -> SelectedKey {
        let own = |resource| format!("arn:aws:kms:{region}:{account}:{resource}");
        let arn = match name {
            arn if arn.starts_with("arn:") => arn.to_owned(),
            alias if alias.starts_with("alias/") => own(alias.to_owned()),
            id => own(format!("key/{id}")),
        };
        let Some((parts, alias)) = KeyArn::parse(&arn).and_then(|parts| Some((parts, parts.alias()?))) else {
            return SelectedKey { arn: arn.into(), alias: None };
        };
        let target = self.declared.iter().find(|key| {
            let own = key.parts();
            (own.region, own.account) == (parts.region, parts.account)
                && key.aliases.iter().any(|known| known == alias)
        });
        let target = target.map_or_else(|| key_of_undeclared_alias(parts).into(), |key| key.arn.clone());
        SelectedKey { arn: target, alias: Some(alias.into()) }
    }
}

impl<'a> KeyArn<'a> {
    /// The parts of `arn`; `None` if it is not an ARN of AWS KMS.
    #[must_use]
    pub fn parse(arn: &'a str) -> Option<KeyArn<'a>> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, "kms", region, account, resource] = parts[..] else { return None };
        let is_whole =
            partition.starts_with("aws") && !region.is_empty() && Account::parse(account).is_some();
        is_whole.then_some(KeyArn { region, account, resource })
    }

    /// The id of the key; `None` for an alias, and for a text that can be no id.
    #[must_use]
    pub fn id(self) -> Option<&'a str> {
        let is_of_id = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        self.resource.strip_prefix("key/").filter(|id| !id.is_empty() && id.bytes().all(is_of_id))
    }

    /// The name of the alias, as in `alias/orders`; `None` for a key.
    #[must_use]
    pub fn alias(self) -> Option<&'a str> {
        Some(self.resource).filter(|name| name.strip_prefix("alias/").is_some_and(|rest| !rest.is_empty()))
    }
}

/// The ARN of the key behind an alias that is not declared.
#[must_use]
pub fn key_of_undeclared_alias(alias: KeyArn<'_>) -> String {
    let KeyArn { region, account, resource } = alias;
    format!("arn:aws:kms:{region}:{account}:key/{}", key_id(fingerprint(&(region, account, resource))))
}

/// The ARN of the key that AWS owns in a Region, by which clusters without a customer managed key are encrypted. Its
/// account and its id are made up: no public source has one.
#[must_use]
pub fn aws_owned_key(region: Region) -> String {
    format!("arn:aws:kms:{region}:{SERVICE_ACCOUNT}:key/{}", key_id(fingerprint(region.name())))
}

/// The account of the keys that AWS owns.
const SERVICE_ACCOUNT: &str = "000000000000";

/// The id of a key, in the form of a UUID.
fn key_id(first: u64) -> String {
    let digits = format!("{first:016x}{:016x}", mix(first, 1));
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_key_selects_it() {
        let arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let aliases = vec!["alias/orders".to_owned(), "alias/old/orders".to_owned()];
        let keys = Keys { declared: vec![KmsKey { arn: arn.into(), aliases, policy: None }] };
        let selected = |name: &str, region: Region, account: &str| {
            keys.select(name, region, Account::parse(account).expect("an account")).arn
        };
        for name in [
            arn,
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "alias/orders",
            "alias/old/orders",
            "arn:aws:kms:us-east-1:111122223333:alias/orders",
        ] {
            assert_eq!(*selected(name, Region::US_EAST_1, "111122223333"), *arn, "{name}");
        }
        // Ids and names of aliases are those of the account and the Region; ARNs name them.
        for (region, account) in [(Region::US_EAST_2, "111122223333"), (Region::US_EAST_1, "444455556666")] {
            assert_eq!(*selected(arn, region, account), *arn);
            let of_alias = selected("alias/orders", region, account);
            assert!(of_alias.starts_with(&format!("arn:aws:kms:{region}:{account}:key/")), "{of_alias}");
            assert_eq!(of_alias, selected("alias/orders", region, account));
            assert_ne!(of_alias, selected("alias/other", region, account));
        }
    }

    #[test]
    fn other_texts_select_no_key() {
        let keys = Keys::default();
        for name in ["a/b", "a:b", "alias/", "arn:aws:s3:::bucket", "arn:aws:kms:us-east-1:1:key/k", "key/k"]
        {
            let selected = keys.select(name, Region::US_EAST_1, Account::DEFAULT).arn;
            assert_eq!(KeyArn::parse(&selected).and_then(KeyArn::id), None, "{name}");
        }
    }
}
