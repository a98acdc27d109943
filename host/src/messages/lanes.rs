//! Lanes: work in order within a lane, side by side across lanes, with a bound on everything.
//!
//! A lane is a name; its work lies in the store, not here. A step does the next piece of a lane's
//! work; a lane that has more waits behind the others, so a long one cannot starve a short one. A lane
//! that must wait for a time holds no place. When more lanes wait than memory allows, the surplus is
//! forgotten and found again in the store. Must not know: what a step does.

use crate::clock::Clock;
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Lanes that may wait for a place or a time; more are found again by a rescan.
const WAITING_MAX: usize = 10_000;
/// Wait before a rescan, and before a lane is tried again whose step panicked.
const RESCAN: Duration = Duration::from_secs(15);
/// Longest sleep at a stretch, so that a moved wall clock is noticed.
const NAP_MAX: Duration = Duration::from_mins(10);

/// What a lane needs after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Perhaps more work.
    Again,
    /// Nothing to do.
    Idle,
    /// Nothing before this has passed.
    After(Duration),
}

/// What lanes are for.
pub(super) trait LaneWork: Send + Sync + 'static {
    /// Does the next piece of the lane's work.
    fn step<'a>(&'a self, lane: &'a str) -> BoxFuture<'a, Next>;
    /// All lanes that have work, `None` when that cannot be told now.
    fn open(&self) -> BoxFuture<'_, Option<Vec<String>>>;
}

/// A set of lanes. At most `limit` steps run at once.
pub(super) struct Lanes {
    work: Box<dyn LaneWork>,
    limit: usize,
    clock: Clock,
    tracker: TaskTracker,
    stop: CancellationToken,
    state: Mutex<State>,
    timer: Notify,
}

#[derive(Default)]
struct State {
    /// Lane → whether it was woken since its step began.
    active: HashMap<String, bool>,
    waiting: VecDeque<String>,
    /// Lanes that wait with something new: every other place is theirs, whatever waits besides.
    fresh: VecDeque<String>,
    fresh_turn: bool,
    /// All that wait for a place.
    waiting_names: HashSet<String>,
    timers: BTreeMap<(Instant, u64), String>,
    timer_of: HashMap<String, (Instant, u64)>,
    next_timer: u64,
    rescan_at: Option<Instant>,
}

impl Lanes {
    /// Starts with the lanes that have work already.
    pub(super) fn start(
        work: Box<dyn LaneWork>,
        limit: usize,
        clock: Clock,
        tracker: TaskTracker,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let state = State { rescan_at: Some(clock.monotonic()), ..State::default() };
        let lanes = Arc::new(Self {
            work,
            limit,
            clock,
            tracker,
            stop,
            state: Mutex::new(state),
            timer: Notify::new(),
        });
        lanes.tracker.spawn(Arc::clone(&lanes).keep_time());
        lanes
    }

    /// There is work on this lane.
    pub(super) fn wake(self: &Arc<Self>, lane: &str) {
        self.rouse(lane, false);
    }

    /// There is new work on this lane: where it has none besides, it need not wait behind all others.
    pub(super) fn hurry(self: &Arc<Self>, lane: &str) {
        self.rouse(lane, true);
    }

    fn rouse(self: &Arc<Self>, lane: &str, fresh: bool) {
        if self.stop.is_cancelled() {
            return;
        }
        let mut state = self.lock();
        if let Some(again) = state.active.get_mut(lane) {
            *again = true;
        } else if state.active.len() < self.limit {
            state.active.insert(lane.to_owned(), false);
            drop(state);
            self.tracker.spawn(Arc::clone(self).run(lane.to_owned()));
        } else if !state.queue(lane, fresh) {
            self.rescan_later(&mut state);
        }
    }

    async fn run(self: Arc<Self>, mut lane: String) {
        while !self.stop.is_cancelled() {
            let step = AssertUnwindSafe(self.work.step(&lane)).catch_unwind().await;
            let next = step.unwrap_or_else(|_| {
                tracing::error!(lane, "a step panicked; the lane is tried again");
                Next::After(RESCAN)
            });
            match self.pass_on(&lane, next) {
                Some(other) => lane = other,
                None => return,
            }
        }
    }

    /// Files the lane by what it needs and takes the one whose place it is.
    fn pass_on(&self, lane: &str, next: Next) -> Option<String> {
        let mut state = self.lock();
        let woken = state.active.remove(lane).unwrap_or(false);
        let filed = match next {
            Next::Again => state.queue(lane, false),
            _ if woken => state.queue(lane, false),
            Next::Idle => true,
            Next::After(wait) => {
                let filed = state.file_timer(lane, self.clock.monotonic() + wait.min(NAP_MAX));
                self.timer.notify_one();
                filed
            }
        };
        if !filed {
            self.rescan_later(&mut state);
        }
        let other = state.take()?;
        state.active.insert(other.clone(), false);
        Some(other)
    }

    fn rescan_later(&self, state: &mut State) {
        if state.rescan_at.is_none() {
            state.rescan_at = Some(self.clock.monotonic() + RESCAN);
            self.timer.notify_one();
        }
    }

    async fn keep_time(self: Arc<Self>) {
        loop {
            let deadline = self.lock().deadline();
            let sleep = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.timer.notified() => continue,
                () = sleep => {}
            }
            let (due, rescan) = self.lock().due(self.clock.monotonic());
            for lane in due {
                self.wake(&lane);
            }
            if rescan {
                self.rescan().await;
            }
        }
    }

    async fn rescan(self: &Arc<Self>) {
        if let Some(open) = self.work.open().await {
            for lane in open {
                self.wake(&lane);
            }
        } else {
            self.rescan_later(&mut self.lock());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Lets a lane wait for a place; false when too many do.
    fn queue(&mut self, lane: &str, fresh: bool) -> bool {
        if self.waiting_names.contains(lane) {
            return true;
        }
        if self.waiting_names.len() >= WAITING_MAX {
            return false;
        }
        self.waiting_names.insert(lane.to_owned());
        // One that waits for a time has older work.
        let fresh = fresh && !self.timer_of.contains_key(lane);
        let queue = if fresh { &mut self.fresh } else { &mut self.waiting };
        queue.push_back(lane.to_owned());
        true
    }

    /// The lane whose place it is.
    fn take(&mut self) -> Option<String> {
        self.fresh_turn = !self.fresh_turn;
        let (first, second) = if self.fresh_turn {
            (&mut self.fresh, &mut self.waiting)
        } else {
            (&mut self.waiting, &mut self.fresh)
        };
        let lane = first.pop_front().or_else(|| second.pop_front())?;
        self.waiting_names.remove(&lane);
        Some(lane)
    }

    /// Lets a lane wait for a time; false when too many do.
    fn file_timer(&mut self, lane: &str, at: Instant) -> bool {
        if let Some(old) = self.timer_of.remove(lane) {
            self.timers.remove(&old);
        }
        if self.timers.len() >= WAITING_MAX {
            return false;
        }
        let key = (at, self.next_timer);
        self.next_timer += 1;
        self.timers.insert(key, lane.to_owned());
        self.timer_of.insert(lane.to_owned(), key);
        true
    }

    fn deadline(&self) -> Option<Instant> {
        let timer = self.timers.keys().next().map(|(at, _)| *at);
        timer.into_iter().chain(self.rescan_at).min()
    }

    fn due(&mut self, now: Instant) -> (Vec<String>, bool) {
        let mut due = Vec::new();
        while let Some(entry) = self.timers.first_entry()
            && entry.key().0 <= now
        {
            let lane = entry.remove();
            self.timer_of.remove(&lane);
            due.push(lane);
        }
        let rescan = self.rescan_at.is_some_and(|at| at <= now);
        if rescan {
            self.rescan_at = None;
        }
        (due, rescan)
    }
}

#[cfg(test)]
mod tests;
