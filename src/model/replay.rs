//! A path through a small world, as a scenario: what a model takes in any order happens in a world because links and
//! crashes are timed.
//!
//! Every step gets a moment of its own. Links take no time and disks none, and each message is delayed until the
//! moment of the step that takes it in; one that never arrives is dropped. The timers of a node are the one thing that
//! a scenario cannot set: how long each takes follows from the seed. So a seed is looked for under which they fire in
//! the order of the path, and each is tried by running the scenario.

use std::time::Duration;

use crate::control::message::{DelayRange, Message, MessageKind};
use crate::rng::{self, Purpose, key};
use crate::scenario::run::run;
use crate::scenario::{Action, CallStep, Scenario, SetUp, When};
use crate::sim::Latency;
use crate::sim::fault::{CrashPoint, Fault, MessageMatch, NodeMatch, Rule, RuleAction, Unfinished};
use crate::sim::trace::TraceLevel;
use crate::types::NodeId;

use super::explore::Passage;
use super::state::{Load, Packet};
use super::step::{ModelEvent, Transition};
use super::story::calls;
use super::{Counterexample, Workload};

/// How many seeds are tried.
const SEEDS: u64 = 500;

/// How long after one step the next follows, if no timer decides it.
const GAP: Duration = Duration::from_millis(6);

/// How long a message takes that is not delayed; how long before a step a crash is prepared, and half of how long
/// after it the node starts again.
const MOMENT: Duration = Duration::from_millis(1);

impl Counterexample {
    /// A scenario in which the same invariant breaks in the same way; `None` if no seed was found under which it does,
    /// as when the path has a timer fire sooner or later than one can, or a message arrive twice.
    #[must_use]
    pub fn scenario(&self) -> Option<Scenario> {
        (0..SEEDS).find_map(|seed| {
            let scenario = self.at_seed(seed)?;
            let failure = run(&scenario, None, TraceLevel::None).failure?;
            (failure.invariant == self.violation.invariant).then_some(scenario)
        })
    }

    /// What stands above that scenario: what breaks, and the steps to it.
    #[must_use]
    pub fn comment(&self) -> String {
        format!("{}\n\n{}", self.violation, self.steps.join("\n"))
    }

    fn at_seed(&self, seed: u64) -> Option<Scenario> {
        let Counterexample { story, mutants, path, .. } = self;
        let told = story.scenario();
        let set_up = SetUp {
            seed,
            latency: Latency::Even(DelayRange { min: MOMENT, max: MOMENT }),
            disk: Duration::ZERO,
            mutants: *mutants,
            ..told.set_up.clone()
        };
        let moments = moments(path, seed)?;
        let first = told.blocks[0].iter().map(|step| step.action.clone()).filter(|it| !is_set_up(it));
        let mut blocks = vec![first.collect()];
        if let Some(last) = moments.last() {
            let mut block = rules(path, &moments);
            block.extend(crashes(path, &moments));
            block.push(Action::Parallel);
            block.extend(requests(*story, path, &moments));
            block.push(Action::Advance(*last + GAP));
            blocks.push(block);
        }
        Some(Scenario::of(set_up, blocks))
    }
}

fn is_set_up(action: &Action) -> bool {
    matches!(action, Action::SetUp)
}

/// When each step of `path` happens; `None` if no timer of this `seed` fires in that order.
fn moments(path: &[Passage], seed: u64) -> Option<Vec<Duration>> {
    let mut set: Vec<(u32, Duration)> = Vec::new();
    let mut moments: Vec<Duration> = Vec::new();
    for Passage { before, step, after } in path {
        let last = moments.last().copied().unwrap_or_default();
        let due = |label: u32| set.iter().find(|(known, _)| *known == label).map(|(_, due)| *due);
        let moment = match *step {
            Transition::Take(ModelEvent::Timer(place), _) => {
                due(before.timers[place].label).unwrap_or(last + GAP)
            }
            _ => last + GAP,
        };
        if moment <= last {
            return None;
        }
        moments.push(moment);
        for pending in after.timers.iter().filter(|pending| pending.label > before.labels) {
            let node = &after.nodes[pending.place];
            let draw = key(&[node.id.digest(), u64::from(node.life), pending.timer.key()]);
            let DelayRange { min, max } = pending.after;
            set.push((pending.label, moment + rng::between(seed, Purpose::Timer, draw, min, max)));
        }
    }
    Some(moments)
}

/// A rule for each message between nodes, in the order in which they are sent, and at last one for each link that
/// drops everything that the path knows nothing of.
fn rules(path: &[Passage], moments: &[Duration]) -> Vec<Action> {
    let mut rules = Vec::new();
    for (Passage { before, after, .. }, sent) in path.iter().zip(moments) {
        for packet in after.packets.iter().filter(|packet| packet.label > before.labels) {
            let Load::Message { from, message } = &packet.load else { continue };
            let mut sent = *sent;
            if matches!(message, Message::WitnessChecked { .. }) {
                // The model has a witness node answer at once; here its question takes a moment on its way.
                let what = MessageMatch::Message(MessageKind::CheckWitness);
                rules.push(rule(packet.to, *from, what, Some(1), delay(Duration::ZERO)));
                sent += MOMENT;
            }
            let taken = taken(path, moments, packet);
            let action = taken.map_or(RuleAction::Drop, |taken| delay(taken.saturating_sub(sent + MOMENT)));
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
    let (from, to) = (party(from), party(to));
    let rule = Rule { key: 0, from, to, what, both_ways: false, skip: 0, times, percent: None, action };
    Action::Fault(Fault::Rule(rule))
}

fn delay(by: Duration) -> RuleAction {
    RuleAction::Delay(DelayRange { min: by, max: by })
}

/// When `packet` is taken in, if it ever is.
fn taken(path: &[Passage], moments: &[Duration], packet: &Packet) -> Option<Duration> {
    path.iter().zip(moments).find_map(|(Passage { before, step, .. }, moment)| match *step {
        Transition::Take(ModelEvent::Packet(place), _) if before.packets[place].label == packet.label => {
            Some(*moment)
        }
        _ => None,
    })
}

fn crashes(path: &[Passage], moments: &[Duration]) -> Vec<Action> {
    let mut faults = Vec::new();
    for (Passage { before, step, .. }, moment) in path.iter().zip(moments) {
        let (node, at, crash, unfinished) = match *step {
            Transition::Crash(place) => (before.nodes[place].id, *moment, CrashPoint::Now, None),
            Transition::Take(event, Some(cut)) => {
                let (crash, unfinished) = match cut.kept {
                    true => (CrashPoint::after_persist(cut.write), None),
                    false => (CrashPoint::during_persist(cut.write), Some(Unfinished::Lost)),
                };
                let node = match event {
                    ModelEvent::Packet(place) => before.packets[place].to,
                    ModelEvent::Timer(place) => before.nodes[before.timers[place].place].id,
                };
                (node, moment.saturating_sub(MOMENT), crash, unfinished)
            }
            _ => continue,
        };
        faults.push(Action::FaultAt(When::In(at), Fault::Crash { node, moment: crash, unfinished }));
        faults.push(Action::FaultAt(When::In(*moment + MOMENT * 2), Fault::Restart(node)));
    }
    faults
}

/// The calls of the story that are taken in, each so that it arrives when it is.
fn requests(story: Workload, path: &[Passage], moments: &[Duration]) -> Vec<Action> {
    let told = story.scenario();
    let mut begun = Vec::new();
    for (Passage { before, step, .. }, moment) in path.iter().zip(moments) {
        let Transition::Take(ModelEvent::Packet(place), _) = *step else { continue };
        let Packet { to, load: Load::Request { call, .. }, .. } = &before.packets[place] else { continue };
        let all = (0..told.blocks.len()).flat_map(|block| calls(&told, block));
        let mut of_region = all.filter(|step| NodeId::ControlPlane(step.region) == *to);
        let Some(step) = of_region.nth(*call) else { continue };
        begun.push(Action::Call(CallStep { after: moment.saturating_sub(MOMENT), ..step.clone() }));
    }
    begun
}

fn party(node: NodeId) -> NodeMatch {
    match node {
        NodeId::ControlPlane(region) => NodeMatch::ControlPlane(region),
        NodeId::Witness(region) => NodeMatch::Witness(region),
        NodeId::Client(client) => NodeMatch::Client(client),
    }
}
