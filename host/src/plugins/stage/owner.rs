//! Whose file it is, and who else could change it. Asked of the open file, so that what was looked
//! at is what is read.
//!
//! Must not know: what the files are for.

use crate::plugins::{Refusal, refusal::shown};
use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The package folder itself: who may write there could swap the files.
pub(super) fn check_folder(path: &Path) -> Result<(), Refusal> {
    let meta = path.symlink_metadata().map_err(|error| unreadable(path, &error))?;
    if !meta.is_dir() {
        return Err(refuse(path, "must be a folder, not a link or a file".to_owned()));
    }
    check_owner(path, &meta)?;
    let whole = path.canonicalize().map_err(|error| unreadable(path, &error))?;
    for above in whole.ancestors().skip(1) {
        let meta = above.metadata().map_err(|error| unreadable(path, &error))?;
        if open_to_all(meta.mode()) {
            let detail = format!("lies below {}, which anybody can change", above.display());
            return Err(refuse(path, detail));
        }
    }
    Ok(())
}

/// Files and folders of a distribution's package: root's alone, up to the root.
pub(super) fn check_roots(
    package: &Path,
    files: impl Iterator<Item = PathBuf>,
) -> Result<(), Refusal> {
    let whole = package.canonicalize().map_err(|error| unreadable(package, &error))?;
    for path in files.chain(whole.ancestors().map(Path::to_path_buf)) {
        let meta = path.symlink_metadata().map_err(|error| unreadable(&path, &error))?;
        if meta.uid() != 0 || meta.mode() & WRITABLE_BY_OTHERS != 0 {
            let detail = "is not signed, and not root's alone up to the root".to_owned();
            return Err(refuse(&path, detail));
        }
    }
    Ok(())
}

/// Opens a regular file without following a link, if nobody else can write it.
pub(super) fn open_checked(path: &Path) -> Result<File, Refusal> {
    // O_NONBLOCK so that a pipe under this name cannot make us wait for its writer.
    let opened =
        OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Refusal::MissingFile { file: shown(path) });
        }
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            return Err(refuse(path, "is a symbolic link; a package holds plain files".to_owned()));
        }
        Err(error) => return Err(unreadable(path, &error)),
    };
    let meta = file.metadata().map_err(|error| unreadable(path, &error))?;
    if !meta.is_file() {
        return Err(refuse(path, "is not a regular file".to_owned()));
    }
    check_owner(path, &meta)?;
    Ok(file)
}

fn check_owner(path: &Path, meta: &Metadata) -> Result<(), Refusal> {
    judge(meta.uid(), meta.mode(), rustix::process::geteuid().as_raw())
        .map_err(|detail| refuse(path, detail))
}

/// Anybody may put something else in the place of what lies there.
fn open_to_all(mode: u32) -> bool {
    const ALL: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    mode & ALL != 0 && mode & STICKY == 0
}

/// The rule alone: root's or this user's, and nobody else can write it.
fn judge(uid: u32, mode: u32, ours: u32) -> Result<(), String> {
    if uid != 0 && uid != ours {
        return Err(format!("belongs to user {uid}, not to root or to the gateway's user {ours}"));
    }
    if mode & WRITABLE_BY_OTHERS != 0 {
        let mode = mode & 0o7777;
        return Err(format!("can be written by others (mode {mode:04o}); chmod go-w it"));
    }
    Ok(())
}

fn refuse(path: &Path, detail: String) -> Refusal {
    Refusal::Unsafe { file: shown(path), detail }
}

fn unreadable(path: &Path, error: &io::Error) -> Refusal {
    Refusal::Host { file: path.display().to_string(), detail: format!("cannot read: {error}") }
}

#[cfg(test)]
mod tests {
    use super::{judge, open_to_all};

    #[test]
    fn roots_files_and_our_own_pass() {
        assert_eq!(judge(0, 0o100_644, 1000), Ok(()));
        assert_eq!(judge(1000, 0o100_644, 1000), Ok(()));
    }

    #[test]
    fn others_files_and_writable_files_do_not() {
        assert!(judge(1001, 0o100_644, 1000).unwrap_err().contains("user 1001"));
        for mode in [0o100_664, 0o100_646, 0o040_777] {
            assert!(judge(0, mode, 1000).unwrap_err().contains("written by others"));
        }
    }

    #[test]
    fn a_folder_above_may_be_shared_only_where_names_belong_to_their_makers() {
        assert!(open_to_all(0o040_777));
        assert!(!open_to_all(0o041_777) && !open_to_all(0o040_775));
    }
}
