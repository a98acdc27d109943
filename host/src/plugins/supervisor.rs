//! One task for each enabled plugin: it alone starts, watches, ends and restarts it, for ever.
//!
//! A life goes: find the package, stage it, try it, launch it, greet it ([`start`]), serve it until
//! it ends ([`serve`]); then rest, for as long as the way it ended asks for, and begin again. Another
//! version takes over beside it without such an end ([`swap`]).
//! Nothing that happens here touches the gateway or another plugin. Must not know: what events
//! mean, who calls the live plugin.

mod hand_over;
mod life;
mod serve;
mod start;
mod swap;

use super::{
    Inbox, PluginState, Refusal, Settings,
    backoff::{Backoff, Pause},
    discover,
    inside::Inside,
    install::Install,
    slot::{Change, Command, Reply, Slot},
    usage::Counted,
};
use crate::clock::{self, Clock};
use jackfield_plugin_api::{frame::State, link::LinkState, manifest::MANIFEST_FILE};
use start::{Launch, Prepared, Source};
use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::{sync::mpsc, time};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How often the files of a refused plugin are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long storage may take to finish the events of a life that is over.
const FINISH_TIME: Duration = Duration::from_secs(10);

/// What all supervisors share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) inbox: Arc<dyn Inbox>,
    pub(super) tracker: TaskTracker,
    pub(super) clock: Clock,
    /// The gateway is going down.
    pub(super) halt: CancellationToken,
    /// Milliseconds a plugin may take to stop then.
    pub(super) grace_ms: AtomicU64,
}

impl Shared {
    fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms.load(Ordering::Relaxed))
    }
}

/// The keeper of one plugin.
pub(super) struct Supervisor {
    shared: Arc<Shared>,
    slot: Arc<Slot>,
    commands: mpsc::Receiver<Command>,
    backoff: Backoff,
    generation: u64,
    /// What the last life ran from; a crash starts the same again, whatever lies in the folder now.
    prepared: Option<Prepared>,
    /// What an earlier version handed over, for the next life.
    legacy: Option<State>,
    /// The copy that did not get through its probation, or not that far: not offered again.
    unfit: Option<PathBuf>,
    /// Whoever waits for the restart that is under way.
    asked: Option<Reply>,
}

/// How one life ended, as far as what comes next depends on it.
enum End {
    /// The gateway goes down.
    Halted,
    /// A restart was asked for.
    Asked(Reply),
    /// It never ran.
    Refused(Refusal),
    /// It ran and fell.
    Fell {
        /// The library.
        file: String,
        /// How.
        how: String,
        /// Since its launch.
        lived: Duration,
    },
}

impl Supervisor {
    pub(super) fn new(
        shared: Arc<Shared>,
        slot: Arc<Slot>,
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        Self {
            shared,
            slot,
            commands,
            backoff: Backoff::default(),
            generation: 0,
            prepared: None,
            legacy: None,
            unfit: None,
            asked: None,
        }
    }

    /// Runs until the gateway goes down.
    pub(super) async fn run(mut self) {
        let mut goes_on = self.wait_until_due().await;
        while goes_on {
            let end = self.live_once().await;
            goes_on = match end {
                End::Halted => false,
                End::Asked(reply) => {
                    self.fall(PluginState::Restarting, LinkState::Retrying, None, None);
                    self.renew(reply);
                    true
                }
                End::Refused(refusal) => self.after_refusal(refusal).await,
                End::Fell { file, how, lived } => self.after_fall(file, how, lived).await,
            };
        }
        self.fall(PluginState::Stopped, LinkState::Stopped, None, None);
        Inside::of(&self.shared.settings.state_dir).leave(&self.slot.id());
    }

    /// Keeps the plugin back while the gateway is to be quiet; false when it goes down meanwhile.
    async fn wait_until_due(&mut self) -> bool {
        let Some(quiet) = self.shared.settings.quiet.clone() else { return true };
        // It shall be known by its name; what is wrong with its files is said when it starts.
        let _ = self.launch(true).prepare(Source::Folders).await;
        self.fall(PluginState::Quarantined, LinkState::Stopped, Some(quiet.reason), None);
        self.rest(time::sleep(quiet.time)).await
    }

    /// Somebody asks for the plugin as it is: what it was suspected of is forgotten.
    fn pardon(&self) {
        Inside::of(&self.shared.settings.state_dir).pardon(&self.slot.id());
    }

    async fn after_refusal(&mut self, refusal: Refusal) -> bool {
        tracing::error!(plugin = %self.slot.id(), %refusal, "plugin not started");
        let text = refusal.to_string();
        let may_pass = refusal.may_pass();
        let exit = match &refusal {
            Refusal::Died { how, .. } => Some(how.clone()),
            _ => None,
        };
        if let Some(reply) = self.asked.take() {
            // Whoever asked may have gone.
            let _ = reply.send(Err(refusal));
        }
        if may_pass {
            let pause = self.pause(text, exit, Duration::ZERO);
            return self.rest(time::sleep(pause.wait)).await;
        }
        self.prepared = None;
        self.fall(PluginState::Refused, LinkState::Stopped, Some(text), exit);
        let changed = changed(self.shared.clone(), self.slot.clone());
        self.rest(changed).await
    }

    async fn after_fall(&mut self, file: String, how: String, lived: Duration) -> bool {
        tracing::error!(plugin = %self.slot.id(), %how, "plugin ended");
        let error = format!("{file}: {how}");
        if let Some(reply) = self.asked.take() {
            let step = super::refusal::STARTING.to_owned();
            let _ = reply.send(Err(Refusal::Died { file, how: how.clone(), step }));
        }
        self.slot.tally.count(Counted::Fall);
        let pause = self.pause(error, Some(how), lived);
        if !pause.quarantined {
            return self.rest(time::sleep(pause.wait)).await;
        }
        // Another version may be the remedy, so it need not wait as long.
        let remedy = Arc::new(AtomicBool::new(false));
        let (found, looking) = (remedy.clone(), changed(self.shared.clone(), self.slot.clone()));
        let reason = async move {
            if time::timeout(pause.wait, looking).await.is_ok() {
                found.store(true, Ordering::Relaxed);
            }
        };
        let goes_on = self.rest(reason).await;
        if remedy.load(Ordering::Relaxed) {
            self.prepared = None;
            self.backoff.forgive();
        }
        goes_on
    }

    /// Enters the state of waiting for the next start and says how long that is.
    fn pause(&mut self, error: String, exit: Option<String>, lived: Duration) -> Pause {
        let [chance] = clock::random_bytes();
        let pause = self.backoff.fell(self.shared.clock.monotonic(), lived, chance);
        let state =
            if pause.quarantined { PluginState::Quarantined } else { PluginState::Restarting };
        self.fall(state, LinkState::Retrying, Some(error), exit);
        pause
    }

    fn fall(
        &self,
        state: PluginState,
        link: LinkState,
        error: Option<String>,
        exit: Option<String>,
    ) {
        let detail = error.as_deref().and_then(|text| text.lines().next()).map(str::to_owned);
        self.slot.falls(state, error, exit);
        self.slot.relink(&*self.shared.inbox, link, detail.as_deref());
    }

    /// Waits for `reason` to start again; false when the gateway goes down meanwhile.
    async fn rest(&mut self, reason: impl Future<Output = ()>) -> bool {
        let halt = self.shared.halt.clone();
        let command = tokio::select! {
            () = halt.cancelled() => return false,
            () = reason => return true,
            command = self.commands.recv() => command,
        };
        match command {
            Some(Command::Restart(reply)) => self.renew(reply),
            Some(Command::Change(change, reply)) => self.change_at_rest(change, reply).await,
            // A refused package is looked at anyway; one that fell starts from the files it had.
            Some(Command::Offer) | None => {}
        }
        true
    }

    /// Nothing runs, so there is nothing to hand over: what shall change does, and a life begins.
    async fn change_at_rest(&mut self, change: Change, reply: Reply) {
        if let Some(settings) = change.settings {
            self.slot.configure(settings);
        }
        if let Some(path) = change.package {
            let place = PathBuf::from(self.slot.status().path);
            let launch = self.launch(true);
            let installed = async {
                let prepared = launch.prepare(Source::Package { path, place }).await?;
                let mut install = Install::prepare(&prepared.staged, &prepared.package)?;
                install.exchange().map_err(|error| {
                    start::host_failure(&prepared.staged, "cannot be put in place", &error)
                })
            };
            if let Err(refusal) = installed.await {
                // Whoever asked may have gone.
                let _ = reply.send(Err(refusal));
                return;
            }
        }
        self.renew(reply);
    }

    /// A launch under the number of this generation.
    fn launch(&self, describes: bool) -> Launch {
        Launch {
            shared: self.shared.clone(),
            slot: self.slot.clone(),
            generation: self.generation,
            config: self.slot.config(),
            describes,
        }
    }

    /// The next life shall be a fresh one, from the files as they are.
    fn renew(&mut self, reply: Reply) {
        self.prepared = None;
        self.legacy = None;
        self.unfit = None;
        self.pardon();
        self.backoff.forgive();
        self.asked = Some(reply);
    }
}

/// Returns when the package that was refused, or the lack of one, is no longer the same.
async fn changed(shared: Arc<Shared>, slot: Arc<Slot>) {
    let before = look(&shared, &slot).await;
    let mut ticks = time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if look(&shared, &slot).await != before {
            return;
        }
    }
}

/// What changes when a file is written or replaced: time, size, inode, mode.
type Trace = Option<(SystemTime, u64, u64, u32)>;

/// The package that would be chosen now, and the traces of its manifest and library.
async fn look(shared: &Arc<Shared>, slot: &Arc<Slot>) -> Option<(PathBuf, Trace, Trace)> {
    let (shared, slot) = (shared.clone(), slot.clone());
    let tracker = shared.tracker.clone();
    let seen = tracker.spawn_blocking(move || {
        let found = discover::scan(&shared.settings.dirs);
        let candidate = discover::choose(&found, &slot.entry)?;
        let library = candidate.manifest.as_ref().map(|m| candidate.path.join(&m.library));
        let manifest = trace(&candidate.path.join(MANIFEST_FILE));
        Some((candidate.path.clone(), manifest, library.as_deref().and_then(trace)))
    });
    seen.await.unwrap_or_default()
}

fn trace(path: &Path) -> Trace {
    let meta = path.symlink_metadata().ok()?;
    Some((meta.modified().ok()?, meta.len(), meta.ino(), meta.mode()))
}
