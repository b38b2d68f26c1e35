//! What is to happen, in the order in which it will: by time, and within a time by turn of pushing.
//!
//! What the items are and what happens when they are due does not belong here.
//!
//! # How it works
//!
//! A radix heap (R. Ahuja, K. Mehlhorn, J. Orlin, R. Tarjan, "Faster algorithms for the shortest path
//! problem", Journal of the ACM 37, 1990). Virtual time never goes back, so an item is never due before the
//! last one popped, and that lets the heap sort lazily. Bucket `b` holds the items whose time differs from
//! the current time in bit `b` and in no higher one, unsorted; items due right now wait in a line of their
//! own. When the line is empty, the lowest bucket in use holds the next item: time moves to the earliest in
//! that bucket, and the bucket's items, which now agree with the time in bit `b` too, fall into the line and
//! into lower buckets.
//!
//! Why equal times keep their order, though nothing carries a sequence number: which bucket an item is in
//! follows from its time and the current time alone, so items of equal time are always in the same bucket;
//! and buckets are filled at the back and emptied from the front.
//!
//! # Why this one
//!
//! An item falls at most 64 times, in practice about as often as the logarithm of how many are pending, and
//! always by a sequential copy, where a heap jumps about in memory. Nanoseconds for one pop and one push,
//! with this many items pending:
//!
//! | structure                             |  10 | 1,000 | 100,000 | 1,000,000 |
//! |---------------------------------------|----:|------:|--------:|----------:|
//! | this queue                            |  28 |    42 |      61 |        99 |
//! | radix heap of base 4                  |  32 |    47 |      71 |       104 |
//! | radix heap of base 16                 |  25 |    36 |      68 |        98 |
//! | radix heap, items in a slab           |  31 |    41 |     155 |       209 |
//! | timing wheel, sorted front, slab      |  26 |    22 |      90 |       143 |
//! | timing wheel, linked lists, slab      |  26 |    29 |     226 |       603 |
//! | 4-ary heap, slab                      |  32 |    84 |     261 |       405 |
//! | `BinaryHeap`, slab                    |  31 |    54 |     292 |       905 |
//!
//! Items of 80 bytes due 1 ms to 10 s ahead, evenly spread; three million pops and pushes after a warm-up,
//! best of three; one core of an AMD EPYC processor, rustc 1.95, fully optimized. Repeats differ by up to a
//! third, so that the radix heaps of base 2, 4 and 16 cannot be told apart: base 2 is the simplest. From
//! 10 to 100,000 items the cost about doubles: an item falls more often, and out of a slower cache.

use std::array;
use std::collections::VecDeque;
use std::mem;

use crate::types::Instant;

/// Items in the order of their times; items of equal time in the order in which they were pushed.
///
/// A clone is independent of its original and costs about as much as copying the items.
#[derive(Clone, Debug)]
pub struct Queue<T> {
    /// The time of the last item popped.
    now: Instant,
    /// The items due now.
    due: VecDeque<T>,
    /// The items due later: bucket `b` has those whose time differs from `now` in bit `b` and none higher.
    later: [Bucket<T>; 64],
    /// Bit `b` is set when bucket `b` has items.
    used: u64,
    len: usize,
}

#[derive(Clone, Debug)]
struct Bucket<T> {
    items: Vec<(Instant, T)>,
    /// The least time of `items`; the end of time when there are none.
    earliest: Instant,
}

const END: Instant = Instant(u64::MAX);

impl<T> Queue<T> {
    /// An empty queue, at the start of time.
    #[must_use]
    pub fn new() -> Queue<T> {
        let later = array::from_fn(|_| Bucket { items: Vec::new(), earliest: END });
        Queue { now: Instant::START, due: VecDeque::new(), later, used: 0, len: 0 }
    }

    /// Adds `item`, due at `at`, which must not be before the time of the last item popped.
    ///
    /// Where debug assertions are off, an item due in the past counts as due now.
    pub fn push(&mut self, at: Instant, item: T) {
        debug_assert!(at >= self.now, "due at {at:?}, pushed at {:?}", self.now);
        self.len += 1;
        self.place(at.max(self.now), item);
    }

    /// Takes the next item, with its time.
    pub fn pop(&mut self) -> Option<(Instant, T)> {
        if self.due.is_empty() && self.used != 0 {
            let lowest = self.used.trailing_zeros() as usize;
            self.used &= self.used - 1;
            let bucket = &mut self.later[lowest];
            self.now = mem::replace(&mut bucket.earliest, END);
            if bucket.items.len() == 1 {
                self.len -= 1;
                return bucket.items.pop();
            }
            // The emptied vector goes back to its bucket, which will need the room again.
            let mut items = mem::take(&mut bucket.items);
            for (at, item) in items.drain(..) {
                self.place(at, item);
            }
            self.later[lowest].items = items;
        }
        let item = self.due.pop_front()?;
        self.len -= 1;
        Some((self.now, item))
    }

    /// The time of the next item.
    #[must_use]
    pub fn peek_time(&self) -> Option<Instant> {
        if !self.due.is_empty() {
            return Some(self.now);
        }
        (self.used != 0).then(|| self.later[self.used.trailing_zeros() as usize].earliest)
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

    fn place(&mut self, at: Instant, item: T) {
        let difference = at.0 ^ self.now.0;
        if difference == 0 {
            self.due.push_back(item);
            return;
        }
        let highest = difference.ilog2();
        let bucket = &mut self.later[highest as usize];
        bucket.items.push((at, item));
        bucket.earliest = bucket.earliest.min(at);
        self.used |= 1 << highest;
    }
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
    struct Reference {
        items: BTreeMap<(Instant, u64), u64>,
    }

    impl Reference {
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
            let (mut queue, mut reference) = (Queue::new(), Reference::default());
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
    #[should_panic(expected = "pushed at Instant(10)")]
    fn an_item_due_in_the_past_is_a_mistake() {
        let mut queue = Queue::new();
        queue.push(Instant(10), ());
        queue.pop();
        queue.push(Instant(9), ());
    }
}
