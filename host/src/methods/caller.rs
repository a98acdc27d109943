//! Who calls, and how the answer finds its way back.

use super::Failure;
use crate::{
    auth::Principal,
    events::{ConnNumber, Outbox, Subscriber},
    protocol::{
        FRAME_BYTES_MAX,
        connect::ClientMode,
        error::ErrorShape,
        frame::{Json, failure_text, response_text},
    },
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

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
    pub in_flight: Arc<InFlight>,
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

/// Requests of one connection that are under way.
#[derive(Debug, Default)]
pub struct InFlight {
    count: AtomicUsize,
    ended: Notify,
}

impl InFlight {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Returns once one of them has ended since this was asked last; for one listener.
    pub async fn one_less(&self) {
        self.ended.notified().await;
    }
}

/// Answers one request, from wherever the work ends.
#[derive(Debug)]
pub struct Responder {
    id: String,
    outbox: Arc<Outbox>,
    in_flight: Option<Arc<InFlight>>,
}

impl Responder {
    /// Answers go to `outbox` under the request's `id`.
    #[must_use]
    pub fn new(id: String, outbox: Arc<Outbox>) -> Self {
        Self { id, outbox, in_flight: None }
    }

    /// Counts the request as under way until the responder is dropped.
    pub fn count(&mut self, in_flight: &Arc<InFlight>) {
        in_flight.count.fetch_add(1, Ordering::AcqRel);
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

    /// Answers with a result that may be large: waits until the client has room for it.
    pub async fn deliver(&self, result: &Json) {
        let mut text = response_text(&self.id, result);
        if text.len() > FRAME_BYTES_MAX {
            let told = format!(
                "the answer has {} bytes, and a frame may have {FRAME_BYTES_MAX}; ask for less",
                text.len()
            );
            text = failure_text(&self.id, &ErrorShape::unavailable(told), None);
        }
        let _ = self.outbox.answer(text).await;
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
            in_flight.count.fetch_sub(1, Ordering::AcqRel);
            in_flight.ended.notify_one();
        }
    }
}

/// Bytes from which reading or writing a JSON text is work that others must not wait behind.
const HEAVY_BYTES: usize = 256 << 10;

/// Does work on a text of so many bytes; when that is much, others of this thread are moved to
/// another one first.
pub fn heavy<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    let can_move = || Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    if bytes >= HEAVY_BYTES && can_move() { tokio::task::block_in_place(work) } else { work() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{events::Item, protocol::frame::json};

    #[tokio::test]
    async fn an_answer_that_no_frame_holds_is_refused_with_its_size() {
        let outbox = Arc::new(Outbox::default());
        let to = Responder::new("1".to_owned(), Arc::clone(&outbox));
        to.deliver(&json(&"x".repeat(FRAME_BYTES_MAX))).await;
        let Some(Item::Text(text)) = outbox.pop() else { panic!("nothing was answered") };
        assert!(text.contains("a frame may have 26214400"), "{text}");
    }
}
