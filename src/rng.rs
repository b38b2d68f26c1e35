//! Keyed random draws, and the fingerprints that key them.
//!
//! No draw comes from a shared stream. Each is a pure function of the seed, the [`Purpose`] of the draw, and the key of
//! its subject (a message, a timer, a call). Removing a step from a scenario therefore changes no draw of the other
//! steps, which is what makes shrinking work and what lets an old seed keep its meaning. A subject that needs several
//! draws, or a choice, gets a generator of its own: [`stream`] is a [`rand::Rng`].
//!
//! The generator is SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA
//! 2014). [`mix`], the step that combines two numbers, is one output of the same generator.
//!
//! A key is the [`fingerprint`] of its subject: `#[derive(Hash)]` on the type, with [`StableHasher`]. A type that
//! leaves a member out implements [`Hash`] by hand and gives the reason there. Three reasons occur: the member is a
//! text for people, it follows from what is hashed already, or it would tie a draw to another step.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::SplitMix64;

/// The purpose of a draw. Two purposes never share a draw, even about the same subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// The fresh identifier that a delivered request may use for a cluster or stream.
    Identifier = 1,
    /// The client token that an SDK fills in if the caller gave none.
    ClientToken,
    /// The latency of a message beyond its minimum.
    Jitter,
    /// Whether a rule with a percentage applies to a message.
    Rate,
    /// The time by which a rule delays a message or a copy of it.
    Amount,
    /// The time from the setting of a timer until it fires.
    Timer,
    /// The pause of a client before its next attempt.
    Backoff,
    /// The number of interrupted writes that reach the disk in a crash.
    Unfinished,
    /// Every choice in a generated scenario.
    Scenario,
    /// The task that runs next, of those that are ready.
    Interleaving,
    /// The random numbers of an SDK: tokens, back-off, the ids of invocations.
    SdkRandom,
    /// The pause between the crash of a process and its next life.
    ProcessRestart,
    /// Whether a step happens in a future that is drawn anew.
    Future,
}

/// The generator of the draws for (`seed`, `purpose`, `key`).
#[must_use]
pub fn stream(seed: u64, purpose: Purpose, key: u64) -> impl Rng {
    // The purpose is in the highest byte, where no seed that a person writes meets it.
    let purpose = (purpose as u64) << 56;
    SplitMix64::seed_from_u64(mix(seed, purpose) ^ key)
}

/// A duration from `min` to `max`, inclusive; `min` if `max` is smaller.
#[must_use]
pub fn between(seed: u64, purpose: Purpose, key: u64, min: Duration, max: Duration) -> Duration {
    let (min, max) = (nanos(min), nanos(max));
    Duration::from_nanos(stream(seed, purpose, key).random_range(min..=max.max(min)))
}

/// Mixes `value` into `state`: the output of SplitMix64 in the state of both, combined by exclusive or. The order of
/// the two makes no difference, so one of them must be a key or a result of this function.
#[must_use]
#[inline]
pub fn mix(state: u64, value: u64) -> u64 {
    SplitMix64::seed_from_u64(state ^ value).next_u64()
}

/// The fingerprint of a value: the key of draws about it, and its contribution to the hash of a trace.
#[must_use]
pub fn fingerprint(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = StableHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A [`Hasher`] with the same result on every platform and in every run. Every number counts as one of 64 bits; bytes
/// are taken eight at a time as little-endian numbers, followed by their count.
///
/// The one exception is a slice or an array of numbers of more than one byte, which the standard library passes on in
/// the byte order of the machine. The types of this crate have none.
#[derive(Clone, Copy, Debug)]
pub struct StableHasher(u64);

impl StableHasher {
    /// A hasher that has hashed nothing.
    #[must_use]
    pub const fn new() -> StableHasher {
        // Not 0, the one state in which a folded 0 leaves no mark.
        StableHasher(GOLDEN)
    }
}

impl Default for StableHasher {
    fn default() -> StableHasher {
        StableHasher::new()
    }
}

impl Hasher for StableHasher {
    #[inline]
    fn finish(&self) -> u64 {
        mix(self.0, 0)
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            // One load of the last eight bytes; the shift removes those that the previous number holds already.
            self.write_u64(match bytes.last_chunk::<8>() {
                Some(tail) => u64::from_le_bytes(*tail) >> (64 - 8 * rest.len()),
                None => rest.iter().rfold(0, |word, byte| word << 8 | u64::from(*byte)),
            });
        }
        self.write_u64(bytes.len() as u64);
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    #[inline]
    fn write_u16(&mut self, number: u16) {
        self.write_u64(number.into());
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.0 = fold(self.0, number);
    }

    #[inline]
    fn write_u128(&mut self, number: u128) {
        self.write_u64(number as u64);
        self.write_u64((number >> 64) as u64);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    // The standard library hashes the discriminant of an enumeration as an `isize`.
    #[inline]
    fn write_isize(&mut self, number: isize) {
        self.write_i64(number as i64);
    }
}

/// Folds `value` into `state` with one multiplication of 64 by 64 bits, of which both halves of the product count.
/// Faster and less thorough than [`mix`]: for the many numbers of one subject, whose result is then mixed.
#[must_use]
#[inline]
pub const fn fold(state: u64, value: u64) -> u64 {
    let product = (state ^ value) as u128 * GOLDEN as u128;
    product as u64 ^ (product >> 64) as u64
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The nanoseconds of `duration`; saturates at some 584 years.
#[must_use]
pub const fn nanos(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(duration.subsec_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use rand::seq::IndexedRandom;

    use super::*;

    #[test]
    fn a_draw_depends_on_seed_purpose_and_key_only() {
        let draw = |seed, purpose, key| stream(seed, purpose, key).next_u64();
        let first = draw(1, Purpose::Jitter, 7);
        assert_eq!(first, draw(1, Purpose::Jitter, 7));
        assert_ne!(first, draw(2, Purpose::Jitter, 7));
        assert_ne!(first, draw(1, Purpose::Rate, 7));
        assert_ne!(first, draw(1, Purpose::Jitter, 8));
    }

    /// The first output of the reference implementation, `splitmix64.c` by S. Vigna, for its own test vector.
    #[test]
    fn the_mixing_step_is_the_published_one() {
        assert_eq!(mix(1_477_776_061_723_855_037, 0), 1_985_237_415_132_408_290);
    }

    /// A change of these values changes the meaning of every recorded seed.
    #[test]
    fn draws_and_choices_are_pinned() {
        let numbers = || stream(42, Purpose::Jitter, 7);
        assert_eq!(numbers().next_u64(), 0x1ccc_4157_59cd_7235);
        assert_eq!(numbers().random_range(0..1000_u64), 112);
        assert_eq!(numbers().random_range(1..=6_usize), 1);
        assert_eq!(["a", "b", "c", "d", "e"].choose(&mut numbers()), Some(&"a"));
        let is_drawn = |key: &u64| stream(42, Purpose::Rate, *key).random_ratio(1, 3);
        assert_eq!((0..9).filter(is_drawn).collect::<Vec<_>>(), [0, 6, 8]);
        let weighted = [(2_u64, "seldom"), (5, "often"), (3, "between")];
        let drawn =
            |key| weighted.choose_weighted(&mut stream(42, Purpose::Rate, key), |(weight, _)| *weight);
        assert_eq!(
            (0..6).map(|key| drawn(key).expect("a choice").1).collect::<Vec<_>>(),
            ["seldom", "often", "often", "between", "between", "between"]
        );
        let (min, max) = (Duration::from_millis(5), Duration::from_millis(50));
        assert_eq!(between(42, Purpose::Jitter, 7, min, max), Duration::from_nanos(10_062_126));
    }

    /// A change of these values changes every recorded hash.
    #[test]
    fn fingerprints_are_pinned() {
        #[derive(Hash)]
        enum Shape {
            Point,
            Circle(u8),
            Named { name: &'static str, sides: Option<usize>, offset: isize },
        }
        let named = Shape::Named { name: "square", sides: Some(4), offset: -1 };
        let values = [
            fingerprint(&Shape::Point),
            fingerprint(&Shape::Circle(7)),
            fingerprint(&named),
            fingerprint("blue"),
            fingerprint(&[1_u8, 2, 3][..]),
            fingerprint(&(1_u16, 2_i32, 3_u64, 4_u128, true, 'x')),
            fingerprint(&Duration::from_millis(1500)),
        ];
        assert_eq!(
            values,
            [
                0x95e5_1bd7_b76d_d4b1,
                0xc858_e731_7559_8777,
                0x0112_312a_c68e_fb78,
                0x92c0_9216_c39b_9ba9,
                0x0c09_ff3c_8c79_ce47,
                0xd0dd_0cd4_3878_afe8,
                0x1268_8cad_a80c_8dcd,
            ]
        );
    }

    #[test]
    fn a_number_counts_the_same_in_every_width() {
        let of = |write: &dyn Fn(&mut StableHasher)| {
            let mut hasher = StableHasher::new();
            write(&mut hasher);
            hasher.finish()
        };
        let seven = of(&|it| it.write_u64(7));
        assert_eq!(of(&|it| it.write_u8(7)), seven);
        assert_eq!(of(&|it| it.write_usize(7)), seven);
        assert_eq!(of(&|it| it.write_isize(-7)), of(&|it| it.write_i64(-7)));
    }

    #[test]
    fn the_bytes_of_a_text_are_its_numbers_padded_with_zeros() {
        let text: Vec<u8> = (1..=40).collect();
        for length in 0..text.len() {
            let mut padded = text[..length].to_vec();
            padded.resize(length.next_multiple_of(8), 0);
            let (mut bytes, mut numbers) = (StableHasher::new(), StableHasher::new());
            bytes.write(&text[..length]);
            padded.as_chunks().0.iter().for_each(|word| numbers.write_u64(u64::from_le_bytes(*word)));
            numbers.write_usize(length);
            assert_eq!(bytes.finish(), numbers.finish(), "{length} bytes");
        }
    }

    #[test]
    fn zeros_in_front_and_texts_that_differ_in_case_count() {
        assert_ne!(fingerprint(&(0, 1)), fingerprint(&1));
        assert_ne!(fingerprint("1234567A12A"), fingerprint("1234567q12a"));
    }

    #[test]
    fn durations_stay_in_their_range_and_reach_both_ends() {
        let range = Duration::from_nanos(3)..=Duration::from_nanos(5);
        let drawn: Vec<_> =
            (0..200).map(|key| between(9, Purpose::Timer, key, *range.start(), *range.end())).collect();
        assert!(drawn.iter().all(|duration| range.contains(duration)));
        assert!(drawn.contains(range.start()) && drawn.contains(range.end()));
        assert_eq!(between(9, Purpose::Timer, 1, *range.end(), *range.start()), *range.end());
    }
}
