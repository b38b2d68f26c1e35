//! Tags of resources.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use litemap::LiteMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Shared tags. A clone is a reference count: requests, records and answers share one map.
pub type Tags = Arc<TagMap>;

/// Tags by key: a sorted list, because requests have few tags, which are iterated in order and hardly ever looked up. A
/// node of a `BTreeMap` has room for eleven entries, some 540 bytes, however few there are (`benches/maps.rs`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
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

// The derived implementation would write an empty list as `[]` instead of `{}`.
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
