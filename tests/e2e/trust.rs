//! Whose packages run: signed by a trusted key, or in a folder that the operator named. Every other
//! way for a library to get into a gateway ends with a reason in the status, and the rest serves on.

use harness::{Client, Gateway, Options, Terminal, cc::CPlugin, eventually, libraries};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

/// Runs the binary for its effect, and gives what it printed.
fn jackfield(words: &[&str]) -> String {
    let ran = Command::new(libraries::binary()).args(words).output().expect("the binary runs");
    assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).expect("it writes UTF-8")
}

fn refused(words: &[&str]) -> String {
    let ran = Command::new(libraries::binary()).args(words).output().expect("the binary runs");
    assert!(!ran.status.success(), "{words:?} did what it should refuse");
    String::from_utf8(ran.stderr).expect("it writes UTF-8")
}

/// A key pair in a folder.
struct Key {
    secret: PathBuf,
    public: PathBuf,
    id: String,
    line: String,
}

impl Key {
    fn make(folder: &Path, name: &str) -> Self {
        let (secret, public) =
            (folder.join(format!("{name}.key")), folder.join(format!("{name}.pub")));
        let (s, p) = (text(&secret), text(&public));
        let said = jackfield(&["plugins", "keygen", "--secret", &s, "--public", &p, "--json"]);
        let made: Value = serde_json::from_str(&said).expect("a document");
        let word = |name: &str| made[name].as_str().expect("a word").to_owned();
        Self { id: word("key"), line: word("line"), secret, public }
    }

    fn sign(&self, package: &Path) {
        jackfield(&["plugins", "sign", &text(package), "--key", &text(&self.secret)]);
    }

    fn trusted(&self, ids: &str, in_process: bool) -> String {
        let key = &self.line;
        format!(
            "[[plugins.trust]]\nkey = \"{key}\"\nids = [{ids}]\nmay_run_in_process = {in_process}\n"
        )
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Replaces the library of a package by one that anything can be done to.
fn library(package: &Path) -> PathBuf {
    package.join("libtrespasser.so")
}

/// Where a home's own packages lie, which nobody named.
fn unnamed(home: &Path) -> PathBuf {
    home.join(".local/share/jackfield/plugins")
}

async fn settled(client: &mut Client, id: &str) -> Value {
    eventually("the plugin settles", async || {
        let list = client.call("plugins.list", json!({})).await;
        let rows = list["plugins"].as_array()?;
        let row = rows.iter().find(|row| row["channel"] == id)?;
        let state = row["state"].as_str()?;
        ["running", "refused", "installed"].contains(&state).then(|| row.clone())
    })
    .await
}

/// One spoilt package: its id, what happens to it after it was signed, and the words of its refusal.
struct Case {
    id: &'static str,
    key: Option<usize>,
    plugin: CPlugin,
    spoil: fn(&Path),
    words: &'static str,
}

fn case(id: &'static str, key: Option<usize>, spoil: fn(&Path), words: &'static str) -> Case {
    Case { id, key, plugin: CPlugin::named(id, ""), spoil, words }
}

const TRUSTED: Option<usize> = Some(0);
const NARROW: Option<usize> = Some(1);
const REVOKED: Option<usize> = Some(2);
const STRANGER: Option<usize> = Some(3);

fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("unsigned", None, |_| (), "is not signed"),
        case("stranger", STRANGER, |_| (), "is not trusted"),
        case("shadow", NARROW, |_| (), "trusted for only-* only"),
        case("revoked", REVOKED, |_| (), "which is revoked"),
        case("old", TRUSTED, |_| (), "there ran already 9.0.0"),
        case("changed", TRUSTED, flip_last, "SHA-256 differs"),
        case("edited", TRUSTED, edit_manifest, "does not match"),
        case("loose", TRUSTED, |package| chmod(package, 0o777), "written by others"),
        case("linked", TRUSTED, link_library, "symbolic link"),
        case("huge", TRUSTED, |package| resize(package, 4 << 30), "larger than"),
        case("cut", TRUSTED, |package| resize(package, 4096), "truncated"),
        case("symbol", TRUSTED, |_| (), "not a plugin"),
        case("major", TRUSTED, |_| (), "built for plugin ABI 2"),
    ];
    for case in &mut cases {
        case.plugin = match case.id {
            "symbol" => case.plugin.clone().define("NO_ENTRY"),
            "major" => case.plugin.clone().define("MAJOR=2"),
            _ => continue,
        };
    }
    cases
}

fn flip_last(package: &Path) {
    let mut bytes = fs::read(library(package)).expect("it was packed");
    *bytes.last_mut().expect("it is not empty") ^= 1;
    fs::write(library(package), bytes).expect("the play owns it");
}

fn edit_manifest(package: &Path) {
    let path = package.join("plugin.toml");
    let manifest = fs::read_to_string(&path).expect("it was packed");
    fs::write(&path, manifest.replace("Trespasser", "Harmless")).expect("the play owns it");
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the play owns it");
}

fn link_library(package: &Path) {
    let aside = package.join("aside.so");
    fs::rename(library(package), &aside).expect("the play owns it");
    symlink(aside, library(package)).expect("the play owns it");
}

fn resize(package: &Path, bytes: u64) {
    let file = fs::OpenOptions::new().write(true).open(library(package));
    file.and_then(|file| file.set_len(bytes)).expect("the play owns it");
}

#[tokio::test]
async fn nothing_runs_that_nobody_vouches_for() {
    let work = tempfile::tempdir().expect("a temporary folder");
    let keys = ["trusted", "narrow", "revoked", "stranger"].map(|n| Key::make(work.path(), n));
    let mut config = format!("[plugins]\nrevoked = [\"{}\"]\n", keys[2].id);
    for (key, ids) in [(&keys[0], "\"*\""), (&keys[1], "\"only-*\""), (&keys[2], "\"*\"")] {
        config.push_str(&key.trusted(ids, false));
    }
    let cases = cases();
    let ids = cases.iter().map(|case| case.id).chain(["good", "elsewhere"]);
    let channels = ids.map(|id| format!("[channels.{id}]\nenabled = true\n"));
    config.extend(channels);
    let home = Gateway::lay_out(&Options::default().config(&config));
    let folder = unnamed(home.path());
    for case in &cases {
        let package = folder.join(case.id);
        case.plugin.pack(&package);
        if let Some(key) = case.key {
            keys[key].sign(&package);
        }
        (case.spoil)(&package);
    }
    for (id, at) in [
        ("good", folder.join("good")),
        ("idle", folder.join("idle")),
        ("elsewhere", home.path().join("workspace/plugins/elsewhere")),
    ] {
        CPlugin::named(id, "").pack(&at);
        keys[0].sign(&at);
    }
    fs::create_dir_all(home.path().join("state/plugins")).expect("the home is ours");
    fs::write(home.path().join("state/plugins/old.newest"), "9.0.0\n").expect("the home is ours");

    let gateway = Gateway::start_in(home, Vec::new()).await;
    let mut client = gateway.client().await;
    for case in &cases {
        let row = settled(&mut client, case.id).await;
        let reason = row["lastError"].as_str().unwrap_or_else(|| panic!("{row}"));
        assert_eq!(row["state"], "refused", "{row}");
        assert!(reason.contains(case.words), "{}: no `{}` in: {reason}", case.id, case.words);
        assert!(reason.lines().count() <= 2, "{reason}");
    }
    let good = settled(&mut client, "good").await;
    assert_eq!(good["state"], "running", "{good}");
    assert_eq!(good["trust"], format!("signed by key {}", keys[0].id));
    let elsewhere = settled(&mut client, "elsewhere").await;
    let reason = elsewhere["lastError"].as_str().expect("a reason");
    assert!(reason.contains("no plugin for `elsewhere`"), "{reason}");
    assert_eq!(settled(&mut client, "idle").await["state"], "installed");
    // A process that refused its library may still be on its way out.
    let one = async || (gateway.children().len() == 1).then_some(());
    eventually("only the good one has a process", one).await;
    let newest = fs::read_to_string(gateway.home().join("state/plugins/good.newest"));
    assert_eq!(newest.expect("it is kept").trim(), "0.1.0");
}

#[tokio::test]
async fn a_package_nobody_vouches_for_does_not_keep_another_from_its_place() {
    let work = tempfile::tempdir().expect("a temporary folder");
    let key = Key::make(work.path(), "key");
    let config = format!("{}[channels.good]\nenabled = true\n", key.trusted("\"good\"", false));
    let home = Gateway::lay_out(&Options::default().config(&config));
    let signed = unnamed(home.path()).join("good");
    CPlugin::named("good", "").pack(&signed);
    key.sign(&signed);
    let mut newer = CPlugin::named("good", "");
    newer.manifest = newer.manifest.replace("0.1.0", "7.0.0");
    newer.pack(&unnamed(home.path()).join("good-7"));
    let gateway = Gateway::start_in(home, Vec::new()).await;
    let mut client = gateway.client().await;
    let row = settled(&mut client, "good").await;
    assert_eq!((&row["state"], &row["version"]), (&json!("running"), &json!("0.1.0")), "{row}");
}

#[tokio::test]
async fn only_a_key_that_may_signs_what_runs_in_the_gateway() {
    let work = tempfile::tempdir().expect("a temporary folder");
    let (may, may_not) = (Key::make(work.path(), "may"), Key::make(work.path(), "may-not"));
    let mut config = may.trusted("\"inside\"", true) + &may_not.trusted("\"outside\"", false);
    config.extend(["inside", "outside"].map(|id| {
        format!("[plugins.{id}]\nisolation = \"in-process\"\n[channels.{id}]\nenabled = true\n")
    }));
    let home = Gateway::lay_out(&Options::default().config(&config));
    for (id, key) in [("inside", &may), ("outside", &may_not)] {
        let package = unnamed(home.path()).join(id);
        CPlugin::named(id, "").pack(&package);
        key.sign(&package);
    }
    let gateway = Gateway::start_in(home, Vec::new()).await;
    let mut client = gateway.client().await;
    assert_eq!(settled(&mut client, "inside").await["state"], "running");
    let row = settled(&mut client, "outside").await;
    let reason = row["lastError"].as_str().expect("a reason");
    assert!(reason.contains("may not run in-process"), "{reason}");
}

#[test]
fn the_ordinary_tool_and_ours_read_each_other() {
    let work = tempfile::tempdir().expect("a temporary folder");
    let package = work.path().join("signed");
    CPlugin::named("signed", "").pack(&package);
    let manifest = package.join("plugin.toml");
    let tool = |words: &[&str]| {
        let ran = Command::new("minisign").args(words).output().expect("minisign is installed");
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        (ran.status.success(), said + &String::from_utf8_lossy(&ran.stderr))
    };

    // Ours signs, the tool verifies, with the comment.
    let key = Key::make(work.path(), "ours");
    key.sign(&package);
    let (right, said) = tool(&["-V", "-m", &text(&manifest), "-p", &text(&key.public)]);
    assert!(right && said.contains("id=signed version=0.1.0"), "{said}");

    // The tool signs, in both forms; ours verifies. Its key signs here, too.
    let (secret, public) = (text(&work.path().join("t.key")), text(&work.path().join("t.pub")));
    assert!(tool(&["-G", "-W", "-s", &secret, "-p", &public]).0);
    let folder = text(&package);
    for form in [&["-H"][..], &["-l"][..]] {
        let mut words = vec!["-S", "-W", "-s", &secret, "-t", "by the tool", "-m"];
        let manifest = text(&manifest);
        words.push(&manifest);
        words.extend(form);
        let (done, said) = tool(&words);
        assert!(done, "{said}");
        let said = jackfield(&["plugins", "verify", &folder, "--key", &public]);
        assert!(said.contains("is whole and signed by key") && said.contains("by the tool"));
    }
    jackfield(&["plugins", "sign", &folder, "--key", &secret]);
    assert!(tool(&["-V", "-m", &text(&manifest), "-p", &public]).0);
    let said = refused(&["plugins", "verify", &folder, "--key", &text(&key.public)]);
    assert!(said.contains("made by key"), "{said}");
    edit_manifest(&package);
    let said = refused(&["plugins", "verify", &folder, "--key", &public]);
    assert!(said.contains("does not match"), "{said}");
}

#[tokio::test]
async fn trust_and_its_end_are_written_into_the_configuration() {
    let person = Terminal::anywhere();
    let key = Key::make(person.home(), "key");
    let config = text(&person.home().join("jackfield.toml"));
    let absent = person.run(&["plugins", "trust", &key.line, "--config", &config]).await;
    assert!(absent.code != 0 && absent.err.contains("config init"), "{absent:?}");
    fs::write(&config, "# mine\n[gateway]\nport = 18790 # kept\n").expect("the home is ours");
    let package = person.home().join("signed");
    CPlugin::named("signed", "").pack(&package);
    key.sign(&package);
    let verify = ["plugins", "verify", &text(&package), "--config", &config];
    let before = person.run(&verify).await;
    assert!(before.code == 1 && before.err.contains("plugins trust"), "{before:?}");

    let public = text(&key.public);
    let trust =
        ["plugins", "trust", &public, "--id", "signed", "--name", "Us", "--config", &config];
    person.done(&trust).await;
    person.done(&trust).await;
    let said = person.done(&verify).await;
    assert!(said.contains("signed by key"), "{said}");
    let written = fs::read_to_string(&config).expect("it was written");
    assert!(written.contains("# mine") && written.contains("# kept"), "{written}");
    assert_eq!(written.matches("[[plugins.trust]]").count(), 1, "{written}");

    person.done(&["plugins", "revoke", &key.id, "--config", &config]).await;
    let after = person.run(&verify).await;
    assert_eq!(after.code, 1, "{after:?}");
    let nonsense = person.run(&["plugins", "trust", "RWnonsense", "--config", &config]).await;
    assert!(nonsense.err.contains("neither a public key nor a file"), "{nonsense:?}");
}
