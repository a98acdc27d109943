//! The conversations themselves: what a list of them shows and what is remembered about each.
//!
//! Must not know: entries, beyond their number.

use super::{
    super::column::{int, json, json_opt, to_json, uint},
    facts::{LastRun, Tokens},
};
use crate::clock;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use serde_json::{Map, Value};

/// A conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// Its key, unique: `agent:<agent>:…`.
    pub session_key: String,
    /// Id of the current transcript; a reset makes a new one.
    pub session_id: String,
    /// The agent that answers in it.
    pub agent_id: String,
    /// `direct`, `group`, `channel`, `global` or another word of the protocol.
    pub kind: String,
    /// The channel it runs on, if any.
    pub channel: Option<String>,
    /// A name that a person gave it.
    pub label: Option<String>,
    /// A name from the platform, untrusted text.
    pub display_name: Option<String>,
    /// When it began.
    pub created_ms: u64,
    /// When something last happened in it.
    pub updated_ms: u64,
    /// What differs from the defaults here: model, thinking level and the like; an object.
    pub overrides: Value,
    /// Where an answer goes on its channel.
    pub route: Option<Value>,
    /// Entries of the current transcript.
    pub entries: u64,
    /// Beginning of the last entry's text.
    pub last_preview: Option<String>,
    /// Tokens used in the current transcript.
    pub tokens: Tokens,
    /// How the last run of the current transcript ended.
    pub last_run: Option<LastRun>,
    /// What a backend calls the current transcript.
    pub known_as: Option<Value>,
}

/// Which conversations to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those of this agent.
    pub agent_id: Option<String>,
    /// Only those with this text in key, label, name or preview.
    pub search: Option<String>,
    /// At most this many; 0 = no limit.
    pub limit: u64,
    /// After so many.
    pub offset: u64,
}

/// What an event of a channel says about its conversation.
#[derive(Clone, Debug)]
pub struct Touch<'a> {
    /// The conversation.
    pub session_key: &'a str,
    /// The agent that answers in it.
    pub agent_id: &'a str,
    /// `direct`, `group` or `channel`.
    pub kind: &'a str,
    /// The channel.
    pub channel: &'a str,
    /// Title or sender's name.
    pub display_name: Option<&'a str>,
    /// Where an answer goes.
    pub route: &'a Value,
    /// Wall clock.
    pub now_ms: u64,
}

const COLUMNS: &str = "session_key, session_id, agent_id, kind, channel, label, display_name, \
                       created_ms, updated_ms, overrides, route, entries, last_preview, \
                       tokens, last_run, known_as";

/// The conversation with this key.
///
/// # Errors
/// The database's, or a damaged row.
pub fn conversation(c: &Connection, session_key: &str) -> Result<Option<Conversation>> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM conversations WHERE session_key = ?1"))?
        .query_row([session_key], conversation_row)
        .optional()
}

/// The conversation with this key, made from the key alone when missing.
///
/// # Errors
/// The database's, or a damaged row.
pub fn ensure(c: &Connection, session_key: &str, now_ms: u64) -> Result<Conversation> {
    if let Some(known) = conversation(c, session_key)? {
        return Ok(known);
    }
    let (agent_id, kind) = read_key(session_key);
    c.prepare_cached(
        "INSERT INTO conversations (session_key, session_id, agent_id, kind, created_ms, updated_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
    )?
    .execute(params![session_key, clock::uuid(), agent_id, kind, int(now_ms)])?;
    conversation(c, session_key)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// Creates or refreshes the conversation of a channel's event.
///
/// # Errors
/// The database's.
pub fn touch(c: &Connection, seen: &Touch<'_>) -> Result<()> {
    c.prepare_cached(
        "INSERT INTO conversations (session_key, session_id, agent_id, kind, channel, display_name,
           route, created_ms, updated_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
         ON CONFLICT (session_key) DO UPDATE SET kind = excluded.kind, channel = excluded.channel,
           display_name = COALESCE(excluded.display_name, display_name), route = excluded.route,
           updated_ms = MAX(updated_ms, excluded.updated_ms)",
    )?
    .execute(params![
        seen.session_key,
        clock::uuid(),
        seen.agent_id,
        seen.kind,
        seen.channel,
        seen.display_name,
        to_json(seen.route)?,
        int(seen.now_ms)
    ])?;
    Ok(())
}

/// Conversations, the last used first, and how many match in all.
///
/// # Errors
/// The database's, or a damaged row.
pub fn list(c: &Connection, filter: &Filter) -> Result<(Vec<Conversation>, u64)> {
    const MATCHING: &str = "FROM conversations WHERE (?1 IS NULL OR agent_id = ?1)
        AND (?2 IS NULL OR session_key LIKE ?2 ESCAPE '\\' OR label LIKE ?2 ESCAPE '\\'
          OR display_name LIKE ?2 ESCAPE '\\' OR last_preview LIKE ?2 ESCAPE '\\')";
    let pattern = filter.search.as_deref().map(like_pattern);
    let limit = if filter.limit == 0 { -1 } else { int(filter.limit) };
    let rows = c
        .prepare_cached(&format!(
            "SELECT {COLUMNS} {MATCHING} ORDER BY updated_ms DESC, session_key LIMIT ?3 OFFSET ?4"
        ))?
        .query_map(params![filter.agent_id, pattern, limit, int(filter.offset)], conversation_row)?
        .collect::<Result<_>>()?;
    let total = c
        .prepare_cached(&format!("SELECT COUNT(*) {MATCHING}"))?
        .query_row(params![filter.agent_id, pattern], |row| uint(row, 0))?;
    Ok((rows, total))
}

/// Merges an object into the conversation: `label` is its name, everything else an override; null
/// takes a field away. Creates the conversation when missing.
///
/// # Errors
/// The database's, or a damaged row.
pub fn patch(
    c: &Connection,
    session_key: &str,
    changes: &Value,
    now_ms: u64,
) -> Result<Conversation> {
    let mut known = ensure(c, session_key, now_ms)?;
    let mut overrides = match known.overrides.take() {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    for (name, value) in changes.as_object().into_iter().flatten() {
        if name == "label" {
            known.label = value.as_str().map(str::to_owned);
        } else if value.is_null() {
            overrides.remove(name);
        } else {
            overrides.insert(name.clone(), value.clone());
        }
    }
    known.overrides = Value::Object(overrides);
    known.updated_ms = known.updated_ms.max(now_ms);
    c.prepare_cached(
        "UPDATE conversations SET label = ?2, overrides = ?3, updated_ms = ?4 WHERE session_key = ?1",
    )?
    .execute(params![
        session_key,
        known.label,
        to_json(&known.overrides)?,
        int(known.updated_ms)
    ])?;
    Ok(known)
}

/// Begins a new, empty transcript; the old entries are kept but no longer shown. Creates the
/// conversation when missing.
///
/// # Errors
/// The database's, or a damaged row.
pub fn reset(c: &Connection, session_key: &str, now_ms: u64) -> Result<Conversation> {
    ensure(c, session_key, now_ms)?;
    c.prepare_cached(
        "UPDATE conversations SET session_id = ?2, entries = 0, last_preview = NULL,
           tokens = '{}', last_run = NULL, known_as = NULL, updated_ms = MAX(updated_ms, ?3) WHERE session_key = ?1",
    )?
    .execute(params![session_key, clock::uuid(), int(now_ms)])?;
    conversation(c, session_key)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// Removes a conversation and all its entries; false when there is none.
///
/// # Errors
/// The database's.
pub fn delete(c: &Connection, session_key: &str) -> Result<bool> {
    let removed = c
        .prepare_cached("DELETE FROM conversations WHERE session_key = ?1")?
        .execute([session_key])?;
    Ok(removed > 0)
}

/// Remembers where an answer goes on the conversation's channel; false when there is no such
/// conversation.
///
/// # Errors
/// The database's.
pub fn set_route(c: &Connection, session_key: &str, route: &Value) -> Result<bool> {
    let changed = c
        .prepare_cached("UPDATE conversations SET route = ?2 WHERE session_key = ?1")?
        .execute(params![session_key, to_json(route)?])?;
    Ok(changed > 0)
}

/// What a key says by itself: `agent:<agent>:…:direct|group|channel:…`.
fn read_key(session_key: &str) -> (String, &'static str) {
    let mut words = session_key.split(':');
    let agent = match (words.next(), words.next()) {
        (Some("agent"), Some(agent)) if !agent.is_empty() => agent,
        _ => "main",
    };
    let kind = words
        .find_map(|word| match word {
            "direct" => Some("direct"),
            "group" => Some("group"),
            "channel" => Some("channel"),
            _ => None,
        })
        .unwrap_or(if session_key == "global" { "global" } else { "direct" });
    (agent.to_owned(), kind)
}

fn like_pattern(search: &str) -> String {
    let mut pattern = String::from("%");
    for letter in search.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

fn conversation_row(row: &Row<'_>) -> Result<Conversation> {
    Ok(Conversation {
        session_key: row.get(0)?,
        session_id: row.get(1)?,
        agent_id: row.get(2)?,
        kind: row.get(3)?,
        channel: row.get(4)?,
        label: row.get(5)?,
        display_name: row.get(6)?,
        created_ms: uint(row, 7)?,
        updated_ms: uint(row, 8)?,
        overrides: json(row, 9)?,
        route: json_opt(row, 10)?,
        entries: uint(row, 11)?,
        last_preview: row.get(12)?,
        tokens: json(row, 13)?,
        last_run: json_opt(row, 14)?,
        known_as: json_opt(row, 15)?,
    })
}
