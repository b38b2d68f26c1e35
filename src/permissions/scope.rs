//! The resources that a least policy names.

use std::str::FromStr;

/// The resources that a policy names instead of the clusters and streams of a run, whose identifiers are made up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ResourceScope {
    /// Every cluster or stream of the Region and account.
    #[default]
    Any,
    /// Those with a tag: a condition on `aws:ResourceTag/KEY`, and on `aws:RequestTag/KEY` where a call sets the tag.
    Tagged {
        /// The key of the tag.
        key: String,
        /// Its value.
        value: String,
    },
    /// The clusters and streams of the run themselves.
    Exact,
}

impl FromStr for ResourceScope {
    type Err = &'static str;

    /// Reads the tag of [`ResourceScope::Tagged`].
    fn from_str(text: &str) -> Result<ResourceScope, &'static str> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                Ok(ResourceScope::Tagged { key: key.to_owned(), value: value.to_owned() })
            }
            _ => Err("a tag is KEY=VALUE, as in team=orders"),
        }
    }
}
