//! Tokens and messages counted from what was said, also in transcripts that a reset has hidden.
//!
//! Must not know: what tokens cost.

use super::{
    super::column::{int, uint},
    facts::Tokens,
};
use rusqlite::{Connection, Result, Row, params};

/// What was used in one conversation, or on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// The conversation's key, or the day as `2026-11-24`, by UTC.
    pub name: String,
    /// Tokens of all answers.
    pub tokens: Tokens,
    /// Messages of people.
    pub asked: u64,
    /// Answers.
    pub answered: u64,
    /// Results of tools.
    pub tools: u64,
    /// Answers that failed.
    pub failed: u64,
    /// When the first of them was said, milliseconds.
    pub first_ms: u64,
    /// When the last of them was said, milliseconds.
    pub last_ms: u64,
}

const SUMS: &str = "
    SUM(COALESCE(json_extract(body, '$.usage.input'), 0)),
    SUM(COALESCE(json_extract(body, '$.usage.output'), 0)),
    SUM(COALESCE(json_extract(body, '$.usage.cacheRead'), 0)),
    SUM(COALESCE(json_extract(body, '$.usage.cacheWrite'), 0)),
    SUM(COALESCE(json_extract(body, '$.usage.totalTokens'), 0)),
    SUM(role = 'user'),
    SUM(role = 'assistant' AND json_extract(body, '$.stopReason') IS NOT 'toolUse'),
    SUM(role = 'toolResult'),
    SUM(role = 'assistant' AND json_extract(body, '$.stopReason') IS 'error'),
    MIN(ts_ms), MAX(ts_ms)";

/// What was used in each conversation between two times, the newest first.
///
/// # Errors
/// The database's.
pub fn used_by_conversation(
    c: &Connection,
    agent_id: Option<&str>,
    since_ms: u64,
    until_ms: u64,
    limit: u64,
) -> Result<Vec<Used>> {
    c.prepare_cached(&format!(
        "SELECT entries.session_key, {SUMS} FROM entries JOIN conversations USING (session_key)
         WHERE ts_ms >= ?2 AND ts_ms < ?3 AND (?1 IS NULL OR agent_id = ?1)
         GROUP BY entries.session_key ORDER BY MAX(ts_ms) DESC LIMIT ?4"
    ))?
    .query_map(params![agent_id, int(since_ms), int(until_ms), int(limit)], used)?
    .collect()
}

/// What was used on each day between two times, in order.
///
/// # Errors
/// The database's.
pub fn used_by_day(
    c: &Connection,
    agent_id: Option<&str>,
    since_ms: u64,
    until_ms: u64,
) -> Result<Vec<Used>> {
    c.prepare_cached(&format!(
        "SELECT date(ts_ms / 1000, 'unixepoch') AS day, {SUMS}
         FROM entries JOIN conversations USING (session_key)
         WHERE ts_ms >= ?2 AND ts_ms < ?3 AND (?1 IS NULL OR agent_id = ?1)
         GROUP BY day ORDER BY day"
    ))?
    .query_map(params![agent_id, int(since_ms), int(until_ms)], used)?
    .collect()
}

fn used(row: &Row<'_>) -> Result<Used> {
    Ok(Used {
        name: row.get(0)?,
        tokens: Tokens {
            input: uint(row, 1)?,
            output: uint(row, 2)?,
            cache_read: uint(row, 3)?,
            cache_write: uint(row, 4)?,
            total: uint(row, 5)?,
        },
        asked: uint(row, 6)?,
        answered: uint(row, 7)?,
        tools: uint(row, 8)?,
        failed: uint(row, 9)?,
        first_ms: uint(row, 10)?,
        last_ms: uint(row, 11)?,
    })
}
