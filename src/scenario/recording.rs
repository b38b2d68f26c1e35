//! The recorder: builds a scenario from calls and faults that come in from outside, as `dsql-sim serve` gets them.
//!
//! The server gives each call to a [`Recording`] and makes it with the key that it gets back. The recorded scenario
//! makes the same calls at the same virtual times with the same draws, and so has the same answers and the same hash.
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

use super::step_keys::StepKeys;
use super::{Action, CallStep, Scenario, SetUp, When};

/// A scenario under construction.
#[derive(Debug)]
pub struct Recording {
    set_up: SetUp,
    /// The blocks of the scenario with which the recording began.
    before: Vec<Vec<Action>>,
    /// The virtual time behind those blocks, from which the times of calls are counted.
    began: Instant,
    keys: StepKeys,
    faults: Vec<Action>,
    calls: Vec<Action>,
    /// Values from answers, each with the reference that stands for it.
    references: FixedMap<String, String>,
    /// The number of the last name that was given to a call.
    named: usize,
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
        Recording {
            set_up: scenario.set_up.clone(),
            before,
            began: now,
            keys,
            faults: Vec::new(),
            calls: Vec::new(),
            references: FixedMap::default(),
            named: 0,
        }
    }

    /// The set-up of the scenario, with all clients so far.
    #[must_use]
    pub fn set_up(&self) -> &SetUp {
        &self.set_up
    }

    /// Adds a client that has not called before.
    pub fn client(&mut self, client: ClientOptions) {
        self.set_up.clients.push(client);
    }

    /// Replaces the description of a client that has not called yet.
    pub fn replace_client(&mut self, id: ClientId, client: ClientOptions) {
        self.set_up.clients[id.0 as usize] = client;
    }

    /// Records that `step` begins at `at`, later than all calls before. Returns the key of its draws, and its name if
    /// later calls may refer to its answer.
    pub fn call(&mut self, at: Instant, mut step: CallStep) -> (u64, Option<Arc<str>>) {
        step.after = at.since(self.began);
        step.may_be_skipped = true;
        step.input.replace_texts(|text| self.references.get(text).cloned());
        if matches!(step.operation(), Operation::CreateCluster | Operation::CreateStream) {
            step.alias = Some(self.name());
        }
        let alias = step.alias.clone();
        let mut action = Action::Call(step);
        let key = self.keys.next(&mut action);
        self.calls.push(action);
        (key, alias)
    }

    /// Records the answer of the call `name`, which its caller has received.
    pub fn answered(&mut self, name: &str, response: &Response) {
        let (text, member) = match response {
            Response::CreateCluster(made) => {
                self.references.entry(made.arn.to_string()).or_insert_with(|| format!("${name}.arn"));
                (made.arn.identifier.to_string(), "identifier")
            }
            Response::CreateStream(made) => (made.stream_identifier.to_string(), "streamIdentifier"),
            _ => return,
        };
        self.references.entry(text).or_insert_with(|| format!("${name}.{member}"));
    }

    /// A name that no call has yet.
    fn name(&mut self) -> Arc<str> {
        loop {
            self.named += 1;
            let name = format!("c{}", self.named);
            let is_taken = self.before.iter().flatten().any(|action| match action {
                Action::Call(call) => call.alias.as_deref() == Some(&name),
                _ => false,
            });
            if !is_taken {
                return name.into();
            }
        }
    }

    /// Records that `fault` is injected at `at`. Returns it with the key of its draws, and its text for the trace.
    pub fn fault(&mut self, at: Instant, fault: Fault) -> (Fault, String) {
        let mut action = Action::FaultAt(When::At(at.since(Instant::START)), fault);
        self.keys.next(&mut action);
        self.faults.push(action.clone());
        let Action::FaultAt(_, fault) = action else { unreachable!("it was made above") };
        let words = super::write::fault_text(&self.set_up, &fault);
        (fault, words)
    }

    /// The scenario, which ends at `end`; the last call had ended at `last_end`.
    #[must_use]
    pub fn scenario(&self, last_end: Instant, end: Instant) -> Scenario {
        let mut block = self.faults.clone();
        if !self.calls.is_empty() {
            block.push(Action::Parallel);
            block.extend(self.calls.iter().cloned());
        }
        if !block.is_empty() {
            // The faults are undone at the end of the last block: its time is part of the recording.
            block.push(Action::Advance(end.since(last_end.max(self.began))));
        }
        let blocks = self.before.iter().cloned().chain([block]).filter(|block| !block.is_empty());
        Scenario::of(self.set_up.clone(), blocks.collect())
    }
}

/// The time-out of a call from outside: as long as an SDK lets a connection wait.
pub const OUTSIDE_TIME_OUT: Duration = Duration::from_secs(60);

/// A call from outside. It has one attempt: the real client makes the retries.
#[must_use]
pub fn outside_call(client: ClientId, region: crate::Region, request: &crate::api::Request) -> CallStep {
    CallStep {
        client,
        region,
        alias: None,
        attempts: 1,
        time_out: OUTSIDE_TIME_OUT,
        after: Duration::ZERO,
        waiter: None,
        principal: None,
        may_be_skipped: false,
        input: super::body::plain(request.clone()),
    }
}
