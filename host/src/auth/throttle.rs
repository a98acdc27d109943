//! Failed logins: counted per key and class, delayed on loopback, locked out elsewhere.
//!
//! Recorded: ten failures within a minute lock a key out for five minutes, even for the right
//! secret; loopback programs are never locked out but wait longer each time; pages of a browser on
//! loopback are counted by their origin. Lock-outs outlive a restart. Every map is bounded.

use super::Peer;
use crate::{
    clock::Clock,
    store::{Store, StoreError, records},
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

const FAILURES_MAX: usize = 10;
const WINDOW_MS: u64 = 60_000;
const LOCKOUT_MS: u64 = 300_000;
const KEYS_MAX: usize = 10_000;
const DELAY_FIRST_MS: u64 = 250;
const DELAY_MAX_MS: u64 = 5_000;
const RECORDS: &str = "auth-lockout";

/// Kinds of credentials, each with its own count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Token or password of the gateway.
    SharedSecret,
    /// Token of a device.
    DeviceToken,
    /// Setup code.
    BootstrapToken,
}

impl Class {
    fn word(self) -> &'static str {
        match self {
            Self::SharedSecret => "shared-secret",
            Self::DeviceToken => "device-token",
            Self::BootstrapToken => "bootstrap-token",
        }
    }
}

/// The counts.
#[derive(Debug)]
pub struct Throttle {
    clock: Clock,
    keys: Mutex<HashMap<String, Count>>,
}

#[derive(Debug, Default)]
struct Count {
    failures: VecDeque<u64>,
    locked_until_ms: u64,
    in_a_row: u32,
}

/// What a failure leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Penalty {
    /// Wait this long before answering.
    pub delay: Duration,
    /// A lock-out began, until this time; the caller stores it.
    pub locked_until_ms: Option<u64>,
}

impl Throttle {
    /// Takes up stored lock-outs.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load(store: &Store, clock: Clock) -> Result<Self, StoreError> {
        let now = clock.now_ms();
        let mut keys = HashMap::new();
        for row in store.read(|c| records::list::<Value>(c, RECORDS)).await? {
            let until = row.body.get("until").and_then(Value::as_u64).unwrap_or_default();
            if until > now {
                // A clock that jumped must not lock anyone out for longer than the rule allows.
                let locked_until_ms = until.min(now + LOCKOUT_MS);
                keys.insert(row.id, Count { locked_until_ms, ..Count::default() });
            }
        }
        Ok(Self { clock, keys: Mutex::new(keys) })
    }

    /// Milliseconds the key is still locked out, if it is.
    #[must_use]
    pub fn locked(&self, peer: &Peer, class: Class) -> Option<u64> {
        let key = key(peer, class)?;
        let now = self.clock.now_ms();
        let left = self.lock().get(&key)?.locked_until_ms.saturating_sub(now);
        (left > 0).then_some(left)
    }

    /// Counts a failure.
    #[must_use]
    pub fn failed(&self, peer: &Peer, class: Class) -> Penalty {
        let now = self.clock.now_ms();
        let local = local_key(peer, class);
        let name = key(peer, class).unwrap_or_else(|| local.clone());
        let mut keys = self.lock();
        make_room(&mut keys, &name, now);
        let count = keys.entry(name.clone()).or_default();
        count.failures.retain(|at| now.saturating_sub(*at) < WINDOW_MS);
        count.failures.push_back(now);
        count.in_a_row = count.in_a_row.saturating_add(1);
        if name == local {
            let ms =
                DELAY_FIRST_MS.saturating_mul(1 << (count.in_a_row - 1).min(8)).min(DELAY_MAX_MS);
            return Penalty { delay: Duration::from_millis(ms), locked_until_ms: None };
        }
        if count.failures.len() < FAILURES_MAX {
            return Penalty::default();
        }
        count.failures.clear();
        count.locked_until_ms = now + LOCKOUT_MS;
        Penalty { delay: Duration::ZERO, locked_until_ms: Some(count.locked_until_ms) }
    }

    /// Forgets the failures of a key that then came in.
    pub fn succeeded(&self, peer: &Peer, class: Class) {
        let name = key(peer, class).unwrap_or_else(|| local_key(peer, class));
        self.lock().remove(&name);
    }

    /// Writes a lock-out down.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn remember(
        &self,
        store: &Store,
        peer: &Peer,
        class: Class,
        until_ms: u64,
    ) -> Result<(), StoreError> {
        let Some(key) = key(peer, class) else { return Ok(()) };
        let now = self.clock.now_ms();
        store
            .write(move |c| {
                for row in records::list::<Value>(c, RECORDS)? {
                    if row.body.get("until").and_then(Value::as_u64).unwrap_or_default() <= now {
                        records::delete(c, RECORDS, &row.id)?;
                    }
                }
                records::put(c, RECORDS, &key, &json!({"until": until_ms}), now)
            })
            .await
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Count>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key that can be locked out; local programs have none.
fn key(peer: &Peer, class: Class) -> Option<String> {
    if !peer.direct_local {
        return Some(format!("{}|{}", peer.limit_ip(), class.word()));
    }
    peer.origin.as_ref().map(|origin| {
        let origin: String = origin.chars().take(128).collect();
        format!("{origin}|{}", class.word())
    })
}

fn local_key(peer: &Peer, class: Class) -> String {
    format!("local {}|{}", peer.ip, class.word())
}

fn make_room(keys: &mut HashMap<String, Count>, name: &str, now: u64) {
    if keys.len() < KEYS_MAX || keys.contains_key(name) {
        return;
    }
    let fresh = |c: &Count| {
        c.locked_until_ms > now
            || c.failures.back().is_some_and(|at| now.saturating_sub(*at) < WINDOW_MS)
    };
    keys.retain(|_, count| fresh(count));
    if keys.len() >= KEYS_MAX {
        let idle = keys
            .iter()
            .filter(|(_, c)| c.locked_until_ms <= now)
            .min_by_key(|(_, c)| c.failures.back().copied())
            .map(|(k, _)| k.clone());
        if let Some(idle) = idle.or_else(|| keys.keys().next().cloned()) {
            keys.remove(&idle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn throttle(clock: &Clock) -> Throttle {
        Throttle { clock: clock.clone(), keys: Mutex::default() }
    }

    fn remote(n: u8) -> Peer {
        Peer { ip: IpAddr::from([192, 0, 2, n]), direct_local: false, ..Peer::local() }
    }

    #[test]
    fn ten_failures_lock_one_key_and_class_for_five_minutes() {
        let clock = Clock::system();
        let throttle = throttle(&clock);
        for n in 1..=10 {
            let penalty = throttle.failed(&remote(1), Class::SharedSecret);
            assert_eq!(penalty.locked_until_ms.is_some(), n == 10);
        }
        assert!(
            throttle.locked(&remote(1), Class::SharedSecret).is_some_and(|ms| ms <= LOCKOUT_MS)
        );
        assert_eq!(throttle.locked(&remote(1), Class::DeviceToken), None);
        assert_eq!(throttle.locked(&remote(2), Class::SharedSecret), None);
        clock.advance(LOCKOUT_MS + 1);
        assert_eq!(throttle.locked(&remote(1), Class::SharedSecret), None);
    }

    #[test]
    fn local_programs_wait_and_local_pages_are_locked_out() {
        let throttle = throttle(&Clock::system());
        let delays: Vec<u64> = (0..7)
            .map(|_| {
                throttle
                    .failed(&Peer::local(), Class::SharedSecret)
                    .delay
                    .as_millis()
                    .try_into()
                    .unwrap()
            })
            .collect();
        assert_eq!(delays, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        assert_eq!(throttle.locked(&Peer::local(), Class::SharedSecret), None);
        let page = Peer { origin: Some("http://localhost:1".into()), ..Peer::local() };
        for _ in 0..10 {
            let _ = throttle.failed(&page, Class::SharedSecret);
        }
        assert!(throttle.locked(&page, Class::SharedSecret).is_some());
    }

    #[test]
    fn the_map_is_bounded_and_keeps_lockouts() {
        let clock = Clock::system();
        let throttle = throttle(&clock);
        for _ in 0..10 {
            let _ = throttle.failed(&remote(1), Class::SharedSecret);
        }
        for n in 0..KEYS_MAX + 100 {
            let page = Peer { origin: Some(format!("http://h{n}")), ..Peer::local() };
            let _ = throttle.failed(&page, Class::SharedSecret);
        }
        assert!(throttle.lock().len() <= KEYS_MAX);
        assert!(throttle.locked(&remote(1), Class::SharedSecret).is_some());
    }
}
