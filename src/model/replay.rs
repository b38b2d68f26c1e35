//! A path through a small world, as a scenario: what a model takes in any order happens in a world because links and
//! crashes are timed.
//!
//! Every step gets a moment of its own. Links take no time and disks none, and each message is delayed until the
//! moment of the step that takes it in; one that never arrives is dropped. The timers of a node are the one thing that
//! a scenario cannot set: how long each takes follows from the seed. So a seed is looked for under which they fire in
//! the order of the path, and each is tried by running the scenario.

use std::time::Duration;

use crate::control::message::{Message, Span};
use crate::rng::{self, Purpose, key};
use crate::scenario::run::run;
use crate::scenario::{Action, Scenario, SetUp, When};
use crate::sim::Latency;
use crate::sim::fault::{Fault, Moment, Party, Rule, Unfinished, Verdict, What};
use crate::sim::trace::TraceLevel;
use crate::types::NodeId;

use super::state::{Load, Packet, State};
use super::step::{Event, Step};
use super::story::calls;
use super::{Counterexample, Story};

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

    fn at_seed(&self, seed: u64) -> Option<Scenario> {
        let Counterexample { story, mutants, path, .. } = self;
        let told = story.scenario();
        let set_up = SetUp {
            seed,
            latency: Latency::Even(Span { min: MOMENT, max: MOMENT }),
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

type Path = [(State, Option<Step>)];

fn is_set_up(action: &Action) -> bool {
    matches!(action, Action::SetUp)
}

/// The steps of `path`, each with the state that it happens in and the one that it leads to.
fn steps(path: &Path) -> impl Iterator<Item = (&State, Step, &State)> {
    path.windows(2).filter_map(|pair| Some((&pair[0].0, pair[0].1?, &pair[1].0)))
}

/// When each step of `path` happens; `None` if no timer of this `seed` fires in that order.
fn moments(path: &Path, seed: u64) -> Option<Vec<Duration>> {
    let mut set: Vec<(u32, Duration)> = Vec::new();
    let mut moments: Vec<Duration> = Vec::new();
    for (before, step, after) in steps(path) {
        let last = moments.last().copied().unwrap_or_default();
        let due = |label: u32| set.iter().find(|(known, _)| *known == label).map(|(_, due)| *due);
        let moment = match step {
            Step::Take(Event::Timer(place), _) => due(before.timers[place].label).unwrap_or(last + GAP),
            _ => last + GAP,
        };
        if moment <= last {
            return None;
        }
        moments.push(moment);
        for pending in after.timers.iter().filter(|pending| pending.label > before.labels) {
            let node = &after.nodes[pending.place];
            let draw = key(&[node.id.word(), u64::from(node.life), pending.timer.key()]);
            let Span { min, max } = pending.after;
            set.push((pending.label, moment + rng::between(seed, Purpose::Timer, draw, min, max)));
        }
    }
    Some(moments)
}

/// A rule for each message between nodes, in the order in which they are sent.
fn rules(path: &Path, moments: &[Duration]) -> Vec<Action> {
    let mut rules = Vec::new();
    for ((before, _, after), sent) in steps(path).zip(moments) {
        for packet in after.packets.iter().filter(|packet| packet.label > before.labels) {
            let Load::Message { from, message } = &packet.load else { continue };
            // The model has a witness node answer at once; its question takes a moment on its way.
            let is_answer = matches!(message, Message::WitnessChecked { .. });
            let sent = if is_answer { *sent + MOMENT } else { *sent };
            let verdict = match taken(path, moments, packet) {
                None => Verdict::Drop,
                Some(taken) => {
                    let by = taken.saturating_sub(sent + MOMENT);
                    Verdict::Delay(Span { min: by, max: by })
                }
            };
            rules.push(Action::Fault(Fault::Rule(Rule {
                key: 0,
                from: party(*from),
                to: party(packet.to),
                what: What::Message(message.kind()),
                both_ways: false,
                skip: 0,
                times: Some(1),
                percent: None,
                verdict,
            })));
        }
    }
    rules
}

/// When `packet` is taken in, if it ever is.
fn taken(path: &Path, moments: &[Duration], packet: &Packet) -> Option<Duration> {
    steps(path).zip(moments).find_map(|((before, step, _), moment)| match step {
        Step::Take(Event::Packet(place), _) if before.packets[place].label == packet.label => Some(*moment),
        _ => None,
    })
}

fn crashes(path: &Path, moments: &[Duration]) -> Vec<Action> {
    let mut faults = Vec::new();
    for ((before, step, _), moment) in steps(path).zip(moments) {
        let (node, at, crash, unfinished) = match step {
            Step::Crash(place) => (before.nodes[place].id, *moment, Moment::Now, None),
            Step::Take(event, Some(cut)) => {
                let (crash, unfinished) = match cut.kept {
                    true => (Moment::AfterPersist(cut.write), None),
                    false => (Moment::DuringPersist(cut.write), Some(Unfinished::Lost)),
                };
                let node = match event {
                    Event::Packet(place) => before.packets[place].to,
                    Event::Timer(place) => before.nodes[before.timers[place].place].id,
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
fn requests(story: Story, path: &Path, moments: &[Duration]) -> Vec<Action> {
    let told = story.scenario();
    let mut begun = Vec::new();
    for ((before, step, _), moment) in steps(path).zip(moments) {
        let Step::Take(Event::Packet(place), _) = step else { continue };
        let Packet { to, load: Load::Request { call, .. }, .. } = &before.packets[place] else { continue };
        let of_region = |block| calls(&told, block).filter(|step| NodeId::ControlPlane(step.region) == *to);
        let Some(step) = of_region(0).chain(of_region(1)).nth(*call) else { continue };
        begun.push(Action::Call(crate::scenario::CallStep {
            after: moment.saturating_sub(MOMENT),
            ..step.clone()
        }));
    }
    begun
}

fn party(node: NodeId) -> Party {
    match node {
        NodeId::ControlPlane(region) => Party::ControlPlane(region),
        NodeId::Witness(region) => Party::Witness(region),
        NodeId::Client(client) => Party::Client(client),
    }
}
