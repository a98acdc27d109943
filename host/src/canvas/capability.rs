//! Capabilities: unguessable words in a URL, each bound to one living connection.
//!
//! A capability lives ten minutes from its last use and never longer than its connection. Only a
//! hash of it is kept, so that looking one up tells nothing by its time.

use crate::{
    clock::{Clock, random_bytes},
    events::ConnNumber,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// How long a capability lives without being used, milliseconds.
const LIFE_MS: u64 = 10 * 60 * 1000;
/// Capabilities of one connection; the oldest gives way.
const PER_CONNECTION_MAX: usize = 4;

/// What a valid capability gives.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Cancelled when the capability's connection ends.
    pub ended: CancellationToken,
}

#[derive(Debug)]
struct Held {
    conn: ConnNumber,
    expires: u64,
    ended: CancellationToken,
}

/// All living capabilities.
#[derive(Debug)]
pub struct Capabilities {
    clock: Clock,
    held: Mutex<HashMap<[u8; 32], Held>>,
}

impl Capabilities {
    /// None yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, held: Mutex::default() }
    }

    /// Makes a capability of 192 random bits for a connection, and says when it ends unless used.
    #[must_use]
    pub fn issue(&self, conn: ConnNumber) -> (String, u64) {
        let word = URL_SAFE_NO_PAD.encode(random_bytes::<24>());
        let now = self.clock.now_ms();
        let expires = now + LIFE_MS;
        let mut held = self.held();
        held.retain(|_, h| h.expires > now);
        let own = held.iter().filter(|(_, h)| h.conn == conn);
        if own.clone().count() >= PER_CONNECTION_MAX
            && let Some(oldest) = own.min_by_key(|(_, h)| h.expires).map(|(key, _)| *key)
        {
            held.remove(&oldest);
        }
        let ended = held
            .values()
            .find(|h| h.conn == conn)
            .map_or_else(CancellationToken::new, |h| h.ended.clone());
        held.insert(key(&word), Held { conn, expires, ended });
        (word, expires)
    }

    /// Uses a capability, which prolongs its life; `None` when it is not or no longer one.
    #[must_use]
    pub fn redeem(&self, word: &str) -> Option<Grant> {
        let now = self.clock.now_ms();
        let mut held = self.held();
        let found = held.get_mut(&key(word)).filter(|h| h.expires > now)?;
        found.expires = now + LIFE_MS;
        Some(Grant { ended: found.ended.clone() })
    }

    /// Ends every capability of a connection.
    pub fn revoke(&self, conn: ConnNumber) {
        self.held().retain(|_, h| {
            if h.conn == conn {
                h.ended.cancel();
            }
            h.conn != conn
        });
    }

    fn held(&self) -> MutexGuard<'_, HashMap<[u8; 32], Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(word: &str) -> [u8; 32] {
    Sha256::digest(word.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lives_ten_minutes_from_its_last_use() {
        let clock = Clock::system();
        let all = Capabilities::new(clock.clone());
        let (word, _) = all.issue(1);
        clock.advance(LIFE_MS - 1000);
        assert!(all.redeem(&word).is_some());
        clock.advance(LIFE_MS - 1000);
        assert!(all.redeem(&word).is_some());
        clock.advance(LIFE_MS);
        assert!(all.redeem(&word).is_none());
    }

    #[test]
    fn one_ends_with_its_connection_and_no_other() {
        let all = Capabilities::new(Clock::system());
        let (mine, _) = all.issue(1);
        let (other, _) = all.issue(2);
        let grant = all.redeem(&mine).expect("it lives");
        all.revoke(1);
        assert!(grant.ended.is_cancelled());
        assert!(all.redeem(&mine).is_none());
        assert!(!all.redeem(&other).expect("it lives").ended.is_cancelled());
    }

    #[test]
    fn a_connection_holds_a_few_and_each_is_its_own() {
        let all = Capabilities::new(Clock::system());
        let words: Vec<String> = (0..=PER_CONNECTION_MAX).map(|_| all.issue(1).0).collect();
        let living = words.iter().filter(|w| all.redeem(w).is_some()).count();
        assert_eq!(living, PER_CONNECTION_MAX);
        assert!(words[0].len() >= 32, "192 bits in base64");
        assert!(all.redeem("").is_none() && all.redeem("guess").is_none());
    }
}
