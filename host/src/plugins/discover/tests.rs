//! Folders of packages, good and bad, and which of them serves a channel.

use super::*;
use crate::plugins::Isolation;

fn package(dir: &Path, folder: &str, id: &str, version: &str) {
    let path = dir.join(folder);
    fs::create_dir_all(&path).unwrap();
    let text = format!(
        "id = \"{id}\"\nversion = \"{version}\"\nabi = 1\nprotocol = \"1.0\"\nchannel = \"line\"\n\
         label = \"Line\"\nlicense = \"MIT\"\nlibrary = \"libx.so\"\n"
    );
    fs::write(path.join(MANIFEST_FILE), text).unwrap();
}

fn entry(plugin: Option<&str>) -> Entry {
    Entry {
        channel: "line".into(),
        plugin: plugin.map(Into::into),
        isolation: Isolation::Process,
        sandbox: crate::plugins::Demand::BestEffort,
        config: serde_json::Value::Null,
        accounts: Vec::new(),
    }
}

fn dir_of(path: &Path) -> PluginDir {
    PluginDir { path: path.to_path_buf(), explicit: true }
}

#[test]
fn packages_are_listed_and_bad_ones_carry_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    package(dir.path(), "good", "good", "1.0.0");
    package(dir.path(), "odd", "Odd Id", "1.0.0");
    fs::create_dir(dir.path().join("notes")).unwrap();
    fs::write(dir.path().join("README"), "hello").unwrap();
    fs::write(dir.path().join("stray.so"), "x").unwrap();
    fs::create_dir(dir.path().join("bare")).unwrap();
    fs::write(dir.path().join("bare/libbare.so"), "x").unwrap();
    let found = scan(&[dir_of(dir.path())]);
    let ids: Vec<String> = found.iter().map(Candidate::id).collect();
    assert_eq!(ids, ["bare", "good", "Odd Id", "stray.so"]);
    assert!(matches!(found[0].refusal, Some(Refusal::MissingManifest { .. })));
    assert_eq!(found[1].refusal, None);
    assert!(matches!(found[2].refusal, Some(Refusal::Manifest { .. })));
    assert!(matches!(found[3].refusal, Some(Refusal::MissingManifest { .. })));
}

#[test]
fn a_missing_folder_is_an_error_only_when_the_operator_named_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none");
    assert_eq!(scan(&[PluginDir { path: path.clone(), explicit: false }]), []);
    assert!(scan(&[dir_of(&path)])[0].refusal.is_some());
}

#[test]
fn a_folder_may_be_a_package_itself() {
    let dir = tempfile::tempdir().unwrap();
    package(dir.path(), "one", "one", "1.0.0");
    let found = scan(&[dir_of(&dir.path().join("one"))]);
    assert_eq!(found[0].id(), "one");
}

#[test]
fn an_oversized_manifest_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    package(dir.path(), "big", "big", "1.0.0");
    let size = usize::try_from(MANIFEST_BYTES_MAX).unwrap();
    fs::write(dir.path().join("big/plugin.toml"), "#".repeat(size + 1)).unwrap();
    let found = scan(&[dir_of(dir.path())]);
    assert!(found[0].refusal.as_ref().unwrap().to_string().contains("larger than"));
}

#[test]
fn the_highest_usable_version_serves_and_an_override_decides() {
    let dir = tempfile::tempdir().unwrap();
    package(dir.path(), "a", "echo", "1.9.0");
    package(dir.path(), "b", "echo", "1.10.0");
    package(dir.path(), "c", "echo", "not-a-version");
    package(dir.path(), "d", "other", "9.0.0");
    let found = scan(&[dir_of(dir.path())]);
    let chosen = choose(&found, &entry(Some("echo"))).unwrap();
    assert_eq!(chosen.manifest.as_ref().unwrap().version, "1.10.0");
    assert_eq!(choose(&found, &entry(Some("other"))).unwrap().id(), "other");
    assert_eq!(choose(&found, &entry(None)).unwrap().id(), "other", "the highest version");
    assert_eq!(choose(&found, &entry(Some("none"))), None);
}

#[test]
fn the_plugin_named_as_its_channel_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    package(dir.path(), "a", "fancy", "9.0.0");
    package(dir.path(), "b", "line", "1.0.0");
    let found = scan(&[dir_of(dir.path())]);
    assert_eq!(choose(&found, &entry(None)).unwrap().id(), "line");
}
