//! Why a package would be refused, without running any of its code and without a gateway.
//!
//! It is the road to a start as far as no library is opened: manifest, owners, hashes, ELF header.
//! Must not know: who asks, what is configured.

use super::{Refusal, discover, elf, refusal::shown, stage, trust::Trust};
use jackfield_plugin_api::manifest::{MANIFEST_FILE, Manifest};
use std::{ffi::OsStr, path::Path};

/// What was found out about a package.
#[derive(Debug)]
pub struct Explained {
    /// What the package says of itself, as far as that can be read.
    pub manifest: Option<Manifest>,
    /// Why it cannot be used; nothing when only opening the library could tell more.
    pub refusal: Option<Refusal>,
}

/// Checks the package at `path`: its folder, its manifest or its library. `scratch` takes a private
/// copy, as a start would make.
#[must_use]
pub fn explain(path: &Path, scratch: &Path) -> Explained {
    let package = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) };
    if !package.join(MANIFEST_FILE).is_file() {
        return Explained { manifest: None, refusal: Some(without_manifest(path)) };
    }
    let found = discover::examine(package, true);
    let refusal =
        found.refusal.or_else(|| stage::stage(package, true, scratch, &Trust::default()).err());
    Explained { manifest: found.manifest, refusal }
}

/// A file that lies about alone: what it is matters more than what is missing beside it.
fn without_manifest(path: &Path) -> Refusal {
    let missing = Refusal::MissingManifest { file: shown(path) };
    if path.is_dir() {
        return missing;
    }
    let file = shown(path);
    match std::fs::read(path) {
        Err(error) => Refusal::Host { file, detail: format!("cannot be read: {error}") },
        Ok(bytes) if path.extension() == Some(OsStr::new("so")) => {
            elf::check(&file, &bytes).err().unwrap_or(missing)
        }
        Ok(_) => missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_library_is_called_that() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("libx.so");
        std::fs::write(&file, "text").unwrap();
        let found = explain(&file, dir.path()).refusal.unwrap();
        assert!(matches!(found, Refusal::NotALibrary { .. }), "{found}");
        let none = explain(&dir.path().join("absent.so"), dir.path()).refusal.unwrap();
        assert!(none.to_string().contains("cannot be read"), "{none}");
        let folder = explain(dir.path(), dir.path()).refusal.unwrap();
        assert!(matches!(folder, Refusal::MissingManifest { .. }), "{folder}");
    }
}
