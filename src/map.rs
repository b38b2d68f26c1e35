//! Deterministic maps: iteration order and hashes are the same in every run and on every machine.

use std::hash::{BuildHasherDefault, Hash};
use std::time::Duration;

use indexmap::{IndexMap, IndexSet};
use rustc_hash::FxHasher;

use crate::table::Table;
use crate::types::Instant;

/// A map in insertion order with a fixed hasher.
pub type FixedMap<K, V> = IndexMap<K, V, BuildHasherDefault<FxHasher>>;

/// A map that drops old entries in whole generations, at no cost per entry. No entry is dropped before it is as old as
/// the window, and every entry is before it is twice as old.
#[derive(Clone, Debug)]
pub struct Generations<K, V> {
    young: Table<K, V>,
    old: Table<K, V>,
    turned: Instant,
}

impl<K: Hash + Eq, V> Generations<K, V> {
    /// Drops the older generation and begins a new one, if the current one began at least `window` ago.
    pub fn rotate(&mut self, now: Instant, window: Duration) {
        if now >= self.turned.after(window) {
            self.old = std::mem::take(&mut self.young);
            self.turned = now;
        }
    }

    /// The value of `key`. It may be older than the window; the caller checks its age where that matters.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// The value of `key`; if there is none, or one that is not `is_fit`, a new one from `make`.
    pub fn get_or_insert_with(
        &mut self,
        key: K,
        is_fit: impl Fn(&V) -> bool,
        make: impl FnOnce() -> V,
    ) -> &V {
        if let Some(old) = self.old.get(&key).filter(|value| is_fit(value)) {
            return old;
        }
        let mut make = Some(make);
        let value = self.young.get_or_insert_with(key, || make.take().expect("`make` is called once")());
        if let Some(make) = make.filter(|_| !is_fit(value)) {
            *value = make();
        }
        value
    }

    /// Sets the value of `key` and returns the previous one.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let old = self.old.remove(&key);
        self.young.insert(key, value).or(old)
    }

    /// All values, those of the older generation first.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.old.values().chain(self.young.values())
    }

    /// Removes `key` and returns its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }
}

impl<K, V> Default for Generations<K, V> {
    fn default() -> Self {
        Generations { young: Table::default(), old: Table::default(), turned: Instant::START }
    }
}

impl<K: Hash + Eq, V: PartialEq> PartialEq for Generations<K, V> {
    fn eq(&self, other: &Self) -> bool {
        (&self.young, &self.old) == (&other.young, &other.old)
    }
}

/// The latest of very many keys: at least the last [`Latest::AT_LEAST`], and at most twice as many.
#[derive(Clone, Debug)]
pub struct Latest<K> {
    young: IndexSet<K, BuildHasherDefault<FxHasher>>,
    old: IndexSet<K, BuildHasherDefault<FxHasher>>,
}

impl<K: Hash + Eq> Latest<K> {
    /// The number of keys that are remembered at least.
    pub const AT_LEAST: usize = 1 << 16;

    /// Whether `key` is remembered.
    #[must_use]
    pub fn contains(&self, key: &K) -> bool {
        self.young.contains(key) || self.old.contains(key)
    }

    /// Remembers `key`, and may forget the oldest ones for it.
    pub fn insert(&mut self, key: K) {
        if self.young.len() == Self::AT_LEAST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key);
    }
}

impl<K> Default for Latest<K> {
    fn default() -> Self {
        Latest { young: IndexSet::default(), old: IndexSet::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_keys_are_remembered_and_the_others_are_not() {
        let (mut latest, count) = (Latest::default(), 5 * Latest::<usize>::AT_LEAST / 2);
        (0..count).for_each(|key| latest.insert(key));
        assert!((count - Latest::<usize>::AT_LEAST..count).all(|key| latest.contains(&key)));
        let remembered = (0..count).filter(|key| latest.contains(key)).count();
        assert!(remembered <= 2 * Latest::<usize>::AT_LEAST, "{remembered} are remembered");
    }

    #[test]
    fn an_entry_lives_for_a_window_at_least_and_two_at_most() {
        let window = Duration::from_secs(10);
        let at = |seconds: u64| Instant(seconds * 1_000_000_000);
        let mut map = Generations::default();
        map.rotate(at(9), window);
        map.insert("late", 1);
        map.rotate(at(10), window);
        map.insert("early", 2);
        map.rotate(at(19), window);
        assert_eq!((map.get(&"late"), map.get(&"early")), (Some(&1), Some(&2)));
        map.rotate(at(20), window);
        assert_eq!((map.get(&"late"), map.get(&"early")), (None, Some(&2)));
        assert_eq!(map.insert("early", 3), Some(2));
        assert_eq!(map.remove(&"early"), Some(3));
    }
}
