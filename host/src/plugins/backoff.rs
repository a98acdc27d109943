//! When to start a fallen plugin again: one second at first, five minutes at most, for ever.
//!
//! Five falls within ten minutes are a crash loop: the plugin is shown as quarantined and tried at
//! the longest interval only. Must not know: clocks and chance, which are handed in.

use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(5);
/// A life this long counts as good: the next fall starts from the first interval again.
const GOOD_LIFE: Duration = Duration::from_mins(1);
const LOOP_FALLS: usize = 5;
const LOOP_SPAN: Duration = Duration::from_mins(10);

/// What to do after a fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    /// How long to wait.
    pub wait: Duration,
    /// The plugin is in a crash loop.
    pub quarantined: bool,
}

/// Remembers the recent falls of one plugin.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    falls: VecDeque<Instant>,
    step: u32,
}

impl Backoff {
    /// A life of length `lived` ended at `now`; `chance` spreads the starts of many plugins.
    pub(super) fn fell(&mut self, now: Instant, lived: Duration, chance: u8) -> Pause {
        while self.falls.front().is_some_and(|fall| now.duration_since(*fall) > LOOP_SPAN) {
            self.falls.pop_front();
        }
        self.falls.push_back(now);
        if lived >= GOOD_LIFE {
            self.step = 0;
        }
        let quarantined = self.falls.len() >= LOOP_FALLS;
        let base = if quarantined {
            LONGEST
        } else {
            FIRST.saturating_mul(1 << self.step.min(16)).min(LONGEST)
        };
        self.step = self.step.saturating_add(1);
        // Up to a quarter more, so that what fell together does not rise together.
        let wait = base + base.mul_f64(f64::from(chance) / 1024.0);
        Pause { wait: wait.min(LONGEST + LONGEST / 4), quarantined }
    }

    /// Somebody asked for a fresh start.
    pub(super) fn forgive(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRIEF: Duration = Duration::from_millis(5);

    #[tokio::test(start_paused = true)]
    async fn waits_double_and_a_good_life_starts_over() {
        let mut backoff = Backoff::default();
        let mut now = crate::clock::Clock::system().monotonic();
        let mut waits = Vec::new();
        for _ in 0..4 {
            waits.push(backoff.fell(now, BRIEF, 0).wait.as_secs());
            now += Duration::from_mins(4);
        }
        assert_eq!(waits, [1, 2, 4, 8]);
        assert_eq!(backoff.fell(now, GOOD_LIFE, 0).wait, FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn five_falls_in_ten_minutes_are_a_loop_and_old_falls_are_forgotten() {
        let mut backoff = Backoff::default();
        let mut now = crate::clock::Clock::system().monotonic();
        for _ in 0..4 {
            assert!(!backoff.fell(now, BRIEF, 0).quarantined);
            now += Duration::from_secs(10);
        }
        let fifth = backoff.fell(now, BRIEF, 0);
        assert_eq!(fifth, Pause { wait: LONGEST, quarantined: true });
        now += LOOP_SPAN + Duration::from_secs(1);
        assert!(!backoff.fell(now, BRIEF, 0).quarantined);
        backoff.forgive();
        assert_eq!(backoff.fell(now, BRIEF, 0).wait, FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn chance_adds_at_most_a_quarter() {
        let now = crate::clock::Clock::system().monotonic();
        let most = Backoff::default().fell(now, BRIEF, u8::MAX).wait;
        assert!(most > FIRST && most <= FIRST + FIRST / 4, "{most:?}");
    }
}
