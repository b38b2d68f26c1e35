//! Variation: puts the draws and the faults of a seed into a written scenario.

use std::time::Duration;

use crate::api::Request;
use crate::region::Region;
use crate::scenario::{Action, CallStep, Scenario, SetUp};

use super::draws::Draws;
use super::{Plan, Size, SwarmFeatures, Topology, faults};

/// `scenario` with the draws and the faults of `seed`; `size` bounds the number of faults.
///
/// Expectations are left out, and calls may be skipped for a missing answer: a written scenario meets its expectations
/// for every seed, but not under every fault. A run until quiet becomes a pause, because faults may keep the world
/// busy; the end of the run still waits for quiescence. The invariants remain, and the run checks them.
#[must_use]
pub fn vary(scenario: &Scenario, seed: u64, size: &Size) -> Scenario {
    let draws = Draws::new(seed).about("vary", 0);
    let (called, witnesses) = (called(scenario), witnesses(scenario));
    let mut plan = Plan {
        topology: Topology::among(draws, &called, &witnesses),
        swarm: SwarmFeatures::draw(draws.about("swarm", 0)),
        clients: scenario.set_up.clients.len(),
    };
    let positions = positions(scenario);
    let mut faults: Vec<Vec<Action>> = vec![Vec::new(); positions.len()];
    for number in 0..draws.within("faults", &size.faults) {
        let draws = draws.about("fault", number);
        // Each fault has a topology of its own, so that faults reach all Regions of a scenario with more than three.
        plan.topology = Topology::among(draws, &called, &witnesses);
        // A scenario without steps has no position for a fault.
        if let Some(here) = faults.get_mut(draws.below("position", positions.len())) {
            here.extend(faults::draw(draws, &plan));
        }
    }
    let mut faults = positions.into_iter().zip(faults).peekable();
    let mut blocks = Vec::new();
    for (block_index, steps) in scenario.blocks.iter().enumerate() {
        let mut block = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let fault = faults.next_if(|(position, _)| *position == (block_index, index));
            block.extend(fault.map_or(Vec::new(), |(_, actions)| actions));
            match without_expectations(&step.action) {
                Some(action) => block.push(action),
                // Calls that begin together end at the next action of another kind. If that action is left out, the
                // end of the block must end them, or the calls behind it would join them.
                None => blocks.push(std::mem::take(&mut block)),
            }
        }
        blocks.push(block);
    }
    blocks.retain(|block| !block.is_empty());
    Scenario::of(SetUp { seed, ..scenario.set_up.clone() }, blocks)
}

/// The positions at which a fault can be inserted: before each step, as the indices of the block and of the step,
/// except among calls that begin together, which a fault would separate.
fn positions(scenario: &Scenario) -> Vec<(usize, usize)> {
    let mut positions = Vec::new();
    for (block_index, block) in scenario.blocks.iter().enumerate() {
        let mut is_together = false;
        for (index, step) in block.iter().enumerate() {
            is_together &= step.action.is_together();
            if index == 0 || !is_together {
                positions.push((block_index, index));
            }
            is_together |= matches!(step.action, Action::Parallel);
        }
    }
    positions
}

/// The action without its expectations; `None` if nothing else remains.
fn without_expectations(action: &Action) -> Option<Action> {
    match action {
        Action::SetUp | Action::Expect(_) | Action::Show(_) => None,
        // Under faults, quiet may never come.
        Action::RunUntilQuiet(limit) => Some(Action::Advance((*limit).min(LONGEST_PAUSE))),
        Action::Call(call) => Some(Action::Call(CallStep { may_be_skipped: true, ..call.clone() })),
        Action::Parallel
        | Action::Fault(_)
        | Action::FaultAt(..)
        | Action::Advance(_)
        | Action::Converge(_) => Some(action.clone()),
    }
}

/// The longest pause that a run until quiet becomes.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

fn calls(scenario: &Scenario) -> impl Iterator<Item = &CallStep> {
    scenario.blocks.iter().flatten().filter_map(|step| match &step.action {
        Action::Call(call) => Some(call),
        _ => None,
    })
}

/// The Regions that the scenario calls.
fn called(scenario: &Scenario) -> Vec<Region> {
    distinct(calls(scenario).map(|call| call.region))
}

/// The Regions that the scenario names as witness Regions.
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

/// The Regions in order, each once.
fn distinct(regions: impl Iterator<Item = Region>) -> Vec<Region> {
    let mut all: Vec<Region> = regions.collect();
    all.sort();
    all.dedup();
    all
}
