//! Draws about a scenario that is being made up, keyed by what they decide.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::rng::{Purpose, below, key_of_bytes, mix};

/// A subject to draw about: a scenario, one of its calls, one of its faults. Draws about one subject do not change
/// those about another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws {
    seed: u64,
    subject: u64,
}

impl Draws {
    pub(super) fn new(seed: u64) -> Draws {
        Draws { seed, subject: 0 }
    }

    /// The `number`-th `what` of this subject, as a subject of its own.
    pub(super) fn about(self, what: &str, number: usize) -> Draws {
        let subject = mix(mix(self.subject, key_of_bytes(what.as_bytes())), number as u64);
        Draws { subject, ..self }
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub(super) fn below(self, what: &str, bound: usize) -> usize {
        let key = mix(self.subject, key_of_bytes(what.as_bytes()));
        below(self.seed, Purpose::Scenario, key, bound as u64) as usize
    }

    /// A number from `min` to `max`, both included.
    pub(super) fn between(self, what: &str, min: usize, max: usize) -> usize {
        min + self.below(what, max.saturating_sub(min) + 1)
    }

    /// A number of `range`.
    pub(super) fn within(self, what: &str, range: &RangeInclusive<usize>) -> usize {
        self.between(what, *range.start(), *range.end())
    }

    /// Whether something happens that does in so many of a hundred cases.
    pub(super) fn chance(self, what: &str, percent: usize) -> bool {
        self.below(what, 100) < percent
    }

    /// One of `all`, of which there is at least one.
    pub(super) fn pick<T: Copy>(self, what: &str, all: &[T]) -> T {
        all[self.below(what, all.len())]
    }

    /// A duration from `min` to `max` seconds.
    pub(super) fn seconds(self, what: &str, min: usize, max: usize) -> Duration {
        Duration::from_secs(self.between(what, min, max) as u64)
    }

    /// A duration of 1 ms to 2^`doublings` ms, short ones as often as long ones, in whole milliseconds.
    pub(super) fn pause(self, what: &str, doublings: usize) -> Duration {
        let longest = 1 << self.between(what, 0, doublings);
        Duration::from_millis(self.about(what, 0).between("of", 1, longest) as u64)
    }
}
