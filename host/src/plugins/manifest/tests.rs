//! Manifests good and bad.

use super::*;

const GOOD: &str = r#"
id = "line-echo"
version = "1.2.3"
abi = 1
protocol = "1.0"
channel = "line"
label = "Line"
license = "MIT"
library = "libline.so"
"#;

fn parse_text(text: &str) -> Result<Manifest, Refusal> {
    parse(Path::new("/p/line-echo/plugin.toml"), text)
}

fn refused(from: &str, to: &str) -> String {
    let text = GOOD.replace(from, to);
    assert_ne!(text, GOOD, "the test changes something");
    let refusal = parse_text(&text).unwrap_err().to_string();
    assert!(refusal.starts_with("line-echo/plugin.toml: "), "{refusal}");
    assert!(refusal.lines().count() <= 2, "{refusal}");
    refusal
}

#[test]
fn a_short_manifest_will_do_and_unknown_entries_are_left_alone() {
    let manifest = parse_text(&format!("{GOOD}\nfuture = true\n")).unwrap();
    assert_eq!((manifest.id.as_str(), manifest.channel.as_str()), ("line-echo", "line"));
    assert!(manifest.files.is_empty());
}

#[test]
fn each_bad_value_is_named() {
    for (from, to, word) in [
        ("id = \"line-echo\"", "id = \"Line Echo\"", "`id`"),
        ("id = \"line-echo\"", "id = \"../x\"", "`id`"),
        ("channel = \"line\"", "channel = \"\"", "`channel`"),
        ("1.2.3", "1.2", "`version`"),
        ("protocol = \"1.0\"", "protocol = \"one\"", "`protocol`"),
        ("label = \"Line\"", "label = \"a\\nb\"", "`label`"),
        ("libline.so", "../libline.so", "`library`"),
        ("libline.so", "/lib/libline.so", "`library`"),
        ("libline.so", "..", "`library`"),
        ("libline.so\"", "l.so\"\nconfig_schema = \"a/b\"", "`config_schema`"),
        ("libline.so\"", "l.so\"\n[files]\n\"l.so\" = \"12\"", "64 lower-case hex"),
        ("libline.so\"", "l.so\"\n[[http]]\nprefix = \"/\"", "`http`"),
    ] {
        let refusal = refused(from, to);
        assert!(refusal.contains(word), "{to}: {refusal}");
    }
}

#[test]
fn broken_toml_names_its_line() {
    let refusal = refused("abi = 1", "abi = = 1");
    assert!(refusal.contains("line 4: "), "{refusal}");
    let refusal = refused("library = \"libline.so\"", "");
    assert!(refusal.contains("library"), "{refusal}");
}

#[test]
fn another_abi_major_is_said_even_when_nothing_else_fits() {
    let refusal = parse_text("abi = 2\nnothing = \"else\"").unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "line-echo/plugin.toml: built for plugin ABI 2, this gateway speaks 1; upgrade the gateway"
    );
}

#[test]
fn a_newer_protocol_is_refused_and_an_older_minor_would_do() {
    for wanted in ["1.7", "2.0", "0.9"] {
        let refusal = refused("\"1.0\"", &format!("\"{wanted}\""));
        assert!(refusal.contains("needs frame protocol"), "{refusal}");
    }
}
