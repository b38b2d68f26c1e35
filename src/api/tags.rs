//! Tags: a few texts by key.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use litemap::LiteMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Tags by key. Cloning shares them.
pub type Tags = Arc<TagMap>;

/// Texts by key: a sorted list, for every request's are looked at from the first to the last, and none looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagMap(LiteMap<String, String>);

impl Deref for TagMap {
    type Target = LiteMap<String, String>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for TagMap {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl FromIterator<(String, String)> for TagMap {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(tags: I) -> TagMap {
        TagMap(tags.into_iter().collect())
    }
}

// The list's own way writes an empty one as a list.
impl Serialize for TagMap {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for TagMap {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<TagMap, D::Error> {
        Ok(BTreeMap::deserialize(from)?.into_iter().collect())
    }
}
