//! What came of some seeds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::check::INVARIANTS;
use crate::goal::Goal;
use crate::rng::mix;
use crate::scenario::run::Report;

use super::counts::CoverageCounts;

/// What came of some seeds. `join` is commutative and associative: a whole does not depend on its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Data", into = "Data")]
pub struct Tally {
    /// How many seeds were run.
    pub runs: u64,
    /// How many things happened in them.
    pub events: u64,
    /// The hashes of all runs, each mixed with its seed, added up.
    pub hash: u64,
    /// How often each invariant of [`INVARIANTS`] was judged.
    pub exercised: [u64; INVARIANTS.len()],
    /// In how many seeds each mark was left.
    pub coverage: CoverageCounts,
    /// By the invariant's name, what did not hold.
    pub violations: BTreeMap<String, ViolationTally>,
    goals: [GoalTally; Goal::ALL.len()],
}

/// In how many seeds a goal was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoalTally {
    /// How many.
    pub seeds: u64,
    /// The least of them; 0 if there is none.
    pub first: u64,
}

/// In how many seeds an invariant did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViolationTally {
    /// How many.
    pub seeds: u64,
    /// The least of them.
    pub first: u64,
    /// What was seen there instead.
    pub message: String,
}

impl Tally {
    /// Counts what came of `seed`, which is counted once.
    pub fn count(&mut self, seed: u64, report: &Report) {
        self.runs += 1;
        self.events += report.events;
        self.hash = self.hash.wrapping_add(mix(report.hash, seed));
        self.exercised.iter_mut().zip(report.exercised).for_each(|(mine, theirs)| *mine += theirs);
        self.coverage.count(&report.coverage);
        for goal in report.reached.iter() {
            self.goals[goal as usize].join(GoalTally { seeds: 1, first: seed });
        }
        if let Some(failure) = &report.failure {
            let violation = ViolationTally { seeds: 1, first: seed, message: failure.message.clone() };
            self.join_violation(failure.invariant.clone(), violation);
        }
    }

    /// Joins what came of other seeds.
    pub fn join(&mut self, other: Tally) {
        self.runs += other.runs;
        self.events += other.events;
        self.hash = self.hash.wrapping_add(other.hash);
        self.exercised.iter_mut().zip(other.exercised).for_each(|(mine, theirs)| *mine += theirs);
        self.coverage.join(&other.coverage);
        self.goals.iter_mut().zip(other.goals).for_each(|(mine, theirs)| mine.join(theirs));
        for (invariant, violation) in other.violations {
            self.join_violation(invariant, violation);
        }
    }

    /// In how many seeds `goal` was reached.
    #[must_use]
    pub fn goal(&self, goal: Goal) -> GoalTally {
        self.goals[goal as usize]
    }

    /// The goals that no seed reached.
    pub fn unreached(&self) -> impl Iterator<Item = Goal> {
        Goal::ALL.iter().copied().filter(|goal| self.goal(*goal).seeds == 0)
    }

    fn join_violation(&mut self, invariant: String, theirs: ViolationTally) {
        match self.violations.get_mut(&invariant) {
            None => {
                self.violations.insert(invariant, theirs);
            }
            Some(mine) => {
                let seeds = mine.seeds + theirs.seeds;
                if theirs.first < mine.first {
                    *mine = theirs;
                }
                mine.seeds = seeds;
            }
        }
    }
}

impl GoalTally {
    fn join(&mut self, other: GoalTally) {
        if other.seeds > 0 {
            self.first = if self.seeds == 0 { other.first } else { self.first.min(other.first) };
            self.seeds += other.seeds;
        }
    }
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            runs: 0,
            events: 0,
            hash: 0,
            exercised: [0; INVARIANTS.len()],
            coverage: CoverageCounts::default(),
            violations: BTreeMap::new(),
            goals: [GoalTally::default(); Goal::ALL.len()],
        }
    }
}

/// A tally as data: what is counted has its name.
#[derive(Clone, Serialize, Deserialize)]
struct Data {
    runs: u64,
    events: u64,
    hash: String,
    exercised: BTreeMap<String, u64>,
    goals: BTreeMap<String, GoalTally>,
    violations: BTreeMap<String, ViolationTally>,
    coverage: CoverageCounts,
}

impl From<Tally> for Data {
    fn from(tally: Tally) -> Data {
        let goals = Goal::ALL.iter().map(|goal| (goal.name().to_owned(), tally.goal(*goal)));
        let exercised = INVARIANTS.iter().zip(tally.exercised);
        Data {
            runs: tally.runs,
            events: tally.events,
            hash: format!("{:016x}", tally.hash),
            exercised: exercised.map(|((name, _), times)| ((*name).to_owned(), times)).collect(),
            goals: goals.filter(|(_, reached)| reached.seeds > 0).collect(),
            violations: tally.violations,
            coverage: tally.coverage,
        }
    }
}

impl From<Data> for Tally {
    fn from(data: Data) -> Tally {
        let mut tally = Tally {
            runs: data.runs,
            events: data.events,
            hash: u64::from_str_radix(&data.hash, 16).unwrap_or_default(),
            coverage: data.coverage,
            violations: data.violations,
            ..Tally::default()
        };
        for (place, (name, _)) in INVARIANTS.iter().enumerate() {
            tally.exercised[place] = data.exercised.get(*name).copied().unwrap_or_default();
        }
        for goal in Goal::ALL {
            tally.goals[*goal as usize] = data.goals.get(goal.name()).copied().unwrap_or_default();
        }
        tally
    }
}
