//! The lock file that makes a state directory belong to one gateway.
//!
//! The kernel frees the lock when its holder dies, so a killed gateway leaves nothing to clean up.
//! Must not know: the database.

use super::StoreError;
use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

const LOCK_FILE: &str = "gateway.lock";

/// Creates `state_dir` (0700) when missing and takes its lock. The lock lives as long as the file.
pub(super) fn take(state_dir: &Path) -> Result<File, StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(state_dir)
        .map_err(|source| StoreError::Io { path: state_dir.to_owned(), source })?;
    let path = state_dir.join(LOCK_FILE);
    let fault = |source| StoreError::Io { path: path.clone(), source };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(fault)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // The text only helps people; a file that cannot be read is as good as an empty one.
            let _ = file.read_to_string(&mut text);
            return Err(StoreError::Locked {
                pid: text.trim().parse().ok(),
                path: state_dir.to_owned(),
            });
        }
        Err(TryLockError::Error(source)) => return Err(fault(source)),
    }
    file.set_len(0).map_err(fault)?;
    file.seek(SeekFrom::Start(0)).map_err(fault)?;
    writeln!(file, "{}", std::process::id()).map_err(fault)?;
    Ok(file)
}
