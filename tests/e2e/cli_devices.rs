//! Devices and nodes from the command line: seen, approved, renamed, cut off.

use harness::{Client, Connect, Gateway, Identity, Options, Terminal};
use serde_json::json;

/// A node that offers one command, and whose commands nobody has approved yet.
async fn node(gateway: &Gateway, number: u8) -> Client {
    let client = json!({ "id": "node-host", "mode": "node", "version": "1.0.0",
                         "platform": "linux", "deviceFamily": "Linux", "displayName": "box" });
    let connect = Connect::device(&Identity::number(number))
        .with("client", client)
        .scopes(&[])
        .with("role", json!("node"))
        .with("caps", json!(["system"]))
        .with("commands", json!(["system.which"]));
    connect.open(gateway.port).await.expect("a new device of this machine is let in")
}

#[tokio::test]
async fn a_device_is_named_rotated_and_removed() {
    let gateway = Gateway::start(Options::default()).await;
    let terminal = Terminal::beside(&gateway);
    let phone = Identity::number(1);
    let id = phone.device_id();
    let mut link = Connect::device(&phone).open(gateway.port).await.expect("it is let in");

    let list = terminal.document(&["devices", "list"]).await;
    let rows = list["paired"].as_array().expect("a list").clone();
    assert_eq!(rows.len(), 1, "whoever has the gateway's secret looks without being one: {list}");
    terminal.done(&["devices", "rename", &id[..8], "phone"]).await;
    let words = terminal.done(&["devices", "list"]).await;
    assert!(words.contains("phone") && words.contains(&id[..12]), "{words}");

    let rotated = terminal.done(&["devices", "rotate", "phone"]).await;
    assert!(rotated.contains("rotated the operator token"), "{rotated}");
    link.end().await;
    terminal.done(&["devices", "revoke", "phone"]).await;
    terminal.done(&["devices", "remove", "phone"]).await;
    let again = terminal.run(&["devices", "remove", "phone", "--json"]).await;
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.document()["error"]["message"].as_str().is_some_and(|m| m.contains("no device")));
}

#[tokio::test]
async fn a_node_waits_for_its_commands_to_be_allowed() {
    let gateway = Gateway::start(Options::default()).await;
    let terminal = Terminal::beside(&gateway);
    let mut node = node(&gateway, 1).await;
    let id = Identity::number(1).device_id();

    let pending = terminal.done(&["nodes", "pending"]).await;
    assert!(pending.contains("system.which"), "{pending}");
    terminal.done(&["nodes", "approve", &id[..8]]).await;
    assert_eq!(terminal.done(&["nodes", "pending"]).await, "No node waits for approval.\n");
    terminal.done(&["nodes", "rename", &id, "desk"]).await;
    let nodes = terminal.document(&["nodes", "list"]).await;
    assert_eq!(nodes["nodes"][0]["displayName"], "desk", "{nodes}");
    let described = terminal.done(&["nodes", "describe", "desk"]).await;
    assert!(described.contains("system.which"), "{described}");

    let words =
        ["nodes", "invoke", "desk", "system.which", "--params", r#"{"bins":["ls"]}"#, "--json"];
    let invoked = terminal.run(&words);
    let answered = async {
        let request = node.event(|event| event.name == "node.invoke.request").await;
        let result = json!({ "id": request.payload["id"], "nodeId": id, "ok": true,
                             "payloadJSON": "{\"bins\":{\"ls\":\"/bin/ls\"}}" });
        node.call("node.invoke.result", result).await;
    };
    let (said, ()) = tokio::join!(invoked, answered);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.document()["payload"]["bins"]["ls"], "/bin/ls");
    let refused = terminal.run(&["nodes", "invoke", "desk", "camera.snap"]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    terminal.done(&["nodes", "remove", "desk"]).await;
    assert_eq!(terminal.run(&["nodes", "describe", "desk"]).await.code, 1);
}
