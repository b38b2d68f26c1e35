//! An index of very many things that are kept elsewhere.
//!
//! Where there are more things than caches hold, what an index costs is the memory that it touches. Looking for what is
//! not there reads a byte for each thing, and these stay in a cache longest. Adding one touches a place that is in no
//! cache, and a processor can wait for many such places at once, if it meets them together. So what is new is kept in a
//! small index of its own, and goes over to the large one with many others.

use hashbrown::HashTable;

/// Things by their hashes, which whoever asks knows.
#[derive(Clone, Debug)]
pub struct Index<T> {
    fresh: HashTable<T>,
    settled: HashTable<T>,
}

impl<T> Index<T> {
    /// An index of `things` and their hashes, with room for as many more.
    pub fn of(things: impl ExactSizeIterator<Item = (u64, T)>) -> Index<T> {
        let mut settled = HashTable::with_capacity(things.len() * 2);
        for (hash, thing) in things {
            settled.insert_unique(hash, thing, |_| unreachable!("there is room for all"));
        }
        Index { fresh: HashTable::new(), settled }
    }

    /// Whether the next thing that is added makes it grow, which asks for the hash of everything, in no order. Where
    /// hashes are far away, that takes longer than to make it anew.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.fresh.len() == FRESH && self.settled.capacity() - self.settled.len() < FRESH
    }

    /// The thing with this `hash` that `is_it`.
    #[must_use]
    pub fn find(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<&T> {
        self.fresh.find(hash, &is_it).or_else(|| self.settled.find(hash, &is_it))
    }

    /// The thing with this `hash` that `is_it`, to change it into another with the same hash.
    pub fn find_mut(&mut self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<&mut T> {
        self.fresh.find_mut(hash, &is_it).or_else(|| self.settled.find_mut(hash, &is_it))
    }

    /// Adds a thing with this `hash`, as `hash_of` has it, which is not there.
    pub fn insert(&mut self, hash: u64, thing: T, hash_of: impl Fn(&T) -> u64) {
        if self.fresh.len() == FRESH {
            self.settle(&hash_of);
        }
        self.fresh.insert_unique(hash, thing, hash_of);
    }

    /// Removes the thing with this `hash` that `is_it`.
    pub fn remove(&mut self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<T> {
        let found = match self.fresh.find_entry(hash, &is_it) {
            Ok(found) => found,
            Err(_) => self.settled.find_entry(hash, &is_it).ok()?,
        };
        Some(found.remove().0)
    }

    #[cold]
    fn settle(&mut self, hash_of: impl Fn(&T) -> u64) {
        self.settled.reserve(FRESH, &hash_of);
        for thing in self.fresh.drain() {
            self.settled.insert_unique(hash_of(&thing), thing, &hash_of);
        }
    }
}

impl<T> Default for Index<T> {
    fn default() -> Self {
        Index { fresh: HashTable::new(), settled: HashTable::new() }
    }
}

/// How many things are new at most: enough to go over together, and few enough to stay in the nearest cache.
const FRESH: usize = 256;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rng::{Purpose, below};

    #[test]
    fn any_mixture_agrees_with_the_reference_even_where_hashes_are_equal() {
        for (seed, keys, hashes) in [(1, 40, 3), (2, 4_000, 100), (3, 4_000, u64::MAX)] {
            let hash = |key: u64| below(9, Purpose::Amount, key, hashes);
            let (mut index, mut reference) = (Index::default(), BTreeMap::new());
            for turn in 0..20_000_u64 {
                let key = below(seed, Purpose::Amount, turn, keys);
                let is_it = |thing: &(u64, u64)| thing.0 == key;
                match below(seed, Purpose::Rate, turn, 3) {
                    0 => {
                        let removed = index.remove(hash(key), is_it).map(|(_, value)| value);
                        assert_eq!(removed, reference.remove(&key), "seed {seed}, turn {turn}");
                    }
                    _ => {
                        if let Some(known) = index.find_mut(hash(key), is_it) {
                            known.1 = turn;
                        } else {
                            index.insert(hash(key), (key, turn), |(key, _)| hash(*key));
                        }
                        reference.insert(key, turn);
                    }
                }
                let other = below(seed, Purpose::Timer, turn, keys);
                let found = index.find(hash(other), |thing| thing.0 == other).map(|(_, value)| value);
                assert_eq!(found, reference.get(&other), "seed {seed}, turn {turn}");
            }
        }
    }
}
