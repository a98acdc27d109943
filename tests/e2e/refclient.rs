//! The reference client that the protocol's authors publish, unchanged, against this gateway.

use harness::{Gateway, Options, gateway::TOKEN, node};
use serde_json::{Value, json};

#[tokio::test]
async fn it_connects_asks_and_hears_everything() {
    let gateway = Gateway::start(Options::default()).await;
    let url = format!("ws://127.0.0.1:{}", gateway.port);
    let told = node::run("refclient.mjs", &[&url, TOKEN]).await;

    assert_eq!(told["hello"]["protocol"], 4, "{told}");
    assert_eq!(told["health"]["ok"], true, "{told}");
    assert_eq!(told["accepted"], "accepted", "{told}");
    assert_eq!(told["run"]["status"], "ok", "{told}");
    let reply = told["run"]["result"]["payloads"][0]["text"].as_str();
    assert!(reply.is_some_and(|text| text.contains("hello from the reference client")), "{told}");
    assert_eq!(told["gaps"], json!([]), "no event was skipped");
    for event in ["agent", "chat"] {
        assert!(told["events"][event].as_u64() > Some(0), "{event} events came: {told}");
    }
    assert_eq!(told["chatEnd"], "final", "{told}");
    assert!(told["device"]["token"].as_bool() == Some(true), "{told}");
    assert_eq!(told["unknown"]["code"], "INVALID_REQUEST", "{told}");
    assert_eq!(told["errors"], Value::Array(Vec::new()), "{told}");
}
