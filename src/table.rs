//! A hash map for very many entries: the entries lie in one vector, and an index finds them by hash.
//!
//! Its order is the same in every run and on every machine.
//!
//! With [`FixedMap`](crate::map::FixedMap) in its stead a request takes 16 % longer (`request_load --clients 10`), and
//! 200,000 clusters take 10 % more memory. `benches/maps.rs` compares the two.

use std::hash::{BuildHasher, BuildHasherDefault, Hash};

use rustc_hash::FxHasher;

use crate::index::Index;

/// A map in the order of insertion. Removing an entry moves the last one to its position.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    entries: Vec<(K, V)>,
    /// The positions of the entries, by the hashes of their keys.
    positions: Index<u32>,
}

impl<K: Hash + Eq, V> Table<K, V> {
    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        if self.entries.is_empty() {
            return None;
        }
        let position = self.position_of(hash(key), key)?;
        Some(&self.entries[position].1)
    }

    /// The value of `key`, inserted from `make` if there is none.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let hash = hash(&key);
        let position = self.position_of(hash, &key).unwrap_or_else(|| self.add(hash, key, make()));
        &mut self.entries[position].1
    }

    /// Sets the value of `key` and returns the previous one.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let hash = hash(&key);
        match self.position_of(hash, &key) {
            Some(position) => Some(std::mem::replace(&mut self.entries[position].1, value)),
            None => {
                self.add(hash, key, value);
                None
            }
        }
    }

    /// Removes `key` and returns its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        if self.entries.is_empty() {
            return None;
        }
        let position =
            self.positions.remove(hash(key), |position| self.entries[*position as usize].0 == *key)?;
        let (_, value) = self.entries.swap_remove(position as usize);
        if let Some((moved, _)) = self.entries.get(position as usize) {
            let last = self.entries.len() as u32;
            let known = self.positions.find_mut(hash(moved), |known| *known == last);
            *known.expect("every entry is in the index") = position;
        }
        Some(value)
    }

    /// All values, in the order of the entries.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of `key`, mutably.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let position = self.position_of(hash(key), key)?;
        Some(&mut self.entries[position].1)
    }

    /// The entries, in the order of insertion as long as none was removed.
    #[must_use]
    pub fn entries(&self) -> &[(K, V)] {
        &self.entries
    }

    fn position_of(&self, hash: u64, key: &K) -> Option<usize> {
        let position = self.positions.find(hash, |position| self.entries[*position as usize].0 == *key);
        position.map(|position| *position as usize)
    }

    /// Adds an entry with a new key and returns its position.
    fn add(&mut self, hash: u64, key: K, value: V) -> usize {
        // The keys lie in order here, so building the index anew is faster than letting it grow.
        if self.positions.is_full() {
            let hashes = self.entries.iter().map(|(key, _)| self::hash(key));
            self.positions = Index::of(hashes.enumerate().map(|(position, hash)| (hash, position as u32)));
        }
        let position = self.entries.len();
        self.entries.push((key, value));
        self.positions
            .insert(hash, position as u32, |position| self::hash(&self.entries[*position as usize].0));
        position
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Table { entries: Vec::new(), positions: Index::default() }
    }
}

impl<K: Hash + Eq, V: PartialEq> PartialEq for Table<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.entries.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

fn hash<K: Hash>(key: &K) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use rand::RngExt;

    use crate::rng::{Purpose, stream};

    #[test]
    fn random_insertions_and_removals_agree_with_a_reference_map() {
        for (seed, keys) in [(1, 5), (2, 60), (3, 3_000)] {
            let (mut table, mut reference) = (Table::default(), BTreeMap::new());
            for turn in 0..20_000 {
                let key = stream(seed, Purpose::Amount, turn).random_range(0..keys);
                if stream(seed, Purpose::Rate, turn).random_range(0..5) < 2 {
                    assert_eq!(table.remove(&key), reference.remove(&key), "seed {seed}, turn {turn}");
                } else {
                    assert_eq!(
                        table.insert(key, turn),
                        reference.insert(key, turn),
                        "seed {seed}, turn {turn}"
                    );
                }
                assert_eq!(table.len(), reference.len());
                let other = stream(seed, Purpose::Timer, turn).random_range(0..keys);
                assert_eq!(table.get(&other), reference.get(&other));
            }
            assert!(reference.iter().all(|(key, value)| table.get(key) == Some(value)));
        }
    }

    #[test]
    fn equality_of_tables_ignores_the_order_of_insertion() {
        let (mut one, mut other) = (Table::default(), Table::default());
        for key in 0..100 {
            one.insert(key, key);
            other.insert(99 - key, 99 - key);
        }
        assert_eq!(one, other);
        other.insert(7, 8);
        assert_ne!(one, other);
        assert_eq!(*other.get_or_insert_with(7, || 9), 8);
    }
}
