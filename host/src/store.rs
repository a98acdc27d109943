//! The durable store: one `SQLite` file that one thread owns, and the promise "answered means on disk".
//!
//! [`Store::write`] resolves only after the commit that holds the job has reached the disk; writes
//! that wait together share one commit. Everything that must survive a restart goes through here.
//! Must not know: what the rows mean to a person, any platform, the wire.
//!
//! One process owns the file: a lock file held for life keeps a second gateway out, and an exclusive
//! database lock keeps every other tool out. After a failed commit the store answers
//! [`StoreError::Failed`] for good, because nobody can say what the disk kept.

mod column;
pub mod failpoint;
pub mod journal;
mod lock;
mod open;
pub mod outbox;
mod owner;
pub mod records;
mod schema;
pub mod transcripts;

#[cfg(test)]
mod tests;

use owner::{Message, Phase};
use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};
use tokio::sync::{mpsc, oneshot, watch};

/// Jobs that may wait for the owner thread; the next caller waits for a place.
const QUEUE_MAX: usize = 1024;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another gateway owns this state directory.
    #[error(
        "another gateway{} already uses the state directory {path}; stop it or give this one its own --state-dir",
        .pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    Locked {
        /// Process id the owner wrote down; informational.
        pid: Option<u32>,
        /// The state directory.
        path: PathBuf,
    },
    /// The file was written by a newer version; it was not touched.
    #[error("{path} has schema {found}, this version knows up to {known}; start the newer version")]
    Newer {
        /// Schema number in the file.
        found: i64,
        /// Newest schema number this version writes.
        known: i64,
        /// The database.
        path: PathBuf,
    },
    /// The file is damaged. It was moved aside; nothing starts from empty allow-lists unasked.
    #[error(
        "the state database is damaged ({reason}); it is kept as {quarantined}. Restore it as journal.db, or move it out of the state directory to begin with an empty one (all pairings, allow-lists and conversations are then gone)"
    )]
    Corrupt {
        /// Where the damaged file is kept.
        quarantined: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The state directory cannot be used.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The linked database library is too old to be trusted with this use.
    #[error("the database library is version {0}; 3.51.3 or newer is needed")]
    Library(i32),
    /// The disk is full: this job was undone, later ones are tried again.
    #[error("the disk is full; nothing was stored")]
    Full,
    /// The disk failed earlier: nothing is stored any more until the gateway is started again.
    #[error("the store has failed ({0}); nothing is stored until the gateway is started again")]
    Failed(Arc<str>),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// This job was wrong and was undone; the store is fine.
    #[error("a store job failed and was undone: {0}")]
    Job(#[from] rusqlite::Error),
    /// This job panicked and was undone; the store is fine.
    #[error("a store job panicked and was undone")]
    Panicked,
}

/// The handle to the store. Cheap to clone; the last one dropped closes it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    jobs: mpsc::Sender<Message>,
    phase: watch::Receiver<Phase>,
    undone: Arc<AtomicU64>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Takes the state directory and opens its database, creating both when missing.
    ///
    /// Blocks; call it before serving. After an unclean exit the database is checked first.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Newer`], [`StoreError::Corrupt`], [`StoreError::Io`],
    /// [`StoreError::Library`] or, for a failure of the database itself, [`StoreError::Job`].
    pub fn open(state_dir: &Path) -> Result<Self, StoreError> {
        let lock = lock::take(state_dir)?;
        let connection = open::open(state_dir)?;
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let (phase_out, phase) = watch::channel(Phase::default());
        let undone = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&undone);
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || owner::run(connection, queue, &phase_out, &counter, lock))
            .map_err(|source| StoreError::Io { path: state_dir.to_owned(), source })?;
        Ok(Self {
            shared: Arc::new(Shared { jobs, phase, undone, thread: Mutex::new(Some(thread)) }),
        })
    }

    /// Runs `job` on the owner thread and resolves after the durable commit that holds it. A job
    /// that answers `Err` is undone alone; others of the same commit are not touched. Dropping the
    /// future does not recall the job.
    ///
    /// # Errors
    /// [`StoreError::Job`], [`StoreError::Panicked`], [`StoreError::Full`], [`StoreError::Failed`]
    /// or [`StoreError::Closed`]; nothing of the job was kept in any of these cases, except that
    /// after `Failed` the next start may find it on disk.
    pub async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (task, answer) = owner::task(job);
        self.submit(Message::Write(task), answer).await
    }

    /// Runs `job` on the owner thread against what is committed. It must not write.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (task, answer) = owner::task(job);
        self.submit(Message::Read(task), answer).await
    }

    /// How often a write was undone by the disk (full or failed). Grows on the owner thread before
    /// the next job runs, so a job can tell whether something that ran before it was undone.
    #[must_use]
    pub fn undone(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.shared.undone)
    }

    /// Resolves when the store has failed for good, with the reason; the gateway then ends non-zero.
    /// Never resolves for a store that is closed in order.
    pub async fn failed(&self) -> Arc<str> {
        let mut phase = self.shared.phase.clone();
        loop {
            if let Some(reason) = phase.borrow_and_update().failed.clone() {
                return reason;
            }
            if phase.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Finishes the jobs that wait, writes everything back into the main file, ends the thread and
    /// lets go of the state directory. Later calls answer [`StoreError::Closed`].
    pub async fn close(&self) {
        // A closed queue means that somebody else closes already; then only the end is awaited.
        let _ = self.shared.jobs.send(Message::Close).await;
        let mut phase = self.shared.phase.clone();
        // An error means that the thread is gone, which is what is waited for.
        let _ = phase.wait_for(|phase| phase.ended).await;
        let thread = self.shared.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the store thread panicked");
        }
    }

    async fn submit<T>(
        &self,
        message: Message,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.shared.jobs.send(message).await.map_err(|_| StoreError::Closed)?;
        answer.await.unwrap_or(Err(StoreError::Closed))
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("undone", &self.shared.undone.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}
