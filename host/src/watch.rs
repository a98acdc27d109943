//! Files that changed and rest again. Editors and tools write in several steps, and replace files or
//! the links to them, so folders are watched and a change counts when nothing follows for a while.
//! Must not know what the files mean.

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, recommended_watcher};
use std::{path::Path, time::Duration};
use tokio::sync::watch;

/// A watch over some folders; it ends when dropped.
#[derive(Debug)]
pub struct Changes {
    _watcher: RecommendedWatcher,
    changed: watch::Receiver<u64>,
    quiet: Duration,
}

impl Changes {
    /// Watches these folders, not those below them. A change counts when nothing follows it for as
    /// long as `quiet`. The first one is told at once: the files may have changed between being read
    /// and being watched.
    ///
    /// # Errors
    /// When a folder cannot be watched.
    pub fn of<P: AsRef<Path>>(
        folders: impl IntoIterator<Item = P>,
        quiet: Duration,
    ) -> Result<Self, notify::Error> {
        let (tell, mut changed) = watch::channel(0_u64);
        let mut watcher = recommended_watcher(move |event: Result<Event, notify::Error>| {
            // Reading the files is an event too, and no change.
            if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
                tell.send_modify(|n| *n = n.wrapping_add(1));
            }
        })?;
        for folder in folders {
            watcher.watch(folder.as_ref(), RecursiveMode::NonRecursive)?;
        }
        changed.mark_changed();
        Ok(Self { _watcher: watcher, changed, quiet })
    }

    /// Waits for a change; false when the watch has ended.
    pub async fn next(&mut self) -> bool {
        if self.changed.changed().await.is_err() {
            return false;
        }
        while let Ok(Ok(())) = tokio::time::timeout(self.quiet, self.changed.changed()).await {}
        true
    }
}
