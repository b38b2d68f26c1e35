//! A scenario that is written down while it happens.
//!
//! Whoever has calls come in from outside, at times that nobody planned, gives each to a [`Recording`] and makes it
//! with the key that it gets. The scenario that comes of it makes the same calls at the same virtual times with the
//! same draws, and so has the same answers and the same hash.

use std::time::Duration;

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
        Recording { set_up, before, began: now, keys, faults: Vec::new(), calls: Vec::new() }
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

    /// `step` begins at `at`, later than everything before; gives the key of its draws.
    pub fn call(&mut self, at: Instant, mut step: CallStep) -> u64 {
        step.after = at.since(self.began);
        let client = step.client;
        let action = Action::Call(step);
        let key = self.keys.next(&self.set_up.clients, &action);
        self.calls.push(action);
        super::run::call_key(key, client)
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
        operation: request.operation(),
        region,
        alias: None,
        attempts: 1,
        time_out: OUTSIDE_TIME_OUT,
        after: Duration::ZERO,
        waiter: None,
        may_be_skipped: false,
        input: super::body::plain(request.to_json()),
    }
}
