//! The README's table says what the manifest says, and the schema knows the settings.

use jackfield_plugin_api::{
    manifest::Manifest,
    serde_json::{self, Value},
};

fn manifest() -> Manifest {
    toml::from_str(include_str!("../../plugin.toml")).unwrap()
}

#[test]
fn the_readme_says_what_the_manifest_says() {
    let capabilities = serde_json::to_value(manifest().capabilities).unwrap();
    let readme = include_str!("../../README.md");
    for (name, can) in capabilities.as_object().unwrap() {
        let Value::Bool(can) = can else { continue };
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("the README has no row for `{name}`"));
        let word = if *can { "| yes |" } else { "| no |" };
        assert!(row.contains(word), "`{name}` is {can} in the manifest: {row}");
    }
}

#[test]
fn the_readme_and_the_schema_name_every_key() {
    let schema: Value = serde_json::from_str(include_str!("../../config.schema.json")).unwrap();
    let keys = schema["$defs"]["account"]["properties"].as_object().unwrap();
    let readme = include_str!("../../README.md");
    assert!(keys.len() >= 6);
    for key in keys.keys() {
        assert!(readme.contains(&format!("| `{key}` |")), "{key}");
    }
}

#[test]
fn the_app_of_the_readme_has_the_scopes_that_are_asked_for() {
    let readme = include_str!("../../README.md");
    let after = readme.split("       bot:\n").nth(1).expect("scopes of a bot");
    let scopes = after.lines().map_while(|line| line.trim().strip_prefix("- "));
    let mut asked: Vec<&str> = crate::account::asked_for().collect();
    asked.sort_unstable();
    assert_eq!(scopes.collect::<Vec<_>>(), asked);
}
