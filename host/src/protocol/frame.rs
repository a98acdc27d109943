//! Frames: what a text message on the socket is. Pure; knows no method.

use super::error::ErrorShape;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use std::sync::Arc;

/// A request of a client. Unknown keys are accepted: newer clients add fields.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestFrame {
    /// Always `req`.
    #[serde(rename = "type")]
    pub kind: RequestKind,
    /// Chosen by the client, opaque; pairs the response.
    #[schemars(length(min = 1))]
    pub id: String,
    /// Which method.
    #[schemars(length(min = 1))]
    pub method: String,
    /// Its parameters.
    #[serde(default)]
    pub params: Option<Value>,
    /// W3C trace context of the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub traceparent: Option<String>,
}

/// The one word a request's `type` may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RequestKind {
    /// `req`
    Req,
}

/// A response of the gateway.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ResponseFrame<'a> {
    /// Always `res`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Of the request; `invalid` when it had no usable id.
    pub id: &'a str,
    /// Whether it succeeded.
    pub ok: bool,
    /// The result; a failed run carries one beside its error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    pub payload: Option<&'a RawValue>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a ErrorShape>,
}

/// Version counters of the snapshots, on `presence` and `health` events and in `hello-ok`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateVersion {
    /// Grows by one per change of the presence list.
    pub presence: u64,
    /// Grows by one per change of the health snapshot.
    pub health: u64,
}

/// An event as it stands on the wire; documents the shape, see [`event_text`] for how it is written.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventFrame {
    /// Always `event`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its name.
    pub event: String,
    /// Its payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
    /// Per connection, from 1, for every broadcast that passes the connection's filters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Snapshot versions, on `presence` and `health` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_version: Option<StateVersion>,
}

/// A JSON text that is shared rather than copied.
pub type Json = Arc<RawValue>;

/// Serialises a value once.
///
/// # Panics
/// When the value cannot be JSON (a map with keys that are not text); results are plain structs.
pub fn json<T: Serialize + ?Sized>(value: &T) -> Json {
    serde_json::value::to_raw_value(value).expect("results are plain data").into()
}

/// The text of a successful response.
#[must_use]
pub fn response_text(id: &str, payload: &RawValue) -> String {
    let body = payload.get();
    let mut text = String::with_capacity(body.len() + id.len() + 48);
    text.push_str(r#"{"type":"res","id":"#);
    push_string(&mut text, id);
    text.push_str(r#","ok":true,"payload":"#);
    text.push_str(body);
    text.push('}');
    text
}

/// The text of a failed response; `payload` is given only where the original gives one.
///
/// # Panics
/// Never: an error shape is plain data.
#[must_use]
pub fn failure_text(id: &str, error: &ErrorShape, payload: Option<&RawValue>) -> String {
    let frame = ResponseFrame { kind: "res", id, ok: false, payload, error: Some(error) };
    serde_json::to_string(&frame).expect("an error shape is plain data")
}

/// The two constant halves of an event's text: everything before `seq`, and everything after it.
/// Built once per broadcast; each connection only writes its number between them.
#[derive(Debug)]
pub struct EventText {
    head: String,
    tail: String,
}

impl EventText {
    /// Writes the halves.
    #[must_use]
    pub fn new(event: &str, payload: &RawValue, state_version: Option<StateVersion>) -> Self {
        let body = payload.get();
        let mut head = String::with_capacity(body.len() + event.len() + 48);
        head.push_str(r#"{"type":"event","event":"#);
        push_string(&mut head, event);
        head.push_str(r#","payload":"#);
        head.push_str(body);
        let tail = state_version.map_or_else(String::new, |v| {
            format!(r#","stateVersion":{{"presence":{},"health":{}}}"#, v.presence, v.health)
        });
        Self { head, tail }
    }

    /// Size of the whole text in bytes, near enough for accounting.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.head.len() + self.tail.len() + 24
    }

    /// The whole text for one connection; `None` for targeted events, which carry no number.
    #[must_use]
    pub fn with_seq(&self, seq: Option<u64>) -> String {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(self.bytes());
        text.push_str(&self.head);
        if let Some(seq) = seq {
            let _ = write!(text, r#","seq":{seq}"#);
        }
        text.push_str(&self.tail);
        text.push('}');
        text
    }
}

fn push_string(text: &mut String, value: &str) {
    if value.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        text.push('"');
        text.push_str(value);
        text.push('"');
    } else {
        text.push_str(&serde_json::to_string(value).expect("a string is JSON"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_the_frames_they_stand_for() {
        let payload = json(&json!({"a": 1}));
        let text = response_text("1:\"x\"", &payload);
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back, json!({"type":"res","id":"1:\"x\"","ok":true,"payload":{"a":1}}));

        let event =
            EventText::new("health", &payload, Some(StateVersion { presence: 1, health: 2 }));
        let back: Value = serde_json::from_str(&event.with_seq(Some(7))).unwrap();
        assert_eq!(
            back,
            json!({"type":"event","event":"health","payload":{"a":1},"seq":7,
                   "stateVersion":{"presence":1,"health":2}})
        );
        let targeted: Value = serde_json::from_str(&event.with_seq(None)).unwrap();
        assert_eq!(targeted.get("seq"), None);
    }

    #[test]
    fn a_failure_may_carry_a_payload() {
        let payload = json(&json!({"runId": "r", "status": "error"}));
        let text = failure_text("1", &ErrorShape::unavailable("broke"), Some(&payload));
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["ok"], false);
        assert_eq!(back["payload"]["runId"], "r");
        assert_eq!(back["error"]["code"], "UNAVAILABLE");
    }
}
