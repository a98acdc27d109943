//! The plugin's own runtime: one thread, one tokio `current_thread` runtime, nothing shared.
//!
//! [`launch`] starts the thread; the host's calls end up in [`Running`]. Inside, `engine` reads what
//! the host delivers, `work` runs the author's methods behind `wall`, `ledger` keeps the credit and
//! `outbox` carries answers and events back in order.
//!
//! Must not know: the binary interface (that is `export`), nor any platform.

pub(crate) mod engine;
pub(crate) mod ledger;
pub(crate) mod outbox;
mod settings;
pub(crate) mod wall;
mod work;

#[cfg(test)]
mod tests;

use crate::{
    abi::Status,
    channel::Channel,
    error::PluginError,
    frame::{HostFrame, Init, PluginFrame},
};
use outbox::Port;
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc::RecvTimeoutError},
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// Most credit a host may give; beyond it a bounded queue would not be worth its name.
const WINDOW_MAX: u32 = 1024;
/// Room for frames that need no credit: control, pings, requests.
const SLACK: usize = 64;

/// What the plugin says of itself in its first frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) id: &'static str,
    pub(crate) version: &'static str,
}

/// The credit of one direction, from what the host offered.
pub(crate) fn window(init: &Init) -> usize {
    init.window.clamp(1, WINDOW_MAX) as usize
}

/// Places in the queue behind `deliver`: a window of messages, a window of answers to events, slack.
pub(crate) fn inbox_places(init: &Init) -> usize {
    2 * window(init) + SLACK
}

/// A started runtime as the host's calls reach it, from any thread.
pub(crate) struct Running {
    inbox: mpsc::Sender<HostFrame>,
    close: watch::Sender<Option<Duration>>,
    thread: Mutex<Option<Thread>>,
}

struct Thread {
    handle: JoinHandle<()>,
    /// Disconnects when the thread's work is over; `JoinHandle` has no join with a deadline.
    ended: std::sync::mpsc::Receiver<()>,
}

/// Starts the thread, named after the plugin.
pub(crate) fn launch<C: Channel>(
    identity: Identity,
    init: &Init,
    port: Arc<dyn Port>,
) -> io::Result<Running> {
    let (inbox, delivered) = mpsc::channel(inbox_places(init));
    let (close, closing) = watch::channel(None);
    let (alive, ended) = std::sync::mpsc::channel::<()>();
    let own = init.clone();
    let handle = thread::Builder::new().name(init.id.clone()).spawn(move || {
        let work = || live::<C>(identity, &own, Arc::clone(&port), delivered, closing);
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => report(&*port, format!("cannot start a runtime: {error}")),
            Err(panic) => report(&*port, format!("panicked: {}", wall::panic_text(&*panic))),
        }
        port.release();
        drop(alive);
    })?;
    Ok(Running { inbox, close, thread: Mutex::new(Some(Thread { handle, ended })) })
}

fn live<C: Channel>(
    identity: Identity,
    init: &Init,
    port: Arc<dyn Port>,
    inbox: mpsc::Receiver<HostFrame>,
    closing: watch::Receiver<Option<Duration>>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(engine::run::<C>(identity, init, port, inbox, closing));
    // Tasks are dropped here; a blocking task that does not end is left behind, not waited for.
    runtime.shutdown_background();
    Ok(())
}

/// Last words from outside the runtime, offered once: there is no clock left to try again with.
fn report(port: &dyn Port, text: String) {
    let frame = PluginFrame::Fatal { error: PluginError::new(text) };
    if let Ok(bytes) = serde_json::to_vec(&frame) {
        port.emit(&bytes);
    }
}

impl Running {
    /// Takes one frame without blocking. `FULL`: the queue has no place, offer it again.
    pub(crate) fn deliver(&self, bytes: &[u8]) -> Status {
        let Ok(frame) = serde_json::from_slice(bytes) else { return Status::BAD_FRAME };
        match self.inbox.try_send(frame) {
            Ok(()) => Status::OK,
            Err(mpsc::error::TrySendError::Full(_)) => Status::FULL,
            Err(mpsc::error::TrySendError::Closed(_)) => Status::CLOSED,
        }
    }

    /// Ends the runtime and waits up to `deadline` for its thread. `FULL`: it did not end and was
    /// left behind.
    pub(crate) fn close(&self, deadline: Duration) -> Status {
        self.close.send_replace(Some(deadline));
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Thread { handle, ended }) = thread.take() else { return Status::OK };
        if ended.recv_timeout(deadline) == Err(RecvTimeoutError::Timeout) {
            *thread = Some(Thread { handle, ended });
            return Status::FULL;
        }
        // Nothing but the end of the thread itself is left to wait for.
        if handle.join().is_err() { Status::PANICKED } else { Status::OK }
    }
}
