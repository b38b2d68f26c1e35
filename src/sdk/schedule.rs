//! Fault schedules: a set-up and faults with their times, as a scenario without calls.
//!
//! A schedule is drawn from a seed, given as text, or read from the file of an earlier failure. As a scenario it is
//! printed, read and shrunk like any other; the calls are those of the program.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::gateway::{mistakes_text, planned_faults};
use crate::generate::{ProgramTargets, Size, recoverable_faults};
use crate::scenario::{Action, Scenario, SetUp, When};
use crate::sim::client::ClientOptions;
use crate::sim::fault::Fault;
use crate::types::Instant;

use super::run::SeedRun;
use super::sim::MAIN;

/// The faults of a check.
#[derive(Clone, Debug, Default)]
pub enum FaultSource {
    /// No faults but those that the program injects.
    #[default]
    None,
    /// Lines of the scenario language, as in `at +5s crash us-east-1`: the same faults for every seed.
    Lines(String),
    /// Faults drawn for each seed.
    Swarm(Swarm),
}

/// Random faults, drawn for each seed: which kinds there are, how many, at which links and nodes, when, for how long.
///
/// A run without faults comes first. It shows which Regions the program calls, and how long it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swarm {
    count: RangeInclusive<usize>,
}

impl Swarm {
    /// Up to six faults, each of which ends, and a node that is down begins again within half a minute: messages that
    /// are lost, late, held or duplicated, partitions, crashed nodes and processes, vanished Regions, wrong clocks,
    /// throttling and internal errors. None gives an answer after which a program that goes on trying would have to
    /// give up.
    #[must_use]
    pub fn recoverable() -> Swarm {
        Swarm { count: Size::USUAL.faults }
    }

    /// The number of faults, drawn from this range.
    #[must_use]
    pub fn count(self, count: RangeInclusive<usize>) -> Swarm {
        Swarm { count }
    }

    /// The schedule of `seed`.
    pub(super) fn draw(&self, seed: u64, set_up: &SetUp, targets: &ProgramTargets) -> Scenario {
        let actions = recoverable_faults(seed, targets, &self.count).concat();
        Scenario::of(SetUp { seed, ..set_up.clone() }, vec![actions])
    }
}

impl From<Swarm> for FaultSource {
    fn from(swarm: Swarm) -> FaultSource {
        FaultSource::Swarm(swarm)
    }
}

impl From<&str> for FaultSource {
    fn from(lines: &str) -> FaultSource {
        FaultSource::Lines(lines.to_owned())
    }
}

/// The set-up of the worlds of a check: `text` is that of a scenario file, and `processes` may crash.
///
/// # Errors
/// The text has a mistake, or more than a set-up.
pub(super) fn read_set_up(text: &str, processes: &[Arc<str>]) -> Result<SetUp, String> {
    let lines = if text.trim().is_empty() { "seed 0" } else { text };
    let scenario = Scenario::parse(&format!("{lines}\n")).map_err(|mistakes| mistakes_text(&mistakes))?;
    if scenario.blocks.iter().flatten().any(|step| !matches!(step.action, Action::SetUp)) {
        return Err("the set-up of a check has set-up verbs alone".to_owned());
    }
    let mut set_up = scenario.set_up;
    let has_clients = text.lines().any(|line| line.trim_start().starts_with("clients "));
    if !has_clients {
        set_up.clients = vec![ClientOptions { name: MAIN.into(), ..ClientOptions::default() }];
    }
    // `main` is the first client.
    let main = set_up.clients.iter().position(|client| *client.name == *MAIN);
    match main {
        Some(index) => set_up.clients[..=index].rotate_right(1),
        None => {
            let first = set_up.clients[0].clone();
            set_up.clients.insert(0, ClientOptions { name: MAIN.into(), ..first });
        }
    }
    for name in processes {
        if set_up.clients.iter().all(|client| client.name != *name) {
            let first = set_up.clients[0].clone();
            set_up.clients.push(ClientOptions { name: name.clone(), ..first });
        }
    }
    Ok(set_up)
}

/// The schedule of `lines`, for a world with `set_up`.
///
/// # Errors
/// The lines have a mistake, or a command that is no fault.
pub(super) fn read_lines(lines: &str, set_up: &SetUp) -> Result<Scenario, String> {
    let text = format!("{}\n{lines}\n", Scenario::of(set_up.clone(), Vec::new()).print(""));
    read_file(&text)
}

/// The schedule of a file.
///
/// # Errors
/// The file has a mistake, or a command that is no fault.
pub(super) fn read_file(text: &str) -> Result<Scenario, String> {
    let scenario = Scenario::parse(text).map_err(|mistakes| mistakes_text(&mistakes))?;
    planned_faults(&scenario, Instant::START)?;
    Ok(scenario)
}

/// `schedule` with an end for each fault that lasts and has none, some time after it: what shrinking has taken away. A
/// node that is down begins again by itself in a run with random faults.
pub(super) fn completed(schedule: &Scenario) -> Scenario {
    let steps: Vec<_> = schedule.blocks.iter().flatten().map(|step| &step.action).collect();
    let mut actions: Vec<Action> = Vec::new();
    for (index, action) in steps.iter().enumerate() {
        let (begins, fault) = match action {
            Action::Fault(fault) => (Duration::ZERO, fault),
            Action::FaultAt(When::In(begins), fault) => (*begins, fault),
            _ => continue,
        };
        actions.push((*action).clone());
        let ends = |end: &Fault| {
            steps[index..].iter().any(|later| matches!(later, Action::FaultAt(_, it) if it == end))
        };
        let end = fault.end().filter(|end| !is_crash(fault) && !ends(end));
        actions.extend(end.map(|end| Action::FaultAt(When::In(begins + RECOVERY), end)));
    }
    Scenario::of(schedule.set_up.clone(), vec![actions])
}

fn is_crash(fault: &Fault) -> bool {
    fault.parts().all(|part| matches!(part, Fault::Crash(_) | Fault::Outage(_)))
}

/// The faults of a schedule, a line each.
pub(super) fn lines_of(schedule: &Scenario) -> Vec<String> {
    let actions = schedule.blocks.iter().flatten().map(|step| &step.action);
    actions
        .filter(|action| !matches!(action, Action::SetUp))
        .map(|action| schedule.set_up.words(action))
        .collect()
}

/// What faults can be aimed at, by a run without faults.
pub(super) fn targets_of(record: &SeedRun, set_up: &SetUp) -> ProgramTargets {
    ProgramTargets {
        called: record.log.called.iter().copied().collect(),
        witnesses: record.log.witnesses.iter().copied().collect(),
        clients: set_up.clients.len(),
        span: record.end.since(Instant::START).max(SHORTEST_SPAN),
    }
}

/// The time after which a fault ends that has no end of its own, and a node that is down begins again.
pub(super) const RECOVERY: Duration = Duration::from_secs(30);

/// The span of the faults of a program that takes no time.
const SHORTEST_SPAN: Duration = Duration::from_secs(1);
