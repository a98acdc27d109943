//! Who calls, and how the answer finds its way back.

use super::Failure;
use crate::{
    auth::Principal,
    events::{ConnNumber, Outbox, Subscriber},
    protocol::{
        connect::ClientMode,
        frame::{Json, failure_text, response_text},
    },
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The connection behind a request.
#[derive(Debug)]
pub struct Caller {
    /// Who it proved to be.
    pub principal: Principal,
    /// Its number.
    pub conn: ConnNumber,
    /// Its id, as hello told it.
    pub conn_id: String,
    /// What it follows, and its outbox.
    pub subscriber: Arc<Subscriber>,
    /// Requests under way.
    pub in_flight: Arc<AtomicUsize>,
}

impl Caller {
    /// The row of this client in the presence list; short-lived callers have none.
    #[must_use]
    pub fn presence_key(&self) -> Option<String> {
        let client = &self.principal.client;
        if matches!(client.mode, ClientMode::Cli | ClientMode::Backend | ClientMode::Probe) {
            return None;
        }
        let device = self.principal.device_id.as_ref();
        Some(device.or(client.instance_id.as_ref()).unwrap_or(&self.conn_id).clone())
    }
}

/// Answers one request, from wherever the work ends.
#[derive(Debug)]
pub struct Responder {
    id: String,
    outbox: Arc<Outbox>,
    in_flight: Option<Arc<AtomicUsize>>,
}

impl Responder {
    /// Answers go to `outbox` under the request's `id`.
    #[must_use]
    pub fn new(id: String, outbox: Arc<Outbox>) -> Self {
        Self { id, outbox, in_flight: None }
    }

    /// Counts the request as under way until the responder is dropped.
    pub fn count(&mut self, in_flight: &Arc<AtomicUsize>) {
        in_flight.fetch_add(1, Ordering::AcqRel);
        self.in_flight = Some(Arc::clone(in_flight));
    }

    /// The request's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Answers with a result. A client that is gone is no failure of the work.
    pub fn ok(&self, result: &Json) {
        let _ = self.outbox.text(response_text(&self.id, result));
    }

    /// Answers with a failure.
    pub fn fail(&self, failure: &Failure) {
        let text = failure_text(&self.id, &failure.error, failure.payload.as_deref());
        let _ = self.outbox.text(text);
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if let Some(in_flight) = &self.in_flight {
            in_flight.fetch_sub(1, Ordering::AcqRel);
        }
    }
}
