//! Finds what cargo built: the gateway's binary, the plugins' libraries and their manifests.
//!
//! Cargo puts all of them beside the running test, so no path is configured. A missing file means
//! that the workspace was not built before the tests, and the panic says so.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The version the stand-in channel is built with.
const BUILT_AS: &str = "1.0.0-a.stand-in";
/// The id it is built with.
const BUILT_ID: &str = "stand-in";

/// The folder of this build profile, for example `target/debug`.
#[must_use]
pub fn profile_dir() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    let deps = test.parent().expect("cargo runs tests from a folder");
    deps.parent().expect("that folder stands in the profile's").to_path_buf()
}

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package stands in the repository's root")
        .to_path_buf()
}

/// The gateway's binary.
#[must_use]
pub fn binary() -> PathBuf {
    built(profile_dir().join(format!("jackfield{}", std::env::consts::EXE_SUFFIX)))
}

/// The binary of the example `id`.
#[must_use]
pub fn example(id: &str) -> PathBuf {
    built(profile_dir().join(format!("jackfield-{id}{}", std::env::consts::EXE_SUFFIX)))
}

/// The library of the plugin `id`.
#[must_use]
pub fn library(id: &str) -> PathBuf {
    built(profile_dir().join(format!(
        "{}jackfield_{}{}",
        std::env::consts::DLL_PREFIX,
        id.replace('-', "_"),
        std::env::consts::DLL_SUFFIX
    )))
}

/// The folder with the source of the plugin `id`: an adapter of ours, an example, or the stand-in.
#[must_use]
pub fn source(id: &str) -> PathBuf {
    ["plugins", "examples", "tests"]
        .iter()
        .map(|place| root().join(place).join(id))
        .find(|folder| folder.join("plugin.toml").is_file())
        .unwrap_or_else(|| panic!("no plugin.toml for {id} under plugins or examples"))
}

/// Makes the package of the plugin `id` in `folder`, with the gateway's own verb.
pub fn pack(id: &str, folder: &Path) {
    pack_files(&source(id).join("plugin.toml"), &library(id), folder);
}

/// The same under another channel's name, for programs that only speak of channels they know.
pub fn pack_as(id: &str, channel: &str, folder: &Path) {
    let parts = tempfile::tempdir().expect("a temporary folder can be made");
    let from = source(id);
    let manifest = fs::read_to_string(from.join("plugin.toml")).expect("it has a manifest");
    let line = manifest.lines().find(|l| l.starts_with("channel = ")).expect("it names a channel");
    let manifest = manifest.replace(line, &format!("channel = \"{channel}\""));
    let new = parts.path().join("plugin.toml");
    fs::write(&new, manifest).expect("the folder is ours");
    fs::copy(from.join("config.schema.json"), parts.path().join("config.schema.json"))
        .expect("it has a schema");
    pack_files(&new, &library(id), folder);
}

/// Makes the package of another version of the stand-in channel, the one with this letter, under this
/// id, which has as many letters as the built one's.
pub fn pack_stand_in(letter: char, id: &str, folder: &Path) {
    assert_eq!(id.len(), BUILT_ID.len(), "it takes the built id's place in the library");
    let parts = tempfile::tempdir().expect("a temporary folder can be made");
    let (manifest, file) = (source("stand-in").join("plugin.toml"), library("stand-in"));
    let text = fs::read_to_string(manifest).expect("the repository is readable");
    let version = format!("1.0.0-{letter}.stand-in");
    let new = parts.path().join("plugin.toml");
    let text = text.replace(BUILT_AS, &version).replace(BUILT_ID, id);
    fs::write(&new, text).expect("the folder is ours");
    let mut bytes = fs::read(&file).expect("it was built");
    put(&mut bytes, BUILT_AS, &version);
    put(&mut bytes, BUILT_ID, id);
    let library = parts.path().join(file.file_name().expect("a library has a name"));
    fs::write(&library, bytes).expect("the folder is ours");
    pack_files(&new, &library, folder);
}

/// Puts a text in the place of another of the same length, wherever that stands.
fn put(bytes: &mut [u8], old: &str, new: &str) {
    let last = bytes.len().saturating_sub(old.len());
    let places: Vec<usize> =
        (0..last).filter(|at| bytes[*at..].starts_with(old.as_bytes())).collect();
    assert!(!places.is_empty(), "the library has the text {old}");
    for at in places {
        bytes[at..at + new.len()].copy_from_slice(new.as_bytes());
    }
}

fn pack_files(manifest: &Path, library: &Path, folder: &Path) {
    let ran = Command::new(binary())
        .args(["plugins", "pack", "--manifest"])
        .arg(manifest)
        .arg("--library")
        .arg(library)
        .arg("--out")
        .arg(folder)
        .output()
        .expect("the gateway's binary can be run");
    assert!(
        ran.status.success(),
        "packing {} failed with {}:\n{}{}",
        manifest.display(),
        ran.status,
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
}

/// Makes the package of the plugin that was built with the released `version` of plugin-api.
pub fn pack_museum(version: &str, folder: &Path) {
    let name = format!("libmuseum_{}.so", version.replace('.', "_"));
    let ran = Command::new(binary())
        .args(["plugins", "pack", "--manifest"])
        .arg(root().join("examples/museum").join(version).join("line-echo/plugin.toml"))
        .arg("--library")
        .arg(built(profile_dir().join(name)))
        .arg("--out")
        .arg(folder)
        .output()
        .expect("the gateway's binary can be run");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

fn built(path: PathBuf) -> PathBuf {
    assert!(
        path.is_file(),
        "{} is not there: run `cargo build --workspace` first (`make test` does)",
        path.display()
    );
    path
}
