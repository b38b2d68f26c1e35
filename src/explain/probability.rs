//! Bug probability over time: how likely the failure of a run was from each of its moments on.
//!
//! Nearly all events of a run that failed had no part in the failure. The probability of the failure tells them apart.
//! As long as it is small, most futures still avoid the bug; where it jumps, something happened that leads to the bug.
//! The steps at which it jumps are the cause.
//!
//! The probability is measured. The run is taken back to a moment, which is a replay of its beginning, since a run
//! follows from its scenario and its seed. Then the future is drawn anew some hundred times, and the futures that fail
//! in the same way are counted. A future that differs in its latencies alone would say little: most bugs need no
//! particular latency, and their curve would be flat at 1. So a future also draws what the scenario does: each call and
//! each fault that has not begun happens in every second future (`scenario/future.rs`). A call without which the
//! bug cannot occur doubles the probability when it begins.
//!
//! The draws of a future are keyed by its number and by their subjects, and not by the moment. Two moments between
//! which nothing matters therefore have the same futures, and the difference of their counts is 0, without the noise of
//! independent samples.

use std::collections::{BTreeMap, BTreeSet};

use crate::rng::mix;
use crate::scenario::Scenario;
use crate::scenario::future::PastRun;
use crate::scenario::run::Failure;
use crate::sim::future::RunMoment;
use crate::types::Instant;

/// A run that failed, whose futures can be drawn anew.
#[derive(Debug)]
pub struct Futures<'a> {
    scenario: &'a Scenario,
    past: PastRun,
}

/// The probability of the failure from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurvePoint {
    /// The number of the moment, counted from 0.
    pub moment: u64,
    /// The number of events of the trace before the moment, from 0 to that of the whole run.
    pub event: u64,
    /// The virtual time of the moment.
    pub at: Instant,
    /// How many of the drawn futures failed in the same way.
    pub failed: u64,
    /// How many futures were drawn; at least 1.
    pub of: u64,
}

/// A rise of the probability from one moment to the next that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jump {
    /// The moment before it.
    pub from: CurvePoint,
    /// The moment after it.
    pub to: CurvePoint,
    /// The lines of the trace between the two.
    pub lines: Vec<String>,
}

impl<'a> Futures<'a> {
    /// The futures of `scenario`, run with `seed`; `None` if that run does not fail. The scenario was read from a text:
    /// the positions of its steps tell expectations apart.
    #[must_use]
    pub fn of(scenario: &'a Scenario, seed: u64) -> Option<Futures<'a>> {
        Some(Futures { scenario, past: PastRun::of(scenario, seed)? })
    }

    /// Whether the future with this number, drawn from this moment on, fails as the run did.
    #[must_use]
    pub fn fails(&self, moment: u64, number: u64) -> bool {
        self.past.fails_again(self.scenario, moment, mix(self.past.seed, mix(FUTURE, number)))
    }

    /// The probability at the moments of the run. `count` returns how many of `of` futures fail that are drawn from
    /// the moment with this number: a caller with several threads shares them out; `None` ends the curve. A run with at
    /// most `evenly` moments has a point for each. Of a longer one that many are looked at, then those where the
    /// probability changes. The last point is the failure itself, with probability 1.
    ///
    /// Two points may have the same number of events: a fault that is injected is no event of the trace.
    pub fn curve(
        &self,
        of: u64,
        evenly: usize,
        mut count: impl FnMut(u64) -> Option<u64>,
    ) -> Vec<CurvePoint> {
        let moments = &self.past.moments;
        let mut points: BTreeMap<usize, CurvePoint> = BTreeMap::new();
        let evenly = evenly.clamp(2, moments.len().max(2));
        let last = moments.len().saturating_sub(1);
        let mut spread: BTreeSet<usize> = (0..evenly).map(|nth| nth * last / (evenly - 1)).collect();
        while let Some(index) = spread.pop_first().or_else(|| between_unlike(&points, of)) {
            let Some(moment) = moments.get(index) else { break };
            let Some(failed) = count(moment.number) else { break };
            points.insert(index, CurvePoint::at(*moment, failed, of));
        }
        let failure = self.failure_point(of);
        points.into_values().filter(|point| !point.is_as_far_as(failure)).chain([failure]).collect()
    }

    fn failure_point(&self, of: u64) -> CurvePoint {
        let moment = self.past.moments.last().map_or(0, |moment| moment.number + 1);
        CurvePoint { moment, event: self.past.events, at: self.past.end, failed: of, of }
    }

    /// The rises of the curve, the largest first; of equal ones, the later first.
    #[must_use]
    pub fn jumps(&self, curve: &[CurvePoint]) -> Vec<Jump> {
        let rises = curve.windows(2).filter(|pair| pair[1].failed > pair[0].failed);
        let mut jumps: Vec<Jump> = rises.map(|pair| self.jump(pair[0], pair[1])).collect();
        jumps.sort_by_key(|jump| std::cmp::Reverse((jump.to.failed - jump.from.failed, jump.to.moment)));
        jumps
    }

    fn jump(&self, from: CurvePoint, to: CurvePoint) -> Jump {
        let lines = |point: CurvePoint| {
            let moment = self.past.moments.iter().find(|moment| moment.number == point.moment);
            moment.map_or(self.past.lines.len(), |moment| moment.lines)
        };
        Jump { from, to, lines: self.past.lines[lines(from)..lines(to)].to_vec() }
    }

    /// The moments at which each call and each fault of the scenario began, each with the number of events before it.
    pub fn steps(&self) -> impl Iterator<Item = (u64, u64)> {
        self.past.steps.iter().map(|moment| (moment.number, moment.events))
    }

    /// The failure of the run.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.past.failure
    }
}

impl CurvePoint {
    fn at(moment: RunMoment, failed: u64, of: u64) -> CurvePoint {
        CurvePoint { moment: moment.number, event: moment.events, at: moment.at, failed, of }
    }

    /// Whether the point says the same as that of the failure.
    fn is_as_far_as(&self, failure: CurvePoint) -> bool {
        (self.event, self.failed) == (failure.event, failure.failed)
    }
}

/// A moment halfway between two neighbours of the curve that are unlike and not adjacent, the most unlike first.
fn between_unlike(points: &BTreeMap<usize, CurvePoint>, of: u64) -> Option<usize> {
    let pairs = points.iter().zip(points.iter().skip(1));
    let gaps = pairs.filter(|((one, _), (other, _))| *other - *one > 1);
    let unlike = gaps.map(|((one, before), (other, after))| {
        (before.failed.abs_diff(after.failed), *one, (*one + *other) / 2)
    });
    let most = unlike.max_by_key(|(difference, one, _)| (*difference, std::cmp::Reverse(*one)))?;
    (most.0 * UNLIKE > of).then_some(most.2)
}

/// The seeds of futures are mixed with this number, so that none is the seed of another draw.
const FUTURE: u64 = 0x6675_7475_7265;

/// Two moments are unlike if their counts differ by more than one in this many futures.
const UNLIKE: u64 = 50;
