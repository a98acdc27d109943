//! Keeps two assistants from talking to each other for ever.
//!
//! A bot that the operator lets in gets a few answers in a row; then it must wait, or a person must
//! speak. Must not know: why a bot was let in.

use crate::store::records;
use rusqlite::{Connection, Result};
use serde::{Deserialize, Serialize};

const KIND: &str = "bot-turns";
/// Turns that bots may ask for in a row in one conversation.
const TURNS_MAX: u32 = 6;
/// After so long without one the count begins anew.
const QUIET_MS: u64 = 10 * 60 * 1000;

#[derive(Serialize, Deserialize)]
struct Row {
    turns: u32,
    last_ms: u64,
}

/// Counts a turn that is asked for in a conversation; true when bots asked for too many.
pub(super) fn turning(c: &Connection, lane: &str, bot: bool, now_ms: u64) -> Result<bool> {
    if !bot {
        records::delete(c, KIND, lane)?;
        return Ok(false);
    }
    let before: Option<Row> = records::get(c, KIND, lane)?;
    let turns = before
        .filter(|row| now_ms.saturating_sub(row.last_ms) < QUIET_MS)
        .map_or(1, |row| row.turns.saturating_add(1));
    if turns > TURNS_MAX {
        return Ok(true);
    }
    records::put(c, KIND, lane, &Row { turns, last_ms: now_ms }, now_ms)?;
    Ok(false)
}

/// Drops counts that have ended long ago.
pub(super) fn prune(c: &Connection, now_ms: u64) -> Result<usize> {
    records::prune(c, KIND, now_ms.saturating_sub(QUIET_MS))
}
