//! Who may come in, and what they are greeted with. The refusals that need no more than frames are
//! transcripts; here is what needs keys, headers, sizes or two connections.

use harness::{Connect, Gateway, Identity, Incoming, Options, Proof, Socket, gateway::TOKEN};
use serde_json::{Value, json};

fn closed(code: u16, reason: &str) -> Incoming {
    Incoming::Closed { code, reason: reason.to_owned() }
}

fn scopes(hello: &Value) -> Vec<&str> {
    let scopes = hello["auth"]["scopes"].as_array().expect("hello names the scopes");
    scopes.iter().filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn the_greeting_has_what_every_client_depends_on() {
    let gateway = Gateway::start(Options::default()).await;
    let hello = gateway.client().await.hello;

    assert_eq!(hello["protocol"], 4);
    for text in ["/server/version", "/server/connId", "/auth/role"] {
        let value = hello.pointer(text).and_then(Value::as_str);
        assert!(value.is_some_and(|value| !value.is_empty()), "{text} of {hello}");
    }
    for number in ["maxPayload", "maxBufferedBytes", "tickIntervalMs"] {
        assert!(hello["policy"][number].as_u64().is_some_and(|n| n > 0), "{number} of {hello}");
    }
    assert!(hello["snapshot"]["health"].is_object(), "{hello}");
    assert!(hello["snapshot"]["uptimeMs"].is_u64(), "{hello}");
    assert!(hello["snapshot"]["stateVersion"]["presence"].is_u64(), "{hello}");
    assert_eq!(hello["snapshot"]["presence"][0]["mode"], "gateway", "{hello}");
    let methods = hello["features"]["methods"].as_array().expect("methods is a list");
    for method in [
        "agent",
        "agent.wait",
        "channels.status",
        "chat.abort",
        "chat.history",
        "chat.send",
        "health",
        "logs.tail",
        "plugins.list",
        "sessions.list",
        "status",
        "system-presence",
    ] {
        assert!(methods.iter().any(|known| known == method), "{method} is announced");
    }
    let events = hello["features"]["events"].as_array().expect("events is a list");
    for event in ["agent", "chat", "health", "presence", "shutdown", "tick"] {
        assert!(events.iter().any(|known| known == event), "{event} is announced");
    }
}

#[tokio::test]
async fn every_announced_method_is_one() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    let methods = client.hello["features"]["methods"].as_array().cloned().unwrap_or_default();
    for method in methods.iter().filter_map(Value::as_str) {
        if let Err(error) = client.try_call(method, json!({ "play": "no such parameter" })).await {
            assert!(
                !error.message.starts_with("unknown method"),
                "{method} is announced: {error:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_device_proves_itself_in_both_ways() {
    let gateway = Gateway::start(Options::default()).await;
    for (number, proof) in [(1, Proof::V3), (2, Proof::V2)] {
        let identity = Identity::number(number);
        let client = Connect::device(&identity).proof(proof).open(gateway.port).await;
        let hello = client.unwrap_or_else(|refusal| panic!("{proof:?}: {refusal:?}")).hello;
        let token = hello["auth"]["deviceToken"].as_str();
        assert!(token.is_some_and(|token| token.len() >= 32), "{proof:?}: {hello}");
        assert!(hello["auth"]["issuedAtMs"].is_u64(), "{proof:?}: {hello}");
        assert!(scopes(&hello).contains(&"operator.write"), "{proof:?}: {hello}");
    }
}

#[tokio::test]
async fn a_device_comes_back_with_its_own_token_alone() {
    let mut gateway = Gateway::start(Options::default()).await;
    let device = Connect::device(&Identity::number(1));
    let first = device.open(gateway.port).await.expect("the shared secret is right");
    let token = first.hello["auth"]["deviceToken"].clone();

    gateway.restart().await;
    for field in ["deviceToken", "token"] {
        let again = device.clone().auth(json!({ field: token })).open(gateway.port).await;
        let hello = again.unwrap_or_else(|refusal| panic!("as {field}: {refusal:?}")).hello;
        assert_eq!(hello["auth"]["method"], "device-token");
        assert_eq!(hello["auth"]["deviceToken"], token, "the token stays the same");
    }

    let stranger = Connect::device(&Identity::number(2)).auth(json!({ "deviceToken": token }));
    let refusal = stranger.open(gateway.port).await.err().expect("the token is another's");
    assert_eq!(
        refusal.error.expect("it is told why").details["code"],
        "AUTH_DEVICE_TOKEN_MISMATCH"
    );
}

#[tokio::test]
async fn the_secret_counts_as_token_and_as_password() {
    let gateway = Gateway::start(Options::default()).await;
    for field in ["token", "password"] {
        let connect = Connect::cli().auth(json!({ field: TOKEN }));
        let client = connect.open(gateway.port).await;
        let hello = client.unwrap_or_else(|refusal| panic!("as {field}: {refusal:?}")).hello;
        assert_eq!(hello["auth"]["method"], "token");
    }
}

#[tokio::test]
async fn without_a_device_only_the_command_line_keeps_its_scopes() {
    let gateway = Gateway::start(Options::default()).await;
    for (id, mode, keeps) in
        [("cli", "cli", true), ("gateway-client", "backend", true), ("cli", "probe", false)]
    {
        let mut client =
            Connect::cli().client(id, mode).open(gateway.port).await.expect("the secret is right");
        assert_eq!(!scopes(&client.hello).is_empty(), keeps, "{id}/{mode}: {}", client.hello);
        client.call("health", json!({})).await;
        let status = client.try_call("status", json!({})).await;
        assert_eq!(status.is_ok(), keeps, "{id}/{mode}: {status:?}");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_told_what_to_do_next() {
    let gateway = Gateway::start(Options::default()).await;
    let refused = |connect: Connect| async move {
        let refusal = connect.open(gateway.port).await.err().expect("the secret is wrong");
        let error = refusal.error.expect("a refusal is answered before the close");
        assert!(matches!(refusal.end, Incoming::Closed { code: 1008, .. }), "{:?}", refusal.end);
        error.details
    };
    let wrong = json!({ "token": "wrong" });

    let details = refused(Connect::cli().auth(wrong.clone())).await;
    assert_eq!(details["code"], "AUTH_TOKEN_MISMATCH");
    assert_eq!(details["authReason"], "token_mismatch");
    assert_eq!(details["canRetryWithDeviceToken"], false);
    assert_eq!(details["recommendedNextStep"], "update_auth_credentials");

    let details = refused(Connect::device(&Identity::number(1)).auth(wrong)).await;
    assert_eq!(details["code"], "AUTH_TOKEN_MISMATCH");
    assert_eq!(details["canRetryWithDeviceToken"], true);
    assert_eq!(details["recommendedNextStep"], "retry_with_device_token");
}

#[tokio::test]
async fn a_page_of_another_site_is_kept_out() {
    let gateway = Gateway::start(Options::default()).await;
    let own = format!("http://127.0.0.1:{}", gateway.port);
    for origin in [own.as_str(), "http://localhost:5173"] {
        let socket = Socket::try_open(gateway.port, &[("Origin", origin)]).await;
        let socket = socket.unwrap_or_else(|status| panic!("{origin}: HTTP {status}"));
        let client = Connect::cli().open_on(socket).await;
        assert!(client.is_ok(), "{origin}: {:?}", client.err());
    }
    let Ok(socket) = Socket::try_open(gateway.port, &[("Origin", "https://evil.example")]).await
    else {
        return; // Refusing the upgrade itself keeps the page out as well.
    };
    let refusal = Connect::cli().open_on(socket).await.err().expect("the origin is foreign");
    let error = refusal.error.expect("it is told why");
    assert_eq!(error.details["code"], "CONTROL_UI_ORIGIN_NOT_ALLOWED");
    assert!(matches!(refusal.end, Incoming::Closed { code: 1008, .. }), "{:?}", refusal.end);
}

#[tokio::test]
async fn a_frame_before_the_greeting_is_small() {
    let gateway = Gateway::start(Options::default()).await;
    let padded = |bytes: usize| {
        let connect = Connect::cli().with("userAgent", json!("x".repeat(bytes)));
        let port = gateway.port;
        async move { connect.open(port).await }
    };
    padded(60_000).await.expect("64 KiB are allowed");
    let refusal = padded(70_000).await.err().expect("more are not");
    assert_eq!(refusal.error, None, "too large to be read, so not answered");
    assert!(
        matches!(refusal.end, Incoming::Closed { code: 1009, .. } | Incoming::Gone),
        "{:?}",
        refusal.end
    );
}

#[tokio::test]
async fn who_says_nothing_is_dropped() {
    let gateway = Gateway::start(Options::default()).await;
    let mut socket = Socket::open(gateway.port).await;
    let challenge = socket.frame().await;
    assert_eq!(challenge["event"], "connect.challenge");
    assert_eq!(socket.next().await, closed(1000, ""), "after 15 seconds");
}

#[tokio::test]
async fn every_connection_gets_a_nonce_of_its_own() {
    let gateway = Gateway::start(Options::default()).await;
    let mut nonces = Vec::new();
    for _ in 0..3 {
        nonces.push(Socket::open(gateway.port).await.frame().await["payload"]["nonce"].clone());
    }
    assert!(nonces[0] != nonces[1] && nonces[1] != nonces[2] && nonces[0] != nonces[2]);
}
