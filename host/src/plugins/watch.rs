//! Watches the plugin folders and tells supervisors when files have settled there.
//!
//! A copy takes time and a rename none, so a folder counts as settled once nothing in it has changed
//! for a while. What a supervisor makes of the word is its business. Must not know: versions.

use super::{
    slot::{Command, Slot},
    supervisor::Shared,
};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::AccessKind};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, time};

/// How long nothing may have changed.
const SETTLED: Duration = Duration::from_secs(1);

/// Runs until the gateway goes down.
pub(super) async fn watch(shared: Arc<Shared>, slots: Vec<Arc<Slot>>) {
    // One word is as good as many.
    let (changed, mut changes) = mpsc::channel(1);
    let told = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| changes_files(event.kind)) {
            let _ = changed.try_send(());
        }
    });
    let mut watcher = match told {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::error!(%error, "plugin folders cannot be watched; `jackfield plugins reload` takes new versions over");
            return;
        }
    };
    attach(&mut watcher, &shared);
    let halt = shared.halt.clone();
    loop {
        tokio::select! {
            () = halt.cancelled() => return,
            Some(()) = changes.recv() => {}
        }
        while time::timeout(SETTLED, changes.recv()).await.is_ok_and(|more| more.is_some()) {}
        for slot in &slots {
            // A full queue means that the supervisor is busy with what others want of it; the files
            // are looked at again when they change again, or when somebody asks.
            let _ = slot.commands.try_send(Command::Offer);
        }
    }
}

fn attach(watcher: &mut RecommendedWatcher, shared: &Shared) {
    for dir in &shared.settings.dirs {
        match watcher.watch(&dir.path, RecursiveMode::Recursive) {
            Ok(()) => {}
            Err(_) if !dir.path.exists() && !dir.explicit => {}
            Err(error) => {
                tracing::warn!(dir = %dir.path.display(), %error, "a plugin folder is not watched");
            }
        }
    }
}

fn changes_files(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(notify::event::AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}
