//! The ends of calls, to which later calls and expectations refer.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use serde_json::Value;

use crate::map::FixedMap;
use crate::sim::client::Outcome;

use super::body::ReferenceError;
use super::{CallStep, body};

/// The ends of the calls of a run so far.
#[derive(Default)]
pub(super) struct CallEnds {
    named: FixedMap<Arc<str>, EndedCall>,
    last: Option<EndedCall>,
}

/// The end of a call: its outcome and its answer.
#[derive(Clone)]
pub(super) struct EndedCall {
    pub(super) outcome: Outcome,
    /// The output, or the body of the error, as JSON. It is computed at the first reference to it and kept: many later
    /// calls refer to one answer.
    answer: OnceCell<Option<Value>>,
}

impl EndedCall {
    /// The member of the answer at `path`.
    pub(super) fn member(&self, path: &str) -> Option<Cow<'_, Value>> {
        let answer = self.answer.get_or_init(|| match &self.outcome {
            Outcome::Ok(response) => Some(response.to_json()),
            Outcome::Failed(error) => Some(error.to_json()),
            Outcome::Gone | Outcome::Unknown | Outcome::TimedOut(_) => None,
        });
        body::member(answer.as_ref()?, path)
    }
}

impl From<Outcome> for EndedCall {
    fn from(outcome: Outcome) -> EndedCall {
        EndedCall { outcome, answer: OnceCell::new() }
    }
}

impl CallEnds {
    /// Notes that `call` has ended: from now on its name stands for this end.
    pub(super) fn note_named(&mut self, call: &CallStep, outcome: Outcome) {
        if let Some(alias) = &call.alias {
            self.named.insert(alias.clone(), outcome.into());
        }
    }

    /// Notes that `call` has ended and is the last call.
    pub(super) fn note_last(&mut self, call: &CallStep, outcome: Outcome) {
        self.note_named(call, outcome.clone());
        self.last = Some(outcome.into());
    }

    /// The end of the call `name`; without a name, of the last call.
    pub(super) fn ended(&self, name: Option<&str>) -> Option<&EndedCall> {
        match name {
            None => self.last.as_ref(),
            Some(name) => self.named.get(name),
        }
    }

    /// The value to which a reference refers.
    fn value(&self, name: &str, member: &str) -> Result<Cow<'_, Value>, ReferenceError> {
        let not_made = || ReferenceError::NotMade { name: name.to_owned() };
        let ended = self.ended(Some(name)).ok_or_else(not_made)?;
        let outcome = ended.outcome.name();
        let value = match member {
            "outcome" => Some(Cow::Owned(Value::from(outcome))),
            path => ended.member(path),
        };
        let no_value =
            || ReferenceError::NoValue { name: name.to_owned(), member: member.to_owned(), outcome };
        value.ok_or_else(no_value)
    }

    /// The text to which a reference refers.
    ///
    /// # Errors
    /// The reference has no value.
    pub(super) fn resolve(&self, name: &str, member: &str) -> Result<String, ReferenceError> {
        self.value(name, member).map(|value| match &*value {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        })
    }

    /// The value with which an expectation compares. A reference by itself keeps the type of its value; one inside a
    /// text becomes text.
    ///
    /// # Errors
    /// A reference has no value.
    pub(super) fn fill(&self, wanted: &Value) -> Result<Value, ReferenceError> {
        if let Some(reference) = wanted.as_str().and_then(body::only_reference) {
            return self.value(reference.name, reference.member).map(Cow::into_owned);
        }
        body::fill(wanted, &|name, member| self.resolve(name, member))
    }
}
