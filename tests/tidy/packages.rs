//! The graph of packages, and that all adapters are laid out alike.

use crate::{
    report,
    source::{entries, files, read, root},
};
use std::collections::BTreeSet;
use toml::{Table, Value};

/// What each package may depend on among our own: (folder, packages).
const GRAPH: [(&str, &[&str]); 7] = [
    ("plugin-api", &[]),
    ("host", &["jackfield-plugin-api"]),
    ("plugins", &["jackfield-plugin-api"]),
    ("examples/canvas-node", &["jackfield"]), // a client of the protocol
    ("examples", &["jackfield-plugin-api"]),
    ("tests/stand-in", &["jackfield-plugin-api"]),
    ("tests", &[]),
];

/// Files that an adapter may have beside those that all have, and why.
const OWN_FILES: [(&str, &str); 4] = [
    ("assets", "pages it serves"),
    ("fixtures", "recorded payloads of its platform"),
    ("src/", "its platform's peculiarities; the ones that all share are compared"),
    ("web", "the source of the pages it serves"),
];

/// Files under `src` that every adapter has.
const SHARED_SOURCES: [&str; 3] = ["src/channel.rs", "src/config.rs", "src/lib.rs"];

#[test]
fn packages_depend_one_way() {
    let mut problems = Vec::new();
    let manifests = files("").into_iter().filter(|path| path.ends_with("/Cargo.toml"));
    for path in manifests {
        let allowed = GRAPH.iter().find(|(folder, _)| path.starts_with(&format!("{folder}/")));
        let Some((_, allowed)) = allowed else {
            problems.push(format!("{path}: this folder is not in the graph"));
            continue;
        };
        let manifest: Table = read(&path).parse().expect("a manifest is TOML");
        for name in dependencies(&manifest) {
            if name.starts_with("jackfield") && !allowed.contains(&name.as_str()) {
                problems.push(format!("{path}: must not depend on {name}"));
            }
        }
    }
    report(&problems);
}

fn dependencies(manifest: &Table) -> Vec<String> {
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|section| manifest.get(*section).and_then(Value::as_table))
        .flat_map(|section| section.keys().cloned())
        .collect()
}

#[test]
fn adapters_are_laid_out_alike() {
    let mut problems = Vec::new();
    let adapters: Vec<String> =
        entries("plugins").iter().map(|id| format!("plugins/{id}")).collect();
    let sets: Vec<BTreeSet<String>> = adapters.iter().map(|adapter| layout(adapter)).collect();
    let every: BTreeSet<&String> = sets.iter().flatten().collect();
    for (adapter, set) in adapters.iter().zip(&sets) {
        for missing in every.iter().filter(|name| !set.contains(**name)) {
            problems.push(format!("{adapter}/{missing}: another adapter has it"));
        }
        for shared in SHARED_SOURCES {
            if !root().join(adapter).join(shared).is_file() {
                problems.push(format!("{adapter}/{shared}: every adapter has it"));
            }
        }
    }
    report(&problems);
}

/// What stands in an adapter's folder and must stand in every other's.
fn layout(adapter: &str) -> BTreeSet<String> {
    let names = entries(adapter).into_iter();
    names
        .filter(|name| !OWN_FILES.iter().any(|(own, _)| own.trim_end_matches('/') == name))
        .collect()
}

#[test]
fn an_adapter_is_only_ever_a_library_to_load() {
    let mut problems = Vec::new();
    for place in ["plugins", "examples"] {
        for id in entries(place) {
            let path = format!("{place}/{id}/Cargo.toml");
            // An example need not be a channel.
            let channel = root().join(place).join(&id).join("plugin.toml").is_file();
            if !root().join(&path).is_file() || !channel {
                continue;
            }
            let manifest: Table = read(&path).parse().expect("a manifest is TOML");
            let kinds = manifest.get("lib").and_then(|lib| lib.get("crate-type"));
            if kinds != Some(&Value::Array(vec![Value::from("cdylib")])) {
                problems.push(format!("{path}: crate-type must be [\"cdylib\"] alone"));
            }
            let name = manifest["package"]["name"].as_str();
            if name != Some(&format!("jackfield-{id}")) {
                problems.push(format!("{path}: the package must be called jackfield-{id}"));
            }
        }
    }
    report(&problems);
}
