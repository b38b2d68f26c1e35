//! The calls of a scenario that have names, as the reader meets them: what a reference may refer to.

use std::sync::Arc;
use std::time::Duration;

use crate::api::{Error, Operation};
use crate::map::FixedMap;

use super::diagnostic::{Diagnostic, Parsed, Span, did_you_mean};

/// The named calls so far, in the order of the file.
#[derive(Default)]
pub(super) struct NamedCalls(FixedMap<Arc<str>, NamedCall>);

struct NamedCall {
    operation: Operation,
    /// How long the call waits before it begins.
    after: Duration,
}

/// The named calls that a command may refer to.
#[derive(Clone, Copy)]
pub(super) struct VisibleCalls<'a> {
    calls: &'a NamedCalls,
    /// Calls up to this position have ended.
    before: usize,
    /// Of the others, those that begin earlier than this may have ended.
    after: Duration,
}

impl NamedCalls {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a call of `operation`, which begins `after` its turn; `false` if an earlier call has the name, which stands
    /// for the later one from now on.
    pub(super) fn add(&mut self, name: &str, operation: Operation, after: Duration) -> bool {
        if let Some(known) = self.0.get_mut(name) {
            known.operation = operation;
            return false;
        }
        self.0.insert(name.into(), NamedCall { operation, after });
        true
    }

    /// Every call.
    pub(super) fn all(&self) -> VisibleCalls<'_> {
        self.visible(self.len(), Duration::ZERO)
    }

    /// The first `before` calls, and those that begin earlier than `after`.
    pub(super) fn visible(&self, before: usize, after: Duration) -> VisibleCalls<'_> {
        VisibleCalls { calls: self, before, after }
    }
}

impl VisibleCalls<'_> {
    /// The operation that the call `name` calls; `None` if there is no such call.
    pub(super) fn operation_of(self, name: &str) -> Option<Operation> {
        let (index, _, call) = self.calls.0.get_full(name)?;
        self.sees(index, call).then_some(call.operation)
    }

    /// The name `name`, which stands at `span`.
    ///
    /// # Errors
    /// No call before has it.
    pub(super) fn named(self, name: &str, span: Span) -> Parsed<Arc<str>> {
        match self.operation_of(name) {
            Some(_) => Ok(name.into()),
            None => Err(self.unknown(name, span)),
        }
    }

    /// The mistake in a reference to `member` of the answer of the call `name`, if there is one. A reference may be to
    /// any member of the operation's output, of an error's body, or to the call's outcome.
    pub(super) fn mistake_in(self, name: &str, member: &str, span: Span) -> Option<Diagnostic> {
        let Some(operation) = self.operation_of(name) else { return Some(self.unknown(name, span)) };
        if member.is_empty() {
            let mistake =
                Diagnostic::new(format!("`${name}` names a call, not a member of its answer"), span);
            return Some(mistake.help(format!("did you mean `${name}.identifier` or `${name}.arn`?")));
        }
        let first = member.split('.').next().unwrap_or_default();
        let outputs = operation.output_members();
        let is_known = outputs.iter().any(|known| known == first) || Error::MEMBERS.contains(&first);
        if is_known || first == "outcome" {
            return None;
        }
        let outputs = || outputs.iter().map(String::as_str);
        let closest = did_you_mean(first, outputs().chain(Error::MEMBERS));
        let all = || format!("it has {}", outputs().collect::<Vec<_>>().join(", "));
        let message = format!("`${name}.{member}`: the answer to {operation} has no member `{first}`");
        Some(Diagnostic::new(message, span).help(closest.unwrap_or_else(all)))
    }

    fn unknown(self, name: &str, span: Span) -> Diagnostic {
        let calls = self.calls.0.iter().enumerate();
        let names = calls.filter(|(index, (_, call))| self.sees(*index, call)).map(|(_, (name, _))| &**name);
        let closest = did_you_mean(name, names);
        Diagnostic::new(format!("no call before this one is called `{name}`"), span)
            .help(closest.unwrap_or_else(|| format!("name an earlier call with `as={name}`")))
    }

    fn sees(self, index: usize, call: &NamedCall) -> bool {
        index < self.before || call.after < self.after
    }
}
