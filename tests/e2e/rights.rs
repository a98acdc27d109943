//! What callers may do with the rights they have: method by method, and when rights are taken while
//! something is under way. S-numbers name the cases of the list of threats.

use harness::{
    Client, Connect, Gateway, Identity, Incoming, Options, Socket, client::WireError,
    gateway::TOKEN, http, libraries::root,
};
use serde_json::{Value, json};
use std::fs;

/// Each method of the published schema with its role and scope.
fn published() -> Vec<(String, String, String)> {
    let text = fs::read_to_string(root().join("schemas/protocol.schema.json"));
    let schema: Value = serde_json::from_str(&text.expect("it is committed")).expect("it is JSON");
    let text = |method: &Value, name: &str| method[name].as_str().unwrap_or_default().to_owned();
    let methods = schema["methods"].as_object().expect("methods by name").iter();
    methods.map(|(name, m)| (name.clone(), text(m, "role"), text(m, "scope"))).collect()
}

/// S11: the shared secret alone gives no scopes elsewhere than on the command line, and each method
/// asks for its scope before it looks at anything else.
#[tokio::test]
async fn s11_every_method_asks_for_its_role_and_scope_first() {
    let gateway = Gateway::start(Options::default()).await;
    let probe = Connect::cli().client("cli", "probe").open(gateway.port).await;
    let mut nobody = probe.expect("the secret is right");
    assert_eq!(nobody.hello["auth"]["scopes"], json!([]));
    let node = Connect::device(&Identity::number(1)).client("node-host", "node").scopes(&[]);
    let node = node.with("role", json!("node")).open(gateway.port).await;
    let mut node = node.expect("a local node is let in");
    let methods = published();
    assert!(methods.len() > 100, "{methods:?}");
    for (method, role, scope) in &methods {
        let params = json!({"play": true});
        let error = nobody.try_call(method, params.clone()).await.err();
        match (role.as_str(), scope.as_str()) {
            ("any", _) => assert_eq!(error, None, "{method}"),
            ("node", _) => {
                let error = error.expect("nodes only");
                assert_eq!(error.message, "unauthorized role: operator", "{method}");
                nobody.call("health", json!({})).await;
            }
            (_, scope) => {
                let error = error.unwrap_or_else(|| panic!("{method} needs {scope}"));
                assert_eq!(error.code, "FORBIDDEN", "{method}: {error:?}");
                assert_eq!(error.details["code"], "MISSING_SCOPE", "{method}");
                if scope.starts_with("operator.") {
                    assert_eq!(error.details["missingScope"], *scope, "{method}");
                }
            }
        }
        if role == "operator" {
            let error = node.refused(method, params).await;
            assert_eq!(error.message, "unauthorized role: node", "{method}");
            node.call("health", json!({})).await;
        }
    }
    // Another scope than the one that is asked for is worth nothing.
    for held in ["operator.read", "operator.write", "operator.pairing", "operator.approvals"] {
        let mut caller = Connect::cli().scopes(&[held]).open(gateway.port).await.expect("it may");
        for (method, _, scope) in &methods {
            if scope == "operator.admin" {
                let error = caller.refused(method, json!({"play": true})).await;
                assert_eq!(error.message, "missing scope: operator.admin", "{held}: {method}");
            }
        }
    }
}

/// S11: an unpaired device that is not here waits for a person, whatever it claims.
/// S13: a node gets neither scopes nor what only operators hear.
#[tokio::test]
async fn s13_a_node_that_asks_for_an_operators_rights_gets_none() {
    let gateway = Gateway::start(Options::default()).await;
    let mut admin = gateway.client().await;
    let node = Connect::device(&Identity::number(1))
        .client("node-host", "node")
        .scopes(&["operator.admin", "operator.approvals", "operator.pairing"])
        .with("role", json!("node"));
    let mut node = node.open(gateway.port).await.expect("a local node is let in");
    assert_eq!(node.hello["auth"]["scopes"], json!([]));
    let ask = json!({"id": "a-1", "command": "ls", "twoPhase": true, "timeoutMs": 60_000});
    admin.call("exec.approval.request", ask).await;
    admin.call("sessions.subscribe", json!({})).await;
    let said = json!({"sessionKey": "main", "message": "hello", "idempotencyKey": "k"});
    admin.call("chat.send", said).await;
    admin.event(|e| e.name == "chat" && e.payload["state"] == "final").await;
    node.call("health", json!({})).await;
    let heard: Vec<String> = node.take_events().into_iter().map(|event| event.name).collect();
    let public = ["health", "tick", "presence", "shutdown"];
    let theirs = ["node.", "voicewake."];
    let meant = |name: &String| {
        public.contains(&name.as_str()) || theirs.iter().any(|family| name.starts_with(family))
    };
    let extra: Vec<_> = heard.iter().filter(|name| !meant(name)).collect();
    assert!(extra.is_empty(), "a node hears {extra:?}");
}

/// S15: what one connection signed is worth nothing on another.
#[tokio::test]
async fn s15_a_proof_is_for_one_connection() {
    let gateway = Gateway::start(Options::default()).await;
    let mut first = Socket::open(gateway.port).await;
    let challenge = first.frame().await["payload"].clone();
    let (nonce, ts) = (challenge["nonce"].as_str().unwrap(), challenge["ts"].as_u64().unwrap());
    let params = Connect::device(&Identity::number(1)).params(nonce, ts);
    let request = json!({"type": "req", "id": "c", "method": "connect", "params": params});
    first.send(&request).await;
    assert_eq!(first.frame().await["ok"], true);
    let mut second = Socket::open(gateway.port).await;
    second.frame().await;
    second.send(&request).await;
    let error = WireError::read(&second.frame().await);
    assert_eq!(error.details["code"], "DEVICE_AUTH_NONCE_MISMATCH");
}

/// S17: a changed secret ends every connection that came in by the former one.
#[tokio::test]
async fn s17_a_rotated_secret_ends_a_hundred_connections_at_once() {
    let settings =
        |token: &str| format!("[gateway]\nauth = {{ mode = \"token\", token = \"{token}\" }}\n");
    let gateway = Gateway::start(Options::default().only_config(&settings(TOKEN))).await;
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..100 {
        clients.push(Connect::cli().open(gateway.port).await.expect("the secret is right"));
    }
    let bearer = format!("Bearer {TOKEN}");
    let metrics = async |bearer: &str| {
        http::get(gateway.port, "/metrics", &[("Authorization", bearer)]).await.status
    };
    assert_eq!(metrics(&bearer).await, 200);
    let new = "another secret that is long enough";
    fs::write(gateway.home().join("jackfield.toml"), settings(new)).expect("the file is ours");
    for client in &mut clients {
        assert!(matches!(client.end().await, Incoming::Closed { code: 1012, .. }));
    }
    let opens =
        async || Connect::cli().auth(json!({"token": new})).open(gateway.port).await.ok().map(drop);
    harness::eventually("the new secret opens", opens).await;
    let refusal = Connect::cli().open(gateway.port).await.err().expect("the former is void");
    assert_eq!(refusal.error.expect("it is told").details["code"], "AUTH_TOKEN_MISMATCH");
    assert_eq!(metrics(&bearer).await, 401);
    assert_eq!(metrics(&format!("Bearer {new}")).await, 200);
}

/// S18: what a device still waits for ends, and what it sends once it is removed is not carried out.
#[tokio::test]
async fn s18_what_is_under_way_ends_with_the_rights() {
    let gateway = Gateway::start(Options::default()).await;
    let mut admin = gateway.client().await;
    let me = Identity::number(1);
    let scopes = ["operator.admin", "operator.read", "operator.write", "operator.approvals"];
    let device = Connect::device(&me).scopes(&scopes);
    let mut other = device.open(gateway.port).await.expect("a local device is let in");
    let ask = json!({"id": "a-1", "command": "ls", "timeoutMs": 60_000});
    other.request("exec.approval.request", ask).await;
    admin.event(|event| event.name == "exec.approval.requested").await;
    admin.call("device.pair.remove", json!({"deviceId": me.device_id()})).await;
    let removed = Incoming::Closed { code: 4001, reason: "device removed".to_owned() };
    assert_eq!(other.end().await, removed);

    let mut own = device.open(gateway.port).await.expect("a local device is let in again");
    admin.call("device.pair.remove", json!({"deviceId": me.device_id()})).await;
    // Its connection may still be open for a moment; nothing that comes on it counts any more.
    for n in 0..20 {
        let said =
            json!({"sessionKey": "main", "message": "too late", "idempotencyKey": n.to_string()});
        own.request("chat.send", said).await;
    }
    assert!(matches!(own.end().await, Incoming::Closed { code: 4001, .. } | Incoming::Gone));
    let history = admin.call("chat.history", json!({"sessionKey": "main"})).await;
    assert!(!history.to_string().contains("too late"), "{history}");
}
