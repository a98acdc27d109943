//! The loop that reads what the host delivers. It never waits for an author's code: everything that
//! may take time is a task of its own, so pings and answers to events are served meanwhile. (A call
//! that blocks the thread stops them, which is how the host notices.)

use super::{
    Identity, inbox_places,
    ledger::Ledger,
    outbox::{Port, pump},
    settings, window,
    work::Work,
};
use crate::{
    abi::PROTOCOL,
    channel::{Channel, Resume},
    error::PluginError,
    fetch::{FEATURE_FETCH, FEATURE_RECONCILE, Fetch},
    frame::{HostFrame, Init, PluginFrame, State},
    host::{Host, Shared},
    runtime::wall::wall,
};
use serde_json::Value;
use std::{
    future::Future,
    path::PathBuf,
    pin::pin,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{Mutex, mpsc, watch},
    task::{AbortHandle, JoinHandle},
    time::{Instant, sleep_until, timeout},
};

/// How long an end asked for by a `stop` frame may take; `close` brings its own deadline.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Lives one life of the plugin, from `hello` to the last frame.
pub(crate) async fn run<C: Channel>(
    identity: Identity,
    init: &Init,
    port: Arc<dyn Port>,
    mut inbox: mpsc::Receiver<HostFrame>,
    mut closing: watch::Receiver<Option<Duration>>,
) {
    let (outbox, frames) = mpsc::channel(inbox_places(init));
    let ledger = Arc::new(Ledger::new(window(init)));
    let (ending, over) = watch::channel(false);
    let mut pump = tokio::spawn(pump(port, frames, Arc::clone(&ledger), over));
    let shared = Arc::new(Shared {
        id: init.id.clone(),
        state_dir: init.state_dir.clone().map(PathBuf::from),
        outbox,
        ledger,
        shutdown: watch::Sender::new(false),
        tasks: Handle::current(),
    });
    let mut engine = Engine::<C>::new(identity, shared, window(init));
    engine.say_hello();
    let patience = loop {
        tokio::select! {
            biased;
            deadline = closing.wait_for(Option::is_some) => {
                // A closer that vanished without a word leaves nobody to be patient for.
                break deadline.ok().and_then(|d| *d).unwrap_or_default();
            }
            _ = &mut pump => break STOP_PATIENCE, // the host closed
            frame = inbox.recv() => match frame {
                Some(HostFrame::Stop) | None => break STOP_PATIENCE,
                Some(frame) => engine.take(frame),
            },
        }
    };
    engine.end(&mut inbox, &mut closing, patience, &ending, &mut pump).await;
}

struct Engine<C> {
    identity: Identity,
    shared: Arc<Shared>,
    channel: Arc<OnceLock<Arc<C>>>,
    work: Work,
    started: bool,
    /// Keeps control calls (`drain`, `resume`, `export`, `configure`) one after another.
    turn: Arc<Mutex<()>>,
    draining: Option<AbortHandle>,
}

impl<C: Channel> Engine<C> {
    fn new(identity: Identity, shared: Arc<Shared>, window: usize) -> Self {
        Self {
            identity,
            work: Work::new(Arc::clone(&shared), window),
            shared,
            channel: Arc::default(),
            started: false,
            turn: Arc::default(),
            draining: None,
        }
    }

    fn say_hello(&self) {
        let hello = PluginFrame::Hello {
            protocol: PROTOCOL.to_owned(),
            id: self.identity.id.to_owned(),
            version: self.identity.version.to_owned(),
            features: vec![FEATURE_FETCH.to_owned(), FEATURE_RECONCILE.to_owned()],
        };
        self.shared.outbox.try_send(hello).expect("the queue is new, so it has a place");
    }

    fn take(&mut self, frame: HostFrame) {
        match frame {
            HostFrame::EventAck { id, accepted } => self.shared.ledger.answer(id, accepted),
            HostFrame::Ping { n } => self.work.answer(PluginFrame::Pong { n }),
            HostFrame::Start { config, state, cursors, epoch } => {
                // A version that had nothing to hand over says so with schema 0 and null.
                let state = state.filter(|s| s.schema != 0 || !s.data.is_null());
                self.start(config, Resume { state, cursors }, epoch);
            }
            HostFrame::Msg { seq, idem_key, attempt, timeout_ms, body } => {
                let channel = self.channel.get().cloned();
                self.work.send(channel, seq, (idem_key, attempt, timeout_ms, body));
            }
            HostFrame::Http { req_id, request } => {
                self.work.http(self.channel.get().cloned(), req_id, request);
            }
            HostFrame::Probe { req_id, account } => {
                self.work.probe(self.channel.get().cloned(), req_id, account);
            }
            HostFrame::Fetch { req_id, account, handle, path, bytes_max } => {
                let wanted = Fetch { account, handle, path, bytes_max };
                self.work.fetch(self.channel.get().cloned(), req_id, wanted);
            }
            HostFrame::Reconcile { req_id, idem_key, attempt, body } => {
                let channel = self.channel.get().cloned();
                self.work.reconcile(channel, req_id, (idem_key, attempt, 0, body));
            }
            HostFrame::Drain { epoch } => self.drain(epoch),
            HostFrame::Resume { .. } => self.resume(),
            HostFrame::Export { epoch } => self.export(epoch),
            HostFrame::Config { config } => self.configure(config),
            HostFrame::Hello { protocol, host, features } => {
                tracing::debug!(protocol, host, ?features, "the host says hello");
            }
            HostFrame::Stop => {} // read by the loop itself
            HostFrame::Unknown => {
                tracing::debug!("the host sent a frame this plugin does not know");
            }
        }
    }

    fn start(&mut self, config: Value, resume: Resume, epoch: u64) {
        if std::mem::replace(&mut self.started, true) {
            tracing::warn!("the host sent a second start; it is ignored");
            return;
        }
        let host = Host { shared: Arc::clone(&self.shared) };
        let (slot, outbox) = (Arc::clone(&self.channel), self.shared.outbox.clone());
        tokio::spawn(async move {
            let begin = async { C::start(host, settings::parse(config)?, resume).await };
            let answer = match wall(begin).await {
                Ok(Ok(channel)) => {
                    // Empty until now: `started` lets one start through.
                    let _ = slot.set(Arc::new(channel));
                    PluginFrame::Ready { epoch }
                }
                Ok(Err(error)) => PluginFrame::Fatal { error },
                Err(text) => fatal("start", &text),
            };
            let _ = outbox.send(answer).await;
        });
    }

    /// Runs one control call after those before it; a panic in it is fatal.
    fn control<F>(
        &self,
        name: &'static str,
        call: impl FnOnce(Arc<C>) -> F + Send + 'static,
    ) -> AbortHandle
    where
        F: Future<Output = Option<PluginFrame>> + Send + 'static,
    {
        let (slot, turn) = (Arc::clone(&self.channel), Arc::clone(&self.turn));
        let outbox = self.shared.outbox.clone();
        tokio::spawn(async move {
            let turn = turn.lock_owned().await;
            let answer = match slot.get().cloned() {
                Some(channel) => wall(async { call(channel).await }).await,
                None => Ok(None),
            };
            drop(turn);
            if let Some(frame) = answer.unwrap_or_else(|text| Some(fatal(name, &text))) {
                let _ = outbox.send(frame).await;
            }
        })
        .abort_handle()
    }

    fn drain(&mut self, epoch: u64) {
        let ledger = Arc::clone(&self.shared.ledger);
        let (slot, turn) = (Arc::clone(&self.channel), Arc::clone(&self.turn));
        let outbox = self.shared.outbox.clone();
        let drain = async move {
            if let Some(channel) = slot.get().cloned() {
                let _turn = turn.lock_owned().await;
                if let Err(text) = wall(async { channel.drain().await }).await {
                    let _ = outbox.send(fatal("drain", &text)).await;
                    return;
                }
            }
            // Outside the turn: what is in flight may take as long as the platform likes. The host
            // keeps the deadline and calls off with `resume`.
            ledger.idle().await;
            let in_flight = ledger.in_flight();
            let _ = outbox.send(PluginFrame::Drained { epoch, in_flight }).await;
        };
        self.draining = Some(tokio::spawn(drain).abort_handle());
    }

    fn resume(&mut self) {
        // First, so that no late `drained` of the attempt that was called off comes out.
        if let Some(draining) = self.draining.take() {
            draining.abort();
        }
        self.control("resume", |channel| async move {
            channel.resume().await;
            None
        });
    }

    fn export(&self, epoch: u64) {
        self.control("export", move |channel| async move {
            let nothing = State { schema: 0, data: Value::Null };
            let state = channel.export().await.unwrap_or(nothing);
            Some(PluginFrame::State { epoch, state })
        });
    }

    fn configure(&self, config: Value) {
        self.control("configure", |channel| async move {
            let applied = match settings::parse(config) {
                Ok(config) => channel.configure(config).await,
                Err(error) => Err(error),
            };
            applied.err().map(|error| PluginFrame::Fatal { error })
        });
    }

    /// The orderly end: tell the tasks, let sends in flight finish, `stop`, empty the outbox.
    async fn end(
        &mut self,
        inbox: &mut mpsc::Receiver<HostFrame>,
        closing: &mut watch::Receiver<Option<Duration>>,
        patience: Duration,
        ending: &watch::Sender<bool>,
        pump: &mut JoinHandle<()>,
    ) {
        self.shared.shutdown.send_replace(true);
        self.work.refuse();
        let (shared, slot) = (Arc::clone(&self.shared), Arc::clone(&self.channel));
        let mut orderly = pin!(async move {
            let _ = timeout(patience / 2, shared.ledger.idle()).await;
            if let Some(channel) = slot.get()
                && let Err(text) = wall(async { channel.stop().await }).await
            {
                tracing::error!("panicked in stop: {text}");
            }
            ending.send_replace(true);
            if !pump.is_finished() {
                let _ = pump.await;
            }
        });
        // A little less than the host's own wait, so that it sees the thread end.
        let mut deadline = Instant::now() + patience * 9 / 10;
        let mut closed = false;
        loop {
            tokio::select! {
                () = &mut orderly => return,
                () = sleep_until(deadline) => {
                    tracing::warn!("the plugin did not end in time; what was left is dropped");
                    return;
                }
                asked = closing.wait_for(Option::is_some), if !closed => {
                    closed = true;
                    let left = asked.ok().and_then(|d| *d).unwrap_or_default() * 9 / 10;
                    deadline = deadline.min(Instant::now() + left);
                }
                Some(frame) = inbox.recv() => self.take(frame),
            }
        }
    }
}

fn fatal(place: &str, text: &str) -> PluginFrame {
    PluginFrame::Fatal { error: PluginError::new(format!("panicked in {place}: {text}")) }
}
