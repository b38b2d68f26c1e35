//! Maps that are the same in every run.

use std::hash::{BuildHasherDefault, Hash};
use std::time::Duration;

use indexmap::IndexMap;
use rustc_hash::FxHasher;

use crate::table::Table;
use crate::types::Instant;

/// A map in insertion order whose hasher is fixed: the same on every machine and in every run.
pub type FixedMap<K, V> = IndexMap<K, V, BuildHasherDefault<FxHasher>>;

/// A map that forgets what is old in whole generations: no entry costs anything to forget, none is forgotten before
/// it is as old as the window, and all are before they are twice as old.
#[derive(Clone, Debug)]
pub struct Generations<K, V> {
    young: Table<K, V>,
    old: Table<K, V>,
    turned: Instant,
}

impl<K: Hash + Eq, V> Generations<K, V> {
    /// Forgets the generation before last, if the last one is as old as `window`.
    pub fn turn(&mut self, now: Instant, window: Duration) {
        if now >= self.turned.after(window) {
            self.old = std::mem::take(&mut self.young);
            self.turned = now;
        }
    }

    /// The value of `key`, if it was not forgotten. It may be older than the window.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// The value of `key`; what `make` gives, if it has none or one that is not `fit`.
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
        let value = self.young.get_or_insert_with(key, || make.take().expect("nobody made one yet")());
        if let Some(make) = make.filter(|_| !is_fit(value)) {
            *value = make();
        }
        value
    }

    /// Sets the value of `key` and gives the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let old = self.old.remove(&key);
        self.young.insert(key, value).or(old)
    }

    /// Every value that was not forgotten.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.old.values().chain(self.young.values())
    }

    /// Forgets `key` and gives the value that it had.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_lives_for_a_window_at_least_and_two_at_most() {
        let window = Duration::from_secs(10);
        let at = |seconds: u64| Instant(seconds * 1_000_000_000);
        let mut map = Generations::default();
        map.turn(at(9), window);
        map.insert("late", 1);
        map.turn(at(10), window);
        map.insert("early", 2);
        map.turn(at(19), window);
        assert_eq!((map.get(&"late"), map.get(&"early")), (Some(&1), Some(&2)));
        map.turn(at(20), window);
        assert_eq!((map.get(&"late"), map.get(&"early")), (None, Some(&2)));
        assert_eq!(map.insert("early", 3), Some(2));
        assert_eq!(map.remove(&"early"), Some(3));
    }
}
