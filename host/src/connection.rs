//! One client: frames in, frames out, on one task that owns the socket.
//!
//! The step before: [`crate::server`] upgraded the request. The steps after: [`crate::methods`] for
//! what a request does, the outbox for what others have to say. Requests that need no waiting are
//! answered on this task without a detour; a batch of frames that arrived together is flushed once.
//! Must not know: what a method means.

pub mod greeting;
pub mod handshake;
pub mod node;
pub mod refusal;
pub mod socket;

use crate::{
    auth::Peer,
    events::{Close, ConnNumber, Item},
    methods::{Caller, Core, Dispatched, Failure, Responder, dispatch, heavy},
    protocol::{
        FRAME_BYTES_MAX, PING_MS, REQUESTS_IN_FLIGHT_MAX, UNAUTHORIZED_CALLS_MAX,
        error::ErrorShape,
        frame::{RequestFrame, failure_text, response_text},
        schema::Validator,
    },
};
use handshake::Greeted;
use serde_json::Value;
use socket::{Incoming, Socket};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

/// How long requests under way may take to be answered once the gateway stops.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

static REQUEST: LazyLock<Validator> = LazyLock::new(Validator::of::<RequestFrame>);

/// Serves one client from the upgrade to its end. `unauthenticated` is held until the hello.
pub async fn serve<P>(
    core: Arc<Core>,
    peer: Peer,
    conn: ConnNumber,
    mut socket: Socket,
    unauthenticated: P,
) {
    let greeted = match handshake::greet(&core, &peer, conn, &mut socket).await {
        Ok(greeted) => greeted,
        Err(ended) => return socket.end(ended).await,
    };
    drop(unauthenticated);
    let Greeted { caller, hello, waiting } = greeted;
    let mut connection = Connection { core, caller, socket, wrong_roles: 0 };
    connection.open(hello).await;
    let close = connection.run(waiting).await;
    connection.leave();
    node::leave(&connection.core, &connection.caller).await;
    connection.socket.end(close).await;
}

struct Connection {
    core: Arc<Core>,
    caller: Arc<Caller>,
    socket: Socket,
    wrong_roles: u32,
}

impl Connection {
    /// Says hello. Events have been collected since its snapshot was taken, and follow it: only this
    /// task writes, so hello is the first frame.
    async fn open(&mut self, hello: String) {
        let fed = self.socket.feed(hello).await;
        greeting::arrive(&self.core, &self.caller);
        node::greet(&self.core, &self.caller);
        if fed.is_ok() {
            let _ = self.socket.flush().await;
        }
    }

    fn leave(&self) {
        self.core.events.unsubscribe(self.caller.conn);
        // Answers that wait for room would wait for ever.
        self.caller.subscriber.outbox.close(Close::new(1006, ""));
        if let Some(canvas) = &self.core.canvas {
            canvas.capabilities.revoke(self.caller.conn);
        }
        greeting::leave(&self.core, &self.caller);
    }

    async fn run(&mut self, waiting: Vec<String>) -> Option<Close> {
        for text in waiting {
            if let Some(close) = self.take(&text).await {
                return Some(close);
            }
        }
        let stop = self.core.stop.clone();
        // The first tick of a plain interval waits for the timer's next millisecond, and with it would
        // the client's first request.
        let period = Duration::from_millis(PING_MS);
        let mut ping = tokio::time::interval_at(self.core.clock.monotonic() + period, period);
        let moved = self.socket.moved();
        let mut heard = None;
        loop {
            if let Some(close) = self.write_waiting().await {
                return Some(close);
            }
            tokio::select! {
                biased;
                incoming = self.socket.next() => match incoming {
                    Incoming::Text(text) => {
                        if let Some(close) = self.batch(text).await {
                            return Some(close);
                        }
                    }
                    Incoming::Pong => {}
                    Incoming::TooLarge => return Some(Close::new(1009, "")),
                    Incoming::Gone => return None,
                },
                () = self.caller.subscriber.outbox.ready() => {}
                _ = ping.tick() => {
                    let silent = heard == Some(moved.heard());
                    if silent || !matches!(moved.in_pace(self.socket.ping()).await, Some(Ok(()))) {
                        return None;
                    }
                    heard = Some(moved.heard());
                    if let Some(key) = self.caller.presence_key() {
                        self.core.presence.touch(&key);
                    }
                }
                () = stop.cancelled() => return self.last_words().await,
            }
        }
    }

    /// Handles a frame and all that arrived with it, then flushes once.
    async fn batch(&mut self, first: String) -> Option<Close> {
        let mut text = first;
        loop {
            if let Some(close) = self.take(&text).await {
                return Some(close);
            }
            match self.socket.next_ready() {
                Some(Incoming::Text(next)) => text = next,
                Some(Incoming::Pong) | None => return None,
                Some(Incoming::TooLarge) => return Some(Close::new(1009, "")),
                Some(Incoming::Gone) => {
                    let _ = self.socket.flush().await;
                    return None;
                }
            }
        }
    }

    /// Writes what others queued, and flushes.
    async fn write_waiting(&mut self) -> Option<Close> {
        let moved = self.socket.moved();
        let written = moved.in_pace(self.drain()).await;
        written.unwrap_or_else(|| Some(Close::new(1008, "slow consumer")))
    }

    async fn drain(&mut self) -> Option<Close> {
        while let Some(item) = self.caller.subscriber.outbox.pop() {
            let text = match item {
                Item::Text(text) => text,
                Item::Event(event, seq) => event.with_seq(Some(seq)),
                Item::Close(close) => return Some(close),
            };
            if self.socket.feed(text).await.is_err() {
                return Some(Close::new(1006, ""));
            }
        }
        match self.socket.flush().await {
            Ok(()) => None,
            Err(_) => Some(Close::new(1006, "")),
        }
    }

    /// The gateway stops: requests under way are answered, if that takes no time worth naming (one may
    /// be what made it stop), and whatever is queued goes out before the close.
    async fn last_words(&mut self) -> Option<Close> {
        let patience = tokio::time::sleep(LAST_ANSWERS);
        tokio::pin!(patience);
        while self.caller.in_flight.count() > 0 {
            tokio::select! {
                () = self.caller.subscriber.outbox.ready() => {}
                () = self.caller.in_flight.one_less() => {}
                () = &mut patience => break,
            }
            if let Some(close) = self.write_waiting().await {
                return Some(close);
            }
        }
        self.caller.subscriber.outbox.close(Close::new(1012, "service restart"));
        self.write_waiting().await
    }

    async fn take(&mut self, text: &str) -> Option<Close> {
        // What arrived together with the request that took this client's rights is not carried out.
        if self.caller.subscriber.outbox.is_closed() {
            return self.write_waiting().await;
        }
        if text.len() > FRAME_BYTES_MAX {
            return Some(Close::new(1009, ""));
        }
        let size = text.len();
        let parsed = heavy(size, || serde_json::from_str::<Value>(text).map(request));
        let Ok(parsed) = parsed else { return None };
        let (id, method, params) = match parsed {
            Ok(parts) => parts,
            Err((id, error)) => return self.write(failure_text(&id, &error, None)).await,
        };
        let in_flight = &self.caller.in_flight;
        let mut responder = Responder::new(id.clone(), Arc::clone(&self.caller.subscriber.outbox));
        if in_flight.count() >= REQUESTS_IN_FLIGHT_MAX {
            let busy = ErrorShape::unavailable("The server is busy. Please try again in a moment.");
            return self.write(failure_text(&id, &busy, None)).await;
        }
        responder.count(in_flight);
        let dispatched =
            heavy(size, || dispatch(&self.core, &self.caller, &method, params, responder));
        match dispatched {
            Dispatched::Answer(Ok(result)) => {
                self.wrong_roles = 0;
                self.answer(response_text(&id, &result)).await
            }
            Dispatched::Answer(Err(failure)) => {
                self.wrong_roles = 0;
                self.fail(&id, &failure).await
            }
            Dispatched::Work(work) => {
                self.wrong_roles = 0;
                self.core.tracker.spawn(work);
                None
            }
            Dispatched::WrongRole(failure) => {
                self.wrong_roles += 1;
                if self.wrong_roles > UNAUTHORIZED_CALLS_MAX {
                    return Some(Close::new(1008, "repeated unauthorized calls"));
                }
                self.fail(&id, &failure).await
            }
        }
    }

    async fn fail(&mut self, id: &str, failure: &Failure) -> Option<Close> {
        self.answer(failure_text(id, &failure.error, failure.payload.as_deref())).await
    }

    /// An answer comes after whatever its handler published.
    async fn answer(&mut self, text: String) -> Option<Close> {
        if !self.caller.subscriber.outbox.is_empty()
            && let Some(close) = self.write_waiting().await
        {
            return Some(close);
        }
        self.write(text).await
    }

    async fn write(&mut self, text: String) -> Option<Close> {
        let moved = self.socket.moved();
        match moved.in_pace(self.socket.feed(text)).await {
            Some(Ok(())) => None,
            Some(Err(_)) => Some(Close::new(1006, "")),
            None => Some(Close::new(1008, "slow consumer")),
        }
    }
}

/// Takes a request apart, or says under which id what is wrong with it.
fn request(mut value: Value) -> Result<(String, String, Value), (String, ErrorShape)> {
    if let Err(problems) = REQUEST.check(&value) {
        let id = value
            .get("id")
            .and_then(Value::as_str)
            .filter(|id| !id.is_empty())
            .unwrap_or("invalid");
        let error = ErrorShape::invalid(format!("invalid request frame: {problems}"));
        return Err((id.to_owned(), error));
    }
    let mut text = |name: &str| match value.get_mut(name).map(Value::take) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (id, method) = (text("id"), text("method"));
    let params = value.get_mut("params").map(Value::take).unwrap_or_default();
    Ok((id, method, params))
}

#[cfg(test)]
mod properties;
