//! What a plugin's process may touch: what its manifest declares, and nothing else. Each layer that
//! this kernel lacks is named, and what it would have stopped is not asserted.

use harness::{Client, Gateway, Options, Terminal, cc::CPlugin, eventually};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, net::TcpListener, path::Path};

/// What came of a trespasser's attempts, and of the layers around it.
struct Outcome {
    attempts: BTreeMap<String, String>,
    layers: BTreeMap<String, (String, String)>,
    row: Value,
}

impl Outcome {
    /// How an attempt ended; `ok` or an error's name.
    fn of(&self, attempt: &str) -> &str {
        let ended = self.attempts.get(attempt);
        ended.unwrap_or_else(|| panic!("no `{attempt}` in {:?}", self.attempts))
    }

    fn allowed(&self, attempt: &str) {
        assert_eq!(self.of(attempt), "ok", "{attempt}: {:?}", self.attempts);
    }

    /// The attempt failed so, where the kernel has the layer that stops it.
    fn refused(&self, layer: &str, attempt: &str, how: &str) {
        let (holds, detail) = &self.layers[layer];
        if holds == "yes" {
            assert_eq!(self.of(attempt), how, "{attempt}: {:?}", self.attempts);
        } else {
            println!("this kernel lacks `{layer}` ({detail}): `{attempt}` is not stopped here");
        }
    }
}

async fn row(client: &mut Client, settled: impl Fn(&Value) -> bool) -> Value {
    eventually("the trespasser settles", async || {
        let list = client.call("plugins.list", json!({})).await;
        let rows = list["plugins"].as_array()?;
        rows.iter().find(|row| row["id"] == "trespasser" && settled(row)).cloned()
    })
    .await
}

fn configured(attempts: &[String], more: &str) -> Options {
    Options::default().config(&format!(
        "[plugins.trespasser]\n{more}\n[channels.trespasser]\nenabled = true\nattempts = {}",
        json!(attempts)
    ))
}

async fn tried(
    plugin: CPlugin,
    attempts: &[String],
    more: &str,
    prepare: impl Fn(&Path),
) -> Outcome {
    let home = Gateway::lay_out(&configured(attempts, more));
    plugin.pack(&home.path().join("plugins/trespasser"));
    prepare(home.path());
    let gateway = Gateway::start_in(home, Vec::new()).await;
    let mut client = gateway.client().await;
    let row = row(&mut client, |row| row["state"] == "running").await;
    let detail = row["links"][0]["detail"].as_str().expect("it reports").to_owned();
    let attempts = detail.split("; ").filter_map(|said| said.rsplit_once('='));
    let attempts = attempts.map(|(what, how)| (what.to_owned(), how.to_owned())).collect();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let layers = row["sandbox"].as_array().expect("layers are listed").iter();
    let layers = layers.map(|l| (text(&l["layer"]), (text(&l["holds"]), text(&l["detail"]))));
    Outcome { attempts, layers: layers.collect(), row: row.clone() }
}

fn attempts(list: &[&str]) -> Vec<String> {
    list.iter().map(|attempt| (*attempt).to_owned()).collect()
}

#[tokio::test]
async fn a_plugin_without_permissions_reaches_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let outside = tempfile::tempdir().expect("a temporary folder");
    fs::write(outside.path().join("there"), "x").expect("just made");
    let there = format!("read {}/there", outside.path().display());
    let new = format!("write {}/new", outside.path().display());
    let connect = format!("connect {port}");
    let mut list = attempts(&[
        "read /etc/passwd",
        "start /bin/true",
        "datagram 53",
        "take 4096",
        "read /etc/hosts",
        "read /dev/urandom",
        "write /dev/null",
    ]);
    list.extend([there.clone(), new.clone(), connect.clone()]);
    list.push(format!("signal {}", std::process::id()));
    let plugin = CPlugin::trespasser("memory_mib = 64").define("AT_LOAD=\"/etc/passwd\"");
    let seen = tried(plugin, &list, "", |_| ()).await;
    for attempt in ["at load", "read /etc/passwd", &there, &new] {
        seen.refused("files", attempt, "EACCES");
    }
    seen.refused("syscalls", "start /bin/true", "EPERM");
    seen.refused("syscalls", "datagram 53", "EPERM");
    seen.refused("syscalls", &connect, "EPERM");
    seen.refused("memory", "take 4096", "ENOMEM");
    seen.refused("signals", list.last().expect("the signal"), "EPERM");
    for attempt in ["read /etc/hosts", "read /dev/urandom", "write /dev/null"] {
        seen.allowed(attempt);
    }
    assert!(!outside.path().join("new").exists() || seen.layers["files"].0 != "yes");
}

#[tokio::test]
async fn a_plugin_reaches_what_its_manifest_declares() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let other = TcpListener::bind("127.0.0.1:0").expect("another free port");
    let other = other.local_addr().expect("bound").port();
    let outside = tempfile::tempdir().expect("a temporary folder");
    fs::write(outside.path().join("there"), "x").expect("just made");
    let folder = outside.path().display();
    let permissions = format!(
        "connect_ports = [{port}]\nlisten_ports = [0]\nread_paths = [\"{folder}/there\"]\n\
         write_paths = [\"${{spool}}\"]\nprograms = [\"/bin/true\"]"
    );
    let spool = outside.path().join("spool");
    fs::create_dir(&spool).expect("just made");
    let (connect, stray) = (format!("connect {port}"), format!("connect {other}"));
    let (there, inside) = (format!("read {folder}/there"), format!("write {}/x", spool.display()));
    let beside = format!("write {folder}/beside");
    let mut list = attempts(&["start /bin/true", "start /bin/ls", "listen 0", "datagram 53"]);
    // What names and certificates need, where this machine has it.
    let system = ["/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/ssl/certs/ca-certificates.crt"];
    let system: Vec<String> =
        system.iter().filter(|p| Path::new(p).exists()).map(|p| format!("read {p}")).collect();
    list.extend(system.clone());
    list.extend([&connect, &stray, &there, &inside, &beside].map(Clone::clone));
    list.push(format!("signal {}", std::process::id()));
    let plugin = CPlugin::trespasser(&permissions);
    let config = format!("[channels.trespasser]\nspool = \"{}\"", spool.display());
    let seen = tried(plugin, &list, "", |home| {
        let file = home.join("jackfield.toml");
        let text = fs::read_to_string(&file).expect("it was laid out");
        let text = text.replace("[channels.trespasser]", &config);
        fs::write(file, text).expect("it was laid out");
    })
    .await;
    for attempt in ["start /bin/true", "listen 0", "datagram 53", &connect, &there, &inside] {
        seen.allowed(attempt);
    }
    for attempt in &system {
        seen.allowed(attempt);
    }
    seen.refused("files", "start /bin/ls", "EACCES");
    seen.refused("files", &beside, "EACCES");
    seen.refused("ports", &stray, "EACCES");
}

#[tokio::test]
async fn a_plugin_has_a_folder_of_its_own_and_no_environment() {
    let home = Gateway::lay_out(&Options::default());
    let own = home.path().join("state/plugins/trespasser");
    let list = vec![
        format!("write {}/kept", own.display()),
        format!("read {}", home.path().join("jackfield.toml").display()),
        format!("read {}", home.path().join("state/journal.db").display()),
        format!("read {}", home.path().join("state/media/there").display()),
        format!("write {}", home.path().join("state/media/there").display()),
    ];
    let options = configured(&list, "").config("secret = \"swordfish\"");
    fs::write(home.path().join("jackfield.toml"), options_text(&options)).expect("laid out");
    CPlugin::trespasser("").pack(&home.path().join("plugins/trespasser"));
    let media = home.path().join("state/media");
    fs::create_dir_all(&media).expect("the home is ours");
    fs::write(media.join("there"), "x").expect("just made");
    let gateway = Gateway::start_in(home, Vec::new()).await;
    let mut client = gateway.client().await;
    let row = row(&mut client, |row| row["state"] == "running").await;
    let detail = row["links"][0]["detail"].as_str().expect("it reports");
    let ends: Vec<&str> =
        detail.split("; ").filter_map(|said| Some(said.rsplit_once('=')?.1)).collect();
    let files = row["sandbox"].as_array().expect("layers").iter().find(|l| l["layer"] == "files");
    if files.expect("files are a layer")["holds"] == "yes" {
        assert_eq!(ends, ["ok", "EACCES", "EACCES", "ok", "EACCES"], "{detail}");
    } else {
        println!("this kernel lacks `files`: {row}");
    }
    assert!(own.join("kept").exists());
    let pid = row["pid"].as_u64().expect("it has a process");
    for file in ["environ", "cmdline"] {
        let bytes = fs::read(format!("/proc/{pid}/{file}")).expect("it lives");
        let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
        assert!(!text.contains("swordfish") && !text.contains("HOME="), "{file}: {text}");
    }
}

fn options_text(options: &Options) -> String {
    let home = Gateway::lay_out(options);
    fs::read_to_string(home.path().join("jackfield.toml")).expect("it was laid out")
}

#[tokio::test]
async fn what_holds_is_shown_and_can_be_demanded_or_left_off() {
    let seen = tried(CPlugin::trespasser(""), &attempts(&["read /etc/passwd"]), "", |_| ()).await;
    let whole = seen.layers.values().all(|(holds, _)| holds == "yes");
    assert_eq!(seen.layers.len(), 7, "{:?}", seen.row);

    let off = "sandbox = \"off\"";
    let open = tried(CPlugin::trespasser(""), &attempts(&["read /etc/passwd"]), off, |_| ()).await;
    open.allowed("read /etc/passwd");
    assert_eq!(open.layers["files"].0, "no", "{:?}", open.row);

    let home = Gateway::lay_out(&configured(&[], "sandbox = \"require\""));
    CPlugin::trespasser("").pack(&home.path().join("plugins/trespasser"));
    let gateway = Gateway::start_in(home, Vec::new()).await;
    let mut client = gateway.client().await;
    let wanted = if whole { "running" } else { "refused" };
    row(&mut client, |row| row["state"] == wanted).await;
    if whole {
        let text = Terminal::beside(&gateway).done(&["plugins", "info", "trespasser"]).await;
        assert!(text.contains("Sandbox") && text.contains("seccomp"), "{text}");
    }
    eventually("the log tells", async || gateway.output.tail().contains("sandbox").then_some(()))
        .await;
}

#[tokio::test]
async fn an_ordinary_plugin_works_in_its_sandbox() {
    let options = Options::default().line_channel("process", "");
    let gateway = Gateway::start(options).await;
    let mut client = gateway.client().await;
    let mut ada =
        harness::line::Person::connect(harness::line::line_port(&mut client).await, "ada").await;
    ada.say_and_wait("m1", "through the walls").await;
    assert!(ada.message().await.contains("through the walls"));
}
