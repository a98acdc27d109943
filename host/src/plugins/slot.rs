//! What is known of one plugin from outside: its status, its running life if there is one, and the
//! way to ask its supervisor for something.
//!
//! The supervisor writes here, everybody else reads. Must not know: how plugins are started.

use super::{
    ChannelFacts, Entry, Inbox, PluginState, PluginStatus, Refusal,
    confine::{Hold, Layer},
    live::Live,
    log::PluginLog,
};
use crate::clock::Clock;
use jackfield_plugin_api::{
    id::AccountId,
    link::{LinkReport, LinkState},
    manifest::{Manifest, Route},
};
use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{mpsc, oneshot, watch};

/// Most accounts one plugin may report links for.
const LINKS_MAX: usize = 256;

/// What can be asked of a supervisor.
pub(super) enum Command {
    /// End this life and begin a new one from the files as they are now.
    Restart(oneshot::Sender<Result<(), Refusal>>),
}

/// One enabled channel's plugin.
pub(super) struct Slot {
    pub(super) entry: Entry,
    pub(super) log: Arc<PluginLog>,
    pub(super) commands: mpsc::Sender<Command>,
    clock: Clock,
    book: Mutex<Book>,
    live: watch::Sender<Option<Arc<Live>>>,
    state: watch::Sender<PluginState>,
}

struct Book {
    status: PluginStatus,
    manifest: Option<Manifest>,
}

impl Slot {
    /// A slot for an enabled channel, and the other end of its commands.
    pub(super) fn new(entry: Entry, clock: Clock) -> (Arc<Self>, mpsc::Receiver<Command>) {
        let (commands, asked) = mpsc::channel(4);
        let id = entry.plugin.as_deref().unwrap_or(&entry.channel);
        let mut status = PluginStatus::nameless(id, &entry.channel);
        status.enabled = true;
        status.isolation = entry.isolation;
        status.since_ms = clock.now_ms();
        let slot = Self {
            log: Arc::new(PluginLog::new(id, clock.clone())),
            entry,
            commands,
            clock,
            book: Mutex::new(Book { status, manifest: None }),
            live: watch::Sender::new(None),
            state: watch::Sender::new(PluginState::Installed),
        };
        (Arc::new(slot), asked)
    }

    /// A snapshot for people.
    pub(super) fn status(&self) -> PluginStatus {
        let mut status = self.book().status.clone();
        status.last_log = self.log.tail();
        status
    }

    /// The id under which it is known now.
    pub(super) fn id(&self) -> String {
        self.book().status.id.clone()
    }

    /// Where it stands.
    pub(super) fn state(&self) -> PluginState {
        self.book().status.state
    }

    /// Why it is not running, in a few words.
    pub(super) fn reason(&self) -> String {
        let book = self.book();
        let error = book.status.last_error.as_deref().and_then(|text| text.lines().next());
        error.map_or_else(|| format!("{:?}", book.status.state).to_lowercase(), str::to_owned)
    }

    /// What the manifest says of the channel.
    pub(super) fn facts(&self) -> Option<ChannelFacts> {
        let book = self.book();
        let manifest = book.manifest.as_ref()?;
        Some(ChannelFacts {
            label: manifest.label.clone(),
            capabilities: manifest.capabilities.clone(),
            limits: manifest.limits.clone(),
        })
    }

    /// The routes it declares.
    pub(super) fn routes(&self) -> Vec<Route> {
        self.book().manifest.as_ref().map(|manifest| manifest.http.clone()).unwrap_or_default()
    }

    /// Its running life.
    pub(super) fn live(&self) -> Option<Arc<Live>> {
        self.live.borrow().clone()
    }

    /// Its running life, waited for while it is on its way; `None` once it is known not to come.
    pub(super) async fn live_soon(&self) -> Option<Arc<Live>> {
        let (mut live, mut state) = (self.live.subscribe(), self.state.subscribe());
        tokio::select! {
            biased;
            found = live.wait_for(Option::is_some) => found.ok()?.clone(),
            _ = state.wait_for(|state| state.is_down()) => None,
        }
    }

    /// The package that was chosen, as far as it is known without a manifest.
    pub(super) fn place(&self, path: &Path, id: &str) {
        let mut book = self.book();
        id.clone_into(&mut book.status.id);
        book.status.path = path.display().to_string();
    }

    /// The package that was chosen.
    pub(super) fn describe(&self, path: &Path, manifest: &Manifest) {
        self.log.rename(&manifest.id);
        let mut book = self.book();
        let status = &mut book.status;
        status.id.clone_from(&manifest.id);
        status.version.clone_from(&manifest.version);
        status.label.clone_from(&manifest.label);
        status.path = path.display().to_string();
        book.manifest = Some(manifest.clone());
    }

    /// A new life begins.
    pub(super) fn begin(&self, generation: u64) {
        let mut book = self.book();
        book.status.generation = generation;
        book.status.restarts = u32::try_from(generation.saturating_sub(1)).unwrap_or(u32::MAX);
        drop(book);
        self.enter(PluginState::Starting);
    }

    /// The life has a process.
    pub(super) fn has_process(&self, pid: Option<u32>) {
        self.book().status.pid = pid;
    }

    /// What the life's process is closed in by; told once and kept for people.
    pub(super) fn confined(&self, layers: Vec<Layer>) {
        let plugin = self.id();
        let said = |layer: &Layer| format!("{} ({})", layer.layer, layer.detail);
        let (hold, lack): (Vec<_>, Vec<_>) = layers.iter().partition(|l| l.holds == Hold::Yes);
        let list = |of: Vec<&Layer>| of.into_iter().map(said).collect::<Vec<_>>().join(", ");
        if lack.is_empty() {
            tracing::info!(%plugin, holds = list(hold), "sandbox");
        } else {
            tracing::warn!(%plugin, holds = list(hold), lacks = list(lack), "sandbox is not whole");
        }
        self.book().status.sandbox = layers;
    }

    /// The life said `ready` and takes work.
    pub(super) fn runs(&self, live: Arc<Live>) {
        self.book().status.last_error = None;
        self.live.send_replace(Some(live));
        self.enter(PluginState::Running);
    }

    /// The life takes no more work.
    pub(super) fn hide(&self) {
        self.live.send_replace(None);
    }

    /// The life is over: how it ended, what that means for the accounts.
    pub(super) fn falls(&self, to: PluginState, error: Option<String>, exit: Option<String>) {
        self.hide();
        let mut book = self.book();
        book.status.pid = None;
        book.status.last_error = error.or(book.status.last_error.take());
        book.status.last_exit = exit.or(book.status.last_exit.take());
        drop(book);
        self.enter(to);
    }

    /// Keeps an account's link report.
    pub(super) fn link(&self, report: LinkReport) {
        let mut book = self.book();
        let links = &mut book.status.links;
        match links.iter().position(|link| link.account == report.account) {
            Some(index) => links[index] = report,
            None if links.len() < LINKS_MAX => links.push(report),
            None => tracing::warn!(plugin = %book.status.id, "reports too many accounts"),
        }
    }

    /// Sets every known account's link to what its plugin's state makes of it, and tells.
    pub(super) fn relink(&self, inbox: &dyn Inbox, state: LinkState, detail: Option<&str>) {
        let mut accounts: Vec<AccountId> =
            self.entry.accounts.iter().map(|account| AccountId(account.clone())).collect();
        let known: Vec<LinkReport> = self.book().status.links.clone();
        for link in &known {
            if !accounts.contains(&link.account) {
                accounts.push(link.account.clone());
            }
        }
        for account in accounts {
            let identity = known.iter().find(|link| link.account == account);
            let identity = identity.and_then(|link| link.identity.clone());
            let detail = detail.map(str::to_owned);
            let report = LinkReport { account, state, detail, identity };
            self.link(report.clone());
            inbox.link_changed(&self.entry.channel, report);
        }
    }

    fn enter(&self, next: PluginState) {
        let mut book = self.book();
        let status = &mut book.status;
        debug_assert!(status.state.may_become(next), "{:?} to {next:?}", status.state);
        if status.state != next {
            tracing::info!(plugin = %status.id, from = ?status.state, to = ?next, "plugin state");
        }
        status.state = next;
        status.since_ms = self.clock.now_ms();
        drop(book);
        self.state.send_replace(next);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
