//! What runs leave behind in a conversation: how the last one ended, the tokens used so far, and what
//! a backend calls the conversation. All of it belongs to the current transcript; a reset clears it.
//!
//! Must not know: entries, backends.

use super::super::column::{int, to_json};
use rusqlite::{Connection, Result, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokens {
    /// Read.
    pub input: u64,
    /// Written.
    pub output: u64,
    /// Read from what an endpoint had kept.
    pub cache_read: u64,
    /// Kept by an endpoint for later.
    pub cache_write: u64,
    /// All of them.
    pub total: u64,
}

/// The last run of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// The run.
    pub run_id: String,
    /// The wire's word for its end: `done`, `failed`, `killed`, `timeout`.
    pub status: String,
    /// When it began, milliseconds.
    pub started_ms: u64,
    /// When it ended, milliseconds.
    pub ended_ms: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// Tokens it used.
    pub tokens: Tokens,
}

/// Keeps the end of a run, and adds its tokens to those of the transcript. A run of an older
/// transcript changes nothing.
///
/// # Errors
/// The database's, or a damaged row.
pub fn note_run(c: &Connection, session_key: &str, session_id: &str, run: &LastRun) -> Result<()> {
    let Some(known) = super::conversation(c, session_key)? else { return Ok(()) };
    if known.session_id != session_id {
        return Ok(());
    }
    let (so_far, more) = (known.tokens, run.tokens);
    let tokens = Tokens {
        input: so_far.input.saturating_add(more.input),
        output: so_far.output.saturating_add(more.output),
        cache_read: so_far.cache_read.saturating_add(more.cache_read),
        cache_write: so_far.cache_write.saturating_add(more.cache_write),
        total: so_far.total.saturating_add(more.total),
    };
    c.prepare_cached(
        "UPDATE conversations SET tokens = ?2, last_run = ?3, updated_ms = MAX(updated_ms, ?4)
         WHERE session_key = ?1",
    )?
    .execute(params![session_key, to_json(&tokens)?, to_json(run)?, int(run.ended_ms)])?;
    Ok(())
}

/// Keeps what a backend calls the conversation, as long as its transcript is this one.
///
/// # Errors
/// The database's.
pub fn set_known_as(
    c: &Connection,
    session_key: &str,
    session_id: &str,
    known_as: &Value,
) -> Result<()> {
    c.prepare_cached(
        "UPDATE conversations SET known_as = ?3 WHERE session_key = ?1 AND session_id = ?2",
    )?
    .execute(params![session_key, session_id, to_json(known_as)?])?;
    Ok(())
}
