//! A plugin that cannot be loaded, or that fails, is refused or contained with an error that names
//! the file and the reason, and the gateway keeps serving.

use harness::{
    Client, Gateway, Options,
    cc::CPlugin,
    digest::sha256_hex,
    eventually,
    gateway::{is_gone, signal},
    libraries,
    line::{Heard, Person, line_port},
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{fs, path::Path};

const ISOLATIONS: [&str; 2] = ["process", "in-process"];

/// The row of a plugin, once `settled` accepts it.
async fn plugin(client: &mut Client, id: &str, settled: impl Fn(&Value) -> bool) -> Value {
    let mut seen = Value::Null;
    let row = eventually("the plugin settles", async || {
        seen = client.call("plugins.list", json!({})).await;
        let rows = seen["plugins"].as_array()?;
        let row = rows.iter().find(|row| row["id"] == id)?;
        settled(row).then(|| row.clone())
    });
    row.await
}

async fn refused(client: &mut Client, id: &str) -> String {
    let row = plugin(client, id, |row| row["state"] == "refused").await;
    row["lastError"].as_str().expect("a refusal has a reason").to_owned()
}

async fn running(client: &mut Client) -> Value {
    plugin(client, "line-echo", |row| row["state"] == "running").await
}

/// The gateway answers, and so does its agent.
async fn still_serves(client: &mut Client) {
    let ask = json!({ "message": "still there?", "sessionKey": "main", "idempotencyKey": "alive" });
    let (_, done) = client.call_two_stage("agent", ask).await;
    assert_eq!(done["status"], "ok", "{done}");
}

/// Replaces the library of a packed plugin, and its hash, so that only its content is wrong.
fn replace_library(package: &Path, content: &[u8]) {
    let library = library_in(package);
    let old = sha256_hex(&fs::read(&library).expect("it was packed"));
    let manifest = package.join("plugin.toml");
    let text = fs::read_to_string(&manifest).expect("it was packed");
    assert!(text.contains(&old), "packing writes the hash of the library");
    write(&manifest, text.replace(&old, &sha256_hex(content)).as_bytes());
    write(&library, content);
}

fn library_in(package: &Path) -> std::path::PathBuf {
    let mut files = fs::read_dir(package).expect("it was packed").flatten();
    let library = files.find(|file| file.path().extension().is_some_and(|end| end == "so"));
    library.expect("a package has a library").path()
}

/// Writes anew, also where packing left a file that is not writable.
fn write(path: &Path, content: &[u8]) {
    fs::remove_file(path).expect("the play owns it");
    fs::write(path, content).expect("the play owns it");
}

/// Starts a gateway whose example plugin was spoilt by `spoil`, and returns why it was refused.
async fn refusal(isolation: &str, spoil: impl Fn(&Path)) -> String {
    let home = Gateway::lay_out(&Options::default().line_channel(isolation, ""));
    spoil(&home.path().join("plugins/line-echo"));
    let gateway = Gateway::start_in(home, Vec::new()).await;
    let mut client = gateway.client().await;
    let reason = refused(&mut client, "line-echo").await;
    still_serves(&mut client).await;
    reason
}

fn says(reason: &str, words: &[&str]) {
    for word in words {
        assert!(reason.to_lowercase().contains(&word.to_lowercase()), "no `{word}` in: {reason}");
    }
}

const LIBRARY: &str = "libjackfield_line_echo.so";

#[tokio::test]
async fn a_file_that_is_no_library() {
    for isolation in ISOLATIONS {
        let reason = refusal(isolation, |package| replace_library(package, b"just some text\n"));
        says(&reason.await, &[LIBRARY, "not a library"]);
    }
}

#[tokio::test]
async fn a_truncated_library() {
    for isolation in ISOLATIONS {
        let reason = refusal(isolation, |package| {
            let whole = fs::read(library_in(package)).expect("it was packed");
            replace_library(package, &whole[..whole.len() / 2]);
        });
        says(&reason.await, &[LIBRARY, "truncated"]);
    }
}

#[tokio::test]
async fn a_library_that_is_no_plugin() {
    let maps = fs::read_to_string("/proc/self/maps").expect("this is Linux");
    let some = maps.split_whitespace().find(|word| word.contains("/libgcc_s"));
    let some = some.or_else(|| maps.split_whitespace().find(|word| word.contains("/libc.so")));
    let library = fs::read(some.expect("a test is linked to system libraries")).expect("readable");
    for isolation in ISOLATIONS {
        let reason = refusal(isolation, |package| replace_library(package, &library));
        says(&reason.await, &[LIBRARY, "not a plugin"]);
    }
}

#[tokio::test]
async fn a_library_of_another_abi() {
    // The header that every plugin exports starts with these words and two version numbers.
    let words = b"abi stable library for Rust     ";
    for isolation in ISOLATIONS {
        let reason = refusal(isolation, |package| {
            let mut bytes = fs::read(library_in(package)).expect("it was packed");
            let starts: Vec<usize> = bytes
                .windows(words.len())
                .enumerate()
                .filter_map(|(at, window)| (window == words).then_some(at + words.len()))
                .collect();
            assert!(!starts.is_empty(), "a plugin carries the header");
            for version in starts {
                bytes[version..version + 4].copy_from_slice(&77_u32.to_le_bytes());
            }
            replace_library(package, &bytes);
        });
        says(&reason.await, &[LIBRARY, "abi"]);
    }
}

#[tokio::test]
async fn a_manifest_of_another_abi() {
    let reason = refusal("process", |package| {
        let manifest = package.join("plugin.toml");
        let text = fs::read_to_string(&manifest).expect("it was packed");
        assert!(text.contains("abi = 1"), "{text}");
        write(&manifest, text.replace("abi = 1", "abi = 2").as_bytes());
    });
    says(&reason.await, &["plugin.toml", "ABI 2", "upgrade the gateway"]);
}

#[tokio::test]
async fn a_library_without_its_manifest() {
    let reason = refusal("process", |package| {
        fs::remove_file(package.join("plugin.toml")).expect("it was packed");
    });
    says(&reason.await, &["line-echo", "plugin.toml"]);
}

#[tokio::test]
async fn a_manifest_that_makes_no_sense() {
    let reason = refusal("process", |package| {
        write(&package.join("plugin.toml"), b"id = \"line-echo\"\nversion = ");
    });
    says(&reason.await, &["plugin.toml"]);
}

#[tokio::test]
async fn a_library_that_was_changed_after_packing() {
    for isolation in ISOLATIONS {
        let reason = refusal(isolation, |package| {
            let library = library_in(package);
            let mut bytes = fs::read(&library).expect("it was packed");
            bytes.push(0);
            write(&library, &bytes);
        });
        says(&reason.await, &[LIBRARY, "SHA-256"]);
    }
}

#[tokio::test]
async fn a_library_that_others_may_write() {
    use std::os::unix::fs::PermissionsExt;
    let reason = refusal("process", |package| {
        let library = library_in(package);
        fs::set_permissions(library, fs::Permissions::from_mode(0o666)).expect("the play owns it");
    });
    says(&reason.await, &[LIBRARY]);
}

#[tokio::test]
async fn a_plugin_that_is_not_there() {
    let options = Options::default().config("[channels.line]\nenabled = true");
    let gateway = Gateway::start(options).await;
    let mut client = gateway.client().await;
    let row = eventually("the missing plugin is shown", async || {
        let list = client.call("plugins.list", json!({})).await;
        let rows = list["plugins"].as_array()?.clone();
        rows.into_iter().find(|row| row["channel"] == "line" && row["state"] == "refused")
    });
    let row = row.await;
    says(row["lastError"].as_str().expect("a reason"), &["line", "installed"]);
    still_serves(&mut client).await;
}

#[tokio::test]
async fn a_plugin_that_panics_at_its_start() {
    for isolation in ISOLATIONS {
        let options = Options::default().line_channel(isolation, "fault = \"panic_in_start\"");
        let gateway = Gateway::start(options).await;
        let mut client = gateway.client().await;
        let row = plugin(&mut client, "line-echo", |row| row["lastError"].is_string()).await;
        assert_ne!(row["state"], "running", "{isolation}: {row}");
        let reason = row["lastError"].as_str().expect("it was just looked at");
        says(reason, &[LIBRARY, "panicked", "start"]);
        still_serves(&mut client).await;
    }
}

#[tokio::test]
async fn a_plugin_that_ends_its_process_at_its_start() {
    let options = Options::default().line_channel("process", "fault = \"exit_in_start\"");
    let gateway = Gateway::start(options).await;
    let mut client = gateway.client().await;
    let row = plugin(&mut client, "line-echo", |row| row["lastError"].is_string()).await;
    says(row["lastError"].as_str().expect("a reason"), &[LIBRARY, "exited", "starting"]);
    still_serves(&mut client).await;
}

#[tokio::test]
async fn a_plugin_that_panics_while_it_sends() {
    for isolation in ISOLATIONS {
        let options = Options::default().line_channel(isolation, "fault = \"panic_in_send\"");
        let gateway = Gateway::start(options).await;
        let mut client = gateway.client().await;
        let mut ada = Person::connect(line_port(&mut client).await, "ada").await;
        ada.say("m1", "hello").await;
        assert_eq!(ada.hear().await, Heard::Ack("m1".to_owned()), "{isolation}");

        let params =
            json!({ "channel": "line", "to": "ada", "message": "hi", "idempotencyKey": "1" });
        let error = client.refused("send", params).await;
        assert!(!error.message.is_empty(), "{isolation}: {error:?}");
        still_serves(&mut client).await;
    }
}

#[tokio::test]
async fn a_plugin_that_aborts_while_it_sends_takes_only_itself() {
    let options = Options::default().line_channel("process", "fault = \"abort_in_send\"");
    let gateway = Gateway::start(options).await;
    let mut client = gateway.client().await;
    let mut ada = Person::connect(line_port(&mut client).await, "ada").await;
    let first = running(&mut client).await;

    ada.say_and_wait("m1", "answer me").await;
    assert_eq!(ada.hear().await, Heard::Gone, "the answer takes the plugin down");
    let again = plugin(&mut client, "line-echo", |row| {
        row["state"] == "running" && row["generation"] != first["generation"]
    });
    let again = again.await;
    says(again["lastExit"].as_str().expect("its end is remembered"), &["SIGABRT"]);
    still_serves(&mut client).await;
    // What may have been sent is not sent again blindly, or this plugin would die of it for ever.
    let later = running(&mut client).await;
    assert_eq!(later["restarts"], 1, "{later}");
}

#[tokio::test]
async fn a_plugin_that_hangs_holds_up_nobody_else() {
    for isolation in ISOLATIONS {
        let options = Options::default().line_channel(isolation, "fault = \"hang_in_send\"");
        let gateway = Gateway::start(options).await;
        let mut client = gateway.client().await;
        let mut ada = Person::connect(line_port(&mut client).await, "ada").await;
        let first = running(&mut client).await;
        ada.say_and_wait("m1", "answer me").await;
        still_serves(&mut client).await;

        let again =
            plugin(&mut client, "line-echo", |row| row["generation"] != first["generation"]);
        let again = again.await;
        let said = format!("{} {}", again["lastError"], again["lastExit"]);
        says(&said, &["hung"]);
    }
}

#[tokio::test]
async fn a_killed_plugin_comes_back_and_carries_messages_again() {
    let gateway = Gateway::start(Options::default().line_channel("process", "")).await;
    let mut client = gateway.client().await;
    let port = line_port(&mut client).await;
    let mut ada = Person::connect(port, "ada").await;
    let first = running(&mut client).await;
    let pid = first["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a process");
    assert!(gateway.children().contains(&pid), "it runs in a child of the gateway");

    signal(pid, Signal::KILL);
    assert_eq!(ada.hear().await, Heard::Gone);
    eventually("the process is gone", async || is_gone(pid).then_some(())).await;
    let again = plugin(&mut client, "line-echo", |row| {
        row["state"] == "running" && row["pid"] != first["pid"]
    });
    let again = again.await;
    assert_eq!(again["restarts"], 1, "{again}");
    says(again["lastExit"].as_str().expect("its end is remembered"), &["SIGKILL"]);

    let mut ada = Person::connect(line_port(&mut client).await, "ada").await;
    ada.say_and_wait("m1", "back again").await;
    assert!(ada.message().await.contains("back again"));
}

#[tokio::test]
async fn a_plugin_that_is_only_installed_costs_nothing() {
    let gateway = Gateway::start(Options::default().plugin("line-echo")).await;
    let mut client = gateway.client().await;
    let row = plugin(&mut client, "line-echo", |_| true).await;
    assert_eq!(row["state"], "installed");
    assert_eq!(row["enabled"], false);
    assert!(gateway.children().is_empty(), "no process");
    let maps = fs::read_to_string(format!("/proc/{}/maps", gateway.pid())).expect("it runs");
    assert!(!maps.contains("jackfield_line_echo"), "not mapped");
}

#[tokio::test]
async fn no_library_is_opened_that_is_not_enabled() {
    use rustix::fs::inotify;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = folder.path().join("model");
    CPlugin::named("model", "").pack(&model);
    let home = Gateway::lay_out(&Options::default());
    let manifest = fs::read_to_string(model.join("plugin.toml")).expect("it was packed");
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK).expect("the kernel has inotify");
    let mut libraries = Vec::new();
    for n in 0..50 {
        let package = home.path().join(format!("plugins/spare-{n}"));
        fs::create_dir(&package).expect("the home is ours");
        let own = manifest.replace("\"model\"", &format!("\"spare-{n}\""));
        fs::write(package.join("plugin.toml"), own).expect("the home is ours");
        let library = package.join("libtrespasser.so");
        fs::copy(model.join("libtrespasser.so"), &library).expect("the home is ours");
        inotify::add_watch(&watch, &library, inotify::WatchFlags::OPEN).expect("it is there");
        libraries.push(library);
    }
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
    let mut opened = || inotify::Reader::new(&watch, &mut buffer).next().is_ok();
    let gateway = Gateway::start_in(home, Vec::new()).await;
    let mut client = gateway.client().await;
    let list = client.call("plugins.list", json!({})).await;
    assert_eq!(list["plugins"].as_array().map(Vec::len), Some(50), "all are known");
    assert!(!opened(), "their libraries stayed closed");
    drop(fs::File::open(&libraries[0]).expect("it is there"));
    assert!(opened(), "the watch would have told");
}

#[tokio::test]
async fn isolation_is_what_the_configuration_says() {
    for isolation in ISOLATIONS {
        let gateway = Gateway::start(Options::default().line_channel(isolation, "")).await;
        let mut client = gateway.client().await;
        let row = running(&mut client).await;
        assert_eq!(row["isolation"], isolation);
        let maps = fs::read_to_string(format!("/proc/{}/maps", gateway.pid())).expect("it runs");
        let mapped = maps.contains("jackfield_line_echo");
        assert_eq!(mapped, isolation == "in-process", "{row}");
        assert_eq!(gateway.children().len(), usize::from(isolation == "process"), "{row}");
    }
}

#[test]
fn packing_refuses_what_is_no_package() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ran = std::process::Command::new(libraries::binary())
        .args(["plugins", "pack", "--manifest"])
        .arg(libraries::source("line-echo").join("plugin.toml"))
        .arg("--library")
        .arg(folder.path().join("libnothing.so"))
        .arg("--out")
        .arg(folder.path().join("package"))
        .output()
        .expect("the binary runs");
    assert!(!ran.status.success());
    says(&String::from_utf8_lossy(&ran.stderr), &["libnothing.so"]);
}
