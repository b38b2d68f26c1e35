//! The event queue: a priority queue by time that keeps items of equal time in the order of insertion.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::types::Instant;

/// A queue of items by time; items of equal time come out in the order in which they were pushed.
#[derive(Clone, Debug)]
pub(super) struct Queue<T> {
    items: BinaryHeap<Reverse<Entry<T>>>,
    /// The number of the next push, which orders items of equal time.
    next: u64,
}

/// An item, ordered by its time and the number of its push alone.
#[derive(Clone, Debug)]
struct Entry<T> {
    due: (Instant, u64),
    item: T,
}

impl<T> Queue<T> {
    /// An empty queue, at the start of time.
    pub(super) fn new() -> Queue<T> {
        Queue { items: BinaryHeap::new(), next: 0 }
    }

    /// Adds `item`, due at `at`.
    pub(super) fn push(&mut self, at: Instant, item: T) {
        self.items.push(Reverse(Entry { due: (at, self.next), item }));
        self.next += 1;
    }

    /// Removes and returns the next item, with its time.
    pub(super) fn pop(&mut self) -> Option<(Instant, T)> {
        self.items.pop().map(|Reverse(Entry { due, item })| (due.0, item))
    }

    /// The time of the next item.
    pub(super) fn peek_time(&self) -> Option<Instant> {
        self.items.peek().map(|Reverse(next)| next.due.0)
    }

    /// The number of items.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }
}

impl<T> Ord for Entry<T> {
    #[inline]
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

impl<T> PartialOrd for Entry<T> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl<T> Eq for Entry<T> {}

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
            }
        }
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
        let (mut queue, end) = (Queue::new(), Instant(u64::MAX));
        queue.push(end, 'a');
        queue.push(end, 'b');
        assert_eq!(queue.peek_time(), Some(end));
        assert_eq!(drain(queue), [(end, 'a'), (end, 'b')]);
    }
}
