//! A map that forgets its oldest entry when it is full.

use std::collections::{HashMap, VecDeque};

pub(super) struct Recent<V> {
    entries: HashMap<String, V>,
    /// Keys, oldest first, each once.
    order: VecDeque<String>,
    max: usize,
}

impl<V> Recent<V> {
    pub(super) fn new(max: usize) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), max }
    }

    pub(super) fn of(&self, key: &str) -> Option<&V> {
        self.entries.get(key)
    }

    pub(super) fn of_mut(&mut self, key: &str) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    /// Keeps `value`; a key that is there keeps its age.
    pub(super) fn put(&mut self, key: &str, value: V) {
        if self.entries.insert(key.to_owned(), value).is_some() {
            return;
        }
        self.order.push_back(key.to_owned());
        if self.order.len() > self.max {
            let oldest = self.order.pop_front().expect("more than the most it holds");
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;

    #[test]
    fn the_oldest_goes_first() {
        let mut recent = Recent::new(2);
        for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            recent.put(key, value);
        }
        assert_eq!((recent.of("a"), recent.of("b"), recent.of("c")), (None, Some(&2), Some(&4)));
        *recent.of_mut("b").unwrap() = 9;
        assert_eq!(recent.of("b"), Some(&9));
    }
}
