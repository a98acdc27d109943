//! Credit and the books of what is open: unanswered events, sends in flight.
//!
//! At most `window` events are unanswered. Credit comes back with the host's answer, never with the
//! caller's loss of interest: an event whose future was dropped is still in flight.

use crate::frame::Accepted;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

pub(crate) struct Ledger {
    credit: Arc<Semaphore>,
    events: Mutex<Events>,
    busy: watch::Sender<u32>,
}

#[derive(Default)]
struct Events {
    last_id: u64,
    closed: bool,
    waiting: HashMap<u64, Waiting>,
}

struct Waiting {
    answer: oneshot::Sender<Accepted>,
    _credit: OwnedSemaphorePermit,
    _busy: Busy,
}

/// One thing in flight; it is over when this is dropped.
pub(crate) struct Busy(watch::Sender<u32>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

impl Ledger {
    pub(crate) fn new(window: usize) -> Self {
        Self {
            credit: Arc::new(Semaphore::new(window)),
            events: Mutex::default(),
            busy: watch::Sender::new(0),
        }
    }

    /// Waits, first come first served, until one more event may be unanswered. `None`: closed.
    pub(crate) async fn credit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.credit).acquire_owned().await.ok()
    }

    /// Books an event and queues it under its number in one step. `None`: closed, not queued.
    pub(crate) fn enter(
        &self,
        credit: OwnedSemaphorePermit,
        queue: impl FnOnce(u64),
    ) -> Option<oneshot::Receiver<Accepted>> {
        let mut events = self.events();
        if events.closed {
            return None;
        }
        events.last_id += 1;
        let id = events.last_id;
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { answer, _credit: credit, _busy: self.busy() };
        events.waiting.insert(id, waiting);
        queue(id);
        Some(answered)
    }

    /// The host answered event `id`. A number that is not open is ignored: it was answered before.
    pub(crate) fn answer(&self, id: u64, accepted: Accepted) {
        let waiting = self.events().waiting.remove(&id);
        if let Some(waiting) = waiting {
            // Nobody may be waiting any more; the credit returns all the same.
            let _ = waiting.answer.send(accepted);
        }
    }

    /// No answer will come any more: everyone who waits learns it, now and later.
    pub(crate) fn close(&self) {
        self.credit.close();
        let open = {
            let mut events = self.events();
            events.closed = true;
            std::mem::take(&mut events.waiting)
        };
        drop(open);
    }

    /// Marks one thing as in flight.
    pub(crate) fn busy(&self) -> Busy {
        self.busy.send_modify(|n| *n += 1);
        Busy(self.busy.clone())
    }

    /// Resolves when nothing is in flight.
    pub(crate) async fn idle(&self) {
        let mut busy = self.busy.subscribe();
        // Cannot fail while `self` holds a sender.
        let _ = busy.wait_for(|n| *n == 0).await;
    }

    /// Things in flight now.
    pub(crate) fn in_flight(&self) -> u32 {
        *self.busy.borrow()
    }

    fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
