//! Pairing of strangers: a stranger gets a code, the operator approves it, the sender may write.
//!
//! An approval is for one sender of one account, in direct chats. At most three strangers of an
//! account may wait; a code lives an hour and is sent once. Codes never reach a log. Must not know:
//! how a code reaches the stranger.

use crate::{clock, store::records};
use jackfield_plugin_api::event::Sender;
use rusqlite::{Connection, Result};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How long a code is good.
pub const CODE_MS: u64 = 60 * 60 * 1000;
/// Strangers of an account that may wait at once.
pub const PENDING_MAX: usize = 3;

const REQUESTS: &str = "channel-pairing";
const APPROVED: &str = "channel-approved";
/// Letters and digits that are not mistaken for each other; 32 of them, so a byte maps evenly.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_LETTERS: usize = 8;

/// A stranger who waits. The code stays inside this room.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairingRequest {
    /// Unique.
    pub request_id: String,
    /// The channel.
    pub channel: String,
    /// The account that was written to.
    pub account: String,
    /// Who.
    pub sender_id: String,
    /// How they call themselves, untrusted text.
    pub sender_name: Option<String>,
    code: String,
    /// First message.
    pub created_ms: u64,
    /// Last message.
    pub last_seen_ms: u64,
    /// The code is worthless from then on.
    pub expires_ms: u64,
}

/// A sender the operator let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovedSender {
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: String,
    /// Who.
    pub sender_id: String,
    /// How they called themselves, untrusted text.
    pub sender_name: Option<String>,
    /// When.
    pub approved_ms: u64,
}

/// What a stranger's message led to.
pub(super) enum Met {
    /// A new request: this code must reach the stranger.
    New(String),
    /// A request waits already, or too many do.
    Quiet,
}

/// Notes that a stranger wrote.
pub(super) fn meet(
    c: &Connection,
    channel: &str,
    account: &str,
    sender: &Sender,
    now_ms: u64,
) -> Result<Met> {
    let id = record_id(channel, account, sender.id.as_str());
    let waiting = waiting(c, now_ms)?;
    if let Some(mut known) = waiting.iter().find(|r| is(r, &id)).cloned() {
        known.last_seen_ms = now_ms;
        records::put(c, REQUESTS, &id, &known, now_ms)?;
        return Ok(Met::Quiet);
    }
    if waiting.iter().filter(|r| r.channel == channel && r.account == account).count()
        >= PENDING_MAX
    {
        return Ok(Met::Quiet);
    }
    let request = PairingRequest {
        request_id: clock::uuid(),
        channel: channel.to_owned(),
        account: account.to_owned(),
        sender_id: sender.id.as_str().to_owned(),
        sender_name: sender.name.clone().or_else(|| sender.username.clone()),
        code: new_code(),
        created_ms: now_ms,
        last_seen_ms: now_ms,
        expires_ms: now_ms.saturating_add(CODE_MS),
    };
    records::put(c, REQUESTS, &id, &request, now_ms)?;
    Ok(Met::New(request.code))
}

/// Whether the operator approved this sender.
pub(super) fn is_approved(
    c: &Connection,
    channel: &str,
    account: &str,
    sender_id: &str,
) -> Result<bool> {
    records::exists(c, APPROVED, &record_id(channel, account, sender_id))
}

/// Strangers who wait, the oldest first. Forgets those whose code ran out.
pub(super) fn waiting(c: &Connection, now_ms: u64) -> Result<Vec<PairingRequest>> {
    let mut waiting = Vec::new();
    for record in records::list::<PairingRequest>(c, REQUESTS)? {
        if record.body.expires_ms <= now_ms {
            records::delete(c, REQUESTS, &record.id)?;
        } else {
            waiting.push(record.body);
        }
    }
    waiting.sort_by_key(|request| request.created_ms);
    Ok(waiting)
}

/// Ends a request, found by its id or its code; with `approve` the sender may write from now on.
pub(super) fn decide(
    c: &Connection,
    channel: &str,
    account: Option<&str>,
    id_or_code: &str,
    approve: bool,
    now_ms: u64,
) -> Result<Option<PairingRequest>> {
    let named = id_or_code.trim();
    let found = waiting(c, now_ms)?.into_iter().find(|request| {
        request.channel == channel
            && account.is_none_or(|account| account == request.account)
            && (request.request_id == named || request.code.eq_ignore_ascii_case(named))
    });
    let Some(request) = found else { return Ok(None) };
    let id = record_id(&request.channel, &request.account, &request.sender_id);
    records::delete(c, REQUESTS, &id)?;
    if approve {
        let approved = ApprovedSender {
            channel: request.channel.clone(),
            account: request.account.clone(),
            sender_id: request.sender_id.clone(),
            sender_name: request.sender_name.clone(),
            approved_ms: now_ms,
        };
        records::put(c, APPROVED, &id, &approved, now_ms)?;
    }
    Ok(Some(request))
}

/// Everybody the operator let in.
pub(super) fn approved(c: &Connection) -> Result<Vec<ApprovedSender>> {
    Ok(records::list(c, APPROVED)?.into_iter().map(|record| record.body).collect())
}

/// Takes an approval back; false when there was none.
pub(super) fn revoke(c: &Connection, channel: &str, account: &str, sender: &str) -> Result<bool> {
    records::delete(c, APPROVED, &record_id(channel, account, sender))
}

/// Wrong guesses at codes, so that they cannot be tried through.
#[derive(Default)]
pub(super) struct Guesses {
    /// Channel → wrong guesses and when the first was.
    wrong: Mutex<HashMap<String, (u32, u64)>>,
}

impl Guesses {
    const WRONG_MAX: u32 = 5;
    const WINDOW_MS: u64 = 5 * 60 * 1000;
    const CHANNELS_MAX: usize = 256;

    /// Whether another guess may be made on this channel.
    pub(super) fn allowed(&self, channel: &str, now_ms: u64) -> bool {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|_, (_, since)| now_ms.saturating_sub(*since) < Self::WINDOW_MS);
        wrong.get(channel).map_or(wrong.len() < Self::CHANNELS_MAX, |(n, _)| *n < Self::WRONG_MAX)
    }

    /// A guess was wrong.
    pub(super) fn note(&self, channel: &str, now_ms: u64) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.entry(channel.to_owned()).or_insert((0, now_ms)).0 += 1;
    }
}

fn new_code() -> String {
    clock::random_bytes::<CODE_LETTERS>()
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]))
        .collect()
}

/// JSON, so that no id can be read as another triple.
fn record_id(channel: &str, account: &str, sender_id: &str) -> String {
    serde_json::json!([channel, account, sender_id]).to_string()
}

fn is(request: &PairingRequest, id: &str) -> bool {
    record_id(&request.channel, &request.account, &request.sender_id) == id
}

impl std::fmt::Debug for PairingRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PairingRequest")
            .field("request_id", &self.request_id)
            .field("channel", &self.channel)
            .field("account", &self.account)
            .field("sender_id", &self.sender_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
