//! Builds every room in order, wires them, and takes them down in reverse.
//!
//! The port is open before plugins are loaded: clients connect at once, a plugin's page waits for
//! its plugin. Must not know: what a room does with what it is given.

pub mod asking;
mod boots;
pub mod crew;
pub mod door;
pub mod ears;
pub mod logging;
pub mod notices;
mod pulse;
pub mod reload;
pub mod schedule;
pub mod service;
pub mod wiring;

use crate::{
    agent::Runs,
    approvals::Approvals,
    auth::{Auth, peer::TrustedProxies},
    canvas::Canvas,
    clock::Clock,
    config::{Config, Paths, last_good},
    cron::Shared,
    devices::{Devices, TokenKey},
    events::Events,
    messages::{Messages, Senders, Settings as MessageSettings},
    methods::{self, Core, core::Parts},
    plugins::Plugins,
    protocol::{UNAUTHENTICATED_PER_ADDRESS_MAX, event, frame::json},
    server::{self, Door, addresses::Addresses},
    store::{Store, StoreError},
};
use ears::Ears;
use serde_json::json as value;
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};
use tokio::{net::TcpListener, signal::unix::Signal, sync::watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How soon clients may come back after a restart, milliseconds.
const RESTART_MS: u64 = 1_000;
/// How long plugins may take to stop.
const PLUGINS_STOP: Duration = Duration::from_secs(8);
/// How long everything else may take after that.
const TASKS_STOP: Duration = Duration::from_secs(5);

/// Why the gateway did not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// A setting cannot be used.
    #[error("setting `{setting}`: {text}")]
    Setting {
        /// Dotted path.
        setting: String,
        /// What is wrong.
        text: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The port, or a file.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The store failed while running; nothing is acknowledged any more, so the gateway ends.
    #[error(
        "the store failed; the gateway ends so that nothing is acknowledged that is not stored"
    )]
    StoreFailed,
}

/// What a gateway is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The configuration.
    pub config: Config,
    /// Where things are.
    pub paths: Paths,
    /// Plugin directories named on the command line.
    pub plugin_dirs: Vec<PathBuf>,
    /// No configuration file exists.
    pub unconfigured: bool,
    /// A listening socket that is open already: the service manager's, or that of the life before.
    pub listener: Option<Arc<std::net::TcpListener>>,
}

/// How a life of the gateway ended.
#[derive(Debug)]
pub enum End {
    /// It was asked to stop.
    Stopped,
    /// The configuration changed; the next life shall begin with it. The port stays open meanwhile.
    Again(Arc<std::net::TcpListener>),
}

/// A running gateway.
pub struct Gateway {
    core: Arc<Core>,
    address: SocketAddr,
    listener: Arc<std::net::TcpListener>,
    token: door::Token,
    tracker: TaskTracker,
    pages: Vec<wiring::Page>,
}

impl Gateway {
    /// Starts; the port is open when this returns.
    ///
    /// # Errors
    /// When a setting cannot be used, the state directory is taken or the port is.
    pub async fn start(options: Options) -> Result<Self, GatewayError> {
        let store = open_store(&options.paths).await?;
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let assembled = Self::assemble(options, store.clone(), &tracker, &stop).await;
        if let Ok(gateway) = &assembled {
            keep_good(&gateway.core);
        } else {
            // The next life, with another configuration, needs the state directory.
            stop.cancel();
            tracker.close();
            let _ = tokio::time::timeout(TASKS_STOP, tracker.wait()).await;
            store.close().await;
        }
        assembled
    }

    /// Puts the rooms together. What depends on the settings alone comes first: nothing runs yet when
    /// they cannot be used.
    async fn assemble(
        options: Options,
        store: Store,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self, GatewayError> {
        let Options { config, paths, plugin_dirs, unconfigured, listener } = options;
        let (tracker, stop) = (tracker.clone(), stop.clone());
        let bad = |(setting, text)| GatewayError::Setting { setting, text };
        let page = door::control_page(&config).map_err(bad)?;
        let clock = Clock::system();
        let token = door::token(&config, &paths)?;
        let key = TokenKey::load(&paths.state.join("token.key"))?;
        let devices = Devices::load(store.clone(), clock.clone(), key).await?;
        let auth =
            Auth::load(door::settings(&config, &token), devices, store.clone(), clock.clone())
                .await?;
        let proxies = door::proxies(&config).map_err(bad)?;
        let listener = listen(&config, listener)?;
        let canvas = open_canvas(&config, &paths, &clock)?;
        let host = host_name();
        let tls = door::tls(&config, &paths, &host).map_err(bad)?;
        let events = Events::default();
        let approvals = Arc::new(Approvals::new(clock.clone()));
        let desk = asking::Desk::new(Arc::clone(&approvals), events.clone(), clock.clone());
        let ground = crew::Ground::new(&paths, &clock, desk, &tracker, &stop);
        let runs = crew::runs(&config, store.clone(), events.clone(), &ground);
        let senders = Arc::new(wiring::PluginSenders::default());
        let mut settings = wiring::message_settings(&config, &paths).map_err(bad)?;
        settings.secrets.extend(token.secret.clone());
        let messages =
            start_messages(settings, &store, &clock, &runs, &senders, &tracker, &stop).await?;
        let mut plan = wiring::plan(&config, &paths, &plugin_dirs, unconfigured);
        plan.settings.quiet = boots::begin(&paths.state, &clock, service::safe_after(&config));
        let (ears, changes) = Ears::new(Arc::clone(&messages));
        let plugins =
            Plugins::start(plan.settings, &plan.found, ears, tracker.clone(), stop.clone());
        senders.tie(&plugins);
        let shared = Shared {
            store: store.clone(),
            clock: clock.clone(),
            events: events.clone(),
            runs: runs.clone(),
            messages: Arc::clone(&messages),
            agent: config.agent.id.clone(),
            tracker: tracker.clone(),
            stop: stop.clone(),
        };
        let (heartbeats, cron) = schedule::load(&config, shared).await?;
        let parts = Parts {
            clock,
            config,
            paths,
            host,
            store,
            events,
            auth,
            canvas,
            tls,
            runs,
            messages,
            plugins,
            cron,
            heartbeats,
            tracker: tracker.clone(),
            stop,
            approvals,
        };
        let core = Arc::new(Core::new(parts, methods::table()));
        methods::health::refresh(&core).await?;
        methods::config::note_applied(&core).await;
        serve(&listener, &core, proxies, page, changes)?;
        let address = listener.local_addr()?;
        Ok(Self { core, address, listener, token, tracker, pages: plan.pages })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The rooms.
    #[must_use]
    pub fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// The shared token, and where it came from.
    #[must_use]
    pub fn token(&self) -> &door::Token {
        &self.token
    }

    /// Pages that plugins serve for people.
    #[must_use]
    pub fn pages(&self) -> &[wiring::Page] {
        &self.pages
    }

    /// Runs until `asked` resolves, the store fails, or the configuration changed: looked at on each
    /// `hangup`, when a method asks, and when the files change. Then stops in order.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn run(
        self,
        asked: impl Future<Output = ()>,
        hangup: &mut Signal,
    ) -> Result<End, GatewayError> {
        service::ready(&self.core, self.address);
        let failed = self.core.store.clone();
        let again = async {
            loop {
                tokio::select! {
                    _ = hangup.recv() => {}
                    () = self.core.reread.notified() => {}
                }
                if reload::needs_new_life(&self.core).await {
                    return;
                }
            }
        };
        let end = tokio::select! {
            () = asked => Ok(End::Stopped),
            () = again => Ok(End::Again(Arc::clone(&self.listener))),
            () = async move { failed.failed().await; } => Err(GatewayError::StoreFailed),
        };
        self.stop(matches!(end, Ok(End::Again(_)))).await;
        end
    }

    /// Tells clients, waits for runs, ends runs, plugins and connections, and closes the store last.
    async fn stop(self, again: bool) {
        let core = &self.core;
        tracing::info!(again, "stopping");
        if again {
            service::reloading();
        } else {
            service::stopping();
        }
        let expected = again.then_some(RESTART_MS);
        let payload = value!({"reason": "service restart", "restartExpectedMs": expected});
        core.events.publish(event::SHUTDOWN, &json(&payload));
        pulse::rest(core).await;
        core.runs.stop().await;
        core.plugins.stop(PLUGINS_STOP).await;
        core.stop.cancel();
        self.tracker.close();
        if tokio::time::timeout(TASKS_STOP, self.tracker.wait()).await.is_err() {
            tracing::warn!(left = self.tracker.len(), "some tasks did not end in time");
        }
        core.messages.add_up().await;
        core.store.close().await;
        boots::end(&core.paths.state);
    }
}

fn host_name() -> String {
    hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn listen(
    config: &Config,
    open: Option<Arc<std::net::TcpListener>>,
) -> Result<Arc<std::net::TcpListener>, GatewayError> {
    if let Some(open) = open {
        return Ok(open);
    }
    let bad = |(setting, text)| GatewayError::Setting { setting, text };
    let ip = config.gateway.bind_ip().map_err(bad)?;
    Ok(server::bind(SocketAddr::new(ip, config.gateway.port))?)
}

fn open_canvas(
    config: &Config,
    paths: &Paths,
    clock: &Clock,
) -> Result<Option<Arc<Canvas>>, GatewayError> {
    let opened = Canvas::open(&config.canvas, paths.state.join("canvas"), clock.clone());
    Ok(opened.map_err(|error| no_canvas(config, &error))?.map(Arc::new))
}

fn no_canvas(config: &Config, error: &std::io::Error) -> GatewayError {
    let place = match &config.canvas.root {
        Some(root) => root.display().to_string(),
        None => "the folder in the state folder".to_owned(),
    };
    let text = format!(
        "{place} cannot be used: {error}; name another folder, or set `canvas.enabled = false`"
    );
    GatewayError::Setting { setting: "canvas.root".to_owned(), text }
}

async fn start_messages(
    settings: MessageSettings,
    store: &Store,
    clock: &Clock,
    runs: &Runs,
    senders: &Arc<wiring::PluginSenders>,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Arc<Messages>, StoreError> {
    Messages::start(
        store.clone(),
        clock.clone(),
        settings,
        Arc::new(runs.clone()),
        Arc::clone(senders) as Arc<dyn Senders>,
        tracker.clone(),
        stop.clone(),
    )
    .await
}

/// The files are good enough to start with: kept for the day when they are not.
fn keep_good(core: &Core) {
    match &core.config.fault {
        Some(fault) => tracing::error!("running on the last good configuration: {fault}"),
        None => {
            if let Err(error) = last_good::keep(&core.paths) {
                tracing::warn!(%error, "the configuration could not be kept as the last good one");
            }
        }
    }
}

fn serve(
    listener: &std::net::TcpListener,
    core: &Arc<Core>,
    proxies: TrustedProxies,
    control: Option<server::control::Page>,
    changes: watch::Receiver<u64>,
) -> std::io::Result<()> {
    let listener = TcpListener::from_std(listener.try_clone()?)?;
    let door = Arc::new(Door {
        core: Arc::clone(core),
        tls: core.tls.clone(),
        proxies,
        control,
        unauthenticated: Addresses::new(UNAUTHENTICATED_PER_ADDRESS_MAX),
        next_conn: AtomicU64::new(1),
    });
    core.tracker.spawn(server::serve(listener, door));
    schedule::start(core);
    core.tracker.spawn(pulse::tick(Arc::clone(core)));
    core.tracker.spawn(pulse::watch_stability(Arc::clone(core), changes.clone()));
    core.tracker.spawn(pulse::watch_health(Arc::clone(core), changes));
    core.tracker.spawn(pulse::keep_approvals(Arc::clone(core)));
    reload::start(core);
    Ok(())
}

async fn open_store(paths: &Paths) -> Result<Store, GatewayError> {
    let state = paths.state.clone();
    let opened = tokio::task::spawn_blocking(move || Store::open(&state)).await;
    opened.map_err(|_| GatewayError::StoreFailed)?.map_err(GatewayError::from)
}
