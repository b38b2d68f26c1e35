//! The common view of all inputs: the kinds of their members, the members that are present, and the texts in them.

use std::sync::Arc;

use crate::types::ClientToken;

use super::tags::Tags;

/// The JSON type of a member, for readers of hand-written requests and for generators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A string.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// An object from strings to strings.
    TextMap,
    /// An array.
    List(Box<MemberKind>),
    /// An object with these members.
    Structure(Vec<(String, MemberKind)>),
}

impl MemberKind {
    /// The leaf members of a structure, by their paths: those that are not structures themselves.
    pub(super) fn members(self) -> Vec<(String, MemberKind)> {
        let MemberKind::Structure(members) = self else { return Vec::new() };
        let each = |(name, kind): (String, MemberKind)| match kind {
            MemberKind::Structure(_) => {
                kind.members().into_iter().map(|(path, kind)| (format!("{name}.{path}"), kind)).collect()
            }
            kind => vec![(name, kind)],
        };
        members.into_iter().flat_map(each).collect()
    }
}

/// A type that occurs in inputs.
pub(super) trait Shape {
    /// The number of leaf members ([`MemberKind::members`]). A type without members counts as one.
    const MEMBERS: u32 = 1;

    fn kind() -> MemberKind;

    /// Marks the leaf members that are present. A type without members marks itself as present.
    fn mark(&self, given: &mut Given) {
        given.push(true);
    }

    /// Calls `each` with every text, except for the keys of tags.
    fn texts<'a>(&'a self, _: &mut dyn FnMut(&'a str)) {}

    /// Replaces each text for which `new` has a replacement.
    fn replace_texts(&mut self, _: &mut dyn FnMut(&str) -> Option<String>) {}
}

/// The leaf members of an input that are present: one bit each, in the order of [`MemberKind::members`].
#[derive(Default)]
pub(super) struct Given {
    next: u32,
    pub(super) bits: u16,
}

impl Given {
    fn push(&mut self, is_given: bool) {
        self.bits |= u16::from(is_given) << self.next;
        self.next += 1;
    }
}

/// The spelling of the API: `clientToken` for `client_token`.
pub(super) fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| name + &part[..1].to_ascii_uppercase() + &part[1..])
}

impl Shape for String {
    fn kind() -> MemberKind {
        MemberKind::Text
    }

    fn mark(&self, given: &mut Given) {
        given.push(!self.is_empty());
    }

    fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        each(self);
    }

    fn replace_texts(&mut self, new: &mut dyn FnMut(&str) -> Option<String>) {
        if let Some(new) = new(self) {
            *self = new;
        }
    }
}

impl Shape for Arc<str> {
    fn kind() -> MemberKind {
        MemberKind::Text
    }

    fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        each(self);
    }

    fn replace_texts(&mut self, new: &mut dyn FnMut(&str) -> Option<String>) {
        if let Some(new) = new(self) {
            *self = new.into();
        }
    }
}

impl Shape for ClientToken {
    fn kind() -> MemberKind {
        MemberKind::Text
    }

    fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        self.free_text().into_iter().for_each(each);
    }

    fn replace_texts(&mut self, new: &mut dyn FnMut(&str) -> Option<String>) {
        if let Some(new) = self.free_text().and_then(new) {
            *self = new.into();
        }
    }
}

impl Shape for Tags {
    fn kind() -> MemberKind {
        MemberKind::TextMap
    }

    fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        self.iter().for_each(|(_, value)| each(value));
    }

    fn replace_texts(&mut self, new: &mut dyn FnMut(&str) -> Option<String>) {
        for (key, value) in self.clone().iter() {
            if let Some(new) = new(value) {
                Arc::make_mut(self).insert(key.clone(), new);
            }
        }
    }
}

impl Shape for bool {
    fn kind() -> MemberKind {
        MemberKind::Boolean
    }
}

impl Shape for i64 {
    fn kind() -> MemberKind {
        MemberKind::Integer
    }
}

impl<T: Shape> Shape for Option<T> {
    const MEMBERS: u32 = T::MEMBERS;

    fn kind() -> MemberKind {
        T::kind()
    }

    fn mark(&self, given: &mut Given) {
        match self {
            Some(content) => content.mark(given),
            None => (0..T::MEMBERS).for_each(|_| given.push(false)),
        }
    }

    fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        self.iter().for_each(|content| content.texts(each));
    }

    fn replace_texts(&mut self, new: &mut dyn FnMut(&str) -> Option<String>) {
        self.iter_mut().for_each(|content| content.replace_texts(new));
    }
}

impl<T: Shape + ?Sized> Shape for Box<T> {
    const MEMBERS: u32 = T::MEMBERS;

    fn kind() -> MemberKind {
        T::kind()
    }

    fn mark(&self, given: &mut Given) {
        T::mark(self, given);
    }

    fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        T::texts(self, each);
    }

    fn replace_texts(&mut self, new: &mut dyn FnMut(&str) -> Option<String>) {
        T::replace_texts(self, new);
    }
}

impl<T: Shape> Shape for [T] {
    fn kind() -> MemberKind {
        MemberKind::List(Box::new(T::kind()))
    }

    fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        self.iter().for_each(|item| item.texts(each));
    }

    fn replace_texts(&mut self, new: &mut dyn FnMut(&str) -> Option<String>) {
        self.iter_mut().for_each(|item| item.replace_texts(new));
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn kind() -> MemberKind {
        <[T]>::kind()
    }

    fn texts<'a>(&'a self, each: &mut dyn FnMut(&'a str)) {
        <[T]>::texts(self, each);
    }

    fn replace_texts(&mut self, new: &mut dyn FnMut(&str) -> Option<String>) {
        <[T]>::replace_texts(self, new);
    }
}
