//! A running life of a plugin as callers use it: send, ask over HTTP, probe, fetch, reconcile.
//!
//! Outbound walk: `messages` comes before, the carrier ([`process`](super::process) or
//! [`instance`](super::instance)) after. Must not know: how a life begins or ends.

use super::{
    Attempt, RouteError,
    carrier::{Outgoing, Ticket, encode},
    ledger::{Credit, Ledger, NoEntry, Open, not_running},
};
use jackfield_plugin_api::{
    error::SendError,
    fetch::{FEATURE_FETCH, FEATURE_RECONCILE, Fetch, Fetched, Reconciled},
    frame::{FRAME_BYTES_HARD, FRAME_BYTES_MAX, HostFrame},
    http::{HttpRequest, HttpResponse},
    id::AccountId,
    outbound::Receipt,
};
use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{sync::mpsc, time};

/// How long a plugin may take over one HTTP request.
const HTTP_TIME: Duration = Duration::from_secs(30);
/// How long a plugin may take to bring one file.
const FETCH_TIME: Duration = Duration::from_mins(1);

/// Why a request got no answer.
enum NoAnswer {
    /// A full window of them is under way.
    Busy,
    /// The plugin ended.
    Ended,
    /// It does not fit into a frame.
    TooLarge,
    /// The plugin takes nothing now.
    NotTaken,
    /// No answer in time.
    Late,
}

/// What came of handing an attempt to one life.
pub(super) enum Handed {
    /// Its outcome.
    Answered(Result<Receipt, SendError>),
    /// Not taken: another life is about to take over, and gets it.
    Held(Attempt),
}

/// One running life.
pub(super) struct Live {
    pub(super) ledger: Ledger,
    outgoing: mpsc::Sender<Outgoing>,
    /// What its `hello` says it can beyond the basics.
    features: OnceLock<Vec<String>>,
}

impl Live {
    pub(super) fn new(outgoing: mpsc::Sender<Outgoing>) -> Self {
        Self { ledger: Ledger::new(), outgoing, features: OnceLock::new() }
    }

    /// Keeps what its `hello` says.
    pub(super) fn can(&self, features: Vec<String>) {
        // Only the first `hello` of a life counts.
        let _ = self.features.set(features);
    }

    fn is_able(&self, feature: &str) -> bool {
        self.features.get().is_some_and(|all| all.iter().any(|one| one == feature))
    }

    /// One attempt, within its time, which covers the wait for room too.
    pub(super) async fn send(&self, attempt: Attempt) -> Handed {
        let deadline = time::sleep(attempt.timeout);
        tokio::pin!(deadline);
        let credit = tokio::select! {
            credit = self.ledger.message_credit() => credit,
            () = &mut deadline => return Handed::Answered(Err(busy())),
        };
        let ticket = Arc::new(Ticket::default());
        let entry = credit.map_or(Err(NoEntry::Closed), |credit| {
            Ok((self.ledger.open_message(ticket.clone(), credit.clone())?, credit))
        });
        match entry {
            Ok((entry, credit)) => {
                Handed::Answered(self.ask(attempt, entry, (ticket, credit), deadline).await)
            }
            Err(NoEntry::Held) => Handed::Held(attempt),
            Err(NoEntry::Closed) => Handed::Answered(Err(not_running("it ended"))),
        }
    }

    /// Sends the frame of an entered message and waits for the answer.
    async fn ask(
        &self,
        attempt: Attempt,
        entry: Open<Result<Receipt, SendError>>,
        (ticket, credit): (Arc<Ticket>, Credit),
        mut deadline: Pin<&mut time::Sleep>,
    ) -> Result<Receipt, SendError> {
        let frame = HostFrame::Msg {
            seq: entry.number,
            idem_key: attempt.idem_key,
            attempt: attempt.attempt,
            timeout_ms: u64::try_from(attempt.timeout.as_millis()).unwrap_or(u64::MAX),
            body: attempt.body,
        };
        let bytes = encode(&frame);
        if bytes.len() > FRAME_BYTES_MAX {
            self.ledger.strike(entry.number);
            let text = format!("{} bytes are more than a frame may have", bytes.len());
            return Err(SendError::permanent("too_large", text));
        }
        if !self.queue(bytes, Some(ticket), credit) {
            self.ledger.strike(entry.number);
            return Err(not_running("it takes nothing"));
        }
        tokio::select! {
            answer = entry.answer => answer.unwrap_or_else(|_| Err(not_running("it ended"))),
            () = &mut deadline => {
                let unsent = self.ledger.strike(entry.number);
                Err(if unsent { busy() } else { late(attempt.timeout) })
            }
        }
    }

    /// One HTTP request.
    pub(super) async fn http(&self, request: HttpRequest) -> Result<HttpResponse, RouteError> {
        let frame = |req_id| HostFrame::Http { req_id, request };
        self.request(Ledger::open_http, frame, FRAME_BYTES_HARD, HTTP_TIME).await.map_err(|why| {
            match why {
                NoAnswer::Busy | NoAnswer::NotTaken => RouteError::Busy,
                NoAnswer::Ended => RouteError::Died,
                NoAnswer::TooLarge => RouteError::TooLarge,
                NoAnswer::Late => RouteError::Late,
            }
        })
    }

    /// Asks whether an account works; the line is for people either way.
    pub(super) async fn probe(&self, account: &str, limit: Duration) -> Result<String, String> {
        let account = AccountId(account.to_owned());
        let frame = |req_id| HostFrame::Probe { req_id, account };
        let answer = self.request(Ledger::open_probe, frame, FRAME_BYTES_HARD, limit).await;
        answer.unwrap_or_else(|why| {
            Err(match why {
                NoAnswer::Busy => "the plugin is busy".to_owned(),
                NoAnswer::Ended => "the plugin ended before it answered".to_owned(),
                NoAnswer::TooLarge | NoAnswer::NotTaken => "the plugin takes nothing".to_owned(),
                NoAnswer::Late => {
                    format!("the plugin did not answer within {} ms", limit.as_millis())
                }
            })
        })
    }

    /// Brings the bytes behind a handle into a file.
    pub(super) async fn fetch(&self, wanted: Fetch) -> Result<Fetched, SendError> {
        if !self.is_able(FEATURE_FETCH) {
            return Err(SendError::unsupported(FEATURE_FETCH));
        }
        let Fetch { account, handle, path, bytes_max } = wanted;
        let frame = |req_id| HostFrame::Fetch { req_id, account, handle, path, bytes_max };
        let answer = self.request(Ledger::open_fetch, frame, FRAME_BYTES_MAX, FETCH_TIME).await;
        answer.unwrap_or_else(|why| {
            Err(match why {
                NoAnswer::Busy => busy(),
                NoAnswer::Ended => not_running("it ended"),
                NoAnswer::TooLarge | NoAnswer::NotTaken => not_running("it takes nothing"),
                NoAnswer::Late => {
                    let text = format!("the file did not come within {} s", FETCH_TIME.as_secs());
                    SendError::retryable("timeout", text)
                }
            })
        })
    }

    /// Asks what became of an attempt; `None` when nobody could be asked now.
    pub(super) async fn reconcile(&self, attempt: Attempt) -> Option<Reconciled> {
        if !self.is_able(FEATURE_RECONCILE) {
            return Some(Reconciled::Unknown);
        }
        let Attempt { idem_key, attempt, body, timeout } = attempt;
        let frame = |req_id| HostFrame::Reconcile { req_id, idem_key, attempt, body };
        self.request(Ledger::open_reconcile, frame, FRAME_BYTES_MAX, timeout).await.ok()
    }

    /// Sends a request that is neither stored nor repeated, entered by `open`, and waits for its
    /// answer.
    async fn request<T>(
        &self,
        open: impl FnOnce(&Ledger) -> Option<Open<T>>,
        frame: impl FnOnce(u64) -> HostFrame,
        bytes_max: usize,
        limit: Duration,
    ) -> Result<T, NoAnswer> {
        let credit = self.ledger.request_credit().ok_or(NoAnswer::Busy)?;
        let entry = open(&self.ledger).ok_or(NoAnswer::Ended)?;
        let bytes = encode(&frame(entry.number));
        let fault = if bytes.len() > bytes_max {
            Some(NoAnswer::TooLarge)
        } else if self.queue(bytes, None, credit.clone()) {
            None
        } else {
            Some(NoAnswer::NotTaken)
        };
        if let Some(fault) = fault {
            self.ledger.strike(entry.number);
            return Err(fault);
        }
        let Ok(answer) = time::timeout(limit, entry.answer).await else {
            self.ledger.strike(entry.number);
            return Err(NoAnswer::Late);
        };
        answer.map_err(|_| NoAnswer::Ended)
    }

    fn queue(&self, bytes: Vec<u8>, ticket: Option<Arc<Ticket>>, credit: Credit) -> bool {
        let frame = Outgoing::Frame { bytes, ticket, credit: Some(credit) };
        self.outgoing.try_send(frame).is_ok()
    }
}

/// The answer to an attempt that found no room in time: provably unsent.
pub(super) fn busy() -> SendError {
    let text = "the plugin is still busy with earlier messages";
    SendError::retryable("plugin_busy", text)
}

fn late(limit: Duration) -> SendError {
    let text = format!("the plugin did not answer within {} ms", limit.as_millis());
    SendError::uncertain("timeout", text)
}

#[cfg(test)]
mod tests;
