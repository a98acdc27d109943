//! From the challenge to hello-ok, in the order the wire has it.

use super::{
    REQUEST, greeting, node,
    refusal::wire,
    socket::{Incoming, Socket},
};
use crate::{
    auth::{Peer, Refusal},
    clock,
    events::{Close, ConnNumber},
    methods::{Caller, Core},
    protocol::{
        HANDSHAKE_FRAME_BYTES_MAX, HANDSHAKE_FRAMES_MAX, HANDSHAKE_MS,
        connect::ConnectParams,
        error::ErrorShape,
        event,
        frame::{EventText, failure_text, json, response_text},
        hello::Challenge,
        schema::Validator,
    },
};
use serde_json::Value;
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

static CONNECT: LazyLock<Validator> = LazyLock::new(Validator::of::<ConnectParams>);

/// A client that was let in.
pub struct Greeted {
    /// The connection as methods know it.
    pub caller: Arc<Caller>,
    /// The text of its hello.
    pub hello: String,
    /// Frames it sent before it had the hello.
    pub waiting: Vec<String>,
}

/// How a handshake ends that does not end well: with this close, or without any.
pub(super) type Ended = Option<Close>;

/// Greets a client.
///
/// # Errors
/// The close to end the connection with.
pub async fn greet(
    core: &Arc<Core>,
    peer: &Peer,
    conn: ConnNumber,
    socket: &mut Socket,
) -> Result<Greeted, Ended> {
    let nonce = clock::uuid();
    let challenge = Challenge { nonce: nonce.clone(), ts: core.clock.now_ms() };
    let text = EventText::new(event::CHALLENGE.name, &json(&challenge), None).with_seq(None);
    send(socket, text).await?;
    let limit = Duration::from_millis(HANDSHAKE_MS);
    let stop = core.stop.clone();
    let first = tokio::select! {
        first = tokio::time::timeout(limit, socket.next()) => first,
        () = stop.cancelled() => return Err(Some(Close::new(1012, "service restart"))),
    };
    let Ok(first) = first else { return Err(Some(Close::new(1000, ""))) };
    let (id, params) = match connect_request(first)? {
        Ok(request) => request,
        Err((id, error)) => return Err(refuse(socket, &id, &error, 1008).await),
    };
    let mut waiting = Vec::new();
    let admission = tokio::select! {
        admission = core.auth.admit(peer, &nonce, &params) => admission,
        ended = pipelined(socket, &mut waiting) => return Err(ended),
    };
    match admission {
        Ok(admission) => {
            socket.lift();
            greeting::prune(core, &admission).await;
            node::join(core, conn, &admission, &params).await;
            let welcome = greeting::welcome(core, conn, admission, &params);
            Ok(Greeted {
                hello: response_text(&id, &welcome.hello),
                caller: welcome.caller,
                waiting,
            })
        }
        Err(refusal) => Err(turn_away(core, socket, &id, refusal).await),
    }
}

/// Keeps what the client sends while it is being judged; ends only when that must end the connection.
async fn pipelined(socket: &mut Socket, waiting: &mut Vec<String>) -> Ended {
    loop {
        match socket.next().await {
            Incoming::Text(text) if waiting.len() < HANDSHAKE_FRAMES_MAX => waiting.push(text),
            Incoming::Text(_) => {
                return Some(Close::new(1008, "too many pending handshake frames"));
            }
            Incoming::Pong => {}
            Incoming::TooLarge => return Some(Close::new(1009, "")),
            Incoming::Gone => return None,
        }
    }
}

pub(super) type Request = Result<(String, ConnectParams), (String, ErrorShape)>;

/// Reads the first frame. The outer error ends the connection without an answer.
pub(super) fn connect_request(first: Incoming) -> Result<Request, Ended> {
    let text = match first {
        Incoming::Text(text) => text,
        Incoming::Pong => return Err(Some(Close::new(1008, "invalid request frame"))),
        Incoming::TooLarge => return Err(Some(Close::new(1009, ""))),
        Incoming::Gone => return Err(None),
    };
    if text.len() > HANDSHAKE_FRAME_BYTES_MAX {
        return Err(Some(Close::new(1009, "")));
    }
    let Ok(mut frame) = serde_json::from_str::<Value>(&text) else {
        return Err(Some(Close::new(1000, "")));
    };
    if REQUEST.check(&frame).is_err() {
        return Err(Some(Close::new(1008, "invalid request frame")));
    }
    let id = frame["id"].as_str().unwrap_or_default().to_owned();
    if frame["method"] != "connect" {
        let text = "invalid handshake: first request must be connect";
        return Ok(Err((id, ErrorShape::invalid(text))));
    }
    let params = frame["params"].take();
    let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
    if let Err(problems) = CONNECT.check(&params) {
        return Ok(Err((id, ErrorShape::invalid(format!("invalid connect params: {problems}")))));
    }
    match serde_json::from_value(params) {
        Ok(params) => Ok(Ok((id, params))),
        Err(error) => {
            Ok(Err((id, ErrorShape::invalid(format!("invalid connect params: {error}")))))
        }
    }
}

async fn turn_away(core: &Arc<Core>, socket: &mut Socket, id: &str, refusal: Refusal) -> Ended {
    greeting::tell_operators(core, &refusal);
    if let Refusal::Credential { delay, .. } = &refusal {
        tokio::time::sleep(*delay).await;
    }
    let Some(answer) = wire(&refusal) else { return Some(Close::new(1008, "invalid-handshake")) };
    if send(socket, failure_text(id, &answer.error, None)).await.is_err() {
        return None;
    }
    Some(answer.close)
}

async fn refuse(socket: &mut Socket, id: &str, error: &ErrorShape, code: u16) -> Ended {
    if send(socket, failure_text(id, error, None)).await.is_err() {
        return None;
    }
    Some(Close::new(code, error.message.clone()))
}

async fn send(socket: &mut Socket, text: String) -> Result<(), Ended> {
    socket.feed(text).await.map_err(|_| None)?;
    socket.flush().await.map_err(|_| None)
}
