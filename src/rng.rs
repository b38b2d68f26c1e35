//! Keyed random draws.
//!
//! No draw comes from a shared stream. Each is a pure function of the seed, the [`Purpose`] of the draw, and the key of
//! its subject (a message, a timer, a call). Removing a step from a scenario therefore changes no draw of the other
//! steps, which is what makes shrinking work and what lets an old seed keep its meaning.
//!
//! The mixing function is the finalizer of SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom
//! number generators", OOPSLA 2014), applied once per number. It is portable and never changes, because a change would
//! give every recorded seed another meaning; that is why it is not left to a dependency.

use std::time::Duration;

/// The purpose of a draw. Two purposes never share a draw, even about the same subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
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
}

/// A value from 0 to 2^64-1 for (`seed`, `purpose`, `key`).
#[must_use]
pub fn draw(seed: u64, purpose: Purpose, key: u64) -> u64 {
    mix(mix(seed ^ GOLDEN, purpose as u64), key)
}

/// A value in `0..bound`; 0 when `bound` is 0.
#[must_use]
pub fn below(seed: u64, purpose: Purpose, key: u64, bound: u64) -> u64 {
    scale(draw(seed, purpose, key), bound)
}

/// A duration from `min` to `max`, inclusive; `min` if `max` is smaller.
#[must_use]
pub fn between(seed: u64, purpose: Purpose, key: u64, min: Duration, max: Duration) -> Duration {
    let (min, max) = (nanos(min), nanos(max));
    let width = max.saturating_sub(min).saturating_add(1);
    Duration::from_nanos(min.saturating_add(below(seed, purpose, key, width)))
}

/// Mixes `value` into `state`: the mixing step of every draw, key and hash of the crate.
#[must_use]
pub const fn mix(state: u64, value: u64) -> u64 {
    let mut z = (state ^ value).wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)).wrapping_add(state.rotate_left(17))
}

/// The key of a list of numbers.
#[must_use]
pub fn key(parts: &[u64]) -> u64 {
    parts.iter().fold(0, |state, part| mix(state, *part))
}

/// The key of a text: eight bytes at a time as little-endian numbers, and the length last.
#[must_use]
pub fn key_of_bytes(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let state = words.iter().fold(0, |state, word| fold(state, u64::from_le_bytes(*word)));
    let last = match bytes.last_chunk::<8>() {
        _ if rest.is_empty() => 0,
        // One load of the last eight bytes; the shift removes those that the previous number holds already.
        Some(tail) => u64::from_le_bytes(*tail) >> (64 - 8 * rest.len()),
        None => rest.iter().rfold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    mix(fold(state, last), bytes.len() as u64)
}

/// Folds `value` into `state` faster and less thoroughly than [`mix`]: for the many numbers of one subject, whose
/// result is then mixed into the rest.
#[must_use]
pub const fn fold(state: u64, value: u64) -> u64 {
    (state.rotate_left(23) ^ value).wrapping_mul(GOLDEN)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn scale(value: u64, bound: u64) -> u64 {
    ((u128::from(value) * u128::from(bound)) >> 64) as u64
}

/// The nanoseconds of `duration`; saturates at some 584 years.
#[must_use]
pub const fn nanos(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(duration.subsec_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_seed_purpose_and_key_only() {
        let first = draw(1, Purpose::Jitter, 7);
        assert_eq!(first, draw(1, Purpose::Jitter, 7));
        assert_ne!(first, draw(2, Purpose::Jitter, 7));
        assert_ne!(first, draw(1, Purpose::Rate, 7));
        assert_ne!(first, draw(1, Purpose::Jitter, 8));
    }

    /// A change of these values changes the meaning of every recorded seed.
    #[test]
    fn the_mixing_function_is_pinned() {
        assert_eq!(draw(42, Purpose::Jitter, 7), 0x2ab8_7dc3_e9fa_7d85);
        assert_eq!(key_of_bytes(b"blue"), 0x44e9_81ed_50d2_1e05);
    }

    #[test]
    fn the_key_of_a_text_is_that_of_its_numbers_padded_with_zeros() {
        let text: Vec<u8> = (1..=40).collect();
        for length in 0..text.len() {
            let mut padded = text[..length].to_vec();
            padded.resize((length / 8 + 1) * 8, 0);
            let words = padded.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word));
            assert_eq!(
                key_of_bytes(&text[..length]),
                mix(words.fold(0, fold), length as u64),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn bounded_draws_stay_in_bounds_and_reach_both_ends() {
        let range = Duration::from_nanos(3)..=Duration::from_nanos(5);
        let drawn: Vec<_> =
            (0..200).map(|key| between(9, Purpose::Timer, key, *range.start(), *range.end())).collect();
        assert!(drawn.iter().all(|duration| range.contains(duration)));
        assert!(drawn.contains(range.start()) && drawn.contains(range.end()));
        assert_eq!(below(9, Purpose::Timer, 1, 0), 0);
    }
}
