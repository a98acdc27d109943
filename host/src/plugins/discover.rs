//! Folders → candidates, by reading manifests and nothing else: no library is opened, so start-up
//! does not depend on what is installed but not enabled.
//!
//! Must not know: which channels are enabled beyond the choice it is asked for, what runs.

use super::{
    Entry, PluginDir, Refusal,
    manifest::{self, MANIFEST_BYTES_MAX},
    refusal::shown,
    routes,
};
use jackfield_plugin_api::manifest::{MANIFEST_FILE, Manifest};
use std::{
    cmp::Reverse,
    ffi::OsStr,
    fs,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Most packages looked at in one folder.
const PACKAGES_MAX: usize = 1024;

/// A package found on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The package folder, or a library that lies about without one.
    pub path: PathBuf,
    /// It lies in a folder the operator named.
    pub explicit: bool,
    /// The manifest, if it could be read at all.
    pub manifest: Option<Manifest>,
    /// Why it cannot be used, as far as reading alone can tell.
    pub refusal: Option<Refusal>,
}

impl Candidate {
    /// The manifest's id, or the folder's name where there is none.
    #[must_use]
    pub fn id(&self) -> String {
        let name = || self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.manifest.as_ref().map_or_else(name, |manifest| manifest.id.clone())
    }

    fn version(&self) -> Option<semver::Version> {
        semver::Version::parse(&self.manifest.as_ref()?.version).ok()
    }

    fn serves(&self, entry: &Entry) -> bool {
        match (&entry.plugin, &self.manifest) {
            (Some(id), _) => *id == self.id(),
            (None, Some(manifest)) => manifest.channel == entry.channel,
            (None, None) => self.id() == entry.channel,
        }
    }
}

/// Everything in the folders, in their order and by name within each.
pub(super) fn scan(dirs: &[PluginDir]) -> Vec<Candidate> {
    dirs.iter().flat_map(scan_dir).collect()
}

/// The candidate that shall serve an enabled channel: a usable one before a refused one, the one
/// named as its channel before others, the higher version, the earlier folder.
pub(super) fn choose<'a>(candidates: &'a [Candidate], entry: &Entry) -> Option<&'a Candidate> {
    ranked(candidates, entry).into_iter().next()
}

/// All that could serve the channel, the one to be chosen first: what stands before a package that
/// nobody vouches for must not keep it from its place.
pub(super) fn ranked<'a>(candidates: &'a [Candidate], entry: &Entry) -> Vec<&'a Candidate> {
    let mut serving: Vec<_> = candidates.iter().filter(|c| c.serves(entry)).collect();
    serving.sort_by_key(|candidate| {
        let other_name = candidate.id() != entry.channel;
        (candidate.refusal.is_some(), other_name, Reverse(candidate.version()))
    });
    serving
}

/// Paths that more than one of the plugins wants that are to serve these channels, in words for
/// people.
#[must_use]
pub fn clashes(candidates: &[Candidate], entries: &[Entry]) -> Vec<String> {
    let chosen = entries.iter().filter_map(|entry| choose(candidates, entry)?.manifest.as_ref());
    routes::claimed_twice(&chosen.collect::<Vec<_>>())
}

fn scan_dir(dir: &PluginDir) -> Vec<Candidate> {
    if dir.path.join(MANIFEST_FILE).exists() {
        return vec![examine(&dir.path, dir.explicit)];
    }
    let entries = match fs::read_dir(&dir.path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !dir.explicit => {
            return Vec::new();
        }
        Err(error) => {
            let refusal = Refusal::Host {
                file: dir.path.display().to_string(),
                detail: format!("cannot read this plugin folder: {error}"),
            };
            return vec![refused(dir.path.clone(), dir.explicit, refusal)];
        }
    };
    let mut paths: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).take(PACKAGES_MAX).collect();
    paths.sort();
    paths.iter().filter_map(|path| look_at(path, dir.explicit)).collect()
}

/// A folder with a manifest is a package; a library without one is a mistake worth naming; anything
/// else is none of our business.
fn look_at(path: &Path, explicit: bool) -> Option<Candidate> {
    if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
        return None; // hidden: a package being put in place
    }
    let missing = || {
        let refusal = Refusal::MissingManifest { file: shown(path) };
        Some(refused(path.to_path_buf(), explicit, refusal))
    };
    if !path.is_dir() {
        return if is_library(path) { missing() } else { None };
    }
    if path.join(MANIFEST_FILE).symlink_metadata().is_ok() {
        return Some(examine(path, explicit));
    }
    let holds_library = fs::read_dir(path)
        .is_ok_and(|entries| entries.filter_map(Result::ok).any(|e| is_library(&e.path())));
    if holds_library { missing() } else { None }
}

/// The package in a folder, by its manifest.
pub(super) fn examine(path: &Path, explicit: bool) -> Candidate {
    let file = path.join(MANIFEST_FILE);
    let read = read_manifest(&file).and_then(|text| manifest::parse_unchecked(&file, &text));
    match read {
        Ok(manifest) => {
            let refusal = manifest::check(&file, &manifest).err();
            Candidate { path: path.to_path_buf(), explicit, manifest: Some(manifest), refusal }
        }
        Err(refusal) => refused(path.to_path_buf(), explicit, refusal),
    }
}

/// The package an operator points at: its folder, its manifest or its library.
pub(super) fn at(path: &Path) -> Candidate {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    examine(folder, true)
}

fn read_manifest(file: &Path) -> Result<String, Refusal> {
    let bad = |detail: String| Refusal::Manifest { file: shown(file), detail };
    // Never waits on a pipe that lies there under this name.
    let open = fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(file);
    let mut text = String::new();
    open.and_then(|open| open.take(MANIFEST_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|error| bad(format!("cannot be read: {error}")))?;
    if text.len() as u64 > MANIFEST_BYTES_MAX {
        return Err(bad(format!("is larger than {MANIFEST_BYTES_MAX} bytes")));
    }
    Ok(text)
}

fn refused(path: PathBuf, explicit: bool, refusal: Refusal) -> Candidate {
    Candidate { path, explicit, manifest: None, refusal: Some(refusal) }
}

fn is_library(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("so"))
}

#[cfg(test)]
mod tests;
