//! Order within a lane, fairness across lanes, bounds, and panics.

use super::{LaneWork, Lanes, Next};
use crate::clock::Clock;
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Lanes with numbered pieces of work; a step takes the next one.
#[derive(Default)]
struct Heap {
    left: Mutex<HashMap<String, Vec<Next>>>,
    done: Mutex<Vec<String>>,
    running: AtomicUsize,
    most: AtomicUsize,
    moved: Notify,
}

impl Heap {
    fn fill(&self, lane: &str, work: &[Next]) {
        let mut work = work.to_vec();
        work.reverse();
        self.left.lock().unwrap().insert(lane.into(), work);
    }

    async fn until_done(&self, count: usize) -> Vec<String> {
        loop {
            let moved = self.moved.notified();
            let done = self.done.lock().unwrap().clone();
            if done.len() >= count {
                return done;
            }
            moved.await;
        }
    }
}

struct Shared(Arc<Heap>, Arc<Semaphore>);

impl LaneWork for Shared {
    fn step<'a>(&'a self, lane: &'a str) -> BoxFuture<'a, Next> {
        async move {
            let heap = &self.0;
            let now = heap.running.fetch_add(1, Ordering::SeqCst) + 1;
            heap.most.fetch_max(now, Ordering::SeqCst);
            tokio::task::yield_now().await;
            self.1.acquire().await.unwrap().forget();
            heap.running.fetch_sub(1, Ordering::SeqCst);
            let next = heap.left.lock().unwrap().get_mut(lane).and_then(Vec::pop);
            if next.is_some() {
                heap.done.lock().unwrap().push(lane.into());
                heap.moved.notify_one();
            }
            assert!(lane != "panics" || next.is_none(), "on purpose");
            next.unwrap_or(Next::Idle)
        }
        .boxed()
    }

    fn open(&self) -> BoxFuture<'_, Option<Vec<String>>> {
        let left = self.0.left.lock().unwrap();
        let mut open: Vec<String> =
            left.iter().filter(|(_, work)| !work.is_empty()).map(|(l, _)| l.clone()).collect();
        open.sort();
        std::future::ready(Some(open)).boxed()
    }
}

fn start(heap: &Arc<Heap>, limit: usize, permits: usize) -> (Arc<Lanes>, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(permits));
    let work = Shared(Arc::clone(heap), Arc::clone(&gate));
    let lanes = Lanes::start(
        Box::new(work),
        limit,
        Clock::system(),
        TaskTracker::new(),
        CancellationToken::new(),
    );
    (lanes, gate)
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_the_start_is_found_and_a_long_lane_does_not_starve_a_short_one() {
    let heap = Arc::new(Heap::default());
    heap.fill("a-long", &[Next::Again; 20]);
    heap.fill("b-short", &[Next::Again; 2]);
    let (_lanes, _) = start(&heap, 1, 1000);
    let done = heap.until_done(22).await;
    let last_short = done.iter().rposition(|lane| lane == "b-short").unwrap();
    assert!(last_short <= 5, "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn new_work_takes_every_other_place() {
    let heap = Arc::new(Heap::default());
    for n in 0..6 {
        heap.fill(&format!("old-{n}"), &[Next::Again]);
    }
    let (lanes, gate) = start(&heap, 1, 1);
    heap.until_done(1).await;
    for lane in ["new-0", "new-1", "old-5"] {
        heap.fill(lane, &[Next::Again]);
        lanes.hurry(lane);
    }
    gate.add_permits(1000);
    let done = heap.until_done(8).await;
    let at = |lane: &str| done.iter().position(|name| name == lane).unwrap();
    assert!(at("new-0") <= 4 && at("new-1") <= 6, "{done:?}");
    assert!(at("old-2") < at("new-1"), "but not every place: {done:?}");
    assert!(at("old-5") > at("old-4"), "who waits already keeps its place: {done:?}");
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_limit_run_at_once() {
    let heap = Arc::new(Heap::default());
    let (lanes, gate) = start(&heap, 3, 0);
    for n in 0..10 {
        heap.fill(&n.to_string(), &[Next::Again]);
        lanes.wake(&n.to_string());
    }
    gate.add_permits(1000);
    heap.until_done(10).await;
    assert_eq!(heap.most.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_waits_for_a_time_holds_no_place() {
    let heap = Arc::new(Heap::default());
    let hour = Duration::from_mins(5);
    heap.fill("a-later", &[Next::After(hour), Next::Again]);
    heap.fill("b-now", &[Next::Again; 3]);
    let clock = Clock::system();
    let begun = clock.monotonic();
    let (_lanes, _) = start(&heap, 1, 1000);
    let done = heap.until_done(4).await;
    assert_eq!(done, ["a-later", "b-now", "b-now", "b-now"]);
    assert!(clock.monotonic() - begun < hour);
    heap.until_done(5).await;
    assert!(clock.monotonic() - begun >= hour);
}

#[tokio::test(start_paused = true)]
async fn a_panic_delays_its_lane_and_no_other() {
    let heap = Arc::new(Heap::default());
    heap.fill("panics", &[Next::Again]);
    heap.fill("x", &[Next::Again]);
    let (lanes, _) = start(&heap, 1, 1000);
    heap.until_done(2).await;
    heap.fill("x", &[Next::Again]);
    lanes.wake("x");
    assert_eq!(heap.until_done(3).await.last().unwrap(), "x");
}

#[tokio::test(start_paused = true)]
async fn more_lanes_than_memory_allows_are_found_again() {
    let heap = Arc::new(Heap::default());
    let count = super::WAITING_MAX + 50;
    let (lanes, gate) = start(&heap, 1, 0);
    for n in 0..count {
        heap.fill(&n.to_string(), &[Next::Again]);
        lanes.wake(&n.to_string());
    }
    assert!(lanes.lock().waiting_names.len() <= super::WAITING_MAX);
    gate.add_permits(10 * count);
    heap.until_done(count).await;
}
