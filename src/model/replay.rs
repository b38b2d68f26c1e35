//! Replay: converts a counterexample into a scenario, which repeats the order of the path by the times of its faults.
//!
//! Every step gets a time of its own. Links and disks take no time, and each message is delayed until the time of the
//! step that handles it; a message that never arrives is dropped. A scenario cannot set the timers of a node: their
//! durations follow from the seed. So seeds are tried, each by running the scenario, until the timers fire in the order
//! of the path.

use std::time::Duration;

use crate::control::message::{DelayRange, Message, MessageKind};
use crate::rng::{self, Purpose};
use crate::scenario::run::run;
use crate::scenario::{Action, CallStep, Scenario, SetUp, When};
use crate::sim::Latency;
use crate::sim::fault::{Crash, CrashPoint, Fault, MessageMatch, NodeMatch, Rule, RuleAction, Unfinished};
use crate::sim::trace::TraceLevel;
use crate::types::NodeId;

use super::explore::ExploredStep;
use super::state::{Packet, PacketBody};
use super::step::{ModelEvent, Transition};
use super::workload::calls;
use super::{Counterexample, Workload};

/// The most seeds that are tried.
const SEEDS: u64 = 500;

/// The time between two steps, unless a timer determines it.
const GAP: Duration = Duration::from_millis(6);

/// The latency of a link. A crash is armed so long before its step, and the node restarts twice as long after it.
const LATENCY: Duration = Duration::from_millis(1);

impl Counterexample {
    /// A scenario that violates the same invariant; `None` if no seed was found. There is none if the path needs a
    /// timer that fires earlier or later than it can, or a duplicated message.
    #[must_use]
    pub fn scenario(&self) -> Option<Scenario> {
        (0..SEEDS).find_map(|seed| {
            let scenario = self.at_seed(seed)?;
            let failure = run(&scenario, None, TraceLevel::None).failure?;
            (failure.invariant == self.violation.invariant).then_some(scenario)
        })
    }

    /// The opening comment of that scenario: the violation and the steps to it.
    #[must_use]
    pub fn comment(&self) -> String {
        format!("{}\n\n{}", self.violation, self.steps.join("\n"))
    }

    fn at_seed(&self, seed: u64) -> Option<Scenario> {
        let Counterexample { workload, mutants, path, .. } = self;
        let scenario = workload.scenario();
        let set_up = SetUp {
            seed,
            latency: Latency::Even(DelayRange { min: LATENCY, max: LATENCY }),
            disk: Duration::ZERO,
            mutants: *mutants,
            ..scenario.set_up.clone()
        };
        let times = step_times(path, seed)?;
        let first = scenario.blocks[0].iter().map(|step| step.action.clone()).filter(|it| !is_set_up(it));
        let mut blocks = vec![first.collect()];
        if let Some(last) = times.last() {
            let mut block = rules(path, &times);
            block.extend(crashes(path, &times));
            block.push(Action::Parallel);
            block.extend(requests(*workload, path, &times));
            block.push(Action::Advance(*last + GAP));
            blocks.push(block);
        }
        Some(Scenario::of(set_up, blocks))
    }
}

fn is_set_up(action: &Action) -> bool {
    matches!(action, Action::SetUp)
}

/// The time of each step of `path`; `None` if the timers of this `seed` fire in another order.
fn step_times(path: &[ExploredStep], seed: u64) -> Option<Vec<Duration>> {
    let mut set: Vec<(u32, Duration)> = Vec::new();
    let mut times: Vec<Duration> = Vec::new();
    for ExploredStep { before, step, after } in path {
        let last = times.last().copied().unwrap_or_default();
        let due = |label: u32| set.iter().find(|(known, _)| *known == label).map(|(_, due)| *due);
        let moment = match *step {
            Transition::Take(ModelEvent::Timer(index), _) => {
                due(before.timers[index].label).unwrap_or(last + GAP)
            }
            _ => last + GAP,
        };
        if moment <= last {
            return None;
        }
        times.push(moment);
        for pending in after.timers.iter().filter(|pending| pending.label > before.labels) {
            let node = &after.nodes[pending.node];
            let draw = rng::fingerprint(&(node.id, node.life, &pending.timer));
            let DelayRange { min, max } = pending.after;
            set.push((pending.label, moment + rng::between(seed, Purpose::Timer, draw, min, max)));
        }
    }
    Some(times)
}

/// A rule for each message between nodes, in the order of sending, and last a rule for each link that drops every
/// message that is not part of the path.
fn rules(path: &[ExploredStep], times: &[Duration]) -> Vec<Action> {
    let mut rules = Vec::new();
    for (ExploredStep { before, after, .. }, sent) in path.iter().zip(times) {
        for packet in after.packets.iter().filter(|packet| packet.label > before.labels) {
            let PacketBody::Message { from, message } = &packet.body else { continue };
            let mut sent = *sent;
            if matches!(message, Message::WitnessChecked { .. }) {
                // In the model a witness node answers at once. In a world the request takes the latency of a link
                // first.
                let what = MessageMatch::Message(MessageKind::CheckWitness);
                rules.push(rule(packet.to, *from, what, Some(1), delay(Duration::ZERO)));
                sent += LATENCY;
            }
            let handled = handled_at(path, times, packet);
            let action = handled.map_or(RuleAction::Drop, |at| delay(at.saturating_sub(sent + LATENCY)));
            rules.push(rule(*from, packet.to, MessageMatch::Message(message.kind()), Some(1), action));
        }
    }
    let ids: Vec<NodeId> = path[0].before.nodes.iter().map(|node| node.id).collect();
    for from in &ids {
        let others = ids.iter().filter(|to| *to != from);
        rules.extend(others.map(|to| rule(*from, *to, MessageMatch::Anything, None, RuleAction::Drop)));
    }
    rules
}

fn rule(from: NodeId, to: NodeId, what: MessageMatch, times: Option<u32>, action: RuleAction) -> Action {
    let (from, to) = (node_match(from), node_match(to));
    let rule = Rule { key: 0, from, to, what, both_ways: false, skip: 0, times, percent: None, action };
    Action::Fault(Fault::Rule(rule))
}

fn delay(by: Duration) -> RuleAction {
    RuleAction::Delay(DelayRange { min: by, max: by })
}

/// The time at which `packet` is handled, if it ever is.
fn handled_at(path: &[ExploredStep], times: &[Duration], packet: &Packet) -> Option<Duration> {
    path.iter().zip(times).find_map(|(ExploredStep { before, step, .. }, moment)| match *step {
        Transition::Take(ModelEvent::Packet(index), _) if before.packets[index].label == packet.label => {
            Some(*moment)
        }
        _ => None,
    })
}

fn crashes(path: &[ExploredStep], times: &[Duration]) -> Vec<Action> {
    let mut faults = Vec::new();
    for (ExploredStep { before, step, .. }, moment) in path.iter().zip(times) {
        let (node, at, point, unfinished) = match *step {
            Transition::Crash(index) => (before.nodes[index].id, *moment, CrashPoint::Now, None),
            Transition::Take(event, Some(cut)) => {
                let (point, unfinished) = match cut.kept {
                    true => (CrashPoint::after_persist(cut.write), None),
                    false => (CrashPoint::during_persist(cut.write), Some(Unfinished::Lost)),
                };
                let node = match event {
                    ModelEvent::Packet(index) => before.packets[index].to,
                    ModelEvent::Timer(index) => before.nodes[before.timers[index].node].id,
                };
                (node, moment.saturating_sub(LATENCY), point, unfinished)
            }
            _ => continue,
        };
        let crash = Fault::Crash(Crash { node, moment: point, unfinished });
        faults.push(Action::FaultAt(When::In(at), crash));
        faults.push(Action::FaultAt(When::In(*moment + LATENCY * 2), Fault::restart(node)));
    }
    faults
}

/// The calls of the workload that are handled, each sent so that it arrives at the time of its step.
fn requests(workload: Workload, path: &[ExploredStep], times: &[Duration]) -> Vec<Action> {
    let scenario = workload.scenario();
    let mut begun = Vec::new();
    for (ExploredStep { before, step, .. }, moment) in path.iter().zip(times) {
        let Transition::Take(ModelEvent::Packet(index), _) = *step else { continue };
        let Packet { to, body: PacketBody::Request { call, .. }, .. } = &before.packets[index] else {
            continue;
        };
        let all = (0..scenario.blocks.len()).flat_map(|block| calls(&scenario, block));
        let mut of_region = all.filter(|step| NodeId::ControlPlane(step.region) == *to);
        let Some(step) = of_region.nth(*call) else { continue };
        begun.push(Action::Call(CallStep { after: moment.saturating_sub(LATENCY), ..step.clone() }));
    }
    begun
}

fn node_match(node: NodeId) -> NodeMatch {
    match node {
        NodeId::ControlPlane(region) => NodeMatch::ControlPlane(region),
        NodeId::Witness(region) => NodeMatch::Witness(region),
        NodeId::Client(client) => NodeMatch::Client(client),
    }
}
