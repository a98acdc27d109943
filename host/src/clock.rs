//! Time and chance: the only room that reads the clock or the random source.
//!
//! Everything that needs the time of day, a deadline or an unguessable value takes it from here, so
//! that tests can hold the clock and a reader can find every use. Must not know anything else.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The wall clock and the monotonic clock. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Milliseconds added to the wall clock; moved by tests only.
    skew_ms: Arc<AtomicU64>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// Wall-clock milliseconds since the Unix epoch. For display and for rows that outlive the
    /// process; never for measuring how long something took.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let wall = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        wall.saturating_add(self.skew_ms.load(Ordering::Relaxed))
    }

    /// A point on the monotonic clock, for deadlines and durations.
    #[must_use]
    pub fn monotonic(&self) -> tokio::time::Instant {
        tokio::time::Instant::now()
    }

    /// Moves the wall clock forward by `ms` for this clock and its clones.
    pub fn advance(&self, ms: u64) {
        self.skew_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

/// `N` unguessable bytes from the operating system.
///
/// # Panics
/// When the operating system has no random source; nothing safe can go on then.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system provides random bytes");
    bytes
}

/// A random UUID (version 4) in its usual text form.
#[must_use]
pub fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}
