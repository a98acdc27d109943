//! Named places where a test ends the process as a power cut would: at once, nothing flushed.
//!
//! `JACKFIELD_FAILPOINT=<name>:<n>` ends it the `n`-th time it comes to the place. Only debug builds
//! look; in a release build every call is nothing. The names stand in [`ALL`], so that a test can
//! visit each.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

/// Every place, in the order a message meets them.
pub const ALL: [&str; 10] = [
    "inbound.decided",
    "store.before_commit",
    "store.after_commit",
    "inbound.stored",
    "turn.begun",
    "turn.storing",
    "turn.stored",
    "outbox.dispatching",
    "outbox.answered",
    "outbox.part_stored",
];

struct Armed {
    name: String,
    left: AtomicU64,
}

/// This is the place `name`.
#[inline]
pub fn hit(name: &'static str) {
    if cfg!(debug_assertions) {
        debug_assert!(ALL.contains(&name), "{name} is missing in the list of places");
        end_here(name);
    }
}

fn end_here(name: &str) {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    let read = || {
        let text = std::env::var("JACKFIELD_FAILPOINT").ok()?;
        let (name, times) = text.split_once(':')?;
        Some(Armed { name: name.to_owned(), left: AtomicU64::new(times.parse().ok()?) })
    };
    let Some(armed) = ARMED.get_or_init(read) else { return };
    if armed.name == name && armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
        std::process::abort();
    }
}
