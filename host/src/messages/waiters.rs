//! Those who wait for a row to become terminal.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};
use tokio::sync::oneshot;

/// Row id → who waits. Bounded by the callers, each of whom holds a request.
#[derive(Default)]
pub(super) struct Waiters {
    waiting: Mutex<HashMap<String, Vec<oneshot::Sender<()>>>>,
}

impl Waiters {
    /// Resolves when the row is settled after this call; look at the row in between.
    pub(super) fn wait_for(&self, id: &str) -> oneshot::Receiver<()> {
        let (settled, wait) = oneshot::channel();
        self.with(|waiting| waiting.entry(id.to_owned()).or_default().push(settled));
        wait
    }

    /// The row is terminal.
    pub(super) fn settle(&self, id: &str) {
        for waiter in self.with(|waiting| waiting.remove(id)).unwrap_or_default() {
            // A caller that gave up has dropped its end.
            let _ = waiter.send(());
        }
    }

    /// Drops those who gave up on this row.
    pub(super) fn forget(&self, id: &str) {
        self.with(|waiting| {
            if let Some(list) = waiting.get_mut(id) {
                list.retain(|waiter| !waiter.is_closed());
                if list.is_empty() {
                    waiting.remove(id);
                }
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<String, Vec<oneshot::Sender<()>>>) -> T) -> T {
        act(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
