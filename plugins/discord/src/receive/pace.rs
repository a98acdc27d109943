//! How long to wait before the next connection: not at all after the first loss of a healthy one,
//! then twice as long each time, never quite the same.

use jackfield_plugin_api::tokio::time::Instant;
use std::time::Duration;

/// A connection that held this long was healthy.
const HEALTHY: Duration = Duration::from_mins(1);
/// Tests wait for whole series of pauses.
const FIRST: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 1000 });
const LONGEST: Duration = FIRST.saturating_mul(60);

#[derive(Default)]
pub(super) struct Pace {
    failures: u32,
    since: Option<Instant>,
}

impl Pace {
    pub(super) fn connected(&mut self) {
        self.since = Some(Instant::now());
    }

    /// The pause before a login that follows an invalid session: a moment of chance at least.
    pub(super) fn anew(&mut self) -> Duration {
        self.pause().max(FIRST.mul_f64(1.0 + 4.0 * fastrand::f64()))
    }

    /// The pause after one more loss.
    pub(super) fn pause(&mut self) -> Duration {
        if self.since.take().is_some_and(|since| since.elapsed() >= HEALTHY) {
            self.failures = 0;
        }
        let failures = self.failures;
        self.failures = failures.saturating_add(1);
        if failures == 0 {
            // A moment, so that a thousand bots that lost one server do not return as one.
            return Duration::from_millis(fastrand::u64(0..250));
        }
        let full = FIRST.saturating_mul(1 << (failures - 1).min(16)).min(LONGEST);
        full.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST, LONGEST, Pace};
    use std::time::Duration;

    #[test]
    fn pauses_grow_to_a_limit() {
        let mut pace = Pace::default();
        let pauses: Vec<_> = (0..40).map(|_| pace.pause()).collect();
        assert!(pauses[0] < Duration::from_millis(250));
        for (at, pause) in pauses.iter().enumerate().skip(1) {
            let full = FIRST.saturating_mul(1 << (at - 1).min(6)).min(LONGEST);
            assert!(full / 2 <= *pause && *pause <= full, "{at}: {pause:?}");
        }
    }

    #[test]
    fn a_login_after_an_end_for_good_is_not_made_at_once() {
        let pause = Pace::default().anew();
        assert!(FIRST <= pause && pause <= FIRST * 5 + Duration::from_millis(250), "{pause:?}");
    }

    #[test]
    fn a_connection_that_breaks_at_once_does_not_count_as_healthy() {
        let mut pace = Pace::default();
        for _ in 0..5 {
            pace.connected();
            pace.pause();
        }
        assert!(pace.pause() > FIRST.saturating_mul(5));
    }
}
