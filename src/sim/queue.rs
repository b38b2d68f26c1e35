//! The event queue: a priority queue by time that keeps items of equal time in the order of insertion.
//!
//! # How it works
//!
//! A wheel of wheels (G. Varghese, T. Lauck, "Hashed and hierarchical timing wheels", IEEE/ACM Transactions on
//! Networking 5, 1997), read as a radix heap (R. Ahuja, K. Mehlhorn, J. Orlin, R. Tarjan, "Faster algorithms for the
//! shortest path problem", Journal of the ACM 37, 1990). Time is cut into slices of about two milliseconds, and the
//! number of a slice is written in digits of base 64. Virtual time never goes back, so an item is never due before the
//! last one popped, and that lets the queue sort lazily: an item waits, unsorted, in the bucket given by the highest
//! digit in which its slice differs from the current slice, and by the value of that digit. Items of the current slice
//! are kept sorted. When there are none left, the lowest bucket in use holds the next item: the current slice moves
//! there, and the bucket's items fall into lower buckets, until a bucket is a single slice and becomes current.
//!
//! Items of equal time keep their order without a sequence number. The bucket of an item follows from its time and the
//! current slice alone, so items of equal time are always in the same bucket; buckets are filled at the back and
//! emptied from the front; and the items of the current slice are sorted stably.
//!
//! # Why this structure
//!
//! A message that arrives within milliseconds falls once or twice, a timer of a minute three times, both by sequential
//! copies. A binary heap would touch scattered memory instead.

use std::array;
use std::mem;

use crate::types::Instant;

/// A queue of items by time; items of equal time come out in the order in which they were pushed.
///
/// A clone is independent of its original and costs about as much as copying the items.
#[derive(Clone, Debug)]
pub struct Queue<T> {
    /// The current slice. No item is due in an earlier one.
    slice: u64,
    /// The items due in the current slice, the next one last.
    current: Vec<(Instant, T)>,
    /// The items due later, by the highest digit in which their slice differs from the current one.
    wheels: [Wheel<T>; WHEELS],
    /// Bit `w` is set when wheel `w` has items.
    used: u8,
    /// Emptied vectors for buckets that need one; the last is still in the cache.
    spare: Vec<Vec<(Instant, T)>>,
    len: usize,
}

/// The items whose slices differ from the current one in a digit, and in none higher.
#[derive(Clone, Debug)]
struct Wheel<T> {
    /// One bucket for each value of the digit; empty until the wheel is first used.
    buckets: Vec<Bucket<T>>,
    /// Bit `b` is set when bucket `b` has items.
    used: u64,
}

#[derive(Clone, Debug)]
struct Bucket<T> {
    items: Vec<(Instant, T)>,
    /// The smallest time among `items`; [`END`] if there are none.
    earliest: Instant,
}

const END: Instant = Instant(u64::MAX);

/// The number of low bits of a time, in nanoseconds, that lie within a slice.
const SLICE_BITS: u32 = 21;
/// The number of bits in a digit.
const DIGIT_BITS: u32 = 6;
const DIGITS: usize = 1 << DIGIT_BITS;
/// The number of digits in a slice's number.
const WHEELS: usize = (u64::BITS - SLICE_BITS).div_ceil(DIGIT_BITS) as usize;

impl<T> Queue<T> {
    /// An empty queue, at the start of time.
    #[must_use]
    pub fn new() -> Queue<T> {
        let wheels = array::from_fn(|_| Wheel { buckets: Vec::new(), used: 0 });
        Queue { slice: 0, current: Vec::new(), wheels, used: 0, spare: Vec::new(), len: 0 }
    }

    /// Adds `item`, due at `at`, which must not be before the time of the last item popped.
    ///
    /// # Panics
    /// Where debug assertions are on, if it is due in a slice of time that has passed; where they are off, it counts
    /// as due now.
    pub fn push(&mut self, at: Instant, item: T) {
        debug_assert!(slice(at) >= self.slice, "due at {at:?}, pushed in slice {}", self.slice);
        self.len += 1;
        if slice(at) <= self.slice {
            let position = self.current.partition_point(|(later, _)| *later > at);
            self.current.insert(position, (at, item));
        } else {
            self.put_in_bucket(at, item);
        }
    }

    /// Removes and returns the next item, with its time.
    pub fn pop(&mut self) -> Option<(Instant, T)> {
        while self.current.is_empty() && self.used != 0 {
            if let Some(only) = self.advance() {
                self.len -= 1;
                return Some(only);
            }
        }
        let next = self.current.pop()?;
        self.len -= 1;
        Some(next)
    }

    /// The item that `n` pops will precede, if it is due in the current slice; items pushed meanwhile may come before
    /// it.
    #[must_use]
    pub fn peek_nth(&self, n: usize) -> Option<&T> {
        let position = self.current.len().checked_sub(n + 1)?;
        self.current.get(position).map(|(_, item)| item)
    }

    /// The time of the next item.
    #[must_use]
    pub fn peek_time(&self) -> Option<Instant> {
        if let Some((at, _)) = self.current.last() {
            return Some(*at);
        }
        let wheel = self.wheels.get(self.used.trailing_zeros() as usize)?;
        Some(wheel.buckets[wheel.used.trailing_zeros() as usize].earliest)
    }

    /// The number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the queue is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Moves the current slice to the lowest bucket in use. Returns the bucket's item if it is the only one; otherwise
    /// distributes the items over the current slice and lower buckets.
    fn advance(&mut self) -> Option<(Instant, T)> {
        let number = self.used.trailing_zeros() as usize;
        let wheel = &mut self.wheels[number];
        let digit = wheel.used.trailing_zeros() as usize;
        wheel.used &= wheel.used - 1;
        self.used ^= u8::from(wheel.used == 0) << number;
        let bucket = &mut wheel.buckets[digit];
        self.slice = slice(mem::replace(&mut bucket.earliest, END));
        if bucket.items.len() == 1 {
            return bucket.items.pop();
        }
        let mut items = mem::take(&mut bucket.items);
        if number == 0 {
            mem::swap(&mut items, &mut self.current);
        }
        for (at, item) in items.drain(..) {
            if slice(at) == self.slice {
                self.current.push((at, item));
            } else {
                self.put_in_bucket(at, item);
            }
        }
        self.spare.push(items);
        // The next item is the last one, so a stable sort needs the reversed order of insertion.
        self.current.reverse();
        self.current.sort_by(|(one, _), (other, _)| other.cmp(one));
        None
    }

    /// Inserts an item that is due in a later slice into its bucket.
    fn put_in_bucket(&mut self, at: Instant, item: T) {
        let slice = slice(at);
        let number = (slice ^ self.slice).ilog2() / DIGIT_BITS;
        let digit = (slice >> (number * DIGIT_BITS)) as usize % DIGITS;
        let wheel = &mut self.wheels[number as usize];
        if wheel.buckets.is_empty() {
            wheel.buckets.resize_with(DIGITS, || Bucket { items: Vec::new(), earliest: END });
        }
        let bucket = &mut wheel.buckets[digit];
        if bucket.items.capacity() == 0 {
            bucket.items = self.spare.pop().unwrap_or_default();
        }
        bucket.items.push((at, item));
        bucket.earliest = bucket.earliest.min(at);
        wheel.used |= 1 << digit;
        self.used |= 1 << number;
    }
}

/// The number of the slice of time that `at` is in.
fn slice(at: Instant) -> u64 {
    at.0 >> SLICE_BITS
}

impl<T> Default for Queue<T> {
    fn default() -> Queue<T> {
        Queue::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use rand::RngExt;

    use crate::rng::{Purpose, stream};

    /// Ranges of times: all equal, many equal, anywhere in time.
    const SPREADS: [u64; 6] = [1, 3, 50, 10_000, 10_000_000_000, u64::MAX];

    fn drain<T>(mut queue: Queue<T>) -> Vec<(Instant, T)> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    fn filled(seed: u64, spread: u64, count: u64) -> Queue<u64> {
        let mut queue = Queue::new();
        for turn in 0..count {
            queue.push(Instant(stream(seed, Purpose::Timer, turn).random_range(0..spread)), turn);
        }
        queue
    }

    /// A slow reference: a map from (time, number of the push) to item.
    #[derive(Default)]
    struct ReferenceQueue {
        items: BTreeMap<(Instant, u64), u64>,
    }

    impl ReferenceQueue {
        fn pop(&mut self) -> Option<(Instant, u64)> {
            self.items.pop_first().map(|((at, _), item)| (at, item))
        }
    }

    #[test]
    fn items_come_out_in_the_order_of_a_stable_sort_by_time() {
        for (seed, spread) in (0..).zip(SPREADS) {
            let queue = filled(seed, spread, 2_000);
            let mut expected: Vec<_> = (0..2_000)
                .map(|turn| (Instant(stream(seed, Purpose::Timer, turn).random_range(0..spread)), turn))
                .collect();
            expected.sort_by_key(|(at, _)| *at);
            assert_eq!(drain(queue), expected, "spread {spread}");
        }
    }

    #[test]
    fn items_of_equal_time_keep_the_order_of_pushing_even_if_time_passes_in_between() {
        let mut queue = Queue::new();
        let late = Instant(1_000);
        queue.push(late, 0);
        for (turn, early) in (1..).zip([1, 7, 400, 512, 999]) {
            queue.push(Instant(early), 100);
            assert_eq!(queue.pop(), Some((Instant(early), 100)));
            queue.push(late, turn);
        }
        assert_eq!(queue.pop(), Some((late, 0)));
        queue.push(late, 6);
        assert_eq!(drain(queue), (1..=6).map(|turn| (late, turn)).collect::<Vec<_>>());
    }

    #[test]
    fn pushes_and_pops_in_any_mixture_agree_with_the_reference() {
        for (seed, spread) in (0..).zip(&SPREADS[..5]) {
            let (mut queue, mut reference) = (Queue::new(), ReferenceQueue::default());
            let mut now = Instant::START;
            for turn in 0..5_000 {
                match stream(seed, Purpose::Rate, turn).random_range(0..100) {
                    // Grows for a while, then shrinks to nothing, and again.
                    dice if dice % 10 < if turn / 500 % 2 == 0 { 6 } else { 3 } => {
                        let at = Instant(now.0 + stream(seed, Purpose::Timer, turn).random_range(0..*spread));
                        queue.push(at, turn);
                        reference.items.insert((at, turn), turn);
                    }
                    _ => {
                        let expected = reference.pop();
                        assert_eq!(queue.pop(), expected, "seed {seed}, turn {turn}");
                        now = expected.map_or(now, |(at, _)| at);
                    }
                }
                assert_eq!(queue.peek_time(), reference.items.keys().next().map(|(at, _)| *at));
                assert_eq!(queue.len(), reference.items.len());
                assert_eq!(queue.is_empty(), reference.items.is_empty());
            }
        }
    }

    #[test]
    fn peeked_items_are_those_that_the_next_pops_return() {
        let mut queue = Queue::new();
        for time in [5, 3, 9, 1_000_000_000] {
            queue.push(Instant(time), time);
        }
        assert_eq!(queue.peek_nth(0), Some(&3));
        assert_eq!(queue.peek_nth(2), Some(&9));
        assert_eq!(queue.peek_nth(3), None, "it is due in a later slice");
        queue.pop();
        assert_eq!(queue.peek_nth(0), Some(&5));
    }

    #[test]
    fn a_clone_is_independent_of_its_original() {
        let mut queue = filled(4, 1_000, 100);
        queue.pop();
        let mut copy = queue.clone();
        let expected = drain(queue.clone());
        copy.push(Instant(5_000), 1_000);
        assert_eq!(copy.len(), drain(copy.clone()).len());
        assert_eq!(drain(queue), expected);
        assert_eq!(drain(copy).last(), Some(&(Instant(5_000), 1_000)));
    }

    #[test]
    fn items_due_at_the_end_of_time_are_queued_like_others() {
        let mut queue = Queue::new();
        queue.push(END, 'a');
        queue.push(END, 'b');
        assert_eq!(queue.peek_time(), Some(END));
        assert_eq!(drain(queue), [(END, 'a'), (END, 'b')]);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "due at Instant(9)")]
    fn pushing_an_item_into_the_past_panics() {
        let mut queue = Queue::new();
        queue.push(Instant(1 << 30), ());
        queue.pop();
        queue.push(Instant(9), ());
    }
}
