//! What is to happen, in the order in which it will: by time, and within a time by turn of pushing.
//!
//! What the items are and what happens when they are due does not belong here.
//!
//! # How it works
//!
//! A wheel of wheels (G. Varghese, T. Lauck, "Hashed and hierarchical timing wheels", IEEE/ACM Transactions on
//! Networking 5, 1997), read as a radix heap (R. Ahuja, K. Mehlhorn, J. Orlin, R. Tarjan, "Faster algorithms for the
//! shortest path problem", Journal of the ACM 37, 1990). Time is cut into slices of about two milliseconds, and the
//! number of a slice is written in digits of base 64. Virtual time never goes back, so an item is never due before
//! the last one popped, and that lets the queue sort lazily: an item waits, unsorted, in the bucket that is named by
//! the highest digit in which its slice differs from the current one, and by what it has there. Items of the current
//! slice wait in a line of their own, sorted. When the line is empty, the lowest bucket in use holds the next item:
//! the current slice moves there, and the bucket's items fall into lower buckets, until a bucket is a single slice
//! and becomes the line.
//!
//! Why equal times keep their order, though nothing carries a sequence number: which bucket an item is in follows
//! from its time and the current slice alone, so items of equal time are always in the same bucket; buckets are
//! filled at the back and emptied from the front; and the line is sorted stably.
//!
//! # Why this one
//!
//! A message arrives within the milliseconds and falls once or twice, a timer of a minute three times; both by
//! sequential copies, where a heap jumps about in memory.

use std::array;
use std::mem;

use crate::types::Instant;

/// Items in the order of their times; items of equal time in the order in which they were pushed.
///
/// A clone is independent of its original and costs about as much as copying the items.
#[derive(Clone, Debug)]
pub struct Queue<T> {
    /// The current slice. Nothing pending is due in an earlier one.
    slice: u64,
    /// The items due in the current slice, the next one last.
    line: Vec<(Instant, T)>,
    /// The items due later, by the highest digit in which their slice differs from the current one.
    wheels: [Wheel<T>; WHEELS],
    /// Bit `w` is set when wheel `w` has items.
    used: u8,
    /// Emptied vectors, for the next buckets that need one: the memory that was touched last is the fastest.
    spare: Vec<Vec<(Instant, T)>>,
    len: usize,
}

/// The items whose slices differ from the current one in a digit, and in none higher.
#[derive(Clone, Debug)]
struct Wheel<T> {
    /// One for each value of the digit; none, before the wheel is first used.
    buckets: Vec<Bucket<T>>,
    /// Bit `b` is set when bucket `b` has items.
    used: u64,
}

#[derive(Clone, Debug)]
struct Bucket<T> {
    items: Vec<(Instant, T)>,
    /// The least time of `items`; the end of time when there are none.
    earliest: Instant,
}

const END: Instant = Instant(u64::MAX);

/// How many bits of a time, in nanoseconds, are within a slice.
const SLICE_BITS: u32 = 21;
/// How many bits a digit has.
const DIGIT_BITS: u32 = 6;
const DIGITS: usize = 1 << DIGIT_BITS;
/// How many digits a slice's number has.
const WHEELS: usize = (u64::BITS - SLICE_BITS).div_ceil(DIGIT_BITS) as usize;

impl<T> Queue<T> {
    /// An empty queue, at the start of time.
    #[must_use]
    pub fn new() -> Queue<T> {
        let wheels = array::from_fn(|_| Wheel { buckets: Vec::new(), used: 0 });
        Queue { slice: 0, line: Vec::new(), wheels, used: 0, spare: Vec::new(), len: 0 }
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
            let place = self.line.partition_point(|(later, _)| *later > at);
            self.line.insert(place, (at, item));
        } else {
            self.place(at, item);
        }
    }

    /// Takes the next item, with its time.
    pub fn pop(&mut self) -> Option<(Instant, T)> {
        while self.line.is_empty() && self.used != 0 {
            if let Some(only) = self.turn() {
                self.len -= 1;
                return Some(only);
            }
        }
        let next = self.line.pop()?;
        self.len -= 1;
        Some(next)
    }

    /// The item that is popped after `others` others, unless it is due in a later slice, or something comes between.
    #[must_use]
    pub fn ahead(&self, others: usize) -> Option<&T> {
        let place = self.line.len().checked_sub(others + 1)?;
        self.line.get(place).map(|(_, item)| item)
    }

    /// The time of the next item.
    #[must_use]
    pub fn peek_time(&self) -> Option<Instant> {
        if let Some((at, _)) = self.line.last() {
            return Some(*at);
        }
        let wheel = self.wheels.get(self.used.trailing_zeros() as usize)?;
        Some(wheel.buckets[wheel.used.trailing_zeros() as usize].earliest)
    }

    /// How many items are pending.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Moves the current slice to the lowest bucket in use, and its items to where they now belong, if there are
    /// several; gives the item if there is only one.
    fn turn(&mut self) -> Option<(Instant, T)> {
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
            mem::swap(&mut items, &mut self.line);
        }
        for (at, item) in items.drain(..) {
            if slice(at) == self.slice {
                self.line.push((at, item));
            } else {
                self.place(at, item);
            }
        }
        self.spare.push(items);
        // Reversed first, so that of equal times the first pushed comes out first.
        self.line.reverse();
        self.line.sort_by(|(one, _), (other, _)| other.cmp(one));
        None
    }

    /// Puts an item that is due in a later slice into its bucket.
    fn place(&mut self, at: Instant, item: T) {
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
    use crate::rng::{Purpose, below};

    /// From "all at once" over "many equal" to "anywhere in time".
    const SPREADS: [u64; 6] = [1, 3, 50, 10_000, 10_000_000_000, u64::MAX];

    fn drain<T>(mut queue: Queue<T>) -> Vec<(Instant, T)> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    fn filled(seed: u64, spread: u64, count: u64) -> Queue<u64> {
        let mut queue = Queue::new();
        for turn in 0..count {
            queue.push(Instant(below(seed, Purpose::Timer, turn, spread)), turn);
        }
        queue
    }

    /// The same queue, said slowly: a map from (time, turn of pushing) to item.
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
    fn items_come_out_as_a_stable_sort_by_time_has_them() {
        for (seed, spread) in (0..).zip(SPREADS) {
            let queue = filled(seed, spread, 2_000);
            let mut expected: Vec<_> =
                (0..2_000).map(|turn| (Instant(below(seed, Purpose::Timer, turn, spread)), turn)).collect();
            expected.sort_by_key(|(at, _)| *at);
            assert_eq!(drain(queue), expected, "spread {spread}");
        }
    }

    #[test]
    fn equal_times_keep_the_order_of_pushing_even_as_time_passes_between() {
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
                match below(seed, Purpose::Rate, turn, 100) {
                    // Grows for a while, then shrinks to nothing, and again.
                    dice if dice % 10 < if turn / 500 % 2 == 0 { 6 } else { 3 } => {
                        let at = Instant(now.0 + below(seed, Purpose::Timer, turn, *spread));
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
    fn the_items_ahead_are_those_that_come_if_nothing_comes_between() {
        let mut queue = Queue::new();
        for time in [5, 3, 9, 1_000_000_000] {
            queue.push(Instant(time), time);
        }
        assert_eq!(queue.ahead(0), Some(&3));
        assert_eq!(queue.ahead(2), Some(&9));
        assert_eq!(queue.ahead(3), None, "it is due in a later slice");
        queue.pop();
        assert_eq!(queue.ahead(0), Some(&5));
    }

    #[test]
    fn a_clone_goes_its_own_way() {
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
    fn the_end_of_time_is_a_time_like_any_other() {
        let mut queue = Queue::new();
        queue.push(END, 'a');
        queue.push(END, 'b');
        assert_eq!(queue.peek_time(), Some(END));
        assert_eq!(drain(queue), [(END, 'a'), (END, 'b')]);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "due at Instant(9)")]
    fn an_item_due_in_the_past_is_a_mistake() {
        let mut queue = Queue::new();
        queue.push(Instant(1 << 30), ());
        queue.pop();
        queue.push(Instant(9), ());
    }
}
