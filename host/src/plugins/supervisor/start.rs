//! From files to a launched plugin: find, stage, try, launch.
//!
//! Every way this can fail is a [`Refusal`]. Must not know: frames.

use super::{Shared, Supervisor};
use crate::plugins::{
    Isolation, Refusal,
    carrier::Carrier,
    confine::{self, Folders},
    discover::{self, Candidate},
    instance, log, process,
    runner::Order,
    slot::Slot,
    stage::{self, Staged},
};
use jackfield_plugin_api::frame::{Init, WINDOW};
use std::{io, sync::Arc, time::Duration};

/// How long a library may take to be opened; its constructors run in that time.
pub(super) const LOAD_TIME: Duration = Duration::from_secs(10);

/// A launched life and what it was launched from.
pub(super) struct Launched {
    pub(super) carrier: Carrier,
    pub(super) staged: Staged,
}

impl Supervisor {
    /// Makes ready whatever is not ready yet and launches the plugin.
    pub(super) async fn launch(&mut self) -> Result<Launched, Refusal> {
        let staged = self.prepare().await?;
        let order = self
            .order(&staged)
            .map_err(|error| host_failure(&staged, "its folders cannot be made", &error))?;
        let carrier = match self.slot.entry.isolation {
            Isolation::Process => process::launch(&order, &self.slot.log, &self.shared.tracker),
            Isolation::InProcess => {
                self.try_out(&order, &staged).await?;
                instance::launch(order, &self.slot.log)
            }
        };
        let carrier =
            carrier.map_err(|error| host_failure(&staged, "cannot be started", &error))?;
        Ok(Launched { carrier, staged })
    }

    /// The staged copy of the last life, or of the package as it lies there now.
    async fn prepare(&mut self) -> Result<Staged, Refusal> {
        let (shared, slot) = (self.shared.clone(), self.slot.clone());
        let before = self.staged.take();
        let task = self.shared.tracker.spawn_blocking(move || match before {
            Some(staged) => staged.verify().map(|()| staged),
            None => find(&shared, &slot),
        });
        let staged = task.await.unwrap_or_else(|error| {
            let file = self.slot.id();
            Err(Refusal::Host { file, detail: format!("staging ended: {error}") })
        })?;
        self.staged = Some(staged.clone());
        Ok(staged)
    }

    /// A library that would take this process down takes a throw-away one instead.
    async fn try_out(&mut self, order: &Order, staged: &Staged) -> Result<(), Refusal> {
        if self.tried.as_ref() != Some(&staged.library) {
            process::probe(order, &self.slot.log, LOAD_TIME).await?;
            self.tried = Some(staged.library.clone());
        }
        Ok(())
    }

    fn order(&self, staged: &Staged) -> io::Result<Order> {
        let (manifest, entry) = (&staged.manifest, &self.slot.entry);
        let folders = Folders::of(&self.shared.settings.state_dir, &manifest.id);
        folders.make()?;
        let confinement =
            confine::plan(manifest, &entry.config, &staged.dir, &folders, entry.sandbox);
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

fn find(shared: &Arc<Shared>, slot: &Arc<Slot>) -> Result<Staged, Refusal> {
    let found = discover::scan(&shared.settings.dirs);
    let candidate =
        discover::choose(&found, &slot.entry).ok_or_else(|| not_installed(shared, slot, &found))?;
    match &candidate.manifest {
        Some(manifest) => slot.describe(&candidate.path, manifest),
        None => slot.place(&candidate.path, &candidate.id()),
    }
    if let Some(refusal) = &candidate.refusal {
        return Err(refusal.clone());
    }
    stage::stage(&candidate.path, candidate.explicit, &shared.settings.state_dir)
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
