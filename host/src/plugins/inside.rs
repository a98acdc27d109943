//! Which plugins run inside the gateway, written down before their code is mapped, so that the next
//! start knows whom to suspect when this one ends without a word.
//!
//! A gateway that stops in order takes its notes back. One that finds notes of an earlier life was
//! taken down, and what they name runs in a process of its own from then on, until another version
//! comes or somebody asks for the plugin to be loaded again. Notes from before the machine was
//! started are no evidence: a power cut is nobody's fault. Must not know: what a plugin does.

use crate::clock;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Tells one run of the machine from another.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The notes, in a folder of their own.
#[derive(Clone, Debug)]
pub(super) struct Inside {
    dir: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct Note {
    version: String,
    boot: String,
    suspect: bool,
}

impl Inside {
    /// The notes of this state folder.
    pub(super) fn of(state_dir: &Path) -> Self {
        Self { dir: state_dir.join("in-process") }
    }

    /// Called once, before any plugin runs: whoever was inside when an earlier life of the gateway
    /// ended without a word is a suspect now. Gives their ids.
    pub(super) fn judge(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.dir) else { return Vec::new() };
        let boot = boot();
        let mut suspects = Vec::new();
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let Some((id, note)) = read(&path) else { continue };
            if note.suspect {
                continue;
            }
            if note.boot != boot {
                self.forget(&id);
                continue;
            }
            match self.write(&id, &Note { suspect: true, ..note }) {
                Ok(()) => suspects.push(id),
                Err(error) => tracing::warn!(plugin = id, %error, "a suspicion could not be kept"),
            }
        }
        suspects
    }

    /// Whether this version is suspected of having taken the gateway down.
    pub(super) fn suspects(&self, id: &str, version: &str) -> bool {
        read(&self.path(id)).is_some_and(|(_, note)| note.suspect && note.version == version)
    }

    /// On disk before this returns: the plugin is about to be mapped.
    pub(super) fn enter(&self, id: &str, version: &str) -> io::Result<()> {
        self.write(id, &Note { version: version.to_owned(), boot: boot(), suspect: false })
    }

    /// The gateway stops in order: whoever is inside has done no harm.
    pub(super) fn leave(&self, id: &str) {
        if read(&self.path(id)).is_some_and(|(_, note)| !note.suspect) {
            self.forget(id);
        }
    }

    /// Somebody asked for the plugin to be loaded again.
    pub(super) fn pardon(&self, id: &str) {
        if read(&self.path(id)).is_some_and(|(_, note)| note.suspect) {
            self.forget(id);
        }
    }

    fn write(&self, id: &str, note: &Note) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let new = self.dir.join(format!(".{}", clock::uuid()));
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(note)?)?;
        file.sync_all()?;
        fs::rename(&new, self.path(id))?;
        fs::File::open(&self.dir)?.sync_all()
    }

    fn forget(&self, id: &str) {
        if let Err(error) = fs::remove_file(self.path(id))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(plugin = id, %error, "a note about a plugin could not be taken back");
        }
    }

    fn path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.json"))
    }
}

fn read(path: &Path) -> Option<(String, Note)> {
    let id = path.file_name()?.to_str()?.strip_suffix(".json")?.to_owned();
    Some((id, serde_json::from_slice(&fs::read(path).ok()?).ok()?))
}

fn boot() -> String {
    fs::read_to_string(BOOT_ID).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_inside_when_the_gateway_fell_is_suspected_until_pardoned() {
        let home = tempfile::tempdir().unwrap();
        let inside = Inside::of(home.path());
        assert!(inside.judge().is_empty(), "a first start suspects nobody");
        inside.enter("line", "1.0.0").unwrap();
        inside.enter("chat", "1.0.0").unwrap();
        inside.leave("chat");
        assert_eq!(inside.judge(), ["line"]);
        assert!(inside.suspects("line", "1.0.0") && !inside.suspects("chat", "1.0.0"));
        assert!(!inside.suspects("line", "1.0.1"), "another version is another matter");
        inside.leave("line");
        assert!(inside.judge().is_empty(), "told once");
        assert!(inside.suspects("line", "1.0.0"), "stopping in order is no proof of innocence");
        inside.pardon("line");
        assert!(!inside.suspects("line", "1.0.0"));
    }

    #[test]
    fn a_power_cut_is_nobodys_fault_and_a_damaged_note_no_evidence() {
        let home = tempfile::tempdir().unwrap();
        let inside = Inside::of(home.path());
        let before = Note { version: "1.0.0".into(), boot: "before".into(), suspect: false };
        inside.write("line", &before).unwrap();
        fs::write(home.path().join("in-process/odd.json"), "{").unwrap();
        assert!(inside.judge().is_empty());
        assert!(!inside.suspects("line", "1.0.0") && !inside.suspects("odd", ""));
    }
}
