//! Why a package would be refused, without a gateway: the whole road to a start, and beside the
//! first thing in its way everything else worth knowing.
//!
//! The library is opened, if it comes so far, in a process of its own that may do nothing. Must not
//! know: who asks, where the settings come from.

mod facts;

use super::{
    PluginDir, Refusal, confine, discover, elf,
    log::PluginLog,
    process,
    refusal::shown,
    runner::{LoadedAs, Order},
    stage::{self, Staged},
    trust::Trust,
};
use crate::clock::Clock;
use jackfield_plugin_api::{
    frame::{Init, WINDOW},
    manifest::{MANIFEST_FILE, Manifest, Permissions},
};
use serde::Serialize;
use serde_json::Value;
use std::{ffi::OsStr, fs, path::Path, sync::Arc, time::Duration};

/// How long opening may take.
const OPENING: Duration = Duration::from_secs(10);

/// By which rules a package is looked at.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Whose packages may run.
    pub trust: Trust,
    /// The folders of the gateway: a package below one that the operator named needs no signature.
    pub dirs: Vec<PluginDir>,
}

/// One thing found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// `manifest`, `files`, `machine`, `glibc`, `abi`, `signature`, `permissions` or `opening`.
    pub check: &'static str,
    /// It is in nobody's way.
    pub fine: bool,
    /// What was found.
    pub text: String,
}

/// What was found out about a package.
#[derive(Debug)]
pub struct Explained {
    /// What the package says of itself, as far as that can be read.
    pub manifest: Option<Manifest>,
    /// Why it would not start, as a gateway would say it.
    pub refusal: Option<Refusal>,
    /// Everything that was looked at.
    pub facts: Vec<Fact>,
}

/// Checks the package at `path`: its folder, its manifest or its library. `scratch` takes a private
/// copy, as a start would make.
pub async fn explain(path: &Path, rules: &Rules, scratch: &Path) -> Explained {
    let package = folder_of(path);
    if !package.join(MANIFEST_FILE).is_file() {
        let refusal = without_manifest(path);
        let mut facts = vec![facts::refused("manifest", &refusal)];
        facts.extend(facts::of_library(path));
        return Explained { manifest: None, refusal: Some(refusal), facts };
    }
    let whole = package.canonicalize().unwrap_or_else(|_| package.to_path_buf());
    let named = |dir: &PluginDir| {
        dir.explicit && dir.path.canonicalize().is_ok_and(|dir| whole.starts_with(dir))
    };
    // A package in no folder of the gateway's is the caller's own business, as if it were named.
    let known = rules.dirs.iter().any(|dir| whole.starts_with(&dir.path));
    let explicit = !known || rules.dirs.iter().any(named);
    let found = discover::examine(package, explicit);
    let mut facts = match (&found.refusal, &found.manifest) {
        (Some(refusal), _) => vec![facts::refused("manifest", refusal)],
        (None, Some(manifest)) => vec![facts::manifest(manifest)],
        (None, None) => Vec::new(),
    };
    if let Some(manifest) = &found.manifest {
        facts.extend(facts::of_library(&package.join(&manifest.library)));
        facts.push(facts::signature(package, explicit, &rules.trust));
        facts.push(facts::permissions(&manifest.permissions));
    }
    let staged = match found.refusal {
        Some(refusal) => Err(refusal),
        None => stage::stage(package, explicit, scratch, &rules.trust),
    };
    facts.push(facts::files(package, staged.as_ref().err()));
    let refusal = match staged {
        Err(refusal) => {
            facts.push(facts::unopened());
            Some(refusal)
        }
        Ok(staged) => {
            let opened = open(&staged, scratch).await;
            facts.push(facts::opening(&opened));
            opened.err()
        }
    };
    Explained { manifest: found.manifest, refusal, facts }
}

/// The private copy of a package whose files are what its manifest says, whoever vouches for it.
///
/// # Errors
/// What is not as it should be.
pub fn whole(package: &Path, scratch: &Path) -> Result<Manifest, Refusal> {
    stage::stage(folder_of(package), true, scratch, &Trust::default()).map(|s| s.manifest)
}

fn folder_of(path: &Path) -> &Path {
    let above = || path.parent().filter(|dir| !dir.as_os_str().is_empty());
    if path.is_dir() { path } else { above().unwrap_or(Path::new(".")) }
}

/// Opens the library in a process that may do nothing, and ends that.
async fn open(staged: &Staged, scratch: &Path) -> Result<LoadedAs, Refusal> {
    let manifest = &staged.manifest;
    let folders = confine::Folders::of(scratch, &manifest.id);
    folders.make().map_err(|error| Refusal::Host {
        file: staged.shown(),
        detail: format!("no scratch folders can be made: {error}"),
    })?;
    let nothing = Manifest { permissions: Permissions::default(), ..manifest.clone() };
    let demand = confine::Demand::BestEffort;
    let order = Order {
        library: staged.library.clone(),
        shown: staged.shown(),
        version: manifest.version.clone(),
        log_level: 0,
        confinement: confine::plan(&nothing, &Value::Null, &staged.dir, &folders, demand),
        scratch: folders.scratch,
        init: Init {
            id: manifest.id.clone(),
            generation: 0,
            window: WINDOW,
            state_dir: folders.own.to_str().map(str::to_owned),
        },
    };
    let log = Arc::new(PluginLog::new(&manifest.id, Clock::system()));
    process::probe(&order, &log, OPENING).await
}

/// A file that lies about alone: what it is matters more than what is missing beside it.
fn without_manifest(path: &Path) -> Refusal {
    let missing = Refusal::MissingManifest { file: shown(path) };
    if path.is_dir() {
        return missing;
    }
    let file = shown(path);
    match fs::read(path) {
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

    #[tokio::test]
    async fn a_file_that_is_no_library_is_called_that() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("libx.so");
        fs::write(&file, "text").unwrap();
        let rules = Rules::default();
        let refusal = async |path: &Path| explain(path, &rules, dir.path()).await.refusal.unwrap();
        let found = refusal(&file).await;
        assert!(matches!(found, Refusal::NotALibrary { .. }), "{found}");
        let none = refusal(&dir.path().join("absent.so")).await;
        assert!(none.to_string().contains("cannot be read"), "{none}");
        let folder = refusal(dir.path()).await;
        assert!(matches!(folder, Refusal::MissingManifest { .. }), "{folder}");
    }
}
