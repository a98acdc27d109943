//! Pauses between attempts: longer each time, never exactly as long as somebody else's.

use crate::error::ApiError;
use jackfield_plugin_api::tokio::time::sleep;
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// Trouble that comes back sooner is the same trouble still.
pub(super) const HEALTHY: Duration = Duration::from_mins(1);

#[derive(Default)]
pub(super) struct Pause {
    times: u32,
}

impl Pause {
    /// After a success the next trouble begins with a short pause again.
    pub(super) fn reset(&mut self) {
        self.times = 0;
    }

    /// What was well for a while begins anew when it breaks.
    pub(super) fn after(&mut self, well: Duration) {
        if well >= HEALTHY {
            self.reset();
        }
    }

    /// Waits before the next attempt, as long as the server asked for if it did.
    pub(super) async fn wait(&mut self, error: &ApiError) {
        if let ApiError::Refused { retry_after: Some(asked), .. } = error {
            sleep(*asked).await;
        }
        self.wait_a_while().await;
    }

    pub(super) async fn wait_a_while(&mut self) {
        sleep(self.next(fastrand::f64())).await;
    }

    /// `chance` from 0 to 1 decides how much is taken off, at most half.
    fn next(&mut self, chance: f64) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.times.min(10)).min(LONGEST);
        self.times += 1;
        doubled.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST, LONGEST, Pause};
    use std::time::Duration;

    #[test]
    fn pauses_grow_to_a_limit_and_begin_anew() {
        let mut pause = Pause::default();
        let pauses: Vec<_> = (0..20).map(|_| pause.next(0.0)).collect();
        assert_eq!(pauses[0], FIRST);
        assert!(pauses.is_sorted());
        assert_eq!(pauses[19], LONGEST);
        pause.reset();
        assert_eq!(pause.next(1.0), FIRST / 2);
        pause.next(0.0);
        pause.after(Duration::from_secs(5));
        assert!(pause.next(0.0) > FIRST, "it flaps");
        pause.after(Duration::from_mins(2));
        assert_eq!(pause.next(0.0), FIRST, "it was well in between");
    }
}
