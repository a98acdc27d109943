//! The newest version of each signed plugin that ever ran, so that a package with a known fault
//! cannot be put back in its place.
//!
//! The operator's own floor in the configuration counts in its place: who wants to go back says so.
//! Must not know: keys.

use super::{Grant, Package, untrusted};
use crate::plugins::Refusal;
use semver::Version;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where the versions are kept, beside the plugins' own folders.
#[derive(Clone, Debug)]
pub(crate) struct Floor {
    folder: PathBuf,
}

impl Floor {
    /// The floors below this state directory.
    pub(crate) fn of(state_dir: &Path) -> Self {
        Self { folder: state_dir.join("plugins") }
    }

    /// Refuses what is older than it may be.
    pub(super) fn check(
        &self,
        package: &Package<'_>,
        grant: &Grant,
        configured: Option<&String>,
    ) -> Result<(), Refusal> {
        let signed = matches!(grant, Grant::Signed { .. });
        let id = &package.manifest.id;
        let Some((least, whose)) = configured
            .and_then(|text| Some((Version::parse(text).ok()?, "the configuration asks for")))
            .or_else(|| {
                signed.then(|| self.newest(id)).flatten().map(|v| (v, "there ran already"))
            })
        else {
            return Ok(());
        };
        let version = Version::parse(&package.manifest.version).unwrap_or(Version::new(0, 0, 0));
        if version >= least {
            return Ok(());
        }
        let detail = format!(
            "is version {version}, but {whose} {least}; \
             to go back: [plugins.{id}] version_min = \"{version}\""
        );
        Err(untrusted(package, detail))
    }

    /// Keeps the version of a signed plugin that runs.
    pub(crate) fn raise(&self, id: &str, version: &str, grant: &Grant) {
        let (Grant::Signed { .. }, Ok(version)) = (grant, Version::parse(version)) else { return };
        if self.newest(id).is_some_and(|newest| newest >= version) {
            return;
        }
        if let Err(error) = self.write(id, &version) {
            tracing::warn!(plugin = id, %error, "the version that runs could not be kept");
        }
    }

    fn newest(&self, id: &str) -> Option<Version> {
        Version::parse(fs::read_to_string(self.file(id)).ok()?.trim()).ok()
    }

    fn write(&self, id: &str, version: &Version) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let draft = self.folder.join(format!("{id}.newest.new"));
        fs::write(&draft, format!("{version}\n"))?;
        fs::rename(draft, self.file(id))
    }

    fn file(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.newest"))
    }
}
