//! The plugin host: which plugins there are, which of them run, and the way to them.
//!
//! Each enabled channel has one plugin, kept by one `supervisor` task: staged as a private copy,
//! tried before it is trusted, run in a process of its own unless its owner says otherwise, started
//! again when it falls. Whatever a plugin does, this room keeps answering. Must not know: what
//! events and messages mean, the configuration's form, who is connected.

// The face.
mod refusal;
mod state;
mod status;
// From folder to library.
mod confine;
pub mod conformance;
mod discover;
mod elf;
pub mod explain;
pub(crate) mod library;
mod manifest;
pub mod pack;
pub mod signature;
mod stage;
mod trust;
// Carrying frames.
pub(crate) mod callbacks;
mod carrier;
mod instance;
mod log;
mod process;
pub(crate) mod runner;
// One life, and one after the other.
mod backoff;
mod calls;
mod change;
mod inside;
mod install;
mod intake;
mod ledger;
mod live;
mod routes;
mod slot;
mod supervisor;
mod usage;
mod watch;

pub(crate) use confine::{Confinement, Ports};
pub use confine::{Demand, Hold, Layer};
pub use discover::{Candidate, clashes};
pub use jackfield_plugin_api::{
    error::SendError,
    event::Event,
    fetch::{Fetch, Fetched, Reconciled},
    frame::{Accepted, Cursor, StoredCursor},
    http::{HttpRequest, HttpResponse},
    id::AccountId,
    link::LinkReport,
    manifest::Route,
    outbound::{Outbound, Receipt},
};
pub use pack::{PackError, PackPlan, pack};
pub use refusal::Refusal;
pub use runner::RUNNER_VERB;
pub use state::PluginState;
pub use status::{ChannelFacts, LOG_LINES_SHOWN, PluginStatus, SwapOutcome, SwapReport};
pub use trust::{Policy, SIGNATURE_FILE, Trust, TrustedKey};
pub use usage::Usage;

use crate::clock::Clock;
use futures_util::future::{BoxFuture, join_all};
use inside::Inside;
use serde::{Deserialize, Serialize};
use slot::Slot;
use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use supervisor::{Shared, Supervisor};
use tokio::{task::JoinHandle, time};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long plugins may take to stop when nobody says otherwise, milliseconds.
const GRACE_MS: u64 = 8_000;

/// How long the version before stands by when nobody says otherwise.
const PROBATION: Duration = Duration::from_mins(1);
/// How long a plugin may take to start when nobody says otherwise.
const START_TIME: Duration = Duration::from_secs(30);

/// What the room is given.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where packages lie; earlier folders win among equals.
    pub dirs: Vec<PluginDir>,
    /// Where the private copies go, under `staged/`.
    pub state_dir: PathBuf,
    /// The gateway's version, told to plugins.
    pub host_version: String,
    /// Whose packages may run.
    pub trust: Trust,
    /// The enabled channels, and only these.
    pub entries: Vec<Entry>,
    /// Another version that appears in a folder takes over by itself.
    pub hot_swap: bool,
    /// How long the version before stands by after another one took over.
    pub probation: Duration,
    /// How long a plugin may take from `start` to `ready`.
    pub start_time: Duration,
    /// Nothing is started by itself for a while.
    pub quiet: Option<Quiet>,
}

/// Why plugins are kept back, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quiet {
    /// For people.
    pub reason: String,
    /// Unless somebody asks for a plugin before.
    pub time: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dirs: Vec::new(),
            state_dir: PathBuf::new(),
            host_version: String::new(),
            trust: Trust::default(),
            entries: Vec::new(),
            hot_swap: false,
            probation: PROBATION,
            start_time: START_TIME,
            quiet: None,
        }
    }
}

/// A folder of packages, or one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginDir {
    /// Where.
    pub path: PathBuf,
    /// The operator named it: unsigned packages that belong to the gateway's own user will do.
    pub explicit: bool,
}

/// One enabled channel.
#[derive(Clone, PartialEq)]
pub struct Entry {
    /// The channel.
    pub channel: String,
    /// The id of the plugin that shall serve it, where the choice is not to be left to the
    /// manifests.
    pub plugin: Option<String>,
    /// Where its code runs.
    pub isolation: Isolation,
    /// How much of the sandbox around its process is wanted.
    pub sandbox: Demand,
    /// The channel's table, as JSON.
    pub config: serde_json::Value,
    /// Its configured accounts.
    pub accounts: Vec<String>,
}

impl fmt::Debug for Entry {
    /// Without the channel's table, which holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("channel", &self.channel)
            .field("plugin", &self.plugin)
            .field("isolation", &self.isolation)
            .finish_non_exhaustive()
    }
}

/// Where a plugin's code runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// In a process of its own, which its faults end and nothing else.
    #[default]
    Process,
    /// In the gateway: its code is then part of the gateway, faults and all.
    InProcess,
}

/// The room above (`messages`): decides on and stores what plugins report.
pub trait Inbox: Send + Sync + 'static {
    /// Takes an event; resolves once it is durable, or refused.
    fn accept(&self, event: PluginEvent) -> BoxFuture<'_, Accepted>;
    /// The stored places in the channel's streams.
    fn cursors(&self, channel: &str) -> BoxFuture<'_, Vec<StoredCursor>>;
    /// A link changed: the plugin says so, or its own state makes it so. Must not block.
    fn link_changed(&self, channel: &str, report: LinkReport);
}

/// Something a plugin reports, in the order of its conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginEvent {
    /// The channel the plugin serves; never taken from the plugin's own word.
    pub channel: String,
    /// The account it happened on.
    pub account: AccountId,
    /// The platform's id of it, stable over redelivery.
    pub dedupe_key: String,
    /// The place in its stream after it, to be stored with it.
    pub cursor: Option<Cursor>,
    /// The album that a message is part of, whose parts come one by one.
    pub album: Option<String>,
    /// What happened.
    pub body: Event,
}

/// One attempt to do something on a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// Same on every attempt of the same thing.
    pub idem_key: String,
    /// 1 for the first.
    pub attempt: u32,
    /// How long it may take, the wait for room included.
    pub timeout: Duration,
    /// The thing.
    pub body: Outbound,
}

/// Why a plugin did not answer a request on its route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// It is not running, for this reason.
    #[error("the plugin is not running ({0})")]
    NotRunning(String),
    /// It has a full window of requests already.
    #[error("the plugin has too many requests at once")]
    Busy,
    /// It ended before it answered.
    #[error("the plugin ended before it answered")]
    Died,
    /// It did not answer in time.
    #[error("the plugin did not answer in time")]
    Late,
    /// The request does not fit into a frame.
    #[error("the request is too large for the plugin")]
    TooLarge,
}

/// All plugins of the gateway.
pub struct Plugins {
    shared: Arc<Shared>,
    slots: Vec<Arc<Slot>>,
    /// What else was found when the gateway started: not enabled, shadowed, or refused.
    others: Vec<PluginStatus>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Plugins {
    /// What lies in the folders, by manifests alone; bad packages carry their refusal.
    #[must_use]
    pub fn discover(settings: &Settings) -> Vec<Candidate> {
        discover::scan(&settings.dirs)
    }

    /// Begins to start the enabled plugins out of what was found and returns; `stop` ends them all.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "the caller hands its token over")]
    pub fn start(
        settings: Settings,
        found: &[Candidate],
        inbox: Arc<dyn Inbox>,
        tracker: TaskTracker,
        stop: CancellationToken,
    ) -> Arc<Self> {
        for plugin in Inside::of(&settings.state_dir).judge() {
            tracing::error!(plugin, "the gateway was taken down while this plugin was inside it");
        }
        let clock = Clock::system();
        if settings.trust.policy == Policy::Off {
            tracing::warn!(
                "`[plugins] signatures = \"off\"`: whatever lies in a plugin folder may run"
            );
        }
        let others = status::others(found, &clock);
        let halt = stop.child_token();
        let grace_ms = AtomicU64::new(GRACE_MS);
        let entries = settings.entries.clone();
        for clash in clashes(found, &entries) {
            tracing::warn!("{clash}");
        }
        let shared = Arc::new(Shared { settings, inbox, tracker, clock, halt, grace_ms });
        let (mut slots, mut tasks) = (Vec::new(), Vec::new());
        for entry in entries {
            let (slot, commands) = Slot::new(entry, shared.clock.clone());
            // Known from the first moment, so that a request on a route waits for its plugin.
            if let Some(chosen) = discover::choose(found, &slot.entry)
                && let Some(manifest) = &chosen.manifest
            {
                slot.describe(&chosen.path, manifest);
            }
            let supervisor = Supervisor::new(shared.clone(), slot.clone(), commands);
            tasks.push(shared.tracker.spawn(supervisor.run()));
            slots.push(slot);
        }
        if shared.settings.hot_swap {
            let watching = watch::watch(shared.clone(), slots.clone());
            tasks.push(shared.tracker.spawn(watching));
        }
        Arc::new(Self { shared, slots, others, tasks: Mutex::new(tasks) })
    }

    /// As [`Self::list`], with what each running plugin takes and has done.
    #[must_use]
    pub fn measured(&self) -> Vec<PluginStatus> {
        let mut list = self.list();
        for (status, slot) in list.iter_mut().zip(&self.slots) {
            status.usage = Some(slot.usage());
        }
        list
    }

    /// Every plugin known: enabled, merely installed, and refused.
    #[must_use]
    pub fn list(&self) -> Vec<PluginStatus> {
        let mut list: Vec<PluginStatus> = self.slots.iter().map(|slot| slot.status()).collect();
        let enabled = list.len();
        for other in &self.others {
            let used = &list[..enabled];
            if used.iter().any(|used| used.path == other.path) {
                continue;
            }
            let mut other = other.clone();
            let namesake = used.iter().find(|used| used.id == other.id && !used.path.is_empty());
            if let (Some(used), None) = (namesake, &other.last_error) {
                other.last_error = Some(format!("not used: the one in {} comes first", used.path));
            }
            list.push(other);
        }
        list
    }

    /// The route that answers a path, of the enabled plugins.
    #[must_use]
    pub fn route(&self, path: &str) -> Option<Route> {
        self.find_route(path).map(|(_, route)| route)
    }

    /// Why plugins were kept back when this life of the gateway began.
    #[must_use]
    pub fn quiet(&self) -> Option<&str> {
        self.shared.settings.quiet.as_ref().map(|quiet| quiet.reason.as_str())
    }

    /// What the manifest says of an enabled channel; `None` until a manifest was found.
    #[must_use]
    pub fn capabilities(&self, channel: &str) -> Option<ChannelFacts> {
        self.slot(channel)?.facts()
    }

    /// Stops all plugins within `deadline`: what is in flight may finish, then they are ended.
    pub async fn stop(&self, deadline: Duration) {
        let ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        self.shared.grace_ms.store(ms, Ordering::Relaxed);
        self.shared.halt.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        // Each ends its own plugin by force at the deadline; what is added is for the last steps.
        let ended = time::timeout(deadline + Duration::from_secs(4), join_all(tasks)).await;
        if ended.is_err() {
            tracing::error!("not all plugins could be stopped in time");
        }
    }

    fn slot(&self, channel: &str) -> Option<&Arc<Slot>> {
        self.slots.iter().find(|slot| slot.entry.channel == channel)
    }

    fn find_route(&self, path: &str) -> Option<(&Arc<Slot>, Route)> {
        let routes: Vec<(&Arc<Slot>, Route)> = self
            .slots
            .iter()
            .flat_map(|slot| slot.routes().into_iter().map(move |route| (slot, route)))
            .collect();
        let found = routes::longest(routes.iter().map(|(slot, route)| (*slot, route)), path);
        found.map(|(slot, route)| (slot, route.clone()))
    }
}
