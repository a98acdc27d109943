//! Damaged libraries: cut short, with bits flipped, overwritten while they run, with a constructor
//! that falls or hangs. None hurts the gateway, whichever process it would run in.

use harness::{Client, Gateway, Options, Terminal, cc::CPlugin, eventually};
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

const ISOLATIONS: [&str; 2] = ["process", "in-process"];

async fn row(client: &mut Client, id: &str, states: &[&str]) -> Value {
    eventually("the plugin settles", async || {
        let list = client.call("plugins.list", json!({})).await;
        let rows = list["plugins"].as_array()?;
        let row = rows.iter().find(|row| row["id"] == id)?;
        states.contains(&row["state"].as_str()?).then(|| row.clone())
    })
    .await
}

/// Waits until a plugin is known to have this trouble.
async fn troubled(client: &mut Client, id: &str, words: &str) {
    eventually(words, async || {
        let list = client.call("plugins.list", json!({})).await;
        let rows = list["plugins"].as_array()?;
        let row = rows.iter().find(|row| row["id"] == id)?;
        row["lastError"].as_str()?.contains(words).then_some(())
    })
    .await;
}

async fn still_serves(client: &mut Client) {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let key = format!("alive-{}", ASKED.fetch_add(1, Ordering::Relaxed));
    let ask = json!({ "message": "still there?", "sessionKey": "main", "idempotencyKey": key });
    let (_, done) = client.call_two_stage("agent", ask).await;
    assert_eq!(done["status"], "ok", "{done}");
}

fn enabled(id: &str, isolation: &str) -> String {
    format!("[plugins.{id}]\nisolation = \"{isolation}\"\n[channels.{id}]\nenabled = true\n")
}

fn library(package: &Path) -> std::path::PathBuf {
    package.join("libtrespasser.so")
}

type Damage = Box<dyn Fn(&mut Vec<u8>)>;
type Patch = fn(&mut Vec<u8>);

/// The ways of damage: a name, and what becomes of the bytes.
fn damages() -> Vec<(String, Damage)> {
    let mut all: Vec<(String, Damage)> = Vec::new();
    for tenth in 0..10_usize {
        let cut = move |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() * tenth / 10);
        let flip = move |bytes: &mut Vec<u8>| {
            let at = bytes.len() * tenth / 10 + 40;
            bytes[at] ^= 0x55;
        };
        all.push((format!("cut-{tenth}"), Box::new(cut)));
        all.push((format!("flip-{tenth}"), Box::new(flip)));
    }
    all
}

#[tokio::test]
async fn a_file_that_was_damaged_after_packing_is_never_opened() {
    for isolation in ISOLATIONS {
        let ids: Vec<String> = damages().into_iter().map(|(id, _)| id).collect();
        let config: String = ids.iter().map(|id| enabled(id, isolation)).collect();
        let home = Gateway::lay_out(&Options::default().config(&config));
        for (id, damage) in damages() {
            let package = home.path().join("plugins").join(&id);
            CPlugin::named(&id, "").pack(&package);
            let mut bytes = fs::read(library(&package)).expect("it was packed");
            damage(&mut bytes);
            fs::write(library(&package), bytes).expect("the play owns it");
        }
        let gateway = Gateway::start_in(home, Vec::new()).await;
        let mut client = gateway.client().await;
        for id in ids {
            let row = row(&mut client, &id, &["refused", "running"]).await;
            let reason = row["lastError"].as_str().unwrap_or_else(|| panic!("{row}"));
            assert!(reason.contains("libtrespasser.so"), "{isolation} {id}: {reason}");
            assert!(reason.lines().count() <= 2, "{reason}");
        }
        assert!(gateway.children().is_empty(), "nothing was tried");
        still_serves(&mut client).await;
    }
}

/// The hashes fit here, so only opening can tell: somebody packed a broken library.
#[tokio::test]
async fn a_broken_library_with_the_right_hash_takes_down_a_process_of_its_own() {
    let broken: [(&str, Patch); 6] = [
        ("early", |bytes| flip(bytes, 1)),
        ("tables", |bytes| flip(bytes, 2)),
        ("code", |bytes| flip(bytes, 3)),
        ("middle", |bytes| flip(bytes, 5)),
        ("data", |bytes| flip(bytes, 6)),
        ("late", |bytes| flip(bytes, 7)),
    ];
    let config: String = broken.iter().map(|(id, _)| enabled(id, "process")).collect();
    let home = Gateway::lay_out(&Options::default().config(&config));
    for (id, patch) in broken {
        CPlugin::named(id, "").patched(patch).pack(&home.path().join("plugins").join(id));
    }
    let gateway = Gateway::start_in(home, Vec::new()).await;
    let mut client = gateway.client().await;
    let any = ["refused", "running", "restarting", "quarantined"];
    for (id, _) in broken {
        row(&mut client, id, &any).await;
    }
    still_serves(&mut client).await;
}

/// Flips bits all over one eighth of the file, behind its header.
fn flip(bytes: &mut [u8], eighth: usize) {
    let (from, to) = (bytes.len() * eighth / 8, bytes.len() * (eighth + 1) / 8);
    for at in (from.max(512)..to).step_by(61) {
        bytes[at] ^= 0x11;
    }
}

#[tokio::test]
async fn a_constructor_that_falls_or_hangs_holds_up_nobody() {
    let mut config = String::new();
    for (kind, isolation) in [("p", "process"), ("i", "in-process")] {
        config += &enabled(&format!("falls-{kind}"), isolation);
        config += &enabled(&format!("hangs-{kind}"), isolation);
    }
    let home = Gateway::lay_out(&Options::default().config(&config));
    for kind in ["p", "i"] {
        for (what, define) in [("falls", "FAULT_AT_LOAD"), ("hangs", "HANG_AT_LOAD")] {
            let id = format!("{what}-{kind}");
            let package = home.path().join("plugins").join(&id);
            CPlugin::named(&id, "").define(define).pack(&package);
        }
    }
    let gateway = Gateway::start_in(home, Vec::new()).await;
    let mut client = gateway.client().await;
    for kind in ["p", "i"] {
        troubled(&mut client, &format!("falls-{kind}"), "SIGSEGV while loading").await;
    }
    still_serves(&mut client).await;
    for kind in ["p", "i"] {
        troubled(&mut client, &format!("hangs-{kind}"), "did not finish loading").await;
    }
    still_serves(&mut client).await;
}

#[tokio::test]
async fn a_library_that_is_overwritten_while_it_runs_goes_on() {
    for isolation in ISOLATIONS {
        let config = enabled("c-hello", isolation) + "dm_policy = \"open\"\n";
        let home = Gateway::lay_out(&Options::default().config(&config));
        let package = home.path().join("plugins/c-hello");
        CPlugin::hello().pack(&package);
        let gateway = Gateway::start_in(home, Vec::new()).await;
        let mut client = gateway.client().await;
        let before = row(&mut client, "c-hello", &["running"]).await;
        // In place, as `cp` does: the same file, other bytes.
        let path = package.join("libc_hello.so");
        let length = fs::metadata(&path).expect("it was packed").len();
        fs::write(&path, vec![0xCC; usize::try_from(length).expect("small")]).expect("ours");
        let sent =
            json!({"channel": "c-hello", "to": "sea", "message": "hi", "idempotencyKey": "1"});
        let sent = client.call("send", sent).await;
        assert!(sent["messageId"].as_str().is_some(), "{isolation}: {sent}");
        let after = row(&mut client, "c-hello", &["running"]).await;
        assert_eq!(after["generation"], before["generation"], "{isolation}");
    }
}

/// What `plugins explain` says of a trespasser: its document, and the text of one fact.
async fn explained(plugin: &CPlugin, check: &str) -> (Value, bool, String) {
    let person = Terminal::anywhere();
    let package = person.home().join("package");
    plugin.pack(&package);
    let said = person.run(&["plugins", "explain", &package.display().to_string(), "--json"]).await;
    let document = said.document();
    assert_eq!(said.code == 0, document["ok"] == true, "{said:?}");
    let facts = document["facts"].as_array().expect("facts").clone();
    let fact = facts.iter().find(|fact| fact["check"] == check);
    let fact = fact.unwrap_or_else(|| panic!("no {check} in {document}"));
    let text = fact["text"].as_str().expect("a text").to_owned();
    (document.clone(), fact["fine"] == true, text)
}

#[tokio::test]
async fn explain_says_why_a_file_does_not_load() {
    let whole = CPlugin::trespasser("connect_ports = [443]\nprograms = [\"true\"]");
    let (document, fine, text) = explained(&whole, "opening").await;
    assert!(document["ok"] == true && fine && text.contains("it opens"), "{document}");
    let (_, fine, text) = explained(&whole, "permissions").await;
    assert!(fine && text.contains("connects to: 443") && text.contains("programs: true"), "{text}");
    let (_, fine, text) = explained(&whole, "glibc").await;
    assert!(fine && text.contains("needs 2.") && text.contains("here is 2."), "{text}");
    let (_, fine, text) = explained(&whole, "signature").await;
    assert!(fine && text.starts_with("none"), "{text}");
    let (_, fine, text) = explained(&whole, "files").await;
    assert!(fine && text.contains("mode 0755"), "{text}");

    let other = CPlugin::trespasser("")
        .patched(|bytes| bytes[18] = if cfg!(target_arch = "x86_64") { 0xB7 } else { 0x3E });
    let (document, fine, text) = explained(&other, "machine").await;
    assert!(!fine && text.contains("built for"), "{document}");
    let newer = CPlugin::trespasser("").patched(|bytes| {
        // Some name of a newer version is replaced by one that is newer still.
        let name = b"GLIBC_2.3";
        let found = |window: &[u8]| window == name;
        let at = bytes.windows(name.len()).position(found).expect("it needs a newer function");
        bytes[at + name.len() - 1] = b'9';
    });
    let (document, fine, text) = explained(&newer, "glibc").await;
    assert!(!fine && text.contains("needs 2.9"), "{document}");
    let reason = document["text"].as_str().expect("a reason");
    assert!(reason.contains("GLIBC_2.9") && reason.lines().count() <= 2, "{reason}");
    let (document, fine, text) =
        explained(&CPlugin::trespasser("").define("MAJOR=7"), "opening").await;
    assert!(!fine && text.contains("built for plugin ABI 7, this gateway speaks 1"), "{document}");
    let (document, fine, text) =
        explained(&CPlugin::trespasser("").define("NO_DELIVER"), "opening").await;
    assert!(!fine && text.contains("`deliver` is not set"), "{document}");
}
