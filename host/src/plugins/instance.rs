//! Carries frames to a plugin inside the gateway: one thread of its own makes every call into it.
//!
//! In-process means that this code is part of the gateway: a fault in it is a fault of ours. What
//! can be contained is: panics are caught on both sides, a call that never returns costs its thread
//! and nothing else, late calls find a closed door. Must not know: when a plugin shall start or
//! end.

use super::{
    Refusal,
    callbacks::{Door, Port},
    carrier::{Carrier, Exit, INCOMING_MAX, Incoming, OUTGOING_MAX, Outgoing, decode},
    library::{self, Expected, Module, Opened},
    log::{self, PluginLog, Record, join_fields},
    runner::{CLOSE_MS, Order},
};
use jackfield_plugin_api::abi::{FLAG_UNWIND, LogRecord, Status};
use std::{io, path::Path, sync::Arc, thread, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Images of retired and running plugins that one gateway process may hold. They are never
/// unmapped.
const IMAGES_MAX: usize = 32;
const FULL_WAIT_FIRST: Duration = Duration::from_millis(1);
const FULL_WAIT_LONGEST: Duration = Duration::from_millis(50);

/// Starts a thread that opens and runs the plugin.
pub(super) fn launch(order: Order, log: &Arc<PluginLog>) -> io::Result<Carrier> {
    let (outgoing, to_plugin) = mpsc::channel(OUTGOING_MAX);
    let (from_plugin, incoming) = mpsc::channel(INCOMING_MAX);
    let kill = CancellationToken::new();
    let port =
        Arc::new(Inward { queue: from_plugin.clone(), kill: kill.clone(), log: log.clone() });
    let life = Life { order, port, to_plugin, from_plugin, kill: kill.clone() };
    thread::Builder::new()
        .name(format!("plugin-{}", life.order.init.id))
        .spawn(move || life.run())?;
    Ok(Carrier { outgoing, incoming, pid: None, kill })
}

struct Life {
    order: Order,
    port: Arc<Inward>,
    to_plugin: mpsc::Receiver<Outgoing>,
    from_plugin: mpsc::Sender<Incoming>,
    kill: CancellationToken,
}

impl Life {
    fn run(mut self) {
        let door = Door::open(self.port.clone());
        let last = match self.open(&door) {
            Ok(instance) => Incoming::Ended(self.serve(instance)),
            Err(refusal) => Incoming::Refused(refusal),
        };
        drop(door);
        // The supervisor may have given this life up.
        let _ = self.from_plugin.blocking_send(last);
    }

    fn open(&mut self, door: &Door) -> Result<Opened, Refusal> {
        let order = &self.order;
        let file = || order.shown.clone();
        let module = load(&order.library, order)?;
        // Without room nobody listens any more; the next step finds out.
        let _ = self.from_plugin.blocking_send(Incoming::Loaded(Vec::new()));
        let init = serde_json::to_vec(&order.init).map_err(|error| Refusal::Host {
            file: file(),
            detail: format!("cannot be given its start: {error}"),
        })?;
        let failed = |text| Refusal::FailedToStart { file: file(), text, setting: None };
        module.open(door, &init).map_err(failed)
    }

    fn serve(&mut self, instance: Opened) -> Exit {
        let fault = loop {
            match self.to_plugin.blocking_recv() {
                Some(Outgoing::Frame { bytes, ticket, credit }) => {
                    if ticket.is_some_and(|ticket| !ticket.dispatch()) {
                        continue;
                    }
                    let outcome = deliver(instance, &bytes, &self.kill);
                    drop(credit);
                    if let Some(fault) = outcome {
                        break Some(fault);
                    }
                }
                Some(Outgoing::Close) | None => break None,
            }
        };
        self.to_plugin.close();
        match (instance.close(CLOSE_MS), fault) {
            (_, Some(fault)) => Exit::Fault(fault),
            (Status::PANICKED, None) => Exit::Fault("panicked while closing".to_owned()),
            (Status::OK | Status::CLOSED, None) => Exit::Closed,
            (_, None) => Exit::Lost,
        }
    }
}

/// Opens the library with the checks that matter only when it shares our process.
fn load(path: &Path, order: &Order) -> Result<Module, Refusal> {
    let file = || order.shown.clone();
    let images = library::images();
    if images >= IMAGES_MAX && !library::is_mapped(path) {
        return Err(Refusal::TooManyImages { file: file(), images });
    }
    let expected = Expected { id: &order.init.id, version: &order.version, shown: &order.shown };
    let module = library::open(path, &expected)?;
    if module.flags() & FLAG_UNWIND == 0 {
        return Err(Refusal::NoUnwind { file: file() });
    }
    Ok(module)
}

/// Hands one frame over, waiting while the plugin's queue is full; a text ends this life.
fn deliver(instance: Opened, bytes: &[u8], kill: &CancellationToken) -> Option<String> {
    let mut wait = FULL_WAIT_FIRST;
    loop {
        if kill.is_cancelled() {
            return Some("was ended".to_owned());
        }
        match instance.deliver(bytes) {
            Status::OK | Status::BAD_FRAME => return None,
            Status::FULL => {
                thread::sleep(wait);
                wait = (wait * 2).min(FULL_WAIT_LONGEST);
            }
            Status::CLOSED => return Some("closed itself".to_owned()),
            Status::PANICKED => return Some("panicked".to_owned()),
            other => return Some(format!("answered a call with status {}", other.0)),
        }
    }
}

/// What the plugin's calls reach: the bounded queue to its supervisor, and the log.
struct Inward {
    queue: mpsc::Sender<Incoming>,
    kill: CancellationToken,
    log: Arc<PluginLog>,
}

impl Port for Inward {
    fn emit(&self, frame: &[u8]) -> Status {
        if self.kill.is_cancelled() {
            return Status::CLOSED;
        }
        let Ok(frame) = decode(frame) else { return Status::BAD_FRAME };
        match self.queue.try_send(Incoming::Frame(Box::new(frame))) {
            Ok(()) => Status::OK,
            Err(mpsc::error::TrySendError::Full(_)) => Status::FULL,
            Err(mpsc::error::TrySendError::Closed(_)) => Status::CLOSED,
        }
    }

    fn log_enabled(&self, level: u8) -> bool {
        log::enabled(level)
    }

    fn log(&self, record: &LogRecord<'_>) {
        let fields = record.fields.iter().map(|pair| (pair.0.as_str(), pair.1.as_str()));
        self.log.record(Record {
            level: record.level,
            origin: record.target.as_str(),
            message: record.message.as_str(),
            fields: &join_fields(fields),
            span: record.span.as_str(),
        });
    }
}
