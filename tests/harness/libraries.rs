//! Finds what cargo built: the gateway's binary, the plugins' libraries and their manifests.
//!
//! Cargo puts all of them beside the running test, so no path is configured. A missing file means
//! that the workspace was not built before the tests, and the panic says so.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

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

/// The folder with the source of the plugin `id`: an adapter of ours or an example.
#[must_use]
pub fn source(id: &str) -> PathBuf {
    ["plugins", "examples"]
        .iter()
        .map(|place| root().join(place).join(id))
        .find(|folder| folder.join("plugin.toml").is_file())
        .unwrap_or_else(|| panic!("no plugin.toml for {id} under plugins or examples"))
}

/// Makes the package of the plugin `id` in `folder`, with the gateway's own verb.
pub fn pack(id: &str, folder: &Path) {
    let ran = Command::new(binary())
        .args(["plugins", "pack", "--manifest"])
        .arg(source(id).join("plugin.toml"))
        .arg("--library")
        .arg(library(id))
        .arg("--out")
        .arg(folder)
        .output()
        .expect("the gateway's binary can be run");
    assert!(
        ran.status.success(),
        "packing {id} failed with {}:\n{}{}",
        ran.status,
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
}

fn built(path: PathBuf) -> PathBuf {
    assert!(
        path.is_file(),
        "{} is not there: run `cargo build --workspace` first (`make test` does)",
        path.display()
    );
    path
}
