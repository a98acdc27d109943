//! Reads and checks `plugin.toml`: bytes in, a manifest every other file here may rely on out.
//!
//! Must not know: the disk, whether the library exists.

use super::{Refusal, refusal::shown, routes};
use jackfield_plugin_api::{
    abi::{ABI_MAJOR, PROTOCOL},
    manifest::Manifest,
};
use serde::Deserialize;
use std::path::{Component, Path};

/// Largest manifest read, bytes.
pub(super) const MANIFEST_BYTES_MAX: u64 = 64 << 10;

const ID_CHARS_MAX: usize = 64;
const LABEL_CHARS_MAX: usize = 80;

/// The part that stays readable in the manifest of any ABI major.
#[derive(Deserialize)]
struct Head {
    abi: u32,
}

/// Parses and checks a manifest; `path` is where it lies, for the messages.
///
/// # Errors
/// A [`Refusal`] that names the file and the entry.
pub(super) fn parse(path: &Path, text: &str) -> Result<Manifest, Refusal> {
    let manifest = parse_unchecked(path, text)?;
    check(path, &manifest)?;
    Ok(manifest)
}

/// Parses alone, so that a listing can show the label of a manifest that will not do.
pub(super) fn parse_unchecked(path: &Path, text: &str) -> Result<Manifest, Refusal> {
    let bad = |error: toml::de::Error| Refusal::Manifest {
        file: shown(path),
        detail: one_line(&error, text),
    };
    let head: Head = toml::from_str(text).map_err(bad)?;
    if head.abi != ABI_MAJOR {
        return Err(Refusal::AbiMajor { file: shown(path), found: head.abi, wanted: ABI_MAJOR });
    }
    toml::from_str(text).map_err(bad)
}

/// Checks every value that the host will act on.
pub(super) fn check(path: &Path, manifest: &Manifest) -> Result<(), Refusal> {
    let bad = |detail: String| Refusal::Manifest { file: shown(path), detail };
    for (entry, id) in [("id", &manifest.id), ("channel", &manifest.channel)] {
        if !is_id(id) {
            return Err(bad(format!("`{entry}` must be 1 to 64 of a-z, 0-9 and -, not {id:?}")));
        }
    }
    if semver::Version::parse(&manifest.version).is_err() {
        let version = &manifest.version;
        return Err(bad(format!("`version` must be like 1.2.3, not {version:?}")));
    }
    check_protocol(path, &manifest.protocol)?;
    let label = &manifest.label;
    if label.is_empty()
        || label.chars().count() > LABEL_CHARS_MAX
        || label.chars().any(char::is_control)
    {
        return Err(bad(format!("`label` must be one line of 1 to {LABEL_CHARS_MAX} characters")));
    }
    let schema = manifest.config_schema.iter().map(|name| ("config_schema", name));
    let files = manifest.files.keys().map(|name| ("files", name));
    for (entry, name) in schema.chain(files).chain([("library", &manifest.library)]) {
        if !is_file_name(name) {
            return Err(bad(format!("`{entry}` must be a plain file name, not {name:?}")));
        }
    }
    for (name, hash) in &manifest.files {
        if hash.len() != 64 || !hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(bad(format!(
                "`files`: the hash of {name:?} must be 64 lower-case hex digits"
            )));
        }
    }
    for route in &manifest.http {
        routes::check_prefix(&route.prefix)
            .map_err(|why| bad(format!("`http`: prefix {:?} {why}", route.prefix)))?;
    }
    Ok(())
}

/// The rule for plugin and channel ids.
pub(super) fn is_id(text: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn is_file_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let plain = matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none();
    plain && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

fn check_protocol(path: &Path, wanted: &str) -> Result<(), Refusal> {
    let Some((major, minor)) = version_pair(wanted) else {
        let detail = format!("`protocol` must be like {PROTOCOL}, not {wanted:?}");
        return Err(Refusal::Manifest { file: shown(path), detail });
    };
    let ours = version_pair(PROTOCOL).expect("our own protocol number is a pair");
    if major == ours.0 && minor <= ours.1 {
        return Ok(());
    }
    Err(Refusal::Protocol { file: shown(path), wanted: wanted.into(), ours: PROTOCOL.into() })
}

/// `"1.2"` as numbers.
pub(super) fn version_pair(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The parser's message without its drawing of the source, with the line it is about.
fn one_line(error: &toml::de::Error, text: &str) -> String {
    let message = error.message().lines().next().unwrap_or("not TOML");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests;
