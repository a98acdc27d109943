//! The schemas in the repository are those of the Rust types.

use harness::libraries::{binary, root};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn texts(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder of schemas").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "json") {
                let name = path.strip_prefix(folder).expect("it was found below").to_path_buf();
                found.insert(name, fs::read_to_string(path).expect("a schema is text"));
            }
        }
    }
    found
}

#[test]
fn the_committed_schemas_are_fresh() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ran = Command::new(binary())
        .args(["schema", "--out"])
        .arg(folder.path())
        .output()
        .expect("the binary runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));

    let fresh = texts(folder.path());
    let committed = texts(&root().join("schemas"));
    assert!(fresh.len() > 1, "there are schemas: {:?}", fresh.keys());
    let names = |files: &BTreeMap<PathBuf, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&fresh), "run `make schemas`");
    let stale: Vec<_> =
        fresh.iter().filter(|(name, text)| committed.get(*name) != Some(text)).collect();
    let stale: Vec<_> = stale.into_iter().map(|(name, _)| name).collect();
    assert!(stale.is_empty(), "stale, run `make schemas`: {stale:?}");
}

#[test]
fn every_schema_is_one() {
    for (name, text) in texts(&root().join("schemas")) {
        let schema: serde_json::Value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", name.display()));
        assert!(schema["$schema"].is_string(), "{}: it says of which draft it is", name.display());
    }
}

#[tokio::test]
async fn the_models_of_other_languages_are_fresh_and_sound() {
    let told = harness::node::run("models.mjs", &["--check"]).await;
    assert_eq!(told["stale"], serde_json::json!([]), "run `make schemas`: {told}");
    assert_eq!(told["problems"], serde_json::json!([]), "TypeScript does not take them: {told}");
    assert!(told["types"].as_u64() > Some(200), "{told}");
}
