//! Another configuration without another process: by signal, by file, over the wire; what cannot be
//! used changes nothing; runs under way end first; the service manager's socket serves as well.

use harness::{Connect, Gateway, Incoming, Options, gateway, patiently};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{fs, net::TcpListener, os::fd::OwnedFd, process::Stdio};
use tokio::process::Command;

const MANUAL: &str = "reload = \"manual\"";

fn rewrite(gateway: &Gateway, from: &str, to: &str) {
    let path = gateway.home().join("jackfield.toml");
    let text = fs::read_to_string(&path).expect("there is a file");
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(&path, text.replace(from, to)).expect("the home is writable");
}

async fn every(gateway: &Gateway) -> Value {
    let status = gateway.client().await.call("status", json!({})).await;
    status["heartbeat"]["agents"][0]["every"].clone()
}

/// The client hears why the connection ends, and that it may come back.
async fn sent_away(mut client: harness::Client) {
    let told = client.event(|event| event.name == "shutdown").await.payload;
    assert_eq!(told["reason"], "service restart", "{told}");
    assert!(told["restartExpectedMs"].as_u64().is_some(), "{told}");
    let end = client.end().await;
    assert!(matches!(end, Incoming::Closed { code: 1012, .. }), "{end:?}");
}

#[tokio::test]
async fn a_signal_applies_the_file_on_the_same_port() {
    let gateway = Gateway::start(Options::default().config("[heartbeat]\nevery = \"1h\"")).await;
    let client = gateway.client().await;
    let pid = gateway.pid();
    rewrite(&gateway, "every = \"1h\"", "every = \"2h\"");
    gateway::signal(pid, Signal::HUP);
    sent_away(client).await;
    assert_eq!(every(&gateway).await, "120m");
    assert_eq!(gateway.pid(), pid);
}

#[tokio::test]
async fn what_cannot_be_used_changes_nothing() {
    let gateway = Gateway::start(Options::default().config("[heartbeat]\nevery = \"1h\"")).await;
    let mut client = gateway.client().await;
    rewrite(&gateway, "every = \"1h\"", "evry = \"2h\"");
    gateway::signal(gateway.pid(), Signal::HUP);
    let said = gateway.output.awaited("its complaint", |line| {
        line.contains("goes on with the former one").then(|| line.to_owned())
    });
    assert!(said.await.contains("did you mean `every`"));
    assert_eq!(client.call("health", json!({})).await["ok"], true, "the connection stands");

    // It can be read, but a life cannot begin with it: the port is somebody else's.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it is bound").port();
    rewrite(
        &gateway,
        "evry = \"2h\"",
        &format!(
            "every = \"1h\"\n[gateway.tls]\nenabled = true\ncert = \"/absent/{port}.pem\"\nkey = \"/absent/key.pem\""
        ),
    );
    gateway::signal(gateway.pid(), Signal::HUP);
    sent_away(client).await;
    assert_eq!(every(&gateway).await, "60m");
}

#[tokio::test]
async fn a_saved_file_and_a_patch_apply_by_themselves() {
    let options = Options::default().config("[heartbeat]\nevery = \"1h\"");
    let gateway = Gateway::start(options).await;
    rewrite(&gateway, MANUAL, "reload = \"auto\"");
    let client = gateway.client().await;
    gateway::signal(gateway.pid(), Signal::HUP);
    sent_away(client).await;

    let client = gateway.client().await;
    rewrite(&gateway, "every = \"1h\"", "every = \"2h\"");
    sent_away(client).await;
    assert_eq!(every(&gateway).await, "120m");

    let mut client = gateway.client().await;
    let shown = client.call("config.get", json!({})).await;
    let raw = json!({ "heartbeat": { "every": "3h" } }).to_string();
    let patch = json!({ "raw": raw, "baseHash": shown["hash"], "restartDelayMs": 0 });
    let done = client.call("config.patch", patch).await;
    assert_eq!(done["restart"]["ok"], true, "{done}");
    sent_away(client).await;
    assert_eq!(every(&gateway).await, "180m");
}

#[tokio::test]
async fn a_run_under_way_ends_before_the_gateway_does() {
    let mut gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    let message = "word ".repeat(40);
    let ask = json!({ "sessionKey": "main", "message": message, "idempotencyKey": "long" });
    client.call("chat.send", ask).await;
    client.event(|event| event.name == "chat" && event.payload["state"] == "delta").await;
    gateway::signal(gateway.pid(), Signal::TERM);
    let end = client.event(|event| event.name == "chat" && event.payload["state"] != "delta").await;
    assert_eq!(end.payload["state"], "final", "{end:?}");
    assert!(matches!(client.end().await, Incoming::Closed { code: 1012, .. }));
    gateway.wait().await;
}

#[tokio::test]
async fn a_socket_handed_over_by_systemd_is_served() {
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = socket.local_addr().expect("it is bound").port();
    // As `sd_listen_fds(3)` has it: the socket is descriptor 3, and the variables name this process.
    let hand_over = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"";
    let mut child = Command::new("sh")
        .args(["-c", hand_over, "sh"])
        .arg(harness::libraries::binary())
        .args(["gateway", "--token", gateway::TOKEN, "--state-dir"])
        .arg(home.path())
        .env_clear()
        .env("HOME", home.path())
        .stdin(Stdio::from(OwnedFd::from(socket)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("a shell can be started");
    // Connections wait in the socket until the gateway takes them.
    let mut client = Connect::cli().open(port).await.expect("it comes in");
    assert_eq!(client.call("health", json!({})).await["ok"], true);
    gateway::signal(child.id().expect("it runs"), Signal::TERM);
    let status = patiently(child.wait(), || "it did not end".to_owned()).await;
    assert!(status.expect("it was started here").success());
}
