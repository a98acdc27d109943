//! The thread that owns the database: takes what waits, runs it in one transaction, answers after
//! the commit.
//!
//! Reads of a round run first, against committed data. Each write has a savepoint of its own, so a
//! wrong one is undone alone. A commit or read that the disk refuses ends the store's life as a
//! store: it keeps answering, with [`StoreError::Failed`]. Must not know: what a job does.

use super::{StoreError, failpoint};
use rusqlite::{Connection, ErrorCode};
use std::{
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{mpsc, oneshot, watch};

/// Writes that may share one commit.
const ROUND_MAX: usize = 128;

/// What the owner thread is sent.
pub(super) enum Message {
    Write(Box<dyn Job>),
    Read(Box<dyn Job>),
    Close,
}

/// Where the store stands, as its handles see it.
#[derive(Clone, Default)]
pub(super) struct Phase {
    pub(super) failed: Option<Arc<str>>,
    pub(super) ended: bool,
}

/// One job with the caller that waits for it; run at most once, answered exactly once.
pub(super) trait Job: Send {
    /// Runs the job and keeps its result; says how it went.
    fn run(&mut self, connection: &Connection) -> Ran;
    /// Answers with the kept result, or with `undone` when the result did not last.
    fn answer(self: Box<Self>, undone: Option<StoreError>);
}

/// How a job went, as far as the owner must know.
pub(super) enum Ran {
    Kept,
    Wrong,
    Full,
    Broken(String),
}

struct Task<T, F> {
    job: Option<F>,
    result: Result<T, StoreError>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

/// A job for the queue and the place where its answer will be.
pub(super) fn task<T, F>(job: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, StoreError>>)
where
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    T: Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(Task { job: Some(job), result: Err(StoreError::Closed), reply }), answer)
}

impl<T, F> Job for Task<T, F>
where
    F: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection) -> Ran {
        let Some(job) = self.job.take() else { return Ran::Wrong };
        match catch_unwind(AssertUnwindSafe(|| job(connection))) {
            Ok(Ok(value)) => {
                self.result = Ok(value);
                Ran::Kept
            }
            Ok(Err(error)) => match severity(&error) {
                Ran::Wrong => {
                    self.result = Err(StoreError::Job(error));
                    Ran::Wrong
                }
                other => other,
            },
            Err(_) => {
                self.result = Err(StoreError::Panicked);
                Ran::Wrong
            }
        }
    }

    fn answer(self: Box<Self>, undone: Option<StoreError>) {
        let result = undone.map_or(self.result, Err);
        // A caller that no longer waits has dropped its end; the job counts all the same.
        let _ = self.reply.send(result);
    }
}

fn severity(error: &rusqlite::Error) -> Ran {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Ran::Full,
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::FileLockingProtocolFailed,
        ) => Ran::Broken(error.to_string()),
        _ => Ran::Wrong,
    }
}

/// The thread's body. `_lock` is let go last, after the database is closed.
pub(super) fn run(
    connection: Connection,
    mut queue: mpsc::Receiver<Message>,
    phase: &watch::Sender<Phase>,
    undone: &AtomicU64,
    lock: File,
) {
    let mut owner = Owner { connection, phase, undone, failed: None };
    let mut open = true;
    while open {
        let Some(first) = queue.blocking_recv() else { break };
        let mut reads = Vec::new();
        let mut writes = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Read(job) => reads.push(job),
                Message::Write(job) => writes.push(job),
                Message::Close => {
                    open = false;
                    break;
                }
            }
            if reads.len() + writes.len() >= ROUND_MAX {
                break;
            }
            next = queue.try_recv().ok();
        }
        owner.read_all(reads);
        owner.write_all(writes);
    }
    drop(queue);
    owner.end();
    drop(lock);
    phase.send_modify(|phase| phase.ended = true);
}

struct Owner<'a> {
    connection: Connection,
    phase: &'a watch::Sender<Phase>,
    undone: &'a AtomicU64,
    failed: Option<Arc<str>>,
}

impl Owner<'_> {
    fn read_all(&mut self, reads: Vec<Box<dyn Job>>) {
        for mut job in reads {
            let verdict = match self.verdict() {
                Some(failed) => Some(failed),
                None => match job.run(&self.connection) {
                    Ran::Kept | Ran::Wrong => None,
                    Ran::Full => Some(StoreError::Full),
                    Ran::Broken(reason) => {
                        self.fail(&reason);
                        self.verdict()
                    }
                },
            };
            job.answer(verdict);
        }
    }

    /// Runs `writes` in as few transactions as the disk allows: one, unless it is full.
    fn write_all(&mut self, writes: Vec<Box<dyn Job>>) {
        let mut waiting = writes.into_iter();
        while waiting.len() > 0 {
            if self.failed.is_none()
                && let Err(error) = self.execute("BEGIN IMMEDIATE")
            {
                match severity(&error) {
                    // Nothing is lost by a full disk here: each job is answered and none was run.
                    Ran::Full => {
                        self.undo(waiting.collect(), || StoreError::Full);
                        return;
                    }
                    _ => self.fail(&error.to_string()),
                }
            }
            if let Some(reason) = self.failed.clone() {
                for job in waiting {
                    job.answer(Some(StoreError::Failed(Arc::clone(&reason))));
                }
                return;
            }
            self.transact(&mut waiting);
        }
    }

    /// Runs jobs until all are done or the transaction is lost, then commits and answers.
    fn transact(&mut self, waiting: &mut std::vec::IntoIter<Box<dyn Job>>) {
        let mut ran = Vec::with_capacity(waiting.len());
        for mut job in waiting.by_ref() {
            let outcome = self.guarded(job.as_mut());
            ran.push(job);
            match outcome {
                Ran::Kept | Ran::Wrong => {}
                // SQLite may have undone the whole transaction; which part is not worth guessing.
                Ran::Full => {
                    self.roll_back();
                    self.undo(ran, || StoreError::Full);
                    return;
                }
                Ran::Broken(reason) => {
                    self.fail(&reason);
                    self.roll_back();
                    self.undo(ran, || StoreError::Failed(Arc::from(reason.as_str())));
                    return;
                }
            }
        }
        failpoint::hit("store.before_commit");
        match self.execute("COMMIT") {
            Ok(()) => {
                failpoint::hit("store.after_commit");
                for job in ran {
                    job.answer(None);
                }
            }
            Err(error) => {
                let reason = error.to_string();
                let full = matches!(severity(&error), Ran::Full);
                if !full {
                    self.fail(&reason);
                }
                self.roll_back();
                self.undo(ran, || {
                    if full { StoreError::Full } else { StoreError::Failed(reason.as_str().into()) }
                });
            }
        }
    }

    /// Runs one job between savepoints.
    fn guarded(&self, job: &mut dyn Job) -> Ran {
        let fault = |error: rusqlite::Error| match severity(&error) {
            Ran::Full => Ran::Full,
            _ => Ran::Broken(error.to_string()),
        };
        if let Err(error) = self.execute("SAVEPOINT job") {
            return fault(error);
        }
        let outcome = job.run(&self.connection);
        if self.connection.is_autocommit() && !matches!(outcome, Ran::Broken(_)) {
            return Ran::Full;
        }
        let end = match outcome {
            Ran::Kept => self.execute("RELEASE job"),
            Ran::Wrong => {
                self.execute("ROLLBACK TO job").and_then(|()| self.execute("RELEASE job"))
            }
            Ran::Full | Ran::Broken(_) => return outcome,
        };
        end.map_or_else(fault, |()| outcome)
    }

    /// Counts first, answers second: see [`super::Store::undone`].
    fn undo(&self, jobs: Vec<Box<dyn Job>>, error: impl Fn() -> StoreError) {
        self.undone.fetch_add(1, Ordering::SeqCst);
        for job in jobs {
            job.answer(Some(error()));
        }
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(|_| ())
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    fn verdict(&self) -> Option<StoreError> {
        self.failed.clone().map(StoreError::Failed)
    }

    fn fail(&mut self, reason: &str) {
        tracing::error!(reason, "the store has failed; nothing is acknowledged any more");
        let reason: Arc<str> = reason.into();
        self.failed = Some(Arc::clone(&reason));
        self.phase.send_modify(|phase| phase.failed = Some(reason));
    }

    fn end(self) {
        if self.failed.is_none()
            && let Err(error) =
                self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        {
            tracing::warn!(%error, "the write-ahead log could not be folded in; the next start does it");
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "the database did not close in order");
        }
    }
}
