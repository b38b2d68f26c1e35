//! A scenario that somebody wrote, under faults that nobody thought of.

use std::time::Duration;

use crate::api::Request;

use crate::region::Region;
use crate::scenario::{Action, CallStep, Scenario, SetUp};

use super::draws::Draws;
use super::{Plan, Size, Swarm, Topology, faults};

/// `scenario` with the draws and the faults of `seed`, as many faults as `shape` allows.
///
/// What it expects is left out, and what it refers to may be missing: that holds for every seed, but not under every
/// fault. What it asks of a world that comes to rest is left to the end of the run. What remains are the invariants.
#[must_use]
pub fn vary(scenario: &Scenario, seed: u64, shape: &Size) -> Scenario {
    let draws = Draws::new(seed).about("vary", 0);
    let (called, witnesses) = (called(scenario), witnesses(scenario));
    let mut plan = Plan {
        place: Topology::among(draws, &called, &witnesses),
        swarm: Swarm::draw(draws.about("swarm", 0)),
        clients: scenario.set_up.clients.len(),
    };
    let places = places(scenario);
    let mut faults: Vec<Vec<Action>> = vec![Vec::new(); places.len()];
    for number in 0..draws.within("faults", &shape.faults) {
        let draws = draws.about("fault", number);
        plan.place = Topology::among(draws, &called, &witnesses);
        if let Some(here) = faults.get_mut(draws.below("place", places.len())) {
            here.extend(faults::draw(draws, &plan));
        }
    }
    let mut faults = places.into_iter().zip(faults).peekable();
    let mut blocks = Vec::new();
    for (number, steps) in scenario.blocks.iter().enumerate() {
        let mut block = Vec::new();
        for (place, step) in steps.iter().enumerate() {
            let fault = faults.next_if(|(here, _)| *here == (number, place));
            block.extend(fault.map_or(Vec::new(), |(_, actions)| actions));
            match bare(&step.action) {
                Some(action) => block.push(action),
                // What is left out may be what ended calls that begin together; the end of a block ends them, too.
                None => blocks.push(std::mem::take(&mut block)),
            }
        }
        blocks.push(block);
    }
    blocks.retain(|block| !block.is_empty());
    Scenario::of(SetUp { seed, ..scenario.set_up.clone() }, blocks)
}

/// Where faults can stand: before a step, by block and place in it, but not among calls that begin together.
fn places(scenario: &Scenario) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    for (number, block) in scenario.blocks.iter().enumerate() {
        let mut is_together = false;
        for (place, step) in block.iter().enumerate() {
            is_together &= matches!(step.action, Action::Call(_));
            if place == 0 || !is_together {
                places.push((number, place));
            }
            is_together |= matches!(step.action, Action::Parallel);
        }
    }
    places
}

/// An action without what it asks of the run.
fn bare(action: &Action) -> Option<Action> {
    match action {
        Action::SetUp | Action::Expect(_) | Action::Show(_) => None,
        Action::RunUntilQuiet(limit) => Some(Action::Advance((*limit).min(LONGEST))),
        Action::Call(call) => Some(Action::Call(CallStep { may_be_skipped: true, ..call.clone() })),
        Action::Parallel
        | Action::Fault(_)
        | Action::FaultAt(..)
        | Action::Advance(_)
        | Action::Converge(_) => Some(action.clone()),
    }
}

/// How long a run until quiet lasts, which under faults may never be.
const LONGEST: Duration = Duration::from_secs(60);

fn calls(scenario: &Scenario) -> impl Iterator<Item = &CallStep> {
    scenario.blocks.iter().flatten().filter_map(|step| match &step.action {
        Action::Call(call) => Some(call),
        _ => None,
    })
}

/// The Regions that are called.
fn called(scenario: &Scenario) -> Vec<Region> {
    distinct(calls(scenario).map(|call| call.region))
}

/// The Regions that are named as witnesses.
fn witnesses(scenario: &Scenario) -> Vec<Region> {
    let name = |call: &CallStep| {
        let properties = match &call.input {
            Request::CreateCluster(input) => input.multi_region_properties.as_ref()?,
            Request::UpdateCluster(input) => input.multi_region_properties.as_ref()?,
            _ => return None,
        };
        Region::parse(properties.witness_region.as_ref()?)
    };
    distinct(calls(scenario).filter_map(name))
}

fn distinct(regions: impl Iterator<Item = Region>) -> Vec<Region> {
    let mut all: Vec<Region> = regions.collect();
    all.sort();
    all.dedup();
    all
}
