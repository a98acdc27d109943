//! The original's node host, unchanged: it pairs, waits for its approval, runs what it is told and
//! comes back after the gateway was away.

use harness::{Client, Gateway, OpenClaw, Options, eventually};
use serde_json::{Value, json};

async fn row(client: &mut Client) -> Option<Value> {
    let list = client.call("node.list", json!({})).await;
    list["nodes"].get(0).filter(|row| row["connected"] == true).cloned()
}

#[tokio::test]
async fn it_pairs_runs_a_command_and_returns_after_a_restart() {
    let mut gateway = Gateway::start(Options::default()).await;
    let claw = OpenClaw::of(&gateway);
    let port = gateway.port.to_string();
    let words = ["node", "run", "--host", "127.0.0.1", "--port", &port, "--display-name", "box"];
    let (_node, said) = claw.watch(&words);
    said.awaited("its connection", |line| line.contains("gateway connected").then_some(())).await;

    let mut client = gateway.client().await;
    let shown = eventually("the node is here", async || row(&mut client).await).await;
    assert_eq!(shown["approvalState"], "pending-approval", "{shown}");
    let pending = claw.document(&["nodes", "pending", "--json"]).await;
    let request = pending[0]["requestId"].as_str().expect("it waits");
    let approved = claw.document(&["nodes", "approve", request]).await;
    assert_eq!(approved["requestId"], request, "{approved}");

    let words = ["nodes", "invoke", "--node", "box", "--command", "system.which", "--params"];
    let ran = claw.document(&[&words[..], &["{\"bins\":[\"sh\"]}", "--json"]].concat()).await;
    assert!(ran["payload"]["bins"]["sh"].is_string(), "{ran}");
    let words = ["nodes", "invoke", "--node", "box", "--command", "camera.snap"];
    let complaint = claw.failed(&words).await;
    assert!(complaint.contains("requires explicit gateway.nodes.commands.allow opt-in"));
    let run = json!({
        "nodeId": shown["nodeId"], "command": "system.run", "idempotencyKey": "run",
        "params": {"command": ["echo", "from the box"]},
    });
    let ran = client.try_call("node.invoke", run).await;
    let told = ran.map_or_else(|error| error.message, |ran| ran["payload"]["stdout"].to_string());
    assert!(
        told.contains("from the box") || told.contains("approval"),
        "the node runs it or asks by its own rules: {told}"
    );
    let text = claw.done(&["nodes", "describe", "--node", "box"]).await;
    assert!(text.contains("paired · connected"), "{text}");
    let text = claw.done(&["nodes", "rename", "--node", "box", "--name", "crate"]).await;
    assert!(text.contains("crate"), "{text}");

    gateway.restart_there().await;
    let mut client = gateway.client().await;
    let back = eventually("the node is back", async || row(&mut client).await).await;
    assert_eq!(
        (&back["displayName"], &back["approvalState"]),
        (&json!("crate"), &json!("approved"))
    );
}
