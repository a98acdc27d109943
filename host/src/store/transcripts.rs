//! Conversations and what was said in them.
//!
//! A conversation keeps its key for ever; a reset gives it a new transcript id, which hides the older
//! entries. An entry's key makes appending idempotent, also across a reset: a redelivered message is
//! not said twice. Must not know: who may read, how a message looks on the wire beyond its text.

mod conversation;
mod facts;
#[cfg(test)]
mod tests;
mod usage;

pub use conversation::{
    Conversation, Filter, Touch, conversation, delete, ensure, list, patch, reset, set_route, touch,
};

pub use facts::{LastRun, Tokens, note_run, set_known_as};
pub use usage::{Used, used_by_conversation, used_by_day};

use super::column::{int, json, to_json, uint, word};
use crate::clock;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use serde_json::Value;

/// Characters of an entry that a list of conversations shows.
const PREVIEW_CHARS: usize = 160;

/// Who said an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The person.
    User,
    /// The agent.
    Assistant,
    /// A tool, to the agent.
    ToolResult,
}

impl Role {
    /// The word in the database, which is also the wire's.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::ToolResult => "toolResult",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::User, Self::Assistant, Self::ToolResult].into_iter().find(|r| r.as_str() == word)
    }
}

/// Something to append.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// The conversation.
    pub session_key: String,
    /// Idempotent within the conversation.
    pub key: String,
    /// Who said it.
    pub role: Role,
    /// The message as the wire shows it, without the gateway's own annotations.
    pub body: Value,
    /// The run it belongs to.
    pub run_id: Option<String>,
    /// When it was said.
    pub ts_ms: u64,
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Unique within the conversation.
    pub id: String,
    /// Its place in the transcript, from 1.
    pub seq: u64,
    /// Who said it.
    pub role: Role,
    /// The message.
    pub body: Value,
    /// The run it belongs to.
    pub run_id: Option<String>,
    /// When it was said.
    pub ts_ms: u64,
}

const COLUMNS: &str = "id, seq, role, body, run_id, ts_ms";

/// Appends an entry, creating the conversation when missing. When the key was used before, answers
/// that entry and `false`.
///
/// # Errors
/// The database's.
pub fn append(c: &Connection, new: &NewEntry) -> Result<(Entry, bool)> {
    let known = c
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM entries WHERE session_key = ?1 AND key = ?2"
        ))?
        .query_row([&new.session_key, &new.key], entry_row)
        .optional()?;
    if let Some(entry) = known {
        return Ok((entry, false));
    }
    let conversation = ensure(c, &new.session_key, new.ts_ms)?;
    let entry = Entry {
        id: clock::uuid(),
        seq: conversation.entries + 1,
        role: new.role,
        body: new.body.clone(),
        run_id: new.run_id.clone(),
        ts_ms: new.ts_ms,
    };
    c.prepare_cached(
        "INSERT INTO entries (session_key, session_id, seq, id, key, role, body, run_id, ts_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        new.session_key,
        conversation.session_id,
        int(entry.seq),
        entry.id,
        new.key,
        entry.role.as_str(),
        to_json(&entry.body)?,
        entry.run_id,
        int(entry.ts_ms),
    ])?;
    c.prepare_cached(
        "UPDATE conversations SET entries = ?2, updated_ms = MAX(updated_ms, ?3),
           last_preview = COALESCE(?4, last_preview) WHERE session_key = ?1",
    )?
    .execute(params![
        new.session_key,
        int(entry.seq),
        int(new.ts_ms),
        text_of(&new.body).map(preview)
    ])?;
    Ok((entry, true))
}

/// The last `limit` entries of the current transcript before `before_seq`, oldest first, and how
/// many the transcript has in all.
///
/// # Errors
/// The database's, or a damaged row.
pub fn history(
    c: &Connection,
    session_key: &str,
    limit: u64,
    before_seq: Option<u64>,
) -> Result<(Vec<Entry>, u64)> {
    let Some(conversation) = conversation(c, session_key)? else { return Ok((Vec::new(), 0)) };
    let mut entries: Vec<Entry> = c
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM entries WHERE session_key = ?1 AND session_id = ?2 AND seq < ?3
             ORDER BY seq DESC LIMIT ?4"
        ))?
        .query_map(
            params![
                session_key,
                conversation.session_id,
                before_seq.map_or(i64::MAX, int),
                int(limit)
            ],
            entry_row,
        )?
        .collect::<Result<_>>()?;
    entries.reverse();
    Ok((entries, conversation.entries))
}

/// One entry, also of an older transcript of the conversation.
///
/// # Errors
/// The database's, or a damaged row.
pub fn entry(c: &Connection, session_key: &str, id: &str) -> Result<Option<Entry>> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM entries WHERE session_key = ?1 AND id = ?2"))?
        .query_row([session_key, id], entry_row)
        .optional()
}

/// The text of a message: its `content` as a string, or the first text block of it.
#[must_use]
pub fn text_of(body: &Value) -> Option<&str> {
    let content = body.get("content")?;
    content.as_str().or_else(|| {
        content.as_array()?.iter().find_map(|block| block.get("text").and_then(Value::as_str))
    })
}

fn preview(text: &str) -> String {
    let mut words = String::new();
    for word in text.split_whitespace() {
        if words.len() >= PREVIEW_CHARS {
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words.chars().take(PREVIEW_CHARS).collect()
}

fn entry_row(row: &Row<'_>) -> Result<Entry> {
    Ok(Entry {
        id: row.get(0)?,
        seq: uint(row, 1)?,
        role: word(row, 2, Role::parse)?,
        body: json(row, 3)?,
        run_id: row.get(4)?,
        ts_ms: uint(row, 5)?,
    })
}
