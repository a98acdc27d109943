//! One program for each conversation: taken by a run, kept for the next one, ended when unused.
//!
//! A run that is dropped in the middle leaves a program that still works; it is called off, gets a few
//! seconds to become quiet, and is killed otherwise. The next run waits for that. Must not know:
//! protocols.

use super::program::Program;
use futures_util::future::BoxFuture;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Mutex as FairMutex, OwnedMutexGuard},
    time::Instant,
};

/// How long a program that was called off may take to become quiet.
const QUIET_WITHIN: Duration = Duration::from_secs(5);
/// How often unused programs are looked for, at least.
const TEND_EVERY: Duration = Duration::from_secs(10);
/// And at most.
const TEND_SHORTEST: Duration = Duration::from_secs(1);

/// A program that works for a conversation; dropped, it is killed.
pub(super) trait Worker: Send + 'static {
    /// Whether it still runs.
    fn alive(&self) -> bool;
    /// Calls its work off and waits until it does nothing any more.
    fn quiet(&mut self) -> BoxFuture<'_, ()>;
}

/// All programs of one agent.
pub(super) struct Seats<W> {
    program: Program,
    seats: Mutex<HashMap<String, Seat<W>>>,
    tended: AtomicBool,
}

struct Seat<W> {
    worker: Arc<FairMutex<Option<W>>>,
    used: Instant,
}

/// A conversation's program while a run uses it.
pub(super) struct Sitting<W: Worker> {
    seats: Arc<Seats<W>>,
    key: String,
    guard: Option<OwnedMutexGuard<Option<W>>>,
    finished: bool,
}

impl<W: Worker> Seats<W> {
    /// None runs yet.
    pub(super) fn new(program: Program) -> Arc<Self> {
        Arc::new(Self { program, seats: Mutex::default(), tended: AtomicBool::new(false) })
    }

    /// The program behind all of them.
    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    /// Waits for the program of a conversation; there may be none yet, and never a dead one.
    pub(super) async fn take(self: &Arc<Self>, key: &str) -> Sitting<W> {
        self.tend();
        let worker = {
            let mut seats = self.seats();
            let seat = seats.entry(key.to_owned()).or_insert_with(|| Seat {
                worker: Arc::default(),
                used: self.program.ground.clock.monotonic(),
            });
            Arc::clone(&seat.worker)
        };
        let mut guard = worker.lock_owned().await;
        if guard.as_ref().is_some_and(|worker| !worker.alive()) {
            *guard = None;
        }
        Sitting {
            seats: Arc::clone(self),
            key: key.to_owned(),
            guard: Some(guard),
            finished: false,
        }
    }

    /// Looks after unused programs until the gateway stops.
    fn tend(self: &Arc<Self>) {
        if self.tended.swap(true, Ordering::Relaxed) {
            return;
        }
        let seats = Arc::clone(self);
        let ground = self.program.ground.clone();
        ground.tracker.spawn(async move {
            let pause = seats.program.idle().clamp(TEND_SHORTEST, TEND_EVERY);
            while ground.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
                seats.clear(seats.program.idle(), seats.program.settings.max_idle);
            }
            seats.clear(Duration::ZERO, 0);
        });
    }

    /// Ends programs unused for so long, and the longest unused of more than `max`.
    fn clear(&self, idle: Duration, max: usize) {
        let now = self.program.ground.clock.monotonic();
        let mut seats = self.seats();
        let mut unused: Vec<(Instant, String)> = Vec::new();
        seats.retain(|key, seat| {
            // Whoever waits for it or uses it holds it too.
            if Arc::strong_count(&seat.worker) > 1 {
                return true;
            }
            let Ok(worker) = seat.worker.try_lock() else { return true };
            let keep =
                now.duration_since(seat.used) < idle && worker.as_ref().is_some_and(Worker::alive);
            if keep {
                unused.push((seat.used, key.clone()));
            }
            keep
        });
        unused.sort();
        let surplus = unused.len().saturating_sub(max);
        for (_, key) in unused.into_iter().take(surplus) {
            seats.remove(&key);
        }
    }

    fn seats(&self) -> std::sync::MutexGuard<'_, HashMap<String, Seat<W>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Worker> Sitting<W> {
    /// The program, if one runs.
    ///
    /// # Panics
    /// Never: the guard is given away only by the drop.
    pub(super) fn worker(&mut self) -> &mut Option<W> {
        self.guard.as_mut().expect("held until dropped")
    }

    /// The run is over and its program quiet.
    pub(super) fn finish(mut self) {
        self.finished = true;
    }
}

impl<W: Worker> Drop for Sitting<W> {
    fn drop(&mut self) {
        let Some(mut guard) = self.guard.take() else { return };
        let seats = Arc::clone(&self.seats);
        let ground = &self.seats.program.ground;
        if let Some(seat) = seats.seats().get_mut(&self.key) {
            seat.used = ground.clock.monotonic();
        }
        if self.finished || guard.is_none() {
            drop(guard);
            seats.clear(seats.program.idle(), seats.program.settings.max_idle);
            return;
        }
        let stop = ground.stop.clone();
        ground.tracker.spawn(async move {
            let quiet = match guard.as_mut() {
                Some(worker) => {
                    let quiet = tokio::time::timeout(QUIET_WITHIN, worker.quiet());
                    stop.run_until_cancelled(quiet).await.is_some_and(|in_time| in_time.is_ok())
                }
                None => false,
            };
            if !quiet || !guard.as_ref().is_some_and(Worker::alive) {
                *guard = None;
            }
            drop(guard);
            seats.clear(seats.program.idle(), seats.program.settings.max_idle);
        });
    }
}
