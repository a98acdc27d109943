//! Thirty control-plane writes a minute for each method and caller, as recorded.

use crate::clock::Clock;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

const WRITES_MAX: usize = 30;
const WINDOW_MS: u64 = 60_000;
const KEYS_MAX: usize = 10_000;

/// The counts.
#[derive(Debug)]
pub struct WriteLimit {
    clock: Clock,
    keys: Mutex<HashMap<(String, String), VecDeque<u64>>>,
}

impl WriteLimit {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, keys: Mutex::default() }
    }

    /// Counts a write.
    ///
    /// # Errors
    /// Milliseconds until the next is allowed.
    pub fn take(&self, method: &str, caller: &str) -> Result<(), u64> {
        let now = self.clock.now_ms();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEYS_MAX {
            keys.retain(|_, times| {
                times.back().is_some_and(|at| now.saturating_sub(*at) < WINDOW_MS)
            });
        }
        let times = keys.entry((method.to_owned(), caller.to_owned())).or_default();
        times.retain(|at| now.saturating_sub(*at) < WINDOW_MS);
        if times.len() >= WRITES_MAX {
            let oldest = times.front().copied().unwrap_or(now);
            return Err(WINDOW_MS.saturating_sub(now.saturating_sub(oldest)).max(1));
        }
        times.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thirty_first_waits_for_the_first_to_age() {
        let clock = Clock::system();
        let limit = WriteLimit::new(clock.clone());
        for _ in 0..WRITES_MAX {
            limit.take("config.apply", "d@1").unwrap();
        }
        assert!(limit.take("config.apply", "d@1").unwrap_err() <= WINDOW_MS);
        limit.take("config.apply", "d@2").unwrap();
        limit.take("config.patch", "d@1").unwrap();
        clock.advance(WINDOW_MS + 1);
        limit.take("config.apply", "d@1").unwrap();
    }
}
