//! A scenario that is written down while it happens.
//!
//! Whoever has calls come in from outside, at times that nobody planned, gives each to a [`Recording`] and makes it
//! with the key that it gets. The scenario that comes of it makes the same calls at the same virtual times with the
//! same draws, and so has the same answers and the same hash.
//!
//! What a call was answered with and a later one sends, an identifier or an ARN, is written down as a reference to the
//! answer: with another seed it is another one, and the calls still mean the same.

use std::sync::Arc;
use std::time::Duration;

use crate::api::{Operation, Response};
use crate::map::FixedMap;
use crate::sim::client::ClientOptions;
use crate::sim::fault::Fault;
use crate::types::{ClientId, Instant};

use super::write::Keys;
use super::{Action, CallStep, Scenario, SetUp, When};

/// What has happened so far, as a scenario.
#[derive(Debug)]
pub struct Recording {
    set_up: SetUp,
    /// What went before, block by block.
    before: Vec<Vec<Action>>,
    /// When that was over: what calls are timed from.
    began: Instant,
    keys: Keys,
    faults: Vec<Action>,
    calls: Vec<Action>,
    /// What answers have told, and how it is referred to.
    told: FixedMap<String, String>,
    /// How many calls have a name.
    named: usize,
}

impl Recording {
    /// Begins at the end of `scenario`, which is at `now`.
    #[must_use]
    pub fn after(scenario: &Scenario, now: Instant) -> Recording {
        let steps = scenario.blocks.iter().map(|block| block.iter().map(|step| step.action.clone()));
        let before = steps.map(|actions| actions.filter(|action| !matches!(action, Action::SetUp)).collect());
        let before: Vec<Vec<Action>> = before.filter(|actions: &Vec<Action>| !actions.is_empty()).collect();
        let set_up = scenario.set_up.clone();
        let mut keys = Keys::default();
        for action in before.iter().flatten() {
            keys.next(&set_up.clients, action);
        }
        Recording {
            set_up,
            before,
            began: now,
            keys,
            faults: Vec::new(),
            calls: Vec::new(),
            told: FixedMap::default(),
            named: 0,
        }
    }

    /// What it begins with, and who has called since.
    #[must_use]
    pub fn set_up(&self) -> &SetUp {
        &self.set_up
    }

    /// Somebody calls who did not before.
    pub fn client(&mut self, client: ClientOptions) {
        self.set_up.clients.push(client);
    }

    /// `step` begins at `at`, later than everything before; gives the key of its draws, and its name if it creates
    /// something.
    pub fn call(&mut self, at: Instant, mut step: CallStep) -> (u64, Option<Arc<str>>) {
        step.after = at.since(self.began);
        step.may_be_skipped = true;
        step.input.replace_texts(|text| self.told.get(text).cloned());
        if matches!(step.operation(), Operation::CreateCluster | Operation::CreateStream) {
            step.alias = Some(self.name());
        }
        let (client, alias) = (step.client, step.alias.clone());
        let action = Action::Call(step);
        let key = self.keys.next(&self.set_up.clients, &action);
        self.calls.push(action);
        (super::run::call_key(key, client), alias)
    }

    /// The call `name` was answered so, and its caller knows.
    pub fn answered(&mut self, name: &str, response: &Response) {
        let (text, member) = match response {
            Response::CreateCluster(made) => {
                self.told.entry(made.arn.to_string()).or_insert_with(|| format!("${name}.arn"));
                (made.arn.identifier.to_string(), "identifier")
            }
            Response::CreateStream(made) => (made.stream_identifier.to_string(), "streamIdentifier"),
            _ => return,
        };
        self.told.entry(text).or_insert_with(|| format!("${name}.{member}"));
    }

    /// A name that no call has.
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

    /// `fault` happens at `at`; gives it with the key of its draws, and the words for it.
    pub fn fault(&mut self, at: Instant, fault: Fault) -> (Fault, String) {
        let mut action = Action::FaultAt(When::At(at.since(Instant::START)), fault);
        let key = self.keys.next(&self.set_up.clients, &action);
        action.set_key(key);
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
            // When everything is put right is part of what happens.
            block.push(Action::Advance(end.since(last_end.max(self.began))));
        }
        let blocks = self.before.iter().cloned().chain([block]).filter(|block| !block.is_empty());
        Scenario::of(self.set_up.clone(), blocks.collect())
    }
}

/// How long a call that comes from outside may take: as long as an SDK lets a connection wait.
pub const OUTSIDE_TIME_OUT: Duration = Duration::from_secs(60);

/// A call that comes from outside: tried once, for whoever called tries again.
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
