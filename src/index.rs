//! A hash index of very many items that are stored elsewhere.
//!
//! When the index outgrows the caches, its cost is the memory that it touches. A failed lookup reads one control byte
//! per candidate, and these bytes stay cached longest. An insertion touches a random, uncached line; the processor can
//! wait for many such lines at once, if the insertions come together. New items therefore go to a small index first,
//! and move to the large one in batches.

use hashbrown::HashTable;

/// Items by hash. The index does not hash by itself: the caller supplies the hash of an item with every operation.
#[derive(Clone, Debug)]
pub struct Index<T> {
    fresh: HashTable<T>,
    settled: HashTable<T>,
}

impl<T> Index<T> {
    /// An index of `items` with their hashes, and room for as many more.
    pub fn of(items: impl ExactSizeIterator<Item = (u64, T)>) -> Index<T> {
        let mut settled = HashTable::with_capacity(items.len() * 2);
        for (hash, item) in items {
            settled.insert_unique(hash, item, |_| unreachable!("there is room for all"));
        }
        Index { fresh: HashTable::new(), settled }
    }

    /// Whether the next insertion would make the index grow, which needs the hash of every item, in random order. If
    /// computing a hash reads uncached memory, building a new index with [`Index::of`] is faster.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.fresh.len() == FRESH && self.settled.capacity() - self.settled.len() < FRESH
    }

    /// The item with this `hash` for which `is_match` holds.
    #[must_use]
    pub fn find(&self, hash: u64, is_match: impl Fn(&T) -> bool) -> Option<&T> {
        self.fresh.find(hash, &is_match).or_else(|| self.settled.find(hash, &is_match))
    }

    /// The item with this `hash` for which `is_match` holds, mutably. A change must keep its hash.
    pub fn find_mut(&mut self, hash: u64, is_match: impl Fn(&T) -> bool) -> Option<&mut T> {
        self.fresh.find_mut(hash, &is_match).or_else(|| self.settled.find_mut(hash, &is_match))
    }

    /// Inserts an item that is not in the index yet. `hash` must equal `hash_of(&item)`.
    pub fn insert(&mut self, hash: u64, item: T, hash_of: impl Fn(&T) -> u64) {
        if self.fresh.len() == FRESH {
            self.settle(&hash_of);
        }
        self.fresh.insert_unique(hash, item, hash_of);
    }

    /// Removes the item with this `hash` for which `is_match` holds.
    pub fn remove(&mut self, hash: u64, is_match: impl Fn(&T) -> bool) -> Option<T> {
        let found = match self.fresh.find_entry(hash, &is_match) {
            Ok(found) => found,
            Err(_) => self.settled.find_entry(hash, &is_match).ok()?,
        };
        Some(found.remove().0)
    }

    #[cold]
    fn settle(&mut self, hash_of: impl Fn(&T) -> u64) {
        self.settled.reserve(FRESH, &hash_of);
        for item in self.fresh.drain() {
            self.settled.insert_unique(hash_of(&item), item, &hash_of);
        }
    }
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Index { fresh: HashTable::new(), settled: HashTable::new() }
    }
}

/// The capacity of the small index: enough insertions for one batch, and few enough to stay in the L1 cache.
const FRESH: usize = 256;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use rand::RngExt;

    use crate::rng::{Purpose, stream};

    #[test]
    fn random_operations_agree_with_a_reference_map_even_if_hashes_collide() {
        for (seed, keys, hashes) in [(1, 40, 3), (2, 4_000, 100), (3, 4_000, u64::MAX)] {
            let hash = |key: u64| stream(9, Purpose::Amount, key).random_range(0..hashes);
            let (mut index, mut reference) = (Index::default(), BTreeMap::new());
            for turn in 0..20_000_u64 {
                let key = stream(seed, Purpose::Amount, turn).random_range(0..keys);
                let is_match = |item: &(u64, u64)| item.0 == key;
                match stream(seed, Purpose::Rate, turn).random_range(0..3) {
                    0 => {
                        let removed = index.remove(hash(key), is_match).map(|(_, value)| value);
                        assert_eq!(removed, reference.remove(&key), "seed {seed}, turn {turn}");
                    }
                    _ => {
                        if let Some(known) = index.find_mut(hash(key), is_match) {
                            known.1 = turn;
                        } else {
                            index.insert(hash(key), (key, turn), |(key, _)| hash(*key));
                        }
                        reference.insert(key, turn);
                    }
                }
                let other = stream(seed, Purpose::Timer, turn).random_range(0..keys);
                let found = index.find(hash(other), |item| item.0 == other).map(|(_, value)| value);
                assert_eq!(found, reference.get(&other), "seed {seed}, turn {turn}");
            }
        }
    }
}
