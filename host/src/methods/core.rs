//! Everything a method may use, gathered once at start.

use super::{
    config::live::Applied, console::stability::Recorder, error::MethodError, table::Table,
    write_limit::WriteLimit,
};
use crate::{
    agent::{Agent, Runs},
    approvals::Approvals,
    auth::Auth,
    canvas::Canvas,
    clock::{Clock, uuid},
    config::{Config, Paths},
    cron::{Cron, Heartbeats},
    events::{Events, presence::Presence},
    messages::Messages,
    nodes::Nodes,
    plugins::Plugins,
    protocol::{
        event,
        frame::{Json, json},
        hello::SessionDefaults,
        key,
    },
    store::Store,
    tls::Tls,
};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The rooms below, and the few facts that belong to none of them.
pub struct Core {
    /// Time.
    pub clock: Clock,
    /// The configuration this life of the gateway started with.
    pub config: Config,
    /// Where things are.
    pub paths: Paths,
    /// Version of the gateway.
    pub version: &'static str,
    /// This life of the gateway.
    pub boot_id: String,
    /// Name of the machine.
    pub host: String,
    /// When this life began, wall clock.
    pub started_at: u64,
    /// The store.
    pub store: Store,
    /// Publish and subscribe.
    pub events: Events,
    /// Who is here.
    pub presence: Presence,
    /// Who may come in.
    pub auth: Arc<Auth>,
    /// Pages that the agent draws; absent when they are off.
    pub canvas: Option<Arc<Canvas>>,
    /// The certificate on the port; absent when the port is plain.
    pub tls: Option<Tls>,
    /// Runs.
    pub runs: Runs,
    /// The message pipe.
    pub messages: Arc<Messages>,
    /// Plugins.
    pub plugins: Arc<Plugins>,
    /// Nodes.
    pub nodes: Nodes,
    /// Scheduled jobs.
    pub cron: Arc<Cron>,
    /// Turns that the gateway asks for by itself.
    pub heartbeats: Arc<Heartbeats>,
    /// The methods.
    pub table: Table,
    /// The limit on control-plane writes.
    pub write_limit: WriteLimit,
    /// Tasks to wait for when stopping.
    pub tracker: TaskTracker,
    /// Told when the gateway stops.
    pub stop: CancellationToken,
    /// Told when the configuration files shall be read again, and applied if they changed.
    pub reread: Notify,
    applied: Mutex<Option<Applied>>,
    /// Held while the configuration files are changed.
    pub config_lock: tokio::sync::Mutex<()>,
    /// Decisions that wait for a person.
    pub approvals: Arc<Approvals>,
    /// The last health snapshot.
    pub health: Board,
    /// What happened lately.
    pub stability: Recorder,
    announced: [Json; 2],
}

/// What the core is put together from.
pub struct Parts {
    /// Time.
    pub clock: Clock,
    /// The configuration.
    pub config: Config,
    /// Where things are.
    pub paths: Paths,
    /// Name of the machine.
    pub host: String,
    /// The store.
    pub store: Store,
    /// Publish and subscribe.
    pub events: Events,
    /// Who may come in.
    pub auth: Arc<Auth>,
    /// Pages that the agent draws; absent when they are off.
    pub canvas: Option<Arc<Canvas>>,
    /// The certificate on the port; absent when the port is plain.
    pub tls: Option<Tls>,
    /// Runs.
    pub runs: Runs,
    /// The message pipe.
    pub messages: Arc<Messages>,
    /// Plugins.
    pub plugins: Arc<Plugins>,
    /// Scheduled jobs.
    pub cron: Arc<Cron>,
    /// Turns that the gateway asks for by itself.
    pub heartbeats: Arc<Heartbeats>,
    /// Tasks to wait for when stopping.
    pub tracker: TaskTracker,
    /// Told when the gateway stops.
    pub stop: CancellationToken,
    /// Decisions that wait for a person.
    pub approvals: Arc<Approvals>,
}

impl Core {
    /// Runs that are under way, and those that wait for a place.
    #[must_use]
    pub fn run_load(&self) -> (usize, usize) {
        let (runs, most) = (self.runs.active(), self.config.agent.max_concurrent);
        (runs.min(most), runs.saturating_sub(most))
    }

    /// Looks at the configuration that is in force; `None` before that was noted.
    pub fn in_force<T>(&self, look: impl FnOnce(&Applied) -> T) -> Option<T> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }

    /// Notes the configuration that is in force.
    pub fn put_in_force(&self, applied: Applied) {
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner) = Some(applied);
    }

    /// Puts the core together.
    #[must_use]
    pub fn new(parts: Parts, table: Table) -> Self {
        let Parts {
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
            tracker,
            stop,
            approvals,
        } = parts;
        let version = env!("CARGO_PKG_VERSION");
        let names: Vec<&str> = event::ALL.iter().map(|e| e.name).collect();
        Self {
            presence: Presence::new(clock.clone(), &host, "127.0.0.1", version),
            nodes: Nodes::new(&config.nodes, auth.devices().clone(), events.clone(), clock.clone()),
            write_limit: WriteLimit::new(clock.clone()),
            reread: Notify::new(),
            applied: Mutex::default(),
            config_lock: tokio::sync::Mutex::default(),
            boot_id: uuid(),
            started_at: clock.now_ms(),
            health: Board::default(),
            stability: Recorder::new(clock.clone()),
            announced: [json(&table.announced()), json(&names)],
            version,
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
            table,
            tracker,
            stop,
            approvals,
        }
    }

    /// Names of the methods, as hello tells them.
    #[must_use]
    pub fn announced_methods(&self) -> Json {
        Arc::clone(&self.announced[0])
    }

    /// Names of the events, as hello tells them.
    #[must_use]
    pub fn announced_events(&self) -> Json {
        Arc::clone(&self.announced[1])
    }

    /// Since the gateway started, milliseconds.
    #[must_use]
    pub fn uptime_ms(&self) -> u64 {
        self.clock.now_ms().saturating_sub(self.started_at)
    }

    /// The agent that answers by default.
    #[must_use]
    pub fn default_agent(&self) -> &str {
        &self.config.agent.id
    }

    /// The agent that answers in a conversation.
    ///
    /// # Errors
    /// When its key names one that does not exist.
    pub fn agent_in(&self, session_key: &str) -> Result<&Arc<Agent>, MethodError> {
        self.agent(Some(key::agent_of(session_key, self.default_agent())))
    }

    /// The agent with this id; the one that answers by default when none is given.
    ///
    /// # Errors
    /// When there is no such agent.
    pub fn agent(&self, id: Option<&str>) -> Result<&Arc<Agent>, MethodError> {
        let roster = self.runs.roster();
        let Some(id) = id.filter(|id| !id.is_empty()) else { return Ok(roster.first()) };
        let found = roster.find(&id.to_ascii_lowercase());
        found.ok_or_else(|| MethodError::Invalid(format!("unknown agent id: {id}")))
    }

    /// The canonical form of a conversation key that a client gave.
    #[must_use]
    pub fn key(&self, given: &str) -> Option<String> {
        key::canonical(given, self.default_agent())
    }

    /// Which conversation a client opens first.
    #[must_use]
    pub fn session_defaults(&self) -> SessionDefaults {
        SessionDefaults {
            default_agent_id: self.default_agent().to_owned(),
            model_configured: true,
            ownership: "sole",
            selection_required: false,
            main_key: key::MAIN,
            main_session_key: key::main_key(self.default_agent()),
            scope: "per-sender",
        }
    }

    /// Tells everyone the presence list as it is now.
    pub fn publish_presence(&self) {
        self.events.presence_changed();
        let payload = json(&serde_json::json!({"presence": self.presence.rows()}));
        self.events.publish(event::PRESENCE, &payload);
    }
}

/// A snapshot that is read far more often than it changes.
#[derive(Debug)]
pub struct Board(Mutex<Json>);

impl Default for Board {
    fn default() -> Self {
        Self(Mutex::new(json(&serde_json::json!({}))))
    }
}

impl Board {
    /// What it shows.
    #[must_use]
    pub fn read(&self) -> Json {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows something else.
    pub fn show(&self, snapshot: Json) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = snapshot;
    }
}
