//! Editing: what stays, what goes, what never shows.

use super::*;
use serde_json::json;

const FILE: &str = "# my gateway\n[gateway]\nport = 1 # the usual\nbind = \"loopback\"\n\n\
                    [gateway.auth]\ntoken = \"hush\"\n\n[channels.line] # ours\nenabled = true\n";

fn parsed(text: &str) -> Value {
    as_json(&text.parse().unwrap())
}

#[test]
fn secrets_do_not_show() {
    let mut shown = json!({
        "gateway": {"auth": {"token": "hush", "password": "${PASS}", "mode": "token"}},
        "channels": {"line": {"bot_token": "hush", "apiKey": "hush", "keys": {"signing_key": ["hush"]},
                              "token_file": "/etc/token", "max_tokens": 5, "pin_secret": 1234}},
    });
    redact(&mut shown);
    let text = shown.to_string();
    assert!(!text.contains("hush") && !text.contains("1234"), "{text}");
    assert_eq!(shown["gateway"]["auth"]["password"], "${PASS}");
    assert_eq!(shown["gateway"]["auth"]["mode"], "token");
    assert_eq!(shown["channels"]["line"]["token_file"], "/etc/token");
    assert_eq!(shown["channels"]["line"]["max_tokens"], 5);
}

#[test]
fn what_is_shown_can_be_given_back() {
    let current = parsed(FILE);
    let mut given = current.clone();
    redact(&mut given);
    assert_ne!(given, current);
    restore(&mut given, &current).unwrap();
    assert_eq!(given, current);
    let mut moved = json!({"gateway": {"auth": {"password": REDACTED}}});
    let error = restore(&mut moved, &current).unwrap_err();
    assert_eq!(error, EditError::NothingToKeep("gateway.auth.password".to_owned()));
}

#[test]
fn comments_outlive_a_change() {
    let mut wanted = parsed(FILE);
    merge(
        &mut wanted,
        &json!({"gateway": {"port": 2, "bind": null}, "agent": {"id": "ops"},
                "channels": {"line": {"listen": "127.0.0.1:5", "accounts": {"a": {"name": "x"}}}}}),
    );
    let text = rewritten(FILE, &wanted).unwrap();
    assert_eq!(parsed(&text), wanted, "{text}");
    assert!(text.contains("# my gateway") && text.contains("port = 2 # the usual"), "{text}");
    assert!(text.contains("[channels.line] # ours") && !text.contains("bind"), "{text}");
    assert_eq!(
        changed(&parsed(FILE), &wanted),
        [
            "agent.id",
            "channels.line.accounts.a.name",
            "channels.line.listen",
            "gateway.bind",
            "gateway.port"
        ]
    );
}

#[test]
fn nothing_changes_nothing() {
    assert_eq!(rewritten(FILE, &parsed(FILE)).unwrap(), FILE);
    assert!(changed(&parsed(FILE), &parsed(FILE)).is_empty());
}

#[test]
fn a_file_is_replaced_with_its_rights() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new").join("jackfield.toml");
    replace(&path, "a = 1\n").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600, "a new file is its owner's alone");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    replace(&path, "a = 2\n").unwrap();
    assert_eq!((mode(&path), std::fs::read_to_string(&path).unwrap().as_str()), (0o640, "a = 2\n"));
    let link = dir.path().join("link.toml");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    replace(&link, "a = 3\n").unwrap();
    assert!(link.is_symlink(), "a link stays one");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a = 3\n");
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no drafts stay");
}
