//! The printer: turns a [`Scenario`] into the text of a file, the inverse of the reader.
//!
//! A printed scenario means the same when it is read again, to the last draw: the key of a step is computed from its
//! data. A generated or shrunk scenario consists of a set-up and actions, without a syntax tree.

use std::fmt::Write as _;

use serde_json::Value;

use crate::sim::Latency;
use crate::sim::client::{ClientOptions, WaitFor};
use crate::sim::trace::TraceLevel;
use crate::types::{Account, print_duration};

use super::body::references;
use super::expect::{ClusterState, Comparison, Expectation, Operator};
use super::script::{SEPARATOR, Script};
use super::step_keys::StepKeys;
use super::write_fault::{self, time_span};
use super::{Action, CallStep, PrincipalOptions, Scenario, SetUp, Step, When};

impl Scenario {
    /// The scenario that begins with `set_up` and runs `blocks`, which hold no [`Action::SetUp`].
    #[must_use]
    pub fn of(mut set_up: SetUp, blocks: Vec<Vec<Action>>) -> Scenario {
        if set_up.clients.is_empty() {
            set_up.clients.push(ClientOptions::default());
        }
        let mut keys = StepKeys::default();
        let mut step = |mut action: Action| {
            let key = keys.next(&mut action);
            Step { key, span: super::diagnostic::Span::default(), action }
        };
        let blocks = blocks.into_iter().map(|block| block.into_iter().map(&mut step).collect()).collect();
        Scenario { script: Script::default(), set_up, blocks, warnings: Vec::new() }
    }

    /// The scenario as the text of a file, with `comment` above it. Recorded traces and comments of the file from which
    /// it was read are left out.
    #[must_use]
    pub fn print(&self, comment: &str) -> String {
        let mut writer = Writer::new(&self.set_up);
        for line in comment.lines() {
            let _ = writeln!(writer.page, "{}", format!("# {line}").trim_end());
        }
        if !comment.is_empty() {
            writer.page.push('\n');
        }
        let begin = writer.page.len();
        writer.set_up();
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                let _ = writeln!(writer.page, "{SEPARATOR}\n");
            }
            for step in block {
                writer.command(&step.action);
            }
        }
        // An empty file is a mistake; a scenario without actions is not, and a seed makes it readable.
        if writer.page[begin..].trim_ascii().is_empty() {
            let _ = writeln!(writer.page, "seed 0");
        }
        writer.page
    }
}

/// A fault as a command, as it stands behind `at TIME`.
pub(super) fn fault_text(set_up: &SetUp, fault: &crate::sim::fault::Fault) -> String {
    let mut text = String::new();
    write_fault::write(set_up, fault, &mut text);
    text
}

struct Writer<'a> {
    set_up: &'a SetUp,
    page: String,
}

impl<'a> Writer<'a> {
    fn new(set_up: &'a SetUp) -> Writer<'a> {
        Writer { set_up, page: String::new() }
    }

    fn set_up(&mut self) {
        let SetUp { seed, regions, principals, clients, latency, disk, assumptions, mutants, trace } =
            self.set_up;
        let page = &mut self.page;
        if *seed != 0 {
            let _ = writeln!(page, "seed {seed}");
        }
        if !regions.is_empty() {
            let pairs = regions.iter().map(|(name, region)| format!(" {name}={region}"));
            let _ = writeln!(page, "regions{}", pairs.collect::<String>());
        }
        for principal in principals {
            self::principal(principal, page);
        }
        if *clients != [ClientOptions::default()] {
            for client in clients {
                let home = write_fault::region(self.set_up, client.home);
                let _ = write!(page, "clients {} home={home}", client.name);
                match client.principal {
                    Some(principal) => {
                        let _ = write!(page, " principal={}", principals[principal.index()].name);
                    }
                    None if client.account != Account::DEFAULT => {
                        let _ = write!(page, " account={}", client.account);
                    }
                    None => {}
                }
                page.push('\n');
            }
        }
        if let Latency::Even(span) = latency {
            let _ = writeln!(page, "latency {}", time_span(*span));
        }
        if *disk != default_disk() {
            let _ = writeln!(page, "disk {}", print_duration(*disk));
        }
        for (name, value) in assumptions.differing() {
            let _ = writeln!(page, "assume {name}={value}");
        }
        for mutant in mutants.iter() {
            let _ = writeln!(page, "mutant {}", mutant.name());
        }
        if *trace == TraceLevel::Messages {
            let _ = writeln!(page, "trace messages");
        }
        if !page.is_empty() && !page.ends_with("\n\n") {
            page.push('\n');
        }
    }

    fn command(&mut self, action: &Action) {
        if matches!(action, Action::SetUp) {
            return;
        }
        self.actor(action);
        self.line(action);
        self.page.push('\n');
        if let Action::Call(call) = action
            && let Some(input) = body(call)
        {
            let text = input.to_string();
            let text = if text.len() > WIDEST_BODY { format!("{input:#}") } else { text };
            let _ = writeln!(self.page, "{text}");
        }
    }

    /// The line of a command, without its client and without its end.
    fn line(&mut self, action: &Action) {
        match action {
            Action::SetUp => {}
            Action::Call(call) => self.call(call),
            Action::Parallel => self.page.push_str("parallel"),
            Action::Fault(fault) => write_fault::write(self.set_up, fault, &mut self.page),
            Action::FaultAt(when, fault) => {
                let (sign, time) = match when {
                    When::At(time) => ("", time),
                    When::In(time) => ("+", time),
                };
                let _ = write!(self.page, "at {sign}{} ", print_duration(*time));
                write_fault::write(self.set_up, fault, &mut self.page);
            }
            Action::Advance(pause) => {
                let _ = write!(self.page, "advance {}", print_duration(*pause));
            }
            Action::RunUntilQuiet(limit) => {
                self.page.push_str("run until=quiet");
                if limit.as_secs() != 3600 {
                    let _ = write!(self.page, " limit={}", print_duration(*limit));
                }
            }
            Action::Converge(except) => {
                self.page.push_str("converge");
                if let Some(region) = except {
                    let _ = write!(self.page, " except={}", write_fault::region(self.set_up, *region));
                }
            }
            Action::Expect(expectation) => self.expect(expectation),
            Action::Show(names) => {
                self.page.push_str("show");
                for name in names {
                    let _ = write!(self.page, " {name}");
                }
            }
        }
    }

    /// The client of a call, where there are several.
    fn actor(&mut self, action: &Action) {
        if let Action::Call(call) = action
            && self.set_up.clients.len() > 1
        {
            let _ = write!(self.page, "{}: ", self.set_up.clients[call.client.0 as usize].name);
        }
    }

    fn call(&mut self, call: &CallStep) {
        self.page.push_str(match call.waiter {
            None => call.operation().command(),
            Some(WaitFor::ClusterActive) => "wait cluster-active",
            Some(WaitFor::ClusterNotExists) => "wait cluster-not-exists",
        });
        let _ = write!(self.page, " region={}", write_fault::region(self.set_up, call.region));
        if let Some(alias) = &call.alias {
            let _ = write!(self.page, " as={alias}");
        }
        if call.attempts != CallStep::ATTEMPTS {
            let _ = write!(self.page, " attempts={}", call.attempts);
        }
        if call.time_out != CallStep::TIME_OUT {
            let _ = write!(self.page, " timeout={}", print_duration(call.time_out));
        }
        if !call.after.is_zero() {
            let _ = write!(self.page, " after={}", print_duration(call.after));
        }
        if let Some(principal) = call.principal.and_then(|it| self.set_up.principals.get(it.index())) {
            let _ = write!(self.page, " principal={}", principal.name);
        }
        if call.may_be_skipped {
            self.page.push_str(" if-missing=skip");
        }
    }

    fn expect(&mut self, expectation: &Expectation) {
        self.page.push_str("expect ");
        let page = &mut self.page;
        let _ = match expectation {
            Expectation::Answer { call, subject, test } => {
                if let Some(call) = call {
                    let _ = write!(page, "{call}.");
                }
                write!(page, "{subject} {}", test_text(test))
            }
            Expectation::Clusters(region, test) => {
                write!(page, "clusters in {} {}", write_fault::region(self.set_up, *region), test_text(test))
            }
            Expectation::State(name, ClusterState::Gone) => write!(page, "{name} is gone"),
            Expectation::State(name, ClusterState::Status(status)) => write!(page, "{name} is {status}"),
            Expectation::State(name, ClusterState::LinkedWith(other)) => {
                write!(page, "{name} is linked with {other}")
            }
        };
    }
}

fn principal(principal: &PrincipalOptions, page: &mut String) {
    let (name, identity) = (&principal.name, &*principal.identity);
    let _ = write!(page, "principal {name} arn={}", identity.principal.arn());
    if let Some(key) = &principal.access_key {
        let _ = write!(page, " access-key={key}");
    }
    page.push('\n');
    // The one policy of a root is the reader's, not the file's.
    let policies = identity.policies.iter().filter(|_| !identity.principal.is_root());
    for (index, policy) in policies.enumerate() {
        if index > 0 {
            let _ = writeln!(page, "principal {name}");
        }
        let _ = writeln!(page, "{:#}", policy.source());
    }
    for boundary in &identity.boundaries {
        let _ = writeln!(page, "principal {name} boundary\n{:#}", boundary.source());
    }
}

impl SetUp {
    /// An action as a line of a file.
    #[must_use]
    pub fn words(&self, action: &Action) -> String {
        let mut writer = Writer::new(self);
        writer.actor(action);
        writer.line(action);
        writer.page
    }
}

impl Action {
    /// The names of the calls to whose answers the action refers.
    #[must_use]
    pub fn refers_to(&self) -> Vec<String> {
        match self {
            Action::Call(call) => {
                let mut names = Vec::new();
                call.input.texts(|text| names.extend(names_in_text(text)));
                names
            }
            Action::Show(names) => names.iter().map(|name| (**name).to_owned()).collect(),
            Action::Expect(Expectation::Answer { call, test, .. }) => {
                let compared = match test {
                    Comparison::Compares(_, value) => names_in(value),
                    Comparison::Absent | Comparison::Present => Vec::new(),
                };
                call.iter().map(|name| (**name).to_owned()).chain(compared).collect()
            }
            Action::Expect(Expectation::State(name, state)) => {
                let other = match state {
                    ClusterState::LinkedWith(other) => Some(other),
                    ClusterState::Status(_) | ClusterState::Gone => None,
                };
                [name].into_iter().chain(other).map(|name| (**name).to_owned()).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn names_in(json: &Value) -> Vec<String> {
    match json {
        Value::String(text) => names_in_text(text).collect(),
        Value::Array(items) => items.iter().flat_map(names_in).collect(),
        Value::Object(members) => members.values().flat_map(names_in).collect(),
        _ => Vec::new(),
    }
}

fn names_in_text(text: &str) -> impl Iterator<Item = String> {
    references(text).into_iter().map(|it| it.name.to_owned())
}

fn body(call: &CallStep) -> Option<Value> {
    let input = call.input.to_json();
    let is_empty = input.as_object().is_some_and(|members| members.is_empty());
    (!is_empty || call.waiter.is_some()).then_some(input)
}

fn test_text(test: &Comparison) -> String {
    match test {
        Comparison::Absent => "is absent".to_owned(),
        Comparison::Present => "is present".to_owned(),
        Comparison::Compares(operator, value) => format!("{} {value}", Operator::name(*operator)),
    }
}

fn default_disk() -> std::time::Duration {
    std::time::Duration::from_millis(1)
}

/// A body that is longer is printed over several lines.
const WIDEST_BODY: usize = 110;
