//! Small durable documents that need no table of their own: devices, pairings, jobs, settings.
//!
//! A kind belongs to one room; ids are unique within their kind. Must not know: what a body means.

use super::column::{int, json, to_json, uint};
use rusqlite::{Connection, OptionalExtension, Result, params};
use serde::{Serialize, de::DeserializeOwned};

/// One document with its id and the time it was last put.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<T> {
    /// Unique within the kind.
    pub id: String,
    /// The document.
    pub body: T,
    /// Wall-clock milliseconds of the last put.
    pub updated_ms: u64,
}

/// Stores `body` as `(kind, id)`, replacing what was there.
///
/// # Errors
/// The database's, or a body that is not JSON.
pub fn put<T: Serialize + ?Sized>(
    c: &Connection,
    kind: &str,
    id: &str,
    body: &T,
    now_ms: u64,
) -> Result<()> {
    c.prepare_cached(
        "INSERT INTO records (kind, id, body, updated_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body, updated_ms = excluded.updated_ms",
    )?
    .execute(params![kind, id, to_json(body)?, int(now_ms)])?;
    Ok(())
}

/// The document `(kind, id)`.
///
/// # Errors
/// The database's, or a stored body that is not a `T`.
pub fn get<T: DeserializeOwned>(c: &Connection, kind: &str, id: &str) -> Result<Option<T>> {
    c.prepare_cached("SELECT body FROM records WHERE kind = ?1 AND id = ?2")?
        .query_row([kind, id], |row| json(row, 0))
        .optional()
}

/// Whether `(kind, id)` exists.
///
/// # Errors
/// The database's.
pub fn exists(c: &Connection, kind: &str, id: &str) -> Result<bool> {
    c.prepare_cached("SELECT 1 FROM records WHERE kind = ?1 AND id = ?2")?.exists([kind, id])
}

/// Removes `(kind, id)`; false when it was not there.
///
/// # Errors
/// The database's.
pub fn delete(c: &Connection, kind: &str, id: &str) -> Result<bool> {
    let removed =
        c.prepare_cached("DELETE FROM records WHERE kind = ?1 AND id = ?2")?.execute([kind, id])?;
    Ok(removed > 0)
}

/// Removes the documents of a kind that were last put before `before_ms`; answers how many.
///
/// # Errors
/// The database's.
pub fn prune(c: &Connection, kind: &str, before_ms: u64) -> Result<usize> {
    c.prepare_cached("DELETE FROM records WHERE kind = ?1 AND updated_ms < ?2")?
        .execute(params![kind, int(before_ms)])
}

/// Removes all documents of a kind but the `keep` that were put last; answers how many.
///
/// # Errors
/// The database's.
pub fn trim(c: &Connection, kind: &str, keep: usize) -> Result<usize> {
    c.prepare_cached(
        "DELETE FROM records WHERE kind = ?1 AND id NOT IN
         (SELECT id FROM records WHERE kind = ?1 ORDER BY updated_ms DESC LIMIT ?2)",
    )?
    .execute(params![kind, int(keep as u64)])
}

/// All documents of a kind, ordered by id.
///
/// # Errors
/// The database's, or a stored body that is not a `T`.
pub fn list<T: DeserializeOwned>(c: &Connection, kind: &str) -> Result<Vec<Record<T>>> {
    c.prepare_cached("SELECT id, body, updated_ms FROM records WHERE kind = ?1 ORDER BY id")?
        .query_map([kind], |row| {
            Ok(Record { id: row.get(0)?, body: json(row, 1)?, updated_ms: uint(row, 2)? })
        })?
        .collect()
}
