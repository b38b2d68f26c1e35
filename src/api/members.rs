//! The members of inputs and outputs: their kinds, those that are present, and those that many inputs have.
//!
//! An input is a plain structure with `#[apply(input)]`, an output one with `#[apply(output)]`: a new member reaches
//! everything here by itself.

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
    fn kind() -> MemberKind;

    /// Whether a member with this value is absent. An absent required text is the empty text, which validation rejects.
    fn is_absent(&self) -> bool {
        false
    }

    /// Marks the leaf members of `it` that are present. A type without members marks itself.
    fn mark(it: Option<&Self>, given: &mut Given) {
        given.push(it.is_some_and(|it| !it.is_absent()));
    }

    /// Replaces each text for which `new` has a replacement, except for the keys of tags.
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

/// The members that many inputs have, by the names that they have in each. An input without one keeps the default.
pub(super) trait InputMembers {
    fn client_token(&self) -> Option<&ClientToken> {
        None
    }

    fn client_token_mut(&mut self) -> Option<&mut Option<ClientToken>> {
        None
    }

    /// The identifier of the cluster, for streams as well.
    fn identifier(&self) -> Option<&str> {
        None
    }

    fn identifier_mut(&mut self) -> Option<&mut String> {
        None
    }

    fn stream_identifier(&self) -> Option<&str> {
        None
    }

    fn stream_identifier_mut(&mut self) -> Option<&mut String> {
        None
    }

    fn resource_arn(&self) -> Option<&str> {
        None
    }

    fn resource_arn_mut(&mut self) -> Option<&mut String> {
        None
    }

    fn next_token(&self) -> Option<&String> {
        None
    }

    fn next_token_mut(&mut self) -> Option<&mut Option<String>> {
        None
    }

    fn max_results_mut(&mut self) -> Option<&mut Option<i64>> {
        None
    }
}

/// The methods of [`InputMembers`] for the member of this name.
macro_rules! accessors {
    (client_token) => {
        fn client_token(&self) -> Option<&crate::types::ClientToken> {
            self.client_token.as_ref()
        }

        fn client_token_mut(&mut self) -> Option<&mut Option<crate::types::ClientToken>> {
            Some(&mut self.client_token)
        }
    };
    (identifier) => {
        $crate::api::members::accessors! { identifier, identifier_mut, identifier }
    };
    (cluster_identifier) => {
        $crate::api::members::accessors! { identifier, identifier_mut, cluster_identifier }
    };
    (stream_identifier) => {
        $crate::api::members::accessors! { stream_identifier, stream_identifier_mut, stream_identifier }
    };
    (resource_arn) => {
        $crate::api::members::accessors! { resource_arn, resource_arn_mut, resource_arn }
    };
    (next_token) => {
        fn next_token(&self) -> Option<&String> {
            self.next_token.as_ref()
        }

        fn next_token_mut(&mut self) -> Option<&mut Option<String>> {
            Some(&mut self.next_token)
        }
    };
    (max_results) => {
        fn max_results_mut(&mut self) -> Option<&mut Option<i64>> {
            Some(&mut self.max_results)
        }
    };
    ($shared:ident, $changed:ident, $member:ident) => {
        fn $shared(&self) -> Option<&str> {
            Some(&self.$member)
        }

        fn $changed(&mut self) -> Option<&mut String> {
            Some(&mut self.$member)
        }
    };
    ($other:ident) => {};
}

/// Makes a structure an input. An absent member is also absent in JSON.
macro_rules! input {
    ($(#[$attribute:meta])* pub struct $name:ident {
        $($(#[$of_field:meta])* pub $field:ident: $type:ty,)*
    }) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $(
                #[serde(skip_serializing_if = "crate::api::members::Shape::is_absent")]
                $(#[$of_field])*
                pub $field: $type,
            )*
        }

        impl $crate::api::members::Shape for $name {
            fn kind() -> $crate::api::MemberKind {
                $crate::api::MemberKind::Structure(vec![$((
                    $crate::api::members::camel(stringify!($field)),
                    <$type as $crate::api::members::Shape>::kind(),
                ),)*])
            }

            fn mark(it: Option<&Self>, given: &mut $crate::api::members::Given) {
                $($crate::api::members::Shape::mark(it.map(|it| &it.$field), given);)*
            }

            fn replace_texts(&mut self, new: &mut dyn FnMut(&str) -> Option<String>) {
                $($crate::api::members::Shape::replace_texts(&mut self.$field, new);)*
            }
        }

        impl $crate::api::members::InputMembers for $name {
            $($crate::api::members::accessors! { $field })*
        }
    };
}

/// The names of the members of an output.
pub(super) trait OutputMembers {
    fn names() -> Vec<String>;
}

impl<T: OutputMembers> OutputMembers for Box<T> {
    fn names() -> Vec<String> {
        T::names()
    }
}

/// Makes a structure an output. Members that follow from the ARN, such as the identifier, are not stored: serialization
/// derives them.
macro_rules! output {
    ($(#[$attribute:meta])* pub struct $name:ident {
        $($(#[$($of_field:tt)*])* pub $field:ident: $type:ty,)*
    }) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($(#[$($of_field)*])* pub $field: $type,)*
        }

        impl $crate::api::members::OutputMembers for $name {
            fn names() -> Vec<String> {
                let derived: &[&[&str]] = &[$($($crate::api::members::derived_members!($($of_field)*),)*)*];
                let stored = [$(stringify!($field)),*];
                derived.concat().into_iter().chain(stored).map($crate::api::members::camel).collect()
            }
        }
    };
}

/// The members that serialization derives beside a field with this attribute.
macro_rules! derived_members {
    (serde(flatten, with = "with_identifier")) => {
        &["identifier"]
    };
    (serde(flatten, with = "with_endpoint")) => {
        &["identifier", "endpoint"]
    };
    ($($other:tt)*) => {
        &[]
    };
}

pub(super) use {accessors, derived_members, input, output};

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

    fn is_absent(&self) -> bool {
        self.is_empty()
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
    fn kind() -> MemberKind {
        T::kind()
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn mark(it: Option<&Self>, given: &mut Given) {
        T::mark(it.and_then(Option::as_ref), given);
    }

    fn replace_texts(&mut self, new: &mut dyn FnMut(&str) -> Option<String>) {
        self.iter_mut().for_each(|content| content.replace_texts(new));
    }
}

impl<T: Shape + ?Sized> Shape for Box<T> {
    fn kind() -> MemberKind {
        T::kind()
    }

    fn mark(it: Option<&Self>, given: &mut Given) {
        T::mark(it.map(|it| &**it), given);
    }

    fn replace_texts(&mut self, new: &mut dyn FnMut(&str) -> Option<String>) {
        T::replace_texts(self, new);
    }
}

impl<T: Shape> Shape for [T] {
    fn kind() -> MemberKind {
        MemberKind::List(Box::new(T::kind()))
    }

    fn replace_texts(&mut self, new: &mut dyn FnMut(&str) -> Option<String>) {
        self.iter_mut().for_each(|item| item.replace_texts(new));
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn kind() -> MemberKind {
        <[T]>::kind()
    }

    fn replace_texts(&mut self, new: &mut dyn FnMut(&str) -> Option<String>) {
        <[T]>::replace_texts(self, new);
    }
}
