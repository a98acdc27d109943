//! Devices: approved and refused by people, bounded in what they may grant, cut off at once.

use harness::{
    Client, Connect, Gateway, Identity, Incoming, Options, Terminal, connect::Refusal,
    gateway::TOKEN,
};
use serde_json::{Value, json};

const PAIRING: &str = "operator.pairing";

fn device(number: u8, scopes: &[&str]) -> Connect {
    Connect::device(&Identity::number(number)).scopes(scopes)
}

/// The same device, as a node: it needs a person's word, even on this machine.
fn as_node(number: u8) -> Connect {
    Connect::device(&Identity::number(number))
        .client("node-host", "node")
        .scopes(&[])
        .with("role", json!("node"))
}

fn waiting(refused: Result<Client, Refusal>) -> String {
    let error = refused.err().expect("a person must approve").error.expect("it is told why");
    assert_eq!(
        (error.code.as_str(), &error.details["code"]),
        ("NOT_PAIRED", &json!("PAIRING_REQUIRED"))
    );
    error.details["requestId"].as_str().expect("the request has an id").to_owned()
}

fn cut() -> Incoming {
    Incoming::Closed { code: 4001, reason: "device removed".to_owned() }
}

#[tokio::test]
async fn a_request_is_announced_approved_and_lets_the_device_in() {
    let gateway = Gateway::start(Options::default()).await;
    let mut admin = gateway.client().await;
    device(1, &["operator.read"]).open(gateway.port).await.expect("local devices are let in");
    let request = waiting(as_node(1).open(gateway.port).await);
    let event = admin.event(|event| event.name == "device.pair.requested").await;
    assert_eq!(event.payload["requestId"], request.as_str());

    let list = admin.call("device.pair.list", json!({})).await;
    assert_eq!(list["pending"][0]["requestId"], request.as_str());
    assert_eq!(list["pending"][0]["isRepair"], true, "{list}");
    assert!(!list.to_string().contains("\"hash\""), "no secret is listed: {list}");

    let approved = admin.call("device.pair.approve", json!({ "requestId": request })).await;
    assert_eq!(approved["device"]["roles"], json!(["operator", "node"]));
    let event = admin.event(|event| event.name == "device.pair.resolved").await;
    assert_eq!(event.payload["decision"], "approved");
    let _node = as_node(1).open(gateway.port).await.expect("it is approved now");
    let list = admin.call("device.pair.list", json!({})).await;
    assert_eq!(
        (list["pending"].as_array().map(Vec::len), &list["paired"][0]["connected"]),
        (Some(0), &json!(true))
    );
}

#[tokio::test]
async fn who_may_pair_may_not_make_nodes_or_grant_more_than_it_holds() {
    let gateway = Gateway::start(Options::default()).await;
    let first = device(1, &["operator.read"]).open(gateway.port).await.expect("it is local");
    let token = first.hello["auth"]["deviceToken"].clone();
    let node = waiting(as_node(1).open(gateway.port).await);
    let mut clerk =
        Connect::cli().scopes(&[PAIRING]).open(gateway.port).await.expect("the secret is right");
    let error = clerk.refused("device.pair.approve", json!({ "requestId": node })).await;
    assert_eq!(error.message, "device pairing approval denied");
    let error = clerk.refused("device.pair.approve", json!({ "requestId": "no such" })).await;
    assert_eq!(error.message, "device pairing approval denied");
    clerk.call("device.pair.reject", json!({ "requestId": node })).await;
    let error = clerk.refused("device.pair.reject", json!({ "requestId": node })).await;
    assert_eq!(error.message, "unknown requestId");

    let params = json!({ "deviceId": Identity::number(1).device_id(), "role": "operator" });
    for (method, text) in [
        ("device.token.rotate", "device token rotation denied"),
        ("device.token.revoke", "device token revocation denied"),
    ] {
        let error = clerk.refused(method, params.clone()).await;
        assert_eq!((error.code.as_str(), error.message.as_str()), ("INVALID_REQUEST", text));
    }
    let still = device(1, &["operator.read"]).auth(json!({ "deviceToken": token }));
    still.open(gateway.port).await.expect("nothing was taken from it");
}

#[tokio::test]
async fn a_device_sees_and_decides_about_itself_alone() {
    let gateway = Gateway::start(Options::default()).await;
    let own = [PAIRING, "operator.read"];
    let first = device(1, &own).open(gateway.port).await.expect("it is local");
    device(2, &["operator.read"])
        .client("cli", "ui")
        .open(gateway.port)
        .await
        .expect("it is local");
    let auth = json!({ "deviceToken": first.hello["auth"]["deviceToken"] });
    let mut client =
        device(1, &own).auth(auth).open(gateway.port).await.expect("its token is good");
    let list = client.call("device.pair.list", json!({})).await;
    assert_eq!(list["paired"].as_array().map(Vec::len), Some(1), "{list}");
    let other = Identity::number(2).device_id();
    for (method, params, text) in [
        ("device.pair.remove", json!({ "deviceId": other }), "device pairing removal denied"),
        (
            "device.pair.rename",
            json!({ "deviceId": other, "label": "x" }),
            "device pairing rename denied",
        ),
        (
            "device.token.rotate",
            json!({ "deviceId": other, "role": "operator" }),
            "device token rotation denied",
        ),
    ] {
        assert_eq!(client.refused(method, params).await.message, text);
    }

    let own = Identity::number(1).device_id();
    let rotated = client
        .call(
            "device.token.rotate",
            json!({ "deviceId": own, "role": "operator", "scopes": ["operator.read"] }),
        )
        .await;
    assert_eq!(rotated["tokenDelivery"], "in-band");
    assert_eq!(client.end().await, cut(), "the old token's connections end");
    let fresh = json!({ "deviceToken": rotated["token"] });
    let narrow = device(1, &["operator.read"]).auth(fresh.clone());
    let hello = narrow.open(gateway.port).await.expect("the new token is good").hello;
    assert_eq!(hello["auth"]["deviceToken"], rotated["token"], "a narrowed token stays narrow");
    let refusal = device(1, &[PAIRING]).auth(fresh).open(gateway.port).await.err();
    let details = refusal.expect("it lost that scope").error.expect("it is told why").details;
    assert_eq!(details["code"], "AUTH_SCOPE_MISMATCH");
}

#[tokio::test]
async fn what_is_taken_from_a_device_closes_its_connections_at_once() {
    let gateway = Gateway::start(Options::default()).await;
    let mut admin = gateway.client().await;
    let id = Identity::number(1).device_id();
    for (method, params) in [
        ("device.token.rotate", json!({ "deviceId": id, "role": "operator" })),
        ("device.token.revoke", json!({ "deviceId": id, "role": "operator" })),
        ("device.pair.remove", json!({ "deviceId": id })),
    ] {
        let connect = device(1, &["operator.read"]);
        let mut client = connect.open(gateway.port).await.expect("the shared secret is right");
        let token = client.hello["auth"]["deviceToken"].clone();
        let answer = admin.call(method, params).await;
        assert!(answer.get("token").is_none(), "a secret is told to its device alone: {answer}");
        assert_eq!(client.end().await, cut(), "{method}");
        let late = connect.auth(json!({ "deviceToken": token })).open(gateway.port).await;
        let error = late.err().expect("the old token is void").error.expect("it is told why");
        assert_eq!(error.details["code"], "AUTH_DEVICE_TOKEN_MISMATCH", "{method}");
    }
    let error = admin.refused("device.pair.remove", json!({ "deviceId": id })).await;
    assert_eq!(error.message, "unknown deviceId");
}

#[tokio::test]
async fn a_connected_device_asks_for_more_and_waits_for_the_answer() {
    let gateway = Gateway::start(Options::default()).await;
    let mut admin = gateway.client().await;
    let mut client = device(1, &["operator.read"]).open(gateway.port).await.expect("it is local");
    let error = client
        .refused("device.scopes.requestUpgrade", json!({ "scopes": ["operator.pairing"] }))
        .await;
    assert_eq!(error.message, "requested scopes must include the connection's current scopes");
    for (decision, status) in [("reject", "rejected"), ("approve", "approved")] {
        let scopes = json!({ "scopes": ["operator.read", "operator.write"] });
        let asked = client.call("device.scopes.requestUpgrade", scopes).await;
        let wait = client.request("device.scopes.waitUpgrade", asked.clone()).await;
        admin.call(&format!("device.pair.{decision}"), asked).await;
        let answer = client.response(&wait).await.expect("it waited for this");
        assert_eq!(answer["status"], status, "{answer}");
        if status == "approved" {
            let auth = json!({ "deviceToken": answer["deviceToken"] });
            let more = device(1, &["operator.read", "operator.write"]).auth(auth);
            more.open(gateway.port).await.expect("the new token holds more");
        }
    }
    let unknown = json!({ "requestId": "no such" });
    let error = client.refused("device.scopes.waitUpgrade", unknown).await;
    assert_eq!(error.message, "scope upgrade expired or not found");
}

#[tokio::test]
async fn a_setup_code_lets_one_device_in_once() {
    let gateway = Gateway::start(Options::default()).await;
    let mut admin = gateway.client().await;
    let error = admin.refused("device.pair.setupCode", json!({})).await;
    assert!(error.message.starts_with("Gateway is only bound to loopback."), "{error:?}");
    let params = json!({ "publicUrl": "https://gate.example", "bootstrapProfile": "node" });
    let code = admin.call("device.pair.setupCode", params).await;
    assert_eq!(
        (&code["gatewayUrl"], &code["access"]),
        (&json!("wss://gate.example"), &json!("node"))
    );
    assert!(!code.to_string().contains(TOKEN), "the shared secret is in no code");
    let secret = bootstrap_token(&code);
    let status = json!({ "setupId": code["setupId"] });
    assert_eq!(admin.call("device.pair.setupStatus", status.clone()).await, json!({}));

    let auth = json!({ "bootstrapToken": secret });
    let by_code =
        |number| as_node(number).auth(auth.clone()).with("commands", json!(["camera.list"]));
    let operator = device(3, &["operator.read"]).auth(auth.clone());
    assert!(operator.open(gateway.port).await.is_err(), "the code is for a node");
    let first = by_code(1).open(gateway.port).await.expect("the code is fresh");
    assert_eq!(first.hello["auth"]["method"], "bootstrap-token");
    let event = admin.event(|event| event.name == "device.pair.setup.completed").await;
    assert_eq!(event.payload["setupId"], code["setupId"]);
    let second = by_code(2).open(gateway.port).await.err().expect("a code works once");
    let details = second.error.expect("it is told why").details;
    assert_eq!(details["code"], "AUTH_BOOTSTRAP_TOKEN_INVALID");
    let status = admin.call("device.pair.setupStatus", status).await;
    assert_eq!(status["completion"]["deviceId"], Identity::number(1).device_id());
    let nodes = admin.call("node.list", json!({})).await;
    assert_eq!(nodes["nodes"][0]["approvalState"], "approved", "{nodes}");
}

#[tokio::test]
async fn a_code_shown_in_the_terminal_pairs_a_device() {
    let gateway = Gateway::start(Options::default()).await;
    let terminal = Terminal::beside(&gateway);
    let unreachable = terminal.run(&["qr"]).await;
    assert_eq!(unreachable.code, 1, "{}", unreachable.out);
    assert!(unreachable.err.contains("only bound to loopback"), "{}", unreachable.err);
    assert!(unreachable.err.contains("jackfield qr --public-url"), "{}", unreachable.err);
    let words = ["qr", "--public-url", "https://gate.example", "--profile", "node"];
    let page = terminal.done(&words).await;
    assert!(page.contains('█') && page.contains("wss://gate.example"), "{page}");
    let code = terminal.document(&words).await;
    let auth = json!({ "bootstrapToken": bootstrap_token(&code) });
    let node = as_node(1).auth(auth).open(gateway.port).await.expect("the code is fresh");
    assert_eq!(node.hello["auth"]["method"], "bootstrap-token");
}

fn bootstrap_token(code: &Value) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let text = code["setupCode"].as_str().expect("a code is text");
    let body = URL_SAFE_NO_PAD.decode(text).expect("a code is base64url");
    let body: Value = serde_json::from_slice(&body).expect("a code holds JSON");
    body["bootstrapToken"].clone()
}
