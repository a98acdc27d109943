//! Puts a package in the place of another in one step, and can take the step back.
//!
//! What is put in place is the checked private copy, never the files an operator pointed at. Must
//! not know: what runs, what a package holds beyond its manifest.

use super::{Refusal, stage::Staged, trust::SIGNATURE_FILE};
use crate::clock;
use jackfield_plugin_api::manifest::MANIFEST_FILE;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Hidden, so that no scan takes it for a package.
const SIDE: &str = ".jackfield-side-";

/// A package that lies ready beside the one it shall replace. What lies at its side when it is
/// dropped is removed.
#[derive(Debug)]
pub(super) struct Install {
    place: PathBuf,
    side: PathBuf,
    in_place: bool,
}

impl Install {
    /// Copies the staged package beside the one at `place`.
    pub(super) fn prepare(staged: &Staged, place: &Path) -> Result<Self, Refusal> {
        let side = place.with_file_name(format!("{SIDE}{}", clock::uuid()));
        let install = Self { place: place.to_path_buf(), side, in_place: false };
        install.copy(staged).map_err(|error| Refusal::Host {
            file: place.display().to_string(),
            detail: format!(
                "cannot be replaced: {error}; put the package there and use `jackfield plugins reload`"
            ),
        })?;
        Ok(install)
    }

    /// Changes places: what was beside is in place now, and the other way round.
    pub(super) fn exchange(&mut self) -> io::Result<()> {
        let swapped = renameat_with(CWD, &self.side, CWD, &self.place, RenameFlags::EXCHANGE);
        if let Err(error) = swapped {
            // Not every file system can do it in one step.
            tracing::debug!(%error, place = %self.place.display(), "packages change places in three steps");
            let third = self.place.with_file_name(format!("{SIDE}{}", clock::uuid()));
            fs::rename(&self.place, &third)?;
            fs::rename(&self.side, &self.place)?;
            fs::rename(&third, &self.side)?;
        }
        self.in_place = !self.in_place;
        Ok(())
    }

    /// Whether the new package is in place.
    pub(super) fn is_in_place(&self) -> bool {
        self.in_place
    }

    fn copy(&self, staged: &Staged) -> io::Result<()> {
        fs::create_dir(&self.side)?;
        fs::set_permissions(&self.side, fs::Permissions::from_mode(0o755))?;
        let listed = staged.manifest.files.keys().map(String::as_str);
        let signed = staged.dir.join(SIGNATURE_FILE).exists().then_some(SIGNATURE_FILE);
        let last = signed.into_iter().chain([MANIFEST_FILE]);
        for name in listed.filter(|name| *name != MANIFEST_FILE).chain(last) {
            let to = self.side.join(name);
            fs::copy(staged.dir.join(name), &to)?;
            let mode = if name == staged.manifest.library { 0o755 } else { 0o644 };
            fs::set_permissions(&to, fs::Permissions::from_mode(mode))?;
        }
        Ok(())
    }
}

impl Drop for Install {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.side)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(%error, dir = %self.side.display(), "a replaced package could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::trust::Grant;

    fn staged(dir: &Path, library: &str) -> Staged {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("libx.so"), library).unwrap();
        let text = format!(
            "id = \"x\"\nversion = \"1.0.0\"\nabi = 1\nprotocol = \"1.0\"\nchannel = \"x\"\nlabel = \"X\"\n\
             license = \"MIT\"\nlibrary = \"libx.so\"\n[files]\n\"libx.so\" = \"{}\"\n",
            "0".repeat(64)
        );
        fs::write(dir.join(MANIFEST_FILE), &text).unwrap();
        Staged {
            dir: dir.to_path_buf(),
            library: dir.join("libx.so"),
            manifest: toml::from_str(&text).unwrap(),
            grant: Grant::Named,
        }
    }

    #[test]
    fn a_package_is_exchanged_and_exchanged_back() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("x");
        staged(&place, "old");
        let new = staged(&home.path().join("copy"), "new");
        let library = || fs::read_to_string(place.join("libx.so")).unwrap();
        let mut install = Install::prepare(&new, &place).unwrap();
        assert_eq!(library(), "old", "nothing happens before its time");
        install.exchange().unwrap();
        assert_eq!((library().as_str(), install.is_in_place()), ("new", true));
        install.exchange().unwrap();
        assert_eq!((library().as_str(), install.is_in_place()), ("old", false));
        install.exchange().unwrap();
        drop(install);
        assert_eq!(library(), "new");
        let left = fs::read_dir(home.path()).unwrap().count();
        assert_eq!(left, 2, "nothing is left beside the package and the copy");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let home = tempfile::tempdir().unwrap();
        let new = staged(&home.path().join("copy"), "new");
        let refusal = Install::prepare(&new, &home.path().join("absent/x")).unwrap_err();
        let text = refusal.to_string();
        assert!(text.contains("absent/x") && text.contains("plugins reload"), "{text}");
    }
}
