//! What is written about the plugin is what it does.

use jackfield_plugin_api::manifest::Manifest;
use jackfield_plugin_api::serde_json::{self, Value};

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn manifest() -> Manifest {
    toml::from_str(&read("plugin.toml")).unwrap()
}

/// The rows of the readme's table below this heading: first and second cell.
fn rows(heading: &str) -> Vec<(String, String)> {
    let readme = read("README.md");
    let section = readme.split(&format!("## {heading}\n")).nth(1).expect("the heading is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    rows.filter(|line| !line.starts_with("|-"))
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let mut next = || cells.next().unwrap_or_default().trim_matches('`').to_owned();
            (next(), next())
        })
        .collect()
}

#[test]
fn the_readme_says_what_the_manifest_says() {
    let manifest = manifest();
    let Value::Object(able) = serde_json::to_value(&manifest.capabilities).unwrap() else {
        panic!("capabilities are a table");
    };
    let mut expected: Vec<(String, String)> = able
        .iter()
        .filter(|(name, _)| *name != "actions")
        .map(|(name, able)| (name.clone(), if able == true { "yes" } else { "no" }.to_owned()))
        .collect();
    expected.push(("actions".to_owned(), manifest.capabilities.actions.join(", ")));
    let mut told = rows("What it can do");
    expected.sort();
    told.sort();
    assert_eq!(told, expected);
}

#[test]
fn the_readme_lists_every_setting() {
    let schema: Value = serde_json::from_str(&read("config.schema.json")).unwrap();
    let keys = schema["$defs"]["account"]["properties"].as_object().unwrap().keys();
    let mut expected: Vec<String> = keys.cloned().collect();
    expected.push("accounts".to_owned());
    let mut told: Vec<String> = rows("Settings").into_iter().map(|(key, _)| key).collect();
    expected.sort();
    told.sort();
    assert_eq!(told, expected);
}

#[test]
fn the_manifest_names_this_library() {
    let manifest = manifest();
    assert_eq!(manifest.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest.library, "libjackfield_telegram.so");
    assert_eq!(manifest.http[0].prefix, "/telegram/");
}
