//! A map for very many entries: one behind the other, with an index.
//!
//! It is the same in every run, on every machine.

use std::hash::{BuildHasher, BuildHasherDefault, Hash};

use rustc_hash::FxHasher;

use crate::index::Index;

/// A map that keeps its entries in the order of insertion until one is removed; the last then takes its place.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    entries: Vec<(K, V)>,
    /// The places of the entries, by the hashes of their keys.
    places: Index<u32>,
}

impl<K: Hash + Eq, V> Table<K, V> {
    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        if self.entries.is_empty() {
            return None;
        }
        let place = self.place(hash(key), key)?;
        Some(&self.entries[place].1)
    }

    /// The value of `key`; what `make` gives, if it has none.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let hash = hash(&key);
        let place = self.place(hash, &key).unwrap_or_else(|| self.add(hash, key, make()));
        &mut self.entries[place].1
    }

    /// Sets the value of `key` and gives the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let hash = hash(&key);
        match self.place(hash, &key) {
            Some(place) => Some(std::mem::replace(&mut self.entries[place].1, value)),
            None => {
                self.add(hash, key, value);
                None
            }
        }
    }

    /// Removes `key` and gives the value that it had.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        if self.entries.is_empty() {
            return None;
        }
        let place = self.places.remove(hash(key), |place| self.entries[*place as usize].0 == *key)?;
        let (_, value) = self.entries.swap_remove(place as usize);
        if let Some((moved, _)) = self.entries.get(place as usize) {
            let last = self.entries.len() as u32;
            let known = self.places.find_mut(hash(moved), |known| *known == last);
            *known.expect("every entry has its place in the index") = place;
        }
        Some(value)
    }

    /// Every value.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of `key`, to change it.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(hash(key), key)?;
        Some(&mut self.entries[place].1)
    }

    /// The entries in the order of insertion, if none was ever removed.
    #[must_use]
    pub fn entries(&self) -> &[(K, V)] {
        &self.entries
    }

    fn place(&self, hash: u64, key: &K) -> Option<usize> {
        let place = self.places.find(hash, |place| self.entries[*place as usize].0 == *key);
        place.map(|place| *place as usize)
    }

    /// Adds an entry whose key is new, and gives its place.
    fn add(&mut self, hash: u64, key: K, value: V) -> usize {
        if self.places.is_full() {
            let hashes = self.entries.iter().map(|(key, _)| self::hash(key));
            self.places = Index::of(hashes.enumerate().map(|(place, hash)| (hash, place as u32)));
        }
        let place = self.entries.len();
        self.entries.push((key, value));
        self.places.insert(hash, place as u32, |place| self::hash(&self.entries[*place as usize].0));
        place
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Table { entries: Vec::new(), places: Index::default() }
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
    use crate::rng::{Purpose, below};

    #[test]
    fn any_mixture_of_insertions_and_removals_agrees_with_the_reference() {
        for (seed, keys) in [(1, 5), (2, 60), (3, 3_000)] {
            let (mut table, mut reference) = (Table::default(), BTreeMap::new());
            for turn in 0..20_000 {
                let key = below(seed, Purpose::Amount, turn, keys);
                if below(seed, Purpose::Rate, turn, 5) < 2 {
                    assert_eq!(table.remove(&key), reference.remove(&key), "seed {seed}, turn {turn}");
                } else {
                    assert_eq!(
                        table.insert(key, turn),
                        reference.insert(key, turn),
                        "seed {seed}, turn {turn}"
                    );
                }
                assert_eq!(table.len(), reference.len());
                let other = below(seed, Purpose::Timer, turn, keys);
                assert_eq!(table.get(&other), reference.get(&other));
            }
            assert!(reference.iter().all(|(key, value)| table.get(key) == Some(value)));
        }
    }

    #[test]
    fn tables_are_equal_whatever_the_order_in_which_they_were_filled() {
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
