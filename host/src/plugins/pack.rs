//! Writes a package folder: the library, its companions, and the manifest with everybody's hash.
//!
//! Used by `jackfield plugins pack`. Must not know: how packages are found, checked or run.

use super::{Refusal, manifest, stage::hex};
use jackfield_plugin_api::manifest::{MANIFEST_FILE, Manifest};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// What goes into a package.
#[derive(Clone, Debug)]
pub struct PackPlan {
    /// The author's `plugin.toml`; a `[files]` table in it is replaced.
    pub manifest: PathBuf,
    /// The built library; packed under the name the manifest gives it.
    pub library: PathBuf,
    /// More files, packed under their own names: licences, a readme.
    pub extra: Vec<PathBuf>,
    /// The package folder to write; made if need be, other files in it are left alone.
    pub out: PathBuf,
}

/// Why a package could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The manifest would be refused.
    #[error(transparent)]
    Manifest(#[from] Refusal),
    /// Two files want the same name.
    #[error("{0}: more than one file has this name; a package is flat")]
    Twice(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
}

/// Writes the package and gives back its manifest.
///
/// The manifest is written last and every file appears whole, so a gateway that looks meanwhile
/// sees the old package or the new one.
///
/// # Errors
/// A [`PackError`] that names the file.
pub fn pack(plan: &PackPlan) -> Result<Manifest, PackError> {
    let text = fs::read_to_string(&plan.manifest).map_err(|e| failed(&plan.manifest, e))?;
    let source = manifest::parse(&plan.manifest, &without_files(&plan.manifest, &text)?)?;
    let mut contents = vec![(source.library.clone(), plan.library.clone())];
    if let Some(schema) = &source.config_schema {
        contents.push((schema.clone(), plan.manifest.with_file_name(schema)));
    }
    for path in &plan.extra {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        contents.push((name, path.clone()));
    }
    make_folder(&plan.out).map_err(|e| failed(&plan.out, e))?;
    let mut files = BTreeMap::new();
    for (name, path) in contents {
        let bytes = fs::read(&path).map_err(|e| failed(&path, e))?;
        let hash = hex(&Sha256::digest(&bytes));
        if name == MANIFEST_FILE || files.insert(name.clone(), hash).is_some() {
            return Err(PackError::Twice(name));
        }
        let mode = if name == source.library { 0o755 } else { 0o644 };
        write(&plan.out.join(&name), &bytes, mode)?;
    }
    let packed = with_files(&plan.manifest, &text, &files)?;
    let out = plan.out.join(MANIFEST_FILE);
    let manifest = manifest::parse(&out, &packed)?;
    write(&out, packed.as_bytes(), 0o644)?;
    Ok(manifest)
}

fn without_files(path: &Path, text: &str) -> Result<String, PackError> {
    with_files(path, text, &BTreeMap::new())
}

/// Edits the table, not the typed manifest: entries this gateway does not know yet are kept.
fn with_files(
    path: &Path,
    text: &str,
    files: &BTreeMap<String, String>,
) -> Result<String, PackError> {
    let refuse = |detail: String| {
        PackError::Manifest(Refusal::Manifest { file: super::refusal::shown(path), detail })
    };
    // The typed reading first: its messages name the line.
    manifest::parse_unchecked(path, text)?;
    let mut table: toml::Table =
        toml::from_str(text).map_err(|e| refuse(e.message().to_owned()))?;
    let files = toml::Table::try_from(files).map_err(|e| refuse(e.to_string()))?;
    table.insert("files".to_owned(), toml::Value::Table(files));
    toml::to_string(&table).map_err(|e| refuse(e.to_string()))
}

/// Readable by everybody and writable by one, whatever the umask: the gateway insists on it.
fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), PackError> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let put = || -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(mode).open(&unfinished)?;
        io::Write::write_all(&mut file, bytes)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    };
    put().map_err(|e| failed(path, e))
}

fn failed(path: &Path, source: io::Error) -> PackError {
    PackError::File { path: path.display().to_string(), source }
}

#[cfg(test)]
pub(super) mod tests;
