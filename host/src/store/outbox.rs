//! The durable send queue: what shall go out, how far it got, and what became of it.
//!
//! `queued → dispatching → sent | failed | unknown`. `dispatching` is committed before a plugin is
//! asked, so a row found in it after a crash is one whose outcome nobody knows: unless the platform can
//! tell, it becomes `unknown` and is never sent again by itself. Must not know: what a body holds, how a plugin is reached.

use super::column::{int, json, json_opt, to_json, uint, uint32, word};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use serde_json::Value;

/// How far a row got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for its turn; provably not sent beyond `next_part`.
    Queued,
    /// A plugin was asked, or was about to be.
    Dispatching,
    /// Done, with receipts.
    Sent,
    /// Provably not done, and not tried again.
    Failed,
    /// Nobody knows; never tried again by itself.
    Unknown,
}

impl State {
    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Dispatching => "dispatching",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing will change any more by itself.
    #[must_use]
    pub fn terminal(self) -> bool {
        matches!(self, Self::Sent | Self::Failed | Self::Unknown)
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Queued, Self::Dispatching, Self::Sent, Self::Failed, Self::Unknown]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// A thing to send.
#[derive(Clone, Debug)]
pub struct NewRow<'a> {
    /// Unique; the caller's choice, so that it can be waited for.
    pub id: &'a str,
    /// The channel that sends.
    pub channel: &'a str,
    /// The account that sends.
    pub account: &'a str,
    /// Rows of one lane go out in order.
    pub lane: &'a str,
    /// Scope and key under which the same request finds the same row.
    pub idem: Option<(&'a str, &'a str)>,
    /// The thing, as the plugins' contract writes it.
    pub body: &'a Value,
    /// Wall clock.
    pub now_ms: u64,
}

/// A stored row.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxRow {
    /// Order of acceptance, unique.
    pub seq: u64,
    /// Unique.
    pub id: String,
    /// The channel that sends.
    pub channel: String,
    /// The account that sends.
    pub account: String,
    /// Its lane.
    pub lane: String,
    /// The thing.
    pub body: Value,
    /// The bodies it was split into, once the first attempt has begun.
    pub parts: Option<Vec<Value>>,
    /// Index of the part that comes next.
    pub next_part: u64,
    /// Key that is the same on every attempt.
    pub provider_key: String,
    /// How far it got.
    pub state: State,
    /// Attempts begun on the part that comes next.
    pub attempts: u32,
    /// Not to be tried before this wall-clock time.
    pub not_before_ms: u64,
    /// Receipts of the parts that went out.
    pub receipts: Vec<Value>,
    /// The last failure.
    pub error: Option<Value>,
    /// When it was accepted.
    pub created_ms: u64,
    /// Scope and key under which it was asked for.
    pub idem: Option<(String, String)>,
}

const COLUMNS: &str = "seq, id, channel, account, lane, body, parts, next_part, provider_key, state, \
                       attempts, not_before_ms, receipts, error, created_ms, idem_scope, \
                       idem_key";

/// Stores a row; when the same scope and key were used before, answers that row's id and `false`.
///
/// # Errors
/// The database's.
pub fn insert(c: &Connection, new: &NewRow<'_>) -> Result<(String, bool)> {
    let (scope, key) = new.idem.unzip();
    let inserted = c
        .prepare_cached(
            "INSERT INTO outbox (id, channel, account, lane, idem_scope, idem_key, body,
               provider_key, state, created_ms, updated_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?1, 'queued', ?8, ?8)
             ON CONFLICT (idem_scope, idem_key) WHERE idem_key IS NOT NULL DO NOTHING",
        )?
        .execute(params![
            new.id,
            new.channel,
            new.account,
            new.lane,
            scope,
            key,
            to_json(new.body)?,
            int(new.now_ms)
        ])?;
    if inserted > 0 {
        return Ok((new.id.to_owned(), true));
    }
    let id = c
        .prepare_cached("SELECT id FROM outbox WHERE idem_scope = ?1 AND idem_key = ?2")?
        .query_row(params![scope, key], |row| row.get(0))?;
    Ok((id, false))
}

/// The row with this id.
///
/// # Errors
/// The database's, or a damaged row.
pub fn row(c: &Connection, id: &str) -> Result<Option<OutboxRow>> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1"))?
        .query_row([id], outbox_row)
        .optional()
}

/// The oldest row of a lane that is not terminal, due or not.
///
/// # Errors
/// The database's, or a damaged row.
pub fn head(c: &Connection, channel: &str, account: &str, lane: &str) -> Result<Option<OutboxRow>> {
    c.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM outbox WHERE channel = ?1 AND account = ?2 AND lane = ?3
         AND state IN ('queued', 'dispatching') ORDER BY seq LIMIT 1"
    ))?
    .query_row([channel, account, lane], outbox_row)
    .optional()
}

/// The (channel, account, lane) that have rows to send, the oldest row first.
///
/// # Errors
/// The database's.
pub fn open_lanes(c: &Connection) -> Result<Vec<(String, String, String)>> {
    c.prepare_cached(
        "SELECT channel, account, lane FROM outbox WHERE state IN ('queued', 'dispatching')
         GROUP BY channel, account, lane ORDER BY MIN(seq)",
    )?
    .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
    .collect()
}

/// As [`open_lanes`], the lanes of one link.
///
/// # Errors
/// The database's.
pub fn open_lanes_of(c: &Connection, channel: &str, account: &str) -> Result<Vec<String>> {
    c.prepare_cached(
        "SELECT lane FROM outbox WHERE channel = ?1 AND account = ?2
         AND state IN ('queued', 'dispatching') GROUP BY lane ORDER BY MIN(seq)",
    )?
    .query_map([channel, account], |row| row.get(0))?
    .collect()
}

/// Whether an answer on this lane is out in part, and the rest of it still to come.
///
/// # Errors
/// The database's.
pub fn halfway(c: &Connection, channel: &str, account: &str, lane: &str) -> Result<bool> {
    c.prepare_cached(
        "SELECT 1 FROM outbox WHERE channel = ?1 AND account = ?2 AND lane = ?3
         AND state IN ('queued', 'dispatching') AND next_part > 0",
    )?
    .exists([channel, account, lane])
}

/// Notes that a plugin is about to be asked, and into which `parts` the row was split, where that is
/// not known yet; false when the row is not `queued` any more.
///
/// # Errors
/// The database's.
pub fn dispatch(c: &Connection, id: &str, parts: Option<&[Value]>, now_ms: u64) -> Result<bool> {
    let parts = parts.map(to_json).transpose()?;
    let changed = c
        .prepare_cached(
            "UPDATE outbox SET state = 'dispatching', attempts = attempts + 1,
               parts = COALESCE(parts, ?2), updated_ms = ?3 WHERE id = ?1 AND state = 'queued'",
        )?
        .execute(params![id, parts, int(now_ms)])?;
    Ok(changed > 0)
}

/// Notes that the current part went out. Unless it was the `last`, the row waits for its turn again:
/// nothing was tried of the next part.
///
/// # Errors
/// The database's, or a damaged row.
pub fn part_sent(
    c: &Connection,
    id: &str,
    receipts: &[Value],
    last: bool,
    now_ms: u64,
) -> Result<()> {
    let state = if last { State::Sent } else { State::Queued };
    c.prepare_cached(
        "UPDATE outbox SET state = ?2, receipts = ?3, next_part = next_part + 1, error = NULL,
           attempts = CASE WHEN ?2 = 'sent' THEN attempts ELSE 0 END, updated_ms = ?4
         WHERE id = ?1",
    )?
    .execute(params![id, state.as_str(), to_json(receipts)?, int(now_ms)])?;
    Ok(())
}

/// Puts a row back that was provably not sent. `paced`: the platform itself asked for the wait.
///
/// # Errors
/// The database's.
pub fn requeue(
    c: &Connection,
    id: &str,
    not_before_ms: u64,
    paced: bool,
    error: &Value,
    now_ms: u64,
) -> Result<()> {
    c.prepare_cached(
        "UPDATE outbox SET state = 'queued', not_before_ms = ?2, paced = ?3, error = ?4,
           updated_ms = ?5 WHERE id = ?1 AND state IN ('queued', 'dispatching')",
    )?
    .execute(params![id, int(not_before_ms), paced, to_json(error)?, int(now_ms)])?;
    Ok(())
}

/// Ends a row without success, as `failed` or `unknown`.
///
/// # Errors
/// The database's.
pub fn end(c: &Connection, id: &str, state: State, error: &Value, now_ms: u64) -> Result<bool> {
    debug_assert!(state.terminal());
    let changed = c
        .prepare_cached(
            "UPDATE outbox SET state = ?2, error = ?3, updated_ms = ?4
             WHERE id = ?1 AND state IN ('queued', 'dispatching')",
        )?
        .execute(params![id, state.as_str(), to_json(error)?, int(now_ms)])?;
    Ok(changed > 0)
}

/// Takes a row back of which nothing was sent, and frees its key: the caller is told so in the same
/// breath and may ask again. False when it is too late.
///
/// # Errors
/// The database's.
pub fn withdraw(c: &Connection, id: &str, error: &Value, now_ms: u64) -> Result<bool> {
    let changed = c
        .prepare_cached(
            "UPDATE outbox SET state = 'failed', error = ?2, updated_ms = ?3, idem_scope = NULL,
               idem_key = NULL WHERE id = ?1 AND state = 'queued' AND next_part = 0",
        )?
        .execute(params![id, to_json(error)?, int(now_ms)])?;
    Ok(changed > 0)
}

/// A link works again: rows that only waited for that need not wait out their back-off.
///
/// # Errors
/// The database's.
pub fn hasten(c: &Connection, channel: &str, account: &str) -> Result<()> {
    c.prepare_cached(
        "UPDATE outbox SET not_before_ms = 0
         WHERE channel = ?1 AND account = ?2 AND state = 'queued' AND paced = 0",
    )?
    .execute([channel, account])?;
    Ok(())
}

/// How many rows are in a state.
///
/// # Errors
/// The database's.
pub fn count(c: &Connection, state: State) -> Result<u64> {
    c.prepare_cached("SELECT COUNT(*) FROM outbox WHERE state = ?1")?
        .query_row([state.as_str()], |row| uint(row, 0))
}

/// Drops terminal rows that ended before `before_ms`; answers how many.
///
/// # Errors
/// The database's.
pub fn prune(c: &Connection, before_ms: u64) -> Result<usize> {
    c.prepare_cached(
        "DELETE FROM outbox WHERE state IN ('sent', 'failed', 'unknown') AND updated_ms < ?1",
    )?
    .execute([int(before_ms)])
}

fn outbox_row(row: &Row<'_>) -> Result<OutboxRow> {
    Ok(OutboxRow {
        seq: uint(row, 0)?,
        id: row.get(1)?,
        channel: row.get(2)?,
        account: row.get(3)?,
        lane: row.get(4)?,
        body: json(row, 5)?,
        parts: json_opt(row, 6)?,
        next_part: uint(row, 7)?,
        provider_key: row.get(8)?,
        state: word(row, 9, State::parse)?,
        attempts: uint32(row, 10)?,
        not_before_ms: uint(row, 11)?,
        receipts: json(row, 12)?,
        error: json_opt(row, 13)?,
        created_ms: uint(row, 14)?,
        idem: Option::zip(row.get(15)?, row.get(16)?),
    })
}
