//! `expect`: claims that hold for every seed.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::{Chapter, VerbEntry, VerbReader};
use crate::control::records::Cluster;
use crate::scenario::arguments::Arguments;
use crate::scenario::body::names_in;
use crate::scenario::call_ends::EndedCall;
use crate::scenario::diagnostic::Parsed;
use crate::scenario::expect::{self, ClusterState, Comparison, Expectation, Operator};
use crate::scenario::read::ScenarioReader;
use crate::scenario::run::{Done, Run};
use crate::scenario::write::Writer;
use crate::scenario::{Action, Step, possible};
use crate::sim::client::Outcome;

pub(super) const EXPECT: VerbEntry = VerbEntry {
    name: "expect",
    chapter: Chapter::Expectations,
    usage: "\
        expect SUBJECT OPERATOR VALUE | SUBJECT is absent | clusters in REGION OPERATOR N\n\
        expect NAME is STATUS | NAME is gone | NAME is linked with OTHER",
    meaning: "\
States a claim that holds for every seed. `SUBJECT` is `outcome` (ok, failed, unknown or timed-out), `error` (the
exception's name), `http` (its status) or a member of the answer (or of the error's body) of the last call, or of the
call `NAME` as in `NAME.status`; `.length` counts a list. `OPERATOR` is `==`, `!=`, `<`, `<=`, `>`, `>=` or
`contains`, and may be left out behind `outcome`. Two forms read the true state of the world, whatever callers know:
`clusters in REGION` (a number), and `NAME is`, with a status, `gone`, or `linked with OTHER`, which holds if both
clusters are linked with each other.",
    example: "expect blue.multiRegionProperties.clusters contains $green.arn",
    reader: VerbReader::Step(read),
};

fn read(reader: &mut ScenarioReader, arguments: &mut Arguments<'_>) -> Parsed<Action> {
    let rest = &arguments.command().rest;
    let calls = reader.calls.all();
    let expectation = expect::read(rest, calls, &|word| reader.set_up.region(word))?;
    if let Expectation::Answer { call, subject, test } = &expectation {
        let operation = match call {
            Some(name) => calls.operation_of(name),
            None => reader.last,
        };
        reader.warnings.extend(possible::impossible(operation, subject, test, rest.span));
    }
    Ok(Action::Expect(expectation))
}

pub(in crate::scenario) fn write(expectation: &Expectation, writer: &mut Writer<'_>) {
    writer.add(format_args!("expect "));
    match expectation {
        Expectation::Answer { call, subject, test } => {
            if let Some(call) = call {
                writer.add(format_args!("{call}."));
            }
            writer.add(format_args!("{subject} {}", test_text(test)));
        }
        Expectation::Clusters(region, test) => {
            writer.add(format_args!("clusters in {} {}", writer.region(*region), test_text(test)));
        }
        Expectation::State(name, state) => writer.add(format_args!("{name} is {}", state_text(state))),
    }
}

fn test_text(test: &Comparison) -> String {
    match test {
        Comparison::Absent => "is absent".to_owned(),
        Comparison::Present => "is present".to_owned(),
        Comparison::Compares(operator, value) => format!("{} {value}", Operator::name(*operator)),
    }
}

fn state_text(state: &ClusterState) -> String {
    match state {
        ClusterState::Gone => "gone".to_owned(),
        ClusterState::Status(status) => status.to_string(),
        ClusterState::LinkedWith(other) => format!("linked with {other}"),
    }
}

/// The names of the calls to which the expectation refers.
pub(in crate::scenario) fn refers_to(expectation: &Expectation) -> Vec<String> {
    match expectation {
        Expectation::Answer { call, test, .. } => {
            call.iter().map(|name| (**name).to_owned()).chain(compared_with(test)).collect()
        }
        Expectation::State(name, state) => {
            let other = match state {
                ClusterState::LinkedWith(other) => Some(other),
                ClusterState::Status(_) | ClusterState::Gone => None,
            };
            [name].into_iter().chain(other).map(|name| (**name).to_owned()).collect()
        }
        Expectation::Clusters(_, test) => compared_with(test),
    }
}

fn compared_with(test: &Comparison) -> Vec<String> {
    match test {
        Comparison::Compares(_, value) => names_in(value),
        Comparison::Absent | Comparison::Present => Vec::new(),
    }
}

pub(in crate::scenario) fn run(expectation: &Expectation, run: &Run<'_>, step: &Step) -> Done {
    let checked = match expectation {
        Expectation::Clusters(region, test) => {
            let count = run.world().storage(*region).map_or(0, |storage| storage.clusters().count());
            let subject = || format!("clusters in {}", run.world().names().region(*region));
            compare(run, &subject, Some(&Value::from(count)), test)
        }
        Expectation::Answer { call, subject, test } => match run.call_ends.ended(call.as_deref()) {
            None => Err("no call has been made".to_owned()),
            Some(ended) => {
                let seen = seen(ended, subject);
                compare(run, &|| subject.clone(), seen.as_ref(), test)
                    .map_err(|message| message + &explanation(run, &ended.outcome))
            }
        },
        Expectation::State(name, state) => check_state(run, name, state),
    };
    checked.map_err(|message| run.failure(message, step.span))
}

/// The value of the subject of an expectation, in the end of a call.
fn seen(ended: &EndedCall, subject: &str) -> Option<Value> {
    match (subject, &ended.outcome) {
        ("outcome", outcome) => Some(Value::from(outcome.name())),
        ("error", Outcome::Failed(error)) => Some(Value::from(error.name())),
        ("error", _) => None,
        ("http", Outcome::Failed(error)) => Some(Value::from(error.http_status())),
        ("http", Outcome::Ok(_)) => Some(Value::from(200)),
        ("http", Outcome::Gone) => Some(Value::from(404)),
        (path, _) => ended.member(path).map(Cow::into_owned),
    }
}

/// Compares what was `seen` of the `subject` with what is expected of it.
fn compare(
    run: &Run<'_>,
    subject: &dyn Fn() -> String,
    seen: Option<&Value>,
    test: &Comparison,
) -> Result<(), String> {
    let unexpected = |expected: &str| {
        let got = seen.map_or("nothing".to_owned(), |seen| shown(run, seen));
        Err(format!("expected {} {expected}, got {got}", subject()))
    };
    match test {
        Comparison::Absent if seen.is_none() => Ok(()),
        Comparison::Absent => unexpected("to be absent"),
        Comparison::Present if seen.is_some() => Ok(()),
        Comparison::Present => unexpected("to be present"),
        Comparison::Compares(operator, wanted) => {
            let wanted = run.call_ends.fill(wanted).map_err(|error| error.to_string())?;
            let holds = match seen {
                Some(seen) => operator.holds(seen, &wanted),
                // Nothing is unequal to everything, and compares to nothing else.
                None => *operator == Operator::Unequal && !wanted.is_null(),
            };
            if holds {
                return Ok(());
            }
            let operator = match operator {
                // Behind several words, as in `clusters in use1`, a bare value would look like one of them.
                Operator::Equal if !subject().contains(' ') => String::new(),
                operator => format!("{} ", operator.name()),
            };
            unexpected(&format!("{operator}{}", shown(run, &wanted)))
        }
    }
}

/// A value as it stands in a message: a single word without its quotes, and clusters by their names.
fn shown(run: &Run<'_>, value: &Value) -> String {
    let text = value.as_str().filter(|text| !text.is_empty() && !text.contains(char::is_whitespace));
    run.world().names().in_text(&text.map_or_else(|| value.to_string(), str::to_owned))
}

/// A further line for the message: the answer of the service, if the call failed, or the last state that a waiter read.
fn explanation(run: &Run<'_>, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed(error) => {
            let message = run.world().names().in_text(&error.to_string());
            format!("\n  the answer was {} {message}", error.http_status())
        }
        Outcome::TimedOut(sight) => format!("\n  the waiter last read: {sight}"),
        Outcome::Ok(_) | Outcome::Gone | Outcome::Unknown => String::new(),
    }
}

fn check_state(run: &Run<'_>, name: &str, state: &ClusterState) -> Result<(), String> {
    let cluster = run.cluster(name);
    let holds = match state {
        ClusterState::Gone => cluster.is_none(),
        ClusterState::Status(status) => cluster.is_some_and(|cluster| cluster.status == *status),
        ClusterState::LinkedWith(other) => {
            let (one, other) = (cluster, run.cluster(other));
            let peer = |cluster: Option<&Arc<Cluster>>| cluster.and_then(|cluster| cluster.linked_peer());
            let arn = |cluster: Option<&Arc<Cluster>>| cluster.map(|cluster| cluster.arn);
            peer(one).is_some() && peer(one) == arn(other) && peer(other) == arn(one)
        }
    };
    if holds {
        return Ok(());
    }
    Err(format!("expected {name} to be {}, got: {}", state_text(state), run.describe(name)))
}
