//! Opens the database: refuses what is newer, sets aside what is damaged, never starts from empty
//! where there was something.
//!
//! Must not know: what the tables hold.

use super::{StoreError, schema};
use crate::clock::Clock;
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};
use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

const DATABASE: &str = "journal.db";
const QUARANTINE_PREFIX: &str = "journal.db.corrupt-";
/// 3.51.3 mended the loss of committed pages when a log was reset beside a second connection.
const LIBRARY_MIN: i32 = 3_051_003;

/// Opens `journal.db` in `state_dir`, which the caller has locked.
pub(super) fn open(state_dir: &Path) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < LIBRARY_MIN {
        return Err(StoreError::Library(rusqlite::version_number()));
    }
    let path = state_dir.join(DATABASE);
    let log = state_dir.join("journal.db-wal");
    if !path.exists() {
        refuse_quarantined(state_dir)?;
        if log.exists() {
            return Err(quarantine(&path, "its write-ahead log exists without it"));
        }
        create(state_dir, &path)?;
    }
    if path.metadata().map_err(|source| io_error(&path, source))?.len() == 0 {
        return Err(quarantine(&path, "the file is empty"));
    }
    // An orderly close folds the log into the main file and removes it.
    let unclean = log.metadata().is_ok_and(|meta| meta.len() > 0);
    match connect(&path, unclean) {
        Ok(connection) => Ok(connection),
        Err(Fault::Corrupt(reason)) => Err(quarantine(&path, &reason)),
        Err(Fault::Store(error)) => Err(error),
    }
}

enum Fault {
    Corrupt(String),
    Store(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Store(StoreError::Job(error)),
        }
    }
}

fn connect(path: &Path, unclean: bool) -> Result<Connection, Fault> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // Before the first access, so that no shared-memory file is ever made.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    let found = schema::version(&connection)?;
    if found > schema::NEWEST {
        return Err(Fault::Store(StoreError::Newer {
            found,
            known: schema::NEWEST,
            path: path.to_owned(),
        }));
    }
    apply_policy(&connection)?;
    if unclean {
        tracing::info!("the last run did not end in order; checking the database");
        let verdict: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(Fault::Corrupt(verdict));
        }
    }
    schema::migrate(&connection, found)?;
    Ok(connection)
}

fn apply_policy(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", 1000)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Makes the database under another name and moves it into place whole: an empty or half-made
/// `journal.db` is therefore always damage.
fn create(state_dir: &Path, path: &Path) -> Result<(), StoreError> {
    let draft = state_dir.join("journal.db.new");
    for suffix in ["", "-wal", "-shm", "-journal"] {
        remove_if_there(&with_suffix(&draft, suffix))?;
    }
    let connection = Connection::open(&draft)?;
    schema::migrate(&connection, 0)?;
    connection.close().map_err(|(_, error)| StoreError::Job(error))?;
    File::open(&draft).and_then(|file| file.sync_all()).map_err(|e| io_error(&draft, e))?;
    restrict(&draft)?;
    std::fs::rename(&draft, path).map_err(|source| io_error(path, source))?;
    sync_dir(state_dir)
}

fn restrict(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|source| io_error(path, source))
}

/// A damaged database that nobody has looked at yet keeps the gateway from starting with an empty one.
fn refuse_quarantined(state_dir: &Path) -> Result<(), StoreError> {
    let entries = std::fs::read_dir(state_dir).map_err(|source| io_error(state_dir, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| io_error(state_dir, source))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(QUARANTINE_PREFIX) && !name.ends_with("-wal") {
            return Err(StoreError::Corrupt {
                quarantined: entry.path(),
                reason: "found at an earlier start".into(),
            });
        }
    }
    Ok(())
}

fn quarantine(path: &Path, reason: &str) -> StoreError {
    let target = path.with_file_name(format!("{QUARANTINE_PREFIX}{}", Clock::system().now_ms()));
    for suffix in ["", "-wal"] {
        let from = with_suffix(path, suffix);
        let to = with_suffix(&target, suffix);
        match std::fs::rename(&from, &to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return io_error(&from, source),
        }
    }
    StoreError::Corrupt { quarantined: target, reason: reason.to_owned() }
}

fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|file| file.sync_all()).map_err(|source| io_error(dir, source))
}

fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(path, error)),
        _ => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(suffix);
    text.into()
}

fn io_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { path: path.to_owned(), source }
}
