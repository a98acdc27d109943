//! Nodes: what they offer waits for a person, what is approved runs, and everybody is told.

use harness::{Client, Connect, Gateway, Identity, Options};
use serde_json::{Value, json};

fn node(number: u8, commands: &[&str]) -> Connect {
    let client = json!({
        "id": "node-host", "mode": "node", "version": "1.0.0", "platform": "linux",
        "deviceFamily": "Linux", "displayName": "Box",
    });
    Connect::device(&Identity::number(number))
        .with("client", client)
        .scopes(&[])
        .with("role", json!("node"))
        .with("caps", json!(["system"]))
        .with("commands", json!(commands))
}

fn invoke(number: u8, command: &str) -> Value {
    json!({
        "nodeId": Identity::number(number).device_id(), "command": command,
        "params": { "bins": ["ls"] }, "timeoutMs": 15_000, "idempotencyKey": "play",
    })
}

/// Connects a node and approves what it offers.
async fn approved(gateway: &Gateway, admin: &mut Client, commands: &[&str]) -> Client {
    let client = node(1, commands).open(gateway.port).await.expect("local nodes are let in");
    let event = admin.event(|event| event.name == "node.pair.requested").await;
    let request = json!({ "requestId": event.payload["requestId"] });
    admin.call("node.pair.approve", request).await;
    client
}

#[tokio::test]
async fn what_a_node_offers_waits_for_a_person() {
    let gateway = Gateway::start(Options::default()).await;
    let mut admin = gateway.client().await;
    let commands = ["system.which", "system.run", "camera.snap", "worker.launch.v1"];
    let mut box_ = node(1, &commands).open(gateway.port).await.expect("local nodes are let in");
    let event = admin.event(|event| event.name == "node.pair.requested").await;
    assert_eq!(
        event.payload["commands"],
        json!(["system.run", "system.which"]),
        "the lists cut it"
    );
    assert_eq!(
        event.payload["requiredApproveScopes"],
        json!(["operator.pairing", "operator.admin"])
    );

    let list = admin.call("node.list", json!({})).await;
    let row = &list["nodes"][0];
    assert_eq!((&row["approvalState"], &row["commands"]), (&json!("pending-approval"), &json!([])));
    assert_eq!(row["connected"], true, "{row}");
    let error = admin.refused("node.invoke", invoke(1, "system.which")).await;
    assert!(error.message.contains("pending approval"), "{error:?}");
    let stats = json!({ "event": "node.host.stats", "payloadJSON": "{\"cpuCount\":2}" });
    let error = box_.refused("node.event", stats.clone()).await;
    assert_eq!(
        (error.code.as_str(), &error.details["code"]),
        ("UNAVAILABLE", &json!("PAIRING_CHANGED"))
    );
    let error = box_.refused("node.runnerInventory.update", json!({})).await;
    assert!(error.message.contains("awaiting operator approval"), "{error:?}");

    let request = json!({ "requestId": event.payload["requestId"] });
    let scopes = ["operator.pairing", "operator.write"];
    let mut clerk =
        Connect::cli().scopes(&scopes).open(gateway.port).await.expect("a right secret");
    let error = clerk.refused("node.pair.approve", request.clone()).await;
    assert_eq!(error.message, "missing scope: operator.admin");
    admin.call("node.pair.approve", request.clone()).await;
    let told = box_.event(|event| event.name == "node.pair.resolved").await;
    assert_eq!((&told.payload["decision"], told.seq), (&json!("approved"), None));
    let error = admin.refused("node.pair.approve", request).await;
    assert_eq!(error.message, "unknown requestId");

    let answer = box_.call("node.event", stats).await;
    assert_eq!((&answer["handled"], &answer["reason"]), (&json!(true), &json!("updated")));
    let event = admin.event(|event| event.name == "node.hostStats").await;
    assert_eq!(event.payload["hostStats"]["cpuCount"], 2);
}

#[tokio::test]
async fn a_command_finds_its_answer() {
    let gateway = Gateway::start(Options::default()).await;
    let mut admin = gateway.client().await;
    let mut box_ = approved(&gateway, &mut admin, &["system.which"]).await;
    let call = admin.request("node.invoke", invoke(1, "system.which")).await;
    let request = box_.event(|event| event.name == "node.invoke.request").await;
    assert_eq!(
        (request.seq, &request.payload["paramsJSON"]),
        (None, &json!("{\"bins\":[\"ls\"]}"))
    );
    assert_eq!(request.payload["idempotencyKey"], "play");
    let result = json!({
        "id": request.payload["id"], "nodeId": Identity::number(1).device_id(), "ok": true,
        "payloadJSON": "{\"bins\":{\"ls\":\"/bin/ls\"}}",
    });
    assert_eq!(box_.call("node.invoke.result", result.clone()).await, json!({ "ok": true }));
    let answer = admin.response(&call).await.expect("the node answered");
    assert_eq!(answer["payload"]["bins"]["ls"], "/bin/ls");
    let late = box_.call("node.invoke.result", result).await;
    assert_eq!(late, json!({ "ok": true, "ignored": true }));

    let call = admin.request("node.invoke", invoke(1, "system.which")).await;
    let request = box_.event(|event| event.name == "node.invoke.request").await;
    let refusal = json!({
        "id": request.payload["id"], "nodeId": Identity::number(1).device_id(), "ok": false,
        "error": { "code": "NO_SUCH", "message": "not here" },
    });
    box_.call("node.invoke.result", refusal).await;
    let error = admin.response(&call).await.expect_err("the node refused");
    assert_eq!((error.code.as_str(), error.message.as_str()), ("UNAVAILABLE", "NO_SUCH: not here"));
    assert_eq!(error.details["nodeError"]["code"], "NO_SUCH");

    let call = admin.request("node.invoke", invoke(1, "system.which")).await;
    box_.event(|event| event.name == "node.invoke.request").await;
    box_.close().await;
    let error = admin.response(&call).await.expect_err("the node is gone");
    assert_eq!(error.message, "DISCONNECTED: node disconnected (system.which)");
}

#[tokio::test]
async fn a_command_that_cannot_run_says_why() {
    let gateway = Gateway::start(Options::default()).await;
    let mut admin = gateway.client().await;
    let mut box_ = approved(&gateway, &mut admin, &["system.which"]).await;
    for (command, code, text) in [
        ("camera.snap", "INVALID_REQUEST", "requires explicit gateway.nodes.commands.allow opt-in"),
        ("contacts.search", "INVALID_REQUEST", "is not in the allowlist for platform \"linux\""),
        ("system.run", "INVALID_REQUEST", "does not support \"system.run\""),
        ("system.execApprovals.get", "INVALID_REQUEST", "use exec.approvals.node.*"),
        ("worker.launch.v1", "INVALID_REQUEST", "private node controls"),
    ] {
        let error = admin.refused("node.invoke", invoke(1, command)).await;
        assert_eq!(error.code, code, "{command}: {error:?}");
        assert!(error.message.contains(text), "{command}: {error:?}");
    }
    let error = admin.refused("node.invoke", invoke(9, "system.which")).await;
    assert_eq!(
        (error.code.as_str(), &error.details["code"]),
        ("UNAVAILABLE", &json!("PAIRING_CHANGED"))
    );
    let mut slow = invoke(1, "system.which");
    slow["timeoutMs"] = json!(50);
    let error = admin.refused("node.invoke", slow).await;
    assert_eq!(error.message, "TIMEOUT: node invoke timed out");
    box_.event(|event| event.name == "node.invoke.cancel").await;
    let mut writer = Connect::cli()
        .scopes(&["operator.write"])
        .open(gateway.port)
        .await
        .expect("a right secret");
    let error = writer.refused("node.invoke", invoke(1, "fs.listDir")).await;
    assert_eq!(error.message, "missing scope: operator.admin");
    box_.close().await;
    harness::eventually("the node is seen to be gone", async || {
        let list = admin.call("node.list", json!({})).await;
        (list["nodes"][0]["connected"] == false).then_some(())
    })
    .await;
    let error = admin.refused("node.invoke", invoke(1, "system.which")).await;
    assert_eq!(
        (error.message.as_str(), &error.details["code"]),
        ("node not connected", &json!("NOT_CONNECTED"))
    );
}

#[tokio::test]
async fn an_approval_outlives_a_restart_and_a_removal_ends_it() {
    let mut gateway = Gateway::start(Options::default()).await;
    let mut admin = gateway.client().await;
    let id = Identity::number(1).device_id();
    approved(&gateway, &mut admin, &["system.which"]).await.close().await;
    admin.call("node.rename", json!({ "nodeId": id, "displayName": "Den" })).await;
    gateway.restart().await;
    let mut admin = gateway.client().await;
    let mut box_ = node(1, &["system.which"]).open(gateway.port).await.expect("it is known");
    let row = admin.call("node.describe", json!({ "nodeId": id })).await;
    assert_eq!((&row["approvalState"], &row["displayName"]), (&json!("approved"), &json!("Den")));
    assert_eq!(row["commands"], json!(["system.which"]));

    admin.call("node.pair.remove", json!({ "nodeId": id })).await;
    let end = box_.end().await;
    assert!(matches!(end, harness::Incoming::Closed { code: 4001, .. }), "{end:?}");
    let event = admin.event(|event| event.name == "node.pair.resolved").await;
    assert_eq!(
        (&event.payload["decision"], &event.payload["requestId"]),
        (&json!("removed"), &json!(""))
    );
    let error = admin.refused("node.describe", json!({ "nodeId": id })).await;
    assert_eq!(error.message, "unknown nodeId");
}

#[tokio::test]
async fn a_node_hears_the_conversation_it_follows_and_its_notes() {
    let gateway = Gateway::start(Options::default()).await;
    let mut admin = gateway.client().await;
    let mut box_ = approved(&gateway, &mut admin, &["system.which"]).await;
    box_.event(|event| event.name == "voicewake.changed" && event.seq.is_none()).await;
    let follow = json!({ "event": "chat.subscribe", "payload": { "sessionKey": "main" } });
    assert_eq!(box_.call("node.event", follow).await, json!({ "ok": true }));
    let said = json!({ "sessionKey": "main", "message": "hello", "idempotencyKey": "play-1" });
    admin.call("chat.send", said).await;
    box_.event(|event| event.name == "chat" && event.payload["state"] == "final").await;

    let unknown = box_.call("node.event", json!({ "event": "made.up" })).await;
    assert_eq!(
        (&unknown["handled"], &unknown["reason"]),
        (&json!(false), &json!("unsupported_event"))
    );
    let note = json!({ "nodeId": Identity::number(1).device_id(), "type": "location.request" });
    let left = admin.call("node.pending.enqueue", note).await;
    let drained = box_.call("node.pending.drain", json!({})).await;
    assert_eq!(drained["items"][0]["id"], left["queued"]["id"]);
    assert_eq!(drained["items"][1]["id"], "baseline-status");
    let error = admin.refused("node.pending.drain", json!({})).await;
    assert_eq!(error.message, "unauthorized role: operator");
    let error = box_.refused("node.list", json!({})).await;
    assert_eq!(error.message, "unauthorized role: node");
}

#[tokio::test]
async fn an_old_node_is_understood() {
    let gateway = Gateway::start(Options::default()).await;
    let mut admin = gateway.client().await;
    let client = json!({
        "id": "node-host", "mode": "node", "version": "2026.1.0", "platform": "darwin",
    });
    let old = node(2, &["system.run"]).with("client", client);
    let old = old.with("minProtocol", json!(3)).with("maxProtocol", json!(3));
    let hello = old.open(gateway.port).await.expect("one version back is allowed").hello;
    assert_eq!(hello["protocol"], 4);
    let list = admin.call("node.list", json!({})).await;
    let row = &list["nodes"][0];
    assert_eq!((&row["platform"], &row["deviceFamily"]), (&json!("macos"), &json!("Mac")));
    assert_eq!(row["pendingDeclaredCommands"], json!(["system.run"]));
}

/// A node of the version before, as it stands in the field: protocol 3, its system named after its
/// build, no kind of device.
#[tokio::test]
async fn a_node_of_the_version_before_is_paired_and_asked_in_todays_words() {
    let gateway = Gateway::start(Options::default()).await;
    let mut admin = gateway.client().await;
    let client =
        json!({"id": "node-host", "mode": "node", "version": "2026.1.30", "platform": "darwin"});
    let old = |min: u32, max: u32| {
        let node = node(1, &["system.which"]).with("client", client.clone());
        node.with("caps", json!(["system", "canvas"]))
            .with("minProtocol", json!(min))
            .with("maxProtocol", json!(max))
    };
    for (min, max) in [(2, 2), (1, 2), (5, 5)] {
        let refusal = old(min, max).open(gateway.port).await.err().expect("that is too far off");
        let error = refusal.error.expect("it is told why");
        assert_eq!(error.details["code"], "PROTOCOL_MISMATCH", "{min} to {max}");
    }
    let mut box_ = old(3, 3).open(gateway.port).await.expect("one version back is let in");
    assert_eq!(box_.hello["protocol"], 4, "the hello is today's");
    assert!(box_.hello.get("pluginSurfaceUrls").is_none(), "{}", box_.hello);
    let asked = admin.event(|event| event.name == "node.pair.requested").await.payload;
    admin.call("node.pair.approve", json!({"requestId": asked["requestId"]})).await;
    let row = admin.call("node.list", json!({})).await["nodes"][0].clone();
    assert_eq!((&row["platform"], &row["deviceFamily"]), (&json!("macos"), &json!("Mac")), "{row}");

    let asking = admin.request("node.invoke", invoke(1, "system.which")).await;
    let asked = box_.event(|event| event.name == "node.invoke.request").await.payload;
    assert_eq!((&asked["command"], &asked["nodeId"]), (&json!("system.which"), &row["nodeId"]));
    let answer = json!({
        "id": asked["id"], "nodeId": asked["nodeId"], "ok": true, "payloadJSON": "{\"bins\":{}}",
    });
    box_.call("node.invoke.result", answer).await;
    let came = admin.response(&asking).await.expect("the node answered");
    assert_eq!(came["ok"], true, "{came}");

    let token = json!({"deviceToken": box_.hello["auth"]["deviceToken"]});
    box_.close().await;
    let again = old(3, 3).auth(token).open(gateway.port).await.expect("it comes back by its token");
    assert_eq!(again.hello["auth"]["method"], "device-token");
    let operator = Connect::cli().with("minProtocol", json!(3)).with("maxProtocol", json!(3));
    assert!(operator.open(gateway.port).await.is_err(), "only nodes may lag behind");
}
