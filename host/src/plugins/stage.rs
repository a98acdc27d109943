//! Package → private copy that nobody else can change, proved to be what its manifest says.
//!
//! Everything later — probing, loading, starting again after a crash — works on the copy: replacing
//! or overwriting the package never touches a library that is mapped. The *copy* is hashed, so what
//! was checked is what is loaded. Must not know: what is in a library beyond its headers.

mod owner;

use super::{
    Refusal, elf,
    manifest::{self, MANIFEST_BYTES_MAX},
    refusal::shown,
    signature,
    trust::{Floor, Grant, Package, SIGNATURE_FILE, Trust},
};
use crate::clock;
use jackfield_plugin_api::manifest::{MANIFEST_FILE, Manifest};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Largest file of a package, bytes.
const FILE_BYTES_MAX: u64 = 512 << 20;
/// Copies of one plugin kept: the one in use, and some to go back to.
const COPIES_KEPT: usize = 3;
/// A copy under way; renamed when it is whole.
const UNFINISHED: &str = ".new-";

/// A file beside the listed ones, if it is there: its name and its bytes.
type Beside = (&'static str, Option<Vec<u8>>);

/// A private copy that passed every check that needs no loading.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Staged {
    /// The copy's folder.
    pub dir: PathBuf,
    /// The library in it.
    pub library: PathBuf,
    /// What the package says of itself.
    pub manifest: Manifest,
    /// By whose word it may run.
    pub grant: Grant,
}

/// Copies and checks the package at `package`. `explicit` is the operator's word that unsigned
/// packages there will do; others need what `trust` asks for.
pub(super) fn stage(
    package: &Path,
    explicit: bool,
    state_dir: &Path,
    trust: &Trust,
) -> Result<Staged, Refusal> {
    owner::check_folder(package)?;
    let manifest_path = package.join(MANIFEST_FILE);
    let text = read(&manifest_path, MANIFEST_BYTES_MAX)?;
    let manifest = parse(&manifest_path, &text)?;
    let digest = hex(&Sha256::digest(&text));
    let signature = signature_of(package)?;
    let asked = Package {
        path: package,
        explicit,
        manifest: &manifest,
        text: &text,
        digest: &digest,
        signature: signature.as_deref(),
    };
    let grant = granted(&asked, state_dir, trust)?;
    let folder = state_dir.join("staged").join(&manifest.id);
    let dir = folder.join(format!("{}-{}", manifest.version, &digest[..12]));
    let staged = Staged { library: dir.join(&manifest.library), dir, manifest, grant };
    let kept = fs::read_to_string(staged.dir.join(SIGNATURE_FILE)).ok();
    if staged.dir.exists() && kept == signature && staged.verify().is_ok() {
        return Ok(staged);
    }
    let beside = [(MANIFEST_FILE, Some(text)), (SIGNATURE_FILE, signature.map(Vec::from))];
    copy(package, &folder, &staged, &beside)?;
    prune(&folder, &staged.dir);
    Ok(staged)
}

/// By whose word the package may run. Whoever it is: the bytes of the manifest read here are the
/// ones that count from now on.
fn granted(asked: &Package<'_>, state_dir: &Path, trust: &Trust) -> Result<Grant, Refusal> {
    let grant = trust.grant(asked, &Floor::of(state_dir))?;
    if grant == Grant::RootOwned {
        let files = asked.manifest.files.keys().map(|name| asked.path.join(name));
        owner::check_roots(asked.path, files.chain([asked.path.join(MANIFEST_FILE)]))?;
    }
    Ok(grant)
}

fn signature_of(package: &Path) -> Result<Option<String>, Refusal> {
    let path = package.join(SIGNATURE_FILE);
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let bytes = read(&path, signature::TEXT_BYTES_MAX)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Refusal> {
    let mut text = Vec::new();
    owner::open_checked(path)?
        .take(bytes_max + 1)
        .read_to_end(&mut text)
        .map_err(|error| host_failure(path, "cannot read", &error))?;
    Ok(text)
}

impl Staged {
    /// Checks the copy again, as before each load: disks rot, and somebody may have been there.
    pub(super) fn verify(&self) -> Result<(), Refusal> {
        check_files(&self.dir, &self.manifest)
    }

    /// The library as people see it in messages: named after its plugin, not after the copy.
    pub(super) fn shown(&self) -> String {
        format!("{}/{}", self.manifest.id, self.manifest.library)
    }
}

fn parse(path: &Path, text: &[u8]) -> Result<Manifest, Refusal> {
    let bad = |detail: &str| Refusal::Manifest { file: shown(path), detail: detail.to_owned() };
    if text.len() as u64 > MANIFEST_BYTES_MAX {
        return Err(bad("is too large"));
    }
    let text = std::str::from_utf8(text).map_err(|_| bad("is not UTF-8"))?;
    let manifest = manifest::parse(path, text)?;
    let listed = std::iter::once(&manifest.library).chain(&manifest.config_schema);
    match listed.into_iter().find(|name| !manifest.files.contains_key(*name)) {
        Some(name) => Err(Refusal::NotPacked { file: format!("{}/{name}", manifest.id) }),
        None => Ok(manifest),
    }
}

fn copy(package: &Path, folder: &Path, staged: &Staged, beside: &[Beside]) -> Result<(), Refusal> {
    let failure = |error: &io::Error| host_failure(folder, "cannot stage here", error);
    let private = |path: &Path| fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    private(folder).map_err(|error| failure(&error))?;
    let unfinished = folder.join(format!("{UNFINISHED}{}", clock::uuid()));
    private(&unfinished).map_err(|error| failure(&error))?;
    let copied = copy_files(package, &unfinished, staged, beside)
        .and_then(|()| check_files(&unfinished, &staged.manifest))
        .and_then(|()| publish(&unfinished, &staged.dir).map_err(|error| failure(&error)));
    if copied.is_err() {
        discard(&unfinished);
    }
    copied
}

fn copy_files(
    package: &Path,
    target: &Path,
    staged: &Staged,
    beside: &[Beside],
) -> Result<(), Refusal> {
    let write = |name: &str, from: &mut dyn Read| -> io::Result<u64> {
        let mode = if name == staged.manifest.library { 0o500 } else { 0o400 };
        let path = target.join(name);
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
        let bytes = io::copy(&mut from.take(FILE_BYTES_MAX + 1), &mut file)?;
        file.flush()?;
        file.sync_all()?;
        Ok(bytes)
    };
    for name in staged.manifest.files.keys().filter(|name| *name != MANIFEST_FILE) {
        let source = package.join(name);
        let mut from = owner::open_checked(&source)?;
        let large = || {
            let detail = format!("is larger than {FILE_BYTES_MAX} bytes");
            Refusal::Manifest { file: shown(&source), detail }
        };
        let failed = |error: io::Error| host_failure(&source, "cannot copy", &error);
        // Looked at first: copying is what a file of this size would be for.
        if from.metadata().map_err(failed)?.len() > FILE_BYTES_MAX {
            return Err(large());
        }
        if write(name, &mut from).map_err(failed)? > FILE_BYTES_MAX {
            return Err(large());
        }
    }
    for (name, text) in beside {
        let Some(mut text) = text.as_deref() else { continue };
        write(name, &mut text)
            .map_err(|error| host_failure(&target.join(name), "cannot write", &error))?;
    }
    Ok(())
}

/// Headers before hashes: "truncated" tells more than "differs".
fn check_files(dir: &Path, manifest: &Manifest) -> Result<(), Refusal> {
    for (name, hash) in manifest.files.iter().filter(|(name, _)| *name != MANIFEST_FILE) {
        let file = format!("{}/{name}", manifest.id);
        let bytes = match fs::read(dir.join(name)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Refusal::MissingFile { file });
            }
            Err(error) => return Err(host_failure(&dir.join(name), "cannot read", &error)),
        };
        if *name == manifest.library {
            elf::check(&file, &bytes)?;
        }
        if hex(&Sha256::digest(&bytes)) != *hash {
            return Err(Refusal::HashMismatch { file });
        }
    }
    Ok(())
}

/// Makes the finished copy visible in one step, in place of a damaged one if there is one.
fn publish(unfinished: &Path, dir: &Path) -> io::Result<()> {
    if dir.exists() {
        // Writable again, or it could be neither moved nor emptied.
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        let aside = dir.with_file_name(format!("{UNFINISHED}{}", clock::uuid()));
        fs::rename(dir, &aside)?;
        discard(&aside);
    }
    fs::rename(unfinished, dir)?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o500))?;
    fs::File::open(dir)?.sync_all()
}

/// Keeps the newest copies and removes what an earlier crash left half done. Failing to is no harm.
fn prune(folder: &Path, current: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut copies = Vec::new();
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let unfinished =
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED));
        if unfinished {
            discard(&path);
        } else if path != current {
            let age = path.metadata().and_then(|meta| meta.modified()).ok();
            copies.push((age, path));
        }
    }
    copies.sort();
    let surplus = copies.len().saturating_sub(COPIES_KEPT - 1);
    copies.iter().take(surplus).for_each(|(_, path)| discard(path));
}

fn discard(dir: &Path) {
    let removed = fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
        .and_then(|()| fs::remove_dir_all(dir));
    if let Err(error) = removed {
        tracing::debug!(%error, dir = %dir.display(), "a staged copy could not be removed");
    }
}

fn host_failure(path: &Path, what: &str, error: &io::Error) -> Refusal {
    Refusal::Host { file: path.display().to_string(), detail: format!("{what}: {error}") }
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
        text
    })
}

#[cfg(test)]
mod tests;
