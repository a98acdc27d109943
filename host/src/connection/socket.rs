//! The WebSocket itself: limits, batching, an orderly end. Must not know what a frame says.

use crate::{
    events::Close,
    protocol::{CLOSE_REASON_BYTES_MAX, FRAME_BYTES_MAX, HANDSHAKE_BYTES_MAX},
};
use futures_util::{FutureExt, SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::{
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Bytes, Error, Message,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

/// Grace between our close frame and the end of the TCP connection.
const CLOSE_GRACE: Duration = Duration::from_secs(1);
/// First size of the read buffer; it grows with what arrives. Decides what an idle client costs.
const READ_BUFFER: usize = 4 << 10;
/// A write ends the connection when in this time less than [`PACE_BYTES`] goes out.
const PACE: Duration = Duration::from_secs(10);
/// Slower than this a large frame would take hours.
const PACE_BYTES: u64 = 64 << 10;
/// Text collected before it is written without being flushed.
const WRITE_BUFFER: usize = 32 << 10;

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    /// A frame of text (or bytes, read as text).
    Text(String),
    /// A sign of life.
    Pong,
    /// A frame beyond the limit.
    TooLarge,
    /// The other side is gone.
    Gone,
}

/// Bytes that went each way.
#[derive(Debug, Default)]
pub struct Moved {
    heard: AtomicU64,
    said: AtomicU64,
}

impl Moved {
    /// Bytes that came in: a large frame is a sign of life long before it is whole.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Waits for a write for as long as it gets on. `None` when it does not: a client that takes a
    /// large frame slowly is served, one that takes nothing is not waited for.
    pub async fn in_pace<T>(&self, writing: impl Future<Output = T>) -> Option<T> {
        let mut writing = pin!(writing);
        loop {
            let before = self.said.load(Ordering::Relaxed);
            match tokio::time::timeout(PACE, &mut writing).await {
                Ok(written) => return Some(written),
                Err(_) if self.said.load(Ordering::Relaxed) < before + PACE_BYTES => return None,
                Err(_) => {}
            }
        }
    }
}

/// Sizes of what a socket takes and keeps.
#[must_use]
pub fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX))
}

/// The socket.
pub struct Socket {
    stream: WebSocketStream<Metered<TokioIo<Upgraded>>>,
    moved: Arc<Moved>,
}

impl Socket {
    /// Takes an upgraded connection over. Until [`Socket::lift`] it takes few bytes.
    pub async fn new(upgraded: Upgraded) -> Self {
        let moved = Arc::<Moved>::default();
        let left = Some(HANDSHAKE_BYTES_MAX);
        let io = Metered { io: TokioIo::new(upgraded), left, moved: Arc::clone(&moved) };
        let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(limits())).await;
        Self { stream, moved }
    }

    /// What went each way so far.
    #[must_use]
    pub fn moved(&self) -> Arc<Moved> {
        Arc::clone(&self.moved)
    }

    /// Ends the limit on bytes before the hello.
    pub fn lift(&mut self) {
        self.stream.get_mut().left = None;
    }

    /// The next thing that comes in. Safe to drop half-way.
    pub async fn next(&mut self) -> Incoming {
        loop {
            let message = self.stream.next().await;
            if let Some(incoming) = sort(message) {
                return incoming;
            }
        }
    }

    /// The next thing that is already there, without waiting.
    pub fn next_ready(&mut self) -> Option<Incoming> {
        loop {
            let message = self.stream.next().now_or_never()?;
            if let Some(incoming) = sort(message) {
                return Some(incoming);
            }
        }
    }

    /// Queues a text frame for the next flush; waits only when the buffer is full.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn feed(&mut self, text: String) -> Result<(), Error> {
        self.stream.feed(Message::text(text)).await
    }

    /// Writes what is queued.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.stream.flush().await
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn ping(&mut self) -> Result<(), Error> {
        self.stream.send(Message::Ping(Bytes::new())).await
    }

    /// Ends the connection: our close frame, a second for the other side's, then TCP.
    pub async fn end(mut self, close: Option<Close>) {
        let frame = close.filter(|c| c.code != 1006).map(|close| CloseFrame {
            code: CloseCode::from(close.code),
            reason: cut(&close.reason).to_owned().into(),
        });
        let farewell = async {
            // Fails when the other side closed first; reading on is what sends the reply it waits for.
            let _ = self.stream.close(frame).await;
            while let Some(Ok(_)) = self.stream.next().await {}
        };
        let _ = tokio::time::timeout(CLOSE_GRACE, farewell).await;
    }
}

fn sort(message: Option<Result<Message, Error>>) -> Option<Incoming> {
    match message {
        Some(Ok(Message::Text(text))) => Some(Incoming::Text(text.as_str().to_owned())),
        Some(Ok(Message::Binary(bytes))) => {
            Some(Incoming::Text(String::from_utf8_lossy(&bytes).into_owned()))
        }
        Some(Ok(Message::Pong(_))) => Some(Incoming::Pong),
        Some(Ok(Message::Ping(_) | Message::Frame(_))) => None,
        Some(Err(Error::Capacity(_))) => Some(Incoming::TooLarge),
        Some(Err(Error::Io(error))) if error.kind() == io::ErrorKind::QuotaExceeded => {
            Some(Incoming::TooLarge)
        }
        Some(Ok(Message::Close(_)) | Err(_)) | None => Some(Incoming::Gone),
    }
}

/// Cuts a close reason to what WebSocket allows, at a character's end.
fn cut(reason: &str) -> &str {
    let end = (0..=reason.len().min(CLOSE_REASON_BYTES_MAX))
        .rev()
        .find(|at| reason.is_char_boundary(*at));
    &reason[..end.unwrap_or(0)]
}

/// Counts what goes each way, and limits what a client sends before its hello.
struct Metered<S> {
    io: S,
    left: Option<usize>,
    moved: Arc<Moved>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        let read = buf.filled().len() - before;
        self.moved.heard.fetch_add(read as u64, Ordering::Relaxed);
        match &mut self.left {
            Some(left) if read > *left => Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into())),
            Some(left) => {
                *left -= read;
                polled
            }
            None => polled,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, buf);
        if let Poll::Ready(Ok(written)) = polled {
            self.moved.said.fetch_add(written as u64, Ordering::Relaxed);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slow_write_is_waited_for_and_a_stuck_one_is_not() {
        let moved = Moved::default();
        let slow = async {
            for _ in 0..20 {
                tokio::time::sleep(PACE / 2).await;
                moved.said.fetch_add(PACE_BYTES, Ordering::Relaxed);
            }
        };
        assert_eq!(moved.in_pace(slow).await, Some(()));
        let drops = async {
            loop {
                tokio::time::sleep(PACE / 2).await;
                moved.said.fetch_add(1, Ordering::Relaxed);
            }
        };
        assert_eq!(moved.in_pace::<()>(drops).await, None);
        assert_eq!(moved.in_pace(std::future::pending::<()>()).await, None);
    }

    #[test]
    fn a_reason_is_cut_at_a_characters_end() {
        let long = format!("{}é", "x".repeat(CLOSE_REASON_BYTES_MAX - 1));
        assert_eq!(cut(&long).len(), CLOSE_REASON_BYTES_MAX - 1);
        assert_eq!(cut("short"), "short");
    }
}
