//! A future: what becomes of a run if everything is drawn anew from some moment on.
//!
//! A run is a pure function of its scenario and its seed, so the way back to a moment is to run its beginning once
//! more. From there on the seed of every draw is another one: latencies, losses by percentage, pauses, and what a crash
//! keeps. A fault that is planned for later happens or does not, by a draw of its own; a repair always does.

use rand::RngExt;

use crate::rng::{self, Purpose};
use crate::types::Instant;

use super::World;
use super::fault::Fault;

/// The future of a run, and the moments at which one may begin.
#[derive(Clone, Debug)]
pub(crate) struct Future {
    /// The number of moments before the one at which the future begins.
    after: u64,
    /// The seed of its draws.
    seed: u64,
    has_begun: bool,
    /// The number of moments so far.
    passed: u64,
    moments: Vec<RunMoment>,
    steps: Vec<RunMoment>,
}

/// A moment of a run at which nothing is half done: before the world takes its next event, or a step begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunMoment {
    /// The number of moments before it, by which another run of the same beginning finds it.
    pub(crate) number: u64,
    /// The number of events of the trace so far.
    pub(crate) events: u64,
    /// The number of lines of the trace so far.
    pub(crate) lines: usize,
    /// The virtual time.
    pub(crate) at: Instant,
}

impl Future {
    /// A future with the draws of `seed`, from the moment on that has `after` moments before it.
    pub(crate) fn new(after: u64, seed: u64) -> Future {
        Future { after, seed, has_begun: false, passed: 0, moments: Vec::new(), steps: Vec::new() }
    }

    /// A future that never begins: its run shows the moments.
    pub(crate) fn never() -> Future {
        Future::new(u64::MAX, 0)
    }

    /// The moments that the run has passed, without those since whose predecessor the trace shows nothing.
    pub(crate) fn moments(&self) -> &[RunMoment] {
        &self.moments
    }

    /// Whether the run has passed the moment.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// The moments at which each call and each fault of the scenario began.
    pub(crate) fn steps(&self) -> &[RunMoment] {
        &self.steps
    }

    /// Whether the run leaves out a step that begins now; `key` is the key of the draw.
    pub(crate) fn leaves_out(&mut self, key: u64) -> bool {
        self.steps.extend(self.moments.last());
        self.has_begun && is_left_out(self.seed, key)
    }

    /// Notes a moment of `world`, at which the future begins if it is the one.
    pub(crate) fn pass(&mut self, world: &mut World) {
        let (trace, at) = (world.trace(), world.now());
        let moment =
            RunMoment { number: self.passed, events: trace.events(), lines: trace.lines().len(), at };
        let is_new = |last: &RunMoment| (last.events, last.lines) != (moment.events, moment.lines);
        if self.moments.last().is_none_or(is_new) {
            self.moments.push(moment);
        }
        if !self.has_begun && self.passed >= self.after {
            self.has_begun = true;
            world.draw_anew(self.seed);
        }
        self.passed += 1;
    }
}

/// The key of the draw whether a planned fault happens.
pub(crate) fn fault_key(fault: &Fault) -> u64 {
    rng::fingerprint(fault)
}

fn is_left_out(seed: u64, key: u64) -> bool {
    rng::stream(seed, Purpose::Future, key).random_ratio(1, 2)
}

impl World {
    /// Makes every later draw with `seed`, and leaves out half of the faults that are planned.
    fn draw_anew(&mut self, seed: u64) {
        self.options.seed = seed;
        self.network.draw_anew(seed);
        self.trace.draw_anew(seed);
        for (_, (_, fault, _)) in &mut self.planned {
            if !fault.is_repair() && is_left_out(seed, fault_key(fault)) {
                // Its event stays in the queue, where nothing is removed.
                *fault = Fault::All(Vec::new());
            }
        }
    }
}
