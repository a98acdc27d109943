//! What one plugin takes of the machine and what it has done, for people and for monitors.
//!
//! Counts are of the plugin over all its lives since the gateway started; what it takes is of its
//! process now, and unknown for code that runs inside the gateway. Must not know: why the numbers
//! are asked for.

use rustix::param::clock_ticks_per_second;
use serde::Serialize;
use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
};

/// One plugin's counts, kept while it runs.
#[derive(Debug, Default)]
pub(super) struct Tally {
    events: AtomicU64,
    refused: AtomicU64,
    sent: AtomicU64,
    failed: AtomicU64,
    falls: AtomicU64,
    swaps: AtomicU64,
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counted {
    /// It reported something.
    Event,
    /// What it reported was not stored.
    Refused,
    /// It did what it was asked.
    Sent,
    /// It could not, or nobody knows whether it did.
    Failed,
    /// It ended against its will.
    Fall,
    /// Another version took over.
    Swap,
}

/// What a plugin takes and has done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Its process's memory that is in use, bytes.
    pub memory_bytes: Option<u64>,
    /// Processor time its process has used, milliseconds.
    pub cpu_ms: Option<u64>,
    /// Open file descriptors of its process; unknown where the gateway may not look.
    pub fds: Option<u64>,
    /// Threads of its process.
    pub threads: Option<u64>,
    /// Messages handed to it and not answered.
    pub unanswered: u64,
    /// Events it reported.
    pub events: u64,
    /// Events of these that were not stored, to be reported again.
    pub events_refused: u64,
    /// Things it did when asked.
    pub sent: u64,
    /// Things it could not do, or of which nobody knows.
    pub failed: u64,
    /// How often it ended against its will.
    pub falls: u64,
    /// How often another version took over.
    pub swaps: u64,
}

impl Tally {
    pub(super) fn count(&self, what: Counted) {
        let count = match what {
            Counted::Event => &self.events,
            Counted::Refused => &self.refused,
            Counted::Sent => &self.sent,
            Counted::Failed => &self.failed,
            Counted::Fall => &self.falls,
            Counted::Swap => &self.swaps,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts, with what the process takes.
    pub(super) fn usage(&self, pid: Option<u32>, unanswered: usize) -> Usage {
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let mut usage = Usage {
            unanswered: unanswered as u64,
            events: now(&self.events),
            events_refused: now(&self.refused),
            sent: now(&self.sent),
            failed: now(&self.failed),
            falls: now(&self.falls),
            swaps: now(&self.swaps),
            ..Usage::default()
        };
        if let Some(pid) = pid {
            measure(pid, &mut usage);
        }
        usage
    }
}

/// Reads what the kernel knows of a process; what it does not tell stays unknown.
fn measure(pid: u32, usage: &mut Usage) {
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).ok();
    if let Some(status) = read("status") {
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        usage.memory_bytes = field("VmRSS:").map(|kib| kib << 10);
        usage.threads = field("Threads:");
    }
    usage.cpu_ms = read("stat").as_deref().and_then(cpu_ms);
    usage.fds = fs::read_dir(format!("/proc/{pid}/fd")).ok().map(|fds| fds.count() as u64);
}

/// User and system time of a `/proc/<pid>/stat` line: fields 14 and 15, counted from one, the second
/// of which is a name in parentheses that may hold anything.
fn cpu_ms(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some((user + system) * 1000 / clock_ticks_per_second().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_measured_and_counts_are_kept() {
        let tally = Tally::default();
        tally.count(Counted::Event);
        tally.count(Counted::Event);
        tally.count(Counted::Failed);
        let usage = tally.usage(Some(std::process::id()), 3);
        assert_eq!((usage.events, usage.failed, usage.sent, usage.unanswered), (2, 1, 0, 3));
        assert!(usage.memory_bytes.unwrap() > 1 << 20, "{usage:?}");
        assert!(usage.threads.unwrap() >= 1 && usage.fds.unwrap() >= 3, "{usage:?}");
        assert!(usage.cpu_ms.is_some());
    }

    #[test]
    fn a_name_with_parentheses_and_spaces_is_no_trouble() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 100 50 0 0 20 0 1 0";
        assert_eq!(cpu_ms(stat), Some(150 * 1000 / clock_ticks_per_second()));
        assert_eq!(cpu_ms("nonsense"), None);
        assert_eq!(Tally::default().usage(None, 0), Usage::default());
    }
}
