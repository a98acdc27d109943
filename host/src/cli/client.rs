//! A client of the protocol: connects, proves who it is, calls, and hands events on.
//!
//! It reads only while a call waits, so that everything comes in the order of the wire. Must not
//! know: what the verbs ask or print.

pub mod error;
pub mod greeting;
pub mod identity;
mod local;
pub mod target;

pub use error::{ClientError, WireError};
pub use identity::Identity;
pub use target::Target;

use crate::{
    clock,
    protocol::{BUFFERED_BYTES_MAX, scope::Scopes},
    tls::{self, Fingerprint},
};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{Error as SocketError, Message, protocol::WebSocketConfig},
};

/// Longest wait for the other side's close, which is a courtesy.
const CLOSE: Duration = Duration::from_millis(200);
/// Events a node keeps while it waits for an answer; more are lost, as on a connection too slow.
const KEPT_MAX: usize = 1024;
/// Longest part of a foreign page shown in an error.
const PAGE_CHARS_MAX: usize = 120;

/// As what a client comes in.
#[derive(Clone, Debug)]
pub enum Part {
    /// An operator with these scopes.
    Operator(Scopes),
    /// A node that offers commands.
    Node(Offer),
}

/// What a node offers.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// Name for people.
    pub name: String,
    /// Families of its abilities, such as `canvas`.
    pub caps: Vec<String>,
    /// Its commands.
    pub commands: Vec<String>,
}

/// A connection after its handshake.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    url: String,
    /// Events that came while an answer was awaited and nobody heeded them; only a node keeps them.
    kept: Option<VecDeque<(String, Value)>>,
    /// What the gateway greeted with.
    pub hello: Value,
}

/// What comes from the gateway.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Incoming {
    Res {
        id: String,
        ok: bool,
        #[serde(default)]
        payload: Value,
        #[serde(default)]
        error: Option<WireError>,
    },
    Event {
        event: String,
        #[serde(default)]
        payload: Value,
    },
    #[serde(other)]
    Other,
}

impl Client {
    /// Connects to the target and comes in with the given scopes.
    ///
    /// # Errors
    /// When nothing answers, it is no gateway, it does not answer in time, or it refuses.
    pub async fn open(target: &Target, scopes: Scopes) -> Result<Self, ClientError> {
        Self::open_as(target, &Part::Operator(scopes)).await
    }

    /// Connects to the target and comes in as this part. Pairing, where it is needed, is the
    /// caller's to wait for: the refusal says so.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn open_as(target: &Target, part: &Part) -> Result<Self, ClientError> {
        let url = target.address().to_owned();
        let late = || ClientError::NotAGateway {
            url: url.clone(),
            why: format!("no greeting within {}", limit(target.timeout)),
        };
        let opening = async {
            let socket = dial(&url, target.pin).await?;
            let kept = matches!(part, Part::Node(_)).then(VecDeque::new);
            let client = Self { socket, url: url.clone(), kept, hello: Value::Null };
            greeting::come_in(client, target, part).await
        };
        tokio::time::timeout(target.timeout, opening).await.map_err(|_| late())?
    }

    /// Calls a method and waits for its answer as long as `wait`.
    ///
    /// # Errors
    /// The gateway's error, a lost connection, or no answer in time.
    pub async fn call(
        &mut self,
        method: &str,
        params: &Value,
        wait: Duration,
    ) -> Result<Value, ClientError> {
        self.within(wait, method, async |client| {
            let id = client.send(method, params).await?;
            client.answer(&id, method, &mut |_, _| ()).await
        })
        .await
    }

    /// Calls a method that answers twice, hands on every event until the second answer, and waits
    /// for that as long as `wait`.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call_to_the_end(
        &mut self,
        method: &str,
        params: &Value,
        wait: Duration,
        heed: &mut impl FnMut(&str, &Value),
    ) -> Result<Value, ClientError> {
        self.within(wait, method, async |client| {
            let id = client.send(method, params).await?;
            loop {
                let answer = client.answer(&id, method, heed).await?;
                if answer["status"] != "accepted" {
                    return Ok(answer);
                }
            }
        })
        .await
    }

    /// The next event; those that came while an answer was awaited come first. What else comes in
    /// is passed over.
    ///
    /// # Errors
    /// When the connection ends.
    pub async fn event(&mut self) -> Result<(String, Value), ClientError> {
        if let Some(kept) = self.kept.as_mut().and_then(VecDeque::pop_front) {
            return Ok(kept);
        }
        loop {
            if let Incoming::Event { event, payload } = self.next().await? {
                return Ok((event, payload));
            }
        }
    }

    /// Calls a method without waiting for its answer.
    ///
    /// # Errors
    /// When the connection ends.
    pub async fn tell(&mut self, method: &str, params: &Value) -> Result<(), ClientError> {
        self.send(method, params).await.map(drop)
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        // The gateway notices a lost connection as well.
        let _ = tokio::time::timeout(CLOSE, self.socket.close(None)).await;
    }

    async fn within(
        &mut self,
        wait: Duration,
        method: &str,
        work: impl AsyncFnOnce(&mut Self) -> Result<Value, ClientError>,
    ) -> Result<Value, ClientError> {
        let late = ClientError::Late { what: method.to_owned(), limit: limit(wait) };
        tokio::time::timeout(wait, work(self)).await.map_err(|_| late)?
    }

    async fn send(&mut self, method: &str, params: &Value) -> Result<String, ClientError> {
        let id = clock::uuid();
        let frame = json!({"type": "req", "id": id, "method": method, "params": params});
        let sent = self.socket.send(Message::text(frame.to_string())).await;
        sent.map_err(|error| self.lost(&error))?;
        Ok(id)
    }

    async fn answer(
        &mut self,
        wanted: &str,
        method: &str,
        heed: &mut impl FnMut(&str, &Value),
    ) -> Result<Value, ClientError> {
        loop {
            match self.next().await? {
                Incoming::Res { id, ok: true, payload, .. } if id == wanted => return Ok(payload),
                Incoming::Res { id, error: Some(error), .. } if id == wanted => {
                    return Err(ClientError::Failed { method: method.to_owned(), error });
                }
                Incoming::Res { .. } | Incoming::Other => {}
                Incoming::Event { event, payload } => {
                    heed(&event, &payload);
                    self.keep(event, payload);
                }
            }
        }
    }

    fn keep(&mut self, event: String, payload: Value) {
        if let Some(kept) = self.kept.as_mut().filter(|kept| kept.len() < KEPT_MAX) {
            kept.push_back((event, payload));
        }
    }

    /// The next frame; what is not one is skipped.
    async fn next(&mut self) -> Result<Incoming, ClientError> {
        loop {
            let message = match self.socket.next().await {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Err(self.lost(&error)),
                None => return Err(self.closed(String::new())),
            };
            match message {
                Message::Text(text) => {
                    if let Ok(frame) = serde_json::from_str(&text) {
                        return Ok(frame);
                    }
                }
                Message::Close(frame) => {
                    return Err(
                        self.closed(frame.map(|f| f.reason.to_string()).unwrap_or_default())
                    );
                }
                _ => {}
            }
        }
    }

    fn lost(&self, error: &SocketError) -> ClientError {
        self.closed(match error {
            SocketError::ConnectionClosed | SocketError::AlreadyClosed => String::new(),
            other => other.to_string(),
        })
    }

    fn closed(&self, why: String) -> ClientError {
        ClientError::Closed { url: self.url.clone(), why }
    }
}

async fn dial(
    url: &str,
    pin: Option<Fingerprint>,
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, ClientError> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(BUFFERED_BYTES_MAX))
        .max_frame_size(Some(BUFFERED_BYTES_MAX));
    let url = || url.to_owned();
    let pinned = pin.map(tls::pin::client).transpose().map_err(|error| {
        ClientError::NotAGateway { url: url(), why: format!("TLS cannot be used: {error}") }
    })?;
    let connector = pinned.map(|config| Connector::Rustls(Arc::new(config)));
    // On the heap, for it is large and used once.
    let dialing = connect_async_tls_with_config(url(), Some(config), true, connector);
    match Box::pin(dialing).await {
        Ok((socket, _)) => Ok(socket),
        Err(SocketError::Http(page)) => {
            let body = page.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
            let body: String =
                body.lines().next().unwrap_or_default().chars().take(PAGE_CHARS_MAX).collect();
            let why = format!("HTTP {} {body}", page.status().as_u16());
            Err(ClientError::NotAGateway { url: url(), why: why.trim_end().to_owned() })
        }
        Err(SocketError::Io(error)) => {
            Err(ClientError::Unreachable { url: url(), why: error.to_string() })
        }
        Err(error) => Err(ClientError::NotAGateway { url: url(), why: error.to_string() }),
    }
}

fn limit(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}
