//! Things that are under way, each in a place of its own until it is taken out.

use super::prefetch::fetch_element;

/// Things by place. A place that is free is used again, the last one first: its memory was touched last.
#[derive(Clone, Debug)]
pub(super) struct Slots<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slots<T> {
    pub(super) fn new() -> Slots<T> {
        Slots { slots: Vec::new(), free: Vec::new() }
    }

    /// Puts `thing` in a free place.
    pub(super) fn insert(&mut self, thing: T) -> u32 {
        match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = Some(thing);
                place
            }
            None => {
                self.slots.push(Some(thing));
                self.slots.len() as u32 - 1
            }
        }
    }

    /// What is in `place`.
    pub(super) fn get(&self, place: u32) -> Option<&T> {
        self.slots.get(place as usize)?.as_ref()
    }

    /// Takes out what is in `place`.
    ///
    /// # Panics
    /// If nothing is there.
    pub(super) fn remove(&mut self, place: u32) -> T {
        self.free.push(place);
        self.slots[place as usize].take().expect("what was put in and not taken out")
    }

    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.free.len() == self.slots.len()
    }

    /// Has what is in `place` fetched from memory, for it will be looked at soon.
    pub(super) fn fetch(&self, place: u32) {
        fetch_element(&self.slots, place as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_stays_in_its_place_until_it_is_taken_out_and_the_place_is_used_again() {
        let mut slots = Slots::new();
        let (one, other) = (slots.insert("one"), slots.insert("other"));
        assert_eq!((slots.get(one), slots.get(other)), (Some(&"one"), Some(&"other")));
        assert_eq!(slots.remove(one), "one");
        assert_eq!((slots.get(one), slots.get(7), slots.is_empty()), (None, None, false));
        assert_eq!(slots.insert("third"), one);
        // A place that does not exist may be asked for, and nothing comes of it.
        slots.fetch(u32::MAX);
        assert_eq!((slots.remove(other), slots.remove(one)), ("other", "third"));
        assert!(slots.is_empty());
    }

    #[test]
    #[should_panic(expected = "what was put in")]
    fn nothing_is_taken_out_twice() {
        let mut slots = Slots::new();
        let place = slots.insert(());
        slots.remove(place);
        slots.remove(place);
    }
}
