//! The draws of the generator, each keyed by its subject and its name.
//!
//! A draw that is added therefore changes no other. A candidate that is added to a draw re-rolls that draw alone, and
//! so does a new name.

use std::ops::RangeInclusive;
use std::time::Duration;

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use crate::rng::{Purpose, fingerprint, stream};

/// The draws about one subject: a scenario, one of its calls, one of its faults. Draws about one subject do not change
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

    /// The draws about the part of this subject that is called `name` and has this index.
    pub(super) fn about(self, name: &str, index: usize) -> Draws {
        Draws { subject: fingerprint(&(self.subject, name, index)), ..self }
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub(super) fn below(self, name: &str, bound: usize) -> usize {
        self.between(name, 0, bound.saturating_sub(1))
    }

    /// A number from `min` to `max`, both included; `min` when `max` is less.
    pub(super) fn between(self, name: &str, min: usize, max: usize) -> usize {
        self.generator(name).random_range(min..=max.max(min))
    }

    /// A number in `range`.
    pub(super) fn within(self, name: &str, range: &RangeInclusive<usize>) -> usize {
        self.between(name, *range.start(), *range.end())
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn chance(self, name: &str, percent: u32) -> bool {
        self.generator(name).random_ratio(percent, 100)
    }

    /// One of `all`, which must not be empty.
    pub(super) fn pick<T: Copy>(self, name: &str, all: &[T]) -> T {
        *all.choose(&mut self.generator(name)).expect("at least one candidate")
    }

    /// One of `all`; `None` when it is empty.
    pub(super) fn among<T>(self, name: &str, all: impl IntoIterator<Item = T>) -> Option<T> {
        let mut all: Vec<T> = all.into_iter().collect();
        (!all.is_empty()).then(|| all.swap_remove(self.below(name, all.len())))
    }

    /// One of `all`, each in proportion to its weight. One weight at least must be above 0.
    pub(super) fn weigh<T: Copy>(self, name: &str, all: &[(u64, T)]) -> T {
        let drawn = all.choose_weighted(&mut self.generator(name), |(weight, _)| *weight);
        drawn.expect("a candidate with a weight").1
    }

    /// A duration from `min` to `max` seconds.
    pub(super) fn seconds(self, name: &str, min: usize, max: usize) -> Duration {
        Duration::from_secs(self.between(name, min, max) as u64)
    }

    /// A duration of 1 ms to 2^`doublings` ms, in whole milliseconds. Every order of magnitude is about as frequent.
    pub(super) fn pause(self, name: &str, doublings: usize) -> Duration {
        let longest = 1 << self.between(name, 0, doublings);
        Duration::from_millis(self.about(name, 0).between("of", 1, longest) as u64)
    }

    /// The generator of the draw `name`.
    fn generator(self, name: &str) -> impl Rng {
        stream(self.seed, Purpose::Scenario, fingerprint(&(self.subject, name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_its_seed_its_subject_and_its_name() {
        let draws = Draws::new(7);
        let of = |draws: Draws, name: &str| draws.below(name, usize::MAX);
        let known = of(draws, "kind");
        assert_eq!(of(draws, "kind"), known);
        assert_ne!(of(Draws::new(8), "kind"), known);
        assert_ne!(of(draws, "kinds"), known);
        assert_ne!(of(draws.about("call", 0), "kind"), known);
        assert_ne!(of(draws.about("call", 0), "kind"), of(draws.about("call", 1), "kind"));
    }

    #[test]
    fn a_weight_is_a_share() {
        let drawn = |seed| Draws::new(seed).weigh("what", &[(1, "seldom"), (3, "often"), (0, "never")]);
        let count = |what| (0..4000).filter(|seed| drawn(*seed) == what).count();
        assert!((2900..3100).contains(&count("often")), "{} of 4000", count("often"));
        assert_eq!(count("never"), 0);
    }

    #[test]
    fn a_draw_without_candidates_draws_nothing() {
        let draws = Draws::new(7);
        assert_eq!(draws.among("one", Vec::<u8>::new()), None);
        assert_eq!(draws.among("one", [4_u8]), Some(4));
        assert_eq!((draws.below("one", 0), draws.between("one", 3, 1)), (0, 3));
        assert!(!draws.chance("one", 0) && draws.chance("one", 100));
    }
}
