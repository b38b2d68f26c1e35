//! Expectations: the claims of `expect`, which hold for every seed.

use std::sync::{Arc, LazyLock};

use serde_json::Value;
use strum::{VariantArray, VariantNames};

use crate::api::{Error, Operation};
use crate::region::Region;
use crate::types::{ClusterStatus, thousandths};

use super::body;
use super::diagnostic::{Diagnostic, Span, did_you_mean};
use super::named_calls::VisibleCalls;
use super::script::Word;

/// A claim that holds for every seed.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Expectation {
    /// A claim about the outcome of a call, or about a member of its answer or of its error's body. A call that ended
    /// unknown has neither: only `is absent` and `!=` hold for its members.
    Answer {
        /// The name of the call; `None` for the last one.
        call: Option<Arc<str>>,
        /// `outcome`, `error`, `http`, or a path of members.
        subject: String,
        /// The comparison.
        test: Comparison,
    },
    /// A claim about the number of clusters in a Region's storage, whatever callers know.
    Clusters(Region, Comparison),
    /// A claim about the true state of the cluster that the named call created, whatever callers know.
    State(Arc<str>, ClusterState),
}

/// A comparison with a value.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Comparison {
    /// The operator holds between the value and this one, whose texts may hold references.
    Compares(Operator, Value),
    /// There is no value.
    Absent,
    /// There is a value, whatever it is.
    Present,
}

/// An operator of a comparison. The four of order hold for whole numbers only.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumString, strum::IntoStaticStr, strum::VariantNames,
)]
#[expect(missing_docs, reason = "each is the operator that it is named after")]
pub enum Operator {
    #[strum(serialize = "==")]
    Equal,
    #[strum(serialize = "!=")]
    Unequal,
    #[strum(serialize = "<=")]
    AtMost,
    #[strum(serialize = ">=")]
    AtLeast,
    #[strum(serialize = "<")]
    Less,
    #[strum(serialize = ">")]
    More,
    #[strum(serialize = "contains")]
    Contains,
}

/// The true state of a cluster, whatever callers know.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum ClusterState {
    /// The cluster has this status.
    Status(ClusterStatus),
    /// The cluster does not exist: it was deleted, or never created.
    Gone,
    /// The cluster is linked with the named one, and that one with it. One-sided links do not count.
    LinkedWith(Arc<str>),
}

impl Operator {
    /// The operator as it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether the operator holds between `left` and `right`.
    #[must_use]
    pub fn holds(self, left: &Value, right: &Value) -> bool {
        let number = |value: &Value| value.as_number().and_then(thousandths);
        let ordered = number(left).zip(number(right)).map(|(one, other)| one.cmp(&other));
        match self {
            Operator::Equal => left == right,
            Operator::Unequal => left != right,
            Operator::Less => ordered.is_some_and(std::cmp::Ordering::is_lt),
            Operator::AtMost => ordered.is_some_and(std::cmp::Ordering::is_le),
            Operator::More => ordered.is_some_and(std::cmp::Ordering::is_gt),
            Operator::AtLeast => ordered.is_some_and(std::cmp::Ordering::is_ge),
            Operator::Contains => match (left, right) {
                (Value::Array(items), right) => items.contains(right),
                (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
                _ => false,
            },
        }
    }
}

/// Reads what follows `expect`, which may refer to `calls`; `region` reads a Region.
pub(super) fn read(
    rest: &Word,
    calls: VisibleCalls<'_>,
    region: &dyn Fn(&Word) -> Result<Region, Diagnostic>,
) -> Result<Expectation, Diagnostic> {
    let words = split(rest);
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let mistake = |message: String| Diagnostic::new(message, rest.span);
    match texts.as_slice() {
        [] => Err(mistake("`expect` needs something to expect".to_owned())
            .help("as in `expect status == ACTIVE`, see `dsql-sim help scenario`".to_owned())),
        ["clusters", "in", _, test @ ..] => {
            Ok(Expectation::Clusters(region(&words[2])?, read_test(test, rest)?))
        }
        [name, "is", state @ ..] if !matches!(state, ["absent" | "present"]) => {
            let name = calls.named(name, words[0].span)?;
            Ok(Expectation::State(name, read_state(state, &words, calls, rest)?))
        }
        [subject, test @ ..] => {
            let (call, subject) = match subject.split_once('.') {
                Some((name, member)) if calls.operation_of(name).is_some() => (Some(Arc::from(name)), member),
                _ => (None, *subject),
            };
            check_subject(subject, &words[0])?;
            let test = match (subject, test) {
                ("outcome", [word]) => Comparison::Compares(Operator::Equal, Value::from(*word)),
                _ => read_test(test, rest)?,
            };
            if let ("outcome", Comparison::Compares(_, Value::String(outcome))) = (subject, &test)
                && !OUTCOMES.contains(&outcome.as_str())
            {
                return Err(mistake(format!("`{outcome}` is not an outcome"))
                    .help(format!("it is one of {}", OUTCOMES.join(", "))));
            }
            if let Comparison::Compares(_, value) = &test {
                let text = value.as_str().unwrap_or_default();
                if let Some(mistake) = body::check_text(text, rest.span, calls).into_iter().next() {
                    return Err(mistake);
                }
            }
            Ok(Expectation::Answer { call, subject: subject.to_owned(), test })
        }
    }
}

/// A subject is `outcome`, `error`, `http`, or begins with a member of some answer or error.
fn check_subject(subject: &str, word: &Word) -> Result<(), Diagnostic> {
    static SUBJECTS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let outputs = Operation::ALL.iter().flat_map(|it| it.output_members());
        let others = ["outcome", "error", "http"].into_iter().chain(Error::MEMBERS).map(str::to_owned);
        others.chain(outputs).collect()
    });
    let first = subject.split('.').next().unwrap_or_default();
    let known = &*SUBJECTS;
    if known.iter().any(|known| known == first) {
        return Ok(());
    }
    let closest = did_you_mean(first, known.iter().map(String::as_str));
    let advice = match first.strip_prefix('$') {
        Some(name) => Some(format!("a subject has no `$`: did you mean `{name}.…`?")),
        None => closest
            .or_else(|| Some(format!("it is one of {}, or a member of an answer", known[..3].join(", ")))),
    };
    Err(Diagnostic::new(format!("no answer has a member `{first}`"), word.span).help(advice))
}

fn read_test(words: &[&str], rest: &Word) -> Result<Comparison, Diagnostic> {
    match words {
        ["is", "absent"] => Ok(Comparison::Absent),
        ["is", "present"] => Ok(Comparison::Present),
        [operator, value @ ..] if !value.is_empty() => {
            let operator = operator.parse().map_err(|_| {
                Diagnostic::new(format!("`{operator}` is not an operator"), rest.span)
                    .help(format!("it is one of {}", Operator::VARIANTS.join(", ")))
            })?;
            Ok(Comparison::Compares(operator, read_value(&value.join(" "))))
        }
        _ => Err(Diagnostic::new("this expectation has no operator and value", rest.span)
            .help("as in `expect status == ACTIVE`".to_owned())),
    }
}

/// Numbers, `true`, `false` and quoted text are JSON; any other word is text.
fn read_value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

fn read_state(
    state: &[&str],
    words: &[Word],
    calls: VisibleCalls<'_>,
    rest: &Word,
) -> Result<ClusterState, Diagnostic> {
    match state {
        ["gone"] => Ok(ClusterState::Gone),
        ["linked", "with", other] => {
            Ok(ClusterState::LinkedWith(calls.named(other, words[words.len() - 1].span)?))
        }
        [status] => status.parse().map(ClusterState::Status).map_err(|_| {
            let names: Vec<_> = ClusterStatus::VARIANTS.iter().map(|status| status.name()).collect();
            Diagnostic::new(format!("`{status}` is not a status"), words[words.len() - 1].span)
                .help(format!("it is `gone`, `linked with NAME`, or one of {}", names.join(", ")))
        }),
        _ => Err(Diagnostic::new("this is no state of a cluster", rest.span)
            .help("as in `expect blue is ACTIVE` or `expect blue is linked with green`".to_owned())),
    }
}

/// The words of an expression; text in double quotes is one word and keeps its quotes.
fn split(rest: &Word) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    let mut is_quoted = false;
    for (at, letter) in rest.text.char_indices().chain([(rest.text.len(), ' ')]) {
        is_quoted ^= letter == '"';
        match (start, letter.is_whitespace() && !is_quoted) {
            (None, false) => start = Some(at),
            (Some(from), true) => {
                let span = Span { start: rest.span.start + from, end: rest.span.start + at };
                words.push(Word { text: rest.text[from..at].to_owned(), span });
                start = None;
            }
            _ => {}
        }
    }
    words
}

const OUTCOMES: [&str; 4] = ["ok", "failed", "unknown", "timed-out"];
