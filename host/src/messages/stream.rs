//! Keeps a stored cursor from running ahead of a stored event.
//!
//! A plugin's cursor says "everything up to here is safe". Events of one stream are accepted side by
//! side, and one of them may be refused by a full disk while the next is stored; then the cursor must
//! wait until the refused one was offered again and stored. A cursor that lags costs a redelivery,
//! which dedupe drops; one that leads costs a message. Must not know: what a cursor means.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Events of one stream that may be open at once; beyond it new ones are refused.
const OPEN_MAX: usize = 4096;

/// Whose stream: channel, account, stream.
pub(super) type StreamName = (String, String, String);

/// The open events of every stream.
#[derive(Default)]
pub(super) struct Streams {
    streams: Mutex<HashMap<StreamName, Stream>>,
}

#[derive(Default)]
struct Stream {
    next: u64,
    open: BTreeMap<u64, Open>,
}

struct Open {
    dedupe_key: String,
    /// The store's count of undone writes when the event's write ran; `None` before it ran.
    ran_at: Option<u64>,
}

impl Streams {
    /// Takes a place in the order of arrival; an event that was refused before keeps its old one.
    /// `None` when too many are open.
    pub(super) fn enter(&self, stream: &StreamName, dedupe_key: &str) -> Option<u64> {
        let mut streams = self.lock();
        let stream = streams.entry(stream.clone()).or_default();
        if let Some((place, open)) =
            stream.open.iter_mut().find(|(_, open)| open.dedupe_key == dedupe_key)
        {
            open.ran_at = None;
            return Some(*place);
        }
        if stream.open.len() >= OPEN_MAX {
            return None;
        }
        let place = stream.next;
        stream.next += 1;
        stream.open.insert(place, Open { dedupe_key: dedupe_key.to_owned(), ran_at: None });
        Some(place)
    }

    /// Called inside the write of the event at `place`, with the store's count of undone writes:
    /// whether every earlier event is stored, or runs in this very transaction, so that the cursor
    /// may move.
    pub(super) fn may_advance(&self, stream: &StreamName, place: u64, undone: u64) -> bool {
        let mut streams = self.lock();
        let Some(stream) = streams.get_mut(stream) else { return false };
        if let Some(open) = stream.open.get_mut(&place) {
            open.ran_at = Some(undone);
        }
        stream.open.range(..place).all(|(_, open)| open.ran_at == Some(undone))
    }

    /// The event at `place` is durable.
    pub(super) fn leave(&self, stream: &StreamName, place: u64) {
        if let Some(stream) = self.lock().get_mut(stream) {
            stream.open.remove(&place);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StreamName, Stream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{StreamName, Streams};

    fn name() -> StreamName {
        ("line".into(), "default".into(), String::new())
    }

    #[test]
    fn a_cursor_waits_for_what_was_refused_before_it() {
        let streams = Streams::default();
        let first = streams.enter(&name(), "1").unwrap();
        let second = streams.enter(&name(), "2").unwrap();
        assert!(streams.may_advance(&name(), first, 0));
        // The disk undoes the first; the second's write runs afterwards.
        assert!(!streams.may_advance(&name(), second, 1));
        streams.leave(&name(), second);
        let third = streams.enter(&name(), "3").unwrap();
        assert!(!streams.may_advance(&name(), third, 1));
        streams.leave(&name(), third);
        assert_eq!(streams.enter(&name(), "1"), Some(first));
        assert!(streams.may_advance(&name(), first, 1));
        let fourth = streams.enter(&name(), "4").unwrap();
        assert!(streams.may_advance(&name(), fourth, 1));
    }

    #[test]
    fn a_write_that_overtakes_does_not_move_the_cursor() {
        let streams = Streams::default();
        let first = streams.enter(&name(), "1").unwrap();
        let second = streams.enter(&name(), "2").unwrap();
        assert!(!streams.may_advance(&name(), second, 0));
        assert!(streams.may_advance(&name(), first, 0));
    }
}
