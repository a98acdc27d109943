//! Whose file it is, and who else could change it. Asked of the open file, so that what was looked
//! at is what is read.
//!
//! Must not know: what the files are for.

use crate::plugins::{Refusal, refusal::shown};
use std::{
    fs::{File, Metadata, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The package folder itself: who may write there could swap the files.
pub(super) fn check_folder(path: &Path, explicit: bool) -> Result<(), Refusal> {
    let meta = path.symlink_metadata().map_err(|error| unreadable(path, &error))?;
    if !meta.is_dir() {
        return Err(refuse(path, "must be a folder, not a link or a file".to_owned()));
    }
    check_owner(path, &meta, explicit)
}

/// Opens a regular file without following a link, if nobody else can write it.
pub(super) fn open_checked(path: &Path, explicit: bool) -> Result<File, Refusal> {
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
    check_owner(path, &meta, explicit)?;
    Ok(file)
}

fn check_owner(path: &Path, meta: &Metadata, explicit: bool) -> Result<(), Refusal> {
    judge(meta.uid(), meta.mode(), rustix::process::geteuid().as_raw(), explicit)
        .map_err(|detail| refuse(path, detail))
}

/// The rule alone: root's always, this user's if the operator named the folder, nobody else's.
fn judge(uid: u32, mode: u32, ours: u32, explicit: bool) -> Result<(), String> {
    if uid != 0 && uid != ours {
        return Err(format!("belongs to user {uid}, not to root or to the gateway's user {ours}"));
    }
    if uid != 0 && !explicit {
        return Err("is not signed and does not belong to root; name its folder under \
                    `[plugins] dirs` to trust your own files"
            .to_owned());
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
    use super::judge;

    #[test]
    fn roots_files_and_named_folders_of_our_own_pass() {
        assert_eq!(judge(0, 0o100_644, 1000, false), Ok(()));
        assert_eq!(judge(1000, 0o100_644, 1000, true), Ok(()));
    }

    #[test]
    fn others_files_unsigned_files_and_writable_files_do_not() {
        assert!(judge(1001, 0o100_644, 1000, true).unwrap_err().contains("user 1001"));
        assert!(judge(1000, 0o100_644, 1000, false).unwrap_err().contains("not signed"));
        for mode in [0o100_664, 0o100_646, 0o040_777] {
            assert!(judge(0, mode, 1000, true).unwrap_err().contains("written by others"));
        }
    }
}
