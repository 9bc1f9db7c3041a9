//! So many things at a time, by tenant or by person. Who has nothing under way takes no room.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
    sync::Arc,
};

use parking_lot::Mutex;

/// How much each has under way, and how much it may have.
#[derive(Clone)]
pub(crate) struct Slots<K: Copy + Eq + Hash> {
    taken: Arc<Mutex<HashMap<K, usize>>>,
    most: usize,
}

/// Something that is under way until this is dropped.
pub(crate) struct Slot<K: Copy + Eq + Hash> {
    slots: Slots<K>,
    who: K,
}

impl<K: Copy + Eq + Hash> Slots<K> {
    /// So many for each.
    pub(crate) fn new(most: usize) -> Self {
        Self { taken: Arc::default(), most }
    }

    /// A slot, if there is one left.
    pub(crate) fn take(&self, who: K) -> Option<Slot<K>> {
        let mut taken = self.taken.lock();
        let count = taken.get(&who).copied().unwrap_or_default();
        if count >= self.most {
            return None;
        }
        taken.insert(who, count + 1);
        Some(Slot { slots: self.clone(), who })
    }
}

impl<K: Copy + Eq + Hash> Drop for Slot<K> {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.slots.taken.lock().entry(self.who) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_so_many_at_a_time_and_no_more() {
        let slots = Slots::new(3);
        let mut taken: Vec<Slot<&str>> = (0..3).map(|_| slots.take("one").unwrap()).collect();
        assert!(slots.take("one").is_none());
        assert!(slots.take("other").is_some());
        taken.pop();
        assert!(slots.take("one").is_some());
        drop(taken);
        assert!(slots.taken.lock().is_empty(), "who has none takes no room");
    }
}
