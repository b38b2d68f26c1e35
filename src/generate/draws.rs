//! The draws of the generator, each keyed by its subject and its name.
//!
//! One of several candidates is drawn *by lot*: each candidate draws a number by its own name, and the highest wins
//! (rendezvous hashing: D. Thaler, C. Ravishankar, "Using name-based mappings to increase hit rates", 1998). A
//! candidate that is added later wins some of the draws; all other draws keep their result.
//!
//! The name of a draw feeds a hash. A renamed draw re-rolls its decision in every scenario.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::api::Operation;
use crate::control::message::MessageKind;
use crate::region::Region;
use crate::rng::{Purpose, below, draw, key_of_bytes, mix};
use crate::sim::fault::FaultKind;

/// The draws about one subject: a scenario, one of its calls, one of its faults. Draws about one subject do not change
/// those about another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws {
    seed: u64,
    subject: u64,
}

/// A value that can be drawn by lot.
pub(super) trait Candidate: Copy {
    /// A number that is unique among the candidates of a draw and does not depend on the other candidates.
    fn lot(self) -> u64;
}

impl Draws {
    pub(super) fn new(seed: u64) -> Draws {
        Draws { seed, subject: 0 }
    }

    /// The draws about the part of this subject that is called `name` and has this index.
    pub(super) fn about(self, name: &str, index: usize) -> Draws {
        let subject = mix(mix(self.subject, key_of_bytes(name.as_bytes())), index as u64);
        Draws { subject, ..self }
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub(super) fn below(self, name: &str, bound: usize) -> usize {
        below(self.seed, Purpose::Scenario, self.key(name), bound as u64) as usize
    }

    /// A number from `min` to `max`, both included; `min` when `max` is less.
    pub(super) fn between(self, name: &str, min: usize, max: usize) -> usize {
        min + self.below(name, max.saturating_sub(min) + 1)
    }

    /// A number in `range`.
    pub(super) fn within(self, name: &str, range: &RangeInclusive<usize>) -> usize {
        self.between(name, *range.start(), *range.end())
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn chance(self, name: &str, percent: usize) -> bool {
        self.below(name, 100) < percent
    }

    /// One of `all`, which must not be empty.
    pub(super) fn pick<T: Candidate>(self, name: &str, all: &[T]) -> T {
        self.among(name, all.iter().copied()).expect("at least one candidate")
    }

    /// One of `all`; `None` when it is empty.
    pub(super) fn among<T: Candidate>(self, name: &str, all: impl IntoIterator<Item = T>) -> Option<T> {
        let base = draw(self.seed, Purpose::Scenario, self.key(name));
        all.into_iter().max_by_key(|candidate| mix(base, candidate.lot()))
    }

    /// One of `all`, each in proportion to its weight, which is the number of its tickets in the draw.
    pub(super) fn weigh<T: Candidate>(self, name: &str, all: &[(u64, T)]) -> T {
        let base = draw(self.seed, Purpose::Scenario, self.key(name));
        let best = |weight: u64, lot: u64| {
            let own = mix(base, lot);
            (0..weight).map(|ticket| mix(own, ticket)).max().unwrap_or_default()
        };
        let (_, drawn) = all
            .iter()
            .max_by_key(|(weight, candidate)| best(*weight, candidate.lot()))
            .expect("at least one candidate");
        *drawn
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

    fn key(self, name: &str) -> u64 {
        mix(self.subject, key_of_bytes(name.as_bytes()))
    }
}

/// Candidates that a text or a number identifies.
macro_rules! candidates {
    ($($type:ty: |$it:ident| $lot:expr;)+) => {$(
        impl Candidate for $type {
            fn lot(self) -> u64 {
                let $it = self;
                $lot
            }
        }
    )+};
}

candidates! {
    &str: |it| key_of_bytes(it.as_bytes());
    Region: |it| it.name().lot();
    Operation: |it| it.name().lot();
    FaultKind: |it| it.name().lot();
    MessageKind: |it| it.name().lot();
    u32: |it| u64::from(it);
    u64: |it| it;
    i64: |it| it.cast_unsigned();
    usize: |it| it as u64;
}

/// A name and the value that is drawn by it. The value may change without re-rolling the draw.
impl<N: Candidate, T: Copy> Candidate for (N, T) {
    fn lot(self) -> u64 {
        self.0.lot()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_that_is_added_takes_draws_for_itself_and_changes_no_other() {
        let (few, more) = (["drop", "delay"], ["drop", "slow", "delay"]);
        let mut taken = 0;
        for seed in 0..3000 {
            let draws = Draws::new(seed);
            match draws.pick("kind", &more) {
                "slow" => taken += 1,
                kept => assert_eq!(kept, draws.pick("kind", &few)),
            }
        }
        assert!((900..1100).contains(&taken), "{taken} of 3000");
    }

    #[test]
    fn a_weight_is_a_share() {
        let drawn = |seed| Draws::new(seed).weigh("what", &[(1, "seldom"), (3, "often")]);
        let often = (0..4000).filter(|seed| drawn(*seed) == "often").count();
        assert!((2900..3100).contains(&often), "{often} of 4000");
    }
}
