//! How fast one link sends new messages: as the platform allows to one target, and in all.
//!
//! Turns are given out evenly, so that no second holds more than its share. Counted for one life of
//! the gateway: what the platform itself asks for is kept with the rows. Must not know: what is sent.

use jackfield_plugin_api::manifest::Limits;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Targets that are remembered; those that may be written to again are forgotten first.
const TARGETS_MAX: usize = 10_000;

/// The turns of one link.
#[derive(Default)]
pub(super) struct Pace(Mutex<Turns>);

#[derive(Default)]
struct Turns {
    /// Lane → when its target may be written to again.
    targets: HashMap<String, Instant>,
    /// When the link may send again.
    link: Option<Instant>,
}

impl Pace {
    /// How long the target of this lane must still be left alone.
    pub(super) fn wait_of(&self, lane: &str, now: Instant) -> Option<Duration> {
        let wait = self.turns().targets.get(lane)?.saturating_duration_since(now);
        (!wait.is_zero()).then_some(wait)
    }

    /// Takes the next turn of this lane, and tells how long it is until then.
    pub(super) fn take(&self, lane: &str, limits: &Limits, now: Instant) -> Duration {
        let mut turns = self.turns();
        let mut turn = now;
        if limits.target_interval_ms > 0 {
            turn = turns.targets.get(lane).copied().unwrap_or(now).max(turn);
        }
        if limits.sends_per_second > 0 {
            turn = turns.link.unwrap_or(now).max(turn);
            turns.link = Some(turn + Duration::from_secs(1) / limits.sends_per_second);
        }
        if limits.target_interval_ms > 0 {
            if turns.targets.len() >= TARGETS_MAX {
                turns.targets.retain(|_, free| *free > now);
            }
            let free = turn + Duration::from_millis(limits.target_interval_ms.into());
            turns.targets.insert(lane.to_owned(), free);
        }
        turn - now
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_come_evenly_to_each_target_and_in_all() {
        let limits = Limits { target_interval_ms: 1000, sends_per_second: 10, ..Limits::default() };
        let (pace, now) = (Pace::default(), crate::clock::Clock::system().monotonic());
        let waits: Vec<u128> =
            ["a", "b", "a", "c"].map(|lane| pace.take(lane, &limits, now).as_millis()).into();
        assert_eq!(waits, [0, 100, 1000, 1100], "who comes later waits for the link as well");
        assert_eq!(pace.wait_of("b", now), Some(Duration::from_millis(1100)));
        assert_eq!(pace.wait_of("b", now + Duration::from_millis(1100)), None);
        assert_eq!(pace.wait_of("d", now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn without_limits_nobody_waits() {
        let (pace, now) = (Pace::default(), crate::clock::Clock::system().monotonic());
        for _ in 0..3 {
            assert_eq!(pace.take("a", &Limits::default(), now), Duration::ZERO);
        }
        assert_eq!(pace.wait_of("a", now), None);
    }
}
