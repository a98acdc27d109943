//! The original's command line, unchanged, against this gateway: what people type every day.
//!
//! Commands take a second each, so one gateway serves many of them.

use futures_util::{StreamExt as _, stream};
use harness::{
    Connect, Gateway, Identity, OpenClaw, Options, libraries,
    line::{Person, line_port},
};
use serde_json::{Value, json};

/// Commands under way at once.
const AT_ONCE: usize = 2;

/// A command with `--json`, and whether its document is right.
type Asked = (&'static [&'static str], fn(&Value) -> bool);

const ASKED: [Asked; 22] = [
    (&["gateway", "health", "--json"], |d| d["ok"] == true),
    (&["health", "--json"], |d| d["ok"] == true && d["defaultAgentId"] == "main"),
    (&["gateway", "call", "health", "--json"], |d| d["channelOrder"].is_array()),
    (&["gateway", "call", "status", "--json"], |d| d["runtimeVersion"].is_string()),
    (&["gateway", "call", "system-presence", "--json"], |d| d[0]["reason"] == "self"),
    (&["gateway", "probe", "--json"], |d| {
        d["ok"] == true && d["capability"] == "connected_no_operator_scope"
    }),
    (&["status", "--json"], |d| d["sessions"]["byAgent"][0]["agentId"] == "main"),
    (&["channels", "status", "--json"], |d| d["channelLabels"]["line"] == "Lines over TCP"),
    (&["channels", "status", "--probe", "--json"], |d| {
        d["channelAccounts"]["line"][0]["connected"] == true
    }),
    (&["system", "presence", "--json"], |d| d[0]["mode"] == "gateway"),
    (&["system", "event", "--text", "hello", "--json"], |d| d["ok"] == true),
    (&["system", "heartbeat", "enable", "--json"], |d| d["enabled"] == true),
    (&["models", "list", "--json"], |d| d["models"][0]["key"] == "jackfield/echo"),
    (&["devices", "list", "--json"], |d| d["pending"] == json!([])),
    (&["nodes", "list", "--json"], |d| d["paired"] == json!([])),
    (&["nodes", "status", "--json"], |d| d["nodes"] == json!([])),
    (&["nodes", "pending", "--json"], |d| *d == json!([])),
    (&["skills", "list", "--json"], |d| d["skills"] == json!([])),
    (&["approvals", "get", "--gateway", "--json"], |d| d["file"]["version"] == 1),
    (&["gateway", "stability", "--json"], |d| d["capacity"] == 1000),
    (&["secrets", "reload", "--json"], |d| d["ok"] == true),
    (&["qr", "--json"], |d| d["setupCode"].is_string() && d["auth"] == "token"),
];

#[tokio::test]
async fn what_people_ask_every_day_is_answered() {
    let gateway = Gateway::start(Options::default().line_channel("in-process", "")).await;
    let mut client = gateway.client().await;
    line_port(&mut client).await;
    let claw = OpenClaw::of(&gateway);
    let asked = stream::iter(ASKED).map(async |(words, right)| {
        let told = claw.document(words).await;
        (!right(&told)).then(|| format!("openclaw {words:?}: {told}"))
    });
    let wrong: Vec<String> =
        asked.buffer_unordered(AT_ONCE).filter_map(async |w| w).collect().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let text = claw.done(&["health"]).await;
    assert!(text.contains("Agents: main"), "{text}");
    let text = claw.done(&["status"]).await;
    assert!(text.contains("reachable"), "{text}");
    let lines = claw.done(&["logs", "--json", "--limit", "20"]).await;
    let first: Value = serde_json::from_str(lines.lines().next().unwrap_or_default()).unwrap();
    assert_eq!(first["type"], "meta", "{lines}");
    assert!(lines.contains("\"time\":") && lines.contains("\"subsystem\":"), "{lines}");
    let complaint = claw.failed(&["gateway", "call", "no.such.method"]).await;
    assert!(complaint.contains("unknown method: no.such.method"), "{complaint}");
}

#[tokio::test]
async fn jobs_are_kept_changed_run_and_removed() {
    let gateway = Gateway::start(Options::default()).await;
    let claw = OpenClaw::of(&gateway);
    let words = ["cron", "add", "--name", "tea", "--every", "10m", "--system-event", "tick"];
    let job = claw.document(&[&words[..], &["--session", "main", "--json"]].concat()).await;
    let id = job["id"].as_str().expect("a job has an id");
    let list = claw.document(&["cron", "list", "--json"]).await;
    assert_eq!((&list["total"], &list["jobs"][0]["name"]), (&json!(1), &json!("tea")));
    let text = claw.done(&["cron", "list"]).await;
    assert!(text.contains("every 10m"), "{text}");
    let edited = claw.document(&["cron", "edit", id, "--every", "5m", "--json"]).await;
    assert_eq!(edited["schedule"]["everyMs"], 300_000, "{edited}");
    claw.done(&["cron", "disable", id]).await;
    assert_eq!(claw.document(&["cron", "list", "--json"]).await["total"], 0, "it is off");
    claw.done(&["cron", "enable", id]).await;
    let run = claw.document(&["cron", "run", id]).await;
    assert_eq!((&run["ok"], &run["enqueued"]), (&json!(true), &json!(true)), "{run}");
    let mut client = gateway.client().await;
    let ran = async || {
        let runs = client.call("cron.runs", json!({"id": id})).await;
        (runs["entries"][0]["status"] == "ok").then_some(())
    };
    harness::eventually("the run has ended", ran).await;
    let runs = claw.document(&["cron", "runs", "--id", id]).await;
    assert_eq!(runs["entries"][0]["jobId"], id, "{runs}");
    let gone = claw.document(&["cron", "rm", id]).await;
    assert_eq!(gone["removed"], true, "{gone}");
    let complaint = claw.failed(&["cron", "rm", id]).await;
    assert!(complaint.contains("not found"), "{complaint}");
    assert_eq!(claw.document(&["cron", "status", "--json"]).await["jobs"], 0);
}

/// A device of ours that asks to be a node too: never granted without asking.
async fn ask_for_a_role(gateway: &Gateway) -> String {
    let me = Identity::number(9);
    let operator = Connect::device(&me).scopes(&["operator.read"]).open(gateway.port).await;
    operator.expect("a local device is let in").close().await;
    let node = Connect::device(&me).client("node-host", "node").with("role", json!("node"));
    let refusal = node.open(gateway.port).await.err().expect("a further role needs a person");
    refusal.error.expect("it says why").details["requestId"]
        .as_str()
        .expect("it names its request")
        .to_owned()
}

#[tokio::test]
async fn devices_are_approved_named_and_sent_away() {
    let gateway = Gateway::start(Options::default()).await;
    let claw = OpenClaw::of(&gateway);
    let device = Identity::number(9).device_id();
    let request = ask_for_a_role(&gateway).await;
    let preview = claw.failed(&["devices", "approve", "--latest"]).await;
    assert!(preview.contains(&request), "it only shows what would be approved: {preview}");
    claw.done(&["devices", "reject", &request]).await;
    let complaint = claw.failed(&["devices", "approve", &request]).await;
    assert!(complaint.contains("No pending device request"), "{complaint}");
    let request = ask_for_a_role(&gateway).await;
    let text = claw.done(&["devices", "approve", &request]).await;
    assert!(text.contains(&device), "{text}");
    let list = claw.document(&["devices", "list", "--json"]).await;
    assert_eq!(list["paired"][0]["roles"], json!(["operator", "node"]), "{list}");
    let text = claw.done(&["devices", "rename", "--device", &device, "--name", "mine"]).await;
    assert!(text.contains("mine"), "{text}");
    let words = ["devices", "rotate", "--device", &device, "--role", "operator", "--json"];
    let rotated = claw.document(&words).await;
    assert_eq!(rotated["tokenDelivery"], "withheld-cross-device", "{rotated}");
    let words = ["devices", "revoke", "--device", &device, "--role", "node"];
    assert!(claw.document(&words).await["revokedAtMs"].is_u64());
    claw.done(&["devices", "remove", &device]).await;
    let complaint = claw.failed(&["devices", "remove", &device]).await;
    assert!(complaint.contains("unknown deviceId"), "{complaint}");
}

#[tokio::test]
async fn the_agent_answers_and_a_message_leaves_by_its_channel() {
    // The command line speaks only of channels that it knows itself, so the line goes by one's name.
    let options = Options::default().config(
        "[channels.telegram]\nenabled = true\nlisten = \"127.0.0.1:0\"\ndm_policy = \"open\"",
    );
    let home = Gateway::lay_out(&options);
    libraries::pack_as("line-echo", "telegram", &home.path().join("plugins/line-echo"));
    let gateway = Gateway::start_in(home, Vec::new()).await;
    let settings = json!({"channels": {"telegram": {"enabled": true, "botToken": "1:a"}}});
    let claw = OpenClaw::with(&gateway, settings);

    let said = ["agent", "--agent", "main", "--message", "good evening"];
    assert_eq!(claw.done(&said).await.trim(), "good evening");
    let run = claw.document(&[&said[..], &["--json"]].concat()).await;
    assert_eq!((&run["status"], &run["summary"]), (&json!("ok"), &json!("completed")), "{run}");
    assert_eq!(run["result"]["payloads"][0]["text"], "good evening", "{run}");

    let mut client = gateway.client().await;
    let port = harness::line::port_of(&mut client, "telegram").await;
    let mut line = Person::connect(port, "12345").await;
    let words = ["message", "send", "--channel", "telegram", "--target", "12345"];
    let words = [&words[..], &["--message", "hi there", "--json"]].concat();
    let (sent, heard) = tokio::join!(claw.document(&words), line.message());
    assert!(sent.to_string().contains("messageId"), "{sent}");
    assert_eq!(heard, "hi there");
    let poll = ["message", "poll", "--channel", "telegram", "--target", "12345"];
    let options = ["--poll-question", "q", "--poll-option", "a", "--poll-option", "b"];
    let complaint = claw.failed(&[&poll[..], &options].concat()).await;
    assert!(complaint.contains("cannot do this: polls"), "{complaint}");
}
