//! The recorder: writes a scenario from calls and faults that come in from outside, as `dsql-sim serve` gets them.
//!
//! The server gives each call and each fault to a [`Recording`], and makes it with the key that it gets back. The
//! recorded scenario makes the same calls and injects the same faults, in the same order, at the same virtual times and
//! with the same draws. So it has the same answers and the same hash.
//!
//! A recording is text that only grows. What was appended so far is a scenario by itself, as soon as its last command
//! is complete.
//!
//! An identifier or an ARN that came in an answer, and that a later call sends, is recorded as a reference to the
//! answer: with another seed its value differs, and the calls still mean the same.

use std::sync::Arc;
use std::time::Duration;

use crate::api::{Operation, Response};
use crate::map::FixedMap;
use crate::sim::client::ClientOptions;
use crate::sim::fault::Fault;
use crate::types::{ClientId, Instant};

use super::script::SEPARATOR;
use super::step_keys::StepKeys;
use super::verbs::clients;
use super::write::Writer;
use super::{Action, CallStep, Scenario, SetUp, When};

/// A scenario under construction.
#[derive(Debug)]
pub struct Recording {
    set_up: SetUp,
    /// The virtual time at which the recording began, from which the times of calls are counted.
    began: Instant,
    /// The time of the last call or fault.
    last: Instant,
    /// The keys of the steps before the recording.
    keys_before: StepKeys,
    /// The keys of those steps and of the steps at `last`. Steps of different times are never equal.
    keys: StepKeys,
    /// The names of calls before the recording.
    taken: Vec<Arc<str>>,
    /// Values from answers, each with the reference that stands for it.
    references: FixedMap<String, AnswerReference>,
    /// The number of the last name that was given to a call.
    named: usize,
    /// The text that was not taken yet.
    text: String,
}

/// A reference to a member of an answer.
#[derive(Debug)]
struct AnswerReference {
    text: String,
    /// A time at which the answer was there. Only calls that begin later can refer to it.
    since: Instant,
}

impl Recording {
    /// A recording that begins at the end of `scenario`, at `now`.
    #[must_use]
    pub fn after(scenario: &Scenario, now: Instant) -> Recording {
        let steps = scenario.blocks.iter().map(|block| block.iter().map(|step| step.action.clone()));
        let before = steps.map(|actions| actions.filter(|action| !matches!(action, Action::SetUp)).collect());
        let mut before: Vec<Vec<Action>> =
            before.filter(|actions: &Vec<Action>| !actions.is_empty()).collect();
        let mut keys = StepKeys::default();
        for action in before.iter_mut().flatten() {
            keys.next(action);
        }
        let taken = before.iter().flatten().filter_map(|action| match action {
            Action::Call(call) => call.alias.clone(),
            _ => None,
        });
        let mut recording = Recording {
            set_up: scenario.set_up.clone(),
            began: now,
            last: now,
            keys_before: keys.clone(),
            keys,
            taken: taken.collect(),
            references: FixedMap::default(),
            named: 0,
            text: String::new(),
        };
        recording.begin(before);
        recording
    }

    /// Writes the scenario with which the recording began, and the head of the block for what is recorded.
    fn begin(&mut self, before: Vec<Vec<Action>>) {
        let separator = if before.is_empty() { String::new() } else { format!("{SEPARATOR}\n") };
        let head = Scenario::of(self.set_up.clone(), before).print("Recorded from real clients.");
        self.text = format!("{}\n{separator}\n", head.trim_end());
        self.add(|writer| Action::Parallel.write(writer));
    }

    /// Appends a command and the blank line that shows that it is complete.
    fn add(&mut self, write: impl FnOnce(&mut Writer<'_>)) {
        let paragraph = self.paragraph(write);
        self.text.push_str(&paragraph);
    }

    fn paragraph(&self, write: impl FnOnce(&mut Writer<'_>)) -> String {
        let mut writer = Writer::new(&self.set_up);
        write(&mut writer);
        format!("{}\n\n", writer.into_page().trim_end())
    }

    /// The set-up of the scenario, with all clients so far.
    #[must_use]
    pub fn set_up(&self) -> &SetUp {
        &self.set_up
    }

    /// Takes the text that was recorded since the last time.
    pub fn take_text(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// The number of values to which later calls may refer.
    #[must_use]
    pub fn references(&self) -> usize {
        self.references.len()
    }

    /// Adds a client that has not called before.
    pub fn client(&mut self, client: ClientOptions) {
        self.set_up.clients.push(client.clone());
        self.add(|writer| clients::write_client(&client, writer));
    }

    /// Replaces the description of a client that has not called yet.
    pub fn replace_client(&mut self, id: ClientId, client: ClientOptions) {
        self.set_up.clients[id.0 as usize] = client.clone();
        self.add(|writer| clients::write_client(&client, writer));
    }

    /// Records that `step` begins at `at`, not earlier than any call and fault before. Returns the key of its draws,
    /// and its name if later calls may refer to its answer.
    pub fn call(&mut self, at: Instant, mut step: CallStep) -> (u64, Option<Arc<str>>) {
        step.after = at.since(self.began);
        step.may_be_skipped = true;
        step.input.replace_texts(|text| {
            let reference = self.references.get(text).filter(|reference| reference.since < at);
            reference.map(|reference| reference.text.clone())
        });
        if matches!(step.operation(), Operation::CreateCluster | Operation::CreateStream) {
            step.alias = Some(self.name());
        }
        let alias = step.alias.clone();
        let mut action = Action::Call(step);
        let key = self.key(at, &mut action);
        self.add(|writer| writer.command(&action));
        (key, alias)
    }

    /// Records the answer of the call `name`, which its caller has at `now`.
    pub fn answered(&mut self, name: &str, response: &Response, now: Instant) {
        let mut refer = |value: String, member: &str| {
            let reference = || AnswerReference { text: format!("${name}.{member}"), since: now };
            self.references.entry(value).or_insert_with(reference);
        };
        match response {
            Response::CreateCluster(made) => {
                refer(made.arn.to_string(), "arn");
                refer(made.arn.identifier.to_string(), "identifier");
            }
            Response::CreateStream(made) => refer(made.stream_identifier.to_string(), "streamIdentifier"),
            _ => {}
        }
    }

    /// A name that no call has yet.
    fn name(&mut self) -> Arc<str> {
        loop {
            self.named += 1;
            let name = format!("c{}", self.named);
            if !self.taken.iter().any(|taken| **taken == name) {
                return name.into();
            }
        }
    }

    /// Records that `fault` is planned at `at`, not earlier than any call and fault before, to happen after `pause`.
    /// Returns it with the key of its draws, and its text for the trace.
    pub fn fault(&mut self, at: Instant, pause: Duration, fault: Fault) -> (Fault, String) {
        let mut action = Action::FaultAt(When::Meanwhile(at.since(self.began), pause), fault);
        self.key(at, &mut action);
        self.add(|writer| action.write(writer));
        let Action::FaultAt(_, fault) = action else { unreachable!("it was made above") };
        let words = super::write::fault_text(&self.set_up, &fault);
        (fault, words)
    }

    /// The key of the draws about `action`, which begins at `at`.
    fn key(&mut self, at: Instant, action: &mut Action) -> u64 {
        if at > self.last {
            self.keys = self.keys_before.clone();
            self.last = at;
        }
        self.keys.next(action)
    }

    /// Records that the recording ends at `end`; the last call had ended at `last_end`.
    pub fn end(&mut self, last_end: Instant, end: Instant) {
        self.text.push_str(&self.ending(last_end, end));
    }

    /// The text that completes the recording at `end`, if it is to end there; the last call had ended at `last_end`.
    #[must_use]
    pub fn ending(&self, last_end: Instant, end: Instant) -> String {
        // The faults are undone at the end of the last block: its time is part of the recording.
        let pause = end.since(last_end.max(self.last));
        if pause == Duration::ZERO {
            return String::new();
        }
        self.paragraph(|writer| Action::Advance(pause).write(writer))
    }
}

/// A call from outside, whose client waits so long for its answer. It has one attempt: the real client makes the
/// retries.
#[must_use]
pub fn outside_call(
    client: ClientId,
    region: crate::Region,
    request: &crate::api::Request,
    time_out: Duration,
) -> CallStep {
    CallStep {
        client,
        region,
        alias: None,
        attempts: 1,
        time_out,
        after: Duration::ZERO,
        waiter: None,
        principal: None,
        may_be_skipped: false,
        input: super::body::plain(request.clone()),
    }
}
