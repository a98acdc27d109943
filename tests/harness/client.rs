//! A client after its handshake: calls, two-stage calls, events in order.
//!
//! It reads only while it is asked to, so everything it returns is in the order of the wire. It
//! checks for every play that broadcast events count from one without a gap.

use crate::{Incoming, Socket, patiently};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// An event frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// What it says.
    pub payload: Value,
    /// Its number on this connection; targeted events have none.
    pub seq: Option<u64>,
    /// The whole frame.
    pub frame: Value,
}

/// A response that says no.
#[derive(Clone, Debug, PartialEq)]
pub struct WireError {
    /// The top-level code.
    pub code: String,
    /// What a person reads.
    pub message: String,
    /// The finer classification, `null` when there is none.
    pub details: Value,
    /// The whole frame.
    pub frame: Value,
}

impl WireError {
    /// Reads the error of a response frame.
    #[must_use]
    pub fn read(frame: &Value) -> Self {
        let error = &frame["error"];
        let text = |name: &str| match error[name].as_str() {
            Some(text) => text.to_owned(),
            None => panic!("a refusal without `error.{name}`: {frame}"),
        };
        Self {
            code: text("code"),
            message: text("message"),
            details: error["details"].clone(),
            frame: frame.clone(),
        }
    }
}

/// An open, greeted connection.
pub struct Client {
    socket: Socket,
    /// The `hello-ok` payload.
    pub hello: Value,
    next_id: u64,
    last_seq: u64,
    events: VecDeque<Event>,
    responses: VecDeque<Value>,
}

impl Client {
    pub(crate) fn greeted(socket: Socket, hello: Value) -> Self {
        assert_eq!(hello["type"], "hello-ok", "{hello}");
        Self {
            socket,
            hello,
            next_id: 0,
            last_seq: 0,
            events: VecDeque::new(),
            responses: VecDeque::new(),
        }
    }

    /// Sends a request and returns its id.
    pub async fn request(&mut self, method: &str, params: Value) -> String {
        self.next_id += 1;
        let id = format!("play-{}", self.next_id);
        self.socket
            .send(&json!({ "type": "req", "id": id, "method": method, "params": params }))
            .await;
        id
    }

    /// Sends text that need not be a frame.
    pub async fn send_text(&mut self, text: &str) {
        self.socket.send_text(text).await;
    }

    /// Sends the beginning of a request and returns its id with the rest, for
    /// [`Client::end_request`]. Nothing else can be sent between.
    pub async fn begin_request(&mut self, method: &str, params: Value) -> (String, String) {
        self.next_id += 1;
        let id = format!("play-{}", self.next_id);
        let frame = json!({ "type": "req", "id": id, "method": method, "params": params });
        let text = frame.to_string();
        let middle = text.floor_char_boundary(text.len() / 2);
        self.socket.begin_text(&text[..middle]).await;
        (id, text[middle..].to_owned())
    }

    /// Sends the rest of a request.
    pub async fn end_request(&mut self, rest: &str) {
        self.socket.end_text(rest).await;
    }

    /// The next response to the request `id`.
    ///
    /// # Errors
    /// The error it carries.
    pub async fn response(&mut self, id: &str) -> Result<Value, WireError> {
        loop {
            let waiting = self.responses.iter().position(|frame| frame["id"] == id);
            if let Some(frame) = waiting.and_then(|at| self.responses.remove(at)) {
                return if frame["ok"] == true {
                    Ok(frame["payload"].clone())
                } else {
                    Err(WireError::read(&frame))
                };
            }
            self.read().await;
        }
    }

    /// Calls a method and returns its first response.
    ///
    /// # Errors
    /// The error the gateway answered with.
    pub async fn try_call(&mut self, method: &str, params: Value) -> Result<Value, WireError> {
        let id = self.request(method, params).await;
        self.response(&id).await
    }

    /// Calls a method that must succeed.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        match self.try_call(method, params).await {
            Ok(payload) => payload,
            Err(error) => panic!("{method} was refused: {error:?}"),
        }
    }

    /// Calls a method that must be refused.
    pub async fn refused(&mut self, method: &str, params: Value) -> WireError {
        match self.try_call(method, params).await {
            Ok(payload) => panic!("{method} should have been refused, but said {payload}"),
            Err(error) => error,
        }
    }

    /// Calls a method that answers twice, and returns both payloads.
    pub async fn call_two_stage(&mut self, method: &str, params: Value) -> (Value, Value) {
        let id = self.request(method, params).await;
        let mut stages = Vec::new();
        for stage in ["first", "final"] {
            match self.response(&id).await {
                Ok(payload) => stages.push(payload),
                Err(error) => panic!("the {stage} response of {method} is a refusal: {error:?}"),
            }
        }
        let last = stages.pop().expect("two were read");
        (stages.pop().expect("two were read"), last)
    }

    /// The first event, read already or to come, that `wanted` accepts; those before it are dropped.
    pub async fn event(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        let waiting = async {
            loop {
                while let Some(event) = self.events.pop_front() {
                    if wanted(&event) {
                        return event;
                    }
                }
                self.read().await;
            }
        };
        // Of the whole: ticks come in for ever.
        patiently(waiting, || "the event that was waited for did not come".to_owned()).await
    }

    /// Every event up to and including the first that `last` accepts.
    pub async fn events_until(&mut self, last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            while let Some(event) = self.events.pop_front() {
                let ended = last(&event);
                events.push(event);
                if ended {
                    return events;
                }
            }
            self.read().await;
        }
    }

    /// The events read so far and not yet taken; it does not wait.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }

    /// How the gateway ends this connection; frames before that are dropped.
    pub async fn end(&mut self) -> Incoming {
        loop {
            match self.socket.next().await {
                Incoming::Frame(_) => {}
                end => return end,
            }
        }
    }

    /// The bare socket, for a play whose gateway may end at any time.
    #[must_use]
    pub fn into_socket(self) -> Socket {
        self.socket
    }

    /// Closes the connection in order.
    pub async fn close(self) {
        self.socket.close().await;
    }

    async fn read(&mut self) {
        let frame = self.socket.frame().await;
        match frame["type"].as_str() {
            Some("res") => self.responses.push_back(frame),
            Some("event") => {
                let event = Event {
                    name: frame["event"].as_str().expect("an event has a name").to_owned(),
                    payload: frame["payload"].clone(),
                    seq: frame["seq"].as_u64(),
                    frame,
                };
                if let Some(seq) = event.seq {
                    assert_eq!(seq, self.last_seq + 1, "events must not skip: {event:?}");
                    self.last_seq = seq;
                }
                self.events.push_back(event);
            }
            _ => panic!("neither a response nor an event: {frame}"),
        }
    }
}
