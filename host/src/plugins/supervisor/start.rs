//! From files to a launched plugin: find, stage, try, launch.
//!
//! Every way this can fail is a [`Refusal`]. Must not know: frames, what else is running.

use super::Shared;
use crate::plugins::{
    Isolation, Refusal,
    carrier::Carrier,
    confine::{self, Folders},
    discover::{self, Candidate},
    inside::Inside,
    instance, library, log, process,
    runner::Order,
    slot::Slot,
    stage::{self, Staged},
};
use jackfield_plugin_api::frame::{Init, WINDOW};
use serde_json::Value;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How long a library may take to be opened; its constructors run in that time.
pub(super) const LOAD_TIME: Duration = Duration::from_secs(10);

/// What a life is launched from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Prepared {
    /// The private copy.
    pub(super) staged: Staged,
    /// The package it was made of.
    pub(super) package: PathBuf,
}

/// A launched life and what it was launched from.
pub(super) struct Launched {
    pub(super) carrier: Carrier,
    pub(super) prepared: Prepared,
    pub(super) generation: u64,
    pub(super) isolation: Isolation,
    /// Why it does not run inside the gateway, though it should.
    pub(super) demoted: Option<String>,
}

/// Where the files of a life come from.
pub(super) enum Source {
    /// The plugin folders, as they are now.
    Folders,
    /// A copy that was made before; checked again.
    Staged(Box<Prepared>),
    /// A package an operator named. It must meet the rules of the place it shall go to.
    Package {
        /// Its folder.
        path: PathBuf,
        /// The place.
        place: PathBuf,
    },
}

/// A launch to be made.
pub(super) struct Launch {
    pub(super) shared: Arc<Shared>,
    pub(super) slot: Arc<Slot>,
    pub(super) generation: u64,
    /// The channel's table that it will start with.
    pub(super) config: Value,
    /// What is chosen becomes the plugin's description at once, so that it is known why it is not
    /// running. Not so beside a running version.
    pub(super) describes: bool,
}

impl Launch {
    /// Makes ready whatever is not ready yet.
    pub(super) async fn prepare(&self, source: Source) -> Result<Prepared, Refusal> {
        let (shared, slot, describes) = (self.shared.clone(), self.slot.clone(), self.describes);
        let task = self.shared.tracker.spawn_blocking(move || match source {
            Source::Staged(prepared) => prepared.staged.verify().map(|()| *prepared),
            Source::Folders => find(&shared, &slot, describes),
            Source::Package { path, place } => {
                let staged = made_of(&shared, &path, is_explicit(&shared, &place));
                staged.map(|staged| Prepared { staged, package: place })
            }
        });
        task.await.unwrap_or_else(|error| {
            let file = self.slot.id();
            Err(Refusal::Host { file, detail: format!("staging ended: {error}") })
        })
    }

    /// Launches what is ready.
    pub(super) async fn launch(&self, prepared: Prepared) -> Result<Launched, Refusal> {
        let staged = &prepared.staged;
        let order = self
            .order(staged)
            .map_err(|error| host_failure(staged, "its folders cannot be made", &error))?;
        let (isolation, demoted) = self.isolation(staged).await;
        let carrier = match isolation {
            Isolation::Process => process::launch(&order, &self.slot.log, &self.shared.tracker),
            Isolation::InProcess => {
                if !staged.grant.in_process() {
                    let why = staged.grant.words();
                    return Err(Refusal::NotInProcess { file: staged.shown(), why });
                }
                // A library that would take this process down takes a throw-away one instead.
                if !library::is_mapped(&staged.library) {
                    process::probe(&order, &self.slot.log, LOAD_TIME).await?;
                }
                self.enter(staged).await?;
                instance::launch(order, &self.slot.log)
            }
        };
        let carrier = carrier.map_err(|error| host_failure(staged, "cannot be started", &error))?;
        Ok(Launched { carrier, prepared, generation: self.generation, isolation, demoted })
    }

    /// Where the code shall run: where the configuration says, unless it took the gateway down there.
    async fn isolation(&self, staged: &Staged) -> (Isolation, Option<String>) {
        let wanted = self.slot.entry.isolation;
        if wanted == Isolation::Process {
            return (wanted, None);
        }
        let (inside, manifest) =
            (Inside::of(&self.shared.settings.state_dir), staged.manifest.clone());
        let look = move || inside.suspects(&manifest.id, &manifest.version);
        let look = self.shared.tracker.spawn_blocking(look);
        if !look.await.unwrap_or(true) {
            return (wanted, None);
        }
        let (id, version) = (&staged.manifest.id, &staged.manifest.version);
        let why = format!(
            "version {version} was inside the gateway when that was taken down, so it runs in a \
             process of its own until another version comes or `jackfield plugins reload {id}`"
        );
        tracing::warn!(plugin = %id, "{why}");
        (Isolation::Process, Some(why))
    }

    /// Writes down that the plugin is about to be inside.
    async fn enter(&self, staged: &Staged) -> Result<(), Refusal> {
        let (inside, manifest) =
            (Inside::of(&self.shared.settings.state_dir), staged.manifest.clone());
        let note = move || inside.enter(&manifest.id, &manifest.version);
        let noted = self.shared.tracker.spawn_blocking(note).await;
        noted.unwrap_or_else(|ended| Err(io::Error::other(ended))).map_err(|error| {
            host_failure(staged, "cannot be noted as running inside the gateway", &error)
        })
    }

    fn order(&self, staged: &Staged) -> io::Result<Order> {
        let (manifest, entry) = (&staged.manifest, &self.slot.entry);
        let folders = Folders::of(&self.shared.settings.state_dir, &manifest.id);
        folders.make()?;
        let confinement =
            confine::plan(manifest, &self.config, &staged.dir, &folders, entry.sandbox);
        Ok(Order {
            library: staged.library.clone(),
            shown: staged.shown(),
            version: manifest.version.clone(),
            log_level: log::finest_level(),
            confinement,
            scratch: folders.scratch,
            init: Init {
                id: manifest.id.clone(),
                generation: self.generation,
                window: WINDOW,
                state_dir: folders.own.to_str().map(str::to_owned),
            },
        })
    }
}

fn find(shared: &Arc<Shared>, slot: &Arc<Slot>, describes: bool) -> Result<Prepared, Refusal> {
    let found = discover::scan(&shared.settings.dirs);
    let ranked = discover::ranked(&found, &slot.entry);
    let mut first = None;
    for candidate in &ranked {
        match take(shared, slot, candidate, describes) {
            // Whoever cannot be trusted does not keep the one behind from its place.
            Err(refusal @ (Refusal::Untrusted { .. } | Refusal::Unsafe { .. })) => {
                if ranked.len() > 1 {
                    let file = candidate.path.display();
                    tracing::warn!(%file, %refusal, "plugin passed over");
                }
                first.get_or_insert((*candidate, refusal));
            }
            Ok(staged) => {
                if describes {
                    slot.vouched(staged.grant.words());
                }
                return Ok(Prepared { staged, package: candidate.path.clone() });
            }
            Err(refusal) => return Err(refusal),
        }
    }
    let (candidate, refusal) = first.ok_or_else(|| not_installed(shared, slot, &found))?;
    show(slot, candidate, describes);
    Err(refusal)
}

fn take(
    shared: &Shared,
    slot: &Slot,
    candidate: &Candidate,
    describes: bool,
) -> Result<Staged, Refusal> {
    show(slot, candidate, describes);
    if let Some(refusal) = &candidate.refusal {
        return Err(refusal.clone());
    }
    made_of(shared, &candidate.path, candidate.explicit)
}

fn made_of(shared: &Shared, package: &Path, explicit: bool) -> Result<Staged, Refusal> {
    stage::stage(package, explicit, &shared.settings.state_dir, &shared.settings.trust)
}

fn show(slot: &Slot, candidate: &Candidate, describes: bool) {
    match &candidate.manifest {
        Some(manifest) if describes => slot.describe(&candidate.path, manifest),
        None if describes => slot.place(&candidate.path, &candidate.id()),
        _ => {}
    }
}

/// Whether an operator named the folder that a package lies in, or the package itself.
fn is_explicit(shared: &Shared, package: &Path) -> bool {
    let holds = |dir: &Path| dir == package || Some(dir) == package.parent();
    shared.settings.dirs.iter().any(|dir| dir.explicit && holds(&dir.path))
}

fn not_installed(shared: &Shared, slot: &Slot, found: &[Candidate]) -> Refusal {
    let entry = &slot.entry;
    let dirs = shared.settings.dirs.iter().map(|dir| dir.path.display().to_string());
    let looked = dirs.collect::<Vec<_>>().join(", ");
    Refusal::NotInstalled {
        wanted: entry.plugin.as_ref().unwrap_or(&entry.channel).clone(),
        looked: if looked.is_empty() { "no folder".to_owned() } else { looked },
        unreadable: found.iter().filter(|candidate| candidate.manifest.is_none()).count(),
    }
}

pub(super) fn host_failure(staged: &Staged, what: &str, error: &io::Error) -> Refusal {
    Refusal::Host { file: staged.shown(), detail: format!("{what}: {error}") }
}
