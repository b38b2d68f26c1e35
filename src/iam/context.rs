//! The request context: condition keys and their values.

use std::fmt;

use crate::api::TagMap;

/// The condition keys of a request and their values.
///
/// Most requests meet no condition, so an implementation builds no map: it derives the value of a key when a condition
/// or a policy variable needs it.
pub trait Context: fmt::Debug {
    /// The values of `key`, which is in lower case, or `None` if the request does not have the key. A key without
    /// values is treated as absent.
    fn get(&self, key: &str) -> Option<ContextValues<'_>>;
}

/// Condition keys that can be enumerated.
pub trait ContextEntries: fmt::Debug {
    /// Gives `see` every key with its values.
    fn each<'a>(&'a self, see: &mut dyn FnMut(Key<'a>, ContextValues<'a>));
}

impl<T: ContextEntries> Context for T {
    /// Searches the entries, without regard to case. If a key occurs twice, the first occurrence counts.
    fn get(&self, key: &str) -> Option<ContextValues<'_>> {
        let mut found = None;
        self.each(&mut |Key(head, tail), values| {
            let is_match = found.is_none()
                && key.len() == head.len() + tail.len()
                && key.split_at_checked(head.len()).is_some_and(|(begin, end)| {
                    begin.eq_ignore_ascii_case(head) && end.eq_ignore_ascii_case(tail)
                });
            if is_match {
                found = Some(values);
            }
        });
        found.filter(|values| values.iter().next().is_some())
    }
}

/// A condition key in two parts, so that a tag's key needs no concatenation: in `aws:RequestTag/team` the second part
/// is `team`. For other keys it is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a>(pub &'a str, pub &'a str);

/// The values of a condition key, borrowed from the request where it has them as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextValues<'a> {
    /// Exactly one value.
    One(&'a str),
    /// Exactly one value, which was derived for the condition that needs it.
    Owned(String),
    /// A list of values, which may be empty.
    Several(&'a [String]),
    /// The keys of these tags, as in `aws:TagKeys`.
    KeysOf(&'a TagMap),
}

impl ContextValues<'_> {
    /// Iterates over the values.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let (one, several, keys) = match self {
            ContextValues::One(value) => (Some(*value), &[][..], None),
            ContextValues::Owned(value) => (Some(&**value), &[][..], None),
            ContextValues::Several(values) => (None, *values, None),
            ContextValues::KeysOf(tags) => (None, &[][..], Some(tags.keys())),
        };
        let several = several.iter().map(String::as_str);
        one.into_iter().chain(several).chain(keys.into_iter().flatten().map(String::as_str))
    }

    /// The value, if there is exactly one.
    pub(super) fn only(self) -> Option<String> {
        let mut all = self.iter();
        all.next().filter(|_| all.next().is_none()).map(str::to_owned)
    }
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, self.1)
    }
}

/// A [`Context`] that owns its keys and values, in the order in which they were set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextMap(Vec<(String, Vec<String>)>);

impl ContextMap {
    /// Copies every key and value of `entries`.
    #[must_use]
    pub fn of(entries: &dyn ContextEntries) -> ContextMap {
        let mut map = ContextMap::default();
        entries.each(&mut |key, values| map.set(&key.to_string(), values.iter().map(str::to_owned)));
        map
    }

    /// Appends `key` with its values. If the key is there already, the earlier values keep counting.
    pub fn set<V: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        self.0.push((key.to_owned(), values.into_iter().map(Into::into).collect()));
    }
}

impl ContextEntries for ContextMap {
    fn each<'a>(&'a self, see: &mut dyn FnMut(Key<'a>, ContextValues<'a>)) {
        self.0.iter().for_each(|(key, values)| see(Key(key, ""), ContextValues::Several(values)));
    }
}
