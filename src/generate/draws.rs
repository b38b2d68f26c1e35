//! Draws about a scenario that is being made up, keyed by what they decide.
//!
//! Of several candidates one is drawn *by lot*: each draws a number by its own name, and the highest wins (rendezvous
//! hashing: D. Thaler, C. Ravishankar, "Using name-based mappings to increase hit rates", 1998). A candidate that is
//! added later wins sometimes, and where it does not, everything stays as it was.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::api::Operation;
use crate::control::message::MessageKind;
use crate::region::Region;
use crate::rng::{Purpose, below, draw, key_of_bytes, mix};
use crate::sim::coverage::FaultKind;

/// A subject to draw about: a scenario, one of its calls, one of its faults. Draws about one subject do not change
/// those about another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws {
    seed: u64,
    subject: u64,
}

/// What can be drawn by lot.
pub(super) trait Candidate: Copy {
    /// A number that no other candidate has, and that stays the same when others come and go.
    fn lot(self) -> u64;
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
        below(self.seed, Purpose::Scenario, self.key(what), bound as u64) as usize
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
    pub(super) fn pick<T: Candidate>(self, what: &str, all: &[T]) -> T {
        self.among(what, all.iter().copied()).expect("there is something to pick from")
    }

    /// One of `all`, if there is one.
    pub(super) fn among<T: Candidate>(self, what: &str, all: impl IntoIterator<Item = T>) -> Option<T> {
        let base = draw(self.seed, Purpose::Scenario, self.key(what));
        all.into_iter().max_by_key(|candidate| mix(base, candidate.lot()))
    }

    /// One of `all`, each as often as its weight says: it has so many tickets in the draw.
    pub(super) fn weigh<T: Candidate>(self, what: &str, all: &[(u64, T)]) -> T {
        let base = draw(self.seed, Purpose::Scenario, self.key(what));
        let best = |weight: u64, lot: u64| {
            let own = mix(base, lot);
            (0..weight).map(|ticket| mix(own, ticket)).max().unwrap_or_default()
        };
        let (_, drawn) = all
            .iter()
            .max_by_key(|(weight, candidate)| best(*weight, candidate.lot()))
            .expect("there is something to weigh");
        *drawn
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

    fn key(self, what: &str) -> u64 {
        mix(self.subject, key_of_bytes(what.as_bytes()))
    }
}

/// Candidates that are known by a text or a number.
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

/// A name, and what it stands for.
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
