//! A plugin's events on their way to durable storage: in order where order matters, side by side
//! where it does not, never more than a window at once.
//!
//! Order: an event waits for its predecessor of the same conversation, and one that carries a
//! cursor waits for its predecessor on the same stream too, so that no stored cursor ever runs
//! ahead of an event that is not stored. When one is refused, those already waiting behind it are
//! refused with it: the plugin offers them again in the same order. Must not know: what storing is.
//! Inbound walk: the carrier comes before, `messages` (as [`Inbox`]) after.

use super::{Inbox, PluginEvent};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use jackfield_plugin_api::frame::{Accepted, WINDOW};
use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// What happened to an event, and the credit its answer carries until it is written.
pub(super) struct Resolved {
    pub(super) id: u64,
    pub(super) accepted: Accepted,
    pub(super) credit: OwnedSemaphorePermit,
}

/// The events of one life that are not answered yet.
pub(super) struct Intake {
    inbox: Arc<dyn Inbox>,
    credit: Arc<Semaphore>,
    lanes: HashMap<Lane, oneshot::Receiver<bool>>,
    running: FuturesUnordered<BoxFuture<'static, Resolved>>,
}

/// What events keep their order on.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Lane {
    Conversation(String, String),
    Stream(String, String),
}

impl Intake {
    pub(super) fn new(inbox: Arc<dyn Inbox>) -> Self {
        Self {
            inbox,
            credit: Arc::new(Semaphore::new(WINDOW as usize)),
            lanes: HashMap::new(),
            running: FuturesUnordered::new(),
        }
    }

    /// Whether one more event may be taken. A plugin that keeps to its window never finds this
    /// false; one that does not waits until earlier answers are written.
    pub(super) fn has_room(&self) -> bool {
        self.credit.available_permits() > 0
    }

    /// Whether storage still owes answers.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Takes an event. The caller has asked [`Self::has_room`]; without room it is refused.
    pub(super) fn offer(&mut self, id: u64, event: PluginEvent) {
        let Ok(credit) = self.credit.clone().try_acquire_owned() else {
            debug_assert!(false, "offered without room");
            return;
        };
        if self.running.is_empty() {
            // Nothing to wait for: keeps the map as small as the window.
            self.lanes.clear();
        }
        let turns: Vec<Turn> = lanes_of(&event).into_iter().map(|lane| self.queue(lane)).collect();
        let inbox = self.inbox.clone();
        let task = async move {
            let mut clear = true;
            let mut next = Vec::with_capacity(turns.len());
            for turn in turns {
                if let Some(before) = turn.before {
                    // A predecessor that ended without a word was dropped with its life.
                    clear &= before.await.unwrap_or(false);
                }
                next.push(turn.next);
            }
            let accepted = if clear { store(&*inbox, event).await } else { Accepted::Refused };
            let stored = matches!(accepted, Accepted::Stored | Accepted::Duplicate);
            for next in next {
                // Nobody may be waiting behind it.
                let _ = next.send(stored);
            }
            Resolved { id, accepted, credit }
        };
        self.running.push(task.boxed());
    }

    /// The next event that is decided; never returns when none is under way.
    pub(super) async fn resolved(&mut self) -> Resolved {
        match self.running.next().await {
            Some(resolved) => resolved,
            None => std::future::pending().await,
        }
    }

    /// Lets storage finish what it has begun; the answers go nowhere.
    pub(super) async fn finish(&mut self) {
        while self.running.next().await.is_some() {}
    }

    fn queue(&mut self, lane: Lane) -> Turn {
        let (next, behind) = oneshot::channel();
        let before = self.lanes.insert(lane, behind);
        // A predecessor that is through already, well or badly, is nothing to wait for: what comes
        // now may be the very event that was refused, offered again.
        let before = before.and_then(|mut before| match before.try_recv() {
            Err(oneshot::error::TryRecvError::Empty) => Some(before),
            _ => None,
        });
        Turn { before, next }
    }
}

/// A panic in storage costs this one event, not the plugin.
async fn store(inbox: &dyn Inbox, event: PluginEvent) -> Accepted {
    let stored = AssertUnwindSafe(inbox.accept(event)).catch_unwind().await;
    stored.unwrap_or_else(|_| {
        tracing::error!("storing a plugin's event panicked; the event is refused");
        Accepted::Refused
    })
}

/// A place in one lane.
struct Turn {
    before: Option<oneshot::Receiver<bool>>,
    next: oneshot::Sender<bool>,
}

fn lanes_of(event: &PluginEvent) -> Vec<Lane> {
    let account = || event.account.as_str().to_owned();
    let place = event.body.place();
    let conversation =
        place.map(|place| Lane::Conversation(account(), place.conversation.as_str().to_owned()));
    let stream = event.cursor.as_ref().map(|cursor| Lane::Stream(account(), cursor.stream.clone()));
    conversation.into_iter().chain(stream).collect()
}

#[cfg(test)]
mod tests;
