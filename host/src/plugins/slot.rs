//! What is known of one plugin from outside: its status, its running life if there is one, and the
//! way to ask its supervisor for something.
//!
//! The supervisor writes here, everybody else reads. Must not know: how plugins are started.

use super::{
    ChannelFacts, Entry, Inbox, Isolation, PluginState, PluginStatus, Refusal,
    confine::{Hold, Layer},
    live::Live,
    log::PluginLog,
    status::{SwapOutcome, SwapReport},
    usage::{Tally, Usage},
};
use crate::clock::Clock;
use jackfield_plugin_api::{
    id::AccountId,
    link::{LinkReport, LinkState},
    manifest::{Manifest, Route},
};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{mpsc, oneshot, watch};

/// Most accounts one plugin may report links for.
pub(super) const LINKS_MAX: usize = 256;

/// Whoever asked, waiting for what came of it.
pub(super) type Reply = oneshot::Sender<Result<(), Refusal>>;

/// What can be asked of a supervisor.
pub(super) enum Command {
    /// End this life and begin a new one from the files as they are now.
    Restart(Reply),
    /// Begin another life beside this one and hand over, or begin one if there is none.
    Change(Change, Reply),
    /// The files in a watched folder have settled: take them over if they are another version.
    Offer,
}

/// What shall be different in the next life.
#[derive(Clone, Default)]
pub(super) struct Change {
    /// A package to install and run, instead of what the folders offer.
    pub(super) package: Option<PathBuf>,
    /// The channel's table and its accounts.
    pub(super) settings: Option<(Value, Vec<String>)>,
}

/// The way to a plugin for those who want something of it.
#[derive(Clone)]
enum Gate {
    /// It is not running.
    Shut,
    /// One version hands over to another: wait.
    Held,
    /// This life takes work.
    Open(Arc<Live>),
}

/// One enabled channel's plugin.
pub(super) struct Slot {
    pub(super) entry: Entry,
    pub(super) log: Arc<PluginLog>,
    pub(super) tally: Tally,
    pub(super) commands: mpsc::Sender<Command>,
    clock: Clock,
    book: Mutex<Book>,
    gate: watch::Sender<Gate>,
    state: watch::Sender<PluginState>,
}

struct Book {
    status: PluginStatus,
    config: Value,
    accounts: Vec<String>,
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
        let (config, accounts) = (entry.config.clone(), entry.accounts.clone());
        let slot = Self {
            log: Arc::new(PluginLog::new(id, clock.clone())),
            tally: Tally::default(),
            entry,
            commands,
            clock,
            book: Mutex::new(Book { status, config, accounts, manifest: None }),
            gate: watch::Sender::new(Gate::Shut),
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

    /// Its running life, waited for while one version hands over to another; `None` when it is not
    /// running.
    pub(super) async fn live(&self) -> Option<Arc<Live>> {
        let mut gate = self.gate.subscribe();
        match &*gate.wait_for(|gate| !matches!(gate, Gate::Held)).await.ok()? {
            Gate::Open(live) => Some(Arc::clone(live)),
            Gate::Shut | Gate::Held => None,
        }
    }

    /// Its running life, waited for while it is on its way; `None` once it is known not to come.
    pub(super) async fn live_soon(&self) -> Option<Arc<Live>> {
        let (mut gate, mut state) = (self.gate.subscribe(), self.state.subscribe());
        tokio::select! {
            biased;
            found = gate.wait_for(|gate| matches!(gate, Gate::Open(_))) => match &*found.ok()? {
                Gate::Open(live) => Some(Arc::clone(live)),
                Gate::Shut | Gate::Held => None,
            },
            _ = state.wait_for(|state| state.is_down()) => None,
        }
    }

    /// The channel's table as the next life gets it.
    pub(super) fn config(&self) -> Value {
        self.book().config.clone()
    }

    /// The configured accounts.
    pub(super) fn accounts(&self) -> Vec<String> {
        self.book().accounts.clone()
    }

    /// Where the code of the life that serves runs, and why not where it should.
    pub(super) fn runs_in(&self, isolation: Isolation, demoted: Option<String>) {
        let mut book = self.book();
        book.status.isolation = isolation;
        book.status.demoted = demoted;
    }

    /// What it takes and has done.
    pub(super) fn usage(&self) -> Usage {
        let unanswered = match &*self.gate.borrow() {
            Gate::Open(live) => live.ledger.open_messages(),
            Gate::Shut | Gate::Held => 0,
        };
        let pid = self.book().status.pid;
        self.tally.usage(pid, unanswered)
    }

    /// The channel's table is another one from now on.
    pub(super) fn configure(&self, (config, accounts): (Value, Vec<String>)) {
        let mut book = self.book();
        book.config = config;
        book.accounts = accounts;
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
        let again = book.status.generation > 0;
        book.status.generation = generation;
        book.status.restarts += u32::from(again);
        drop(book);
        self.enter(PluginState::Starting);
    }

    /// The life has a process.
    pub(super) fn has_process(&self, pid: Option<u32>) {
        self.book().status.pid = pid;
    }

    /// By whose word the package runs.
    pub(super) fn vouched(&self, words: String) {
        self.book().status.trust = Some(words);
    }

    /// What the life's process is closed in by; told once and kept for people.
    pub(super) fn confined(&self, layers: Vec<Layer>) {
        let plugin = self.id();
        let said = |layer: &Layer| format!("{} ({})", layer.layer, layer.detail);
        let (hold, lack): (Vec<_>, Vec<_>) = layers.iter().partition(|l| l.holds == Hold::Yes);
        let list = |of: Vec<&Layer>| of.into_iter().map(said).collect::<Vec<_>>().join(", ");
        if layers.is_empty() {
            tracing::info!(%plugin, "no sandbox: its code is part of the gateway");
        } else if lack.is_empty() {
            tracing::info!(%plugin, holds = list(hold), "sandbox");
        } else {
            tracing::warn!(%plugin, holds = list(hold), lacks = list(lack), "sandbox is not whole");
        }
        self.book().status.sandbox = layers;
    }

    /// The life said `ready` and takes work.
    pub(super) fn runs(&self, live: Arc<Live>) {
        self.book().status.last_error = None;
        self.gate.send_replace(Gate::Open(live));
        self.enter(PluginState::Running);
    }

    /// The life takes no more work.
    pub(super) fn hide(&self) {
        self.gate.send_replace(Gate::Shut);
    }

    /// Work waits: one version hands over to another.
    pub(super) fn holds(&self) {
        self.gate.send_replace(Gate::Held);
    }

    /// Work goes on with this life, whatever was running before.
    pub(super) fn continues(&self, generation: u64, pid: Option<u32>, live: Arc<Live>) {
        let mut book = self.book();
        book.status.generation = generation;
        book.status.pid = pid;
        book.status.last_error = None;
        drop(book);
        self.gate.send_replace(Gate::Open(live));
        self.enter(PluginState::Running);
    }

    /// A life ended and another one goes on.
    pub(super) fn ended(&self, how: &str) {
        self.book().status.last_exit = Some(how.to_owned());
    }

    /// How the last change of versions stands.
    pub(super) fn report(&self, swap: SwapReport) {
        let mut book = self.book();
        if let (SwapOutcome::RolledBack, Some(reason)) = (swap.outcome, &swap.reason) {
            book.status.last_error = Some(reason.clone());
        }
        book.status.last_swap = Some(swap);
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
        let mut accounts: Vec<AccountId> = self.accounts().into_iter().map(AccountId).collect();
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
        let same = status.state == next;
        debug_assert!(same || status.state.may_become(next), "{:?} to {next:?}", status.state);
        if !same {
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
