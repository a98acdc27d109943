//! The folder: from the path of a request to an open file that really lies inside.
//!
//! The kernel resolves each path below the folder in one step (`openat2`), so nothing can be swapped
//! between a check and the reading. Links of both kinds, fifos and devices are as good as missing.

use percent_encoding::percent_decode_str;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Stat, fstat, open, openat2};
use std::{
    fs::{self, File},
    io,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

/// What a folder shows when it is asked for itself.
const INDEX: &str = "index.html";
/// Bytes of a request's path.
const PATH_BYTES_MAX: usize = 2048;

/// Why there is nothing to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The path is no path: bad encoding, dots, backslashes.
    Malformed,
    /// Nothing there that may be shown.
    NotFound,
    /// A folder was asked for without the `/` at its end, on which relative links depend.
    Folder,
    /// More bytes than are handed out.
    TooLarge,
}

/// An open file.
#[derive(Debug)]
pub struct Document {
    /// To read.
    pub file: File,
    /// Its length when it was opened, bytes.
    pub length: u64,
    /// Changes with the file; the text of a strong entity tag, without quotes.
    pub tag: String,
    /// Media type by its name, from an agreed list.
    pub media_type: String,
}

/// The folder.
#[derive(Debug)]
pub struct Root {
    folder: OwnedFd,
    bytes_max: u64,
}

impl Root {
    /// Opens the folder, making it when missing.
    ///
    /// # Errors
    /// When it cannot be made or opened.
    pub fn open(path: &Path, bytes_max: u64) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let folder = open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { folder, bytes_max })
    }

    /// Opens what a path names: still encoded, relative to the folder, a folder ends in `/`.
    ///
    /// # Errors
    /// Why there is nothing to show.
    pub fn find(&self, encoded: &str) -> Result<Document, Missing> {
        let path = decode(encoded)?;
        let wants_folder = path.is_empty() || path.ends_with('/');
        let name = if wants_folder { format!("{path}{INDEX}") } else { path };
        let (file, stat) = self.open_below(&name)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => {}
            FileType::Directory if !wants_folder => return Err(Missing::Folder),
            _ => return Err(Missing::NotFound),
        }
        if stat.st_nlink != 1 {
            return Err(Missing::NotFound);
        }
        let length = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if length > self.bytes_max {
            return Err(Missing::TooLarge);
        }
        let tag = format!(
            "{:x}-{:x}-{:x}.{:x}",
            stat.st_ino, stat.st_size, stat.st_mtime, stat.st_mtime_nsec
        );
        Ok(Document { file: File::from(file), length, tag, media_type: media_type(&name) })
    }

    fn open_below(&self, name: &str) -> Result<(OwnedFd, Stat), Missing> {
        // Without waiting: opening a fifo must not hang.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let missing = |_| Missing::NotFound;
        let file =
            openat2(self.folder.as_fd(), name, flags, Mode::empty(), resolve).map_err(missing)?;
        let stat = fstat(&file).map_err(missing)?;
        Ok((file, stat))
    }
}

/// Takes a path's encoding off, once, and refuses what no honest page asks for.
fn decode(encoded: &str) -> Result<String, Missing> {
    if encoded.len() > PATH_BYTES_MAX {
        return Err(Missing::Malformed);
    }
    let path = percent_decode_str(encoded).decode_utf8().map_err(|_| Missing::Malformed)?;
    if path.contains(['\0', '\\']) || path.starts_with('/') {
        return Err(Missing::Malformed);
    }
    let inner = path.strip_suffix('/').unwrap_or(&path);
    if !path.is_empty() {
        for part in inner.split('/') {
            match part {
                "" | "." | ".." => return Err(Missing::Malformed),
                hidden if hidden.starts_with('.') => return Err(Missing::NotFound),
                _ => {}
            }
        }
    }
    Ok(path.into_owned())
}

fn media_type(name: &str) -> String {
    let guess = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream");
    let is_text = guess.starts_with("text/")
        || matches!(guess, "application/javascript" | "application/json" | "image/svg+xml");
    if is_text { format!("{guess}; charset=utf-8") } else { guess.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Read as _, os::unix::fs::symlink};
    use tempfile::TempDir;

    fn laid_out() -> (TempDir, Root) {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("canvas");
        fs::create_dir_all(root.join("deep")).unwrap();
        fs::write(home.path().join("secret.txt"), "secret").unwrap();
        fs::write(root.join("index.html"), "<p>hi").unwrap();
        fs::write(root.join("deep/index.html"), "<p>deep").unwrap();
        fs::write(root.join("a b.css"), "p{}").unwrap();
        fs::write(root.join(".hidden"), "x").unwrap();
        fs::write(root.join("big.bin"), vec![0; 200]).unwrap();
        symlink("../secret.txt", root.join("link.txt")).unwrap();
        symlink("..", root.join("up")).unwrap();
        fs::hard_link(home.path().join("secret.txt"), root.join("hard.txt")).unwrap();
        let opened = Root::open(&root, 100).unwrap();
        (home, opened)
    }

    fn text(root: &Root, path: &str) -> String {
        let mut text = String::new();
        root.find(path).unwrap().file.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_folder_shows_its_index_and_a_file_itself() {
        let (_home, root) = laid_out();
        assert_eq!(text(&root, ""), "<p>hi");
        assert_eq!(text(&root, "deep/"), "<p>deep");
        assert_eq!(text(&root, "a%20b.css"), "p{}");
        assert_eq!(root.find("").unwrap().media_type, "text/html; charset=utf-8");
        assert_eq!(root.find("a%20b.css").unwrap().media_type, "text/css; charset=utf-8");
        assert_eq!(root.find("deep").unwrap_err(), Missing::Folder);
    }

    #[test]
    fn nothing_leads_out_and_nothing_odd_is_opened() {
        let (home, root) = laid_out();
        let fifo = home.path().join("canvas/fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::RWXU, 0).unwrap();
        for path in [
            "link.txt",
            "up/secret.txt",
            "hard.txt",
            ".hidden",
            "fifo",
            "nothing",
            "%zz",
            "%252e%252e/secret.txt",
        ] {
            assert_eq!(root.find(path).unwrap_err(), Missing::NotFound, "{path}");
        }
        let long = "a".repeat(4096);
        for path in [
            "../secret.txt",
            "%2e%2e/secret.txt",
            "..%2fsecret.txt",
            "..%5csecret.txt",
            "deep//x",
            "/etc/passwd",
            "%2fproc/self/root",
            "x%00",
            "%c0%ae%c0%ae/x",
            "deep/./index.html",
            &long,
        ] {
            assert_eq!(root.find(path).unwrap_err(), Missing::Malformed, "{path}");
        }
        assert_eq!(root.find("big.bin").unwrap_err(), Missing::TooLarge);
    }

    #[test]
    fn what_changes_under_the_reader_leads_nowhere() {
        let (home, root) = laid_out();
        let canvas = home.path().join("canvas");
        fs::write(canvas.join("inside.txt"), "inside").unwrap();
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    for target in ["../secret.txt", "inside.txt"] {
                        symlink(target, canvas.join("next")).unwrap();
                        fs::rename(canvas.join("next"), canvas.join("turns.txt")).unwrap();
                    }
                    fs::copy(canvas.join("inside.txt"), canvas.join("next")).unwrap();
                    fs::rename(canvas.join("next"), canvas.join("turns.txt")).unwrap();
                    // A folder one moment, the way out the next.
                    symlink("..", canvas.join("door")).unwrap();
                    fs::remove_file(canvas.join("door")).unwrap();
                    fs::create_dir(canvas.join("door")).unwrap();
                    fs::remove_dir(canvas.join("door")).unwrap();
                }
            });
            let mut shown = 0;
            for _ in 0..20_000 {
                for path in ["turns.txt", "door/secret.txt"] {
                    let Ok(mut found) = root.find(path) else { continue };
                    let mut text = String::new();
                    found.file.read_to_string(&mut text).unwrap();
                    assert_ne!(text, "secret", "{path}");
                    shown += 1;
                }
            }
            over.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(shown > 0, "the file itself is shown now and then");
        });
    }

    #[test]
    fn the_tag_changes_with_the_file() {
        let (home, root) = laid_out();
        let before = root.find("").unwrap().tag;
        assert_eq!(root.find("").unwrap().tag, before);
        fs::write(home.path().join("canvas/index.html"), "<p>longer now").unwrap();
        assert_ne!(root.find("").unwrap().tag, before);
    }
}
