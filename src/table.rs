//! A map for very many entries.
//!
//! Where there are more entries than caches hold, what a map costs is the lines of memory that it touches. This one
//! touches one of its index and, if the key is there, one of its entries; entries are added one behind the other,
//! and the index grows by one pass over itself in order. It is the same in every run, on every machine.

use std::hash::{BuildHasher, BuildHasherDefault, Hash};

use rustc_hash::FxHasher;

/// A map that keeps its entries in the order of insertion until one is removed; the last then takes its place.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    entries: Vec<(K, V)>,
    /// Open addressing with linear probing. The upper half of a slot is its key's hash, whose upper bits say where
    /// the search for the key begins; the lower half is the place of its entry, counted from 1. Free slots are 0.
    slots: Vec<u64>,
}

impl<K: Hash + Eq, V> Table<K, V> {
    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        if self.entries.is_empty() {
            return None;
        }
        let slot = self.find(hash(key), key).ok()?;
        Some(&self.entries[self.place(slot)].1)
    }

    /// The value of `key`; what `make` gives, if it has none.
    pub fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        self.reserve();
        let hash = hash(&key);
        let place = match self.find(hash, &key) {
            Ok(slot) => self.place(slot),
            Err(free) => {
                self.entries.push((key, make()));
                self.slots[free] = u64::from(hash) << 32 | self.entries.len() as u64;
                self.entries.len() - 1
            }
        };
        &mut self.entries[place].1
    }

    /// Sets the value of `key` and gives the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let mut value = Some(value);
        let present = self.get_or_insert_with(key, || value.take().expect("nobody took it yet"));
        value.map(|value| std::mem::replace(present, value))
    }

    /// Removes `key` and gives the value that it had.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        if self.entries.is_empty() {
            return None;
        }
        let slot = self.find(hash(key), key).ok()?;
        let place = self.place(slot);
        self.free(slot);
        let last = self.entries.len() as u64;
        if place as u64 + 1 < last {
            let moved = hash(&self.entries[self.entries.len() - 1].0);
            let slot = self.probe(moved).find(|slot| self.slots[*slot] == u64::from(moved) << 32 | last);
            self.slots[slot.expect("every entry has a slot")] = u64::from(moved) << 32 | (place as u64 + 1);
        }
        Some(self.entries.swap_remove(place).1)
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

    /// The slot of `key`, or the free one in which it belongs.
    fn find(&self, hash: u32, key: &K) -> Result<usize, usize> {
        for slot in self.probe(hash) {
            let content = self.slots[slot];
            if content == 0 {
                return Err(slot);
            }
            if (content >> 32) as u32 == hash && self.entries[self.place(slot)].0 == *key {
                return Ok(slot);
            }
        }
        unreachable!("a quarter of the slots is free")
    }
}

impl<K, V> Table<K, V> {
    /// The slots in which an entry of this hash may be, in the order in which they are tried.
    fn probe(&self, hash: u32) -> impl Iterator<Item = usize> + use<K, V> {
        let (home, mask) = (self.home(hash), self.slots.len() - 1);
        (0..=mask).map(move |step| (home + step) & mask)
    }

    fn home(&self, hash: u32) -> usize {
        hash as usize >> (u32::BITS - self.slots.len().ilog2())
    }

    fn place(&self, slot: usize) -> usize {
        self.slots[slot] as u32 as usize - 1
    }

    /// Makes room for one more.
    fn reserve(&mut self) {
        if self.entries.len() < self.slots.len() / 4 * 3 {
            return;
        }
        let larger = vec![0; (self.slots.len() * 2).max(8)];
        for content in std::mem::replace(&mut self.slots, larger) {
            let mut slots = self.probe((content >> 32) as u32);
            if content != 0
                && let Some(free) = slots.find(|slot| self.slots[*slot] == 0)
            {
                self.slots[free] = content;
            }
        }
    }

    /// Frees a slot, and moves those behind it up whose search would end there.
    fn free(&mut self, slot: usize) {
        let mask = self.slots.len() - 1;
        let mut hole = slot;
        let mut next = (slot + 1) & mask;
        while self.slots[next] != 0 {
            let home = self.home((self.slots[next] >> 32) as u32);
            let (from_home, from_hole) = (next.wrapping_sub(home) & mask, next.wrapping_sub(hole) & mask);
            if from_home >= from_hole {
                self.slots[hole] = self.slots[next];
                hole = next;
            }
            next = (next + 1) & mask;
        }
        self.slots[hole] = 0;
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Table { entries: Vec::new(), slots: Vec::new() }
    }
}

impl<K: Hash + Eq, V: PartialEq> PartialEq for Table<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.entries.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

/// The upper bits of a product are those that every bit of a key has a part in.
fn hash<K: Hash>(key: &K) -> u32 {
    let hash = BuildHasherDefault::<FxHasher>::default().hash_one(key);
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
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
