//! A bare WebSocket to the gateway: what a play uses to say things no proper client says.

use crate::patiently;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        http::{HeaderName, HeaderValue, StatusCode},
        protocol::{
            WebSocketConfig,
            frame::{
                Frame,
                coding::{Data, OpCode},
            },
        },
    },
};

/// The largest frame that a client takes, as hello names it.
const FRAME_BYTES_MAX: usize = 26_214_400;

/// What came in.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// A text frame, as JSON.
    Frame(Value),
    /// The gateway closed the connection. A close frame without a code counts as 1005.
    Closed {
        /// The close code.
        code: u16,
        /// The reason that goes with it.
        reason: String,
    },
    /// The stream ended without a close frame.
    Gone,
}

/// One open socket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Opens a socket on loopback.
    pub async fn open(port: u16) -> Self {
        match Self::try_open(port, &[]).await {
            Ok(socket) => socket,
            Err(status) => panic!("the upgrade was answered with HTTP {status}"),
        }
    }

    /// Opens a socket with more HTTP headers.
    ///
    /// # Errors
    /// The HTTP status with which the gateway refused the upgrade.
    pub async fn try_open(port: u16, headers: &[(&str, &str)]) -> Result<Self, StatusCode> {
        match Self::upgrade(port, headers).await {
            Ok(socket) => Ok(socket),
            Err(tungstenite::Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("no WebSocket on port {port}: {error}"),
        }
    }

    /// Opens a socket to a gateway that may be gone; `None` when it is.
    pub async fn seek(port: u16) -> Option<Self> {
        Self::upgrade(port, &[]).await.ok()
    }

    async fn upgrade(port: u16, headers: &[(&str, &str)]) -> Result<Self, tungstenite::Error> {
        let mut request =
            format!("ws://127.0.0.1:{port}/").into_client_request().expect("that is a URL");
        for (name, value) in headers {
            request.headers_mut().insert(
                HeaderName::from_bytes(name.as_bytes()).expect("a play names real headers"),
                HeaderValue::from_str(value).expect("a play sends printable values"),
            );
        }
        // On the heap: it holds the state of a TLS handshake, which plays do not make.
        let limits = WebSocketConfig::default()
            .max_frame_size(Some(FRAME_BYTES_MAX))
            .max_message_size(Some(FRAME_BYTES_MAX));
        let opening = connect_async_with_config(request, Some(limits), false);
        let upgrade =
            patiently(Box::pin(opening), || format!("no answer to the upgrade on port {port}"));
        upgrade.await.map(|(stream, _)| Self { stream })
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string()).await;
    }

    /// Sends text that need not be a frame.
    pub async fn send_text(&mut self, text: &str) {
        // A gateway that has just refused this connection may be gone already; what it said before
        // is what the play asks for next.
        self.stream.send(Message::text(text)).await.ok();
    }

    /// Sends a binary message.
    pub async fn send_binary(&mut self, bytes: &[u8]) {
        self.stream.send(Message::binary(bytes.to_vec())).await.ok();
    }

    /// Sends the beginning of a text: the other side waits for the rest of it.
    pub async fn begin_text(&mut self, text: &str) {
        self.part(text, OpCode::Data(Data::Text), false).await;
    }

    /// Sends the rest of a text that was begun.
    pub async fn end_text(&mut self, text: &str) {
        self.part(text, OpCode::Data(Data::Continue), true).await;
    }

    async fn part(&mut self, text: &str, code: OpCode, last: bool) {
        let frame = Frame::message(text.to_owned().into_bytes(), code, last);
        self.stream.send(Message::Frame(frame)).await.ok();
    }

    /// Closes the connection in order.
    pub async fn close(mut self) {
        self.stream.close(None).await.ok();
    }

    /// The next thing that comes in; panics when nothing does.
    pub async fn next(&mut self) -> Incoming {
        patiently(self.read(), || "nothing came in".to_owned()).await
    }

    /// The next frame; panics when the connection ends instead.
    pub async fn frame(&mut self) -> Value {
        match self.next().await {
            Incoming::Frame(frame) => frame,
            ended => panic!("a frame was due, but the connection ended: {ended:?}"),
        }
    }

    async fn read(&mut self) -> Incoming {
        while let Some(message) = self.stream.next().await {
            match message {
                Ok(Message::Text(text)) => {
                    return Incoming::Frame(serde_json::from_str(&text).unwrap_or_else(|error| {
                        panic!("the gateway sent text that is not JSON ({error}): {text}")
                    }));
                }
                Ok(Message::Close(frame)) => {
                    return frame.map_or(
                        Incoming::Closed { code: 1005, reason: String::new() },
                        |frame| Incoming::Closed {
                            code: frame.code.into(),
                            reason: frame.reason.to_string(),
                        },
                    );
                }
                Ok(Message::Binary(_)) => panic!("the gateway sent a binary frame"),
                Ok(_) => {}
                Err(_) => return Incoming::Gone,
            }
        }
        Incoming::Gone
    }
}
