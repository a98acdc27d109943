//! The durable inbox: every event that was accepted, until its turn is over, and then its bare id.
//!
//! A row is `pending` until the work it asks for is stored, then `done`; `dead` when it cannot be
//! worked off. A done row is a tombstone: it keeps the id, so that a redelivery is recognised.
//! Cursors live here because they move in the transaction that stores the event they follow.
//! Must not know: what a payload holds.

use super::column::{int, uint, uint32};
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

/// Tombstones are kept at least this long.
pub const TOMBSTONE_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// And at least this many of an account.
pub const TOMBSTONES_MIN: u64 = 20_000;
/// But never more than this many of an account; the oldest go first.
pub const TOMBSTONES_MAX: u64 = 200_000;

/// An event to store.
#[derive(Clone, Debug)]
pub struct NewRow<'a> {
    /// The channel it came from.
    pub channel: &'a str,
    /// The account it came from.
    pub account: &'a str,
    /// Unique within channel and account; the same over redelivery.
    pub dedupe_key: &'a str,
    /// The lane that works it off, in order of arrival.
    pub lane: &'a str,
    /// What to work off; `None` stores a tombstone at once.
    pub payload: Option<&'a str>,
    /// Why nothing is worked off, for a tombstone.
    pub note: Option<&'a str>,
    /// Wall clock.
    pub now_ms: u64,
}

/// A stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Order of arrival, unique.
    pub seq: u64,
    /// The channel it came from.
    pub channel: String,
    /// The account it came from.
    pub account: String,
    /// Its id on the platform.
    pub dedupe_key: String,
    /// The lane that works it off.
    pub lane: String,
    /// What to work off; gone once it is done.
    pub payload: Option<String>,
    /// How often work on it began.
    pub attempts: u32,
    /// Not to be worked on before this wall-clock time.
    pub not_before_ms: u64,
    /// When it arrived.
    pub received_ms: u64,
    /// Why it was retried or died.
    pub note: Option<String>,
}

/// How many rows are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accepted and not worked off.
    pub pending: u64,
    /// Worked off or refused; tombstones.
    pub done: u64,
    /// Given up on, kept for a person to see.
    pub dead: u64,
}

const COLUMNS: &str = "seq, channel, account, dedupe_key, lane, payload, attempts, not_before_ms, \
                       received_ms, note";

/// Stores an event; `None` when it was stored before.
///
/// # Errors
/// The database's.
pub fn insert(c: &Connection, new: &NewRow<'_>) -> Result<Option<u64>> {
    let (state, settled) = match new.payload {
        Some(_) => ("pending", None),
        None => ("done", Some(int(new.now_ms))),
    };
    c.prepare_cached(
        "INSERT INTO ingress
           (channel, account, dedupe_key, lane, payload, state, received_ms, settled_ms, note)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (channel, account, dedupe_key) DO NOTHING RETURNING seq",
    )?
    .query_row(
        params![
            new.channel,
            new.account,
            new.dedupe_key,
            new.lane,
            new.payload,
            state,
            int(new.now_ms),
            settled,
            new.note
        ],
        |row| uint(row, 0),
    )
    .optional()
}

/// Whether an event was stored before.
///
/// # Errors
/// The database's.
pub fn known(c: &Connection, channel: &str, account: &str, dedupe_key: &str) -> Result<bool> {
    c.prepare_cached(
        "SELECT 1 FROM ingress WHERE channel = ?1 AND account = ?2 AND dedupe_key = ?3",
    )?
    .exists([channel, account, dedupe_key])
}

/// Whether a row waits to be worked off.
///
/// # Errors
/// The database's.
pub fn is_pending(c: &Connection, seq: u64) -> Result<bool> {
    c.prepare_cached("SELECT 1 FROM ingress WHERE seq = ?1 AND state = 'pending'")?
        .exists([int(seq)])
}

/// Notes where a stream of a plugin stands.
///
/// # Errors
/// The database's.
pub fn set_cursor(
    c: &Connection,
    channel: &str,
    account: &str,
    stream: &str,
    value: &str,
    now_ms: u64,
) -> Result<()> {
    c.prepare_cached(
        "INSERT INTO cursors (channel, account, stream, value, updated_ms)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (channel, account, stream)
         DO UPDATE SET value = excluded.value, updated_ms = excluded.updated_ms",
    )?
    .execute(params![channel, account, stream, value, int(now_ms)])?;
    Ok(())
}

/// The cursors of a channel as (account, stream, value).
///
/// # Errors
/// The database's.
pub fn cursors(c: &Connection, channel: &str) -> Result<Vec<(String, String, String)>> {
    c.prepare_cached("SELECT account, stream, value FROM cursors WHERE channel = ?1")?
        .query_map([channel], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

/// The lanes with pending rows, the one with the oldest row first.
///
/// # Errors
/// The database's.
pub fn pending_lanes(c: &Connection) -> Result<Vec<String>> {
    c.prepare_cached(
        "SELECT lane FROM ingress WHERE state = 'pending' GROUP BY lane ORDER BY MIN(seq)",
    )?
    .query_map([], |row| row.get(0))?
    .collect()
}

/// The oldest pending row of a lane, due or not.
///
/// # Errors
/// The database's.
pub fn head(c: &Connection, lane: &str) -> Result<Option<JournalRow>> {
    c.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM ingress WHERE state = 'pending' AND lane = ?1 ORDER BY seq LIMIT 1"
    ))?
    .query_row([lane], journal_row)
    .optional()
}

/// The oldest pending rows of a lane, due or not, at most `limit`.
///
/// # Errors
/// The database's.
pub fn heads(c: &Connection, lane: &str, limit: u64) -> Result<Vec<JournalRow>> {
    c.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM ingress WHERE state = 'pending' AND lane = ?1 ORDER BY seq LIMIT ?2"
    ))?
    .query_map(params![lane, int(limit)], journal_row)?
    .collect()
}

/// Notes that work on a pending row begins; false when it is no longer pending.
///
/// # Errors
/// The database's.
pub fn begin(c: &Connection, seq: u64) -> Result<bool> {
    change(
        c,
        "UPDATE ingress SET attempts = attempts + 1 WHERE seq = ?1 AND state = 'pending'",
        seq,
    )
}

/// Takes a [`begin`] back: the work was called off, not failed.
///
/// # Errors
/// The database's.
pub fn release(c: &Connection, seq: u64) -> Result<bool> {
    change(
        c,
        "UPDATE ingress SET attempts = MAX(attempts - 1, 0) WHERE seq = ?1 AND state = 'pending'",
        seq,
    )
}

/// Turns a pending row into a tombstone, with a note of why nothing was done where that is so; false
/// when it was one already, so that what belongs to it is not done twice.
///
/// # Errors
/// The database's.
pub fn settle(c: &Connection, seq: u64, note: Option<&str>, now_ms: u64) -> Result<bool> {
    let changed = c
        .prepare_cached(
            "UPDATE ingress SET state = 'done', payload = NULL, note = ?2, settled_ms = ?3
             WHERE seq = ?1 AND state = 'pending'",
        )?
        .execute(params![int(seq), note, int(now_ms)])?;
    Ok(changed > 0)
}

/// Puts a pending row off.
///
/// # Errors
/// The database's.
pub fn put_off(c: &Connection, seq: u64, not_before_ms: u64, note: &str) -> Result<()> {
    c.prepare_cached(
        "UPDATE ingress SET not_before_ms = ?2, note = ?3 WHERE seq = ?1 AND state = 'pending'",
    )?
    .execute(params![int(seq), int(not_before_ms), note])?;
    Ok(())
}

/// Gives up on a pending row and keeps it for a person to see.
///
/// # Errors
/// The database's.
pub fn bury(c: &Connection, seq: u64, note: &str, now_ms: u64) -> Result<()> {
    c.prepare_cached(
        "UPDATE ingress SET state = 'dead', note = ?2, settled_ms = ?3
         WHERE seq = ?1 AND state = 'pending'",
    )?
    .execute(params![int(seq), note, int(now_ms)])?;
    Ok(())
}

/// Dead rows, the oldest first.
///
/// # Errors
/// The database's.
pub fn dead(c: &Connection, limit: u64) -> Result<Vec<JournalRow>> {
    c.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM ingress WHERE state = 'dead' ORDER BY seq LIMIT ?1"
    ))?
    .query_map([int(limit)], journal_row)?
    .collect()
}

/// One dead row by its number.
///
/// # Errors
/// The database's.
pub fn dead_one(c: &Connection, seq: u64) -> Result<Option<JournalRow>> {
    c.prepare_cached(&format!("SELECT {COLUMNS} FROM ingress WHERE state = 'dead' AND seq = ?1"))?
        .query_row([int(seq)], journal_row)
        .optional()
}

/// Makes a dead row pending again, as if it had just arrived; answers its lane.
///
/// # Errors
/// The database's.
pub fn revive(c: &Connection, seq: u64) -> Result<Option<String>> {
    c.prepare_cached(
        "UPDATE ingress SET state = 'pending', attempts = 0, not_before_ms = 0, settled_ms = NULL
         WHERE seq = ?1 AND state = 'dead' AND payload IS NOT NULL AND lane <> '' RETURNING lane",
    )?
    .query_row([int(seq)], |row| row.get(0))
    .optional()
}

/// Turns a dead row into a tombstone; false when there is none.
///
/// # Errors
/// The database's.
pub fn drop_dead(c: &Connection, seq: u64) -> Result<bool> {
    change(
        c,
        "UPDATE ingress SET state = 'done', payload = NULL WHERE seq = ?1 AND state = 'dead'",
        seq,
    )
}

/// How many rows are in which state.
///
/// # Errors
/// The database's.
pub fn counts(c: &Connection) -> Result<Counts> {
    c.prepare_cached(
        "SELECT (SELECT COUNT(*) FROM ingress WHERE state = 'pending'),
                (SELECT COUNT(*) FROM ingress WHERE state = 'done'),
                (SELECT COUNT(*) FROM ingress WHERE state = 'dead')",
    )?
    .query_row([], |row| {
        Ok(Counts { pending: uint(row, 0)?, done: uint(row, 1)?, dead: uint(row, 2)? })
    })
}

/// Drops tombstones that nobody needs any more; answers how many.
///
/// # Errors
/// The database's.
pub fn prune(c: &Connection, now_ms: u64) -> Result<usize> {
    let accounts: Vec<(String, String)> = c
        .prepare_cached("SELECT DISTINCT channel, account FROM ingress WHERE state = 'done'")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    let mut dropped = 0;
    for (channel, account) in accounts {
        dropped += c
            .prepare_cached(
                "DELETE FROM ingress WHERE state = 'done' AND channel = ?1 AND account = ?2
                 AND (seq < (SELECT seq FROM ingress WHERE state = 'done' AND channel = ?1
                               AND account = ?2 ORDER BY seq DESC LIMIT 1 OFFSET ?3)
                      AND settled_ms < ?5
                   OR seq < (SELECT seq FROM ingress WHERE state = 'done' AND channel = ?1
                               AND account = ?2 ORDER BY seq DESC LIMIT 1 OFFSET ?4))",
            )?
            .execute(params![
                channel,
                account,
                int(TOMBSTONES_MIN - 1),
                int(TOMBSTONES_MAX - 1),
                int(now_ms.saturating_sub(TOMBSTONE_MS)),
            ])?;
    }
    Ok(dropped)
}

fn change(c: &Connection, sql: &str, seq: u64) -> Result<bool> {
    Ok(c.prepare_cached(sql)?.execute([int(seq)])? > 0)
}

fn journal_row(row: &Row<'_>) -> Result<JournalRow> {
    Ok(JournalRow {
        seq: uint(row, 0)?,
        channel: row.get(1)?,
        account: row.get(2)?,
        dedupe_key: row.get(3)?,
        lane: row.get(4)?,
        payload: row.get(5)?,
        attempts: uint32(row, 6)?,
        not_before_ms: uint(row, 7)?,
        received_ms: uint(row, 8)?,
        note: row.get(9)?,
    })
}
