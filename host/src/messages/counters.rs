//! What went through the pipe since the start, for health and status.

use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};

/// One count.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The live counts.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) accepted: Count,
    pub(super) duplicates: Count,
    pub(super) refused: Count,
    pub(super) unavailable: Count,
    pub(super) turns: Count,
    pub(super) dead: Count,
    pub(super) media_missing: Count,
    pub(super) sends: Count,
    pub(super) sent: Count,
    pub(super) failed: Count,
    pub(super) unknown: Count,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// Events stored and let through the gate.
    pub accepted: u64,
    /// Events known already.
    pub duplicates: u64,
    /// Events the gate refused.
    pub refused: u64,
    /// Events not stored (disk full, stopping), to be offered again.
    pub unavailable: u64,
    /// Turns that were finished.
    pub turns: u64,
    /// Events given up on.
    pub dead: u64,
    /// Files that could not be had.
    pub media_missing: u64,
    /// Sends taken on, those left from the last run included.
    pub sends: u64,
    /// Sends that succeeded.
    pub sent: u64,
    /// Sends that failed for good.
    pub failed: u64,
    /// Sends whose outcome nobody knows.
    pub unknown: u64,
    /// Sends under way.
    pub pending: u64,
}

impl Counters {
    pub(super) fn snapshot(&self) -> Counted {
        let (sent, failed, unknown) = (self.sent.now(), self.failed.now(), self.unknown.now());
        let sends = self.sends.now();
        Counted {
            accepted: self.accepted.now(),
            duplicates: self.duplicates.now(),
            refused: self.refused.now(),
            unavailable: self.unavailable.now(),
            turns: self.turns.now(),
            dead: self.dead.now(),
            media_missing: self.media_missing.now(),
            sends,
            sent,
            failed,
            unknown,
            pending: sends.saturating_sub(sent + failed + unknown),
        }
    }
}
