//! The tally: the result of some seeds, in a size that does not grow with their number.

use std::collections::BTreeMap;

use enumset::EnumSet;
use serde::{Deserialize, Serialize};
use strum::{EnumCount, VariantArray};

use crate::check::{CheckCounts, Invariant};
use crate::coverage_mark::CoverageMark;
use crate::rng::mix;
use crate::scenario::run::Report;

use super::counts::CoverageCounts;

/// The result of some seeds. [`Tally::join`] is commutative and associative: the whole does not depend on how the seeds
/// were divided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "TallyRecord", into = "TallyRecord")]
pub struct Tally {
    /// How many seeds were run.
    pub runs: u64,
    /// How many events these runs took.
    pub events: u64,
    /// The wrapping sum of the hashes of all runs, each mixed with its seed. Addition keeps it independent of the
    /// order.
    pub hash: u64,
    /// How often each invariant of [`Invariant`] was judged, in its order.
    pub exercised: CheckCounts,
    /// In how many seeds each coverage mark was reached.
    pub coverage: CoverageCounts,
    /// The violations by the name of the invariant.
    pub violations: BTreeMap<String, ViolationTally>,
    marks: [MarkTally; CoverageMark::COUNT],
}

/// The seeds that covered a mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkTally {
    /// Their number.
    pub seeds: u64,
    /// The smallest of them; 0 if there is none.
    pub first: u64,
}

/// The seeds that violated an invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViolationTally {
    /// Their number.
    pub seeds: u64,
    /// The smallest of them.
    pub first: u64,
    /// The message of the violation in the first seed.
    pub message: String,
}

impl Tally {
    /// Counts the report of `seed`. A seed must not be counted twice: nothing here could tell.
    pub fn count(&mut self, seed: u64, report: &Report) {
        self.runs += 1;
        self.events += report.events;
        self.hash = self.hash.wrapping_add(mix(report.hash, seed));
        self.exercised.iter_mut().zip(report.exercised).for_each(|(mine, theirs)| *mine += theirs);
        self.coverage.count(&report.coverage);
        for mark in report.covered {
            self.marks[mark as usize].join(MarkTally { seeds: 1, first: seed });
        }
        if let Some(failure) = &report.failure {
            let violation = ViolationTally { seeds: 1, first: seed, message: failure.message.clone() };
            self.join_violation(failure.invariant.clone(), violation);
        }
    }

    /// Adds the result of other seeds.
    pub fn join(&mut self, other: Tally) {
        self.runs += other.runs;
        self.events += other.events;
        self.hash = self.hash.wrapping_add(other.hash);
        self.exercised.iter_mut().zip(other.exercised).for_each(|(mine, theirs)| *mine += theirs);
        self.coverage.join(&other.coverage);
        self.marks.iter_mut().zip(other.marks).for_each(|(mine, theirs)| mine.join(theirs));
        for (invariant, violation) in other.violations {
            self.join_violation(invariant, violation);
        }
    }

    /// The seeds that covered `mark`.
    #[must_use]
    pub fn mark(&self, mark: CoverageMark) -> MarkTally {
        self.marks[mark as usize]
    }

    /// The marks that no seed covered, in the order of the enum.
    pub fn uncovered(&self) -> EnumSet<CoverageMark> {
        EnumSet::all().iter().filter(|mark| self.mark(*mark).seeds == 0).collect()
    }

    fn join_violation(&mut self, invariant: String, theirs: ViolationTally) {
        match self.violations.get_mut(&invariant) {
            None => {
                self.violations.insert(invariant, theirs);
            }
            Some(mine) => {
                let seeds = mine.seeds + theirs.seeds;
                // The message belongs to the first seed, whichever part found it.
                if theirs.first < mine.first {
                    *mine = theirs;
                }
                mine.seeds = seeds;
            }
        }
    }
}

impl MarkTally {
    fn join(&mut self, other: MarkTally) {
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
            exercised: CheckCounts::default(),
            coverage: CoverageCounts::default(),
            violations: BTreeMap::new(),
            marks: [MarkTally::default(); CoverageMark::COUNT],
        }
    }
}

/// A serialized tally: invariants and marks are under their names, not at the indices of this version.
#[derive(Clone, Serialize, Deserialize)]
struct TallyRecord {
    runs: u64,
    events: u64,
    hash: String,
    exercised: BTreeMap<String, u64>,
    marks: BTreeMap<CoverageMark, MarkTally>,
    violations: BTreeMap<String, ViolationTally>,
    coverage: CoverageCounts,
}

impl From<Tally> for TallyRecord {
    fn from(tally: Tally) -> TallyRecord {
        let marks = EnumSet::all().iter().map(|mark| (mark, tally.mark(mark)));
        let exercised = Invariant::VARIANTS.iter().zip(tally.exercised);
        TallyRecord {
            runs: tally.runs,
            events: tally.events,
            hash: format!("{:016x}", tally.hash),
            exercised: exercised.map(|(invariant, times)| (invariant.name().to_owned(), times)).collect(),
            marks: marks.filter(|(_, covered)| covered.seeds > 0).collect(),
            violations: tally.violations,
            coverage: tally.coverage,
        }
    }
}

impl From<TallyRecord> for Tally {
    fn from(record: TallyRecord) -> Tally {
        let mut tally = Tally {
            runs: record.runs,
            events: record.events,
            hash: u64::from_str_radix(&record.hash, 16).unwrap_or_default(),
            coverage: record.coverage,
            violations: record.violations,
            ..Tally::default()
        };
        for invariant in Invariant::VARIANTS {
            tally.exercised[*invariant as usize] =
                record.exercised.get(invariant.name()).copied().unwrap_or_default();
        }
        for (mark, covered) in record.marks {
            tally.marks[mark as usize] = covered;
        }
        tally
    }
}
