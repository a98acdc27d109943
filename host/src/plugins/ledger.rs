//! What one life of a plugin still owes us: messages by `seq`, requests by `req_id`.
//!
//! The host's own books are the truth: an answer nobody waits for is dropped here, and when the
//! plugin dies every open entry is failed at once, as unsent where that is provable and as
//! uncertain otherwise. Must not know: how frames travel, who waits.

use super::carrier::Ticket;
use jackfield_plugin_api::{
    error::SendError,
    fetch::{Fetched, Reconciled},
    frame::WINDOW,
    http::HttpResponse,
    outbound::Receipt,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// The credit one entry holds until it is answered.
pub(super) type Credit = Arc<OwnedSemaphorePermit>;
/// An account's probe: a line for people, good or bad.
pub(super) type Probe = Result<String, String>;

/// What a fetch brought.
pub(super) type Fetching = Result<Fetched, SendError>;

/// The open entries of one life.
#[derive(Debug)]
pub(super) struct Ledger {
    /// At most a window of unanswered messages.
    messages: Arc<Semaphore>,
    /// At most a window of unanswered requests, probes and other questions together.
    requests: Arc<Semaphore>,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    closed: bool,
    held: bool,
    last: u64,
    messages: HashMap<u64, Message>,
    http: HashMap<u64, oneshot::Sender<HttpResponse>>,
    probes: HashMap<u64, oneshot::Sender<Probe>>,
    fetches: HashMap<u64, oneshot::Sender<Fetching>>,
    reconciles: HashMap<u64, oneshot::Sender<Reconciled>>,
}

#[derive(Debug)]
struct Message {
    ticket: Arc<Ticket>,
    answer: oneshot::Sender<Result<Receipt, SendError>>,
    /// Given back when the plugin answers, even after the caller stopped waiting.
    _credit: Credit,
}

/// Why no message was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoEntry {
    /// This life is over.
    Closed,
    /// Another version is about to take over: whoever sends waits for that.
    Held,
}

/// A message on its way.
pub(super) struct Open<T> {
    /// `seq` or `req_id`.
    pub(super) number: u64,
    /// Fires once; closed without a word when the plugin died.
    pub(super) answer: oneshot::Receiver<T>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let window = || Arc::new(Semaphore::new(WINDOW as usize));
        Self { messages: window(), requests: window(), book: Mutex::default() }
    }

    /// Waits for room for one more message; `None` when this life is over.
    pub(super) async fn message_credit(&self) -> Option<Credit> {
        self.messages.clone().acquire_owned().await.ok().map(Arc::new)
    }

    /// Room for one more request, if there is any now.
    pub(super) fn request_credit(&self) -> Option<Credit> {
        self.requests.clone().try_acquire_owned().ok().map(Arc::new)
    }

    /// Enters a message.
    pub(super) fn open_message(
        &self,
        ticket: Arc<Ticket>,
        credit: Credit,
    ) -> Result<Open<Result<Receipt, SendError>>, NoEntry> {
        let (sender, answer) = oneshot::channel();
        self.with(|book| {
            if book.closed || book.held {
                return Err(if book.closed { NoEntry::Closed } else { NoEntry::Held });
            }
            book.last += 1;
            let number = book.last;
            book.messages.insert(number, Message { ticket, answer: sender, _credit: credit });
            Ok(Open { number, answer })
        })
    }

    /// From now on no message is entered, or again.
    pub(super) fn hold(&self, held: bool) {
        self.with(|book| book.held = held);
    }

    /// Enters an HTTP request; `None` when this life is over.
    pub(super) fn open_http(&self) -> Option<Open<HttpResponse>> {
        self.open(|book, number, answer| {
            book.http.insert(number, answer);
        })
    }

    /// Enters a probe; `None` when this life is over.
    pub(super) fn open_probe(&self) -> Option<Open<Probe>> {
        self.open(|book, number, answer| {
            book.probes.insert(number, answer);
        })
    }

    /// Enters a fetch; `None` when this life is over.
    pub(super) fn open_fetch(&self) -> Option<Open<Fetching>> {
        self.open(|book, number, answer| {
            book.fetches.insert(number, answer);
        })
    }

    /// Enters a question about an uncertain attempt; `None` when this life is over.
    pub(super) fn open_reconcile(&self) -> Option<Open<Reconciled>> {
        self.open(|book, number, answer| {
            book.reconciles.insert(number, answer);
        })
    }

    /// Closes a message with its answer; false when there is no such message: late, or made up.
    pub(super) fn settle_message(&self, seq: u64, answer: Result<Receipt, SendError>) -> bool {
        let entry = self.with(|book| book.messages.remove(&seq));
        entry.map(|entry| entry.answer.send(answer)).is_some()
    }

    /// Closes an HTTP request.
    pub(super) fn settle_http(&self, req_id: u64, answer: HttpResponse) -> bool {
        let entry = self.with(|book| book.http.remove(&req_id));
        entry.map(|entry| entry.send(answer)).is_some()
    }

    /// Closes a probe.
    pub(super) fn settle_probe(&self, req_id: u64, answer: Probe) -> bool {
        let entry = self.with(|book| book.probes.remove(&req_id));
        entry.map(|entry| entry.send(answer)).is_some()
    }

    /// Closes a fetch.
    pub(super) fn settle_fetch(&self, req_id: u64, answer: Fetching) -> bool {
        let entry = self.with(|book| book.fetches.remove(&req_id));
        entry.map(|entry| entry.send(answer)).is_some()
    }

    /// Closes a question about an uncertain attempt.
    pub(super) fn settle_reconcile(&self, req_id: u64, answer: Reconciled) -> bool {
        let entry = self.with(|book| book.reconciles.remove(&req_id));
        entry.map(|entry| entry.send(answer)).is_some()
    }

    /// Strikes out an entry that is no longer waited for, and says whether a message was provably
    /// not handed over. One that the plugin may have seen stays, and its credit with it.
    pub(super) fn strike(&self, number: u64) -> bool {
        self.with(|book| {
            book.http.remove(&number);
            book.probes.remove(&number);
            book.fetches.remove(&number);
            book.reconciles.remove(&number);
            let unsent = book.messages.get(&number).is_some_and(|entry| entry.ticket.withdraw());
            if unsent {
                book.messages.remove(&number);
            }
            unsent
        })
    }

    /// How many messages are unanswered.
    pub(super) fn open_messages(&self) -> usize {
        self.with(|book| book.messages.len())
    }

    /// How many messages are unanswered and still waited for: whose outcome is not told yet.
    pub(super) fn awaited_messages(&self) -> usize {
        self.with(|book| book.messages.values().filter(|m| !m.answer.is_closed()).count())
    }

    /// This life is over: nothing new is entered, everybody who waits is told.
    pub(super) fn close(&self, why: &str) {
        self.messages.close();
        self.requests.close();
        let closed = Book { closed: true, ..Book::default() };
        let mut book = self.with(|book| std::mem::replace(book, closed));
        for message in std::mem::take(&mut book.messages).into_values() {
            let error = if message.ticket.withdraw() {
                not_running(why)
            } else {
                let text = format!("the plugin ended before it answered ({why})");
                SendError::uncertain("plugin_died", text)
            };
            // Whoever stopped waiting has been told already.
            let _ = message.answer.send(Err(error));
        }
        // Dropping the rest tells their waiters that no answer comes.
        drop(book);
    }

    fn open<T>(&self, enter: impl FnOnce(&mut Book, u64, oneshot::Sender<T>)) -> Option<Open<T>> {
        let (sender, answer) = oneshot::channel();
        let number = self.with(|book| {
            if book.closed {
                return None;
            }
            book.last += 1;
            let number = book.last;
            enter(book, number, sender);
            Some(number)
        })?;
        Some(Open { number, answer })
    }

    fn with<T>(&self, f: impl FnOnce(&mut Book) -> T) -> T {
        f(&mut self.book.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The answer to an attempt that found no running plugin: provably unsent.
pub(super) fn not_running(why: &str) -> SendError {
    SendError::retryable("plugin_not_running", format!("the plugin is not running ({why})"))
}

#[cfg(test)]
mod tests;
