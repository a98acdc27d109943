//! The folder where files lie: bounded, for this user alone, the oldest making room for new ones.
//!
//! Full case: what is younger than an hour is never dropped, since a turn may be at it; when that
//! leaves no room, a new file is refused. Must not know: where files come from.

use super::Missing;
use crate::clock;
use std::{
    ffi::OsStr,
    fs, io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::Mutex;

/// Largest file, bytes.
pub const FILE_BYTES_MAX: u64 = 20 << 20;
/// Files one message may have.
pub const FILES_MAX: usize = 8;
/// All files together, bytes.
const SPOOL_BYTES_MAX: u64 = 512 << 20;
/// A file is kept at least this long.
const AGE_MIN: Duration = Duration::from_hours(1);
/// And at most this long.
const AGE_MAX: Duration = Duration::from_hours(30 * 24);

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    /// The file itself is too large.
    #[error("it is larger than {} MB", FILE_BYTES_MAX >> 20)]
    TooLarge,
    /// The folder is full of files that are needed.
    #[error("the gateway's folder for files is full")]
    Full,
}

/// The folder.
#[derive(Clone)]
pub struct Spool {
    folder: PathBuf,
    bytes_max: u64,
    one: Arc<Mutex<()>>,
}

impl Spool {
    /// A folder that is made when the first file comes.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, bytes_max: SPOOL_BYTES_MAX, one: Arc::default() }
    }

    #[cfg(test)]
    pub(in crate::messages) fn of_size(folder: PathBuf, bytes_max: u64) -> Self {
        Self { bytes_max, ..Self::new(folder) }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The place of a file that is called `name` here, with an ending that says its type.
    pub(super) fn place(&self, name: &str, given: Option<&str>, mime: Option<&str>) -> PathBuf {
        let own = given.and_then(|given| Path::new(given).extension()).and_then(OsStr::to_str);
        let typed = || mime.and_then(mime_guess::get_mime_extensions_str)?.first().copied();
        let ending = own.filter(|ending| plain(ending)).or_else(typed).unwrap_or("bin");
        self.folder.join(format!("{name}.{}", ending.to_ascii_lowercase()))
    }

    /// Keeps bytes that a client sent, under a name of our own.
    ///
    /// # Errors
    /// Why not.
    pub async fn keep_bytes(
        &self,
        given: Option<&str>,
        mime: Option<&str>,
        bytes: Vec<u8>,
    ) -> Result<PathBuf, Missing> {
        self.make_room(bytes.len() as u64).await?;
        let name = clock::uuid();
        let (draft, place) =
            (self.folder.join(format!("{name}.part")), self.place(&name, given, mime));
        make_folder(&self.folder)?;
        tokio::fs::write(&draft, bytes).await?;
        self.keep(&draft, &place).await?;
        Ok(place)
    }

    /// Drops the oldest files until `bytes` more fit.
    pub(super) async fn make_room(&self, bytes: u64) -> Result<(), Missing> {
        if bytes > FILE_BYTES_MAX {
            return Err(Lack::TooLarge.into());
        }
        let _one = self.one.lock().await;
        let (folder, limit) = (self.folder.clone(), self.bytes_max.saturating_sub(bytes));
        let fits = tokio::task::spawn_blocking(move || shrink(&folder, limit)).await;
        match fits {
            Ok(true) => Ok(()),
            _ => Err(Lack::Full.into()),
        }
    }

    /// Puts a whole file into its place. What a plugin made must be an ordinary file: a link could
    /// lead anywhere.
    pub(super) async fn keep(&self, draft: &Path, place: &Path) -> Result<(), Missing> {
        let found = fs::symlink_metadata(draft)?;
        if !found.is_file() {
            fs::remove_file(draft).ok();
            return Err(Missing::NotAFile);
        }
        if found.len() > FILE_BYTES_MAX {
            fs::remove_file(draft).ok();
            return Err(Lack::TooLarge.into());
        }
        fs::set_permissions(draft, fs::Permissions::from_mode(0o600))?;
        make_folder(&self.folder)?;
        fs::rename(draft, place)?;
        if let Err(why) = self.make_room(0).await {
            fs::remove_file(place).ok();
            return Err(why);
        }
        Ok(())
    }

    /// Takes a file that a plugin laid into the folder.
    pub(super) fn take_over(&self, path: &Path, draft: &Path) -> Result<(), Missing> {
        let (real, folder) = (path.canonicalize()?, self.folder.canonicalize()?);
        if !real.starts_with(folder) {
            let text = "the channel named a file outside the folder for files";
            return Err(Missing::Refused(text.to_owned()));
        }
        fs::rename(real, draft)?;
        Ok(())
    }
}

pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn plain(ending: &str) -> bool {
    (1..=8).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Drops what is too old, then the oldest until at most `limit` bytes are left; false when that
/// cannot be.
fn shrink(folder: &Path, limit: u64) -> bool {
    // What plugins began to write and never finished lies in folders of their own.
    let theirs = fs::read_dir(folder.join("spool")).into_iter().flatten().flatten();
    let folders = theirs.map(|entry| entry.path()).chain([folder.to_owned()]);
    let mut files: Vec<(Duration, u64, PathBuf)> = folders
        .flat_map(|folder| fs::read_dir(folder).into_iter().flatten())
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let about = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            let age = about.modified().ok()?.elapsed().unwrap_or_default();
            Some((age, about.len(), entry.path()))
        })
        .collect();
    files.sort();
    let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
    while let Some((age, bytes, path)) = files.pop() {
        let needless = age > AGE_MAX || (total > limit && age > AGE_MIN);
        if needless && fs::remove_file(path).is_ok() {
            total -= bytes;
        }
    }
    total <= limit
}
