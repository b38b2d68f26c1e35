//! Reductions of everything but faults: the set-up, the arguments of calls, and times.

use std::time::Duration;

use serde_json::Value;

use crate::api::Request;

use crate::control::assumptions::Assumptions;
use crate::region::Region;
use crate::scenario::{Action, CallStep, Scenario, SetUp, When};
use crate::types::ClientId;

use super::{Draft, Reduction, policies};

/// Drafts with one part simpler.
pub(super) fn everything(draft: &Draft) -> Vec<Reduction> {
    let mut reductions = policies::shorter(draft);
    reductions.extend(set_ups(draft));
    for (index, action) in draft.actions.iter().enumerate() {
        let simpler: Vec<Action> = match action {
            Action::Call(call) => calls(draft, call).into_iter().map(Action::Call).collect(),
            Action::Advance(pause) => shorter(*pause).into_iter().map(Action::Advance).collect(),
            Action::FaultAt(When::In(pause), fault) => shorter(*pause)
                .into_iter()
                .map(|pause| Action::FaultAt(When::In(pause), fault.clone()))
                .collect(),
            _ => Vec::new(),
        };
        let old = draft.set_up.words(action);
        reductions.extend(simpler.into_iter().map(|simpler| {
            let text = format!("`{old}` became simpler: `{}`", draft.set_up.words(&simpler));
            (draft.with(index, simpler), text)
        }));
    }
    reductions
}

fn set_ups(draft: &Draft) -> Vec<Reduction> {
    let plain = SetUp::new();
    let own = &draft.set_up;
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut SetUp), description: &str| {
        let mut simpler = draft.clone();
        change(&mut simpler.set_up);
        all.push((simpler, description.to_owned()));
    };
    if own.latency != plain.latency {
        add(&|set_up| set_up.latency = plain.latency.clone(), "the latency is the default");
    }
    if own.disk != plain.disk {
        add(&|set_up| set_up.disk = plain.disk, "the disk is the default");
    }
    for (name, _) in own.assumptions.differing() {
        let table = Assumptions::table();
        let usual = table.iter().find(|row| row[0] == name).map(|row| row[1].clone()).unwrap_or_default();
        let reset = |set_up: &mut SetUp| {
            let known = set_up.assumptions.set(name, &usual);
            debug_assert_eq!(known, Ok(()), "defaults print as values");
        };
        add(&reset, &format!("`{name}` has its default"));
    }
    for seed in (0..8).filter(|seed| *seed < own.seed) {
        add(&|set_up| set_up.seed = seed, &format!("the seed is {seed}"));
    }
    for client in own.clients.iter().filter(|_| own.clients.len() > 1) {
        let mut simpler = draft.clone();
        simpler.set_up.clients = vec![client.clone()];
        simpler.actions.iter_mut().for_each(by_one_client);
        all.push((simpler, format!("`{}` makes all calls", client.name)));
    }
    all.extend(well_known_regions(draft));
    all
}

/// Makes the action about the one client that is left, be it a call or a fault.
fn by_one_client(action: &mut Action) {
    match action {
        Action::Call(call) => call.client = ClientId(0),
        Action::Fault(fault) | Action::FaultAt(_, fault) => *fault = fault.with_client(ClientId(0)),
        _ => {}
    }
}

/// The draft in well-known Regions, instead of the ones that the seed drew.
fn well_known_regions(draft: &Draft) -> Option<Reduction> {
    let text = draft.scenario().print("");
    let mut named: Vec<(usize, &str)> =
        Region::all().filter_map(|region| Some((text.find(region.name())?, region.name()))).collect();
    named.sort_unstable();
    let known = ["us-east-1", "us-east-2", "us-west-2"];
    if named.len() > known.len() || named.iter().all(|(_, name)| known.contains(name)) {
        return None;
    }
    // By way of marks: the names of two Regions may be exchanged.
    let marked = named
        .iter()
        .enumerate()
        .fold(text.clone(), |text, (index, (_, name))| text.replace(name, &format!("<{index}>")));
    let renamed = known
        .iter()
        .enumerate()
        .fold(marked, |text, (index, name)| text.replace(&format!("<{index}>"), name));
    let scenario = Scenario::parse(&renamed).ok()?;
    let renamed = Draft { kept: draft.kept.clone(), ..Draft::of(&scenario) };
    Some((renamed, "the Regions are us-east-1, us-east-2 and us-west-2".to_owned()))
}

fn calls(draft: &Draft, call: &CallStep) -> Vec<CallStep> {
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut CallStep)| {
        let mut simpler = call.clone();
        change(&mut simpler);
        all.push(simpler);
    };
    if !call.after.is_zero() {
        add(&|call| call.after = Duration::ZERO);
    }
    if call.attempts != CallStep::ATTEMPTS {
        add(&|call| call.attempts = CallStep::ATTEMPTS);
    }
    if call.time_out != CallStep::TIME_OUT {
        add(&|call| call.time_out = CallStep::TIME_OUT);
    }
    if call.may_be_skipped {
        add(&|call| call.may_be_skipped = false);
    }
    let is_referred_to =
        |name: &str| draft.actions.iter().any(|action| action.refers_to().iter().any(|it| it == name));
    if call.alias.as_deref().is_some_and(|name| !is_referred_to(name)) {
        add(&|call| call.alias = None);
    }
    let operation = call.operation();
    let inputs = inputs(&call.input.to_json()).into_iter();
    for input in inputs.filter_map(|input| Request::from_json(operation, input).ok()) {
        add(&|call| call.input = input.clone());
    }
    all
}

/// The inputs without one member or item of `input`.
fn inputs(input: &Value) -> Vec<Value> {
    match input {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, member)| {
                let without = members.iter().filter(|(other, _)| *other != name);
                let without =
                    Value::Object(without.map(|(name, value)| (name.clone(), value.clone())).collect());
                let inside = inputs(member).into_iter().map(|simpler| {
                    let mut input = input.clone();
                    input[name] = simpler;
                    input
                });
                [without].into_iter().chain(inside).collect::<Vec<_>>()
            })
            .collect(),
        Value::Array(items) => (0..items.len())
            .map(|index| {
                let mut items = items.clone();
                items.remove(index);
                Value::Array(items)
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Shorter and rounder durations, the shortest first.
fn shorter(pause: Duration) -> Vec<Duration> {
    let steps = [1, 10, 100, 1_000, 10_000, 60_000].map(Duration::from_millis);
    steps
        .into_iter()
        .filter(|step| *step < pause)
        .chain((pause > Duration::from_millis(1)).then(|| round(pause / 2)))
        .collect()
}

fn round(pause: Duration) -> Duration {
    Duration::from_millis(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX).max(1))
}
