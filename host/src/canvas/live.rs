//! Live reload: tells open pages that a file changed. The folder is watched only while someone asks.

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _, recommended_watcher,
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::sync::watch;

/// An editor writes a file in several steps; a change counts when they rest this long.
const QUIET: Duration = Duration::from_millis(75);

/// The watch over the folder, held by those who wait for changes.
#[derive(Debug)]
struct Watching {
    _watcher: RecommendedWatcher,
    changes: watch::Receiver<u64>,
}

/// Where pages ask.
#[derive(Debug)]
pub struct Live {
    root: PathBuf,
    watching: Mutex<Weak<Watching>>,
}

/// One page's wait for changes.
#[derive(Debug)]
pub struct Changes {
    _watching: Arc<Watching>,
    changes: watch::Receiver<u64>,
}

impl Live {
    /// Of this folder; nothing is watched yet.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root, watching: Mutex::default() }
    }

    /// Begins to wait for changes.
    ///
    /// # Errors
    /// When the folder cannot be watched, as when the kernel's watches are used up.
    pub fn changes(&self) -> Result<Changes, notify::Error> {
        let mut slot = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        let watching = if let Some(watching) = slot.upgrade() {
            watching
        } else {
            let watching = Arc::new(watch(&self.root)?);
            *slot = Arc::downgrade(&watching);
            watching
        };
        let mut changes = watching.changes.clone();
        changes.mark_unchanged();
        Ok(Changes { _watching: watching, changes })
    }

    /// Whether anyone waits.
    #[must_use]
    pub fn is_watching(&self) -> bool {
        self.watching.lock().unwrap_or_else(PoisonError::into_inner).strong_count() > 0
    }
}

impl Changes {
    /// Waits until something changed and rests again; `false` when the watch is broken.
    pub async fn next(&mut self) -> bool {
        if self.changes.changed().await.is_err() {
            return false;
        }
        loop {
            match tokio::time::timeout(QUIET, self.changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return false,
                Err(_) => return true,
            }
        }
    }
}

fn watch(root: &Path) -> Result<Watching, notify::Error> {
    let (tell, changes) = watch::channel(0_u64);
    let below = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let mut watcher =
        recommended_watcher(move |event: Result<Event, notify::Error>| match event {
            Ok(event) if counts(&event, &below) => tell.send_modify(|n| *n = n.wrapping_add(1)),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the canvas is not watched completely"),
        })?;
    watcher.watch(
        &root.canonicalize().unwrap_or_else(|_| root.to_owned()),
        RecursiveMode::Recursive,
    )?;
    Ok(Watching { _watcher: watcher, changes })
}

/// Hidden files are what editors leave about, and packages are none of the page's own.
fn counts(event: &Event, root: &Path) -> bool {
    let hidden = |path: &PathBuf| {
        path.strip_prefix(root).unwrap_or(path).components().any(|part| {
            let name = part.as_os_str().to_string_lossy();
            name.starts_with('.') || name == "node_modules"
        })
    };
    !matches!(event.kind, EventKind::Access(_)) && !event.paths.iter().all(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[tokio::test]
    async fn a_save_is_told_once_and_watching_ends_with_the_last_page() {
        let root = tempfile::tempdir().unwrap();
        let live = Live::new(root.path().to_owned());
        assert!(!live.is_watching());
        let mut page = live.changes().unwrap();
        let mut other = live.changes().unwrap();
        fs::write(root.path().join(".swap"), "x").unwrap();
        fs::write(root.path().join("index.html"), "a").unwrap();
        fs::write(root.path().join("index.html"), "b").unwrap();
        let both = async { page.next().await && other.next().await };
        assert!(tokio::time::timeout(Duration::from_secs(20), both).await.unwrap());
        drop(page);
        assert!(live.is_watching());
        drop(other);
        assert!(!live.is_watching());
    }

    #[test]
    fn hidden_files_and_reading_are_no_change() {
        let root = Path::new("/canvas");
        let event = |kind, path: &str| Event::new(kind).add_path(root.join(path));
        let any = EventKind::Any;
        assert!(counts(&event(any, "a/index.html"), root));
        assert!(!counts(&event(any, ".git/index"), root));
        assert!(!counts(&event(any, "node_modules/x.js"), root));
        assert!(!counts(&event(EventKind::Access(notify::event::AccessKind::Any), "a.html"), root));
    }
}
