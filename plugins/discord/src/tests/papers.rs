//! The manifest, the settings' schema and the README say the same as the code.

use crate::text;
use jackfield_plugin_api::{
    manifest::{Manifest, TextUnit},
    serde_json::{self, Value},
};
use std::{collections::BTreeMap, fs, path::Path};

fn paper(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn manifest() -> Manifest {
    toml::from_str(&paper("plugin.toml")).unwrap()
}

/// The rows of the README's table below a heading, first cell and second.
fn table(heading: &str) -> BTreeMap<String, String> {
    let readme = paper("README.md");
    let section = readme.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
        (cells.next().unwrap().trim_matches('`').to_owned(), cells.next().unwrap())
    })
    .collect()
}

#[test]
fn the_readme_promises_what_the_manifest_does() {
    let manifest = manifest();
    let capabilities = serde_json::to_value(&manifest.capabilities).unwrap();
    let table = table("What it can do");
    for (name, value) in capabilities.as_object().unwrap() {
        let told = table.get(name).unwrap_or_else(|| panic!("the README has no row {name}"));
        let expected = match value {
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            Value::Array(names) => {
                let names: Vec<_> =
                    names.iter().map(|name| format!("`{}`", name.as_str().unwrap())).collect();
                names.join(", ")
            }
            other => panic!("{other}"),
        };
        assert!(told.starts_with(&expected), "{name}: `{told}` does not begin with {expected}");
    }
    assert_eq!(table.len(), capabilities.as_object().unwrap().len(), "a row too many");
}

#[test]
fn the_manifest_tells_the_limit_that_is_cut_at() {
    let limits = manifest().limits;
    assert_eq!((limits.text_max as usize, limits.text_unit), (text::LIMIT, TextUnit::Utf16));
}

#[test]
fn the_readme_invites_with_what_the_code_needs() {
    // Discord's table of permissions, one by one.
    let bits = [
        ("Add Reactions", 6),
        ("View Channels", 10),
        ("Send Messages", 11),
        ("Attach Files", 15),
        ("Read Message History", 16),
        ("Create Public Threads", 35),
        ("Send Messages in Threads", 38),
        ("Send Polls", 49),
        ("Pin Messages", 51),
    ];
    let number: u64 = bits.iter().map(|(_, bit)| 1 << bit).sum();
    assert_eq!(number, crate::account::PERMISSIONS);
    let readme = paper("README.md");
    assert!(readme.contains(&format!("permissions={number}`")), "{number}");
    for (name, _) in bits {
        assert!(readme.contains(name), "{name}");
    }
}

#[test]
fn every_key_of_the_schema_is_explained() {
    let schema: Value = serde_json::from_str(&paper("config.schema.json")).unwrap();
    let keys = table("Settings");
    let account = schema.pointer("/$defs/account/properties").unwrap().as_object().unwrap();
    for key in account.keys() {
        assert!(keys.contains_key(key), "the README does not explain `{key}`");
    }
}
