//! A slab: keeps values in numbered slots and reuses free ones.

use super::prefetch::fetch_element;

/// Values by slot. The slot that was freed last is reused first, because its memory is still in the cache.
#[derive(Clone, Debug)]
pub(super) struct Slots<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slots<T> {
    pub(super) fn new() -> Slots<T> {
        Slots { slots: Vec::new(), free: Vec::new() }
    }

    /// Inserts a value and returns its slot.
    pub(super) fn insert(&mut self, item: T) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(item);
                slot
            }
            None => {
                self.slots.push(Some(item));
                self.slots.len() as u32 - 1
            }
        }
    }

    /// The value in `slot`, if there is one.
    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// Removes and returns the value in `slot`.
    ///
    /// # Panics
    /// If the slot is free.
    pub(super) fn remove(&mut self, slot: u32) -> T {
        self.free.push(slot);
        self.slots[slot as usize].take().expect("the slot is in use")
    }

    /// Whether every slot is free.
    pub(super) fn is_empty(&self) -> bool {
        self.free.len() == self.slots.len()
    }

    /// Prefetches the value in `slot`.
    pub(super) fn fetch(&self, slot: u32) {
        fetch_element(&self.slots, slot as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_its_slot_until_it_is_removed_and_the_slot_is_reused() {
        let mut slots = Slots::new();
        let (one, other) = (slots.insert("one"), slots.insert("other"));
        assert_eq!((slots.get(one), slots.get(other)), (Some(&"one"), Some(&"other")));
        assert_eq!(slots.remove(one), "one");
        assert_eq!((slots.get(one), slots.get(7), slots.is_empty()), (None, None, false));
        assert_eq!(slots.insert("third"), one);
        // Prefetching a slot that does not exist does nothing.
        slots.fetch(u32::MAX);
        assert_eq!((slots.remove(other), slots.remove(one)), ("other", "third"));
        assert!(slots.is_empty());
    }

    #[test]
    #[should_panic(expected = "the slot is in use")]
    fn removing_a_value_twice_panics() {
        let mut slots = Slots::new();
        let slot = slots.insert(());
        slots.remove(slot);
        slots.remove(slot);
    }
}
