//! What waits to be written to one client: bounded by bytes, with the full case decided here.
//!
//! A droppable event is skipped when the buffer is full but still takes a number, so the client sees
//! the gap and fetches anew. Anything else that does not fit cuts the client off as a slow consumer.
//! Must not know what a socket is; the connection drains it.

use crate::protocol::{BUFFERED_BYTES_MAX, frame::EventText};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Why and how a connection is to be closed by this side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// WebSocket close code.
    pub code: u16,
    /// Reason, cut to what WebSocket allows when written.
    pub reason: String,
}

impl Close {
    /// A close with a code and a reason.
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// One thing to write.
#[derive(Debug)]
pub enum Item {
    /// A whole text frame.
    Text(String),
    /// An event with the number this connection gave it.
    Event(Arc<EventText>, u64),
    /// Nothing more after this.
    Close(Close),
}

/// The queue.
#[derive(Debug)]
pub struct Outbox {
    state: Mutex<State>,
    ready: Notify,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    bytes: usize,
    last_seq: u64,
    closed: bool,
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new(BUFFERED_BYTES_MAX)
    }
}

impl Outbox {
    /// An empty queue that may hold `bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { state: Mutex::default(), ready: Notify::new(), bytes_max }
    }

    /// Queues a text frame. False when the client is cut off or closing.
    pub fn text(&self, text: String) -> bool {
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        let bytes = text.len();
        self.push(&mut state, Item::Text(text), bytes)
    }

    /// Queues an event under the next number.
    pub fn event(&self, text: Arc<EventText>, drop_if_slow: bool) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.last_seq += 1;
        let bytes = text.bytes();
        if drop_if_slow && state.bytes + bytes > self.bytes_max {
            return;
        }
        let seq = state.last_seq;
        self.push(&mut state, Item::Event(text, seq), bytes);
    }

    /// Queues a close; nothing is taken afterwards.
    pub fn close(&self, close: Close) {
        let mut state = self.lock();
        if !state.closed {
            state.closed = true;
            state.items.push_back(Item::Close(close));
            drop(state);
            self.ready.notify_one();
        }
    }

    /// The next thing to write, if any.
    pub fn pop(&self) -> Option<Item> {
        let mut state = self.lock();
        let item = state.items.pop_front()?;
        state.bytes -= match &item {
            Item::Text(text) => text.len(),
            Item::Event(text, _) => text.bytes(),
            Item::Close(_) => 0,
        };
        Some(item)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().items.is_empty()
    }

    /// Resolves when something was queued since the last call.
    pub async fn ready(&self) {
        self.ready.notified().await;
    }

    /// Bytes waiting.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn push(&self, state: &mut State, item: Item, bytes: usize) -> bool {
        if state.bytes + bytes > self.bytes_max {
            state.closed = true;
            state.items.clear();
            state.bytes = 0;
            state.items.push_back(Item::Close(Close::new(1008, "slow consumer")));
            self.ready.notify_one();
            return false;
        }
        let was_empty = state.items.is_empty();
        state.bytes += bytes;
        state.items.push_back(item);
        if was_empty {
            self.ready.notify_one();
        }
        true
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::frame::json;
    use serde_json::json as value;

    fn event(bytes: usize) -> Arc<EventText> {
        Arc::new(EventText::new("e", &json(&value!("x".repeat(bytes))), None))
    }

    #[test]
    fn a_dropped_event_still_takes_a_number() {
        let outbox = Outbox::new(400);
        outbox.event(event(10), true);
        outbox.event(event(1000), true);
        outbox.event(event(10), true);
        let seqs: Vec<u64> = std::iter::from_fn(|| outbox.pop())
            .filter_map(|i| if let Item::Event(_, seq) = i { Some(seq) } else { None })
            .collect();
        assert_eq!(seqs, [1, 3]);
        assert_eq!(outbox.bytes(), 0);
    }

    #[test]
    fn what_may_not_be_dropped_cuts_the_slow_client_off() {
        let outbox = Outbox::new(100);
        assert!(!outbox.text("x".repeat(200)));
        assert!(
            matches!(outbox.pop(), Some(Item::Close(c)) if c.code == 1008 && c.reason == "slow consumer")
        );
        assert!(!outbox.text("late".into()), "nothing is taken after the close");
        assert!(outbox.is_empty());
    }
}
