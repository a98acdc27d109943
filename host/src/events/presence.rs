//! Who is here: one row per device or program, the gateway's own first.
//!
//! Short-lived callers (command line, probes, backends) leave no row. Rows end five minutes after
//! their last sign of life. Must not know how a caller proved itself.

use crate::{
    clock::Clock,
    protocol::frame::{Json, json},
};
use schemars::JsonSchema;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Rows kept; the stalest goes first.
const ROWS_MAX: usize = 200;
/// A row without a sign of life ends after this, milliseconds.
const ROW_MS: u64 = 5 * 60 * 1000;

/// One row. Only `ts` is needed by clients; the rest is for people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the wire's own names")]
pub struct PresenceRow {
    pub host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    pub version: String,
    pub platform: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    pub mode: String,
    pub reason: String,
    pub text: String,
    pub ts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online_since: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_input_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(rename = "watchedSessions")]
    pub watched: Vec<String>,
}

/// The list.
#[derive(Debug)]
pub struct Presence {
    clock: Clock,
    own: PresenceRow,
    rows: Mutex<BTreeMap<String, PresenceRow>>,
}

impl Presence {
    /// A list that holds the gateway's own row.
    #[must_use]
    pub fn new(clock: Clock, host: &str, ip: &str, version: &str) -> Self {
        let text = format!("Gateway: {host} ({ip}) · app {version} · mode gateway · reason self");
        let own = PresenceRow {
            host: host.to_owned(),
            ip: Some(ip.to_owned()),
            version: version.to_owned(),
            platform: std::env::consts::OS.to_owned(),
            mode: "gateway".to_owned(),
            reason: "self".to_owned(),
            text,
            ..PresenceRow::default()
        };
        Self { clock, own, rows: Mutex::default() }
    }

    /// Adds or replaces the row `key`, stamped with the time.
    pub fn put(&self, key: &str, mut row: PresenceRow) {
        row.ts = self.clock.now_ms();
        let mut rows = self.lock();
        if rows.len() >= ROWS_MAX && !rows.contains_key(key) {
            let stalest = rows.iter().min_by_key(|(_, r)| r.ts).map(|(k, _)| k.clone());
            if let Some(stalest) = stalest {
                rows.remove(&stalest);
            }
        }
        rows.insert(key.to_owned(), row);
    }

    /// Notes that the row's connection ended; it stays visible for a while with that reason.
    pub fn gone(&self, key: &str) -> bool {
        let now = self.clock.now_ms();
        let mut rows = self.lock();
        let Some(row) = rows.get_mut(key) else { return false };
        "disconnect".clone_into(&mut row.reason);
        row.ts = now;
        row.online_since = None;
        row.watched.clear();
        true
    }

    /// Notes which conversations the row's client shows; false when there is no such row.
    pub fn watch(&self, key: &str, conversations: Vec<String>) -> bool {
        let mut rows = self.lock();
        let Some(row) = rows.get_mut(key) else { return false };
        row.watched = conversations;
        true
    }

    /// Keeps the row of a live connection from ending.
    pub fn touch(&self, key: &str) {
        let now = self.clock.now_ms();
        if let Some(row) = self.lock().get_mut(key) {
            row.ts = now;
        }
    }

    /// The rows, the gateway's own first, the freshest next.
    #[must_use]
    pub fn rows(&self) -> Vec<PresenceRow> {
        let now = self.clock.now_ms();
        let mut rows = self.lock();
        rows.retain(|_, row| row.online_since.is_some() || now.saturating_sub(row.ts) < ROW_MS);
        let mut list: Vec<PresenceRow> = rows.values().cloned().collect();
        drop(rows);
        list.sort_by_key(|row| std::cmp::Reverse(row.ts));
        list.insert(0, PresenceRow { ts: now, ..self.own.clone() });
        list
    }

    /// The rows as JSON.
    #[must_use]
    pub fn snapshot(&self) -> Json {
        json(&self.rows())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, PresenceRow>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_after_their_time_but_not_while_connected() {
        let clock = Clock::system();
        let presence = Presence::new(clock.clone(), "box", "127.0.0.1", "1");
        let live = PresenceRow { online_since: Some(1), ..PresenceRow::default() };
        presence.put("live", live.clone());
        presence.put("left", live);
        assert!(presence.gone("left"));
        assert_eq!(presence.rows().len(), 3);
        clock.advance(ROW_MS + 1);
        let rows = presence.rows();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].mode, "gateway");
    }

    #[test]
    fn the_list_is_bounded() {
        let presence = Presence::new(Clock::system(), "box", "127.0.0.1", "1");
        for n in 0..ROWS_MAX + 50 {
            presence.put(
                &n.to_string(),
                PresenceRow { online_since: Some(1), ..PresenceRow::default() },
            );
        }
        assert_eq!(presence.rows().len(), ROWS_MAX + 1);
    }
}
