//! Reading the configuration again while the gateway runs. A certificate is renewed in place; other
//! settings are applied by a new life of the gateway in the same process, on the same open port: its
//! plugins and its clients come back to it, and nothing that was accepted is lost.
//!
//! A configuration that cannot be used changes nothing. Must not know what the settings mean.

use crate::{
    config::gateway::ReloadMode,
    methods::{
        Core,
        config::{
            live::{self, Outcome},
            snapshot::Snapshot,
        },
    },
    watch::Changes,
};
use std::{sync::Arc, time::Duration};

/// An editor writes a file in several steps; a change counts when they rest this long.
const QUIET: Duration = Duration::from_millis(300);

/// Begins to watch what may change on disk.
pub(super) fn start(core: &Arc<Core>) {
    if let Some(tls) = core.tls.clone() {
        let stop = core.stop.clone();
        core.tracker.spawn(async move {
            if let Some(Err(error)) = stop.run_until_cancelled(tls.keep_fresh()).await {
                tracing::warn!(%error, "the certificate's files cannot be watched; SIGHUP renews it");
            }
        });
    }
    if core.config.gateway.reload == ReloadMode::Auto {
        let core = Arc::clone(core);
        core.tracker.clone().spawn(async move {
            let stop = core.stop.clone();
            if let Some(Err(error)) = stop.run_until_cancelled(watch(&core)).await {
                tracing::warn!(%error, "the configuration cannot be watched; SIGHUP applies changes");
            }
        });
    }
}

/// Reads the files again: a certificate is renewed, and what needs no new life of the gateway is put
/// in force. True when something else changed, and can be used.
pub(super) async fn needs_new_life(core: &Core) -> bool {
    match core.tls.as_ref().map(crate::tls::Tls::reload) {
        Some(Ok(true)) => tracing::info!("the certificate was renewed"),
        Some(Err(error)) => {
            tracing::warn!(%error, "the certificate cannot be renewed; the former one stays");
        }
        Some(Ok(false)) | None => {}
    }
    match Snapshot::read(core).await {
        Ok(Snapshot { problem: Some(problem), .. }) => {
            tracing::error!(
                problem = problem.text,
                "the configuration cannot be used; the gateway goes on with the former one"
            );
            false
        }
        Ok(snapshot) if core.in_force(|applied| applied.hash == snapshot.hash) == Some(true) => {
            false
        }
        Ok(snapshot) => live::apply(core, &snapshot).await == Outcome::Elsewhere,
        Err(error) => {
            tracing::error!(%error, "the gateway goes on with the configuration it has");
            false
        }
    }
}

async fn watch(core: &Core) -> Result<(), notify::Error> {
    let Some(folder) = core.paths.config.parent().filter(|folder| folder.is_dir()) else {
        return Ok(());
    };
    let drop_ins = folder.join("conf.d");
    let folders = [Some(folder), drop_ins.is_dir().then_some(drop_ins.as_path())];
    let mut changes = Changes::of(folders.into_iter().flatten(), QUIET)?;
    while changes.next().await {
        core.reread.notify_one();
    }
    Ok(())
}
