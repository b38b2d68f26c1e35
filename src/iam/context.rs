//! What a request says of itself, by condition key.

/// The condition keys of a request and their values. Names are compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context(Vec<(String, Vec<String>)>);

impl Context {
    /// Sets `key` to one value, or to several.
    pub fn set<V: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        let key = key.to_ascii_lowercase();
        let values = values.into_iter().map(Into::into).collect();
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = values,
            None => self.0.push((key, values)),
        }
    }

    /// The values of `key`; `None` if the request has no such key. A key without values is as good as none.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[String]> {
        let (_, values) = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(key))?;
        (!values.is_empty()).then_some(values)
    }
}
