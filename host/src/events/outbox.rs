//! What waits to be written to one client: bounded by bytes, with the full case decided here.
//!
//! A droppable event is skipped when the buffer is full but still takes a number, so the client sees
//! the gap and fetches anew. An answer that the client asked for waits for room, however long that
//! takes; the connection ends it when nothing is read. Anything else that does not fit cuts the
//! client off as a slow consumer.
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
    room: Notify,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    bytes: usize,
    /// Answers that wait for room.
    waiting: usize,
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
        Self { state: Mutex::default(), ready: Notify::new(), room: Notify::new(), bytes_max }
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

    /// Queues a text frame unless it does not fit: the client goes without.
    pub fn text_or_drop(&self, text: String) {
        let mut state = self.lock();
        let bytes = text.len();
        if !state.closed && state.bytes + bytes <= self.bytes_max {
            self.push(&mut state, Item::Text(text), bytes);
        }
    }

    /// Queues an answer as soon as there is room for it. False when the client is gone by then.
    pub async fn answer(&self, text: String) -> bool {
        let bytes = text.len();
        loop {
            // Before the look: room that is made in between is heard of.
            let room = self.room.notified();
            {
                let mut state = self.lock();
                if state.closed {
                    return false;
                }
                if state.bytes == 0 || state.bytes + bytes <= self.bytes_max {
                    return self.push(&mut state, Item::Text(text), bytes);
                }
                state.waiting += 1;
            }
            room.await;
            self.lock().waiting -= 1;
        }
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
            self.room.notify_waiters();
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
        if state.waiting > 0 {
            self.room.notify_waiters();
        }
        Some(item)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().items.is_empty()
    }

    /// Whether the connection is to end: nothing it still sends counts.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lock().closed
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
            self.room.notify_waiters();
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

    #[tokio::test]
    async fn an_answer_waits_for_room_and_ends_with_the_client() {
        use futures_util::FutureExt as _;
        let outbox = Outbox::new(100);
        assert!(outbox.answer("x".repeat(80)).await);
        let mut second = Box::pin(outbox.answer("y".repeat(80)));
        assert_eq!(second.as_mut().now_or_never(), None, "there is no room yet");
        assert!(outbox.text("z".into()), "what fits goes ahead");
        assert_eq!(second.as_mut().now_or_never(), None);
        assert!(matches!(outbox.pop(), Some(Item::Text(text)) if text.starts_with('x')));
        assert!(second.await);
        let third = outbox.answer("y".repeat(80));
        outbox.close(Close::new(1000, ""));
        assert!(!third.await);
    }

    #[test]
    fn what_may_be_dropped_leaves_the_client_connected() {
        let outbox = Outbox::new(100);
        assert!(outbox.text("x".repeat(80)));
        outbox.text_or_drop("y".repeat(80));
        outbox.text_or_drop("z".into());
        assert!(matches!(outbox.pop(), Some(Item::Text(text)) if text.starts_with('x')));
        assert!(matches!(outbox.pop(), Some(Item::Text(text)) if text == "z"));
        assert!(outbox.is_empty());
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
