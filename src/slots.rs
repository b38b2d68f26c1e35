//! A vector of very many slots, most of which may be empty: a run of empty slots takes half a byte for each.
//!
//! The records of a node lie in slots by the order of creation, and a deleted cluster leaves its slot empty for ever.

/// Slots by their index.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slots<T> {
    /// A chunk without a value is not kept, so equal contents have equal chunks.
    chunks: Vec<Option<Box<[Option<T>; CHUNK]>>>,
    len: usize,
}

impl<T> Slots<T> {
    /// The number of slots up to the last that was ever set, empty or not.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The value in the slot `index`.
    #[must_use]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.chunks.get(index / CHUNK)?.as_ref()?[index % CHUNK].as_ref()
    }

    /// Sets or empties the slot `index`, and returns its previous value.
    pub(crate) fn set(&mut self, index: usize, value: Option<T>) -> Option<T> {
        self.len = self.len.max(index + 1);
        let chunk = index / CHUNK;
        if chunk >= self.chunks.len() {
            self.chunks.resize_with(chunk + 1, || None);
        }
        let Some(value) = value else { return self.empty(index) };
        let slots = self.chunks[chunk].get_or_insert_with(|| Box::new([const { None }; CHUNK]));
        slots[index % CHUNK].replace(value)
    }

    /// The values from the slot `index` on, each with the index of its slot, in order.
    pub(crate) fn from(&self, index: usize) -> impl Iterator<Item = (usize, &T)> {
        let chunks = self.chunks.iter().enumerate().skip(index / CHUNK);
        let slots = chunks.filter_map(|(chunk, slots)| Some((chunk * CHUNK, slots.as_ref()?)));
        let values = slots.flat_map(|(first, slots)| (first..).zip(slots.iter()));
        values.filter_map(move |(slot, value)| Some((slot, value.as_ref().filter(|_| slot >= index)?)))
    }

    fn empty(&mut self, index: usize) -> Option<T> {
        let chunk = &mut self.chunks[index / CHUNK];
        let slots = chunk.as_mut()?;
        let before = slots[index % CHUNK].take();
        if slots.iter().all(Option::is_none) {
            *chunk = None;
        }
        before
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots { chunks: Vec::new(), len: 0 }
    }
}

/// Larger chunks make empty runs smaller and a world with few clusters larger.
const CHUNK: usize = 16;

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::rng::{Purpose, stream};

    #[test]
    fn random_changes_agree_with_a_plain_vector() {
        for (seed, indices) in [(1, 5), (2, 70), (3, 900)] {
            let (mut slots, mut reference) = (Slots::default(), Vec::new());
            for turn in 0..10_000_u64 {
                let index = stream(seed, Purpose::Amount, turn).random_range(0..indices);
                let value = stream(seed, Purpose::Rate, turn).random_bool(0.4).then_some(turn);
                if index >= reference.len() {
                    reference.resize(index + 1, None);
                }
                assert_eq!(slots.set(index, value), std::mem::replace(&mut reference[index], value));
                assert_eq!(slots.len(), reference.len());
                let from = stream(seed, Purpose::Timer, turn).random_range(0..indices);
                assert_eq!(slots.get(from), reference.get(from).and_then(Option::as_ref));
                let rest = reference.iter().enumerate().skip(from);
                assert!(slots.from(from).eq(rest.filter_map(|(at, value)| Some((at, value.as_ref()?)))));
            }
        }
    }

    #[test]
    fn a_run_of_empty_slots_keeps_no_chunk() {
        let mut slots = Slots::default();
        (0..10_000).for_each(|index| _ = slots.set(index, Some(index)));
        (1..9_999).for_each(|index| _ = slots.set(index, None));
        assert_eq!(slots.chunks.iter().flatten().count(), 2);
        assert_eq!(slots.from(1).collect::<Vec<_>>(), [(9_999, &9_999)]);
    }
}
