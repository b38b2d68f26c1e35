//! What a request says of itself, by condition key.

use std::fmt;

use crate::api::TagMap;

/// The condition keys of a request and their values. Nothing is made of them before a condition or a variable asks.
pub trait Context: fmt::Debug {
    /// Shows every key, and its values, to `see`.
    fn each<'a>(&'a self, see: &mut dyn FnMut(Key<'a>, ContextValues<'a>));

    /// The values of `key`, whatever the case of its letters; `None` if the request has no such key. A key without
    /// values is as good as none. Of a key that is there twice, the first counts.
    fn get(&self, key: &str) -> Option<ContextValues<'_>> {
        find(self, key)
    }
}

/// What [`Context::get`] gives unless it is told otherwise.
pub fn find<'a, C: Context + ?Sized>(context: &'a C, key: &str) -> Option<ContextValues<'a>> {
    let mut found = None;
    context.each(&mut |Key(head, tail), values| {
        let is_it = found.is_none()
            && key.len() == head.len() + tail.len()
            && key.split_at_checked(head.len()).is_some_and(|(begin, end)| {
                begin.eq_ignore_ascii_case(head) && end.eq_ignore_ascii_case(tail)
            });
        if is_it {
            found = Some(values);
        }
    });
    found.filter(|values| values.iter().next().is_some())
}

/// A condition key, in two parts: of a tag's, as in `aws:RequestTag/team`, the second is the tag's own key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a>(pub &'a str, pub &'a str);

/// The values of a condition key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextValues<'a> {
    /// One.
    One(&'a str),
    /// Several, or none.
    Several(&'a [String]),
    /// The keys of these tags.
    KeysOf(&'a TagMap),
}

impl<'a> ContextValues<'a> {
    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        let (one, several, keys) = match self {
            ContextValues::One(value) => (Some(value), &[][..], None),
            ContextValues::Several(values) => (None, values, None),
            ContextValues::KeysOf(tags) => (None, &[][..], Some(tags.keys())),
        };
        let several = several.iter().map(String::as_str);
        one.into_iter().chain(several).chain(keys.into_iter().flatten().map(String::as_str))
    }

    /// The only one, if there is only one.
    pub(super) fn only(self) -> Option<&'a str> {
        let mut all = self.iter();
        all.next().filter(|_| all.next().is_none())
    }
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, self.1)
    }
}

/// Condition keys and their values, written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextMap(Vec<(String, Vec<String>)>);

impl ContextMap {
    /// What `context` says.
    #[must_use]
    pub fn of(context: &dyn Context) -> ContextMap {
        let mut facts = ContextMap::default();
        context.each(&mut |key, values| facts.set(&key.to_string(), values.iter().map(str::to_owned)));
        facts
    }

    /// Adds `key` with one value, or with several.
    pub fn set<V: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        self.0.push((key.to_owned(), values.into_iter().map(Into::into).collect()));
    }
}

impl Context for ContextMap {
    fn each<'a>(&'a self, see: &mut dyn FnMut(Key<'a>, ContextValues<'a>)) {
        self.0.iter().for_each(|(key, values)| see(Key(key, ""), ContextValues::Several(values)));
    }
}
