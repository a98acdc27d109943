//! What comes in: the platform's feed from a place on, handed to the gateway in order.
//!
//! A line is acknowledged by nothing but the place that is asked for next time. Full case: lines that
//! came together are handed over together, at most a window of them.

use crate::files;
use jackfield_plugin_api::{
    Account, HostGone,
    event::{ConversationKind, Event, InboundMessage, Place, Sender},
    frame::{Accepted, Cursor},
    tokio::{
        self,
        io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
        net::TcpStream,
        sync::watch,
        time::sleep,
    },
};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

const TOGETHER_MAX: usize = 32;
const PAUSE: Duration = Duration::from_millis(50);

/// The reader of the feed.
pub(crate) struct Feed {
    account: Account,
    server: String,
    /// The last place that the gateway has stored.
    place: AtomicU64,
    /// Every reading task holds a receiver, so `closed` means that all have ended.
    open: watch::Sender<bool>,
}

struct Line {
    place: u64,
    user: String,
    text: String,
}

impl Feed {
    pub(crate) fn new(account: Account, server: String, place: u64) -> Self {
        Self { account, server, place: AtomicU64::new(place), open: watch::Sender::new(true) }
    }

    pub(crate) fn place(&self) -> u64 {
        self.place.load(Ordering::Relaxed)
    }

    /// Lets go of the feed, after the lines that are being stored.
    pub(crate) async fn close(&self) {
        self.open.send_replace(false);
        self.open.closed().await;
    }

    /// Someone may follow it again; the receiver must be made before the task.
    pub(crate) fn reopen(&self) -> watch::Receiver<bool> {
        self.open.send_replace(true);
        self.open.subscribe()
    }

    /// Follows the feed until it is closed.
    pub(crate) async fn follow(&self, mut open: watch::Receiver<bool>) {
        loop {
            // A broken connection and a refused line both begin again after the last stored place.
            let _ = self.follow_once(&mut open).await;
            if !*open.borrow() {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    async fn follow_once(&self, open: &mut watch::Receiver<bool>) -> Option<()> {
        let mut socket = TcpStream::connect(&self.server).await.ok()?;
        socket.write_all(format!("FEED {}\n", self.place()).as_bytes()).await.ok()?;
        let mut lines = BufReader::new(socket);
        loop {
            let first = tokio::select! {
                biased;
                _ = open.wait_for(|open| !open) => return None,
                line = next_line(&mut lines) => line?,
            };
            let mut together = vec![first];
            while together.len() < TOGETHER_MAX && lines.buffer().contains(&b'\n') {
                together.push(next_line(&mut lines).await?);
            }
            self.hand_over(together).await?;
        }
    }

    /// All at once, in their order; the place moves over those that are stored without a gap.
    async fn hand_over(&self, lines: Vec<Line>) -> Option<()> {
        let tasks: Vec<_> = lines
            .into_iter()
            .map(|line| (line.place, tokio::spawn(emit(self.account.clone(), line))))
            .collect();
        let mut whole = true;
        for (place, task) in tasks {
            let stored = matches!(task.await, Ok(Ok(Accepted::Stored | Accepted::Duplicate)));
            whole &= stored;
            if whole {
                self.place.store(place, Ordering::Relaxed);
            }
        }
        whole.then_some(())
    }
}

async fn next_line(lines: &mut BufReader<TcpStream>) -> Option<Line> {
    let mut line = String::new();
    lines.read_line(&mut line).await.ok()?;
    let mut words = line.strip_suffix('\n')?.splitn(3, ' ');
    let place = words.next()?.parse().ok()?;
    Some(Line { place, user: words.next()?.to_owned(), text: words.next()?.to_owned() })
}

async fn emit(account: Account, line: Line) -> Result<Accepted, HostGone> {
    let Line { place, user, text } = line;
    let (attachments, text) = files::announced(text);
    let event = Event::Message(InboundMessage {
        place: Place {
            conversation: user.as_str().into(),
            kind: ConversationKind::Direct,
            title: None,
            thread: None,
        },
        sender: Sender {
            id: user.as_str().into(),
            name: None,
            username: None,
            bot: false,
            own: false,
        },
        message: place.to_string().as_str().into(),
        text,
        attachments,
        reply_to: None,
        mentioned: false,
        sent_at_ms: None,
    });
    let cursor = Cursor { stream: String::new(), value: place.to_string() };
    account.emit(format!("{user}:{place}"), Some(cursor), event).await
}
