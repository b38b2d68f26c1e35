//! What a request says of itself, by condition key.

use std::borrow::Cow;

/// The condition keys of a request and their values. Names are compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context(Vec<(Cow<'static, str>, Vec<String>)>);

impl Context {
    /// Sets `key` to one value, or to several.
    pub fn set<V: Into<String>>(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        values: impl IntoIterator<Item = V>,
    ) {
        let (key, values) = (key.into(), values.into_iter().map(Into::into).collect());
        match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&key)) {
            Some((_, known)) => *known = values,
            None => self.0.push((key, values)),
        }
    }

    /// The keys, and their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(key, values)| (&**key, values.as_slice()))
    }

    /// The values of `key`; `None` if the request has no such key. A key without values is as good as none.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[String]> {
        let (_, values) = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(key))?;
        (!values.is_empty()).then_some(values)
    }
}
