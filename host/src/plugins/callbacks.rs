//! The host's side of the ABI: the functions a plugin calls, and what is behind them.
//!
//! A plugin holds a number, not an address: each call looks the number up, so a call that comes
//! late — from a thread of an earlier life, after `release` — finds nothing and does no harm.
//! Nothing here blocks but for the length of a look-up, and no panic leaves. Must not know: whether
//! it runs in the gateway or in a plugin's own process.
//! Inbound walk: the plugin's `emit` comes before, [`supervisor`](super::supervisor) after.

mod plain;

use jackfield_plugin_api::{
    abi::{Host, HostVt, HostVtRef, LogRecord, Status, plain::PlainHost},
    abi_stable::{
        prefix_type::PrefixTypeTrait,
        std_types::{RStr, RVec},
    },
};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What stands behind one plugin's calls.
pub(crate) trait Port: Send + Sync {
    /// Takes one frame; never waits for anybody in the same process.
    fn emit(&self, frame: &[u8]) -> Status;
    /// Whether a record of this level (1 error … 5 trace) would be kept.
    fn log_enabled(&self, level: u8) -> bool;
    /// Takes one log record.
    fn log(&self, record: &LogRecord<'_>);
}

static PORTS: RwLock<BTreeMap<usize, Arc<dyn Port>>> = RwLock::new(BTreeMap::new());
static NEXT: AtomicUsize = AtomicUsize::new(1);

/// A plugin's way to call us, open until it is dropped or the plugin releases it.
pub(crate) struct Door {
    number: usize,
}

impl Door {
    /// Opens the way to `port` under a number that was never used before.
    pub(crate) fn open(port: Arc<dyn Port>) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        PORTS.write().unwrap_or_else(PoisonError::into_inner).insert(number, port);
        Self { number }
    }

    /// What the plugin is given.
    pub(crate) fn host(&self) -> Host {
        static VT: OnceLock<HostVtRef> = OnceLock::new();
        let vt = VT.get_or_init(|| HostVt { emit, log_enabled, log, release }.leak_into_prefix());
        Host { ctx: self.number, vt: *vt }
    }
}

impl Door {
    /// What a plain C plugin is given. Never freed, so that a late call finds its functions.
    pub(crate) fn plain_host(&self) -> &'static PlainHost {
        Box::leak(Box::new(plain::host(self.number)))
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        release(self.number);
    }
}

fn port(number: usize) -> Option<Arc<dyn Port>> {
    PORTS.read().unwrap_or_else(PoisonError::into_inner).get(&number).map(Arc::clone)
}

extern "C" fn emit(ctx: usize, frame: RVec<u8>) -> Status {
    let taken = AssertUnwindSafe(|| port(ctx).map_or(Status::CLOSED, |port| port.emit(&frame)));
    catch_unwind(taken).unwrap_or(Status::PANICKED)
}

extern "C" fn log_enabled(ctx: usize, level: u8, _target: RStr<'_>) -> bool {
    let asked = AssertUnwindSafe(|| port(ctx).is_some_and(|port| port.log_enabled(level)));
    catch_unwind(asked).unwrap_or(false)
}

extern "C" fn log(ctx: usize, record: &LogRecord<'_>) {
    let told = AssertUnwindSafe(|| {
        if let Some(port) = port(ctx) {
            port.log(record);
        }
    });
    // A log record lost to our own panic is not worth more than the panic hook's line.
    let _ = catch_unwind(told);
}

extern "C" fn release(ctx: usize) {
    let left = AssertUnwindSafe(|| {
        // Dropped outside the lock: the last owner's drop is not ours to hold others up for.
        let port = PORTS.write().unwrap_or_else(PoisonError::into_inner).remove(&ctx);
        drop(port);
    });
    let _ = catch_unwind(left);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Book {
        frames: Mutex<Vec<Vec<u8>>>,
    }

    impl Port for Book {
        fn emit(&self, frame: &[u8]) -> Status {
            assert_ne!(frame, b"panic", "asked to");
            self.frames.lock().unwrap().push(frame.to_vec());
            Status::OK
        }

        fn log_enabled(&self, level: u8) -> bool {
            level <= 2
        }

        fn log(&self, _: &LogRecord<'_>) {}
    }

    fn say(host: Host, frame: &[u8]) -> Status {
        (host.vt.emit())(host.ctx, RVec::from_slice(frame))
    }

    #[test]
    fn calls_reach_their_own_port_and_late_calls_are_harmless() {
        let (one, two) = (Arc::new(Book::default()), Arc::new(Book::default()));
        let first = Door::open(one.clone());
        let second = Door::open(two.clone());
        let late = first.host();
        assert_eq!(say(late, b"a"), Status::OK);
        assert_eq!(say(second.host(), b"b"), Status::OK);
        drop(first);
        assert_eq!(say(late, b"c"), Status::CLOSED);
        assert!(!(late.vt.log_enabled())(late.ctx, 1, RStr::from_str("x")));
        (late.vt.release())(late.ctx);
        assert_eq!(*one.frames.lock().unwrap(), [b"a".to_vec()]);
        assert_eq!(*two.frames.lock().unwrap(), [b"b".to_vec()]);
    }

    #[test]
    fn a_panic_of_ours_stays_here() {
        let door = Door::open(Arc::new(Book::default()));
        assert_eq!(say(door.host(), b"panic"), Status::PANICKED);
        assert_eq!(say(door.host(), b"on"), Status::OK);
    }

    #[test]
    fn a_made_up_number_is_nobody() {
        let door = Door::open(Arc::new(Book::default()));
        let vt = door.host().vt;
        assert_eq!((vt.emit())(usize::MAX, RVec::new()), Status::CLOSED);
        assert!(!(vt.log_enabled())(0, 1, RStr::from_str("x")));
    }
}
