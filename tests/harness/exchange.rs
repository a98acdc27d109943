//! The platform of the stand-in channel: a feed of numbered messages with one reader at a time, and
//! a counter that writes down what is sent, in the order in which it comes.

use crate::eventually;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// The platform. It ends with the play.
pub struct Exchange {
    /// Where it listens.
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    book: Mutex<Book>,
    grown: watch::Sender<()>,
}

#[derive(Default)]
struct Book {
    feed: Vec<(String, String)>,
    sent: Vec<(String, String)>,
    keys: HashSet<String>,
    repeats: Vec<String>,
    /// Name → its bytes; without any, the platform has lost it.
    files: HashMap<String, Option<Vec<u8>>>,
    /// Names that were asked for, each time.
    wanted: Vec<String>,
    readers: usize,
    readers_most: usize,
}

impl Exchange {
    /// Opens on a free port.
    pub async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared::default());
        let all = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&all)));
            }
        });
        Self { port, shared }
    }

    /// Somebody writes to the assistant.
    pub fn publish(&self, user: &str, text: &str) {
        self.shared.book().feed.push((user.to_owned(), text.to_owned()));
        self.shared.grown.send_replace(());
    }

    /// What a user was sent, of the texts that begin with `prefix`, in the order in which it came.
    #[must_use]
    pub fn sent(&self, user: &str, prefix: &str) -> Vec<String> {
        let book = self.shared.book();
        let mine = book.sent.iter().filter(|(to, text)| to == user && text.starts_with(prefix));
        mine.map(|(_, text)| text.clone()).collect()
    }

    /// How many messages were sent to anybody.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.book().sent.len()
    }

    /// Waits until that many messages were sent to a user.
    pub async fn heard(&self, user: &str, prefix: &str, count: usize) -> Vec<String> {
        eventually("the platform is sent all that is due", async || {
            let sent = self.sent(user, prefix);
            (sent.len() >= count).then_some(sent)
        })
        .await
    }

    /// Texts that came under a key that had come before.
    #[must_use]
    pub fn repeats(&self) -> Vec<String> {
        self.shared.book().repeats.clone()
    }

    /// Keeps a file for whoever asks for it by its name; without bytes it is lost.
    pub fn keep(&self, name: &str, bytes: Option<&[u8]>) {
        self.shared.book().files.insert(name.to_owned(), bytes.map(<[u8]>::to_vec));
    }

    /// How often a file was asked for.
    #[must_use]
    pub fn wanted(&self, name: &str) -> usize {
        self.shared.book().wanted.iter().filter(|wanted| *wanted == name).count()
    }

    /// How many have ever followed the feed at one time.
    #[must_use]
    pub fn readers_most(&self) -> usize {
        self.shared.book().readers_most
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(socket: TcpStream, shared: Arc<Shared>) {
    let mut lines = BufReader::new(socket);
    let mut first = String::new();
    if lines.read_line(&mut first).await.is_err() {
        return;
    }
    match first.trim_end().split_once(' ') {
        Some(("FEED", from)) => {
            let from = from.parse().expect("a place is a number");
            read_along(true, &shared);
            feed(lines.into_inner(), from, &shared).await;
            read_along(false, &shared);
        }
        Some(("GET", name)) => {
            let answer = file(name, &shared);
            // Whoever asked may have gone.
            lines.get_mut().write_all(&answer).await.ok();
        }
        _ => take(lines, &shared).await,
    }
}

/// `HAVE <bytes>` and them, `GONE .`, or `LATER .` for what nobody has yet.
fn file(name: &str, shared: &Shared) -> Vec<u8> {
    let mut book = shared.book();
    book.wanted.push(name.to_owned());
    match book.files.get(name) {
        Some(Some(bytes)) => [format!("HAVE {}\n", bytes.len()).as_bytes(), bytes].concat(),
        Some(None) => b"GONE .\n".to_vec(),
        None => b"LATER .\n".to_vec(),
    }
}

fn read_along(comes: bool, shared: &Shared) {
    let mut book = shared.book();
    book.readers = if comes { book.readers + 1 } else { book.readers - 1 };
    book.readers_most = book.readers_most.max(book.readers);
}

/// Sends every line after `from`, now and as they come, until the reader is gone.
async fn feed(mut socket: TcpStream, from: usize, shared: &Shared) {
    let mut grown = shared.grown.subscribe();
    let mut place = from;
    let mut nothing = [0_u8; 1];
    loop {
        let new: Vec<(String, String)> = shared.book().feed.iter().skip(place).cloned().collect();
        for (user, text) in new {
            place += 1;
            let line = format!("{place} {user} {text}\n");
            if socket.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
        tokio::select! {
            _ = grown.changed() => {}
            // A reader says nothing; what can be read is its end.
            _ = tokio::io::AsyncReadExt::read(&mut socket, &mut nothing) => return,
        }
    }
}

/// Takes `<key> <user> <text>` lines and numbers them.
async fn take(mut lines: BufReader<TcpStream>, shared: &Shared) {
    loop {
        let mut line = String::new();
        if !matches!(lines.read_line(&mut line).await, Ok(1..)) {
            return;
        }
        let mut words = line.trim_end().splitn(3, ' ');
        let (Some(key), Some(user), Some(text)) = (words.next(), words.next(), words.next()) else {
            panic!("the stand-in sent a line that is none: {line:?}");
        };
        let number = {
            let mut book = shared.book();
            if !book.keys.insert(key.to_owned()) {
                book.repeats.push(text.to_owned());
            }
            book.sent.push((user.to_owned(), text.to_owned()));
            book.sent.len()
        };
        if lines.get_mut().write_all(format!("OK {number}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}
