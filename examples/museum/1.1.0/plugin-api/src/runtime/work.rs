//! The author's methods that answer one request each: `send`, `http`, `probe`, `fetch`, `reconcile`,
//! every one a task.
//!
//! Full cases: the host keeps at most a window of messages open, and twice that is allowed for here
//! before a message is sent back as retryable; requests beyond a window are sent back at
//! once, an HTTP request with a 503.

use super::wall::wall;
use crate::{
    channel::{Channel, Outgoing},
    error::SendError,
    fetch::{Fetch, Reconciled},
    frame::PluginFrame,
    host::Shared,
    http::{HttpRequest, HttpResponse},
    id::AccountId,
    outbound::Outbound,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, mpsc::error::TrySendError},
    time::timeout,
};

/// For a host that names no timeout.
const SEND_PATIENCE: Duration = Duration::from_secs(30);

/// A message without its number: idempotency key, attempt, milliseconds of patience, the thing.
pub(super) type Attempt = (String, u32, u64, Outbound);

pub(super) struct Work {
    shared: Arc<Shared>,
    sends: Arc<Semaphore>,
    requests: Arc<Semaphore>,
}

impl Work {
    pub(super) fn new(shared: Arc<Shared>, window: usize) -> Self {
        Self {
            shared,
            sends: Arc::new(Semaphore::new(2 * window)),
            requests: Arc::new(Semaphore::new(window)),
        }
    }

    /// From now on new work is sent back.
    pub(super) fn refuse(&self) {
        self.sends.close();
        self.requests.close();
    }

    /// Queues an answer without making the caller wait; in order unless the queue is full.
    pub(super) fn answer(&self, frame: PluginFrame) {
        let outbox = &self.shared.outbox;
        if let Err(TrySendError::Full(frame)) = outbox.try_send(frame) {
            let outbox = outbox.clone();
            tokio::spawn(async move { outbox.send(frame).await });
        }
    }

    pub(super) fn send<C: Channel>(&self, channel: Option<Arc<C>>, seq: u64, attempt: Attempt) {
        let Some(channel) = channel else {
            let error = SendError::retryable("not_started", "the plugin has not started yet");
            return self.answer(PluginFrame::Nack { seq, error });
        };
        let Ok(place) = Arc::clone(&self.sends).try_acquire_owned() else {
            let error = SendError::retryable("busy", "the plugin takes no more messages now");
            return self.answer(PluginFrame::Nack { seq, error });
        };
        let (busy, outbox) = (self.shared.ledger.busy(), self.shared.outbox.clone());
        tokio::spawn(async move {
            let frame = match one_attempt(&*channel, attempt).await {
                Ok(receipt) => PluginFrame::Ack { seq, receipt },
                Err(error) => PluginFrame::Nack { seq, error },
            };
            drop(place);
            let _ = outbox.send(frame).await;
            drop(busy); // last, so that `drained` follows the answer
        });
    }

    pub(super) fn http<C: Channel>(
        &self,
        channel: Option<Arc<C>>,
        req_id: u64,
        request: HttpRequest,
    ) {
        let place = Arc::clone(&self.requests).try_acquire_owned();
        let (Some(channel), Ok(place)) = (channel, place) else {
            let response = HttpResponse::text(503, "The plugin cannot answer just now\n")
                .with_header("retry-after", "1");
            return self.answer(PluginFrame::HttpReply { req_id, response });
        };
        let outbox = self.shared.outbox.clone();
        tokio::spawn(async move {
            let response = wall(async { channel.http(request).await }).await;
            let response = response.unwrap_or_else(|text| {
                tracing::error!("panicked in http: {text}");
                HttpResponse::text(500, "The plugin failed\n")
            });
            drop(place);
            let _ = outbox.send(PluginFrame::HttpReply { req_id, response }).await;
        });
    }

    pub(super) fn probe<C: Channel>(
        &self,
        channel: Option<Arc<C>>,
        req_id: u64,
        account: AccountId,
    ) {
        let place = Arc::clone(&self.requests).try_acquire_owned();
        let (Some(channel), Ok(place)) = (channel, place) else {
            let detail = Some("the plugin cannot answer just now".to_owned());
            return self.answer(PluginFrame::ProbeReply { req_id, ok: false, detail });
        };
        let outbox = self.shared.outbox.clone();
        tokio::spawn(async move {
            let found = wall(async { channel.probe(account).await }).await;
            let (ok, detail) = match found {
                Ok(Ok(detail)) => (true, detail),
                Ok(Err(detail)) => (false, detail),
                Err(text) => (false, format!("panicked in probe: {text}")),
            };
            drop(place);
            let _ = outbox.send(PluginFrame::ProbeReply { req_id, ok, detail: Some(detail) }).await;
        });
    }

    pub(super) fn fetch<C: Channel>(&self, channel: Option<Arc<C>>, req_id: u64, wanted: Fetch) {
        let place = Arc::clone(&self.requests).try_acquire_owned();
        let (Some(channel), Ok(place)) = (channel, place) else {
            let error = SendError::retryable("busy", "the plugin cannot fetch just now");
            let frame = PluginFrame::Fetched { req_id, fetched: None, error: Some(error) };
            return self.answer(frame);
        };
        let outbox = self.shared.outbox.clone();
        tokio::spawn(async move {
            let found = wall(async { channel.fetch(wanted).await }).await;
            let found = found.unwrap_or_else(|text| {
                let text = format!("the plugin panicked in fetch: {text}");
                Err(SendError::permanent("panicked", text))
            });
            let (fetched, error) = match found {
                Ok(fetched) => (Some(fetched), None),
                Err(error) => (None, Some(error)),
            };
            drop(place);
            let _ = outbox.send(PluginFrame::Fetched { req_id, fetched, error }).await;
        });
    }

    pub(super) fn reconcile<C: Channel>(
        &self,
        channel: Option<Arc<C>>,
        req_id: u64,
        (idem_key, attempt, _, body): Attempt,
    ) {
        let place = Arc::clone(&self.requests).try_acquire_owned();
        let (Some(channel), Ok(place)) = (channel, place) else {
            let outcome = Reconciled::Unknown;
            return self.answer(PluginFrame::Reconciled { req_id, outcome });
        };
        let outbox = self.shared.outbox.clone();
        tokio::spawn(async move {
            let out = Outgoing { body, idem_key, attempt, timeout: SEND_PATIENCE };
            let asked = wall(async { channel.reconcile(out).await });
            let outcome = match timeout(SEND_PATIENCE, asked).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(text)) => {
                    tracing::error!("panicked in reconcile: {text}");
                    Reconciled::Unknown
                }
                Err(_) => Reconciled::Unknown,
            };
            drop(place);
            let _ = outbox.send(PluginFrame::Reconciled { req_id, outcome }).await;
        });
    }
}

/// One attempt behind the wall and within its time. What ran out of time or panicked may have left
/// the machine already, so both count as uncertain.
async fn one_attempt<C: Channel>(
    channel: &C,
    (idem_key, attempt, timeout_ms, body): Attempt,
) -> Result<crate::outbound::Receipt, SendError> {
    if body == Outbound::Unknown {
        return Err(SendError::unsupported(body.kind()));
    }
    let patience = if timeout_ms == 0 { SEND_PATIENCE } else { Duration::from_millis(timeout_ms) };
    let out = Outgoing { body, idem_key, attempt, timeout: patience };
    match timeout(patience, wall(async { channel.send(out).await })).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(text)) => {
            Err(SendError::uncertain("panicked", format!("the plugin panicked in send: {text}")))
        }
        Err(_) => Err(SendError::uncertain(
            "timeout",
            format!("no answer from the platform within {} ms", patience.as_millis()),
        )),
    }
}
