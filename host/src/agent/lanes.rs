//! Who runs when: one at a time per conversation in order of arrival, a cap over all.

use futures_util::{
    FutureExt,
    future::{BoxFuture, ready},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    task::{Context, Poll, Waker},
};
use tokio::sync::{Mutex as FairMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// The lanes.
#[derive(Debug)]
pub struct Lanes {
    by_key: Mutex<HashMap<String, Weak<FairMutex<()>>>>,
    cap: Arc<Semaphore>,
}

/// A place in a lane, taken in order of arrival; waiting for it may happen later.
pub struct Place {
    lane: BoxFuture<'static, OwnedMutexGuard<()>>,
    cap: Arc<Semaphore>,
}

/// The right to run, until dropped.
#[derive(Debug)]
pub struct Turn {
    _lane: OwnedMutexGuard<()>,
    _cap: OwnedSemaphorePermit,
}

impl Lanes {
    /// Lanes that let `max` runs go at once.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { by_key: Mutex::default(), cap: Arc::new(Semaphore::new(max.max(1))) }
    }

    /// A place in the lane of `key`.
    #[must_use]
    pub fn place(&self, key: &str) -> Place {
        let mut lanes = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.get(key).and_then(Weak::upgrade).unwrap_or_else(|| {
            lanes.retain(|_, lane| lane.strong_count() > 0);
            let lane = Arc::new(FairMutex::new(()));
            lanes.insert(key.to_owned(), Arc::downgrade(&lane));
            lane
        });
        // The lock queues whoever polls it first; polling it here is what takes the place.
        let mut queued = lane.lock_owned().boxed();
        let lane = match queued.poll_unpin(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(guard) => ready(guard).boxed(),
            Poll::Pending => queued,
        };
        Place { lane, cap: Arc::clone(&self.cap) }
    }
}

impl Place {
    /// Waits for the turn. The lane first, so that a busy conversation never holds a place under
    /// the cap while it waits for itself.
    ///
    /// # Panics
    /// Never: the cap is not closed while lanes exist.
    pub async fn turn(self) -> Turn {
        let lane = self.lane.await;
        let cap = self.cap.acquire_owned().await.expect("the cap is never closed");
        Turn { _lane: lane, _cap: cap }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[tokio::test]
    async fn one_at_a_time_per_key_and_a_cap_over_all() {
        let lanes = Lanes::new(2);
        let first = lanes.place("a").turn().await;
        let mut second = Box::pin(lanes.place("a").turn());
        assert!((&mut second).now_or_never().is_none(), "same conversation waits");
        let other = lanes.place("b").turn().now_or_never().expect("another conversation runs");
        assert!(lanes.place("c").turn().now_or_never().is_none(), "the cap holds");
        drop(other);
        drop(first);
        assert!(second.now_or_never().is_some());
    }

    #[tokio::test]
    async fn the_order_is_that_of_the_places_not_of_the_waiting() {
        let lanes = Lanes::new(2);
        let running = lanes.place("a").turn().await;
        let (first, second) = (lanes.place("a"), lanes.place("a"));
        let mut second = Box::pin(second.turn());
        assert!((&mut second).now_or_never().is_none());
        drop(running);
        assert!((&mut second).now_or_never().is_none(), "the first place comes first");
        drop(first.turn().now_or_never().expect("it is the first one's turn"));
        assert!(second.now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_place_given_up_lets_the_next_one_on() {
        let lanes = Lanes::new(2);
        let running = lanes.place("a").turn().await;
        let (first, second) = (lanes.place("a"), lanes.place("a"));
        drop(first);
        drop(running);
        assert!(second.turn().now_or_never().is_some());
    }

    #[tokio::test]
    async fn idle_lanes_are_forgotten() {
        let lanes = Lanes::new(1);
        for n in 0..100 {
            drop(lanes.place(&n.to_string()).turn().await);
        }
        assert!(lanes.by_key.lock().unwrap().len() <= 1);
    }
}
