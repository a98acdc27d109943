//! The connections: who is there, the lines that come in, the lines that go out.
//!
//! Full cases: a client beyond the limit is turned away at once; a client that does not read fills
//! its own short queue, after which messages to it are sent back to the gateway.

use crate::line::{self, LINE_BYTES_MAX};
use jackfield_plugin_api::{
    Account,
    frame::Accepted,
    link::LinkState,
    tokio::{
        self,
        io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
        net::{
            TcpListener, TcpStream,
            tcp::{OwnedReadHalf, OwnedWriteHalf},
        },
        sync::{mpsc, oneshot, watch},
        time::sleep,
    },
    tracing,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

const CONNECTIONS_MAX: usize = 256;
const LINES_WAITING_MAX: usize = 64;
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Who is connected, and whether anybody may be.
pub(crate) struct People {
    outlets: Mutex<HashMap<String, Outlet>>,
    /// Every listening or serving task holds a receiver, so `closed` means that all have ended.
    open: watch::Sender<bool>,
}

impl People {
    pub(crate) fn new() -> Self {
        Self { outlets: Mutex::default(), open: watch::Sender::new(true) }
    }

    /// The way to a user; the newest connection where there are several.
    pub(crate) fn outlet(&self, user: &str) -> Option<Outlet> {
        self.outlets().get(user).cloned()
    }

    pub(crate) fn count(&self) -> usize {
        self.outlets().len()
    }

    /// Ends the listener and all connections, and waits until they have ended.
    pub(crate) async fn close(&self) {
        self.open.send_replace(false);
        self.open.closed().await;
    }

    pub(crate) fn reopen(&self) {
        self.open.send_replace(true);
    }

    fn enter(&self, user: &str, outlet: Outlet) {
        self.outlets().insert(user.to_owned(), outlet);
    }

    fn leave(&self, user: &str, outlet: &Outlet) {
        let mut outlets = self.outlets();
        if outlets.get(user).is_some_and(|newest| newest.0.same_channel(&outlet.0)) {
            outlets.remove(user);
        }
    }

    fn outlets(&self) -> MutexGuard<'_, HashMap<String, Outlet>> {
        self.outlets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts clients until the people are closed.
pub(crate) async fn listen(listener: TcpListener, account: Account, people: Arc<People>) {
    let mut open = people.open.subscribe();
    let place = listener.local_addr().map(|address| format!("listening on {address}"));
    let place = place.unwrap_or_default();
    loop {
        let accepted = tokio::select! {
            _ = open.wait_for(|open| !open) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, _)) if people.open.receiver_count() <= CONNECTIONS_MAX => {
                let task = serve(
                    socket,
                    account.clone(),
                    Arc::clone(&people),
                    open.clone(),
                    place.clone(),
                );
                account.host().spawn(task);
            }
            Ok(_) => tracing::warn!(CONNECTIONS_MAX, "too many connections; one was turned away"),
            Err(error) => {
                // Mostly a lack of file descriptors: others must close first.
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

async fn serve(
    socket: TcpStream,
    account: Account,
    people: Arc<People>,
    mut open: watch::Receiver<bool>,
    place: String,
) {
    let (reading, writing) = socket.into_split();
    let outlet = Outlet::new(&account, writing);
    let mut lines = BufReader::new(reading);
    let Some(first) = next_line(&mut lines, &mut open).await else { return };
    let Some(user) = line::user(&first) else {
        let _ = outlet.write("ERR say HELLO and one word, your name".to_owned()).await;
        return;
    };
    people.enter(user, outlet.clone());
    // The host tries again what could not be sent while they were away.
    let open_still = *open.borrow();
    if open_still {
        account.link(LinkState::Connected, place).await;
    }
    while let Some(text) = next_line(&mut lines, &mut open).await {
        let answer = take(&text, user, &account).await;
        if outlet.write(answer).await.is_err() {
            break;
        }
    }
    people.leave(user, &outlet);
}

/// Hands one line to the gateway. `ACK` only once it is stored: until then it is the client's.
async fn take(text: &str, user: &str, account: &Account) -> String {
    let Some((id, text)) = line::message(text) else {
        return "ERR a message is an id, a space and a text".to_owned();
    };
    let event = line::event(user, id, text);
    match account.emit(format!("{user}:{id}"), None, event).await {
        Ok(Accepted::Stored | Accepted::Duplicate) => format!("ACK {id}"),
        _ => format!("BUSY {id}"),
    }
}

/// The next line without its end; `None` at the end, when the people close, and for a line too long.
async fn next_line(
    lines: &mut BufReader<OwnedReadHalf>,
    open: &mut watch::Receiver<bool>,
) -> Option<String> {
    let mut line = String::new();
    let mut limited = lines.take(LINE_BYTES_MAX);
    let read = tokio::select! {
        _ = open.wait_for(|open| !open) => return None,
        read = limited.read_line(&mut line) => read.ok()?,
    };
    let text = line.strip_suffix('\n')?;
    (read > 0).then(|| text.strip_suffix('\r').unwrap_or(text).to_owned())
}

/// The way to one client: lines are written whole and in order by a task of their own.
#[derive(Clone)]
pub(crate) struct Outlet(mpsc::Sender<(String, oneshot::Sender<()>)>);

/// Why a line did not go out.
pub(crate) enum Unwritten {
    /// Not one byte of it left.
    NotTaken,
    /// Some of it may have left.
    Broken,
}

impl Outlet {
    fn new(account: &Account, mut socket: OwnedWriteHalf) -> Self {
        let (lines, mut waiting) =
            mpsc::channel::<(String, oneshot::Sender<()>)>(LINES_WAITING_MAX);
        account.host().spawn(async move {
            while let Some((line, written)) = waiting.recv().await {
                if socket.write_all(format!("{line}\n").as_bytes()).await.is_err() {
                    return;
                }
                let _ = written.send(()); // its sender may have run out of patience
            }
        });
        Self(lines)
    }

    pub(crate) async fn write(&self, line: String) -> Result<(), Unwritten> {
        let (written, done) = oneshot::channel();
        self.0.try_send((line, written)).map_err(|_| Unwritten::NotTaken)?;
        done.await.map_err(|_| Unwritten::Broken)
    }
}
